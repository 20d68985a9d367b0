//! `keyferry policy emit`

mod files;

use std::collections::BTreeMap;

use keyferry_policy::documents::{Document, Kind};
use keyferry_policy::formats::{EmittedFile, Format, emit};
use keyferry_policy::lint::{DocumentKind, Severity, limits, size};
use keyferry_policy::{Documents, ReplicationPlan};
use serde::{Serialize, Serializer};

use super::plan;
use crate::args::EmitArgs;
use crate::commands::Invocation;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::write_all;

pub(super) fn run(invocation: &Invocation, arguments: &EmitArgs) -> Result<Exit, Failure> {
    let plan = plan::read(&arguments.plan, invocation.settings.profile.as_deref())?;
    if arguments.print_plan {
        let text = plan
            .to_toml()
            .map_err(|error| Failure::from_error(Exit::Failure, &error))?;
        invocation.terminal.print(text.trim_end())?;
        return Ok(Exit::Done);
    }
    warn_of_long_documents(invocation, &plan);
    let format = arguments.format.into();
    match &arguments.out {
        Some(folder) => {
            let emitted = emit(&plan, format);
            let written = files::write(folder, &emitted, arguments.force)?;
            for file in &written {
                invocation.terminal.say(file);
            }
            if !invocation.terminal.is_text() {
                invocation.terminal.json_list(&written)?;
            }
        }
        None => print(invocation, &plan, format)?,
    }
    Ok(Exit::Done)
}

fn print(invocation: &Invocation, plan: &ReplicationPlan, format: Format) -> Result<(), Failure> {
    if format == Format::Json {
        return invocation.terminal.json(&ByName(&Documents::of(plan)));
    }
    let emitted = emit(plan, format);
    if !invocation.terminal.is_text() {
        let texts: BTreeMap<&str, &str> = emitted
            .iter()
            .map(|file| (file.name.as_str(), file.text.as_str()))
            .collect();
        return invocation.terminal.json(&texts);
    }
    write_all(joined(&emitted).as_bytes())
}

/// Files in one text. Several templates make one stream of YAML documents, which JSON is a part of.
fn joined(files: &[EmittedFile]) -> String {
    if let [file] = files {
        return file.text.clone();
    }
    files
        .iter()
        .map(|file| format!("---\n# {}\n{}", file.name, file.text))
        .collect()
}

/// All documents as one object, by the names of their files.
struct ByName<'a>(&'a Documents);

impl Serialize for ByName<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let members = self.0.iter();
        serializer.collect_map(members.map(|each| (each.file_name(), &each.content)))
    }
}

/// AWS would refuse them, and no form of the documents can help that.
fn warn_of_long_documents(invocation: &Invocation, plan: &ReplicationPlan) {
    for document in &Documents::of(plan) {
        let Some(policy) = document.policy() else {
            continue;
        };
        // What is written into a role is limited otherwise than a policy that stands alone.
        let inline = matches!(document.kind, Kind::Role | Kind::BatchRole);
        let characters = size(policy.document());
        let limit = limits(kind_of(document))
            .iter()
            .filter(|limit| !inline || limit.severity == Severity::Error)
            .find(|limit| characters > limit.characters);
        if let Some(limit) = limit {
            invocation.terminal.warn(format!(
                "{} has {characters} characters, and {} may have {}; {} ({})",
                document.file_name(),
                limit.of,
                limit.characters,
                limit.fix,
                limit.page
            ));
        }
    }
}

fn kind_of(document: &Document) -> DocumentKind {
    match document.kind {
        Kind::Trust | Kind::BatchTrust => DocumentKind::Trust,
        Kind::KeyPolicy => DocumentKind::Key,
        Kind::BucketPolicy => DocumentKind::Bucket,
        _ => DocumentKind::Identity,
    }
}
