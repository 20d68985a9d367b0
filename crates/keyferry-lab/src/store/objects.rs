//! Putting, finding, tagging and restoring object versions.

use std::time::SystemTime;

use super::bucket_record::{BucketRecord, Tag};
use super::checksum::ObjectChecksum;
use super::database::{BUCKETS, LAYOUTS, VERSION_IDS, VERSIONS, by_id, decode, newest};
use super::error::StoreError;
use super::identifiers::random_hex;
use super::object_lock::{ObjectLock, RequestedLock};
use super::region::RegionStore;
use super::segment_writer::StagedSegment;
use super::transaction::Transaction;
use super::version_record::{
    Layout, ObjectMetadata, ObjectRecord, PartRecord, VersionContent, VersionRecord,
};
use crate::encryption::ObjectEncryption;
use crate::replication::{ReplicationState, TargetState, metadata_targets};

/// What must hold of the key's current version when a write or delete is committed; judged in
/// the same transaction (`S3-COND-1`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Precondition {
    /// Nothing.
    #[default]
    None,
    /// `If-None-Match: *`: no current object (a delete marker counts as none), else
    /// [`StoreError::PreconditionFailed`].
    Absent,
    /// `If-Match`: the current object has this ETag (without quotes), or exists at all for `*`.
    /// [`StoreError::NoSuchKey`] without one, [`StoreError::PreconditionFailed`] for another.
    Matches(String),
}

/// An object written by one PUT or copy.
#[derive(Debug)]
pub(crate) struct NewObject {
    pub(crate) key: String,
    /// Account id.
    pub(crate) owner: String,
    /// The additional checksum to keep; compute it through the segment's
    /// [`DigestPlan`](super::DigestPlan).
    pub(crate) checksum: Option<ObjectChecksum>,
    /// From [`RegionStore::begin_encryption`].
    pub(crate) encryption: ObjectEncryption,
    pub(crate) metadata: ObjectMetadata,
    pub(crate) tags: Vec<Tag>,
    pub(crate) storage_class: String,
    pub(crate) lock: RequestedLock,
    /// The body. Under SSE-S3 its plan must have asked for the MD5, which is the ETag
    /// (`S3-ETAG-1`); otherwise the ETag is random.
    pub(crate) segment: StagedSegment,
}

/// The ETag of a single PUT or a part.
pub(super) fn etag(encryption: &ObjectEncryption, segment: &StagedSegment) -> String {
    match segment.digests().md5 {
        Some(md5) if encryption.etag_is_md5() => hex::encode(md5),
        Some(_) | None => random_hex::<16>(),
    }
}

impl RegionStore {
    /// Commits an object as the key's newest version: under a new version id while versioning is
    /// enabled, else as the `null` version in place of the one there was (`S3-VER-1`,
    /// `S3-VER-2`). Marks it PENDING and queues it where replication rules cover it.
    pub(crate) async fn put_object(
        &self,
        bucket: &str,
        object: NewObject,
        precondition: Precondition,
    ) -> Result<VersionRecord, StoreError> {
        let bucket = bucket.to_owned();
        self.write(move |transaction| put_object(transaction, &bucket, object, &precondition))
            .await
    }

    /// The version asked for, or the current one. It may be a delete marker: answer 404 with
    /// `x-amz-delete-marker` for the current one, 405 for one asked for by id.
    ///
    /// # Errors
    /// [`StoreError::NoSuchBucket`], [`StoreError::NoSuchKey`] (no id asked for, no version at
    /// all), [`StoreError::NoSuchVersion`].
    pub(crate) fn version(
        &self,
        bucket: &str,
        key: &str,
        version_id: Option<&str>,
    ) -> Result<VersionRecord, StoreError> {
        let reading = self.reading()?;
        let versions = reading.open_table(VERSIONS)?;
        let found = match version_id {
            None => newest(&versions, bucket, key)?,
            Some(id) => by_id(
                &versions,
                &reading.open_table(VERSION_IDS)?,
                bucket,
                key,
                id,
            )?,
        };
        if found.is_none() && reading.open_table(BUCKETS)?.get(bucket)?.is_none() {
            return Err(StoreError::NoSuchBucket(bucket.to_owned()));
        }
        found.ok_or_else(|| missing(key, version_id))
    }

    /// The parts of an object, for reading and for GetObjectAttributes.
    ///
    /// # Errors
    /// [`StoreError::NoSuchVersion`] when it was deleted meanwhile.
    pub(crate) fn layout(
        &self,
        bucket: &str,
        version: &VersionRecord,
    ) -> Result<Layout, StoreError> {
        let layouts = self.reading()?.open_table(LAYOUTS)?;
        match layouts.get((bucket, version.sequence.0))? {
            Some(layout) => decode(layout.value()),
            None => Err(missing(&version.key, Some(&version.version_id))),
        }
    }

