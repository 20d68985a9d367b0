//! Keys as people read them.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use keyferry_keystore::{KeyEntry, Opener, OpenerState, Origin};

/// One row a key.
pub(super) fn keys(entries: &[KeyEntry]) -> Table {
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(["RING", "VERSION", "STATE", "KEY ID", "CREATED"]);
    for entry in entries {
        table.add_row([
            entry.ring.to_string(),
            entry.version.to_string(),
            entry.state.to_string(),
            entry.id.to_string(),
            entry.created.strftime("%F %R").to_string(),
        ]);
    }
    table
}

/// One row an opener.
pub(super) fn openers(openers: &[Opener]) -> Table {
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(["NAME", "KIND", "FILE", "ADDED", "WHICH"]);
    for opener in openers {
        let kind = opener.kind.map(|kind| kind.to_string());
        let added = opener
            .added
            .map(|added| added.strftime("%F %R").to_string());
        table.add_row([
            opener.name.to_string(),
            kind.unwrap_or_else(|| "unknown".to_owned()),
            match opener.state {
                OpenerState::Sound => "sound",
                OpenerState::Changed => "CHANGED",
                OpenerState::Missing => "MISSING",
                _ => "UNKNOWN",
            }
            .to_owned(),
            added.unwrap_or_default(),
            opener.detail.clone(),
        ]);
    }
    table
}

/// All that is known of one key, a line each.
pub(super) fn particulars(entry: &KeyEntry) -> String {
    let origin = match &entry.origin {
        Origin::Imported { format, source } => format!("imported from {source} ({format})"),
        _ => "made here".to_owned(),
    };
    format!(
        "id        {}\nring      {}\nversion   {}\nstate     {}\ncreated   {}\norigin    {origin}\nstrength  {}\nmd5       {}",
        entry.id, entry.ring, entry.version, entry.state, entry.created, entry.strength, entry.md5
    )
}
