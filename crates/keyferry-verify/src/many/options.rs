//! What a run verifies, and how.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use futures::stream::BoxStream;
use keyferry_key::CustomerKey;
use keyferry_policy::{BucketName, Region};
use keyferry_transfer::{Receipt, Scope};

use super::ledger::State;
use crate::{CandidateKeys, Level, ReadSides, ReplicaTarget, Subject, VerifyError};

/// A run: what, with which keys, and how.
pub struct Many<'a> {
    /// What to verify.
    pub what: What<'a>,
    /// Where the customer keys come from.
    pub keys: Keys<'a>,
    /// How to verify.
    pub options: ManyOptions,
    /// What an earlier run left, to go on from there; its options have to be the same.
    pub state: Option<State>,
}

/// What to verify.
pub enum What<'a> {
    /// What a bucket holds.
    Listed(Listed),
    /// What somebody recorded. An error ends the run.
    Recorded(BoxStream<'a, Result<Recorded, VerifyError>>),
}

/// A part of a bucket.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The bucket.
    pub bucket: BucketName,
    /// Its region.
    pub region: Region,
    /// Which objects.
    pub scope: Scope,
    /// Which versions of them.
    pub versions: Versions,
}

/// Something that was recorded of an object when it was sent.
#[derive(Debug, Clone)]
pub enum Recorded {
    /// A receipt from outside: its seal is checked.
    Receipt(Box<Receipt>),
    /// What this program knows by itself.
    Subject(Box<Subject>),
}

/// Where the customer keys come from.
#[derive(Clone, Copy)]
pub enum Keys<'a> {
    /// There are none: nothing is under a customer key.
    None,
    /// All objects are under this one. One that opens without it is refuted.
    One(&'a CustomerKey),
    /// Each object's key is found; objects that are under none are verified, too.
    Store(&'a dyn CandidateKeys),
}

/// How to verify.
#[derive(Debug, Clone)]
pub struct ManyOptions {
    /// How much proof is asked for.
    pub level: Level,
    /// What the deepest level reads.
    pub read: ReadSides,
    /// Which objects are asked for without their key.
    pub probe: ProbeScope,
    /// How long each object may wait for its replication, from the first look at it. When that time was in
    /// vain and many are waiting, those that come later are looked at once.
    pub wait: Duration,
    /// Where the replicas of a source bucket are, when its replication configuration is not to be asked.
    pub replicas: BTreeMap<BucketName, Vec<ReplicaTarget>>,
    /// Both directions: what came by replication is verified from the bucket that it came from.
    pub both_ways: bool,
    /// Whether versions that only a replica bucket has are looked for.
    pub extras: bool,
    /// How many objects are looked at at once.
    pub concurrency: NonZeroUsize,
    /// Whether [`Run::state`](super::Run::state) is to be asked: then the run remembers what it is at.
    pub keep_state: bool,
}

impl ManyOptions {
    /// How many objects are looked at at once where nothing else is said.
    pub const DEFAULT_CONCURRENCY: NonZeroUsize = NonZeroUsize::new(16).unwrap();
}

impl Default for ManyOptions {
    fn default() -> Self {
        Self {
            level: Level::default(),
            read: ReadSides::default(),
            probe: ProbeScope::default(),
            wait: Duration::ZERO,
            replicas: BTreeMap::new(),
            both_ways: false,
            extras: true,
            concurrency: Self::DEFAULT_CONCURRENCY,
            keep_state: false,
        }
    }
}

/// Which objects are asked for without their key, and with another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum ProbeScope {
    /// All of them: eight requests more for each.
    All,
    /// The first of each bucket, and some after them.
    #[default]
    Sample,
    /// None.
    None,
}

/// Which versions of the objects below a prefix.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Versions {
    /// What a read without version id gets.
    #[default]
    Current,
    /// All, with delete markers and null versions.
    All,
}
