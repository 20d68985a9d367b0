//! Features that rows of the matrix depend on.

use serde::Deserialize;

use crate::plan::{PlannedFlow, Profile};

/// What has to be on for a row to apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Feature {
    /// Annotations replicate.
    #[serde(rename = "annotations")]
    Annotations,
    /// Object Lock is on.
    #[serde(rename = "object-lock")]
    ObjectLock,
    /// Replicas go to the destination bucket's owner.
    #[serde(rename = "owner-override")]
    OwnerOverride,
    /// The destination uses Bucket Keys.
    #[serde(rename = "bucket-key")]
    BucketKey,
    /// The same, or objects arrive unencrypted, which S3 has not stored since 2023.
    #[serde(rename = "bucket-key | plaintext-source")]
    BucketKeyOrPlaintextSource,
    /// Objects older than the rule are replicated.
    #[serde(rename = "batch-replication")]
    BatchReplication,
    /// The same, of objects whose encryption was changed in place.
    #[serde(rename = "batch-replication of objects re-encrypted by UpdateObjectEncryption")]
    BatchReplicationOfUpdated,
    /// The source is encrypted by a key of another account.
    #[serde(rename = "source-key-of-another-account")]
    SourceKeyOfAnotherAccount,
}

impl Feature {
    /// Whether a flow has it.
    #[must_use]
    pub fn is_on(self, flow: &PlannedFlow<'_>) -> bool {
        let bucket_key = flow.destination.encryption.bucket_key().is_used();
        let existing = flow.settings.existing_objects.is_some();
        match self {
            Self::Annotations => flow.source.annotations,
            Self::ObjectLock => flow.source.object_lock,
            Self::OwnerOverride => flow.owner_override(),
            Self::BucketKey | Self::BucketKeyOrPlaintextSource => bucket_key,
            Self::BatchReplication => existing,
            Self::BatchReplicationOfUpdated => existing && flow.profile == Profile::Compatible,
            Self::SourceKeyOfAnotherAccount => flow
                .source
                .encryption
                .kms_key()
                .is_some_and(|key| *key.account() != flow.source.account),
        }
    }
}
