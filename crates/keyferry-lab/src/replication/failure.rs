//! Why a version was not replicated.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

/// A replication that ended as FAILED.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReplicationFailure {
    /// Source bucket.
    pub source_bucket: String,
    /// Destination bucket.
    pub destination_bucket: String,
    /// Key of the object.
    pub key: String,
    /// Its version id.
    pub version_id: String,
    /// Id of the rule that covered it.
    pub rule_id: String,
    /// Why it failed.
    pub reason: ReplicationFailureReason,
    /// When.
    pub at: SystemTime,
}

/// Why a replication failed. S3 reports such reasons only in
/// `s3:Replication:OperationFailedReplication` events, by the codes of "Amazon S3 replication
/// failure reasons":
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-failure-codes.html>.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum ReplicationFailureReason {
    /// The role may not do something that replication needs.
    #[error("the replication role may not {call}: {why}")]
    NotPermitted {
        /// How S3 names the failure; `None` where AWS names none.
        code: Option<String>,
        /// The action that is not allowed.
        call: String,
        /// What the policies say.
        why: String,
    },
    /// The destination bucket is gone.
    #[error("the destination bucket does not exist")]
    DestinationMissing,
    /// The destination bucket has no versioning, or it is suspended.
    #[error("versioning is not enabled on the destination bucket")]
    DestinationNotVersioned,
    /// The source bucket has Object Lock and the destination bucket has not (`S3-LOCK-9`).
    #[error("the source bucket has Object Lock and the destination bucket has not")]
    DestinationWithoutObjectLock,
    /// The destination bucket refuses objects under customer keys (`S3-SSEC-21`).
    #[error("the destination bucket blocks SSE-C")]
    DestinationBlocksSseC,
    /// A KMS key is missing or disabled.
    #[error("the KMS key `{key}` cannot be used ({code})")]
    KmsKeyUnusable {
        /// How S3 names the failure.
        code: String,
        /// The key.
        key: String,
    },
    /// The source's bucket has no replication configuration or rule any more.
    #[error("the replication rule is gone")]
    RuleMissing,
    /// A metadata change had no version to go to.
    #[error("the destination does not have this version")]
    VersionMissing,
    /// The `fail` fault.
    #[error("a fault was set")]
    Fault,
    /// Storage failed.
    #[error("internal error: {0}")]
    Internal(String),
}

impl ReplicationFailureReason {
    /// How S3 names the failure (`S3-REPL-13`); `None` where AWS names none, or where only the
    /// lab can fail so.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::NotPermitted { code, .. } => code.as_deref(),
            Self::DestinationMissing => Some("DstBucketNotFound"),
            Self::DestinationNotVersioned => Some("DstBucketUnversioned"),
            Self::DestinationWithoutObjectLock => Some("DstBucketObjectLockConfigMissing"),
            Self::DestinationBlocksSseC => Some("DstPutObjectNotPermitted"),
            Self::KmsKeyUnusable { code, .. } => Some(code),
            Self::RuleMissing => Some("SrcBucketReplicationConfigMissing"),
            Self::VersionMissing => Some("DstObjectHardDeleted"),
            Self::Fault | Self::Internal(_) => None,
        }
    }
}
