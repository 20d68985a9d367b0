//! Whether the replication role may do what a replication needs (`S3-REPL-11`).
//!
//! Each call that S3 makes for one version ([`keyferry_policy::calls`]) is judged by the policies
//! that are installed: S3 assumes the role by its trust policy, and then acts as the role, by its
//! policies and boundary, the bucket policies and the key policies.

use std::sync::Arc;

use keyferry_policy::calls::{Call, Gate, KmsUse, Payload, Place, Replication};

use super::failure::ReplicationFailureReason;
use crate::authorization::{Authorizer, CallTarget, Circumstances, Refusal};
use crate::encryption::KmsKeyRecord;
use crate::store::{
    BucketRecord, ObjectOwnership, RoleRecord, Store, StoreError, VersionContent, VersionRecord,
};

/// The service that replicates.
const S3: &str = "s3.amazonaws.com";

/// A replication about to happen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReplicationAttempt<'a> {
    pub(crate) role_arn: &'a str,
    pub(crate) source: &'a BucketRecord,
    pub(crate) destination: &'a BucketRecord,
    /// The version to replicate, with its encryption and tags.
    pub(crate) version: &'a VersionRecord,
    /// The KMS keys that encrypt the object and its replica, if keys do.
    pub(crate) kms_keys: Option<KmsKeys<'a>>,
    /// Only tags and lock are replicated.
    pub(crate) metadata_only: bool,
    /// The rule hands the replica to the destination bucket's owner.
    pub(crate) owner_override: bool,
}

/// The KMS keys of a replication.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KmsKeys<'a> {
    pub(crate) source: &'a KmsKeyRecord,
    pub(crate) replica: &'a KmsKeyRecord,
}

/// What the role may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Allowed,
    /// All but reading or writing the tags: the object replicates without them (`S3-REPL-12`).
    AllowedWithoutTags(ReplicationFailureReason),
    Denied(ReplicationFailureReason),
}

/// Decides for the replicator.
pub(crate) trait ReplicationAuthority: Send + Sync {
    /// Whether the role may do all that this attempt needs.
    fn may_replicate(&self, attempt: &ReplicationAttempt<'_>) -> Result<Decision, StoreError>;
}

/// Judges by the policies in a store.
pub(crate) struct RolePermissions {
    store: Arc<Store>,
    authorizer: Authorizer,
}

impl RolePermissions {
    /// Looks roles up in `store`.
    pub(crate) fn new(store: Arc<Store>) -> Self {
        Self {
            authorizer: Authorizer::new(Arc::clone(&store)),
            store,
        }
    }

