//! Multipart uploads: creating, adding parts, aborting.

use redb::ReadableTable as _;

use super::bucket_record::Tag;
use super::checksum::{ChecksumAlgorithm, ChecksumKind};
use super::database::{BUCKETS, PARTS, UPLOADS, decode, encode};
use super::error::StoreError;
use super::identifiers::new_upload_id;
use super::object_lock::RequestedLock;
use super::objects::etag;
use super::region::RegionStore;
use super::segment_writer::StagedSegment;
use super::transaction::Transaction;
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
    pub(crate) lock: RequestedLock,
}

impl RegionStore {
    /// Creates an upload.
    pub(crate) async fn create_upload(
        &self,
        bucket: &str,
        upload: NewUpload,
    ) -> Result<UploadRecord, StoreError> {
        let bucket = bucket.to_owned();
        let initiated = self.next_sequence();
        let record = UploadRecord {
            key: upload.key,
            upload_id: new_upload_id(initiated),
            initiated,
            owner: upload.owner,
            encryption: upload.encryption,
            checksum: upload.checksum,
            metadata: upload.metadata,
            tags: upload.tags,
            storage_class: upload.storage_class,
            lock: upload.lock,
        };
        self.write(move |transaction| {
            transaction.bucket(&bucket)?;
            let bytes = encode(&record)?;
            transaction.tables.open_table(UPLOADS)?.insert(
                (
                    bucket.as_str(),
                    record.key.as_str(),
                    record.upload_id.as_str(),
                ),
                bytes.as_slice(),
            )?;
            Ok(record)
        })
        .await
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
        let reading = self.reading()?;
        let uploads = reading.open_table(UPLOADS)?;
        if let Some(upload) = uploads.get((bucket, key, upload_id))? {
            return decode(upload.value());
        }
        if reading.open_table(BUCKETS)?.get(bucket)?.is_none() {
            return Err(StoreError::NoSuchBucket(bucket.to_owned()));
        }
        Err(StoreError::NoSuchUpload(upload_id.to_owned()))
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
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        let upload_id = upload_id.to_owned();
        self.write(move |transaction| {
            let upload = transaction.upload(&bucket, &key, &upload_id)?;
            let checksums = &segment.digests().checksums;
            let part = PartRecord {
                number,
                size: segment.size(),
                etag: etag(&upload.encryption, &segment),
                checksum: checksums
                    .first()
                    .and_then(|(algorithm, _)| segment.digests().base64(*algorithm)),
                uploaded: transaction.next_sequence(),
                segment: segment.record().clone(),
            };
            transaction.put_part(&upload_id, &part)?;
            transaction.adopt(segment.into_file());
            Ok(part)
        })
        .await
    }

    /// Drops an upload and its parts.
    pub(crate) async fn abort_upload(
        &self,
        bucket: &str,
        key: &str,
        upload_id: &str,
    ) -> Result<(), StoreError> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        let upload_id = upload_id.to_owned();
        self.write(move |transaction| {
            let upload = transaction.upload(&bucket, &key, &upload_id)?;
            transaction.remove_upload(&bucket, &upload)
        })
        .await
    }
}

impl Transaction<'_> {
    /// An upload in progress.
    pub(super) fn upload(
        &self,
        bucket: &str,
        key: &str,
        upload_id: &str,
    ) -> Result<UploadRecord, StoreError> {
        self.bucket(bucket)?;
        match self
            .tables
            .open_table(UPLOADS)?
            .get((bucket, key, upload_id))?
        {
            Some(upload) => decode(upload.value()),
            None => Err(StoreError::NoSuchUpload(upload_id.to_owned())),
        }
    }

    /// All parts of an upload by number.
    pub(super) fn parts(&self, upload_id: &str) -> Result<Vec<PartRecord>, StoreError> {
        self.tables
            .open_table(PARTS)?
            .range((upload_id, 0)..=(upload_id, u32::MAX))?
            .map(|entry| decode(entry?.1.value()))
            .collect()
    }

    /// Removes an upload's records and leaves its segments to the caller.
    pub(super) fn forget_upload(
        &self,
        bucket: &str,
        upload: &UploadRecord,
    ) -> Result<(), StoreError> {
        let id = upload.upload_id.as_str();
        self.tables
            .open_table(UPLOADS)?
            .remove((bucket, upload.key.as_str(), id))?;
        self.tables
            .open_table(PARTS)?
            .retain_in((id, 0)..=(id, u32::MAX), |_, _| false)?;
        Ok(())
    }

    /// Removes an upload and frees its segments.
    pub(super) fn remove_upload(
        &mut self,
        bucket: &str,
        upload: &UploadRecord,
    ) -> Result<(), StoreError> {
        for part in self.parts(&upload.upload_id)? {
            self.free(part.segment.id);
        }
        self.forget_upload(bucket, upload)
    }

    fn put_part(&mut self, upload_id: &str, part: &PartRecord) -> Result<(), StoreError> {
        let record = encode(part)?;
        let mut parts = self.tables.open_table(PARTS)?;
        let replaced = parts
            .insert((upload_id, part.number), record.as_slice())?
            .map(|replaced| decode::<PartRecord>(replaced.value()))
            .transpose()?;
        drop(parts);
        if let Some(replaced) = replaced {
            self.free(replaced.segment.id);
        }
        Ok(())
    }
}
