//! All that belongs to a version and has to be the same after it was copied.

use std::collections::BTreeMap;

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use aws_sdk_s3::types::ChecksumType;

/// A version as HEAD shows it, and its tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) version_id: Option<String>,
    /// Without quotes.
    pub(super) etag: String,
    pub(super) size: u64,
    /// Headers of the content, by their names in requests.
    pub(super) headers: BTreeMap<&'static str, String>,
    /// User metadata, without the prefix of its names.
    pub(super) metadata: BTreeMap<String, String>,
    /// Metadata that HTTP headers cannot express, and so is not in `metadata`.
    pub(super) unseen_metadata: i32,
    pub(super) storage_class: String,
    /// The archive tier of an object under Intelligent-Tiering.
    pub(super) archive_tier: Option<String>,
    pub(super) lock: Lock,
    pub(super) checksum: Option<StoredSum>,
    pub(super) replication: Option<String>,
    pub(super) tags: BTreeMap<String, String>,
}

/// Legal hold and retention.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Lock {
    /// Whether a legal hold is on.
    pub(super) hold: bool,
    /// The mode, and until when.
    pub(super) retention: Option<(String, DateTime)>,
}

/// A checksum that S3 keeps with a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoredSum {
    /// In S3's spelling.
    pub(super) algorithm: &'static str,
    pub(super) value: String,
    /// Over the checksums of the parts, not over the content.
    pub(super) is_composite: bool,
}

pub(super) const EXPIRES: &str = "expires";
pub(super) const REDIRECT: &str = "x-amz-website-redirect-location";

/// Reads the checksums out of an SDK structure, by name.
macro_rules! sums {
    ($output:expr) => {
        [
            ("CRC64NVME", $output.checksum_crc64_nvme()),
            ("CRC32C", $output.checksum_crc32_c()),
            ("CRC32", $output.checksum_crc32()),
            ("SHA256", $output.checksum_sha256()),
            ("SHA1", $output.checksum_sha1()),
            ("SHA512", $output.checksum_sha512()),
            ("MD5", $output.checksum_md5()),
            ("XXHASH64", $output.checksum_xxhash64()),
            ("XXHASH3", $output.checksum_xxhash3()),
            ("XXHASH128", $output.checksum_xxhash128()),
        ]
    };
}
pub(super) use sums;

/// Sets the checksum of this algorithm in a builder of the SDK.
macro_rules! set_sum {
    ($builder:expr, $algorithm:expr, $value:expr) => {{
        let (builder, value) = ($builder, $value);
        match $algorithm {
            "CRC64NVME" => builder.set_checksum_crc64_nvme(value),
            "CRC32C" => builder.set_checksum_crc32_c(value),
            "CRC32" => builder.set_checksum_crc32(value),
            "SHA256" => builder.set_checksum_sha256(value),
            "SHA1" => builder.set_checksum_sha1(value),
            "SHA512" => builder.set_checksum_sha512(value),
            "MD5" => builder.set_checksum_md5(value),
            "XXHASH64" => builder.set_checksum_xxhash64(value),
            "XXHASH3" => builder.set_checksum_xxhash3(value),
            "XXHASH128" => builder.set_checksum_xxhash128(value),
            _ => builder,
        }
    }};
}
pub(super) use set_sum;

/// The first checksum that is there.
pub(super) fn first_sum(
    sums: [(&'static str, Option<&str>); 10],
) -> Option<(&'static str, String)> {
    sums.into_iter()
        .find_map(|(name, value)| Some((name, value?.to_owned())))
}

/// The checksum of one algorithm.
pub(super) fn sum_of(sums: [(&'static str, Option<&str>); 10], algorithm: &str) -> Option<String> {
    sums.into_iter()
        .find(|(name, _)| *name == algorithm)
        .and_then(|(_, value)| value.map(str::to_owned))
}

impl Facts {
    pub(super) fn of(head: HeadObjectOutput) -> Self {
        let headers = [
            ("cache-control", head.cache_control()),
            ("content-disposition", head.content_disposition()),
            ("content-encoding", head.content_encoding()),
            ("content-language", head.content_language()),
            ("content-type", head.content_type()),
            (EXPIRES, head.expires_string()),
            (REDIRECT, head.website_redirect_location()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?.to_owned())))
        .collect();
        let composite = head.checksum_type() == Some(&ChecksumType::Composite);
        let checksum = first_sum(sums!(head)).map(|(algorithm, value)| StoredSum {
            algorithm,
            is_composite: composite || value.contains('-'),
            value,
        });
        Self {
            version_id: head.version_id().map(str::to_owned),
            etag: head
                .e_tag()
                .unwrap_or_default()
                .trim_matches('"')
                .to_owned(),
            size: head
                .content_length()
                .and_then(|length| length.try_into().ok())
                .unwrap_or_default(),
            headers,
            unseen_metadata: head.missing_meta().unwrap_or_default(),
            storage_class: head
                .storage_class()
                .map_or_else(|| "STANDARD".to_owned(), |class| class.as_str().to_owned()),
            archive_tier: head.archive_status().map(|tier| tier.as_str().to_owned()),
            lock: Lock {
                hold: head
                    .object_lock_legal_hold_status()
                    .map(|hold| hold.as_str())
                    == Some("ON"),
                retention: head
                    .object_lock_mode()
                    .map(|mode| mode.as_str().to_owned())
                    .zip(head.object_lock_retain_until_date().copied()),
            },
            checksum,
            replication: head
                .replication_status()
                .map(|status| status.as_str().to_owned()),
            metadata: head.metadata.unwrap_or_default().into_iter().collect(),
            tags: BTreeMap::new(),
        }
    }

    /// In how many parts it was uploaded, as its entity tag tells; absent for a single PUT.
    pub(super) fn part_count(&self) -> Option<u32> {
        let (_, count) = self.etag.rsplit_once('-')?;
        count.parse().ok()
    }

    pub(super) fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name).cloned()
    }

    /// Why it cannot be read as it is.
    pub(super) fn archived(&self) -> Option<String> {
        match self.archive_tier.as_deref() {
            Some(tier) => Some(tier.to_owned()),
            None => is_archive(&self.storage_class).then(|| self.storage_class.clone()),
        }
    }

    /// Whether S3 replicated it to somewhere, or was to.
    pub(super) fn was_replicated(&self) -> bool {
        matches!(
            self.replication.as_deref(),
            Some("PENDING" | "COMPLETED" | "COMPLETE" | "FAILED")
        )
    }
}

impl Lock {
    /// The retention, where it still is in force: S3 takes no date that has passed.
    pub(super) fn retention_in_force(&self) -> Option<&(String, DateTime)> {
        let now = jiff::Timestamp::now().as_second();
        self.retention
            .as_ref()
            .filter(|(_, until)| until.secs() > now)
    }
}

impl std::fmt::Display for Lock {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hold = if self.hold { "on" } else { "off" };
        write!(formatter, "legal hold {hold}, ")?;
        match &self.retention {
            None => formatter.write_str("no retention"),
            Some((mode, until)) => {
                let until = until.fmt(DateTimeFormat::DateTime).unwrap_or_default();
                write!(formatter, "retention {mode} until {until}")
            }
        }
    }
}

impl std::fmt::Display for StoredSum {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}", self.algorithm, self.value)
    }
}

/// Storage classes that have to be restored before they can be read (S3-CLASS-2).
pub(super) fn is_archive(storage_class: &str) -> bool {
    matches!(storage_class, "GLACIER" | "DEEP_ARCHIVE")
}
