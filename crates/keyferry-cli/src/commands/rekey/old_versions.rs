//! `--all-versions`: which key each old version is under, and how to delete it.

use std::collections::BTreeMap;

use keyferry_transfer::{OldVersion, Rekeyer, Under};
use serde_json::{Value, json};

use super::Course;
use super::report::name_of;
use super::target::quoted;
use crate::failure::Failure;
use crate::terminal::human_bytes;

/// Lists the old versions that are not under the new key, and gives them as data. Nothing is deleted here: a version is gone for good, and only its owner knows whether
/// it is still needed.
pub(super) async fn list(
    course: &Course<'_>,
    rekeyer: &Rekeyer<'_>,
) -> Result<Vec<Value>, Failure> {
    let mut listed = Vec::new();
    let mut by_key: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let mut lines = Vec::new();
    let scope = &course.target.scope;
    rekeyer
        .old_versions(scope, |old| {
            if old.under == Under::Key(course.rekey.key_id.clone()) {
                return;
            }
            let under = describe(&old.under);
            let entry = by_key.entry(under.clone()).or_default();
            entry.0 += 1;
            entry.1 += old.version.size;
            let command = command(course, &old);
            lines.push(format!(
                "{} version {}, {}, {under}\n  {command}",
                name_of(&course.target.bucket, &old.version.key),
                old.version.version_id.as_deref().unwrap_or("null"),
                human_bytes(old.version.size),
            ));
            listed.push(json!({
                "key": old.version.key,
                "version_id": old.version.version_id,
                "size": old.version.size,
                "under": under,
                "delete": command,
            }));
        })
        .await?;
    let terminal = course.invocation.terminal;
    if terminal.is_text() {
        for line in lines {
            terminal.print(line)?;
        }
        for (under, (count, bytes)) in by_key {
            terminal.print(format!(
                "{count} old version{} {under}, {}",
                if count == 1 { "" } else { "s" },
                human_bytes(bytes)
            ))?;
        }
        terminal.say(
            "an old version cannot be re-encrypted: versions never change, and a copy would become the current one. \
             Delete what is not needed, by these commands or a lifecycle rule (NoncurrentVersionExpiration); \
             versions under legal hold or retention have to be released first. Deletes by version are not replicated: \
             give the same commands for the replica bucket. Keep the old keys as long as any version needs them.",
        );
    }
    Ok(listed)
}

fn describe(under: &Under) -> String {
    match under {
        Under::Key(id) => format!("under key {id}"),
        Under::UnknownKey => "under an unknown key".to_owned(),
        Under::NoKey => "under no customer key".to_owned(),
        Under::Unclear(why) => format!("under a key that could not be found out ({why})"),
        _ => "under a key that could not be found out".to_owned(),
    }
}

fn command(course: &Course<'_>, old: &OldVersion) -> String {
    format!(
        "aws s3api delete-object --bucket {} --key {} --version-id {}",
        course.target.bucket,
        quoted(&old.version.key),
        quoted(old.version.version_id.as_deref().unwrap_or("null"))
    )
}
