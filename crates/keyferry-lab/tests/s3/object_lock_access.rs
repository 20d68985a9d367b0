//! Who may lock, unlock and see locks.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketLocationConstraint, CreateBucketConfiguration, Delete, ObjectIdentifier,
    ObjectLockConfiguration, ObjectLockEnabled, ObjectLockLegalHoldStatus, ObjectLockMode,
    ObjectLockRetentionMode,
};

use crate::object_lock::{BUCKET, PROTECTED, ahead, hold, locking_bucket, put_retained, retention};
use crate::support::{World, answer, refusal, refused};

const DAY: u64 = 24 * 60 * 60;
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sts:AssumeRole"}]}"#;

/// A client that acts as a role that may do these.
fn acting(world: &World, actions: &[&str]) -> Client {
    let quoted: Vec<String> = actions
        .iter()
        .map(|action| format!("\"s3:{action}\""))
        .collect();
    acting_by(
        world,
        &format!(
            r#"{{"Effect":"Allow","Action":[{}],"Resource":"*"}}"#,
            quoted.join(",")
        ),
    )
}

fn acting_by(world: &World, statements: &str) -> Client {
    let policy = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    let role = world.lab.put_role("locker", TRUST, &policy).unwrap();
    let session = world
        .lab
        .role_credentials(&role, Duration::from_secs(900))
        .unwrap();
    Client::from_conf(world.config(0, &session).build())
}

/// S3-LOCK-8: each half of the lock takes its permission, to set and to see.
#[tokio::test]
async fn setting_and_seeing() {
    let world = World::start().await;
    let owner = locking_bucket(&world).await;
    let put = |client: &Client| {
        client
            .put_object()
            .bucket(BUCKET)
            .key("k")
            .body(ByteStream::from_static(b"x"))
    };
    let retained = |client: &Client| {
        put(client)
            .object_lock_mode(ObjectLockMode::Governance)
            .object_lock_retain_until_date(ahead(DAY))
    };
    let held =
        |client: &Client| put(client).object_lock_legal_hold_status(ObjectLockLegalHoldStatus::On);
    let writer = acting(&world, &["PutObject"]);
    put(&writer).send().await.unwrap();
    for request in [retained(&writer), held(&writer)] {
        assert_eq!(refused(request.send().await), answer(403, "AccessDenied"));
    }
    let locker = acting(
        &world,
        &["PutObject", "PutObjectRetention", "PutObjectLegalHold"],
    );
    retained(&locker)
        .object_lock_legal_hold_status(ObjectLockLegalHoldStatus::On)
        .send()
        .await
        .unwrap();

    let head = async |client: &Client| {
        let found = client
            .head_object()
            .bucket(BUCKET)
            .key("k")
            .send()
            .await
            .unwrap();
        (
            found.object_lock_mode.is_some(),
            found.object_lock_retain_until_date.is_some(),
            found.object_lock_legal_hold_status.is_some(),
        )
    };
    assert_eq!(head(&owner).await, (true, true, true));
    for (actions, seen) in [
        (&["GetObject"][..], (false, false, false)),
        (&["GetObject", "GetObjectRetention"], (true, true, false)),
        (&["GetObject", "GetObjectLegalHold"], (false, false, true)),
    ] {
        assert_eq!(head(&acting(&world, actions)).await, seen, "{actions:?}");
    }

    let reader = acting(&world, &["GetObject"]);
    let denied = answer(403, "AccessDenied");
    assert_eq!(
        refused(
            reader
                .get_object_retention()
                .bucket(BUCKET)
                .key("k")
                .send()
                .await
        ),
        denied
    );
    assert_eq!(
        refused(
            reader
                .get_object_legal_hold()
                .bucket(BUCKET)
                .key("k")
                .send()
                .await
        ),
        denied
    );
    assert_eq!(
        refused(
            reader
                .put_object_legal_hold()
                .bucket(BUCKET)
                .key("k")
                .legal_hold(hold(ObjectLockLegalHoldStatus::Off))
                .send()
                .await
        ),
        denied
    );
    assert_eq!(
        refused(
            reader
                .get_object_lock_configuration()
                .bucket(BUCKET)
                .send()
                .await
        ),
        denied
    );
    assert_eq!(
        refused(
            reader
                .put_object_lock_configuration()
                .bucket(BUCKET)
                .object_lock_configuration(
                    ObjectLockConfiguration::builder()
                        .object_lock_enabled(ObjectLockEnabled::Enabled)
                        .build()
                )
                .send()
                .await
        ),
        denied
    );
}

