//! One side of an object, as its HEAD shows it.
//!
//! Nothing here is proof by itself. The replication status comes on HEAD and GET only; stored
//! checksums come only when asked for (`x-amz-checksum-mode: ENABLED`; S3-VERIFY-8, S3-XFER-9).

use std::collections::BTreeMap;
use std::fmt;

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types;
use jiff::Timestamp;
use serde::Serialize;

/// What a bucket says about one version of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ObjectView {
    /// Size in bytes.
    pub size: u64,
    /// Entity tag, without quotes.
    pub etag: Option<String>,
    /// Version id.
    pub version_id: Option<String>,
    /// When the version was made.
    pub last_modified: Option<Timestamp>,
    /// Replication status; absent when S3 does not count the object as eligible.
    pub status: Option<ReplicationStatus>,
    /// Stored checksums, by algorithm.
    pub checksums: Vec<StoredChecksum>,
    /// MD5 of the customer key that the server says it used.
    pub key_md5: Option<String>,
    /// Encryption by keys that the server holds: `AES256`, `aws:kms` or `aws:kms:dsse`.
    pub server_side_encryption: Option<String>,
    /// System metadata that belongs to the content, by header name.
    pub system_metadata: BTreeMap<&'static str, String>,
    /// User metadata, by name without `x-amz-meta-`.
    pub user_metadata: BTreeMap<String, String>,
    /// How many metadata entries S3 could not put into headers.
    pub unseen_metadata: u32,
    /// How many tags it has. S3 tells only where there are some, and only whoever may read them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag_count: Option<u32>,
    /// Object Lock, where it protects the version and may be seen.
    #[serde(skip_serializing_if = "ObjectLock::is_none")]
    pub lock: ObjectLock,
}

/// How Object Lock protects a version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ObjectLock {
    /// Retention mode: `GOVERNANCE` or `COMPLIANCE`.
    pub mode: Option<String>,
    /// When retention ends.
    pub retain_until: Option<Timestamp>,
    /// Whether there is a legal hold.
    pub legal_hold: bool,
}

impl ObjectLock {
    /// Whether nothing protects the version, as far as may be seen.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    fn of(head: &HeadObjectOutput) -> Self {
        Self {
            mode: head.object_lock_mode().map(|mode| mode.as_str().to_owned()),
            retain_until: head
                .object_lock_retain_until_date()
                .and_then(|time| Timestamp::new(time.secs(), 0).ok()),
            legal_hold: head.object_lock_legal_hold_status()
                == Some(&types::ObjectLockLegalHoldStatus::On),
        }
    }
}

/// `x-amz-replication-status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ReplicationStatus {
    /// Not yet at every destination.
    Pending,
    /// At every destination. Says nothing about whether the replicas are still there.
    Completed,
    /// At least one destination was refused for good.
    Failed,
    /// The object was made by replication.
    Replica,
    /// Something newer than this program.
    #[serde(untagged)]
    Other(String),
}

/// A checksum that the server keeps with the object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoredChecksum {
    /// Algorithm, in S3's spelling.
    pub algorithm: String,
    /// Whether it covers the content or the parts' checksums.
    pub kind: ChecksumKind,
    /// Value in base64; a composite one ends in `-` and the number of parts.
    pub value: String,
}

/// `x-amz-checksum-type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChecksumKind {
    /// Over the content.
    FullObject,
    /// Over the checksums of the parts: comparable only where the parts are the same.
    Composite,
}

