//! Buckets: creating, finding, deleting, and what S3 keeps with them.

use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, ObjectOwnership,
    OwnershipControls, OwnershipControlsRule, PublicAccessBlockConfiguration, Tag, Tagging,
    VersioningConfiguration,
};

use crate::support::{World, answer, put, refused, set_versioning};

/// S3-BUCKET-1, S3-BUCKET-2, S3-BUCKET-3.
#[tokio::test]
async fn creating_and_deleting() {
    let world = World::start().await;
    let client = world.client();
    let create = |name: &str, constraint: Option<&str>| {
        client
            .create_bucket()
            .bucket(name)
            .set_create_bucket_configuration(constraint.map(|region| {
                CreateBucketConfiguration::builder()
                    .location_constraint(BucketLocationConstraint::from(region))
                    .build()
            }))
            .send()
    };
    for constraint in [None, Some("ap-northeast-3"), Some("eu-west-1")] {
        assert_eq!(
            refused(create("bucket", constraint).await),
            answer(400, "IllegalLocationConstraintException")
        );
    }
    let home = Some("ap-northeast-1");
    create("bucket", home).await.unwrap();
    assert_eq!(
        refused(create("bucket", home).await),
        answer(409, "BucketAlreadyOwnedByYou")
    );
    assert_eq!(
        refused(create("No_Bucket", home).await),
        answer(400, "InvalidBucketName")
    );
    let location = client
        .get_bucket_location()
        .bucket("bucket")
        .send()
        .await
        .unwrap();
    assert_eq!(
        location.location_constraint.unwrap().as_str(),
        "ap-northeast-1"
    );
    put(&client, "bucket", "a", b"x").await;
    let full = client.delete_bucket().bucket("bucket").send().await;
    assert_eq!(refused(full), answer(409, "BucketNotEmpty"));
    client
        .delete_object()
        .bucket("bucket")
        .key("a")
        .send()
        .await
        .unwrap();
    client
        .delete_bucket()
        .bucket("bucket")
        .send()
        .await
        .unwrap();
    let gone = client.head_bucket().bucket("bucket").send().await;
    assert_eq!(refused(gone).0, 404);
}

/// S3-BUCKET-1, S3-BUCKET-4: one namespace, and redirects to the other region.
#[tokio::test]
async fn the_other_region() {
    let world = World::start().await;
    world.new_bucket_in(1, "there").await;
    let client = world.client();
    let get = client
        .get_object()
        .bucket("there")
        .key("a")
        .send()
        .await
        .unwrap_err();
    let raw = get.raw_response().unwrap();
    assert_eq!(raw.status().as_u16(), 301);
    assert_eq!(
        raw.headers().get("x-amz-bucket-region"),
        Some("ap-northeast-3")
    );
    let head = client
        .head_bucket()
        .bucket("there")
        .send()
        .await
        .unwrap_err();
    let raw = head.raw_response().unwrap();
    assert_eq!(raw.status().as_u16(), 301);
    assert_eq!(
        raw.headers().get("x-amz-bucket-region"),
        Some("ap-northeast-3")
    );
    let encryption = client.get_bucket_encryption().bucket("there").send().await;
    assert_eq!(refused(encryption), answer(301, "PermanentRedirect"));
    let create = client
        .create_bucket()
        .bucket("there")
        .create_bucket_configuration(
            CreateBucketConfiguration::builder()
                .location_constraint(BucketLocationConstraint::ApNortheast1)
                .build(),
        )
        .send()
        .await;
    assert_eq!(refused(create), answer(409, "BucketAlreadyOwnedByYou"));
    let there = world
        .client_of(1)
        .head_bucket()
        .bucket("there")
        .send()
        .await
        .unwrap();
    assert_eq!(there.bucket_region.as_deref(), Some("ap-northeast-3"));
}

/// S3-BUCKET-10: all buckets of all regions, filtered and in pages.
#[tokio::test]
async fn listing_buckets() {
    let world = World::start().await;
    for (region, name) in [(0, "aaa"), (1, "bbb"), (0, "ccc")] {
        world.new_bucket_in(region, name).await;
    }
    let client = world.client();
    let names = |buckets: &[aws_sdk_s3::types::Bucket]| -> Vec<String> {
        buckets
            .iter()
            .map(|bucket| bucket.name.clone().unwrap())
            .collect()
    };
    let all = client.list_buckets().send().await.unwrap();
    assert_eq!(names(all.buckets()), ["aaa", "bbb", "ccc"]);
    let page = client.list_buckets().max_buckets(2).send().await.unwrap();
    assert_eq!(names(page.buckets()), ["aaa", "bbb"]);
    let rest = client
        .list_buckets()
        .set_continuation_token(page.continuation_token)
        .send()
        .await
        .unwrap();
    assert_eq!(names(rest.buckets()), ["ccc"]);
    let region = client
        .list_buckets()
        .bucket_region("ap-northeast-3")
        .send()
        .await
        .unwrap();
    assert_eq!(names(region.buckets()), ["bbb"]);
    let prefix = client.list_buckets().prefix("c").send().await.unwrap();
    assert_eq!(names(prefix.buckets()), ["ccc"]);
}

