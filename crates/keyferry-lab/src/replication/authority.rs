//! Whether the replication role may do what a replication needs.

use std::sync::Arc;

use super::trust_policy::trusts_s3;
use crate::store::{BucketRecord, Store, VersionRecord};

/// A replication about to happen.
#[derive(Clone, Copy, Debug)]
#[expect(
    dead_code,
    reason = "policy evaluation reads all of it; the check of the role's trust only the role"
)]
pub(crate) struct ReplicationAttempt<'a> {
    pub(crate) role_arn: &'a str,
    pub(crate) source: &'a BucketRecord,
    pub(crate) destination: &'a BucketRecord,
    /// The version to replicate, with its encryption and tags.
    pub(crate) version: &'a VersionRecord,
    /// ARN of the KMS key that will encrypt the replica, if one does.
    pub(crate) replica_kms_key: Option<&'a str>,
    /// Only tags are replicated.
    pub(crate) metadata_only: bool,
    /// The rule hands the replica to the destination bucket's owner.
    pub(crate) owner_override: bool,
}

/// Yes, or why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Allowed,
    Denied { reason: String },
}

/// Decides for the replicator.
pub(crate) trait ReplicationAuthority: Send + Sync {
    /// Whether the role may do all that this attempt needs.
    fn may_replicate(&self, attempt: &ReplicationAttempt<'_>) -> Decision;
}

/// Asks that the role exists and that its trust policy lets `s3.amazonaws.com` assume it.
#[derive(Clone, Debug)]
pub(crate) struct RoleTrust {
    store: Arc<Store>,
}

impl RoleTrust {
    /// Looks roles up in `store`.
    pub(crate) fn new(store: Arc<Store>) -> Self {
        Self { store }
    }
}

impl ReplicationAuthority for RoleTrust {
    fn may_replicate(&self, attempt: &ReplicationAttempt<'_>) -> Decision {
        let arn = attempt.role_arn;
        let denied = |reason| Decision::Denied { reason };
        match self.store.role(arn) {
            Err(error) => denied(format!("role `{arn}` cannot be read: {error}")),
            Ok(None) => denied(format!("role `{arn}` does not exist")),
            Ok(Some(role)) if trusts_s3(&role.trust_policy) => Decision::Allowed,
            Ok(Some(_)) => denied(format!(
                "the trust policy of `{arn}` does not let s3.amazonaws.com assume it"
            )),
        }
    }
}