    fn judge(
        &self,
        attempt: &ReplicationAttempt<'_>,
        role: &RoleRecord,
        call: &Call,
    ) -> Result<Option<ReplicationFailureReason>, StoreError> {
        let region = match call.gate {
            Gate::Trust | Gate::SourceBucket | Gate::SourceKey => &attempt.source.region,
            Gate::DestinationBucket | Gate::ReplicaKey => &attempt.destination.region,
        };
        let mut circumstances = Circumstances::of_service(region);
        for (key, values) in call.request.context.iter() {
            circumstances.set_all(key, values.unwrap_or_default().to_vec());
        }
        let target = match (call.gate, attempt.kms_keys) {
            (Gate::Trust, _) => {
                let judgement = self.authorizer.service_may_assume(S3, role, circumstances);
                return Ok(judgement.err().map(|refusal| not_permitted(call, &refusal)));
            }
            (Gate::SourceBucket, _) => CallTarget::Bucket(attempt.source),
            (Gate::DestinationBucket, _) => CallTarget::Bucket(attempt.destination),
            (Gate::SourceKey, Some(keys)) => CallTarget::Key(keys.source),
            (Gate::ReplicaKey, Some(keys)) => CallTarget::Key(keys.replica),
            // Without keys there are no calls on them.
            (Gate::SourceKey | Gate::ReplicaKey, None) => return Ok(None),
        };
        if let (CallTarget::Bucket(_), VersionContent::Object(object)) =
            (&target, &attempt.version.content)
        {
            describe(&mut circumstances, call, object, attempt);
        }
        let judgement = self.authorizer.role_may_call(
            role,
            &call.request.action,
            &call.request.resource,
            &target,
            circumstances,
        )?;
        Ok(judgement.err().map(|refusal| not_permitted(call, &refusal)))
    }
}

/// What S3's calls say about the object itself.
fn describe(
    circumstances: &mut Circumstances,
    call: &Call,
    object: &crate::store::ObjectRecord,
    attempt: &ReplicationAttempt<'_>,
) {
    match call.request.action.as_str() {
        "s3:ReplicateObject" => match attempt.kms_keys {
            Some(keys) => {
                let dsse = matches!(
                    object.encryption,
                    crate::encryption::ObjectEncryption::DsseKms { .. }
                );
                circumstances.set(
                    "s3:x-amz-server-side-encryption",
                    if dsse { "aws:kms:dsse" } else { "aws:kms" },
                );
                circumstances.set(
                    "s3:x-amz-server-side-encryption-aws-kms-key-id",
                    &keys.replica.arn,
                );
            }
            None if object.encryption.is_sse_c() => circumstances.set(
                "s3:x-amz-server-side-encryption-customer-algorithm",
                "AES256",
            ),
            None => circumstances.set("s3:x-amz-server-side-encryption", "AES256"),
        },
        "s3:GetObjectVersionTagging" => {
            for tag in &object.tags {
                circumstances.set(&format!("s3:ExistingObjectTag/{}", tag.key), &tag.value);
            }
        }
        _ => {}
    }
}

impl ReplicationAuthority for RolePermissions {
    fn may_replicate(&self, attempt: &ReplicationAttempt<'_>) -> Result<Decision, StoreError> {
        let Some(role) = self.store.role_by_arn(attempt.role_arn)? else {
            return Ok(Decision::Denied(ReplicationFailureReason::NotPermitted {
                code: Some("AssumeRoleNotPermitted".to_owned()),
                call: "sts:AssumeRole".to_owned(),
                why: format!("role `{}` does not exist", attempt.role_arn),
            }));
        };
        let replication = match replication(attempt) {
            Ok(replication) => replication,
            Err(error) => {
                return Ok(Decision::Denied(ReplicationFailureReason::Internal(
                    error.to_string(),
                )));
            }
        };
        let mut without_tags = None;
        for call in replication.calls() {
            let Some(failure) = self.judge(attempt, &role, &call)? else {
                continue;
            };
            let only_tags = is_about_tags(&call) && !attempt.metadata_only;
            if !only_tags {
                // The first that is denied names the failure.
                return Ok(Decision::Denied(without_tags.unwrap_or(failure)));
            }
            without_tags.get_or_insert(failure);
        }
        Ok(without_tags.map_or(Decision::Allowed, Decision::AllowedWithoutTags))
    }
}

fn is_about_tags(call: &Call) -> bool {
    matches!(
        call.request.action.as_str(),
        "s3:GetObjectVersionTagging" | "s3:ReplicateTags"
    )
}

fn not_permitted(call: &Call, refusal: &Refusal) -> ReplicationFailureReason {
    ReplicationFailureReason::NotPermitted {
        code: call.failure_code.map(str::to_owned),
        call: call.request.action.clone(),
        why: refusal.decision().to_string(),
    }
}

/// The attempt as the list of calls takes it.
fn replication(
    attempt: &ReplicationAttempt<'_>,
) -> Result<Replication, keyferry_policy::NameError> {
    let object = attempt.version.object();
    let kms = match (attempt.kms_keys, object) {
        (Some(keys), Some(object)) => {
            let bucket_key = object.encryption.uses_bucket_key();
            Some(KmsUse {
                source_key: keys.source.arn.parse()?,
                source_bucket_key: bucket_key,
                replica_key: keys.replica.arn.parse()?,
                // A replica keeps the Bucket Key setting of its source (`S3-REPL-6`).
                replica_bucket_key: bucket_key,
            })
        }
        _ => None,
    };
    Ok(Replication {
        role: attempt.role_arn.parse()?,
        source: place(attempt.source)?,
        destination: place(attempt.destination)?,
        key: attempt.version.key.clone(),
        payload: if attempt.version.is_delete_marker() {
            Payload::DeleteMarker
        } else if attempt.metadata_only {
            Payload::Metadata
        } else {
            Payload::Object
        },
        kms,
        tagged: object.is_some_and(|object| attempt.metadata_only || !object.tags.is_empty()),
        // With ACLs off there is nothing to hand over.
        owner_override: attempt.owner_override
            && attempt.destination.ownership != Some(ObjectOwnership::BucketOwnerEnforced),
        object_lock: attempt.source.object_lock.is_some(),
        annotations: false,
    })
}

fn place(bucket: &BucketRecord) -> Result<Place, keyferry_policy::NameError> {
    Ok(Place {
        bucket: bucket.name.parse()?,
        region: bucket.region.parse()?,
        account: bucket.owner.parse()?,
    })
}
