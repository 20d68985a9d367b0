//! The whole store: both regions, the global bucket namespace and the account's roles.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::bucket_record::BucketRecord;
use super::error::StoreError;
use super::region::RegionStore;
use crate::replication::{ReplicationFailure, ReplicationQueue};

/// An IAM role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RoleRecord {
    pub(crate) name: String,
    /// `arn:aws:iam::ACCOUNT:role/NAME`
    pub(crate) arn: String,
    /// JSON as given.
    pub(crate) trust_policy: String,
    /// Inline policies, JSON as given, by name.
    pub(crate) policies: std::collections::BTreeMap<String, String>,
}

/// Both regions.
#[derive(Debug)]
pub(crate) struct Store {}

impl Store {
    /// Opens or creates the store under `dir`, which must exist: one folder per region, and the
    /// account's database. Removes data files that nothing refers to. Blocks.
    ///
    /// Starts no task; call [`Store::flush_regularly`] from within a runtime.
    pub(crate) fn open(
        dir: &Path,
        regions: &[String; 2],
        account_id: &str,
    ) -> Result<Arc<Self>, StoreError> {
        todo!()
    }

    /// Makes what was committed durable every 200 ms, and removes freed data files, until
    /// [`Store::close`]. Spawns a task.
    pub(crate) fn flush_regularly(self: &Arc<Self>) {
        todo!()
    }

    /// Makes everything durable and ends the task of [`Store::flush_regularly`]. The store can
    /// still be read and written.
    pub(crate) async fn close(&self) -> Result<(), StoreError> {
        todo!()
    }

    /// The account id given at [`Store::open`].
    pub(crate) fn account_id(&self) -> &str {
        todo!()
    }

    /// Both regions, in the order given at [`Store::open`].
    pub(crate) fn regions(&self) -> &[RegionStore; 2] {
        todo!()
    }

    /// The region of that name.
    pub(crate) fn region(&self, name: &str) -> Option<&RegionStore> {
        todo!()
    }

    /// A bucket in whichever region it lives: for redirects, and for replication.
    pub(crate) fn locate(&self, bucket: &str) -> Result<Option<BucketRecord>, StoreError> {
        todo!()
    }

    /// All buckets of both regions by name.
    pub(crate) fn buckets(&self) -> Result<Vec<BucketRecord>, StoreError> {
        todo!()
    }

    /// Creates a bucket in the region that the record names, with a creation time of now.
    ///
    /// # Errors
    /// [`StoreError::BucketExists`] with the record of the bucket that has the name, in
    /// whichever region.
    pub(crate) async fn create_bucket(
        &self,
        bucket: BucketRecord,
    ) -> Result<BucketRecord, StoreError> {
        todo!()
    }

    /// Creates or replaces a role.
    pub(crate) fn put_role(&self, role: RoleRecord) -> Result<(), StoreError> {
        todo!()
    }

    /// The role with that ARN.
    pub(crate) fn role(&self, arn: &str) -> Result<Option<RoleRecord>, StoreError> {
        todo!()
    }

    /// All roles.
    pub(crate) fn roles(&self) -> Result<Vec<RoleRecord>, StoreError> {
        todo!()
    }

    /// Where commits leave what is to be replicated.
    pub(crate) fn replication_queue(&self) -> &ReplicationQueue {
        todo!()
    }

    /// Every replication that ended as FAILED since the store was created, oldest first.
    pub(crate) fn replication_failures(&self) -> Result<Vec<ReplicationFailure>, StoreError> {
        todo!()
    }
}
