//! Two buckets, the rules between them, and a replicator.

use std::sync::Arc;

use crate::encryption::EncryptionChoice;
use crate::faults::Faults;
use crate::replication::authority::{Decision, ReplicationAttempt, ReplicationAuthority};
use crate::replication::configuration::{
    Destination, ReplicationConfiguration, ReplicationRule, RuleFilter, RuleVersion,
};
use crate::replication::{ReplicationFailureReason as Reason, Replicator};
use crate::store::tests::Bench;
use crate::store::{RegionStore, StoreError, Tag, VersionQuery, VersionRecord, Versioning};

pub(super) const ROLE: &str = "arn:aws:iam::111122223333:role/replication";

pub(super) struct Everything;

impl ReplicationAuthority for Everything {
    fn may_replicate(&self, _: &ReplicationAttempt<'_>) -> Result<Decision, StoreError> {
        Ok(Decision::Allowed)
    }
}

pub(super) fn v1(destination: &str, prefix: &str) -> ReplicationRule {
    ReplicationRule {
        id: format!("to-{destination}-{prefix}"),
        enabled: true,
        version: RuleVersion::V1 {
            prefix: prefix.to_owned(),
        },
        destination: Destination {
            bucket: destination.to_owned(),
            account: None,
            owner_is_destination: false,
            storage_class: None,
            replica_kms_key: None,
            replication_time: None,
            metrics: None,
        },
        sse_kms_objects: None,
        replica_modifications: None,
        existing_objects: None,
    }
}

pub(super) fn v2(destination: &str, filter: RuleFilter, priority: i32) -> ReplicationRule {
    ReplicationRule {
        id: format!("rule-{priority}"),
        version: RuleVersion::V2 {
            filter,
            priority,
            delete_markers: false,
        },
        ..v1(destination, "")
    }
}

pub(super) struct Site {
    pub(super) bench: Bench,
    pub(super) faults: Faults,
    pub(super) replicator: Replicator,
}

impl Site {
    /// Buckets `source` and `destination`, each allowing SSE-C, and a replicator that may do
    /// everything.
    pub(super) async fn new() -> Self {
        let bench = Bench::new();
        bench
            .bucket(bench.here(), "source", Versioning::Enabled)
            .await;
        bench
            .bucket(bench.there(), "destination", Versioning::Enabled)
            .await;
        Self::start(bench, Arc::new(Everything))
    }

    pub(super) fn start(bench: Bench, authority: Arc<dyn ReplicationAuthority>) -> Self {
        let faults = Faults::default();
        let replicator =
            Replicator::start(Arc::clone(&bench.store), faults.clone(), authority).unwrap();
        Self {
            bench,
            faults,
            replicator,
        }
    }

    pub(super) fn here(&self) -> &RegionStore {
        self.bench.here()
    }

    pub(super) fn there(&self) -> &RegionStore {
        self.bench.there()
    }

    pub(super) async fn rules(
        &self,
        region: &RegionStore,
        bucket: &str,
        rules: Vec<ReplicationRule>,
    ) {
        let configuration = ReplicationConfiguration {
            role: ROLE.to_owned(),
            rules,
        };
        let record = region.bucket(bucket).unwrap();
        configuration
            .validate(&self.bench.store, &record)
            .unwrap()
            .unwrap();
        region
            .update_bucket(bucket, |bucket| {
                bucket.replication = Some(configuration);
                Ok::<_, StoreError>(())
            })
            .await
            .unwrap();
    }

    pub(super) async fn put(&self, key: &str, data: &[u8]) -> VersionRecord {
        self.here()
            .put("source", key, data, EncryptionChoice::SseS3)
            .await
    }

    pub(super) async fn put_tagged(&self, key: &str, tags: Vec<Tag>) -> VersionRecord {
        self.here()
            .put_tagged("source", key, b"", EncryptionChoice::SseS3, tags)
            .await
    }

    pub(super) fn source(&self, version: &VersionRecord) -> VersionRecord {
        let id = Some(version.version_id.as_str());
        self.here().version("source", &version.key, id).unwrap()
    }

    pub(super) fn replica(&self, version: &VersionRecord) -> Option<VersionRecord> {
        let id = Some(version.version_id.as_str());
        self.there().version("destination", &version.key, id).ok()
    }

    pub(super) async fn failures(&self) -> Vec<Reason> {
        self.replicator.idle().await;
        let failures = self.bench.store.replication_failures().unwrap();
        failures.into_iter().map(|failure| failure.reason).collect()
    }
}

pub(super) fn count(region: &RegionStore, bucket: &str) -> usize {
    let query = VersionQuery {
        max_keys: 1000,
        ..VersionQuery::default()
    };
    region.list_versions(bucket, query).unwrap().entries.len()
}
