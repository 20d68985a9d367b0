//! Deleting: delete markers, and versions for good.

use super::error::StoreError;
use super::objects::Precondition;
use super::region::RegionStore;

/// One key to delete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DeleteRequest {
    pub(crate) key: String,
    /// Delete this version for good; `null` is one.
    pub(crate) version_id: Option<String>,
    /// `If-Match`, judged against the version named, or the current one.
    pub(crate) precondition: Precondition,
}

/// What a delete did, as the response headers say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Deleted {
    pub(crate) key: String,
    /// `x-amz-version-id`: the version deleted for good, or the delete marker created.
    pub(crate) version_id: Option<String>,
    /// `x-amz-delete-marker`: a delete marker was created, or the version deleted was one.
    pub(crate) delete_marker: bool,
}

impl RegionStore {
    /// Deletes keys in one transaction, each with its own outcome, in order.
    ///
    /// Without a version id: in an unversioned bucket the object is gone; while versioning is
    /// enabled a delete marker becomes the newest version; while suspended the `null` version is
    /// replaced by a delete marker with id `null` (`S3-VER-3`). What does not exist is deleted
    /// all the same (`S3-DEL-1`). Markers are queued for replication where rules cover them;
    /// deletes by version id never are (`S3-REPL-9`).
    pub(crate) async fn delete(
        &self,
        bucket: &str,
        owner: &str,
        requests: Vec<DeleteRequest>,
    ) -> Result<Vec<Result<Deleted, StoreError>>, StoreError> {
        todo!()
    }
}