/// S3-LOCK-6, S3-LOCK-8: the bypass is a permission of its own.
#[tokio::test]
async fn bypassing() {
    let world = World::start().await;
    let owner = locking_bucket(&world).await;
    let id = put_retained(&owner, ObjectLockMode::Governance, ahead(2 * DAY)).await;
    let set = async |client: &Client, bypass: bool| {
        client
            .put_object_retention()
            .bucket(BUCKET)
            .key("k")
            .retention(retention(ObjectLockRetentionMode::Governance, ahead(DAY)))
            .bypass_governance_retention(bypass)
            .send()
            .await
    };
    let delete = async |client: &Client, bypass: bool| {
        client
            .delete_object()
            .bucket(BUCKET)
            .key("k")
            .version_id(&id)
            .bypass_governance_retention(bypass)
            .send()
            .await
    };
    let plain = acting(&world, &["PutObjectRetention", "DeleteObjectVersion"]);
    assert_eq!(refusal(set(&plain, false).await).2, PROTECTED);
    assert_eq!(refusal(delete(&plain, false).await).2, PROTECTED);
    for denied in [
        refusal(set(&plain, true).await),
        refusal(delete(&plain, true).await),
    ] {
        assert!(
            denied.2.contains("s3:BypassGovernanceRetention"),
            "{denied:?}"
        );
    }
    let object = ObjectIdentifier::builder()
        .key("k")
        .version_id(&id)
        .build()
        .unwrap();
    let many = plain
        .delete_objects()
        .bucket(BUCKET)
        .bypass_governance_retention(true)
        .delete(Delete::builder().objects(object).build().unwrap())
        .send()
        .await
        .unwrap();
    let told = many.errors()[0].message.clone().unwrap();
    assert!(told.contains("s3:BypassGovernanceRetention"), "{told}");

    let mighty = acting(
        &world,
        &[
            "PutObjectRetention",
            "DeleteObjectVersion",
            "BypassGovernanceRetention",
        ],
    );
    set(&mighty, true).await.unwrap();
    delete(&mighty, true).await.unwrap();
}

/// S3-LOCK-8: policies limit what may be set, by header and by document.
#[tokio::test]
async fn limits_by_policy() {
    let world = World::start().await;
    locking_bucket(&world).await;
    let limited = acting_by(
        &world,
        r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"},
           {"Effect":"Deny","Action":"s3:PutObjectRetention","Resource":"*",
            "Condition":{"NumericGreaterThan":{"s3:object-lock-remaining-retention-days":"10"}}},
           {"Effect":"Deny","Action":"s3:PutObjectRetention","Resource":"*",
            "Condition":{"StringEquals":{"s3:object-lock-mode":"COMPLIANCE"}}},
           {"Effect":"Deny","Action":"s3:PutObjectLegalHold","Resource":"*",
            "Condition":{"StringEquals":{"s3:object-lock-legal-hold":"OFF"}}}"#,
    );
    let put = async |mode: ObjectLockMode, days: u64| {
        limited
            .put_object()
            .bucket(BUCKET)
            .key("k")
            .object_lock_mode(mode)
            .object_lock_retain_until_date(ahead(days * DAY))
            .body(ByteStream::from_static(b"x"))
            .send()
            .await
    };
    let set = async |mode: ObjectLockRetentionMode, days: u64| {
        limited
            .put_object_retention()
            .bucket(BUCKET)
            .key("k")
            .retention(retention(mode, ahead(days * DAY)))
            .send()
            .await
    };
    let denied = answer(403, "AccessDenied");
    put(ObjectLockMode::Governance, 9).await.unwrap();
    set(ObjectLockRetentionMode::Governance, 10).await.unwrap();
    assert_eq!(refused(put(ObjectLockMode::Governance, 11).await), denied);
    assert_eq!(refused(put(ObjectLockMode::Compliance, 1).await), denied);
    assert_eq!(
        refused(set(ObjectLockRetentionMode::Governance, 11).await),
        denied
    );
    // Refused by the policy, before the lock is looked at.
    let (_, _, told) = refusal(set(ObjectLockRetentionMode::Compliance, 10).await);
    assert!(told.contains("s3:PutObjectRetention"), "{told}");
    let set_hold = async |status| {
        limited
            .put_object_legal_hold()
            .bucket(BUCKET)
            .key("k")
            .legal_hold(hold(status))
            .send()
            .await
    };
    set_hold(ObjectLockLegalHoldStatus::On).await.unwrap();
    assert_eq!(
        refused(set_hold(ObjectLockLegalHoldStatus::Off).await),
        denied
    );
}

/// S3-LOCK-8: creating a bucket with it takes the permissions of what it turns on.
#[tokio::test]
async fn creating_buckets() {
    let world = World::start().await;
    let create = async |client: &Client, bucket: &str, lock: bool| {
        client
            .create_bucket()
            .bucket(bucket)
            .object_lock_enabled_for_bucket(lock)
            .create_bucket_configuration(
                CreateBucketConfiguration::builder()
                    .location_constraint(BucketLocationConstraint::from("ap-northeast-1"))
                    .build(),
            )
            .send()
            .await
    };
    for lacking in [
        &["CreateBucket"][..],
        &["CreateBucket", "PutBucketVersioning"],
        &["CreateBucket", "PutBucketObjectLockConfiguration"],
    ] {
        let creator = acting(&world, lacking);
        assert_eq!(
            refused(create(&creator, "new", true).await),
            answer(403, "AccessDenied"),
            "{lacking:?}"
        );
    }
    let plain = acting(&world, &["CreateBucket"]);
    create(&plain, "plain", false).await.unwrap();
    let able = acting(
        &world,
        &[
            "CreateBucket",
            "PutBucketVersioning",
            "PutBucketObjectLockConfiguration",
        ],
    );
    create(&able, "new", true).await.unwrap();
}
