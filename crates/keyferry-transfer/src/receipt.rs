//! What an upload leaves behind, so that verification can run later and elsewhere.

use jiff::Timestamp;
use keyferry_key::{KeyId, KeyMd5};
use keyferry_policy::Region;
use serde::{Deserialize, Serialize};

use crate::ObjectAddress;

/// Proof of what was sent: verification compares the other region with this.
///
/// Holds no secret: the key is named by id and MD5.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Format of the receipt: [`Receipt::FORMAT`].
    pub format: u32,
    /// The object.
    pub source: ObjectAddress,
    /// Region of the source bucket.
    pub region: Region,
    /// Version id that S3 gave; absent when the bucket is not versioned.
    pub version_id: Option<String>,
    /// Size in bytes.
    pub size: u64,
    /// Entity tag, without quotes. Under SSE-C it is no MD5.
    pub etag: String,
    /// How the object was cut into parts; absent for a single PUT.
    pub parts: Option<PartLayout>,
    /// The full-object checksum, as computed here and confirmed by S3.
    pub checksum: Checksum,
    /// SHA-256 of the content as sent, in hex: a proof of our own beside S3's.
    pub sha256: String,
    /// Id of the customer key, where it has one.
    pub key_id: Option<KeyId>,
    /// MD5 of the customer key.
    pub key_md5: KeyMd5,
    /// When the upload was complete.
    pub uploaded: Timestamp,
}

impl Receipt {
    /// The format that this version writes and reads.
    pub const FORMAT: u32 = 1;
}

/// How an object was cut: all parts have one size, except the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartLayout {
    /// Bytes of every part but the last.
    pub part_size: u64,
    /// How many parts.
    pub count: u32,
}

/// A checksum over the full object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum {
    /// Algorithm, in S3's spelling: `CRC64NVME`.
    pub algorithm: String,
    /// Value, in base64 as in S3's headers.
    pub value: String,
}