impl From<HeadObjectOutput> for ObjectView {
    fn from(head: HeadObjectOutput) -> Self {
        let system_metadata = [
            ("cache-control", head.cache_control()),
            ("content-disposition", head.content_disposition()),
            ("content-encoding", head.content_encoding()),
            ("content-language", head.content_language()),
            ("content-type", head.content_type()),
            ("expires", head.expires_string()),
            (
                "x-amz-website-redirect-location",
                head.website_redirect_location(),
            ),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?.to_owned())))
        .collect();
        Self {
            size: head
                .content_length()
                .and_then(|length| length.try_into().ok())
                .unwrap_or_default(),
            etag: head.e_tag().map(unquoted),
            version_id: head.version_id().map(str::to_owned),
            last_modified: head
                .last_modified()
                .and_then(|time| Timestamp::new(time.secs(), 0).ok()),
            status: head.replication_status().map(ReplicationStatus::from),
            checksums: checksums(&head),
            key_md5: head.sse_customer_key_md5().map(str::to_owned),
            server_side_encryption: head
                .server_side_encryption()
                .map(|encryption| encryption.as_str().to_owned()),
            system_metadata,
            tag_count: head.tag_count().and_then(|count| count.try_into().ok()),
            lock: ObjectLock::of(&head),
            unseen_metadata: head
                .missing_meta()
                .and_then(|missing| missing.try_into().ok())
                .unwrap_or_default(),
            user_metadata: head.metadata.unwrap_or_default().into_iter().collect(),
        }
    }
}

fn unquoted(etag: &str) -> String {
    etag.trim_matches('"').to_owned()
}

fn checksums(head: &HeadObjectOutput) -> Vec<StoredChecksum> {
    let composite = head.checksum_type() == Some(&types::ChecksumType::Composite);
    [
        ("CRC32", head.checksum_crc32()),
        ("CRC32C", head.checksum_crc32_c()),
        ("CRC64NVME", head.checksum_crc64_nvme()),
        ("MD5", head.checksum_md5()),
        ("SHA1", head.checksum_sha1()),
        ("SHA256", head.checksum_sha256()),
        ("SHA512", head.checksum_sha512()),
        ("XXHASH64", head.checksum_xxhash64()),
        ("XXHASH3", head.checksum_xxhash3()),
        ("XXHASH128", head.checksum_xxhash128()),
    ]
    .into_iter()
    .filter_map(|(algorithm, value)| {
        let value = value?.to_owned();
        let kind = if composite || value.contains('-') {
            ChecksumKind::Composite
        } else {
            ChecksumKind::FullObject
        };
        Some(StoredChecksum {
            algorithm: algorithm.to_owned(),
            kind,
            value,
        })
    })
    .collect()
}

impl ObjectView {
    /// The stored checksum of one algorithm over the full object.
    #[must_use]
    pub fn full_object_checksum(&self, algorithm: &str) -> Option<&StoredChecksum> {
        self.checksums.iter().find(|checksum| {
            checksum.algorithm == algorithm && checksum.kind == ChecksumKind::FullObject
        })
    }

    /// How the object is encrypted by keys that the server holds, in a word.
    pub(crate) fn encryption(&self) -> &str {
        self.server_side_encryption.as_deref().unwrap_or("none")
    }

    /// Whether it was uploaded in parts, as far as the entity tag shows.
    pub(crate) fn is_in_parts(&self) -> bool {
        let etag = self.etag.as_deref().unwrap_or_default();
        etag.rsplit_once('-')
            .is_some_and(|(_, parts)| parts.parse::<u32>().is_ok())
    }

    /// Whether the server says that the object is under keys of AWS KMS.
    pub(crate) fn is_under_kms(&self) -> bool {
        self.server_side_encryption
            .as_deref()
            .is_some_and(|encryption| encryption.starts_with("aws:kms"))
    }
}

impl From<&types::ReplicationStatus> for ReplicationStatus {
    fn from(status: &types::ReplicationStatus) -> Self {
        match status {
            types::ReplicationStatus::Pending => Self::Pending,
            types::ReplicationStatus::Complete | types::ReplicationStatus::Completed => {
                Self::Completed
            }
            types::ReplicationStatus::Failed => Self::Failed,
            types::ReplicationStatus::Replica => Self::Replica,
            other => Self::Other(other.as_str().to_owned()),
        }
    }
}

impl fmt::Display for ReplicationStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Pending => "PENDING",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Replica => "REPLICA",
            Self::Other(other) => other,
        })
    }
}

impl fmt::Display for StoredChecksum {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.algorithm, self.value)
    }
}
