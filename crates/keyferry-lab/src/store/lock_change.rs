//! Changing a version's lock (`S3-LOCK-4`).

use std::time::SystemTime;

use super::error::StoreError;
use super::object_lock::LockChange;
use super::objects::{missing, store_metadata_change};
use super::region::RegionStore;
use super::transaction::Transaction;
use super::version_record::{VersionContent, VersionRecord};

impl RegionStore {
    /// Changes a version's lock, and replicates the change as a change of tags is.
    ///
    /// # Errors
    /// As [`RegionStore::set_tags`]; [`StoreError::ObjectLocked`] where the present retention
    /// does not permit it.
    pub(crate) async fn change_lock(
        &self,
        bucket: &str,
        key: &str,
        version_id: Option<&str>,
        change: LockChange,
    ) -> Result<VersionRecord, StoreError> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        let version_id = version_id.map(str::to_owned);
        self.write(move |transaction| {
            change_lock(transaction, &bucket, &key, version_id.as_deref(), change)
        })
        .await
    }
}

fn change_lock(
    transaction: &mut Transaction<'_>,
    bucket: &str,
    key: &str,
    version_id: Option<&str>,
    change: LockChange,
) -> Result<VersionRecord, StoreError> {
    let bucket = transaction.bucket(bucket)?;
    let mut version = transaction
        .version(&bucket.name, key, version_id)?
        .ok_or_else(|| missing(key, version_id))?;
    let VersionContent::Object(object) = &mut version.content else {
        return Err(StoreError::DeleteMarker {
            key: version.key,
            version_id: version.version_id,
        });
    };
    let now = transaction.next_sequence();
    object.lock.change(change, now, SystemTime::now())?;
    store_metadata_change(transaction, &bucket, version)
}
