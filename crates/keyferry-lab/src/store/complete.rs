//! Completing a multipart upload: the parts become the object's segments, nothing is copied.

use super::error::StoreError;
use super::objects::Precondition;
use super::region::RegionStore;
use super::version_record::VersionRecord;

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
        todo!()
    }
}
