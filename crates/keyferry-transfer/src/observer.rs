//! Progress, told while a transfer runs.

use std::fmt;

use crate::StartedOver;

/// Receives what happens during a transfer. Calls come from the transfer's own task, so they must
/// be quick and must not block.
pub trait Observer: Send + Sync {
    /// Called for every event, in order.
    fn on(&self, event: Event);
}

/// Something that happened during a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The transfer begins.
    Started {
        /// Bytes to be transferred; `None` for a stream of unknown length.
        total: Option<u64>,
    },
    /// More bytes went over. The sum over a whole transfer is the object's size, unless an earlier one
    /// is continued.
    Advanced {
        /// How many since the last event of this kind.
        bytes: u64,
    },
    /// An earlier transfer is continued.
    Resuming {
        /// How many bytes it had transferred.
        there: u64,
    },
    /// An earlier transfer is not continued.
    StartedOver {
        /// Why.
        why: StartedOver,
    },
    /// So many bytes need not be transferred, because an earlier transfer did; they were checked.
    /// Together with those of [`Event::Advanced`] they are the object's size.
    AlreadyThere {
        /// How many since the last event of this kind.
        bytes: u64,
    },
    /// A part was stored, or a range was received.
    PartDone {
        /// Number of the part, from 1.
        number: u32,
        /// Its size in bytes.
        bytes: u64,
    },
    /// Something failed and is sent or asked for again.
    Retried {
        /// Number of the part or range, from 1.
        number: u32,
    },
    /// All bytes went over; now parts are put together, checksums compared, files synced.
    Finishing,
    /// The server stored the object without saying which checksum it has. Verification will tell.
    ChecksumUnconfirmed,
    /// The object was stored without the tag that names its key.
    KeyTagLeftOut {
        /// Why.
        reason: NoKeyTag,
    },
    /// The object was stored as a version that is not the current one: another was made after the
    /// upload, which was continued now, had been begun (S3-MPU-4).
    NotCurrent,
    /// The transfer is complete.
    Finished {
        /// Size of the object in bytes.
        bytes: u64,
    },
}

/// Why an object has no tag that names its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoKeyTag {
    /// Ten other tags were asked for, and S3 allows no more.
    Full,
    /// The credentials may store objects but not tag them.
    Denied,
}

impl fmt::Display for NoKeyTag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Full => "it has ten other tags, and S3 allows no more",
            Self::Denied => "these credentials may not tag objects (s3:PutObjectTagging)",
        })
    }
}

/// Takes no notice of anything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn on(&self, _: Event) {}
}

impl<T: Observer + ?Sized> Observer for std::sync::Arc<T> {
    fn on(&self, event: Event) {
        (**self).on(event);
    }
}
