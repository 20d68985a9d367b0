//! Entries of the journal.

use std::sync::OnceLock;

use jiff::Timestamp;
use keyferry_key::KeyId;
use serde::{Deserialize, Serialize};

use crate::entry::KeyFacts;
use crate::manifest::StoreId;
use crate::{KeyState, ObjectUse, RingName};

/// One line of the journal: who did what, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Record {
    /// Its number, from 1. The order is this, not the time: clocks are set back.
    pub seq: u64,
    /// When, by the clock of the machine.
    pub time: Timestamp,
    /// Who.
    pub by: Actor,
    /// What.
    pub event: Event,
}

/// Who wrote a line: for reading, since whoever writes chooses it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Actor {
    /// The effective user id of the process.
    pub uid: u32,
    /// That user's name on that machine, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The machine's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Name and version of the program.
    pub program: String,
}

impl Actor {
    pub(crate) fn this_process() -> Self {
        // Looked up once: where names come over a network, that takes its time.
        static NAMES: OnceLock<(Option<String>, Option<String>)> = OnceLock::new();
        let uid = rustix::process::geteuid().as_raw();
        let (user, host) = NAMES.get_or_init(|| {
            let system = rustix::system::uname();
            let host = system.nodename().to_str().ok();
            let host = host.filter(|name| !name.is_empty()).map(str::to_owned);
            (user_name(uid), host)
        });
        Self {
            uid,
            user: user.clone(),
            host: host.clone(),
            program: concat!("keyferry ", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// The name that this machine has for a user id.
#[must_use]
pub fn user_name(uid: u32) -> Option<String> {
    let user = nix::unistd::User::from_uid(uid.into());
    Some(user.ok()??.name)
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
#[non_exhaustive]
#[expect(
    missing_docs,
    reason = "the fields are what the variants' sentences name"
)]
pub enum Event {
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
