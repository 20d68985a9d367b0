//! Failures, faults and restarts.

use std::sync::Arc;
use std::time::Duration;

use super::site::{Everything, Site, v1, v2};
use crate::encryption::EncryptionChoice;
use crate::faults::{Fault, FaultScope};
use crate::replication::configuration::RuleFilter;
use crate::replication::{ReplicationFailureReason as Reason, ReplicationStatus};
use crate::store::tests::{TEST_KEY, customer_key};
use crate::store::{StoreError, Versioning};

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
    assert_eq!(
        site.failures().await[0].code(),
        Some("DstPutObjectNotPermitted")
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
