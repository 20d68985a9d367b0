//! Completing a multipart upload: the parts become the object's segments, nothing is copied.

use std::collections::BTreeMap;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use md5::{Digest as _, Md5};

use super::checksum::{ChecksumAlgorithm, ChecksumKind, Hasher, ObjectChecksum, crc_bytes};
use super::error::StoreError;
use super::object_lock::ObjectLock;
use super::objects::Precondition;
use super::region::RegionStore;
use super::transaction::Transaction;
use super::version_record::{Layout, ObjectRecord, PartRecord, VersionContent, VersionRecord};
use crate::replication::ReplicationState;

/// The least size of every part but the last (`S3-MPU-5`).
const MINIMUM_PART: u64 = 5 << 20;

/// A part as CompleteMultipartUpload lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CompletedPart {
    pub(crate) number: u32,
    /// Without quotes.
    pub(crate) etag: String,
    /// Base64, of the upload's algorithm; compared when given.
    pub(crate) checksum: Option<String>,
}

/// What CompleteMultipartUpload was given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Completion {
    pub(crate) parts: Vec<CompletedPart>,
    pub(crate) precondition: Precondition,
    /// The object's checksum, if the request has one: base64, a composite one with or without
    /// `-N`.
    pub(crate) checksum: Option<String>,
    /// `x-amz-mp-object-size`.
    pub(crate) size: Option<u64>,
}

impl RegionStore {
    /// Makes an object of the listed parts; parts not listed are dropped. The ETag is the MD5 of
    /// the parts' ETags with `-N`. The checksum is combined from the parts' for a full-object
    /// CRC, or hashed over them for a composite one (`S3-SUM-3`).
    ///
    /// The new version is ordered by when the upload was created (`S3-MPU-4`).
    ///
    /// # Errors
    /// [`StoreError::InvalidPart`], [`StoreError::InvalidPartOrder`],
    /// [`StoreError::PartTooSmall`], [`StoreError::PartWithoutChecksum`],
    /// [`StoreError::ChecksumMismatch`], [`StoreError::SizeMismatch`]; the upload stays.
    pub(crate) async fn complete_upload(
        &self,
        bucket: &str,
        key: &str,
        upload_id: &str,
        completion: Completion,
    ) -> Result<VersionRecord, StoreError> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        let upload_id = upload_id.to_owned();
        self.write(move |transaction| complete(transaction, &bucket, &key, &upload_id, &completion))
            .await
    }
}

fn complete(
    transaction: &mut Transaction<'_>,
    bucket: &str,
    key: &str,
    upload_id: &str,
    completion: &Completion,
) -> Result<VersionRecord, StoreError> {
    let bucket = transaction.bucket(bucket)?;
    let upload = transaction.upload(&bucket.name, key, upload_id)?;
    let current = transaction.version(&bucket.name, key, None)?;
    Transaction::check(&completion.precondition, key, current.as_ref())?;

    let mut stored: BTreeMap<u32, PartRecord> = transaction
        .parts(upload_id)?
        .into_iter()
        .map(|part| (part.number, part))
        .collect();
    let parts = chosen_parts(&mut stored, &completion.parts)?;
    let size = parts.iter().map(|part| part.size).sum();
    if let Some(expected) = completion.size.filter(|expected| *expected != size) {
        return Err(StoreError::SizeMismatch {
            actual: size,
            expected,
        });
    }
    let checksum = match upload.checksum {
        Some((algorithm, kind)) => Some(object_checksum(algorithm, kind, &parts)?),
        // An upload that names none gets S3's default, if its parts have it (`S3-SUM-2`).
        None => object_checksum(
            ChecksumAlgorithm::Crc64Nvme,
            ChecksumKind::FullObject,
            &parts,
        )
        .ok(),
    };
    if let (Some(computed), Some(expected)) = (&checksum, &completion.checksum)
        && !agrees(computed, expected)
    {
        return Err(StoreError::ChecksumMismatch {
            computed: computed.value.clone(),
            expected: expected.clone(),
        });
    }

    for part in stored.into_values() {
        transaction.free(part.segment.id);
    }
    transaction.forget_upload(&bucket.name, &upload)?;
    let version = VersionRecord {
        key: upload.key,
        version_id: Transaction::new_version_id(&bucket, upload.initiated),
        sequence: upload.initiated,
        owner: upload.owner,
        content: VersionContent::Object(Box::new(ObjectRecord {
            size,
            etag: multipart_etag(&parts),
            part_count: u32::try_from(parts.len()).ok(),
            checksum,
            encryption: upload.encryption,
            metadata: upload.metadata,
            tags: upload.tags,
            tags_changed: upload.initiated,
            storage_class: upload.storage_class,
            restored_until: None,
            lock: ObjectLock::new(&bucket, upload.lock, upload.initiated),
        })),
        replication: ReplicationState::default(),
    };
    transaction.add_version(&bucket, version, Some(&Layout { parts }))
}

