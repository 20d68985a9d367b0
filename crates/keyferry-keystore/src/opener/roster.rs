//! The openers of a store, as its journal tells them.

use jiff::Timestamp;

use super::OpenerName;
use crate::journal::{Event, Record};

/// An opener that the journal records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub(crate) name: OpenerName,
    pub(crate) kind: String,
    pub(crate) detail: String,
    pub(crate) added: Timestamp,
    /// Of its file.
    pub(crate) sha256: Option<String>,
}

/// Which openers there should be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Roster {
    /// When the store was made, as long as it has the `identity.age` that it was made with.
    original: Option<Timestamp>,
    recorded: Vec<Recorded>,
}

impl Roster {
    pub(crate) fn from_records<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut roster = Self::default();
        for record in records {
            roster.apply(record);
        }
        roster
    }

    /// Takes in what an entry of the journal says.
    pub(crate) fn apply(&mut self, record: &Record) {
        match &record.event {
            Event::StoreCreated { .. } => self.original = Some(record.time),
            Event::OpenerAdded {
                name,
                kind,
                detail,
                sha256,
            } => {
                if let Ok(name) = name.parse::<OpenerName>() {
                    self.remove(&name);
                    self.recorded.push(Recorded {
                        name,
                        kind: kind.clone(),
                        detail: detail.clone(),
                        added: record.time,
                        sha256: sha256.clone(),
                    });
                }
            }
            Event::OpenerRemoved { name } => {
                if let Ok(name) = name.parse() {
                    self.remove(&name);
                }
            }
            _ => {}
        }
    }

    fn remove(&mut self, name: &OpenerName) {
        if name.is_in_identity_file() {
            self.original = None;
            self.recorded
                .retain(|known| !known.name.is_in_identity_file());
        } else {
            self.recorded.retain(|known| known.name != *name);
        }
    }

    pub(crate) fn recorded(&self) -> &[Recorded] {
        &self.recorded
    }

    /// What is recorded of the opener that has this one's file.
    pub(crate) fn find(&self, name: &OpenerName) -> Option<&Recorded> {
        self.recorded.iter().find(|known| {
            known.name == *name || (known.name.is_in_identity_file() && name.is_in_identity_file())
        })
    }

    /// Whether there should be a file for this opener.
    pub(crate) fn has(&self, name: &OpenerName) -> bool {
        (self.original.is_some() && name.is_in_identity_file()) || self.find(name).is_some()
    }

    /// When the store got the `identity.age` it was made with, if it still should have that.
    pub(crate) fn original(&self) -> Option<Timestamp> {
        self.original
    }
}
