//! Entries of the journal.

use jiff::Timestamp;
use keyferry_key::KeyId;
use serde::{Deserialize, Serialize};

use crate::KeyState;
use crate::entry::KeyFacts;
use crate::manifest::StoreId;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Its number, from 1. The order is this, not the time.
    pub(crate) seq: u64,
    pub(crate) time: Timestamp,
    pub(crate) by: Actor,
    pub(crate) event: Event,
}

/// Who wrote a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Actor {
    pub(crate) uid: u32,
    pub(crate) program: String,
}

impl Actor {
    pub(crate) fn this_process() -> Self {
        Self {
            uid: rustix::process::geteuid().as_raw(),
            program: concat!("keyferry ", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub(crate) enum Event {
    /// Always the first.
    StoreCreated {
        store: StoreId,
        format: u32,
        recipient: String,
    },
    /// A key entered the store in this state. If it is active, the ring's active key became
    /// decrypt-only.
    KeyAdded {
        #[serde(flatten)]
        facts: KeyFacts,
        state: KeyState,
    },
    /// A key was found without an entry and taken in as pending.
    KeyAdopted {
        #[serde(flatten)]
        facts: KeyFacts,
    },
    /// A key's state changed. If it became active, the ring's active key became decrypt-only.
    StateChanged { id: KeyId, to: KeyState },
    /// A key was about to be written outside the store.
    KeyExported { id: KeyId, to: String },
    /// Written by a newer keyferry.
    #[serde(other)]
    Unknown,
}
