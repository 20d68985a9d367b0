//! What is going on while a verification runs.

use std::time::Duration;

use keyferry_policy::{BucketName, Region};

use crate::{ReplicationStatus, Side};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The source was seen for the first time.
    SourceSeen {
        /// Its replication status.
        status: Option<ReplicationStatus>,
    },
    /// A replica is to be found here.
    Destination {
        /// The replica bucket.
        bucket: BucketName,
        /// Its region.
        region: Region,
    },
    /// Replication is not finished; the next look comes after `next`.
    Waiting {
        /// The source's replication status.
        status: Option<ReplicationStatus>,
        /// Time since the first look.
        elapsed: Duration,
        /// Time until the next look.
        next: Duration,
    },
    /// The source's replication status is settled.
    Settled {
        /// The status.
        status: Option<ReplicationStatus>,
        /// Time since the first look.
        elapsed: Duration,
    },
    /// Both sides are being read; comes often.
    Comparing {
        /// The replica bucket.
        bucket: BucketName,
        /// Bytes compared so far.
        bytes: u64,
        /// Bytes to compare.
        total: u64,
    },
    /// A side is being asked without the key.
    Probing {
        /// Which side.
        side: Side,
        /// The bucket.
        bucket: BucketName,
    },
}

/// Is told what is going on. Called often and between awaits: it must not block.
pub trait Observer: Send + Sync {
    /// Takes note of an event.
    fn on(&self, event: Event);
}

/// Takes note of nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn on(&self, _event: Event) {}
}

impl<F: Fn(Event) + Send + Sync> Observer for F {
    fn on(&self, event: Event) {
        self(event);
    }
}
