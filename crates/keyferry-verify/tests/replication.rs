//! Verification of real replication, between the two regions of a lab, over TLS.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

#[expect(
    dead_code,
    reason = "each of the tests that share it needs a part of it"
)]
mod lab;

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::types::{EncryptionType, ReplicationRuleStatus, Tag, Tagging};
use keyferry_key::CustomerKey;
use keyferry_lab::{Fault, FaultScope};
use keyferry_transfer::ObjectAddress;
use keyferry_verify::{
    Cause, Certainty, Conclusion, Difference, Finding, Level, NotCovered, Outcome, ReadSides,
    ReplicaTarget, ReplicationStatus, Sides, Subject, Verification, VerifyError, WhyMissed,
    destinations, receipt_of,
};
use lab::{Pair, REPLICA, SOURCE, rule};

fn content(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(bytes)
    .collect()
}

#[tokio::test]
async fn a_replicated_object_is_verified() {
    let pair = Pair::replicated().await;
    let receipt = pair.upload("report.pdf", content(100_000)).await;
    let report = pair.verify(&receipt).await;
    assert_eq!(report.conclusion(), Conclusion::Verified, "{report:#?}");
    assert_eq!(report.level_reached(), Some(Level::Equal));
    let replica = &report.replicas[0];
    assert_eq!(replica.bucket.as_str(), REPLICA);
    assert_eq!(replica.region, Some(pair.region(1)));
    assert_eq!(replica.rule.as_ref().unwrap().id.as_deref(), Some("all"));
    let view = replica.view.as_ref().unwrap();
    assert_eq!(view.status, Some(ReplicationStatus::Replica));
    assert_eq!(view.version_id, receipt.version_id);
    assert_eq!(view.user_metadata["made-by"], "a test");
    assert_eq!(replica.tags.as_ref().unwrap()["class"], "gold");
    assert_eq!(report.probes().count(), 8);
    assert!(report.probes().all(
        |probe| matches!(probe.refusal(), Some(refusal) if [400, 403].contains(&refusal.status))
    ));
    let shown = format!("{report:?} {}", serde_json::to_string(&report).unwrap());
    assert!(!shown.contains(pair.key.headers().expose_key()));

    let found = destinations(&pair.connector, &pair.region(0), &receipt.source)
        .await
        .unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].bucket.as_str(), REPLICA);
    pair.lab.shutdown().await;
}

#[tokio::test]
async fn parts_and_empty_objects_are_verified_deep() {
    let mut pair = Pair::replicated().await;
    pair.level = Level::Deep;
    for bytes in [0, 1, 11 * 1024 * 1024 + 7] {
        let receipt = pair
            .upload(&format!("of {bytes} bytes"), content(bytes))
            .await;
        let report = pair.verify(&receipt).await;
        assert_eq!(report.level_reached(), Some(Level::Deep), "{report:#?}");
        let proof = report.replicas[0].content.as_ref().unwrap();
        assert_eq!(proof.bytes, bytes as u64);
        assert_eq!(Some(&proof.sha256), receipt.sha256.as_ref());
        assert_eq!(proof.crc64nvme, receipt.checksum.value);
    }
    pair.lab.shutdown().await;
}

#[tokio::test]
async fn without_a_receipt_the_source_is_the_measure() {
    let mut pair = Pair::replicated().await;
    let receipt = pair.upload("big", content(6 * 1024 * 1024)).await;
    let subject = receipt_of(
        &pair.client(0),
        &receipt.source,
        None,
        &pair.region(0),
        &pair.key,
    )
    .await
    .unwrap();
    assert_eq!(
        subject,
        Subject {
            sha256: None,
            uploaded: subject.uploaded,
            from_receipt: false,
            receipt: None,
            ..Subject::from(&receipt)
        }
    );
    pair.level = Level::Deep;
    let report = pair.try_verify(&subject, &pair.key).await.unwrap();
    assert_eq!(report.conclusion(), Conclusion::Verified, "{report:#?}");
    pair.lab.shutdown().await;
}

