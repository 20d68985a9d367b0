//! Entries of the journal.

use jiff::Timestamp;
use keyferry_key::KeyId;
use serde::{Deserialize, Serialize};

use crate::entry::KeyFacts;
use crate::manifest::StoreId;
use crate::{KeyState, ObjectUse, RingName};

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
    StateChanged {
        id: KeyId,
        to: KeyState,
        /// Why, as the person put it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// Of a key to be destroyed: not before then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        not_before: Option<Timestamp>,
    },
    /// A key was about to be written outside the store.
    KeyExported { id: KeyId, to: String },
    /// Objects were encrypted under a key, by an upload or a copy.
    KeyUsed { id: KeyId, objects: Vec<ObjectUse> },
    /// Objects turned out to need this key: found by asking S3, not by writing them.
    KeyFound { id: KeyId, objects: Vec<ObjectUse> },
    /// One more way to open the store.
    OpenerAdded {
        name: String,
        kind: String,
        detail: String,
        /// Of its file.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sha256: Option<String>,
    },
    /// A way to open the store that is no more.
    OpenerRemoved { name: String },
    /// The store was copied, as of the line before this one, and the copy read back.
    BackedUp { to: String, keys: u32 },
    /// A backup was opened and every key in it, too; it reaches as far as this line.
    RestoreTested { from: String, seq: u64 },
    /// Keys came back from a backup.
    Restored { from: String, keys: u32 },
    /// Somebody chose to upload under a ring without a tested backup.
    LossRiskAccepted { ring: RingName },
    /// The store's identity was split into shares.
    SharesMade {
        set: String,
        shares: u8,
        threshold: u8,
    },
    /// The store's identity was written onto a recovery sheet.
    RecoverySheetMade { to: String },
    /// An older state of the store was accepted in place of a newer one that had been seen.
    RollbackAccepted { seen: u64 },
    /// Objects below a prefix were re-encrypted under another key.
    Rekeyed {
        id: KeyId,
        bucket: String,
        prefix: String,
        objects: u64,
    },
    /// Written by a newer keyferry.
    #[serde(other)]
    Unknown,
}

impl Event {
    /// A change of state that needs no reason.
    pub(crate) fn state_changed(id: KeyId, to: KeyState) -> Self {
        Self::StateChanged {
            id,
            to,
            reason: None,
            not_before: None,
        }
    }
}
