//! Object Lock of buckets: turning it on, and its default retention.

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketVersioningStatus, DefaultRetention, ObjectLockConfiguration, ObjectLockEnabled,
    ObjectLockLegalHoldStatus, ObjectLockMode, ObjectLockRetentionMode, ObjectLockRule,
    VersioningConfiguration,
};

use crate::object_lock::{BUCKET, ahead, locking_bucket};
use crate::support::{World, answer, put, refused};

pub(crate) fn default(
    mode: Option<ObjectLockRetentionMode>,
    days: Option<i32>,
    years: Option<i32>,
) -> ObjectLockConfiguration {
    ObjectLockConfiguration::builder()
        .object_lock_enabled(ObjectLockEnabled::Enabled)
        .rule(
            ObjectLockRule::builder()
                .default_retention(
                    DefaultRetention::builder()
                        .set_mode(mode)
                        .set_days(days)
                        .set_years(years)
                        .build(),
                )
                .build(),
        )
        .build()
}

fn only_enabled() -> ObjectLockConfiguration {
    ObjectLockConfiguration::builder()
        .object_lock_enabled(ObjectLockEnabled::Enabled)
        .build()
}

pub(crate) async fn configure(
    client: &Client,
    bucket: &str,
    configuration: ObjectLockConfiguration,
) -> (u16, Option<String>) {
    match client
        .put_object_lock_configuration()
        .bucket(bucket)
        .object_lock_configuration(configuration)
        .send()
        .await
    {
        Ok(_) => (200, None),
        refusal => refused(refusal),
    }
}

async fn configuration(client: &Client, bucket: &str) -> ObjectLockConfiguration {
    client
        .get_object_lock_configuration()
        .bucket(bucket)
        .send()
        .await
        .unwrap()
        .object_lock_configuration
        .unwrap()
}

/// S3-LOCK-1, S3-BUCKET-9: at creation, or later on a bucket that keeps versions; never off again.
#[tokio::test]
async fn turning_it_on() {
    let world = World::start().await;
    let client = locking_bucket(&world).await;
    let versioning = |bucket: &'static str, status| {
        client
            .put_bucket_versioning()
            .bucket(bucket)
            .versioning_configuration(VersioningConfiguration::builder().status(status).build())
            .send()
    };
    let made = client
        .get_bucket_versioning()
        .bucket(BUCKET)
        .send()
        .await
        .unwrap();
    assert_eq!(made.status, Some(BucketVersioningStatus::Enabled));
    assert_eq!(configuration(&client, BUCKET).await, only_enabled());

    world.bucket("later").await;
    let read = client
        .get_object_lock_configuration()
        .bucket("later")
        .send()
        .await;
    assert_eq!(
        refused(read),
        answer(404, "ObjectLockConfigurationNotFoundError")
    );
    for status in [None, Some(BucketVersioningStatus::Suspended)] {
        if let Some(status) = status {
            versioning("later", status).await.unwrap();
        }
        assert_eq!(
            configure(&client, "later", only_enabled()).await,
            answer(409, "InvalidBucketState")
        );
    }
    versioning("later", BucketVersioningStatus::Enabled)
        .await
        .unwrap();
    assert_eq!(
        configure(&client, "later", only_enabled()).await,
        (200, None)
    );
    for bucket in [BUCKET, "later"] {
        let suspended = versioning(bucket, BucketVersioningStatus::Suspended).await;
        assert_eq!(refused(suspended), answer(409, "InvalidBucketState"));
        versioning(bucket, BucketVersioningStatus::Enabled)
            .await
            .unwrap();
    }
}

/// S3-LOCK-2: a default has a mode and one period, of at least a day and at most 100 years.
#[tokio::test]
async fn configurations() {
    use ObjectLockRetentionMode::{Compliance, Governance};
    let world = World::start().await;
    let client = locking_bucket(&world).await;
    for (bad, code) in [
        (ObjectLockConfiguration::builder().build(), "MalformedXML"),
        (
            ObjectLockConfiguration::builder()
                .object_lock_enabled(ObjectLockEnabled::from("Disabled"))
                .build(),
            "MalformedXML",
        ),
        (
            ObjectLockConfiguration::builder()
                .object_lock_enabled(ObjectLockEnabled::Enabled)
                .rule(ObjectLockRule::builder().build())
                .build(),
            "MalformedXML",
        ),
        (default(None, None, None), "MalformedXML"),
        (default(Some(Governance), None, None), "MalformedXML"),
        (default(None, Some(1), None), "MalformedXML"),
        (default(Some(Governance), Some(1), Some(1)), "MalformedXML"),
        (
            default(Some("governance".into()), Some(1), None),
            "MalformedXML",
        ),
        (default(Some(Governance), Some(0), None), "InvalidArgument"),
        (default(Some(Compliance), None, Some(-1)), "InvalidArgument"),
        (
            default(Some(Compliance), Some(36_501), None),
            "InvalidArgument",
        ),
        (
            default(Some(Compliance), None, Some(101)),
            "InvalidArgument",
        ),
    ] {
        let shown = format!("{bad:?}");
        assert_eq!(
            configure(&client, BUCKET, bad).await,
            answer(400, code),
            "{shown}"
        );
        assert_eq!(configuration(&client, BUCKET).await, only_enabled());
    }
    for good in [
        default(Some(Governance), Some(36_500), None),
        default(Some(Compliance), None, Some(100)),
        only_enabled(),
    ] {
        assert_eq!(configure(&client, BUCKET, good.clone()).await, (200, None));
        assert_eq!(configuration(&client, BUCKET).await, good);
    }
}

/// S3-LOCK-3: the default counts from a version's creation, and gives way to the request's.
#[tokio::test]
async fn default_retention() {
    let world = World::start().await;
    let client = locking_bucket(&world).await;
    put(&client, BUCKET, "before", b"x").await;
    let rule = default(Some(ObjectLockRetentionMode::Governance), Some(3), None);
    assert_eq!(configure(&client, BUCKET, rule).await, (200, None));
    put(&client, BUCKET, "after", b"x").await;
    let until = ahead(60);
    client
        .put_object()
        .bucket(BUCKET)
        .key("own")
        .object_lock_mode(ObjectLockMode::Compliance)
        .object_lock_retain_until_date(until)
        .body(ByteStream::from_static(b"x"))
        .send()
        .await
        .unwrap();
    client
        .put_object()
        .bucket(BUCKET)
        .key("held")
        .object_lock_legal_hold_status(ObjectLockLegalHoldStatus::On)
        .body(ByteStream::from_static(b"x"))
        .send()
        .await
        .unwrap();
    client
        .copy_object()
        .bucket(BUCKET)
        .key("copied")
        .copy_source(format!("{BUCKET}/own"))
        .send()
        .await
        .unwrap();
    let head = async |key: &str| {
        client
            .head_object()
            .bucket(BUCKET)
            .key(key)
            .send()
            .await
            .unwrap()
    };
    assert_eq!(head("before").await.object_lock_mode, None);
    for key in ["after", "held", "copied"] {
        let found = head(key).await;
        assert_eq!(found.object_lock_mode, Some(ObjectLockMode::Governance));
        let created = found.last_modified.unwrap().secs();
        let until = found.object_lock_retain_until_date.unwrap().secs();
        assert_eq!(until - created, 3 * 24 * 60 * 60, "{key}");
    }
    let own = head("own").await;
    assert_eq!(own.object_lock_mode, Some(ObjectLockMode::Compliance));
    assert_eq!(own.object_lock_retain_until_date, Some(until));
}
