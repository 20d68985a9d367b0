//! What the lab remembers of a multipart upload that is neither completed nor aborted.

use serde::{Deserialize, Serialize};

use super::bucket_record::Tag;
use super::checksum::{ChecksumAlgorithm, ChecksumKind};
use super::identifiers::Sequence;
use super::object_lock::RequestedLock;
use super::version_record::ObjectMetadata;
use crate::encryption::ObjectEncryption;

/// Everything given at CreateMultipartUpload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct UploadRecord {
    pub(crate) key: String,
    pub(crate) upload_id: String,
    /// When it was initiated; the finished object's sequence.
    pub(crate) initiated: Sequence,
    /// Account id of the owner.
    pub(crate) owner: String,
    /// Holds the customer key's verifier: every part must come with the same key
    /// (`S3-SSEC-12`). Check it with [`RegionStore::unlock`](super::RegionStore::unlock).
    pub(crate) encryption: ObjectEncryption,
    /// Algorithm and type asked for at creation, if any.
    pub(crate) checksum: Option<(ChecksumAlgorithm, ChecksumKind)>,
    pub(crate) metadata: ObjectMetadata,
    pub(crate) tags: Vec<Tag>,
    pub(crate) storage_class: String,
    #[serde(default)]
    pub(crate) lock: RequestedLock,
}
