//! What is done to one object, as data and in words.

use keyferry_key::KeyId;
use keyferry_transfer::ObjectAddress;
use serde::Serialize;
use serde_json::{Value, json};

use crate::commands::many::Done;
use crate::terminal::{human_bytes, printable};

/// What a job is about.
#[derive(Debug, Clone)]
pub(in crate::commands) struct What {
    /// What is done: `upload`, `download`, `copy` or `look`.
    pub(in crate::commands) action: &'static str,
    pub(in crate::commands) source: String,
    pub(in crate::commands) destination: String,
    /// The object that is stored, or if none is, the one that is read.
    pub(in crate::commands) object: Option<ObjectAddress>,
    pub(in crate::commands) size: u64,
}

/// Why something is moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(in crate::commands) enum Reason {
    /// It was asked for.
    Asked,
    /// The destination does not have it.
    New,
    /// Its size differs.
    Size,
    /// Its checksum differs.
    Content,
    /// The destination is older, and there is no checksum that both sides have.
    Newer,
    /// The destination is under another key of the store.
    OtherKey { key_id: KeyId },
    /// The destination is under a customer key that the store does not have.
    UnknownKey,
    /// The destination is under no customer key.
    NoCustomerKey,
}

/// What came of a job that did not fail.
#[derive(Debug, Clone)]
pub(in crate::commands) struct Came {
    pub(in crate::commands) done: Done,
    /// Why it was, or would be, moved.
    pub(in crate::commands) reason: Option<Reason>,
    /// Why it is left out.
    pub(in crate::commands) left_out: Option<String>,
    /// The version that was stored, or read.
    pub(in crate::commands) version_id: Option<String>,
    /// The key of what was stored or read.
    pub(in crate::commands) key_id: Option<KeyId>,
    /// What is not as in the source, although it was copied.
    pub(in crate::commands) differences: Vec<String>,
    /// What is worth knowing besides.
    pub(in crate::commands) notes: Vec<String>,
}

impl Came {
    fn new(done: Done) -> Self {
        Self {
            done,
            reason: None,
            left_out: None,
            version_id: None,
            key_id: None,
            differences: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// It is the same already.
    pub(in crate::commands) fn unchanged() -> Self {
        Self::new(Done::Unchanged)
    }

    /// It would be moved.
    pub(in crate::commands) fn planned(reason: Reason) -> Self {
        Self {
            reason: Some(reason),
            ..Self::new(Done::Planned)
        }
    }

    /// It was moved.
    pub(in crate::commands) fn moved(reason: Reason) -> Self {
        Self {
            reason: Some(reason),
            ..Self::new(Done::Transferred)
        }
    }

    /// It cannot be moved, and is no failure.
    pub(in crate::commands) fn skipped(why: String) -> Self {
        Self {
            left_out: Some(why),
            ..Self::new(Done::Skipped)
        }
    }

    /// As data.
    pub(super) fn json(&self, what: &What) -> Value {
        let mut value = what.json();
        if let Some(fields) = value.as_object_mut() {
            let mut field = |name: &str, value: Value| {
                if !value.is_null() && value != json!([]) {
                    fields.insert(name.to_owned(), value);
                }
            };
            field("status", json!(self.done));
            field("reason", json!(self.reason));
            field("why", json!(self.left_out));
            field("version_id", json!(self.version_id));
            field("key_id", json!(self.key_id));
            field("differences", json!(self.differences));
            field("notes", json!(self.notes));
        }
        value
    }

    /// For people.
    pub(super) fn text(&self, what: &What) -> String {
        let (source, destination) = (printable(&what.source), printable(&what.destination));
        let size = human_bytes(what.size);
        match (&self.done, &self.reason) {
            (Done::Planned, Some(reason)) => format!(
                "would {} {source} to {destination} ({size}): {reason}",
                what.action
            ),
            (Done::Unchanged, _) => format!("unchanged {destination}"),
            _ => format!("{} {source} to {destination} ({size})", what.action),
        }
    }
}

impl What {
    /// As data.
    pub(super) fn json(&self) -> Value {
        json!({
            "action": self.action,
            "source": self.source,
            "destination": self.destination,
            "size": self.size,
        })
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Asked => formatter.write_str("it was asked for"),
            Self::New => formatter.write_str("it is not there"),
            Self::Size => formatter.write_str("its size differs"),
            Self::Content => formatter.write_str("its checksum differs"),
            Self::Newer => formatter.write_str("the source is newer, and no checksum tells more"),
            Self::OtherKey { key_id } => write!(formatter, "it is under key {key_id}"),
            Self::UnknownKey => formatter.write_str("it is under an unknown customer key"),
            Self::NoCustomerKey => formatter.write_str("it is under no customer key"),
        }
    }
}
