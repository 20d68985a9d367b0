//! Buckets of a region. Creation is [`Store::create_bucket`](super::Store::create_bucket),
//! because names are global.

use super::bucket_record::BucketRecord;
use super::error::StoreError;
use super::region::RegionStore;

impl RegionStore {
    /// A bucket of this region.
    ///
    /// # Errors
    /// [`StoreError::NoSuchBucket`], also when it lives in the other region.
    pub(crate) fn bucket(&self, name: &str) -> Result<BucketRecord, StoreError> {
        todo!()
    }

    /// The region's buckets by name.
    pub(crate) fn buckets(&self) -> Result<Vec<BucketRecord>, StoreError> {
        todo!()
    }

    /// Changes a bucket's record in one atomic step; an error of `change` leaves it as it was.
    /// `name`, `region` and `created` must stay.
    pub(crate) async fn update_bucket<E, F>(&self, name: &str, change: F) -> Result<BucketRecord, E>
    where
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut BucketRecord) -> Result<(), E> + Send + 'static,
    {
        todo!()
    }

    /// Deletes an empty bucket and aborts its multipart uploads (`S3-BUCKET-3`).
    ///
    /// # Errors
    /// [`StoreError::BucketNotEmpty`] while any version or delete marker exists.
    pub(crate) async fn delete_bucket(&self, name: &str) -> Result<(), StoreError> {
        todo!()
    }
}
