//! Replicating one version: what has to hold, what is copied, what is recorded.

use std::sync::Arc;

use super::authority::{Decision, KmsKeys, ReplicationAttempt, ReplicationAuthority};
use super::configuration::{ReplicationConfiguration, ReplicationRule};
use super::failure::ReplicationFailureReason as Reason;
use super::queue::QueueEntry;
use super::state::{ReplicationState, ReplicationTarget, TargetState};
use crate::encryption::{KeyState, KmsKeyRecord, UnlockError};
use crate::faults::Fault;
use crate::store::{
    BucketRecord, MANAGED_ALIAS, ObjectRecord, RegionStore, ReplicaOutcome, StagedLayout, Store,
    StoreError, VersionContent, VersionRecord, Versioning,
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
        if object.is_some() && source.object_lock.is_some() && destination.object_lock.is_none() {
            return Err(Reason::DestinationWithoutObjectLock.into());
        }
        if object.is_some_and(|object| object.encryption.is_sse_c())
            && destination.encryption.blocks_sse_c()
        {
            return Err(Reason::DestinationBlocksSseC.into());
        }
        let kms_keys = kms_keys(region, there, source, rule, object)?;
        let attempt = ReplicationAttempt {
            role_arn: role,
            source,
            destination: &destination,
            version,
            kms_keys: kms_keys
                .as_ref()
                .map(|(source, replica)| KmsKeys { source, replica }),
            metadata_only: target.metadata_only,
            owner_override: rule.destination.owner_is_destination,
        };
        let lacking = match self.authority.may_replicate(&attempt)? {
            Decision::Allowed => None,
            Decision::AllowedWithoutTags(reason) => Some(reason),
            Decision::Denied(reason) => return Err(reason.into()),
        };

        let kms_key = kms_keys.as_ref().map(|(_, replica)| replica);
        let mut replica = replica_record(region, there, &destination, version, rule, kms_key)?;
        if let (true, VersionContent::Object(object)) = (lacking.is_some(), &mut replica.content) {
            object.tags.clear();
        }
        let content = match object {
            _ if target.metadata_only => None,
            None => Some(StagedLayout::default()),
            // Already there: only its tags and lock can differ.
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
            // The object is there; that its tags are not is a failure all the same
            // (`S3-REPL-12`).
            ReplicaOutcome::Written => lacking.map_or(Ok(()), |reason| Err(reason.into())),
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

/// The keys that encrypt an object under KMS and its replica, both fit for use. The replica's is
/// the rule's, else the managed one (`S3-REPL-6`); a bare id is one of the source's account.
fn kms_keys(
    here: &RegionStore,
    there: &RegionStore,
    source: &BucketRecord,
    rule: &ReplicationRule,
    object: Option<&ObjectRecord>,
) -> Result<Option<(KmsKeyRecord, KmsKeyRecord)>, Obstacle> {
    let Some(arn) = object.and_then(|object| object.encryption.kms_key_arn()) else {
        return Ok(None);
    };
    let source_key = usable_key(here.kms_key(arn), "Src")?;
    let wanted = rule.destination.replica_kms_key.as_deref();
    let wanted = wanted.unwrap_or(MANAGED_ALIAS);
    let replica_key = usable_key(there.kms_key_of(&source.owner, wanted), "Dst")?;
    Ok(Some((source_key, replica_key)))
}

/// A key that is there and enabled; else the failure of its side, `Src` or `Dst`.
fn usable_key(key: Result<KmsKeyRecord, StoreError>, side: &str) -> Result<KmsKeyRecord, Obstacle> {
    match key {
        Ok(key) if key.state == KeyState::Enabled => Ok(key),
        Ok(key) => Err(Reason::KmsKeyUnusable {
            code: format!("{side}KmsKeyInvalidState"),
            key: key.arn,
        }
        .into()),
        Err(StoreError::NoSuchKmsKey(key)) => Err(Reason::KmsKeyUnusable {
            code: format!("{side}KmsKeyNotFound"),
            key,
        }
        .into()),
        Err(error) => Err(error.into()),
    }
}

/// The replica's record: the source's with the same version id, sequence, ETag, checksum, parts,
/// metadata and tags (`S3-REPL-10`), its data key held by the destination's region. Its lock is
/// the source's too; without retention there, it gets the destination's default one
/// (`S3-LOCK-9`).
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
        object.restored_until = None;
        object.lock.retain_by_default(destination, version.sequence);
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
        UnlockError::KmsKeyDisabled(key) | UnlockError::KmsKeyPendingDeletion(key) => {
            // Both keys were fit a moment ago.
            Reason::KmsKeyUnusable {
                code: "SrcKmsKeyInvalidState".to_owned(),
                key,
            }
            .into()
        }
        UnlockError::Store(error) => error.into(),
        UnlockError::KeyRequired | UnlockError::WrongKey | UnlockError::KeyNotApplicable => {
            StoreError::Cryptography("opening a data key for replication").into()
        }
    }
}
