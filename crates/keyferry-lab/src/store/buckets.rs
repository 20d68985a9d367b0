//! Buckets of a region. Creation is [`Store::create_bucket`](super::Store::create_bucket),
//! because names are global.

use redb::ReadableTable as _;

use super::bucket_record::BucketRecord;
use super::database::{BUCKETS, UPLOADS, VERSIONS, after_bucket, decode};
use super::error::StoreError;
use super::region::RegionStore;

impl RegionStore {
    /// A bucket of this region.
    ///
    /// # Errors
    /// [`StoreError::NoSuchBucket`], also when it lives in the other region.
    pub(crate) fn bucket(&self, name: &str) -> Result<BucketRecord, StoreError> {
        let buckets = self.reading()?.open_table(BUCKETS)?;
        match buckets.get(name)? {
            Some(record) => decode(record.value()),
            None => Err(StoreError::NoSuchBucket(name.to_owned())),
        }
    }

    /// The region's buckets by name.
    pub(crate) fn buckets(&self) -> Result<Vec<BucketRecord>, StoreError> {
        let buckets = self.reading()?.open_table(BUCKETS)?;
        buckets
            .iter()?
            .map(|entry| decode(entry?.1.value()))
            .collect()
    }

    /// Changes a bucket's record in one atomic step; an error of `change` leaves it as it was.
    /// `name`, `region` and `created` must stay.
    pub(crate) async fn update_bucket<E, F>(&self, name: &str, change: F) -> Result<BucketRecord, E>
    where
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut BucketRecord) -> Result<(), E> + Send + 'static,
    {
        let name = name.to_owned();
        self.write(move |transaction| {
            let mut bucket = transaction.bucket(&name)?;
            change(&mut bucket)?;
            transaction.put_bucket(&bucket)?;
            Ok(bucket)
        })
        .await
    }

    /// Deletes an empty bucket and aborts its multipart uploads (`S3-BUCKET-3`).
    ///
    /// # Errors
    /// [`StoreError::BucketNotEmpty`] while any version or delete marker exists.
    pub(crate) async fn delete_bucket(&self, name: &str) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.write(move |transaction| {
            transaction.bucket(&name)?;
            let end = after_bucket(&name);
            let versions = transaction.tables.open_table(VERSIONS)?;
            if versions
                .range((name.as_str(), "", 0)..(end.as_str(), "", 0))?
                .next()
                .is_some()
            {
                return Err(StoreError::BucketNotEmpty(name));
            }
            drop(versions);
            let uploads = transaction
                .tables
                .open_table(UPLOADS)?
                .range((name.as_str(), "", "")..(end.as_str(), "", ""))?
                .map(|entry| decode(entry?.1.value()))
                .collect::<Result<Vec<_>, StoreError>>()?;
            for upload in &uploads {
                transaction.remove_upload(&name, upload)?;
            }
            transaction
                .tables
                .open_table(BUCKETS)?
                .remove(name.as_str())?;
            Ok(())
        })
        .await
    }
}