#[tokio::test]
async fn a_stalled_replication_is_pending_until_it_goes_on() {
    let mut pair = Pair::replicated().await;
    pair.lab.faults().set(FaultScope::Everywhere, Fault::Stall);
    let receipt = pair.upload("late", content(1000)).await;
    pair.wait = Duration::from_millis(700);
    let report = pair.verify(&receipt).await;
    assert!(
        matches!(&report.outcome, Outcome::Pending { waited, status: Some(ReplicationStatus::Pending) }
            if *waited >= pair.wait),
        "{:?}",
        report.outcome
    );
    assert_eq!(report.conclusion(), Conclusion::Pending);
    assert_eq!(report.replicas[0].finding, Finding::Absent);
    assert!(report.timings.looks > 1);

    let faults = pair.lab.faults().clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(500)).await;
        faults.clear_all();
    });
    pair.wait = Duration::from_secs(30);
    let report = pair.verify(&receipt).await;
    assert_eq!(report.conclusion(), Conclusion::Verified, "{report:#?}");
    assert!(report.timings.status_latency.is_some());
    pair.lab.shutdown().await;
}

#[tokio::test]
async fn a_destination_that_blocks_customer_keys_is_named() {
    let pair = Pair::replicated().await;
    pair.block(1, REPLICA, EncryptionType::SseC).await;
    let receipt = pair.upload("blocked", content(1000)).await;
    let report = pair.verify(&receipt).await;
    let Outcome::Failed { reasons } = &report.outcome else {
        panic!("{report:#?}");
    };
    assert_eq!(reasons[0].certainty, Certainty::Certain);
    assert!(matches!(
        &reasons[0].cause,
        Cause::DestinationBlocksCustomerKeys { bucket, .. } if bucket.as_str() == REPLICA
    ));
    // The role was looked into, and may do all that it must.
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    assert_eq!(report.conclusion(), Conclusion::Refuted);
    pair.lab.shutdown().await;
}

#[tokio::test]
async fn a_failure_without_a_visible_cause_was_repaired_or_is_not_to_be_seen() {
    let pair = Pair::replicated().await;
    pair.lab.faults().set(FaultScope::Everywhere, Fault::Fail);
    let receipt = pair.upload("failed", content(1000)).await;
    let report = pair.verify(&receipt).await;
    let Outcome::Failed { reasons } = &report.outcome else {
        panic!("{report:#?}");
    };
    assert!(
        matches!(&reasons[..], [only] if only.certainty == Certainty::Likely
            && only.cause == Cause::RepairedSince),
        "{reasons:?}"
    );
    pair.lab.shutdown().await;
}

#[tokio::test]
async fn objects_that_no_rule_covers_are_named_with_the_reason() {
    let pair = Pair::without_rules().await;
    let receipt = pair.upload("data/1", content(10)).await;
    let why = |outcome: Outcome| match outcome {
        Outcome::NotCovered { why } => why,
        other => panic!("{other:?}"),
    };
    let report = pair.verify(&receipt).await;
    assert_eq!(report.conclusion(), Conclusion::Refuted);
    assert_eq!(why(report.outcome), NotCovered::NoConfiguration);

    pair.replicate(vec![rule("logs", 1, "logs/", REPLICA)])
        .await;
    let receipt = pair.upload("data/2", content(10)).await;
    let NotCovered::NoRuleMatches { rules } = why(pair.verify(&receipt).await.outcome) else {
        panic!("the rule does not match");
    };
    assert_eq!(rules[0].id.as_deref(), Some("logs"));
    assert!(matches!(&rules[0].why, WhyMissed::Prefix { prefix } if prefix == "logs/"));

    let mut disabled = rule("off", 1, "", REPLICA);
    disabled.status = ReplicationRuleStatus::Disabled;
    pair.replicate(vec![disabled]).await;
    let receipt = pair.upload("data/3", content(10)).await;
    assert_eq!(
        why(pair.verify(&receipt).await.outcome),
        NotCovered::RulesDisabled {
            rules: vec![Some("off".to_owned())]
        }
    );

    // The rule comes after the object.
    pair.replicate(vec![rule("all", 1, "", REPLICA)]).await;
    assert_eq!(
        why(pair.verify(&receipt).await.outcome),
        NotCovered::OlderThanRule
    );
    pair.lab.shutdown().await;
}

