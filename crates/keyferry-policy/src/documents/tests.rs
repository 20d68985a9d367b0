use serde_json::json;

use super::*;
use crate::plan::{BucketKey, Flow, Profile};
use crate::{Encryption, Ownership};

fn key(region: &str, account: &str) -> KmsKeyArn {
    format!("arn:aws:kms:{region}:{account}:key/1234abcd-12ab-34cd-56ef-1234567890ab")
        .parse()
        .unwrap()
}

fn plan(
    encryption: impl Fn(KmsKeyArn) -> Encryption,
    other_account: bool,
    profile: Profile,
) -> ReplicationPlan {
    let there = if other_account {
        "444455556666"
    } else {
        "111122223333"
    };
    let site = |bucket: &str, region: &str, account: &str| Site {
        ownership: Ownership::ObjectWriter,
        ..Site::new(
            bucket.parse().unwrap(),
            region.parse().unwrap(),
            account.parse().unwrap(),
            encryption(key(region, account)),
        )
    };
    ReplicationPlan::new(
        vec![
            site("tokyo", "ap-northeast-1", "111122223333"),
            site("osaka", "ap-northeast-3", there),
        ],
        vec![Flow::new(
            "tokyo".parse().unwrap(),
            "osaka".parse().unwrap(),
        )],
        profile,
    )
    .unwrap()
}

fn value(plan: &ReplicationPlan, kind: Kind, bucket: &str) -> serde_json::Value {
    let documents = Documents::of(plan);
    let document = documents.find(kind, &bucket.parse().unwrap());
    document.map_or(json!(null), |document| {
        serde_json::from_str(&document.to_json()).unwrap()
    })
}

#[test]
fn the_simplest_plan_has_the_shapes_the_cli_takes() {
    let plan = plan(|_| Encryption::SseS3, false, Profile::Minimal);
    assert_eq!(
        value(&plan, Kind::Trust, "tokyo"),
        json!({"Version": "2012-10-17", "Statement": [{
            "Sid": "S3MayAssumeThisRole",
            "Effect": "Allow",
            "Principal": {"Service": ["s3.amazonaws.com"]},
            "Action": ["sts:AssumeRole"]
        }]})
    );
    assert_eq!(
        value(&plan, Kind::Role, "tokyo"),
        json!({"Version": "2012-10-17", "Statement": [
            {
                "Sid": "ReadSourceConfiguration",
                "Effect": "Allow",
                "Action": ["s3:GetReplicationConfiguration", "s3:ListBucket"],
                "Resource": ["arn:aws:s3:::tokyo"]
            },
            {
                "Sid": "ReadSourceVersions",
                "Effect": "Allow",
                "Action": [
                    "s3:GetObjectVersionForReplication",
                    "s3:GetObjectVersionAcl",
                    "s3:GetObjectVersionTagging"
                ],
                "Resource": ["arn:aws:s3:::tokyo/*"]
            },
            {
                "Sid": "WriteReplicas",
                "Effect": "Allow",
                "Action": ["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"],
                "Resource": ["arn:aws:s3:::osaka/*"]
            }
        ]})
    );
    assert_eq!(
        value(&plan, Kind::Replication, "tokyo"),
        json!({"Role": "arn:aws:iam::111122223333:role/s3-replication-tokyo", "Rules": [{
            "ID": "to-osaka",
            "Priority": 1,
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "DeleteMarkerReplication": {"Status": "Enabled"},
            "Destination": {"Bucket": "arn:aws:s3:::osaka"}
        }]})
    );
    assert_eq!(value(&plan, Kind::BucketPolicy, "osaka"), json!(null));
    assert_eq!(value(&plan, Kind::Replication, "osaka"), json!(null));
    assert_eq!(
        value(&plan, Kind::Encryption, "osaka")["Rules"][0]["BlockedEncryptionTypes"],
        json!({"EncryptionType": ["SSE-C"]})
    );
}

#[test]
fn kms_statements_are_tied_to_bucket_and_endpoint() {
    let with = |bucket_key| {
        plan(
            move |key| Encryption::SseKms { key, bucket_key },
            false,
            Profile::Minimal,
        )
    };
    let encrypt = |plan: &ReplicationPlan| {
        let role = value(plan, Kind::Role, "tokyo");
        let statements = role["Statement"].as_array().unwrap().clone();
        statements
            .into_iter()
            .find(|statement| statement["Sid"] == "EncryptReplicas")
            .unwrap()
    };
    assert_eq!(
        encrypt(&with(BucketKey::Off)),
        json!({
            "Sid": "EncryptReplicas",
            "Effect": "Allow",
            "Action": ["kms:Encrypt"],
            "Resource": [key("ap-northeast-3", "111122223333").as_str()],
            "Condition": {
                "StringEquals": {"kms:ViaService": ["s3.ap-northeast-3.amazonaws.com"]},
                "StringLike": {"kms:EncryptionContext:aws:s3:arn": ["arn:aws:s3:::osaka/*"]}
            }
        })
    );
    let on = encrypt(&with(BucketKey::On));
    assert_eq!(
        on["Action"],
        json!(["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey"])
    );
    assert_eq!(
        on["Condition"]["StringEquals"]["kms:EncryptionContext:aws:s3:arn"],
        json!(["arn:aws:s3:::osaka"])
    );
    let mixed = encrypt(&with(BucketKey::Mixed));
    assert_eq!(mixed["Action"], json!(["kms:Encrypt"]));
    assert_eq!(
        mixed["Condition"]["StringLike"]["kms:EncryptionContext:aws:s3:arn"],
        json!(["arn:aws:s3:::osaka", "arn:aws:s3:::osaka/*"])
    );
}

