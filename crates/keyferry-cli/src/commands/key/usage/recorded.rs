//! What the catalogue knows, without asking S3.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use keyferry_keystore::{KeyEntry, Store, UseCount};
use serde_json::{Value, json};

use crate::args::Output;
use crate::commands::Invocation;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::store_keys::Only;

pub(super) fn run(
    invocation: &Invocation,
    store: &Store,
    only: Option<&Only>,
    objects: bool,
) -> Result<Exit, Failure> {
    let terminal = invocation.terminal;
    let asked = |entry: &KeyEntry| only.is_none_or(|only| only.includes(entry));
    let counts: Vec<(UseCount, &KeyEntry)> = store
        .use_counts()
        .into_iter()
        .filter_map(|count| {
            let entry = store.entry(&count.id).ok().filter(|entry| asked(entry))?;
            Some((count, entry))
        })
        .collect();
    let keys = || store.list().iter().filter(|entry| asked(entry));
    match terminal.output() {
        Output::Text => {
            if objects {
                for entry in keys() {
                    for object in store.uses_of(&entry.id) {
                        let version = object.version.as_deref().unwrap_or("null");
                        terminal.print(format!(
                            "{}  s3://{}/{}  {version}",
                            entry.id, object.bucket, object.key
                        ))?;
                    }
                }
            }
            if counts.is_empty() {
                terminal.say("nothing was recorded for these keys yet");
            } else {
                terminal.print(table(&counts))?;
            }
            terminal.say(
                "this is what was recorded; `keyferry key usage s3://BUCKET` asks S3, and proves it",
            );
        }
        Output::Json => {
            let counts: Vec<Value> = counts.iter().map(document).collect();
            terminal.print(format!(
                "{{\"recorded\": {},\n\"objects\": [",
                json!(counts)
            ))?;
            let mut comma = "";
            for entry in keys().filter(|_| objects) {
                for object in store.uses_of(&entry.id) {
                    let item = json!({"key_id": entry.id, "object": object});
                    terminal.print(format!("{comma}{item}"))?;
                    comma = ",";
                }
            }
            terminal.print("]}")?;
        }
        Output::Ndjson => {
            for entry in keys() {
                for object in store.uses_of(&entry.id) {
                    terminal
                        .json(&json!({"type": "recorded", "key_id": entry.id, "object": object}))?;
                }
            }
            for count in &counts {
                terminal.json(&document(count))?;
            }
        }
    }
    for finding in store.catalogue_findings() {
        terminal.warn(finding);
    }
    Ok(Exit::Done)
}

fn document((count, entry): &(UseCount, &KeyEntry)) -> Value {
    json!({
        "type": "count",
        "bucket": count.bucket,
        "key_id": count.id,
        "ring": entry.ring,
        "version": entry.version,
        "state": entry.state,
        "versions": count.versions,
    })
}

fn table(counts: &[(UseCount, &KeyEntry)]) -> Table {
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header([
            "BUCKET",
            "RING",
            "VERSION",
            "STATE",
            "KEY ID",
            "OBJECT VERSIONS",
        ]);
    for (count, entry) in counts {
        table.add_row([
            count.bucket.clone(),
            entry.ring.to_string(),
            entry.version.to_string(),
            entry.state.to_string(),
            count.id.to_string(),
            count.versions.to_string(),
        ]);
    }
    table
}
