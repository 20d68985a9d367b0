//! Object Lock on both sides (`S3-LOCK-9`).

use std::time::{Duration, SystemTime};

use super::permissions::{allow, policy, put, reason, site as site_with_role};
use super::site::{Site, v1, v2};
use crate::encryption::EncryptionChoice;
use crate::replication::configuration::{ReplicationRule, RuleFilter};
use crate::replication::{ReplicationFailureReason as Reason, ReplicationStatus};
use crate::store::{
    BucketLock, DefaultRetention, LockChange, Precondition, RegionStore, RequestedLock, Retention,
    RetentionMode, RetentionPeriod, StoreError, VersionRecord,
};

async fn lock(region: &RegionStore, bucket: &str, default_days: Option<u32>) {
    let default_retention = default_days.map(|days| DefaultRetention {
        mode: RetentionMode::Compliance,
        period: RetentionPeriod::Days(days),
    });
    region
        .update_bucket(bucket, move |bucket| {
            bucket.object_lock = Some(BucketLock { default_retention });
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
}

fn governance(days: u64) -> Retention {
    Retention {
        mode: RetentionMode::Governance,
        until: SystemTime::now() + Duration::from_secs(days * 24 * 60 * 60),
    }
}

async fn put_locked(site: &Site, lock: RequestedLock) -> VersionRecord {
    let mut object = site
        .here()
        .new_object("k", b"content", EncryptionChoice::SseS3, Vec::new())
        .await;
    object.lock = lock;
    site.here()
        .put_object("source", object, Precondition::None)
        .await
        .unwrap()
}

async fn set(region: &RegionStore, bucket: &str, version: &VersionRecord, change: LockChange) {
    let id = Some(version.version_id.as_str());
    region
        .change_lock(bucket, &version.key, id, change)
        .await
        .unwrap();
}

fn lock_of(version: &VersionRecord) -> (Option<Retention>, Option<bool>) {
    let lock = version.object().unwrap().lock;
    (lock.retention, lock.legal_hold)
}

fn there(site: &Site, version: &VersionRecord) -> (Option<Retention>, Option<bool>) {
    lock_of(&site.replica(version).unwrap())
}

/// A replica's lock is its source's; without retention it gets that of its bucket.
#[tokio::test]
async fn locks_go_along() {
    let site = Site::new().await;
    site.rules(site.here(), "source", vec![v1("destination", "")])
        .await;
    lock(site.here(), "source", None).await;
    lock(site.there(), "destination", Some(7)).await;
    let retention = Some(governance(1));
    let locked = RequestedLock {
        retention,
        legal_hold: Some(true),
    };
    let version = put_locked(&site, locked).await;
    let free = put_locked(&site, RequestedLock::default()).await;
    site.replicator.idle().await;
    assert_eq!(there(&site, &version), (retention, Some(true)));
    assert_eq!(lock_of(&site.source(&free)), (None, None));
    let (default, held) = there(&site, &free);
    let default = default.unwrap();
    assert_eq!(default.mode, RetentionMode::Compliance);
    let week = Duration::from_secs(7 * 24 * 60 * 60);
    assert_eq!(default.until, free.sequence.time() + week);

    // What changes later follows, each half for itself.
    assert_eq!(held, None);
    set(site.here(), "source", &free, LockChange::LegalHold(true)).await;
    let longer = Some(governance(2));
    let change = LockChange::Retention {
        retention: longer,
        bypass_governance: false,
    };
    set(site.here(), "source", &version, change).await;
    assert_eq!(
        site.source(&version).replication_status(),
        Some(ReplicationStatus::Pending)
    );
    site.replicator.idle().await;
    assert_eq!(there(&site, &free), (Some(default), Some(true)));
    assert_eq!(there(&site, &version), (longer, Some(true)));
    assert_eq!(
        site.source(&version).replication_status(),
        Some(ReplicationStatus::Completed)
    );
}

/// S3-REPL-8: a change to a replica comes back only with `ReplicaModifications`.
#[tokio::test]
async fn changes_to_replicas() {
    let site = Site::new().await;
    lock(site.here(), "source", None).await;
    lock(site.there(), "destination", None).await;
    let rule = v2("destination", RuleFilter::Everything, 1);
    site.rules(site.here(), "source", vec![rule]).await;
    let back = v2("source", RuleFilter::Everything, 1);
    site.rules(site.there(), "destination", vec![back.clone()])
        .await;
    let version = put_locked(&site, RequestedLock::default()).await;
    site.replicator.idle().await;
    let hold = LockChange::LegalHold(true);
    set(site.there(), "destination", &version, hold).await;
    site.replicator.idle().await;
    assert_eq!(lock_of(&site.source(&version)), (None, None));

    let back = ReplicationRule {
        replica_modifications: Some(true),
        ..back
    };
    site.rules(site.there(), "destination", vec![back]).await;
    let release = LockChange::LegalHold(false);
    set(site.there(), "destination", &version, release).await;
    site.replicator.idle().await;
    assert_eq!(lock_of(&site.source(&version)), (None, Some(false)));
}

/// S3-REPL-13: the destination of a bucket with Object Lock has it, too.
#[tokio::test]
async fn both_buckets_have_it() {
    let site = Site::new().await;
    site.rules(site.here(), "source", vec![v1("destination", "")])
        .await;
    lock(site.here(), "source", None).await;
    let version = put_locked(&site, RequestedLock::default()).await;
    let failures = site.failures().await;
    assert_eq!(failures, [Reason::DestinationWithoutObjectLock]);
    assert_eq!(failures[0].code(), Some("DstBucketObjectLockConfigMissing"));
    assert!(site.replica(&version).is_none());
    lock(site.there(), "destination", None).await;
    let version = put_locked(&site, RequestedLock::default()).await;
    site.replicator.idle().await;
    assert!(site.replica(&version).is_some());
}

/// S3-REPL-11: the role reads what it carries.
#[tokio::test]
async fn the_role_may_read_locks() {
    let site = site_with_role("111122223333").await;
    lock(site.here(), "source", None).await;
    lock(site.there(), "destination", None).await;
    let mut count = 0;
    let with = |actions: &str| {
        policy("").replace(
            r#""Action":"s3:ListBucket","Resource":"arn:aws:s3:::source""#,
            &format!(
                r#""Action":["s3:ListBucket"{actions}],"Resource":["arn:aws:s3:::source","arn:aws:s3:::source/*"]"#
            ),
        )
    };
    for (actions, code) in [
        ("", Some("SrcGetRetentionNotPermitted")),
        (
            r#","s3:GetObjectRetention""#,
            Some("SrcGetLegalHoldNotPermitted"),
        ),
        (r#","s3:GetObjectRetention","s3:GetObjectLegalHold""#, None),
    ] {
        allow(&site, with(actions));
        let version = put(&site, EncryptionChoice::SseS3).await;
        let failure = reason(&site, &mut count).await;
        assert_eq!(failure.as_ref().and_then(Reason::code), code, "{failure:?}");
        assert_eq!(site.replica(&version).is_some(), code.is_none());
    }
}
