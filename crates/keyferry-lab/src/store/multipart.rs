//! Multipart uploads: creating, adding parts, aborting.

use super::bucket_record::Tag;
use super::checksum::{ChecksumAlgorithm, ChecksumKind};
use super::error::StoreError;
use super::region::RegionStore;
use super::segment_writer::StagedSegment;
use super::upload_record::UploadRecord;
use super::version_record::{ObjectMetadata, PartRecord};
use crate::encryption::ObjectEncryption;

/// What CreateMultipartUpload was given.
#[derive(Debug)]
pub(crate) struct NewUpload {
    pub(crate) key: String,
    /// Account id.
    pub(crate) owner: String,
    /// From [`RegionStore::begin_encryption`].
    pub(crate) encryption: ObjectEncryption,
    pub(crate) checksum: Option<(ChecksumAlgorithm, ChecksumKind)>,
    pub(crate) metadata: ObjectMetadata,
    pub(crate) tags: Vec<Tag>,
    pub(crate) storage_class: String,
}

impl RegionStore {
    /// Creates an upload.
    pub(crate) async fn create_upload(
        &self,
        bucket: &str,
        upload: NewUpload,
    ) -> Result<UploadRecord, StoreError> {
        todo!()
    }

    /// An upload in progress. Unlock its `encryption` with the request's customer key to get the
    /// key that its parts are sealed under.
    ///
    /// # Errors
    /// [`StoreError::NoSuchUpload`], also when the id belongs to another key.
    pub(crate) fn upload(
        &self,
        bucket: &str,
        key: &str,
        upload_id: &str,
    ) -> Result<UploadRecord, StoreError> {
        todo!()
    }

    /// Adds a part, or replaces the one of that number (`S3-MPU-2`). Its ETag is the segment's
    /// MD5 under SSE-S3 (the plan must have asked for it), else random; its checksum is the
    /// first of the segment's digests.
    pub(crate) async fn put_part(
        &self,
        bucket: &str,
        key: &str,
        upload_id: &str,
        number: u32,
        segment: StagedSegment,
    ) -> Result<PartRecord, StoreError> {
        todo!()
    }

    /// Drops an upload and its parts.
    pub(crate) async fn abort_upload(
        &self,
        bucket: &str,
        key: &str,
        upload_id: &str,
    ) -> Result<(), StoreError> {
        todo!()
    }
}