/// Takes the listed parts out of the stored ones.
fn chosen_parts(
    stored: &mut BTreeMap<u32, PartRecord>,
    listed: &[CompletedPart],
) -> Result<Vec<PartRecord>, StoreError> {
    let mut parts: Vec<PartRecord> = Vec::with_capacity(listed.len());
    for wanted in listed {
        if parts
            .last()
            .is_some_and(|last| last.number >= wanted.number)
        {
            return Err(StoreError::InvalidPartOrder(wanted.number));
        }
        let part = stored
            .remove(&wanted.number)
            .filter(|part| part.etag == wanted.etag)
            .filter(|part| wanted.checksum.is_none() || wanted.checksum == part.checksum)
            .ok_or(StoreError::InvalidPart(wanted.number))?;
        parts.push(part);
    }
    let all_but_last = parts.len().saturating_sub(1);
    match parts
        .iter()
        .take(all_but_last)
        .find(|part| part.size < MINIMUM_PART)
    {
        None => Ok(parts),
        Some(part) => Err(StoreError::PartTooSmall {
            number: part.number,
            size: part.size,
        }),
    }
}

/// The MD5 of the parts' MD5s; of their random ETags where ETags are not MD5s.
fn multipart_etag(parts: &[PartRecord]) -> String {
    let mut md5 = Md5::new();
    for part in parts {
        md5.update(hex::decode(&part.etag).unwrap_or_default());
    }
    format!("{}-{}", hex::encode(md5.finalize()), parts.len())
}

fn agrees(computed: &ObjectChecksum, expected: &str) -> bool {
    let without_count = |value: &str| match computed.kind {
        ChecksumKind::FullObject => value.to_owned(),
        ChecksumKind::Composite => value.split('-').next().unwrap_or_default().to_owned(),
    };
    without_count(&computed.value) == without_count(expected)
}

fn object_checksum(
    algorithm: ChecksumAlgorithm,
    kind: ChecksumKind,
    parts: &[PartRecord],
) -> Result<ObjectChecksum, StoreError> {
    let digests = parts
        .iter()
        .map(|part| {
            part.checksum
                .as_ref()
                .and_then(|value| BASE64_STANDARD.decode(value).ok())
                .map(|digest| (part.size, digest))
                .ok_or(StoreError::PartWithoutChecksum(part.number))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let value = match (kind, algorithm.crc()) {
        (ChecksumKind::FullObject, Some((crc, width))) => {
            let combined = digests
                .iter()
                .map(|(size, digest)| (*size, crc_value(digest)))
                .reduce(|(left_size, left), (size, right)| {
                    let value = crc_fast::checksum_combine(crc, left, right, size);
                    (left_size + size, value)
                });
            BASE64_STANDARD.encode(crc_bytes(combined.map_or(0, |(_, value)| value), width))
        }
        // A hash cannot be combined; S3 refuses the type at creation.
        (ChecksumKind::FullObject, None) => {
            return Err(StoreError::Cryptography("combining hashes of parts"));
        }
        (ChecksumKind::Composite, _) => {
            let mut hasher = Hasher::new(algorithm);
            for (_, digest) in &digests {
                hasher.update(digest);
            }
            format!(
                "{}-{}",
                BASE64_STANDARD.encode(hasher.finish()),
                parts.len()
            )
        }
    };
    Ok(ObjectChecksum {
        algorithm,
        kind,
        value,
    })
}

fn crc_value(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |value, byte| value << 8 | u64::from(*byte))
}
