//! What to verify, and how far to go.

use std::time::Duration;

use keyferry_key::CustomerKey;
use keyferry_policy::{BucketName, Region};
use serde::{Deserialize, Serialize};

use crate::Subject;

/// One verification: what, with which key, how long to wait, and how much proof.
#[derive(Debug, Clone)]
pub struct Verification<'a> {
    /// The object as it was sent, or as the source shows it.
    pub subject: &'a Subject,
    /// The customer key of the object; none where it is not under one.
    pub key: Option<&'a CustomerKey>,
    /// How long to wait for replication; zero looks once.
    pub wait: Duration,
    /// How much proof is asked for.
    pub level: Level,
    /// What the deepest level reads.
    pub read: ReadSides,
    /// Where the replica is, when the replication configuration is not to be asked.
    pub replica: Option<ReplicaTarget>,
    /// Whether both sides must show that they refuse requests without the key.
    pub probe: bool,
}

/// How much proof, from least to most. Each level includes those before it.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// What S3 says: the replication status, and that the replica is there.
    Status,
    /// What both sides store about the object: size, full-object checksum, key MD5, metadata, tags.
    /// The checksum is the server's claim; it detects accidents, not a lying server.
    #[default]
    Equal,
    /// Ranges of both sides, read with the key and compared: across the boundaries of parts, the first
    /// and the last bytes, and some at random places. Shows that the replica decrypts there.
    Sample,
    /// Every byte of both sides, read with the key and compared. Only this proves that all of the
    /// replica decrypts.
    Deep,
}

/// What [`Level::Deep`] reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadSides {
    /// Both sides, and compares them.
    #[default]
    Both,
    /// The replica, and compares it with the SHA-256 of a receipt. Without one, both are read.
    Replica,
}

/// A replica bucket that the caller names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaTarget {
    /// The bucket.
    pub bucket: BucketName,
    /// Its region.
    pub region: Region,
}
