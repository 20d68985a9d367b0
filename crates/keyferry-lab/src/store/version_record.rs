//! What the lab remembers of an object version.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::bucket_record::Tag;
use super::checksum::ObjectChecksum;
use super::identifiers::{NULL_VERSION, Sequence};
use super::object_lock::ObjectLock;
use crate::encryption::ObjectEncryption;
use crate::replication::{ReplicationState, ReplicationStatus};

/// One version of a key: an object or a delete marker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct VersionRecord {
    pub(crate) key: String,
    /// `null` for versions made while versioning was off or suspended.
    pub(crate) version_id: String,
    /// Orders the versions of the key and is their last-modified time. An object uploaded in
    /// parts has the sequence of its CreateMultipartUpload (`S3-MPU-4`).
    pub(crate) sequence: Sequence,
    /// Account id of the owner.
    pub(crate) owner: String,
    pub(crate) content: VersionContent,
    pub(crate) replication: ReplicationState,
}

impl VersionRecord {
    /// The object, unless this is a delete marker.
    pub(crate) fn object(&self) -> Option<&ObjectRecord> {
        match &self.content {
            VersionContent::Object(object) => Some(object),
            VersionContent::DeleteMarker => None,
        }
    }

    /// Whether this is a delete marker.
    pub(crate) fn is_delete_marker(&self) -> bool {
        matches!(self.content, VersionContent::DeleteMarker)
    }

    /// Whether its version id is `null`.
    pub(crate) fn is_null_version(&self) -> bool {
        self.version_id == NULL_VERSION
    }

    /// `x-amz-replication-status` of HEAD and GET; `None` when no rule covered the version.
    pub(crate) fn replication_status(&self) -> Option<ReplicationStatus> {
        self.replication.status()
    }
}

/// Object or delete marker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum VersionContent {
    DeleteMarker,
    Object(Box<ObjectRecord>),
}

/// An object version's properties, without the list of its segments (see [`Layout`]).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ObjectRecord {
    /// Bytes of plaintext.
    pub(crate) size: u64,
    /// Without quotes; `HEX-N` for objects uploaded in N parts. An MD5 only for single PUTs
    /// under SSE-S3.
    pub(crate) etag: String,
    /// Number of parts, for objects uploaded in parts.
    pub(crate) part_count: Option<u32>,
    pub(crate) checksum: Option<ObjectChecksum>,
    pub(crate) encryption: ObjectEncryption,
    pub(crate) metadata: ObjectMetadata,
    pub(crate) tags: Vec<Tag>,
    /// When the tags last changed; the later change wins when both sides change them.
    pub(crate) tags_changed: Sequence,
    /// As the `x-amz-storage-class` value, `STANDARD` included.
    pub(crate) storage_class: String,
    /// Until when a restored copy of an archived object is there.
    #[serde(default)]
    pub(crate) restored_until: Option<SystemTime>,
    #[serde(default)]
    pub(crate) lock: ObjectLock,
}

/// The headers kept with an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ObjectMetadata {
    pub(crate) content_type: Option<String>,
    pub(crate) content_encoding: Option<String>,
    pub(crate) cache_control: Option<String>,
    pub(crate) content_disposition: Option<String>,
    pub(crate) content_language: Option<String>,
    /// As given.
    pub(crate) expires: Option<String>,
    pub(crate) website_redirect: Option<String>,
    /// `x-amz-meta-*` without the prefix.
    pub(crate) user: BTreeMap<String, String>,
}

/// The segments of an object: one for a PUT, one per part otherwise, in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Layout {
    pub(crate) parts: Vec<PartRecord>,
}

/// One part as stored. A single PUT is a layout of one part, numbered 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PartRecord {
    pub(crate) number: u32,
    /// Bytes of plaintext.
    pub(crate) size: u64,
    /// Without quotes.
    pub(crate) etag: String,
    /// The part's own checksum, base64, of the object's (or upload's) algorithm.
    pub(crate) checksum: Option<String>,
    /// When it was uploaded.
    pub(crate) uploaded: Sequence,
    pub(crate) segment: SegmentRecord,
}

/// A file of sealed chunks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SegmentRecord {
    /// Names the file.
    pub(crate) id: String,
    /// Bytes of plaintext.
    pub(crate) size: u64,
    /// Salt of the segment's key, hex.
    pub(crate) salt: String,
    /// Set by the `corrupt` fault only: read without checking the seal, so that readers get
    /// wrong bytes, as from the storage of the servers on which this fault was seen.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) unchecked: bool,
}
