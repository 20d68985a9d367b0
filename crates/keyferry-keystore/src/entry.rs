//! What the store says about a key, short of the key.

use jiff::Timestamp;
use keyferry_key::import::Format;
use keyferry_key::{KeyId, KeyMd5, KeyStrength};
use serde::{Deserialize, Serialize};

use crate::{KeyState, RingName};

/// Where a key came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Origin {
    /// Made here, from the operating system's randomness.
    Generated,
    /// Given by somebody.
    Imported {
        /// How it was written.
        format: Format,
        /// Where it was read from, as the importer put it: a file name, `stdin`.
        source: String,
    },
}

/// A key of the store and its place in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyEntry {
    /// The key's name.
    pub id: KeyId,
    /// The ring it belongs to.
    pub ring: RingName,
    /// Its number in the ring, from 1.
    pub version: u32,
    /// What it may be used for.
    pub state: KeyState,
    /// When it entered the store. For reading only: the order is the journal's.
    pub created: Timestamp,
    /// Where it came from.
    pub origin: Origin,
    /// The most randomness its form allows.
    pub strength: KeyStrength,
    /// MD5 of the key, as S3 shows it.
    pub md5: KeyMd5,
    /// Of a key to be destroyed: not before then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destroy_after: Option<Timestamp>,
    /// Whether it was ever known to others, whatever its state became.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub compromised: bool,
}

/// The part of an entry that never changes; it stands in the key file and in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KeyFacts {
    /// The key's name.
    pub id: KeyId,
    /// The ring it belongs to.
    pub ring: RingName,
    /// Its number in the ring, from 1.
    pub version: u32,
    /// When it entered the store.
    pub created: Timestamp,
    /// Where it came from.
    pub origin: Origin,
    /// The most randomness its form allows.
    pub strength: KeyStrength,
    /// MD5 of the key, as S3 shows it.
    pub md5: KeyMd5,
}

impl KeyFacts {
    pub(crate) fn into_entry(self, state: KeyState) -> KeyEntry {
        let Self {
            id,
            ring,
            version,
            created,
            origin,
            strength,
            md5,
        } = self;
        KeyEntry {
            id,
            ring,
            version,
            state,
            created,
            origin,
            strength,
            md5,
            destroy_after: None,
            compromised: state == KeyState::Compromised,
        }
    }
}