/// S3-BUCKET-6.
#[tokio::test]
async fn versioning_is_never_taken_back() {
    let world = World::start().await;
    world.new_bucket_in(0, "versions").await;
    let client = world.client();
    let status = || client.get_bucket_versioning().bucket("versions").send();
    assert_eq!(status().await.unwrap().status, None);
    for wanted in [
        BucketVersioningStatus::Enabled,
        BucketVersioningStatus::Suspended,
    ] {
        set_versioning(&client, "versions", wanted.clone()).await;
        assert_eq!(status().await.unwrap().status, Some(wanted));
    }
    let none = client
        .put_bucket_versioning()
        .bucket("versions")
        .versioning_configuration(VersioningConfiguration::builder().build())
        .send()
        .await;
    assert_eq!(
        refused(none),
        answer(400, "IllegalVersioningConfigurationException")
    );
}

/// S3-BUCKET-7, S3-BUCKET-8, S3-TAG-3.
#[tokio::test]
async fn ownership_public_access_and_tags() {
    let world = World::start().await;
    world.new_bucket_in(0, "configured").await;
    let client = world.client();
    let ownership = || {
        client
            .get_bucket_ownership_controls()
            .bucket("configured")
            .send()
    };
    let rules = ownership().await.unwrap().ownership_controls.unwrap().rules;
    assert_eq!(
        rules[0].object_ownership,
        ObjectOwnership::BucketOwnerEnforced
    );
    client
        .put_bucket_ownership_controls()
        .bucket("configured")
        .ownership_controls(
            OwnershipControls::builder()
                .rules(
                    OwnershipControlsRule::builder()
                        .object_ownership(ObjectOwnership::BucketOwnerPreferred)
                        .build()
                        .unwrap(),
                )
                .build()
                .unwrap(),
        )
        .send()
        .await
        .unwrap();
    let rules = ownership().await.unwrap().ownership_controls.unwrap().rules;
    assert_eq!(
        rules[0].object_ownership,
        ObjectOwnership::BucketOwnerPreferred
    );
    client
        .delete_bucket_ownership_controls()
        .bucket("configured")
        .send()
        .await
        .unwrap();
    assert_eq!(
        refused(ownership().await),
        answer(404, "OwnershipControlsNotFoundError")
    );

    let block = || client.get_public_access_block().bucket("configured").send();
    let given = block()
        .await
        .unwrap()
        .public_access_block_configuration
        .unwrap();
    assert_eq!(given.block_public_policy, Some(true));
    client
        .put_public_access_block()
        .bucket("configured")
        .public_access_block_configuration(
            PublicAccessBlockConfiguration::builder()
                .block_public_acls(true)
                .build(),
        )
        .send()
        .await
        .unwrap();
    let given = block()
        .await
        .unwrap()
        .public_access_block_configuration
        .unwrap();
    assert_eq!(
        (given.block_public_acls, given.block_public_policy),
        (Some(true), Some(false))
    );
    client
        .delete_public_access_block()
        .bucket("configured")
        .send()
        .await
        .unwrap();
    assert_eq!(
        refused(block().await),
        answer(404, "NoSuchPublicAccessBlockConfiguration")
    );

    let tags = || client.get_bucket_tagging().bucket("configured").send();
    assert_eq!(refused(tags().await), answer(404, "NoSuchTagSet"));
    client
        .put_bucket_tagging()
        .bucket("configured")
        .tagging(
            Tagging::builder()
                .tag_set(Tag::builder().key("team").value("鍵").build().unwrap())
                .build()
                .unwrap(),
        )
        .send()
        .await
        .unwrap();
    assert_eq!(tags().await.unwrap().tag_set[0].value, "鍵");
    client
        .delete_bucket_tagging()
        .bucket("configured")
        .send()
        .await
        .unwrap();
    assert_eq!(refused(tags().await), answer(404, "NoSuchTagSet"));
}

/// S3-BUCKET-9: configurations the lab does not have.
#[tokio::test]
async fn absent_configurations() {
    let world = World::start().await;
    world.new_bucket_in(0, "bare").await;
    let client = world.client();
    let bucket = "bare";
    let cors = client.get_bucket_cors().bucket(bucket).send().await;
    assert_eq!(refused(cors), answer(404, "NoSuchCORSConfiguration"));
    let lifecycle = client
        .get_bucket_lifecycle_configuration()
        .bucket(bucket)
        .send()
        .await;
    assert_eq!(
        refused(lifecycle),
        answer(404, "NoSuchLifecycleConfiguration")
    );
    let website = client.get_bucket_website().bucket(bucket).send().await;
    assert_eq!(refused(website), answer(404, "NoSuchWebsiteConfiguration"));
    let lock = client
        .get_object_lock_configuration()
        .bucket(bucket)
        .send()
        .await;
    assert_eq!(
        refused(lock),
        answer(404, "ObjectLockConfigurationNotFoundError")
    );
    let replication = client.get_bucket_replication().bucket(bucket).send().await;
    assert_eq!(
        refused(replication),
        answer(404, "ReplicationConfigurationNotFoundError")
    );
    client
        .get_bucket_logging()
        .bucket(bucket)
        .send()
        .await
        .unwrap();
    client
        .get_bucket_notification_configuration()
        .bucket(bucket)
        .send()
        .await
        .unwrap();
    client
        .get_bucket_accelerate_configuration()
        .bucket(bucket)
        .send()
        .await
        .unwrap();
    let payer = client
        .get_bucket_request_payment()
        .bucket(bucket)
        .send()
        .await
        .unwrap();
    assert_eq!(payer.payer.unwrap().as_str(), "BucketOwner");
    let acl = client.get_bucket_acl().bucket(bucket).send().await.unwrap();
    assert_eq!(acl.grants().len(), 1);
}
