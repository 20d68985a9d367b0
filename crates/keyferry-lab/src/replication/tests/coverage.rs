//! What rules cover.

use std::time::Duration;

use super::site::{Site, count, v1, v2};
use crate::encryption::EncryptionChoice;
use crate::replication::configuration::{ReplicationRule, RuleFilter, RuleVersion};
use crate::replication::{ReplicationFailureReason as Reason, ReplicationStatus};
use crate::store::tests::tag;
use crate::store::{RegionStore, Versioning};

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
