//! Deleting: delete markers, and versions for good.

use std::time::SystemTime;

use super::bucket_record::{BucketRecord, Versioning};
use super::error::StoreError;
use super::identifiers::NULL_VERSION;
use super::objects::Precondition;
use super::region::RegionStore;
use super::transaction::Transaction;
use super::version_record::{VersionContent, VersionRecord};
use crate::replication::ReplicationState;

/// One key to delete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DeleteRequest {
    pub(crate) key: String,
    /// Delete this version for good; `null` is one.
    pub(crate) version_id: Option<String>,
    /// `If-Match`, judged against the version named, or the current one.
    pub(crate) precondition: Precondition,
    /// The requester may bypass retention in governance mode, and asked to.
    pub(crate) bypass_governance: bool,
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
    ///
    /// A version under Object Lock is not deleted for good: [`StoreError::ObjectLocked`]
    /// (`S3-LOCK-5`).
    pub(crate) async fn delete(
        &self,
        bucket: &str,
        owner: &str,
        requests: Vec<DeleteRequest>,
    ) -> Result<Vec<Result<Deleted, StoreError>>, StoreError> {
        let (bucket, owner) = (bucket.to_owned(), owner.to_owned());
        self.write(move |transaction| {
            let bucket = transaction.bucket(&bucket)?;
            Ok(requests
                .into_iter()
                .map(|request| delete(transaction, &bucket, &owner, request))
                .collect())
        })
        .await
    }
}

fn delete(
    transaction: &mut Transaction<'_>,
    bucket: &BucketRecord,
    owner: &str,
    request: DeleteRequest,
) -> Result<Deleted, StoreError> {
    let DeleteRequest {
        key,
        version_id,
        precondition,
        bypass_governance,
    } = request;
    let version = transaction.version(&bucket.name, &key, version_id.as_deref())?;
    Transaction::check(&precondition, &key, version.as_ref())?;
    match (version_id, bucket.versioning) {
        (Some(version_id), _) => {
            if let Some(version) = &version {
                let lock = version.object().map(|object| object.lock);
                if lock.is_some_and(|lock| lock.protects(bypass_governance, SystemTime::now())) {
                    return Err(StoreError::ObjectLocked);
                }
                transaction.remove_version(&bucket.name, version)?;
            }
            Ok(Deleted {
                key,
                version_id: Some(version_id),
                delete_marker: version.is_some_and(|version| version.is_delete_marker()),
            })
        }
        (None, Versioning::Unversioned) => {
            if let Some(version) = transaction.version(&bucket.name, &key, Some(NULL_VERSION))? {
                transaction.remove_version(&bucket.name, &version)?;
            }
            Ok(Deleted {
                key,
                version_id: None,
                delete_marker: false,
            })
        }
        (None, Versioning::Enabled | Versioning::Suspended) => {
            let sequence = transaction.next_sequence();
            let marker = VersionRecord {
                key: key.clone(),
                version_id: Transaction::new_version_id(bucket, sequence),
                sequence,
                owner: owner.to_owned(),
                content: VersionContent::DeleteMarker,
                replication: ReplicationState::default(),
            };
            let marker = transaction.add_version(bucket, marker, None)?;
            Ok(Deleted {
                key,
                version_id: Some(marker.version_id),
                delete_marker: true,
            })
        }
    }
}
