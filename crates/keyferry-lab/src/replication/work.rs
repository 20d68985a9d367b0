//! Replicating one version: what has to hold, what is copied, what is recorded.

use std::sync::Arc;

use super::authority::{Decision, ReplicationAttempt, ReplicationAuthority};
use super::configuration::{ReplicationConfiguration, ReplicationRule};
use super::failure::ReplicationFailureReason as Reason;
use super::queue::QueueEntry;
use super::state::{ReplicationState, ReplicationTarget, TargetState};
use crate::encryption::{KmsKeyRecord, UnlockError};
use crate::faults::Fault;
use crate::store::{
    BucketRecord, ObjectRecord, RegionStore, ReplicaOutcome, StagedLayout, Store, StoreError,
    VersionContent, VersionRecord, Versioning,
};

/// What the replicator works with.
pub(super) struct Workshop {
    pub(super) store: Arc<Store>,
    pub(super) authority: Arc<dyn ReplicationAuthority>,
}

/// Why one target got nothing.
enum Obstacle {
    /// S3 would say FAILED.
    Failed(Reason),
    /// The lab itself failed.
    Store(StoreError),
}

impl From<StoreError> for Obstacle {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Reason> for Obstacle {
    fn from(reason: Reason) -> Self {
        Self::Failed(reason)
    }
}

impl Workshop {
    /// Replicates a queued version to every target that is pending and records the outcomes.
    pub(super) async fn replicate(
        &self,
        entry: QueueEntry,
        fault: Option<Fault>,
    ) -> Result<(), StoreError> {
        let region = self
            .store
            .region(&entry.region)
            .ok_or_else(|| StoreError::NoSuchRegion(entry.region.clone()))?;
        let found = region.bucket(&entry.bucket).and_then(|bucket| {
            let id = Some(entry.version_id.as_str());
            Ok((bucket, region.version(&entry.bucket, &entry.key, id)?))
        });
        let (source, version) = match found {
            Ok(found) => found,
            // Deleted for good before its turn: nothing is left to replicate.
            Err(StoreError::NoSuchBucket(_) | StoreError::NoSuchVersion { .. }) => {
                return region.drop_replication(entry.row).await;
            }
            Err(error) => return Err(error),
        };
        let mut outcomes = Vec::new();
        for target in &version.replication.targets {
            if target.state != TargetState::Pending {
                continue;
            }
            let state = match self
                .replicate_to(region, &source, &version, target, fault)
                .await
            {
                Ok(()) => TargetState::Completed,
                Err(Obstacle::Failed(reason)) => TargetState::Failed { reason },
                Err(Obstacle::Store(StoreError::ShuttingDown)) => {
                    return Err(StoreError::ShuttingDown);
                }
                Err(Obstacle::Store(error)) => TargetState::Failed {
                    reason: Reason::Internal(error.to_string()),
                },
            };
            outcomes.push((target.clone(), state));
        }
        region.finish_replication(entry, version, outcomes).await
    }