#[tokio::test]
async fn a_replica_is_not_replicated_onward() {
    let pair = Pair::replicated().await;
    let receipt = pair.upload("once", content(10)).await;
    assert_eq!(
        pair.verify(&receipt).await.conclusion(),
        Conclusion::Verified
    );
    let replica = ObjectAddress {
        bucket: REPLICA.parse().unwrap(),
        key: "once".to_owned(),
    };
    let subject = receipt_of(&pair.client(1), &replica, None, &pair.region(1), &pair.key)
        .await
        .unwrap();
    let report = pair.try_verify(&subject, &pair.key).await.unwrap();
    assert_eq!(
        report.outcome,
        Outcome::NotCovered {
            why: NotCovered::IsReplica
        }
    );
    pair.lab.shutdown().await;
}

#[tokio::test]
async fn a_corrupt_replica_is_found_by_reading_and_its_part_named() {
    let mut pair = Pair::replicated().await;
    pair.lab
        .faults()
        .set(FaultScope::SourceBucket(SOURCE.to_owned()), Fault::Corrupt);
    let receipt = pair.upload("corrupt", content(6 * 1024 * 1024)).await;
    // Stored checksums are claims, and this replica claims the right ones.
    let report = pair.verify(&receipt).await;
    assert_eq!(report.level_reached(), Some(Level::Equal), "{report:#?}");
    pair.level = Level::Deep;
    let report = pair.verify(&receipt).await;
    let Outcome::Differs(differences) = &report.outcome else {
        panic!("{report:#?}");
    };
    let part = match &differences[0] {
        Difference::Content { part, .. } | Difference::Unreadable { part, .. } => *part,
        other => panic!("{other:?}"),
    };
    assert!(matches!(part, Some(1 | 2)), "{differences:?}");
    assert_eq!(report.conclusion(), Conclusion::Refuted);
    pair.lab.shutdown().await;
}

#[tokio::test]
async fn a_tag_changed_on_the_replica_is_a_difference() {
    let pair = Pair::replicated().await;
    let receipt = pair.upload("tagged", content(10)).await;
    assert_eq!(
        pair.verify(&receipt).await.conclusion(),
        Conclusion::Verified
    );
    let tag = Tag::builder().key("class").value("lead").build().unwrap();
    pair.client(1)
        .put_object_tagging()
        .bucket(REPLICA)
        .key("tagged")
        .tagging(Tagging::builder().tag_set(tag).build().unwrap())
        .send()
        .await
        .unwrap();
    let report = pair.verify(&receipt).await;
    let expected = Difference::Tag {
        key: "class".to_owned(),
        source: Some("gold".to_owned()),
        replica: Some("lead".to_owned()),
    };
    assert_eq!(report.outcome, Outcome::Differs(vec![expected]));
    pair.lab.shutdown().await;
}

#[tokio::test]
async fn a_replica_deleted_by_version_is_missing_though_s3_says_completed() {
    let pair = Pair::replicated().await;
    let receipt = pair.upload("gone", content(10)).await;
    assert_eq!(
        pair.verify(&receipt).await.conclusion(),
        Conclusion::Verified
    );
    pair.client(1)
        .delete_object()
        .bucket(REPLICA)
        .key("gone")
        .set_version_id(receipt.version_id.clone())
        .send()
        .await
        .unwrap();
    let report = pair.verify(&receipt).await;
    assert_eq!(
        report.outcome,
        Outcome::ReplicaMissing {
            bucket: REPLICA.parse().unwrap()
        }
    );
    assert_eq!(
        report.source.view.status,
        Some(ReplicationStatus::Completed)
    );
    pair.lab.shutdown().await;
}

#[tokio::test]
async fn every_destination_has_its_own_side() {
    let pair = Pair::without_rules().await;
    pair.make_bucket(0, "tokyo-copy").await;
    pair.replicate(vec![
        rule("far", 1, "", REPLICA),
        rule("near", 2, "", "tokyo-copy"),
    ])
    .await;
    let receipt = pair.upload("twice", content(1000)).await;
    let report = pair.verify(&receipt).await;
    assert_eq!(report.conclusion(), Conclusion::Verified, "{report:#?}");
    assert_eq!(report.replicas.len(), 2);
    assert_eq!(report.replicas[1].region, Some(pair.region(0)));
    pair.client(0)
        .delete_object()
        .bucket("tokyo-copy")
        .key("twice")
        .set_version_id(receipt.version_id.clone())
        .send()
        .await
        .unwrap();
    let report = pair.verify(&receipt).await;
    assert!(matches!(
        report.replicas[0].finding,
        Finding::Equal { level: Some(_) }
    ));
    assert_eq!(report.replicas[1].finding, Finding::Absent);
    assert!(matches!(report.outcome, Outcome::ReplicaMissing { .. }));
    pair.lab.shutdown().await;
}

