//! Which rules cover a version.

use super::configuration::{ReplicationConfiguration, ReplicationRule};
use super::state::{ReplicationTarget, TargetState};
use crate::encryption::ObjectEncryption;
use crate::store::{BucketRecord, ObjectRecord, VersionContent, VersionRecord, Versioning};

/// The destinations of a new version, by the bucket's configuration: for each destination
/// bucket the covering rule of the highest priority (`S3-REPL-3`). Replicas have none
/// (`S3-REPL-4`), nor has anything in a bucket whose versioning is not enabled.
pub(crate) fn version_targets(
    bucket: &BucketRecord,
    version: &VersionRecord,
) -> Vec<ReplicationTarget> {
    if version.replication.is_replica || bucket.versioning != Versioning::Enabled {
        return Vec::new();
    }
    targets(bucket, false, |rule| covers(rule, version))
}

/// The destinations of a change to a replica's metadata: only rules with
/// `ReplicaModifications` (`S3-REPL-8`).
pub(crate) fn metadata_targets(
    bucket: &BucketRecord,
    version: &VersionRecord,
) -> Vec<ReplicationTarget> {
    targets(bucket, true, |rule| {
        rule.replica_modifications == Some(true) && covers(rule, version)
    })
}

fn targets(
    bucket: &BucketRecord,
    metadata_only: bool,
    covered: impl Fn(&ReplicationRule) -> bool,
) -> Vec<ReplicationTarget> {
    let Some(ReplicationConfiguration { rules, .. }) = &bucket.replication else {
        return Vec::new();
    };
    let mut rules: Vec<_> = rules
        .iter()
        .filter(|rule| rule.enabled && covered(rule))
        .collect();
    rules.sort_by_key(|rule| std::cmp::Reverse(rule.priority()));
    let mut targets: Vec<ReplicationTarget> = Vec::new();
    for rule in rules {
        let destination = &rule.destination.bucket;
        if targets.iter().all(|target| target.bucket != *destination) {
            targets.push(ReplicationTarget {
                bucket: destination.clone(),
                rule_id: rule.id.clone(),
                state: TargetState::Pending,
                metadata_only,
            });
        }
    }
    targets
}

fn covers(rule: &ReplicationRule, version: &VersionRecord) -> bool {
    if !version.key.starts_with(rule.prefix()) {
        return false;
    }
    match &version.content {
        // A tag filter can never cover a delete marker, which has no tags.
        VersionContent::DeleteMarker => rule.replicates_delete_markers() && rule.tags().is_empty(),
        VersionContent::Object(object) => covers_object(rule, object),
    }
}

fn covers_object(rule: &ReplicationRule, object: &ObjectRecord) -> bool {
    let encryption = match object.encryption {
        // Under KMS only by opt-in (`S3-REPL-6`).
        ObjectEncryption::SseKms { .. } | ObjectEncryption::DsseKms { .. } => {
            rule.sse_kms_objects == Some(true)
        }
        ObjectEncryption::SseS3 { .. } | ObjectEncryption::SseC { .. } => true,
    };
    encryption && rule.tags().iter().all(|tag| object.tags.contains(tag))
}
