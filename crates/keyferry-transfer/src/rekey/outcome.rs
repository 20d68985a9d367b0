//! What became of an object.

use keyferry_key::KeyId;

use super::ListedVersion;
use crate::TransferError;

/// An object that was dealt with.
#[derive(Debug)]
pub struct Handled {
    /// The current version, as it was listed.
    pub object: ListedVersion,
    /// What became of it.
    pub outcome: Outcome,
    /// How often it was overwritten while it was being copied.
    pub overtaken: u32,
    /// What is worth knowing besides.
    pub notes: Vec<Note>,
}

/// What became of an object.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// It has a new version under the new key, which was compared with the old one.
    Rekeyed(Rekeyed),
    /// The new version is not what the old one was. Both are there.
    Differs {
        /// The new version.
        rekeyed: Rekeyed,
        /// What is not the same.
        differences: Vec<String>,
    },
    /// The current version is under the new key already, as HEAD proved.
    Already {
        /// Its version id.
        version_id: Option<String>,
        /// Its size in bytes.
        size: u64,
        /// The replication status that S3 gives it.
        replication: Option<String>,
    },
    /// It would be re-encrypted.
    Planned(Planned),
    /// It was left as it is.
    Left(Left),
    /// Something went wrong; it is as it was, unless the error says otherwise.
    Failed(TransferError),
}

/// A version that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rekeyed {
    /// The key it was under; absent for an object that was under no customer key.
    pub from: Option<KeyId>,
    /// The version that was copied.
    pub source_version: Option<String>,
    /// The version that was made; absent where the bucket is not versioned.
    pub version_id: Option<String>,
    /// Its size in bytes.
    pub size: u64,
    /// In how many parts it was copied; absent for a copy in one piece.
    pub parts: Option<u32>,
    /// Whether S3 had replicated, or was to replicate, the version that was copied.
    pub was_replicated: bool,
}

/// What a run would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The key it is under; absent for an object that is under no customer key.
    pub from: Option<KeyId>,
    /// Its size in bytes.
    pub size: u64,
    /// Its storage class.
    pub storage_class: String,
    /// In how many parts it would be copied; absent for a copy in one piece.
    pub parts: Option<u32>,
}

impl Planned {
    /// How many requests of the PUT, COPY and POST kind it takes.
    #[must_use]
    pub fn writes(&self) -> u64 {
        // An upload in parts is begun and completed, too.
        self.parts.map_or(1, |parts| u64::from(parts) + 2)
    }
}

/// Why an object was left as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Left {
    /// None of the keys that were tried opens it.
    UnknownKey {
        /// The key that its tag names.
        tag: Option<String>,
        /// How many keys were tried.
        tried: usize,
    },
    /// It is under another key than those that were asked for.
    OtherKey(KeyId),
    /// It is under no customer key.
    NotCustomerKey,
    /// It has to be restored from this storage class or archive tier before it can be read.
    Archived(String),
    /// It came by replication: its source is to be re-encrypted, and the replica will follow.
    Replica,
    /// It was deleted since it was listed.
    Gone,
}

/// Something worth knowing of an object that was re-encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// Its tag named another key than the one that opened it.
    WrongTag {
        /// What the tag said.
        tag: String,
    },
    /// It has ten tags already, so that none names its key.
    TagSetFull,
    /// Tags may not be written, so that none names its key.
    TagDenied,
    /// Its access control list gave rights to others, which the new version does not.
    GrantsNotKept {
        /// To whom, and which.
        grants: Vec<String>,
    },
    /// Its access control list may not be read, so that it is not known whether it gave rights to
    /// others, which the new version does not.
    GrantsUnknown,
    /// Its version had no checksum, so that only sizes could be compared.
    NoChecksum,
    /// The old version had no retention in force; the new one has that of the bucket's default.
    LockedByDefault,
    /// It was deleted while it was being copied by a server without conditional copies; the copy
    /// brought it back.
    BroughtBack,
    /// A version that was written while it was being copied by a server without conditional copies
    /// was re-encrypted in its turn.
    NewerRedone {
        /// That version.
        version_id: Option<String>,
    },
}
