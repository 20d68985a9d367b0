//! What an upload leaves behind, so that verification can run later and elsewhere.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use keyferry_key::{CustomerKey, KeyId, KeyMd5};
use keyferry_policy::Region;
use serde::{Deserialize, Serialize};

use crate::ObjectAddress;

/// Proof of what was sent: verification compares the other region with this.
///
/// Holds no secret: the key is named by id and MD5. It is sealed under the object's own customer key, so
/// that whoever holds the key can tell whether it was changed since.
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
    /// Message authentication code over all of the above, in base64, under a key derived from the
    /// customer key. Receipts of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<String>,
}

/// Whether a receipt is as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Authenticity {
    /// It is, by its seal.
    Authentic,
    /// It has no seal, so anybody may have written it.
    Unsealed,
    /// Something in it, or its seal, is not what was written.
    Changed,
}

impl Receipt {
    /// The format that this version writes and reads.
    pub const FORMAT: u32 = 1;

    const SEAL: &str = "keyferry receipt 1";

    /// The receipt with its seal.
    #[must_use]
    pub(crate) fn sealed(mut self, key: &CustomerKey) -> Self {
        self.seal = self
            .content()
            .map(|content| STANDARD.encode(key.mac(Self::SEAL, &content)));
        self
    }

    /// Checks the seal with the key of the object. A key that is not the one of [`key_md5`](Self::key_md5)
    /// tells nothing: ask with the right one.
    #[must_use]
    pub fn authenticity(&self, key: &CustomerKey) -> Authenticity {
        let Some(seal) = &self.seal else {
            return Authenticity::Unsealed;
        };
        let intact = STANDARD.decode(seal).is_ok_and(|code| {
            self.content()
                .is_some_and(|content| key.made_mac(Self::SEAL, &content, &code))
        });
        match intact {
            true => Authenticity::Authentic,
            false => Authenticity::Changed,
        }
    }

    /// What the seal covers: the receipt without it, as JSON in the order of the fields.
    fn content(&self) -> Option<Vec<u8>> {
        serde_json::to_vec(&Self {
            seal: None,
            ..self.clone()
        })
        .ok()
    }
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

    fn receipt() -> Receipt {
        Receipt {
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
            key_md5: key().md5(),
            uploaded: Timestamp::UNIX_EPOCH,
            seal: None,
        }
    }

    fn key() -> CustomerKey {
        CustomerKey::from_bytes([7; 32])
    }

    /// Receipts of earlier versions always have a SHA-256, those of this one where it was asked for.
    #[test]
    fn receipts_read_with_and_without_a_sha256() {
        let mut receipt = receipt();
        for sha256 in [Some("00".to_owned()), None] {
            receipt.sha256 = sha256;
            let text = serde_json::to_string(&receipt).unwrap();
            assert_eq!(text.contains("sha256"), receipt.sha256.is_some());
            assert_eq!(serde_json::from_str::<Receipt>(&text).unwrap(), receipt);
        }
    }

    #[test]
    fn a_receipt_that_was_changed_by_hand_is_found_out() {
        let sealed = receipt().sealed(&key());
        let text = serde_json::to_string(&sealed).unwrap();
        let read = |text: &str| serde_json::from_str::<Receipt>(text).unwrap();
        assert_eq!(read(&text).authenticity(&key()), Authenticity::Authentic);
        for (from, to) in [
            ("\"size\":1", "\"size\":2"),
            ("eu-west-1", "eu-west-2"),
            ("\"key\":\"key\"", "\"key\":\"kez\""),
            ("\"sha256\":\"00\"", "\"sha256\":\"01\""),
            ("\"sha256\":\"00\",", ""),
            ("\"version_id\":null", "\"version_id\":\"v\""),
            ("1970-01-01", "1970-01-02"),
            ("AAAAAAAAAAA=", "AAAAAAAAAAE="),
            ("\"seal\":\"", "\"seal\":\"AAAA"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text, "{from}");
            let authenticity = read(&changed).authenticity(&key());
            assert_eq!(authenticity, Authenticity::Changed, "{from}");
        }
        let unsealed = Receipt {
            seal: None,
            ..sealed
        };
        assert_eq!(unsealed.authenticity(&key()), Authenticity::Unsealed);
    }
}