#[test]
fn the_opt_in_and_the_replica_key_come_with_kms() {
    let plan = plan(
        |key| Encryption::DsseKms { key },
        false,
        Profile::Compatible,
    );
    let rule = &value(&plan, Kind::Replication, "tokyo")["Rules"][0];
    assert_eq!(
        rule["SourceSelectionCriteria"],
        json!({"SseKmsEncryptedObjects": {"Status": "Enabled"}})
    );
    assert_eq!(
        rule["Destination"]["EncryptionConfiguration"]["ReplicaKmsKeyID"],
        json!(key("ap-northeast-3", "111122223333").as_str())
    );
    assert_eq!(
        value(&plan, Kind::Encryption, "osaka")["Rules"][0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"],
        "aws:kms:dsse"
    );
}

#[test]
fn across_accounts_the_destination_grants_the_role() {
    let plan = plan(
        |key| Encryption::SseKms {
            key,
            bucket_key: BucketKey::On,
        },
        true,
        Profile::Minimal,
    );
    let role = "arn:aws:iam::111122223333:role/s3-replication-tokyo";
    let bucket = value(&plan, Kind::BucketPolicy, "osaka");
    assert_eq!(bucket["Statement"][0]["Principal"], json!({"AWS": [role]}));
    assert_eq!(
        bucket["Statement"][0]["Action"],
        json!([
            "s3:ReplicateObject",
            "s3:ReplicateDelete",
            "s3:ReplicateTags",
            "s3:ObjectOwnerOverrideToBucketOwner"
        ])
    );
    let policy = value(&plan, Kind::KeyPolicy, "osaka");
    assert_eq!(
        policy["Statement"][0]["Principal"],
        json!({"AWS": ["arn:aws:iam::444455556666:root"]})
    );
    assert_eq!(policy["Statement"][1]["Principal"], json!({"AWS": [role]}));
    assert_eq!(
        policy["Statement"][1]["Action"],
        json!(["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey"])
    );
    let own = value(&plan, Kind::KeyPolicy, "tokyo");
    assert_eq!(own["Statement"].as_array().unwrap().len(), 1);
    let rule = &value(&plan, Kind::Replication, "tokyo")["Rules"][0];
    assert_eq!(rule["Destination"]["Account"], "444455556666");
    assert_eq!(
        rule["Destination"]["AccessControlTranslation"],
        json!({"Owner": "Destination"})
    );
}

#[test]
fn guards_come_when_asked_for() {
    let base = plan(|_| Encryption::SseC, false, Profile::Minimal);
    assert_eq!(value(&base, Kind::BucketPolicy, "tokyo"), json!(null));
    let mut sites = base.sites().to_vec();
    for site in &mut sites {
        site.guard = true;
    }
    let guarded =
        ReplicationPlan::new(sites, base.declared_flows().to_vec(), Profile::Minimal).unwrap();
    let policy = value(&guarded, Kind::BucketPolicy, "tokyo");
    assert_eq!(policy["Statement"][0]["Effect"], "Deny");
    assert_eq!(policy["Statement"][0]["Principal"], "*");
    assert_eq!(
        policy["Statement"][0]["Condition"]["Null"],
        json!({"s3:x-amz-server-side-encryption-customer-algorithm": ["true"]})
    );
}

#[test]
fn every_statement_has_a_reason_and_a_name_of_its_own() {
    for profile in [Profile::Minimal, Profile::Compatible] {
        for other_account in [false, true] {
            let plan = plan(
                |key| Encryption::SseKms {
                    key,
                    bucket_key: BucketKey::Mixed,
                },
                other_account,
                profile,
            );
            for document in &Documents::of(&plan) {
                let Some(policy) = document.policy() else {
                    continue;
                };
                let mut names: Vec<_> = policy
                    .statements()
                    .map(|(statement, reasons)| {
                        assert!(!reasons.is_empty(), "{statement:?}");
                        statement.sid.clone().unwrap()
                    })
                    .collect();
                names.sort();
                let count = names.len();
                names.dedup();
                assert_eq!(names.len(), count, "{}", document.file_name());
            }
        }
    }
}
