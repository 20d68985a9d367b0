//! What a run turns to: one thing after the other.

use jiff::Timestamp;
use keyferry_policy::BucketName;
use keyferry_transfer::Receipt;
use serde::{Deserialize, Serialize};

use crate::Subject;

/// One thing to look at. It names all that is needed to look at it in another run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "item", rename_all = "kebab-case")]
pub enum Item {
    /// A version of an object.
    Version {
        /// Key of the object.
        key: String,
        /// Its version id; absent for what a read without one gets.
        version_id: Option<String>,
    },
    /// A delete marker.
    Marker {
        /// The replica bucket that has it, where the source bucket does not.
        of: Option<BucketName>,
        /// Key of the object.
        key: String,
        /// Its version id.
        version_id: Option<String>,
        /// Whether the object counts as deleted.
        is_latest: bool,
        /// When the object was deleted.
        made: Option<Timestamp>,
        /// The buckets on the other side whose listing shows it.
        shown_in: Vec<BucketName>,
    },
    /// What only a replica bucket shows.
    Extra {
        /// That bucket.
        bucket: BucketName,
        /// Key of the object.
        key: String,
        /// Its version id.
        version_id: Option<String>,
        /// Whether it is a delete marker.
        is_delete_marker: bool,
        /// Whether it is what a read without version id gets.
        is_latest: bool,
        /// Size in bytes.
        size: u64,
        /// When it was made.
        made: Option<Timestamp>,
    },
    /// What a receipt names.
    Receipt {
        /// The receipt.
        receipt: Box<Receipt>,
    },
    /// An object of which everything is known.
    Subject {
        /// What is known.
        subject: Box<Subject>,
    },
}

impl Item {
    /// Key and version id, where it comes from a listing of the source.
    pub(super) fn listed(&self) -> Option<(&str, Option<&str>)> {
        match self {
            Self::Version { key, version_id }
            | Self::Marker {
                key, version_id, ..
            }
            | Self::Extra {
                key, version_id, ..
            } => Some((key, version_id.as_deref())),
            Self::Receipt { .. } | Self::Subject { .. } => None,
        }
    }
}
