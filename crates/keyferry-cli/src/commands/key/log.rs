//! `keyferry key log`: who did what with the keys, and when.

use std::collections::BTreeMap;

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use jiff::tz::TimeZone;
use keyferry_key::KeyId;
use keyferry_keystore::{
    Actor, Event, History, HistoryFault, Record, RingName, WriteBlock, user_name,
};

use crate::args::{LogArgs, LogCommand};
use crate::commands::Invocation;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{keys, store_place};

pub(super) fn run(invocation: &Invocation, arguments: &LogArgs) -> Result<Exit, Failure> {
    match arguments.command {
        Some(LogCommand::Verify) => verify(invocation),
        None => show(invocation, arguments),
    }
}

/// Needs no passphrase: so nothing is proven, which is said.
fn show(invocation: &Invocation, arguments: &LogArgs) -> Result<Exit, Failure> {
    let store = store_place::find_and_tell(&invocation.settings, invocation.terminal)?;
    let History { records, fault } = store.history()?;
    let places = places(&records);
    let wanted = arguments
        .key
        .as_deref()
        .map(|name| Wanted::parse(name, &places, &records))
        .transpose()?;
    let shown: Vec<Record> = records
        .into_iter()
        .filter(|record| {
            wanted
                .as_ref()
                .is_none_or(|wanted| wanted.matches(record, &places))
        })
        .filter(|record| arguments.since.is_none_or(|since| record.time >= since.0))
        .map(|mut record| {
            if record.by.user.is_none() {
                record.by.user = user_name(record.by.uid);
            }
            record
        })
        .collect();
    let terminal = invocation.terminal;
    if terminal.is_text() {
        if shown.is_empty() {
            terminal.say("nothing happened that would be shown");
        } else {
            terminal.print(table(&shown, &places))?;
        }
    } else {
        terminal.json_list(&shown)?;
    }
    match fault {
        Some(fault) => terminal.warn(format!("{fault}; what follows it is not shown")),
        None => terminal.say("not verified: `keyferry key log verify` proves it"),
    }
    Ok(Exit::Done)
}

fn verify(invocation: &Invocation) -> Result<Exit, Failure> {
    let store = keys::open_store(&invocation.settings, &invocation.terminal)?;
    let History { records, fault } = store.history()?;
    let fault = fault.or_else(|| match store.write_block() {
        Some(WriteBlock::JournalDamaged { line, reason }) => Some(HistoryFault {
            line: *line,
            reason: reason.clone(),
        }),
        _ => None,
    });
    if let Some(fault) = fault {
        return Err(Failure::new(Exit::Store, fault.to_string()).hint(
            "the lines before it are proven; restore the store from a backup, and find out who could write to it",
        ));
    }
    let terminal = invocation.terminal;
    if let Some(block) = store.write_block() {
        terminal.warn(format!("the store is read-only: {block}"));
    }
    let (Some(first), Some(last)) = (records.first(), records.last()) else {
        return Err(
            Failure::new(Exit::Store, "the journal is empty").hint("restore it from a backup")
        );
    };
    if terminal.is_text() {
        terminal.print(format!(
            "{} entries, each proven\nfirst  {}  {}\nlast   {}  {}",
            records.len(),
            local(first),
            printable(&first.event.to_string()),
            local(last),
            printable(&last.event.to_string()),
        ))?;
    } else {
        terminal.json(&serde_json::json!({
            "verified": true,
            "entries": records.len(),
            "first": first,
            "last": last,
        }))?;
    }
    Ok(Exit::Done)
}

/// Where each key has its place, from the entries that brought it in.
type Places = BTreeMap<KeyId, (RingName, u32)>;

fn places(records: &[Record]) -> Places {
    records
        .iter()
        .filter_map(|record| match &record.event {
            Event::KeyAdded { facts, .. } | Event::KeyAdopted { facts } => {
                Some((facts.id.clone(), (facts.ring.clone(), facts.version)))
            }
            _ => None,
        })
        .collect()
}

/// What entries have to be about.
enum Wanted {
    Key(KeyId),
    Ring(RingName),
}

impl Wanted {
    fn parse(name: &str, places: &Places, records: &[Record]) -> Result<Self, Failure> {
        let unknown = |what: String| {
            Failure::new(Exit::Key, what)
                .hint("`keyferry key log` without it shows everything there is")
        };
        if name.starts_with(KeyId::PREFIX) {
            let id: KeyId = name
                .parse()
                .map_err(|_| unknown(format!("`{name}` is not a key id")))?;
            return match places.contains_key(&id) {
                true => Ok(Self::Key(id)),
                false => Err(unknown(format!("the journal has no key `{id}`"))),
            };
        }
        let ring: RingName = name.parse()?;
        let known = places.values().any(|(other, _)| *other == ring)
            || records
                .iter()
                .any(|record| record.event.ring() == Some(&ring));
        match known {
            true => Ok(Self::Ring(ring)),
            false => Err(unknown(format!("the journal has no ring `{ring}`"))),
        }
    }

    fn matches(&self, record: &Record, places: &Places) -> bool {
        let key = record.event.key();
        match self {
            Self::Key(id) => key == Some(id),
            Self::Ring(ring) => {
                record.event.ring() == Some(ring)
                    || key
                        .and_then(|id| places.get(id))
                        .is_some_and(|(other, _)| other == ring)
            }
        }
    }
}

/// One row an entry, newest last.
fn table(records: &[Record], places: &Places) -> Table {
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(["LINE", "TIME", "WHO", "KEY", "WHAT"]);
    for record in records {
        let place = record.event.key().and_then(|id| places.get(id));
        table.add_row([
            record.seq.to_string(),
            local(record),
            printable(&who(&record.by)),
            match (place, record.event.ring()) {
                (Some((ring, version)), _) => format!("{ring} v{version}"),
                (None, Some(ring)) => ring.to_string(),
                (None, None) => "-".to_owned(),
            },
            printable(&record.event.to_string()),
        ]);
    }
    table
}

fn who(actor: &Actor) -> String {
    let user = match &actor.user {
        Some(user) => user.clone(),
        None => format!("uid {}", actor.uid),
    };
    match &actor.host {
        Some(host) => format!("{user}@{host}"),
        None => user,
    }
}

fn local(record: &Record) -> String {
    let zoned = record.time.to_zoned(TimeZone::system());
    zoned.strftime("%F %T").to_string()
}

/// Entries hold what others chose: names of files and objects. None of it may steer a terminal.
fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|character| {
            // Marks that reverse the direction of text hide what stands where, too.
            let control = character.is_control()
                || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            let escaped = control.then(|| character.escape_default());
            escaped
                .into_iter()
                .flatten()
                .chain((!control).then_some(character))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(printable("日本 a\u{1b}[2Jb\n"), "日本 a\\u{1b}[2Jb\\n");
    }
}
