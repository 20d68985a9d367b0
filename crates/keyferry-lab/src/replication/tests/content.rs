//! What replicas consist of.

use futures::StreamExt as _;

use super::site::{Site, count, v1, v2};
use crate::encryption::{EncryptionChoice, ObjectEncryption};
use crate::replication::configuration::{ReplicationRule, RuleFilter};
use crate::replication::{ReplicationFailureReason as Reason, ReplicationStatus};
use crate::store::tests::{SECOND_KEY, TEST_KEY, customer_key, tag};
use crate::store::{CompletedPart, Completion, DigestPlan, NewUpload, ObjectMetadata};

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
        lock: crate::store::RequestedLock::default(),
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

    let key = site.there().new_kms_key(None);
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

    site.there().set_kms_key_enabled(&key.arn, false);
    let [choice, _] = choices();
    site.here().put("source", "k", b"", choice).await;
    let failures = site.failures().await;
    assert!(
        matches!(&failures[..], [Reason::KmsKeyUnusable { key: unusable, .. }] if *unusable == key.arn)
    );
    assert_eq!(failures[0].code(), Some("DstKmsKeyInvalidState"));
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
