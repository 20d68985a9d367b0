//! Who did what with the keys, and when: the journal, for reading.

use std::fmt;

use keyferry_key::KeyId;

use crate::journal::{Journal, JournalEnd, unreadable_line};
use crate::lock::SharedLock;
use crate::{Error, Event, LockedStore, ObjectUse, Origin, Record, RingName, Store};

/// The journal as far as it can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// Its entries, oldest first.
    pub records: Vec<Record>,
    /// The first line that does not hold, if there is one; what follows it is not told.
    pub fault: Option<HistoryFault>,
}

/// A line that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryFault {
    /// Its number, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for HistoryFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "line {} of the journal does not hold: {}",
            self.line, self.reason
        )
    }
}

impl Store {
    /// The journal, each line proven: that nothing was changed, left out, added or moved since this
    /// store's identity sealed it.
    ///
    /// # Errors
    /// [`Error::Permissions`], [`Error::Busy`], [`Error::NoLocks`], [`Error::Io`].
    pub fn history(&self) -> Result<History, Error> {
        let _shared = SharedLock::acquire(&self.folder)?;
        let Journal {
            records, end, tip, ..
        } = Journal::read(&self.folder, &self.identity)?;
        let fault = match end {
            JournalEnd::Whole | JournalEnd::HeadBehind => None,
            JournalEnd::Broken { line, reason } => Some(HistoryFault { line, reason }),
            JournalEnd::Torn { .. } => Some(HistoryFault {
                line: tip.seq + 1,
                reason: "its writing was interrupted".to_owned(),
            }),
        };
        Ok(History { records, fault })
    }
}

impl LockedStore {
    /// The journal as it lies there. Without the identity nothing proves it: good for showing, not
    /// for deciding.
    ///
    /// # Errors
    /// As for [`Self::list`].
    pub fn history(&self) -> Result<History, Error> {
        let _shared = SharedLock::acquire(&self.folder)?;
        let fault = unreadable_line(&self.folder)?.map(|line| HistoryFault {
            line,
            reason: "it cannot be read".to_owned(),
        });
        Ok(History {
            records: self.records()?,
            fault,
        })
    }
}

impl Event {
    /// The key that it is about, if it is about one.
    #[must_use]
    pub fn key(&self) -> Option<&KeyId> {
        match self {
            Self::KeyAdded { facts, .. } | Self::KeyAdopted { facts } => Some(&facts.id),
            Self::StateChanged { id, .. }
            | Self::KeyExported { id, .. }
            | Self::KeyUsed { id, .. }
            | Self::KeyFound { id, .. }
            | Self::Rekeyed { id, .. } => Some(id),
            _ => None,
        }
    }

    /// The ring that it names, if it names one. Of a key's later events only the key is known.
    #[must_use]
    pub fn ring(&self) -> Option<&RingName> {
        match self {
            Self::KeyAdded { facts, .. } | Self::KeyAdopted { facts } => Some(&facts.ring),
            Self::LossRiskAccepted { ring } => Some(ring),
            _ => None,
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StoreCreated { store, format, .. } => {
                write!(formatter, "store {store} made, format {format}")
            }
            Self::KeyAdded { facts, state } => {
                write!(formatter, "key {} ", facts.id)?;
                match &facts.origin {
                    Origin::Generated => formatter.write_str("made")?,
                    Origin::Imported { format, source } => {
                        write!(formatter, "imported from {source} ({format})")?;
                    }
                }
                write!(formatter, ", {state}")
            }
            Self::KeyAdopted { facts } => write!(
                formatter,
                "key {} taken in after an interruption, pending",
                facts.id
            ),
            Self::StateChanged {
                to,
                reason,
                not_before,
                ..
            } => {
                write!(formatter, "now {to}")?;
                if let Some(time) = not_before {
                    write!(formatter, ", not before {time}")?;
                }
                match reason {
                    Some(reason) => write!(formatter, ": {reason}"),
                    None => Ok(()),
                }
            }
            Self::KeyExported { to, .. } => write!(formatter, "handed out to {to}"),
            Self::KeyUsed { objects, .. } => {
                formatter.write_str("encrypted ")?;
                list(formatter, objects)
            }
            Self::KeyFound { objects, .. } => {
                formatter.write_str("found to open ")?;
                list(formatter, objects)
            }
            Self::OpenerAdded {
                name, kind, detail, ..
            } => {
                write!(formatter, "opener `{name}` added: {kind}")?;
                match detail.as_str() {
                    "" => Ok(()),
                    detail => write!(formatter, ", {detail}"),
                }
            }
            Self::IdentityRestored { from } => {
                write!(formatter, "`identity.age` made anew from {from}")
            }
            Self::OpenerRemoved { name } => write!(formatter, "opener `{name}` removed"),
            Self::BackedUp { to, keys, .. } => {
                write!(
                    formatter,
                    "backed up to {to}, {}",
                    keys_of(u64::from(*keys))
                )
            }
            Self::RestoreTested { from, seq } => write!(
                formatter,
                "backup {from} opened as a test, good to line {seq}"
            ),
            Self::Restored { from, keys } => {
                let keys = keys_of(u64::from(*keys));
                write!(formatter, "restored from {from}, {keys}")
            }
            Self::LossRiskAccepted { ring } => write!(
                formatter,
                "uploads under ring {ring} allowed without a tested backup"
            ),
            Self::SharesMade {
                set,
                shares,
                threshold,
            } => write!(
                formatter,
                "identity split into {shares} shares, set {set}; {threshold} of them restore it"
            ),
            Self::RecoverySheetMade { to } => {
                write!(formatter, "recovery sheet written to {to}")
            }
            Self::RollbackAccepted { seen } => write!(
                formatter,
                "an older state accepted, though line {seen} had been seen"
            ),
            Self::Rekeyed {
                bucket,
                prefix,
                objects,
                ..
            } => write!(
                formatter,
                "took over {objects} objects below s3://{bucket}/{prefix}"
            ),
            Self::Unknown => formatter.write_str("an entry of a newer keyferry"),
        }
    }
}