    async fn replicate_to(
        &self,
        region: &RegionStore,
        source: &BucketRecord,
        version: &VersionRecord,
        target: &ReplicationTarget,
        fault: Option<Fault>,
    ) -> Result<(), Obstacle> {
        let (role, rule) = rule_of(source, target).ok_or(Reason::RuleMissing)?;
        if fault == Some(Fault::Fail) {
            return Err(Reason::Fault.into());
        }
        let destination = self
            .store
            .locate(&target.bucket)?
            .ok_or(Reason::DestinationMissing)?;
        let there = self
            .store
            .region(&destination.region)
            .ok_or(Reason::DestinationMissing)?;
        if destination.versioning != Versioning::Enabled {
            return Err(Reason::DestinationNotVersioned.into());
        }
        let object = version.object();
        if object.is_some_and(|object| object.encryption.is_sse_c())
            && destination.encryption.blocks_sse_c()
        {
            return Err(Reason::DestinationBlocksSseC.into());
        }
        let kms_key = replica_kms_key(there, rule, object)?;
        let attempt = ReplicationAttempt {
            role_arn: role,
            source,
            destination: &destination,
            version,
            replica_kms_key: kms_key.as_ref().map(|key| key.arn.as_str()),
            metadata_only: target.metadata_only,
            owner_override: rule.destination.owner_is_destination,
        };
        if let Decision::Denied { reason } = self.authority.may_replicate(&attempt) {
            return Err(Reason::NotPermitted(reason).into());
        }

        let replica = replica_record(region, there, &destination, version, rule, kms_key.as_ref())?;
        let content = match object {
            _ if target.metadata_only => None,
            None => Some(StagedLayout::default()),
            // Already there: only its tags can differ.
            Some(_) if is_there(there, &target.bucket, version)? => None,
            Some(object) => {
                let layout = match region.layout(&source.name, version) {
                    // Deleted for good meanwhile.
                    Err(StoreError::NoSuchVersion { .. }) => return Ok(()),
                    layout => layout?,
                };
                let corrupt = fault == Some(Fault::Corrupt);
                let staged = there
                    .copy_segments(region, layout, &object.encryption, corrupt)
                    .await?;
                Some(staged)
            }
        };
        match there.put_replica(&target.bucket, replica, content).await? {
            ReplicaOutcome::Written => Ok(()),
            ReplicaOutcome::Refused(reason) => Err(reason.into()),
        }
    }
}

/// The rule that covered the version, if the bucket still has it.
fn rule_of<'a>(
    source: &'a BucketRecord,
    target: &ReplicationTarget,
) -> Option<(&'a str, &'a ReplicationRule)> {
    let ReplicationConfiguration { role, rules } = source.replication.as_ref()?;
    let rule = rules
        .iter()
        .find(|rule| rule.id == target.rule_id && rule.destination.bucket == target.bucket)?;
    Some((role, rule))
}

fn is_there(
    region: &RegionStore,
    bucket: &str,
    version: &VersionRecord,
) -> Result<bool, StoreError> {
    match region.version(bucket, &version.key, Some(&version.version_id)) {
        Ok(_) => Ok(true),
        Err(StoreError::NoSuchVersion { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The key that encrypts the replica of an object under KMS: the rule's, else the managed one
/// (`S3-REPL-6`).
fn replica_kms_key(
    region: &RegionStore,
    rule: &ReplicationRule,
    object: Option<&ObjectRecord>,
) -> Result<Option<KmsKeyRecord>, Obstacle> {
    if object.is_none_or(|object| object.encryption.kms_key_arn().is_none()) {
        return Ok(None);
    }
    let wanted = rule.destination.replica_kms_key.as_deref();
    match region.kms_key(wanted.unwrap_or("alias/aws/s3")) {
        Ok(key) if key.enabled => Ok(Some(key)),
        Ok(key) => Err(Reason::KmsKeyUnusable(key.arn).into()),
        Err(StoreError::NoSuchKmsKey(key)) => Err(Reason::KmsKeyUnusable(key).into()),
        Err(error) => Err(error.into()),
    }
}

/// The replica's record: the source's with the same version id, sequence, ETag, checksum, parts,
/// metadata and tags (`S3-REPL-10`), its data key held by the destination's region.
fn replica_record(
    here: &RegionStore,
    there: &RegionStore,
    destination: &BucketRecord,
    version: &VersionRecord,
    rule: &ReplicationRule,
    kms_key: Option<&KmsKeyRecord>,
) -> Result<VersionRecord, Obstacle> {
    let mut replica = version.clone();
    replica.replication = ReplicationState::replica();
    if rule.destination.owner_is_destination {
        replica.owner.clone_from(&destination.owner);
    }
    if let VersionContent::Object(object) = &mut replica.content {
        if let Some(class) = &rule.destination.storage_class {
            object.storage_class.clone_from(class);
        }
        if !object.encryption.is_sse_c() {
            let data_key = here
                .unlock_lab_held(&object.encryption)
                .map_err(kms_obstacle)?;
            object.encryption = there
                .rewrap(&object.encryption, &data_key, kms_key)
                .map_err(kms_obstacle)?;
        }
    }
    Ok(replica)
}

fn kms_obstacle(error: UnlockError) -> Obstacle {
    match error {
        UnlockError::KmsKeyDisabled(key) | UnlockError::Store(StoreError::NoSuchKmsKey(key)) => {
            Reason::KmsKeyUnusable(key).into()
        }
        UnlockError::Store(error) => error.into(),
        UnlockError::KeyRequired | UnlockError::WrongKey | UnlockError::KeyNotApplicable => {
            StoreError::Cryptography("opening a data key for replication").into()
        }
    }
}
