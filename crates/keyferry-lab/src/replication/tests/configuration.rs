//! Configurations: there and back, and what is refused (`S3-REPL-20`).

use s3s::dto;

use super::site::{ROLE, v1, v2};
use crate::replication::configuration::{
    Destination, ReplicationConfiguration, ReplicationRule, RuleFilter, RuleVersion,
};
use crate::store::tests::{Bench, tag};
use crate::store::{StoreError, Versioning};

fn configuration(rules: Vec<ReplicationRule>) -> ReplicationConfiguration {
    ReplicationConfiguration {
        role: ROLE.to_owned(),
        rules,
    }
}

fn full(rule: ReplicationRule) -> ReplicationRule {
    ReplicationRule {
        sse_kms_objects: Some(true),
        replica_modifications: Some(false),
        existing_objects: Some(true),
        destination: Destination {
            account: Some("111122223333".to_owned()),
            owner_is_destination: true,
            storage_class: Some("STANDARD_IA".to_owned()),
            replica_kms_key: Some("alias/k".to_owned()),
            replication_time: Some((true, Some(15))),
            metrics: Some((true, Some(15))),
            ..rule.destination
        },
        ..rule
    }
}

#[test]
fn what_was_put_is_given_back() {
    let and = RuleFilter::And {
        prefix: Some("p/".to_owned()),
        tags: vec![tag("a", "1"), tag("b", "2")],
    };
    for rules in [
        vec![v1("d", "p/"), v1("e", "")],
        vec![
            v2("d", RuleFilter::Everything, 1),
            v2("d", RuleFilter::Prefix(String::new()), 2),
            v2("d", RuleFilter::Tag(tag("a", "1")), 3),
            full(v2("d", and, 4)),
        ],
    ] {
        let put = configuration(rules);
        let back = ReplicationConfiguration::from_dto(&put.to_dto()).unwrap();
        assert_eq!(back, put);
    }
}

#[test]
fn rules_without_an_id_get_one() {
    let mut dto = configuration(vec![v1("d", "")]).to_dto();
    dto.rules[0].id = None;
    let read = ReplicationConfiguration::from_dto(&dto).unwrap();
    assert!(!read.rules[0].id.is_empty());
}

#[test]
fn elements_of_the_other_schema_are_refused() {
    type Change = fn(&mut dto::ReplicationRule);
    let marker = || {
        Some(dto::DeleteMarkerReplication {
            status: Some(dto::DeleteMarkerReplicationStatus::from_static("Enabled")),
        })
    };
    let v1_changes: [(&str, Change); 3] = [
        ("MalformedXML", |rule| rule.prefix = None),
        ("InvalidRequest", |rule| rule.priority = Some(1)),
        ("InvalidArgument", |rule| {
            rule.destination.bucket = "d".to_owned()
        }),
    ];
    let v2_changes: [(&str, Change); 4] = [
        ("InvalidRequest", |rule| rule.priority = None),
        ("InvalidRequest", |rule| {
            rule.delete_marker_replication = None
        }),
        ("MalformedXML", |rule| rule.prefix = Some(String::new())),
        ("MalformedXML", |rule| {
            rule.filter = Some(dto::ReplicationRuleFilter {
                prefix: Some("a".to_owned()),
                tag: Some(dto::Tag {
                    key: Some("k".to_owned()),
                    value: Some("v".to_owned()),
                }),
                and: None,
            });
        }),
    ];
    let refused = |rule: ReplicationRule, change: Change| {
        let mut dto = configuration(vec![rule]).to_dto();
        change(&mut dto.rules[0]);
        ReplicationConfiguration::from_dto(&dto).unwrap_err().code
    };
    for (code, change) in v1_changes {
        assert_eq!(refused(v1("d", ""), change), code);
    }
    for (code, change) in v2_changes {
        assert_eq!(refused(v2("d", RuleFilter::Everything, 1), change), code);
    }
    let mut dto = configuration(vec![v1("d", "")]).to_dto();
    dto.rules[0].delete_marker_replication = marker();
    let error = ReplicationConfiguration::from_dto(&dto).unwrap_err();
    assert!(
        error
            .message
            .contains("DeleteMarkerReplication cannot be specified")
    );
}

#[tokio::test]
async fn what_put_bucket_replication_refuses() {
    let bench = Bench::new();
    bench.bucket(bench.here(), "s", Versioning::Enabled).await;
    bench.bucket(bench.there(), "d", Versioning::Enabled).await;
    bench
        .bucket(bench.there(), "plain", Versioning::Unversioned)
        .await;
    let judge = |configuration: &ReplicationConfiguration| {
        let source = bench.here().bucket("s").unwrap();
        let judged = configuration.validate(&bench.store, &source).unwrap();
        judged.map_err(|refusal| refusal.message)
    };
    let everything = || v2("d", RuleFilter::Everything, 1);
    assert_eq!(judge(&configuration(vec![full(everything())])), Ok(()));
    assert_eq!(
        judge(&configuration(vec![v1("d", "a"), v1("d", "b")])),
        Ok(())
    );

    let tagged_markers = {
        let mut rule = v2("d", RuleFilter::Tag(tag("a", "1")), 1);
        if let RuleVersion::V2 { delete_markers, .. } = &mut rule.version {
            *delete_markers = true;
        }
        rule
    };
    let change = |change: fn(&mut ReplicationRule)| {
        let mut rule = full(everything());
        change(&mut rule);
        vec![rule]
    };
    for (rules, part) in [
        (vec![], "between 1 and 1,000"),
        (vec![v1("nowhere", "")], "must exist"),
        (vec![v1("plain", "")], "must have versioning enabled"),
        (vec![v1("s", "")], "cannot be the same"),
        (vec![v1("d", "a"), v1("d", "ab")], "overlap"),
        (vec![v1("d", "a"), everything()], "same version"),
        (vec![everything(), everything()], "Rule Id must be unique"),
        (vec![tagged_markers], "Tag filter"),
        (
            change(|rule| rule.destination.replica_kms_key = None),
            "ReplicaKmsKeyID must",
        ),
        (
            change(|rule| rule.sse_kms_objects = None),
            "SseKmsEncryptedObjects must",
        ),
        (
            change(|rule| rule.destination.account = None),
            "Account must",
        ),
        (
            change(|rule| rule.destination.metrics = None),
            "Metrics must",
        ),
        (
            change(|rule| rule.destination.replication_time = Some((true, Some(5)))),
            "15 minutes",
        ),
    ] {
        let message = judge(&configuration(rules)).unwrap_err();
        assert!(message.contains(part), "{message} / {part}");
    }
    for role in [
        "",
        "replication",
        "arn:aws:iam::1:role/r",
        "arn:aws:iam::111122223333:user/u",
    ] {
        let refused = ReplicationConfiguration {
            role: role.to_owned(),
            rules: vec![everything()],
        };
        assert!(
            judge(&refused).unwrap_err().contains("ARN of a role"),
            "{role}"
        );
    }
    bench
        .here()
        .update_bucket("s", |bucket| {
            bucket.versioning = Versioning::Suspended;
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
    let message = judge(&configuration(vec![everything()])).unwrap_err();
    assert!(message.contains("Versioning must be 'Enabled'"));
}