    /// Replaces an object's tags; none removes them. Replicates the change to where the version
    /// was replicated, from a replica only under `ReplicaModifications` (`S3-REPL-8`).
    ///
    /// # Errors
    /// As [`RegionStore::version`]; [`StoreError::DeleteMarker`] for a delete marker.
    pub(crate) async fn set_tags(
        &self,
        bucket: &str,
        key: &str,
        version_id: Option<&str>,
        tags: Vec<Tag>,
    ) -> Result<VersionRecord, StoreError> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        let version_id = version_id.map(str::to_owned);
        self.write(move |transaction| {
            set_tags(transaction, &bucket, &key, version_id.as_deref(), tags)
        })
        .await
    }

    /// Notes until when a restored copy of an archived object is there.
    ///
    /// # Errors
    /// As [`RegionStore::version`].
    pub(crate) async fn set_restored(
        &self,
        bucket: &str,
        key: &str,
        version_id: &str,
        until: SystemTime,
    ) -> Result<(), StoreError> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        let version_id = version_id.to_owned();
        self.write(move |transaction| set_restored(transaction, &bucket, &key, &version_id, until))
            .await
    }
}

fn set_restored(
    transaction: &mut Transaction<'_>,
    bucket: &str,
    key: &str,
    version_id: &str,
    until: SystemTime,
) -> Result<(), StoreError> {
    let mut version = transaction
        .version(bucket, key, Some(version_id))?
        .ok_or_else(|| missing(key, Some(version_id)))?;
    if let VersionContent::Object(object) = &mut version.content {
        object.restored_until = Some(until);
    }
    transaction.update_version(bucket, &version)
}

pub(super) fn missing(key: &str, version_id: Option<&str>) -> StoreError {
    match version_id {
        None => StoreError::NoSuchKey(key.to_owned()),
        Some(version_id) => StoreError::NoSuchVersion {
            key: key.to_owned(),
            version_id: version_id.to_owned(),
        },
    }
}

fn put_object(
    transaction: &mut Transaction<'_>,
    bucket: &str,
    object: NewObject,
    precondition: &Precondition,
) -> Result<VersionRecord, StoreError> {
    let bucket = transaction.bucket(bucket)?;
    let current = transaction.version(&bucket.name, &object.key, None)?;
    Transaction::check(precondition, &object.key, current.as_ref())?;
    let sequence = transaction.next_sequence();
    let etag = etag(&object.encryption, &object.segment);
    let segment = object.segment.record().clone();
    let layout = Layout {
        parts: vec![PartRecord {
            number: 1,
            size: segment.size,
            etag: etag.clone(),
            checksum: object.checksum.as_ref().map(|sum| sum.value.clone()),
            uploaded: sequence,
            segment,
        }],
    };
    let version = VersionRecord {
        key: object.key,
        version_id: Transaction::new_version_id(&bucket, sequence),
        sequence,
        owner: object.owner,
        content: VersionContent::Object(Box::new(ObjectRecord {
            size: object.segment.size(),
            etag,
            part_count: None,
            checksum: object.checksum,
            encryption: object.encryption,
            metadata: object.metadata,
            tags: object.tags,
            tags_changed: sequence,
            storage_class: object.storage_class,
            restored_until: None,
            lock: ObjectLock::new(&bucket, object.lock, sequence),
        })),
        replication: ReplicationState::default(),
    };
    transaction.adopt(object.segment.into_file());
    transaction.add_version(&bucket, version, Some(&layout))
}

fn set_tags(
    transaction: &mut Transaction<'_>,
    bucket: &str,
    key: &str,
    version_id: Option<&str>,
    tags: Vec<Tag>,
) -> Result<VersionRecord, StoreError> {
    let bucket = transaction.bucket(bucket)?;
    let mut version = transaction
        .version(&bucket.name, key, version_id)?
        .ok_or_else(|| missing(key, version_id))?;
    let VersionContent::Object(object) = &mut version.content else {
        return Err(match version_id {
            None => StoreError::NoSuchKey(version.key),
            Some(_) => StoreError::DeleteMarker {
                key: version.key,
                version_id: version.version_id,
            },
        });
    };
    object.tags = tags;
    object.tags_changed = transaction.next_sequence();
    store_metadata_change(transaction, &bucket, version)
}

/// Rewrites a version whose tags or lock changed, and queues the change for replication where
/// the version went, or for `ReplicaModifications` (`S3-REPL-8`).
pub(super) fn store_metadata_change(
    transaction: &mut Transaction<'_>,
    bucket: &BucketRecord,
    mut version: VersionRecord,
) -> Result<VersionRecord, StoreError> {
    if version.replication.is_replica {
        version.replication.targets = metadata_targets(bucket, &version);
    } else {
        let rules = bucket.replication.iter().flat_map(|config| &config.rules);
        let active: Vec<_> = rules
            .filter(|rule| rule.enabled)
            .map(|rule| rule.destination.bucket.as_str())
            .collect();
        for target in &mut version.replication.targets {
            if target.state == TargetState::Completed && active.contains(&target.bucket.as_str()) {
                target.state = TargetState::Pending;
                target.metadata_only = true;
            }
        }
    }
    transaction.update_version(&bucket.name, &version)?;
    let mut targets = version.replication.targets.iter();
    if targets.any(|target| target.state == TargetState::Pending) {
        transaction.enqueue(&bucket.name, &version)?;
    }
    Ok(version)
}
