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
    /// How the object was cut into parts; absent for a single PUT, and for an object that was found
    /// to be the same already.
    pub parts: Option<PartLayout>,
    /// The full-object checksum, as computed here and confirmed by S3.
    pub checksum: Checksum,
    /// SHA-256 of the content as sent, in hex: a proof of our own beside S3's, where it was asked
    /// for. Without it, the checksum alone is held against what is read back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Receipts of earlier versions always have a SHA-256, those of this one where it was asked for.
    #[test]
    fn receipts_read_with_and_without_a_sha256() {
        let mut receipt = Receipt {
            format: Receipt::FORMAT,
            source: "s3://bucket/key".parse().unwrap(),
            region: "eu-west-1".parse().unwrap(),
            version_id: None,
            size: 1,
            etag: "e".to_owned(),
            parts: None,
            checksum: Checksum {
                algorithm: "CRC64NVME".to_owned(),
                value: "AAAAAAAAAAA=".to_owned(),
            },
            sha256: Some("00".to_owned()),
            key_id: None,
            key_md5: keyferry_key::CustomerKey::from_bytes([7; 32]).md5(),
            uploaded: Timestamp::UNIX_EPOCH,
        };
        for sha256 in [Some("00".to_owned()), None] {
            receipt.sha256 = sha256;
            let text = serde_json::to_string(&receipt).unwrap();
            assert_eq!(text.contains("sha256"), receipt.sha256.is_some());
            assert_eq!(serde_json::from_str::<Receipt>(&text).unwrap(), receipt);
        }
    }
}
