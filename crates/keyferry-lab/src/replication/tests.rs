//! Scenarios of replication at the level of the store.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;

use super::{
    Decision, Destination, ReplicationAttempt, ReplicationAuthority, ReplicationConfiguration,
    ReplicationFailureReason as Reason, ReplicationRule, ReplicationStatus, Replicator, RoleTrust,
    RuleFilter, RuleVersion,
};
use crate::encryption::{EncryptionChoice, ObjectEncryption};
use crate::faults::{Fault, FaultScope, Faults};
use crate::store::tests::{Bench, SECOND_KEY, TEST_KEY, customer_key, tag};
use crate::store::{
    CompletedPart, Completion, DigestPlan, NewUpload, ObjectMetadata, RegionStore, RoleRecord,
    StoreError, Tag, VersionQuery, VersionRecord, Versioning,
};

const ROLE: &str = "arn:aws:iam::111122223333:role/replication";

struct Everything;

impl ReplicationAuthority for Everything {
    fn may_replicate(&self, _: &ReplicationAttempt<'_>) -> Decision {
        Decision::Allowed
    }
}

fn v1(destination: &str, prefix: &str) -> ReplicationRule {
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

fn v2(destination: &str, filter: RuleFilter, priority: i32) -> ReplicationRule {
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

struct Site {
    bench: Bench,
    faults: Faults,
    replicator: Replicator,
}

impl Site {
    /// Buckets `source` and `destination`, each allowing SSE-C, and a replicator that may do
    /// everything.
    async fn new() -> Self {
        let bench = Bench::new();
        bench
            .bucket(bench.here(), "source", Versioning::Enabled)
            .await;
        bench
            .bucket(bench.there(), "destination", Versioning::Enabled)
            .await;
        Self::start(bench, Arc::new(Everything))
    }

    fn start(bench: Bench, authority: Arc<dyn ReplicationAuthority>) -> Self {
        let faults = Faults::default();
        let replicator =
            Replicator::start(Arc::clone(&bench.store), faults.clone(), authority).unwrap();
        Self {
            bench,
            faults,
            replicator,
        }
    }

    fn here(&self) -> &RegionStore {
        self.bench.here()
    }

    fn there(&self) -> &RegionStore {
        self.bench.there()
    }

    async fn rules(&self, region: &RegionStore, bucket: &str, rules: Vec<ReplicationRule>) {
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

    async fn put(&self, key: &str, data: &[u8]) -> VersionRecord {
        self.here()
            .put("source", key, data, EncryptionChoice::SseS3)
            .await
    }

    async fn put_tagged(&self, key: &str, tags: Vec<Tag>) -> VersionRecord {
        self.here()
            .put_tagged("source", key, b"", EncryptionChoice::SseS3, tags)
            .await
    }

    fn source(&self, version: &VersionRecord) -> VersionRecord {
        let id = Some(version.version_id.as_str());
        self.here().version("source", &version.key, id).unwrap()
    }

    fn replica(&self, version: &VersionRecord) -> Option<VersionRecord> {
        let id = Some(version.version_id.as_str());
        self.there().version("destination", &version.key, id).ok()
    }

    async fn failures(&self) -> Vec<Reason> {
        self.replicator.idle().await;
        let failures = self.bench.store.replication_failures().unwrap();
        failures.into_iter().map(|failure| failure.reason).collect()
    }
}

fn count(region: &RegionStore, bucket: &str) -> usize {
    let query = VersionQuery {
        max_keys: 1000,
        ..VersionQuery::default()
    };
    region.list_versions(bucket, query).unwrap().entries.len()
}

/// S3-REPL-1, S3-REPL-2, S3-REPL-10.
#[tokio::test]
async fn a_replica_is_the_version_again() {
    let site = Site::new().await;
    site.rules(site.here(), "source", vec![v1("destination", "in/")])
        .await;
    let mut object = site
        .here()
        .new_object(
            "in/k",
            b"content",
            EncryptionChoice::SseS3,
            vec![tag("a", "b")],
        )
        .await;
    object.metadata.user.insert("m".to_owned(), "v".to_owned());
    object.metadata.content_type = Some("text/plain".to_owned());
    let version = site
        .here()
        .put_object("source", object, crate::store::Precondition::None)
        .await
        .unwrap();
    assert_eq!(
        version.replication_status(),
        Some(ReplicationStatus::Pending)
    );
    let outside = site.put("out", b"").await;
    assert_eq!(outside.replication_status(), None);
    site.replicator.idle().await;

    assert_eq!(
        site.source(&version).replication_status(),
        Some(ReplicationStatus::Completed)
    );
    let replica = site.replica(&version).unwrap();
    assert_eq!(
        replica.replication_status(),
        Some(ReplicationStatus::Replica)
    );
    let (a, b) = (version.object().unwrap(), replica.object().unwrap());
    assert_eq!(replica.sequence, version.sequence);
    assert_eq!((&a.etag, a.size, &a.tags), (&b.etag, b.size, &b.tags));
    assert_eq!(a.metadata, b.metadata);
    assert_ne!(a.encryption, b.encryption, "held by the other region's key");
    let content = site.there().get("destination", &replica, None).await;
    assert_eq!(content.unwrap(), b"content");
    assert!(site.replica(&outside).is_none());
}

/// S3-REPL-5: the replicator has no customer key, and the replica needs it.
#[tokio::test]
async fn sse_c_is_copied_without_the_key() {
    let site = Site::new().await;
    site.rules(site.here(), "source", vec![v1("destination", "")])
        .await;
    let (key, wrong) = (customer_key(TEST_KEY), customer_key(SECOND_KEY));
    let choice = EncryptionChoice::SseC(key.clone());
    let (encryption, data_key) = site.here().begin_encryption(&choice).unwrap();
    let upload = NewUpload {
        key: "k".to_owned(),
        owner: String::new(),
        encryption,
        checksum: None,
        metadata: ObjectMetadata::default(),
        tags: Vec::new(),
        storage_class: "STANDARD".to_owned(),
    };
    let upload = site.here().create_upload("source", upload).await.unwrap();
    let id = upload.upload_id.as_str();
    let bodies = [vec![1; 5 << 20], vec![2; 100_000]];
    let mut parts = Vec::new();
    for (number, body) in (1..).zip(&bodies) {
        let plan = DigestPlan::default();
        let segment = site.here().stage(&data_key, plan, body).await;
        let part = site
            .here()
            .put_part("source", "k", id, number, segment)
            .await
            .unwrap();
        parts.push(CompletedPart {
            number,
            etag: part.etag,
            checksum: None,
        });
    }
    let completion = Completion {
        parts,
        ..Completion::default()
    };
    let version = site
        .here()
        .complete_upload("source", "k", id, completion)
        .await
        .unwrap();
    site.replicator.idle().await;
    let replica = site.replica(&version).unwrap();
    assert_eq!(
        replica.object().unwrap().encryption,
        version.object().unwrap().encryption,
        "the verifier as it was"
    );
    let there = site.there();
    let content = there
        .get("destination", &replica, Some(&key))
        .await
        .unwrap();
    assert!(content == bodies.concat());
    let encryption = &replica.object().unwrap().encryption;
    assert!(there.unlock(encryption, Some(&wrong)).is_err());
    assert!(there.unlock(encryption, None).is_err());
    let layouts = [
        site.here().layout("source", &version).unwrap(),
        there.layout("destination", &replica).unwrap(),
    ];
    let sizes = layouts.map(|layout| {
        let parts = layout.parts.into_iter();
        parts
            .map(|part| (part.number, part.size, part.etag))
            .collect::<Vec<_>>()
    });
    assert_eq!(sizes[0], sizes[1]);
}

/// S3-REPL-4: no loop.
#[tokio::test]
async fn both_ways_without_a_loop() {
    let site = Site::new().await;
    site.rules(site.here(), "source", vec![v1("destination", "")])
        .await;
    site.rules(site.there(), "destination", vec![v1("source", "")])
        .await;
    let one = site.put("k", b"one").await;
    let two = site
        .there()
        .put("destination", "k", b"two", EncryptionChoice::SseS3)
        .await;
    site.replicator.idle().await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    site.replicator.idle().await;
    assert_eq!(count(site.here(), "source"), 2);
    assert_eq!(count(site.there(), "destination"), 2);
    assert_eq!(
        site.source(&two).replication_status(),
        Some(ReplicationStatus::Replica)
    );
    assert_eq!(
        site.replica(&one).unwrap().replication_status(),
        Some(ReplicationStatus::Replica)
    );
    // Both sides agree which is current.
    let current = |region: &RegionStore, bucket| region.version(bucket, "k", None).unwrap();
    assert_eq!(current(site.here(), "source").version_id, two.version_id);
    assert_eq!(
        current(site.there(), "destination").version_id,
        two.version_id
    );
}

/// S3-REPL-7, S3-REPL-9.
#[tokio::test]
async fn delete_markers_and_deletes_for_good() {
    for replicated in [true, false] {
        for schema in ["V1", "V2"] {
            let mut rule = match schema {
                "V1" => v1("destination", ""),
                _ => v2("destination", RuleFilter::Everything, 1),
            };
            match &mut rule.version {
                RuleVersion::V2 { delete_markers, .. } => *delete_markers = replicated,
                RuleVersion::V1 { .. } if replicated => {}
                // V1 has no choice.
                RuleVersion::V1 { .. } => continue,
            }
            let site = Site::new().await;
            site.rules(site.here(), "source", vec![rule]).await;
            let version = site.put("k", b"").await;
            let marker = site.here().delete_one("source", "k", None).await;
            site.replicator.idle().await;
            let id = marker.version_id.as_deref();
            let there = site.there().version("destination", "k", id);
            assert_eq!(there.is_ok(), replicated, "{schema}");

            let id = Some(version.version_id.as_str());
            site.here().delete_one("source", "k", id).await;
            site.replicator.idle().await;
            assert!(site.replica(&version).is_some());
        }
    }
}

/// S3-REPL-3.
#[tokio::test]
async fn filters_and_priorities() {
    let site = Site::new().await;
    let everything = {
        let mut rule = v2("destination", RuleFilter::Everything, 1);
        rule.destination.storage_class = Some("STANDARD_IA".to_owned());
        rule
    };
    let tagged = {
        let mut rule = v2("destination", RuleFilter::Tag(tag("class", "cold")), 2);
        rule.destination.storage_class = Some("GLACIER".to_owned());
        rule
    };
    let both = {
        let filter = RuleFilter::And {
            prefix: Some("p/".to_owned()),
            tags: vec![tag("class", "cold"), tag("more", "1")],
        };
        let mut rule = v2("destination", filter, 3);
        rule.destination.storage_class = Some("DEEP_ARCHIVE".to_owned());
        rule
    };
    let disabled = ReplicationRule {
        enabled: false,
        ..v2("destination", RuleFilter::Everything, 9)
    };
    let rules = vec![everything, both, disabled, tagged];
    site.rules(site.here(), "source", rules).await;
    let cold = || tag("class", "cold");
    for (key, tags, class) in [
        ("p/plain", vec![], "STANDARD_IA"),
        ("cold", vec![cold(), tag("more", "2")], "GLACIER"),
        ("q/cold", vec![cold(), tag("more", "1")], "GLACIER"),
        ("p/cold", vec![tag("more", "1"), cold()], "DEEP_ARCHIVE"),
    ] {
        let version = site.put_tagged(key, tags).await;
        site.replicator.idle().await;
        let replica = site.replica(&version).unwrap();
        assert_eq!(replica.object().unwrap().storage_class, class, "{key}");
    }

    let only = v2("destination", RuleFilter::Tag(cold()), 1);
    site.rules(site.here(), "source", vec![only]).await;
    let version = site.put_tagged("k", vec![tag("class", "warm")]).await;
    assert_eq!(version.replication_status(), None);
}

/// Several destinations, one of them failing: FAILED (`S3-REPL-2`).
#[tokio::test]
async fn several_destinations() {
    let site = Site::new().await;
    site.bench
        .bucket(site.here(), "third", Versioning::Enabled)
        .await;
    let rules = vec![
        v2("destination", RuleFilter::Everything, 1),
        v2("third", RuleFilter::Everything, 2),
    ];
    site.rules(site.here(), "source", rules).await;
    let version = site.put("k", b"").await;
    site.replicator.idle().await;
    assert!(site.replica(&version).is_some());
    assert!(site.here().version("third", "k", None).is_ok());
    assert_eq!(
        site.source(&version).replication_status(),
        Some(ReplicationStatus::Completed)
    );

    site.here()
        .delete_one("third", "k", Some(&version.version_id))
        .await;
    site.here().delete_bucket("third").await.unwrap();
    let version = site.put("k2", b"").await;
    assert_eq!(site.failures().await, [Reason::DestinationMissing]);
    assert!(site.replica(&version).is_some());
    assert_eq!(
        site.source(&version).replication_status(),
        Some(ReplicationStatus::Failed)
    );
}

/// S3-REPL-6.
#[tokio::test]
async fn kms_by_opt_in() {
    let site = Site::new().await;
    site.rules(
        site.here(),
        "source",
        vec![v2("destination", RuleFilter::Everything, 1)],
    )
    .await;
    let choices = || {
        [
            EncryptionChoice::SseKms {
                key: None,
                bucket_key_enabled: true,
                context: None,
            },
            EncryptionChoice::DsseKms {
                key: None,
                context: None,
            },
        ]
    };
    for choice in choices() {
        let version = site.here().put("source", "k", b"content", choice).await;
        assert_eq!(version.replication_status(), None);
    }

    let key = site.there().create_kms_key(None).unwrap();
    let mut rule = v2("destination", RuleFilter::Everything, 1);
    rule.sse_kms_objects = Some(true);
    rule.destination.replica_kms_key = Some(key.arn.clone());
    site.rules(site.here(), "source", vec![rule]).await;
    for choice in choices() {
        let version = site.here().put("source", "k", b"content", choice).await;
        site.replicator.idle().await;
        let replica = site.replica(&version).unwrap();
        let encryption = &replica.object().unwrap().encryption;
        assert_eq!(encryption.kms_key_arn(), Some(key.arn.as_str()));
        let same_kind = std::mem::discriminant(encryption)
            == std::mem::discriminant(&version.object().unwrap().encryption);
        assert!(same_kind);
        let content = site.there().get("destination", &replica, None).await;
        assert_eq!(content.unwrap(), b"content");
    }
    // Objects under SSE-S3 stay under it.
    let version = site.put("s", b"").await;
    site.replicator.idle().await;
    let replica = site.replica(&version).unwrap();
    assert!(matches!(
        replica.object().unwrap().encryption,
        ObjectEncryption::SseS3 { .. }
    ));

    site.there().set_kms_key_enabled(&key.arn, false).unwrap();
    let [choice, _] = choices();
    site.here().put("source", "k", b"", choice).await;
    assert_eq!(site.failures().await, [Reason::KmsKeyUnusable(key.arn)]);
}

/// S3-REPL-8.
#[tokio::test]
async fn tags_follow_and_come_back_only_with_replica_modifications() {
    let site = Site::new().await;
    let rule = v2("destination", RuleFilter::Everything, 1);
    site.rules(site.here(), "source", vec![rule]).await;
    let back = v2("source", RuleFilter::Everything, 1);
    site.rules(site.there(), "destination", vec![back.clone()])
        .await;
    let version = site.put("k", b"").await;
    site.replicator.idle().await;

    let id = Some(version.version_id.as_str());
    let tags_here = |site: &Site| site.source(&version).object().unwrap().tags.clone();
    let tags_there = |site: &Site| {
        site.replica(&version)
            .unwrap()
            .object()
            .unwrap()
            .tags
            .clone()
    };
    let first = vec![tag("n", "1")];
    let changed = site.here().set_tags("source", "k", id, first.clone()).await;
    assert_eq!(
        changed.unwrap().replication_status(),
        Some(ReplicationStatus::Pending)
    );
    site.replicator.idle().await;
    assert_eq!(tags_there(&site), first);
    assert_eq!(
        site.source(&version).replication_status(),
        Some(ReplicationStatus::Completed)
    );

    let second = vec![tag("n", "2")];
    let changed = site
        .there()
        .set_tags("destination", "k", id, second.clone())
        .await;
    assert_eq!(
        changed.unwrap().replication_status(),
        Some(ReplicationStatus::Replica)
    );
    site.replicator.idle().await;
    assert_eq!(tags_here(&site), first);

    let back = ReplicationRule {
        replica_modifications: Some(true),
        ..back
    };
    site.rules(site.there(), "destination", vec![back]).await;
    let third = vec![tag("n", "3")];
    let changed = site
        .there()
        .set_tags("destination", "k", id, third.clone())
        .await;
    assert_eq!(
        changed.unwrap().replication_status(),
        Some(ReplicationStatus::Pending)
    );
    site.replicator.idle().await;
    assert_eq!(tags_here(&site), third);
    assert_eq!(
        site.replica(&version).unwrap().replication_status(),
        Some(ReplicationStatus::Replica)
    );
    assert_eq!(
        count(site.here(), "source") + count(site.there(), "destination"),
        2
    );
}

#[tokio::test]
async fn what_makes_replication_fail() {
    let site = Site::new().await;
    site.rules(site.here(), "source", vec![v1("destination", "")])
        .await;
    let sse_c = EncryptionChoice::SseC(customer_key(TEST_KEY));

    let block = |block: bool| {
        site.there().update_bucket("destination", move |bucket| {
            bucket.encryption = crate::store::BucketEncryption::default();
            if !block {
                bucket.encryption.blocked.clear();
            }
            Ok::<_, StoreError>(())
        })
    };
    block(true).await.unwrap();
    let version = site.here().put("source", "c", b"", sse_c).await;
    site.put("s", b"").await;
    assert_eq!(site.failures().await, [Reason::DestinationBlocksSseC]);
    assert!(site.replica(&version).is_none());
    assert_eq!(
        site.source(&version).replication_status(),
        Some(ReplicationStatus::Failed)
    );
    block(false).await.unwrap();

    site.there()
        .update_bucket("destination", |bucket| {
            bucket.versioning = Versioning::Suspended;
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
    site.put("v", b"").await;
    assert_eq!(
        site.failures().await[1..],
        [Reason::DestinationNotVersioned]
    );

    site.faults.set(FaultScope::Everywhere, Fault::Fail);
    site.put("f", b"").await;
    assert_eq!(site.failures().await[2..], [Reason::Fault]);
}

#[tokio::test]
async fn the_role_must_exist_and_trust_s3() {
    let bench = Bench::new();
    bench
        .bucket(bench.here(), "source", Versioning::Enabled)
        .await;
    bench
        .bucket(bench.there(), "destination", Versioning::Enabled)
        .await;
    let authority = Arc::new(RoleTrust::new(Arc::clone(&bench.store)));
    let site = Site::start(bench, authority);
    site.rules(site.here(), "source", vec![v1("destination", "")])
        .await;
    site.put("k", b"").await;
    let mut role = RoleRecord {
        name: "replication".to_owned(),
        arn: ROLE.to_owned(),
        trust_policy: "{}".to_owned(),
        policies: [].into(),
    };
    let failures = site.failures().await;
    assert!(matches!(&failures[..], [Reason::NotPermitted(why)] if why.contains("not exist")));
    site.bench.store.put_role(&role).unwrap();
    site.put("k", b"").await;
    let failures = site.failures().await;
    assert!(matches!(&failures[1..], [Reason::NotPermitted(why)] if why.contains("trust")));
    role.trust_policy = r#"{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole",
        "Principal":{"Service":"s3.amazonaws.com"}}}"#
        .to_owned();
    site.bench.store.put_role(&role).unwrap();
    let version = site.put("k", b"").await;
    assert_eq!(site.failures().await.len(), 2);
    assert!(site.replica(&version).is_some());
}

#[tokio::test]
async fn corrupt_changes_one_side_only() {
    let site = Site::new().await;
    site.rules(site.here(), "source", vec![v1("destination", "")])
        .await;
    site.faults.set(
        FaultScope::SourceBucket("source".to_owned()),
        Fault::Corrupt,
    );
    let key = customer_key(TEST_KEY);
    let data = vec![0; 200_000];
    for choice in [
        EncryptionChoice::SseC(key.clone()),
        EncryptionChoice::SseS3,
        EncryptionChoice::DsseKms {
            key: None,
            context: None,
        },
    ] {
        let customer = matches!(choice, EncryptionChoice::SseC(_)).then_some(&key);
        if let EncryptionChoice::DsseKms { .. } = choice {
            let mut rule = v2("destination", RuleFilter::Everything, 1);
            rule.sse_kms_objects = Some(true);
            rule.destination.replica_kms_key = Some("alias/aws/s3".to_owned());
            site.rules(site.here(), "source", vec![rule]).await;
        }
        let version = site.here().put("source", "k", &data, choice).await;
        site.replicator.idle().await;
        let replica = site.replica(&version).unwrap();
        let (a, b) = (version.object().unwrap(), replica.object().unwrap());
        assert_eq!((a.size, &a.etag), (b.size, &b.etag));
        assert!(site.here().get("source", &version, customer).await.unwrap() == data);
        let content = site
            .there()
            .get("destination", &replica, customer)
            .await
            .unwrap();
        assert_eq!(content.len(), data.len());
        let wrong: Vec<_> = (0..content.len())
            .filter(|i| content[*i] != data[*i])
            .collect();
        assert_eq!(wrong, [0, 65_536, 131_072, 196_608]);
    }
}

#[tokio::test]
async fn delayed_and_stalled_work_is_pending() {
    let site = Site::new().await;
    site.rules(site.here(), "source", vec![v1("destination", "")])
        .await;
    site.faults.set(FaultScope::Everywhere, Fault::Stall);
    let version = site.put("k", b"").await;
    let idle = tokio::time::timeout(Duration::from_millis(100), site.replicator.idle());
    assert!(idle.await.is_err());
    assert_eq!(
        site.source(&version).replication_status(),
        Some(ReplicationStatus::Pending)
    );
    let delay = Duration::from_millis(300);
    let start = std::time::Instant::now();
    site.faults.set(FaultScope::Everywhere, Fault::Delay(delay));
    let version = site.put("k", b"").await;
    site.replicator.idle().await;
    assert!(start.elapsed() >= delay);
    assert!(site.replica(&version).is_some());
}

#[tokio::test]
async fn a_restart_resumes_what_is_pending() {
    let site = Site::new().await;
    site.rules(site.here(), "source", vec![v1("destination", "")])
        .await;
    site.faults.set(FaultScope::Everywhere, Fault::Stall);
    let version = site.put("k", b"content").await;
    let deleted = site.put("deleted", b"").await;
    let Site {
        bench, replicator, ..
    } = site;
    replicator.shutdown().await;
    let id = Some(deleted.version_id.as_str());
    bench.here().delete_one("source", "deleted", id).await;
    let site = Site::start(bench.reopen().await, Arc::new(Everything));
    site.replicator.idle().await;
    let replica = site.replica(&version).unwrap();
    let content = site.there().get("destination", &replica, None).await;
    assert_eq!(content.unwrap(), b"content");
    assert!(site.replica(&deleted).is_none());
    assert_eq!(site.failures().await, []);
    assert_eq!(site.bench.store.queued_replications().unwrap(), []);
}

/// Many at once, while tags change: every side ends alike.
#[tokio::test]
async fn tags_changed_meanwhile_arrive() {
    let site = Site::new().await;
    site.rules(site.here(), "source", vec![v1("destination", "")])
        .await;
    let versions: Vec<_> = futures::stream::iter(0..40)
        .then(async |n| {
            let version = site.put(&format!("k{n}"), &[0; 100_000]).await;
            let tags = vec![tag("n", &n.to_string())];
            let id = Some(version.version_id.as_str());
            let set = site.here().set_tags("source", &version.key, id, tags);
            set.await.unwrap()
        })
        .collect()
        .await;
    site.replicator.idle().await;
    for version in versions {
        let replica = site.replica(&version).unwrap();
        assert_eq!(
            replica.object().unwrap().tags,
            version.object().unwrap().tags
        );
        assert_eq!(
            site.source(&version).replication_status(),
            Some(ReplicationStatus::Completed)
        );
    }
}
