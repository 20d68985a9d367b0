//! Printing a scan while it runs: what is printed is not kept.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use keyferry_verify::{KeyVerdict, Scanned, Scope};
use serde_json::json;

use super::tally::Tally;
use crate::args::Output;
use crate::failure::Failure;
use crate::terminal::{Terminal, human_bytes};

/// Prints finds one by one, and then what they come to.
pub(super) struct Writer<'a> {
    terminal: Terminal,
    scope: &'a Scope,
    objects: bool,
    items: u64,
}

impl<'a> Writer<'a> {
    pub(super) fn begin(
        terminal: Terminal,
        scope: &'a Scope,
        objects: bool,
    ) -> Result<Self, Failure> {
        if terminal.output() == Output::Json {
            terminal.print(format!("{{\"address\": {},\n\"objects\": [", json!(scope)))?;
        }
        Ok(Self {
            terminal,
            scope,
            objects,
            items: 0,
        })
    }

    pub(super) fn item(&mut self, scanned: &Scanned) -> Result<(), Failure> {
        match self.terminal.output() {
            Output::Text if self.objects => self.terminal.print(line(scanned))?,
            Output::Text => {}
            Output::Ndjson => self.terminal.json(scanned)?,
            Output::Json => {
                let comma = if self.items == 0 { "" } else { "," };
                self.terminal.print(format!("{comma}{}", json!(scanned)))?;
            }
        }
        self.items += 1;
        Ok(())
    }

    pub(super) fn end(self, tally: &Tally, all: bool) -> Result<(), Failure> {
        let terminal = self.terminal;
        match terminal.output() {
            Output::Json => terminal.print(format!(
                "],\n\"all_versions\": {all},\n\"summary\": {}}}",
                json!(tally)
            )),
            Output::Ndjson => terminal.json(&json!({
                "type": "summary",
                "address": self.scope,
                "all_versions": all,
                "summary": tally,
            })),
            Output::Text => {
                if self.objects && self.items > 0 {
                    terminal.print("")?;
                }
                terminal.print(table(tally))?;
                for (count, what) in [
                    (tally.other_keys, "under other keys of this store"),
                    (
                        tally.foreign,
                        "under customer keys that this store does not have",
                    ),
                    (tally.not_customer_key, "not under a customer key"),
                    (tally.undetermined, "could not be examined"),
                ] {
                    if count > 0 {
                        terminal.print(format!("{count} {what}"))?;
                    }
                }
                Ok(())
            }
        }
    }
}

fn table(tally: &Tally) -> Table {
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header([
            "RING",
            "VERSION",
            "STATE",
            "KEY ID",
            "CURRENT",
            "NONCURRENT",
            "UPLOADS",
            "SIZE",
        ]);
    for key in &tally.keys {
        table.add_row([
            key.ring.to_string(),
            key.version.to_string(),
            key.state.to_string(),
            key.key_id.to_string(),
            key.current.to_string(),
            key.noncurrent.to_string(),
            key.open_uploads.to_string(),
            human_bytes(key.bytes).to_string(),
        ]);
    }
    table
}

/// A find on one line: its key, what it is, and its name.
fn line(scanned: &Scanned) -> String {
    let key = match scanned.verdict() {
        KeyVerdict::Known { id, .. } => id.to_string(),
        KeyVerdict::Foreign { unopened, .. } if unopened.is_empty() => "foreign key".to_owned(),
        KeyVerdict::NotCustomerKey { .. } => "no customer key".to_owned(),
        _ => "not determined".to_owned(),
    };
    let (what, address, name) = match scanned {
        Scanned::Version { version, .. } => (
            if version.is_latest {
                "current"
            } else {
                "noncurrent"
            },
            &version.address,
            version.version_id.as_deref().unwrap_or("null"),
        ),
        Scanned::Upload { upload, .. } => ("upload", &upload.address, &*upload.upload_id),
    };
    format!("{key:29}  {what:10}  {address}  {name}")
}
