//! Replication as clients configure and see it.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketVersioningStatus, DeleteMarkerReplication, DeleteMarkerReplicationStatus, Destination,
    EncryptionType, ReplicationConfiguration, ReplicationRule, ReplicationRuleFilter,
    ReplicationRuleStatus, ReplicationStatus,
};
use keyferry_lab::{Fault, FaultScope, ReplicationFailureReason};

use crate::support::{Key, World, answer, encryption, pattern, put, refused, set_versioning};
use crate::with_key;

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const PERMISSIONS: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;

fn configuration(role: &str) -> ReplicationConfiguration {
    ReplicationConfiguration::builder()
        .role(role)
        .rules(
            ReplicationRule::builder()
                .id("everything under keys/")
                .priority(1)
                .status(ReplicationRuleStatus::Enabled)
                .filter(ReplicationRuleFilter::builder().prefix("keys/").build())
                .delete_marker_replication(
                    DeleteMarkerReplication::builder()
                        .status(DeleteMarkerReplicationStatus::Disabled)
                        .build(),
                )
                .destination(
                    Destination::builder()
                        .bucket("arn:aws:s3:::target")
                        .build()
                        .unwrap(),
                )
                .build()
                .unwrap(),
        )
        .build()
        .unwrap()
}

async fn configure(
    client: &Client,
    configuration: ReplicationConfiguration,
) -> (u16, Option<String>) {
    match client
        .put_bucket_replication()
        .bucket("source")
        .replication_configuration(configuration)
        .send()
        .await
    {
        Ok(_) => (200, None),
        refusal => refused(refusal),
    }
}

/// Source and target, replicating.
async fn world() -> World {
    let world = World::start().await;
    world.versioned_bucket("source").await;
    world.bucket_in(1, "target").await;
    set_versioning(
        &world.client_of(1),
        "target",
        BucketVersioningStatus::Enabled,
    )
    .await;
    let role = world
        .lab
        .put_role("replication", TRUST, PERMISSIONS)
        .unwrap();
    assert_eq!(
        configure(&world.client(), configuration(&role)).await,
        (200, None)
    );
    world
}

async fn status(
    client: &Client,
    bucket: &str,
    version: &str,
    key: &Key,
) -> Option<ReplicationStatus> {
    with_key!(client.head_object().bucket(bucket).key("keys/a"), key)
        .version_id(version)
        .send()
        .await
        .unwrap()
        .replication_status
}

/// S3-REPL-2, S3-REPL-5, S3-REPL-10: an object under a customer key is on the other side, under
/// the same version id and the same key.
#[tokio::test]
async fn customer_keys_replicate() {
    let world = world().await;
    let (source, target) = (world.client(), world.client_of(1));
    let key = Key::new(21);
    world.lab.faults().set(FaultScope::Everywhere, Fault::Stall);
    let body = pattern(300_000, 21);
    let put = with_key!(source.put_object().bucket("source").key("keys/a"), key)
        .body(ByteStream::from(body.clone()))
        .metadata("kept", "yes")
        .tagging("kept=yes")
        .send()
        .await
        .unwrap();
    let version = put.version_id.unwrap();
    assert_eq!(
        status(&source, "source", &version, &key).await,
        Some(ReplicationStatus::Pending)
    );
    let stalled =
        tokio::time::timeout(Duration::from_millis(200), world.lab.replication_idle()).await;
    assert!(stalled.is_err());
    world.lab.faults().clear_all();
    world.lab.replication_idle().await;
    assert_eq!(
        status(&source, "source", &version, &key).await,
        Some(ReplicationStatus::Completed)
    );
    let read = || {
        target
            .get_object()
            .bucket("target")
            .key("keys/a")
            .version_id(&version)
    };
    let replica = with_key!(read(), key).send().await.unwrap();
    assert_eq!(replica.replication_status, Some(ReplicationStatus::Replica));
    assert_eq!(replica.e_tag, put.e_tag);
    assert_eq!(replica.tag_count, Some(1));
    assert_eq!(replica.metadata.as_ref().unwrap()["kept"], "yes");
    assert_eq!(replica.body.collect().await.unwrap().to_vec(), body);
    assert_eq!(refused(read().send().await), answer(400, "InvalidRequest"));
    assert_eq!(
        refused(with_key!(read(), Key::new(22)).send().await),
        answer(403, "AccessDenied")
    );
    // No rule covers this one: no status.
    crate::support::put(&source, "source", "elsewhere", b"x").await;
    let head = source
        .head_object()
        .bucket("source")
        .key("elsewhere")
        .send()
        .await
        .unwrap();
    assert_eq!(head.replication_status, None);
}

/// S3-SSEC-21: a destination that blocks customer keys.
#[tokio::test]
async fn blocked_destinations_fail() {
    let world = world().await;
    let (source, target) = (world.client(), world.client_of(1));
    target
        .put_bucket_encryption()
        .bucket("target")
        .server_side_encryption_configuration(encryption(Some(EncryptionType::SseC)))
        .send()
        .await
        .unwrap();
    let key = Key::new(23);
    let version = with_key!(source.put_object().bucket("source").key("keys/a"), key)
        .body(ByteStream::from_static(b"sealed"))
        .send()
        .await
        .unwrap()
        .version_id
        .unwrap();
    world.lab.replication_idle().await;
    assert_eq!(
        status(&source, "source", &version, &key).await,
        Some(ReplicationStatus::Failed)
    );
    let failures = world.lab.replication_failures().unwrap();
    assert_eq!(
        failures[0].reason,
        ReplicationFailureReason::DestinationBlocksSseC
    );
}

/// S3-REPL-20, S3-BUCKET-6: what configuring refuses; what is given back.
#[tokio::test]
async fn configurations() {
    let world = world().await;
    let client = world.client();
    let role = "arn:aws:iam::111122223333:role/replication";
    let given = client
        .get_bucket_replication()
        .bucket("source")
        .send()
        .await
        .unwrap()
        .replication_configuration
        .unwrap();
    assert_eq!(given, configuration(role));
    let suspend = client
        .put_bucket_versioning()
        .bucket("source")
        .versioning_configuration(
            aws_sdk_s3::types::VersioningConfiguration::builder()
                .status(BucketVersioningStatus::Suspended)
                .build(),
        )
        .send()
        .await;
    assert_eq!(refused(suspend), answer(409, "InvalidBucketState"));

    world.new_bucket_in(1, "unversioned").await;
    let to = |bucket: &str| {
        let mut wrong = configuration(role);
        wrong.rules[0].destination.as_mut().unwrap().bucket = format!("arn:aws:s3:::{bucket}");
        wrong
    };
    for (what, wrong) in [
        ("unversioned destination", to("unversioned")),
        ("absent destination", to("nowhere")),
        ("no role", configuration("")),
        ("no priority", {
            let mut wrong = configuration(role);
            wrong.rules[0].priority = None;
            wrong
        }),
    ] {
        let (status, code) = configure(&client, wrong).await;
        assert_eq!(status, 400, "{what}: {code:?}");
    }
    client
        .delete_bucket_replication()
        .bucket("source")
        .send()
        .await
        .unwrap();
    let none = client
        .get_bucket_replication()
        .bucket("source")
        .send()
        .await;
    assert_eq!(
        refused(none),
        answer(404, "ReplicationConfigurationNotFoundError")
    );
    put(&client, "source", "keys/after", b"x").await;
    let head = client
        .head_object()
        .bucket("source")
        .key("keys/after")
        .send()
        .await
        .unwrap();
    assert_eq!(head.replication_status, None);
}
