//! Putting, finding and tagging object versions.

use super::bucket_record::Tag;
use super::checksum::ObjectChecksum;
use super::error::StoreError;
use super::region::RegionStore;
use super::segment_writer::StagedSegment;
use super::version_record::{Layout, ObjectMetadata, VersionRecord};
use crate::encryption::ObjectEncryption;

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
    /// The additional checksum to keep; compute it through the segment's [`DigestPlan`]
    /// (`super::DigestPlan`).
    pub(crate) checksum: Option<ObjectChecksum>,
    /// From [`RegionStore::begin_encryption`].
    pub(crate) encryption: ObjectEncryption,
    pub(crate) metadata: ObjectMetadata,
    pub(crate) tags: Vec<Tag>,
    pub(crate) storage_class: String,
    /// The body. Under SSE-S3 its plan must have asked for the MD5, which is the ETag
    /// (`S3-ETAG-1`); otherwise the ETag is random.
    pub(crate) segment: StagedSegment,
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
        todo!()
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
        todo!()
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
        todo!()
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
        todo!()
    }
}