fn keys_of(count: u64) -> String {
    match count {
        1 => "1 key".to_owned(),
        count => format!("{count} keys"),
    }
}

/// The first object and how many more there are.
fn list(formatter: &mut fmt::Formatter<'_>, objects: &[ObjectUse]) -> fmt::Result {
    let Some((first, more)) = objects.split_first() else {
        return formatter.write_str("no objects");
    };
    write!(formatter, "s3://{}/{}", first.bucket, first.key)?;
    if let Some(version) = &first.version {
        write!(formatter, " version {version}")?;
    }
    match more.len() {
        0 => Ok(()),
        more => write!(formatter, " and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::{KeyState, Store, Succession, Unlock};

    /// A store whose journal goes on with an event of long ago, properly sealed: the clock was set
    /// back.
    #[test]
    fn the_order_is_that_of_the_lines_whatever_the_clock_says() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("store");
        let mut store = Store::init(&dir, &Unlock::Unprotected).unwrap();
        let ring: RingName = "photos".parse().unwrap();
        let first = store.create(&ring, Succession::FirstOnly).unwrap().id;
        let second = store.create(&ring, Succession::Supersede).unwrap().id;
        for state in [KeyState::DestroyScheduled, KeyState::DecryptOnly] {
            let seal = Journal::read(&store.folder, &store.identity)
                .unwrap()
                .tip
                .seal;
            let records = store.history().unwrap().records;
            let mut record = records.last().unwrap().clone();
            record.seq += 1;
            record.time = "1999-12-31T23:59:59Z".parse().unwrap();
            record.event = Event::state_changed(first.clone(), state);
            let mut line = serde_json::to_vec(&record).unwrap();
            store.identity.journal_seal.seal(seal, &mut line).unwrap();
            line.push(b'\n');
            let journal = dir.join("journal.jsonl");
            let mut file = std::fs::File::options().append(true).open(journal).unwrap();
            file.write_all(&line).unwrap();
            store = Store::open(&dir, &Unlock::Unprotected).unwrap();
            assert_eq!(store.write_block(), None);
            assert_eq!(store.entry(&first).unwrap().state, state);
        }
        let third = store.create(&ring, Succession::Supersede).unwrap();
        assert_eq!(third.version, 3);
        assert_eq!(store.entry(&second).unwrap().state, KeyState::DecryptOnly);
        let History { records, fault } = store.history().unwrap();
        assert_eq!(fault, None);
        let lines: Vec<u64> = records.iter().map(|record| record.seq).collect();
        assert_eq!(lines, [1, 2, 3, 4, 5, 6]);
        assert!(records[4].time < records[0].time && records[5].time > records[4].time);
        let locked = LockedStore::open(&dir).unwrap();
        assert_eq!(locked.history().unwrap().records, records);
    }

    #[test]
    fn lines_of_older_versions_read() {
        let line = r#"{"seq":1,"time":"2026-11-25T18:00:00Z","by":{"uid":0,"program":"keyferry 0.1.0"},"event":{"type":"opener-removed","name":"kms"}}"#;
        let record: Record = serde_json::from_str(line).unwrap();
        assert_eq!(
            (record.by.user.as_ref(), record.by.host.as_ref()),
            (None, None)
        );
        assert_eq!(serde_json::to_string(&record).unwrap(), line);
        assert_eq!(record.event.to_string(), "opener `kms` removed");
    }

    #[test]
    fn every_kind_of_event_is_a_sentence() {
        let object = |key: &str| ObjectUse {
            bucket: "b".to_owned(),
            key: key.to_owned(),
            version: Some("v1".to_owned()),
        };
        let id = KeyId::generate().unwrap();
        let text = |event: Event| event.to_string();
        let objects = vec![object("k"), object("l"), object("m")];
        let id2 = id.clone();
        assert_eq!(
            text(Event::KeyUsed { id, objects }),
            "encrypted s3://b/k version v1 and 2 more"
        );
        let event = Event::StateChanged {
            id: id2,
            to: KeyState::DestroyScheduled,
            reason: Some("left the company".to_owned()),
            not_before: Some("2026-12-25T00:00:00Z".parse().unwrap()),
        };
        assert_eq!(
            text(event),
            "now destroy-scheduled, not before 2026-12-25T00:00:00Z: left the company"
        );
        let to = "s3://backup/store".to_owned();
        assert_eq!(
            text(Event::BackedUp {
                to,
                keys: 1,
                seq: None
            }),
            "backed up to s3://backup/store, 1 key"
        );
        let set = "ab12".to_owned();
        let shares = Event::SharesMade {
            set,
            shares: 5,
            threshold: 3,
        };
        assert_eq!(
            text(shares),
            "identity split into 5 shares, set ab12; 3 of them restore it"
        );
    }
}