#[tokio::test]
async fn wrong_keys_missing_objects_and_plain_objects_are_errors() {
    let pair = Pair::replicated().await;
    let receipt = pair.upload("locked", content(10)).await;
    let other = CustomerKey::generate().unwrap();
    let error = pair
        .try_verify(&Subject::from(&receipt), &other)
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        VerifyError::WrongKey {
            expected: Some(_),
            ..
        }
    ));
    // A receipt that lies about its key does not help.
    let mut lying = Subject::from(&receipt);
    lying.key_md5 = Some(other.md5());
    let error = pair.try_verify(&lying, &other).await.unwrap_err();
    assert!(matches!(
        error,
        VerifyError::WrongKey { expected: None, .. }
    ));
    let ask = async |object: &str| {
        let address = format!("s3://{SOURCE}/{object}").parse().unwrap();
        let region = pair.region(0);
        receipt_of(&pair.client(0), &address, None, &region, &pair.key).await
    };
    assert!(matches!(
        ask("nothing").await,
        Err(VerifyError::SourceMissing { .. })
    ));
    pair.client(0)
        .put_object()
        .bucket(SOURCE)
        .key("plain")
        .body(b"plain".to_vec().into())
        .send()
        .await
        .unwrap();
    assert!(matches!(
        ask("plain").await,
        Err(VerifyError::NotCustomerKey { .. })
    ));
    let mut gone = Subject::from(&receipt);
    gone.source.bucket = "no-such-bucket-here".parse().unwrap();
    assert!(pair.try_verify(&gone, &pair.key).await.is_err());
    pair.lab.shutdown().await;
}

/// The replica is with a server of its own: nothing but that server is asked for it.
#[tokio::test]
async fn a_replica_at_another_endpoint() {
    let pair = Pair::replicated().await;
    let receipt = pair.upload("report.pdf", content(1000)).await;
    let subject = Subject::from(&receipt);
    let verification = |replica| Verification {
        subject: &subject,
        key: Some(&pair.key),
        wait: pair.wait,
        level: Level::Deep,
        read: ReadSides::Both,
        replica,
        probe: true,
    };
    let sides = Sides::apart(
        Arc::new(pair.connector_of(0)),
        Arc::new(pair.connector_of(1)),
    );
    let given = ReplicaTarget {
        bucket: REPLICA.parse().unwrap(),
        region: pair.region(1),
    };
    for replica in [None, Some(given)] {
        let report = pair.verify_by(&sides, verification(replica)).await.unwrap();
        assert_eq!(report.conclusion(), Conclusion::Verified, "{report:#?}");
        let endpoint = pair.lab.regions()[1].endpoint_url().to_string();
        assert_eq!(report.replicas[0].endpoint, Some(endpoint));
    }
    // The other way round there is no such source.
    let swapped = pair.verify_by(&sides.swapped(), verification(None)).await;
    assert!(
        matches!(swapped, Err(VerifyError::Client { .. })),
        "{swapped:?}"
    );
    pair.lab.shutdown().await;
}

/// Where no status says that it must be there, a server that is down is waited for.
#[tokio::test]
async fn a_replica_whose_server_is_down_is_pending() {
    let mut pair = Pair::without_rules().await;
    pair.wait = Duration::from_millis(300);
    let receipt = pair.upload("report.pdf", content(1000)).await;
    let subject = Subject::from(&receipt);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    let down = pair.connector_at(&format!("https://localhost:{port}"));
    let sides = Sides::apart(Arc::new(pair.connector_of(0)), Arc::new(down));
    let verification = Verification {
        subject: &subject,
        key: Some(&pair.key),
        wait: pair.wait,
        level: Level::Equal,
        read: ReadSides::Both,
        replica: Some(ReplicaTarget {
            bucket: REPLICA.parse().unwrap(),
            region: pair.region(1),
        }),
        probe: true,
    };
    let report = pair.verify_by(&sides, verification).await.unwrap();
    assert_eq!(report.conclusion(), Conclusion::Pending, "{report:#?}");
    assert!(
        matches!(&report.replicas[0].finding, Finding::Unreachable { detail } if detail.contains("refused")),
        "{report:#?}"
    );
    pair.lab.shutdown().await;
}
