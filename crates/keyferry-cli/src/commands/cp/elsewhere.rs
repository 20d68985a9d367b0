//! A file on one side: what `keyferry upload` and `keyferry download` do, for those who are used to
//! one command for all.

use std::path::PathBuf;

use clap::FromArgMatches;
use keyferry_transfer::Rule;

use super::is_s3;
use crate::args::{Arguments, Command, CpArgs, KeySource};
use crate::commands::{Invocation, download, upload};
use crate::exit::Exit;
use crate::failure::Failure;

pub(super) async fn run(invocation: &Invocation, arguments: &CpArgs) -> Result<Exit, Failure> {
    let command = match (is_s3(&arguments.source), is_s3(&arguments.destination)) {
        (false, true) => "upload",
        (true, false) => "download",
        _ => {
            return Err(Failure::new(
                Exit::Usage,
                format!(
                    "neither `{}` nor `{}` is an S3 address",
                    arguments.source, arguments.destination
                ),
            )
            .hint("an S3 address looks like `s3://bucket/key`"));
        }
    };
    let typed = typed(command, arguments)?;
    let parsed = Arguments::command_line()
        .try_get_matches_from(typed)
        .and_then(|matches| Arguments::from_arg_matches(&matches))
        .map_err(|error| {
            let what = error.kind().as_str().unwrap_or("it does not fit together");
            Failure::new(Exit::Usage, format!("as `keyferry {command}`: {what}")).hint(format!(
                "`keyferry {command} --help` shows what goes with it"
            ))
        })?;
    match parsed.command {
        Command::Upload(arguments) => Box::pin(upload::run(invocation, arguments)).await,
        Command::Download(arguments) => Box::pin(download::run(invocation, arguments)).await,
        _ => Err(Failure::new(Exit::Usage, "it is neither up nor down")),
    }
}

/// The same as another command.
fn typed(command: &str, arguments: &CpArgs) -> Result<Vec<String>, Failure> {
    let moving = &arguments.moving;
    let mut typed: Vec<String> = vec!["keyferry".to_owned(), command.to_owned()];
    let mut option = |name: &str, value: Option<String>| {
        typed.push(match value {
            Some(value) => format!("--{name}={value}"),
            None => format!("--{name}"),
        });
    };
    for (is_set, name) in [
        (arguments.recursive, "recursive"),
        (moving.choice.dry_run, "dry-run"),
        (moving.no_wait, "no-wait"),
        (moving.accept_loss_risk, "accept-loss-risk"),
    ] {
        if is_set && !(command == "download" && name.contains('-') && name != "dry-run") {
            option(name, None);
        }
    }
    for rule in moving.choice.filter.rules() {
        match rule {
            Rule::Include(pattern) => option("include", Some(pattern.clone())),
            Rule::Exclude(pattern) => option("exclude", Some(pattern.clone())),
        }
    }
    if let Some(key) = &moving.key {
        let key = match key {
            KeySource::Store(name) => name.clone(),
            KeySource::File(path) => format!("file:{}", path.display()),
            KeySource::Descriptor(number) => format!("fd:{number}"),
            KeySource::Environment(name) => format!("env:{name}"),
            KeySource::LooksLikeAKey => {
                return Err(crate::keys::given_as_argument("--key")
                    .hint("treat that key as known to others; give a ring or a key id"));
            }
        };
        option("key", Some(key));
    }
    if let Some(id) = &arguments.version_id {
        option("version-id", Some(id.clone()));
    }
    if let Some(most) = moving.choice.max_errors {
        option("max-errors", Some(most.to_string()));
    }
    if let Some(concurrency) = moving.concurrency {
        option("concurrency", Some(concurrency.to_string()));
    }
    if command == "upload" && !moving.no_wait {
        option("wait", Some(format!("{}s", moving.wait.wait.as_secs())));
        for (is_set, name) in [
            (moving.wait.deep, "deep"),
            (moving.wait.no_probe, "no-probe"),
        ] {
            if is_set {
                option(name, None);
            }
        }
        if !moving.wait.deep {
            option("level", named(moving.wait.level));
        }
        if !moving.wait.no_probe {
            option("probe", named(moving.wait.probe));
        }
    }
    option("memory", Some(moving.choice.memory.as_u64().to_string()));
    let replica = &moving.wait.replica;
    let path = |path: &PathBuf| path.display().to_string();
    for (name, value) in [
        ("replica", replica.replica.as_ref().map(ToString::to_string)),
        (
            "replica-endpoint-url",
            replica
                .replica_endpoint_url
                .as_ref()
                .map(ToString::to_string),
        ),
        (
            "replica-region",
            replica.replica_region.as_ref().map(ToString::to_string),
        ),
        ("replica-profile", replica.replica_profile.clone()),
        (
            "replica-ca-bundle",
            replica.replica_ca_bundle.as_ref().map(path),
        ),
    ] {
        if value.is_some() {
            option(name, value);
        }
    }
    typed.extend([
        "--".to_owned(),
        arguments.source.clone(),
        arguments.destination.clone(),
    ]);
    Ok(typed)
}

/// How a value is written on the command line.
fn named(value: impl clap::ValueEnum) -> Option<String> {
    Some(value.to_possible_value()?.get_name().to_owned())
}
