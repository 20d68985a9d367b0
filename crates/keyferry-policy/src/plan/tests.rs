use super::*;
use crate::names::KmsKeyArn;

const TOKYO_KEY: &str =
    "arn:aws:kms:ap-northeast-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const OSAKA_KEY: &str =
    "arn:aws:kms:ap-northeast-3:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321";

fn site(bucket: &str, region: &str, encryption: Encryption) -> Site {
    Site::new(
        bucket.parse().unwrap(),
        region.parse().unwrap(),
        "111122223333".parse().unwrap(),
        encryption,
    )
}

fn kms(key: &str) -> Encryption {
    Encryption::SseKms {
        key: key.parse::<KmsKeyArn>().unwrap(),
        bucket_key: BucketKey::Off,
    }
}

fn tokyo(encryption: Encryption) -> Site {
    site("tokyo", "ap-northeast-1", encryption)
}

fn osaka(encryption: Encryption) -> Site {
    site("osaka", "ap-northeast-3", encryption)
}

fn elsewhere(site: Site) -> Site {
    Site {
        account: "444455556666".parse().unwrap(),
        ..site
    }
}

fn flow() -> Flow {
    Flow::new("tokyo".parse().unwrap(), "osaka".parse().unwrap())
}

fn refused(sites: Vec<Site>, flows: Vec<Flow>) -> String {
    ReplicationPlan::new(sites, flows, Profile::Minimal)
        .unwrap_err()
        .to_string()
}

#[test]
fn impossible_plans_name_the_field_and_the_rule() {
    let s3 = || Encryption::SseS3;
    let pair = || vec![tokyo(s3()), osaka(s3())];
    let cases = [
        (refused(pair(), vec![]), "flow: the plan has no flow"),
        (
            refused(vec![tokyo(s3()), tokyo(s3())], vec![flow()]),
            "site tokyo: bucket: `tokyo` is named twice",
        ),
        (
            refused(
                pair(),
                vec![Flow {
                    destination: "tokyo".parse().unwrap(),
                    ..flow()
                }],
            ),
            "flow tokyo -> tokyo: destination: `tokyo` would replicate into itself",
        ),
        (
            refused(vec![tokyo(s3())], vec![flow()]),
            "flow tokyo -> osaka: destination: `osaka` is no site of the plan",
        ),
        (
            refused(pair(), vec![flow(), flow()]),
            "flow tokyo -> osaka: destination: `tokyo` replicates to `osaka` twice",
        ),
        (
            refused(
                vec![tokyo(s3()), site("beijing", "cn-north-1", s3())],
                vec![flow()],
            ),
            "site beijing: region: `cn-north-1` is in the partition aws-cn",
        ),
        (
            refused(
                vec![tokyo(kms(OSAKA_KEY)), osaka(kms(OSAKA_KEY))],
                vec![flow()],
            ),
            "site tokyo: kms-key: the key is in ap-northeast-3, the bucket in ap-northeast-1",
        ),
        (
            refused(vec![tokyo(kms(TOKYO_KEY)), osaka(s3())], vec![flow()]),
            "flow tokyo -> osaka: destination: replicas of SSE-KMS objects need a KMS key",
        ),
        (
            refused(vec![tokyo(Encryption::SseC), osaka(s3())], vec![flow()]),
            "flow tokyo -> osaka: destination: `osaka` blocks SSE-C",
        ),
        (
            refused(
                pair(),
                vec![Flow {
                    tags: [("class".to_owned(), "secret".to_owned())].into(),
                    delete_markers: Some(true),
                    ..flow()
                }],
            ),
            "flow tokyo -> osaka: delete-markers: S3 does not replicate delete markers",
        ),
        (
            refused(
                pair(),
                vec![Flow {
                    owner_override: Some(true),
                    ..flow()
                }],
            ),
            "flow tokyo -> osaka: owner-override: source and destination belong to one account",
        ),
        (
            refused(
                vec![tokyo(s3()), elsewhere(osaka(s3()))],
                vec![Flow {
                    owner_override: Some(true),
                    ..flow()
                }],
            ),
            "flow tokyo -> osaka: owner-override: `osaka` is BucketOwnerEnforced",
        ),
        (
            refused(
                vec![
                    Site {
                        object_lock: true,
                        ..tokyo(s3())
                    },
                    osaka(s3()),
                ],
                vec![flow()],
            ),
            "flow tokyo -> osaka: destination: the source has Object Lock",
        ),
    ];
    for (message, expected) in cases {
        assert!(message.starts_with(expected), "{message}\n{expected}");
    }
    let role = |site| Site {
        role: Some("replication".parse().unwrap()),
        ..site
    };
    let both = vec![flow(), flow().reversed()];
    let message = refused(vec![role(tokyo(s3())), role(osaka(s3()))], both);
    assert!(message.starts_with("site osaka: role: `replication` is the role of another"));
}

#[test]
fn encryption_is_made_of_parts_that_fit() {
    use EncryptionKind::{DsseKms, SseC, SseKms};
    let refused = |kind, key, bucket_key, across| {
        Encryption::from_parts(kind, key, bucket_key, across)
            .unwrap_err()
            .to_string()
    };
    let cases = [
        (
            refused(DsseKms, Some(TOKYO_KEY), Some(BucketKey::On), false),
            "bucket-key: DSSE-KMS never uses Bucket Keys",
        ),
        (
            refused(SseKms, None, None, false),
            "kms-key: SSE-KMS needs the ARN of a KMS key",
        ),
        (
            refused(SseC, Some(TOKYO_KEY), None, false),
            "kms-key: SSE-C uses no KMS key",
        ),
        (
            refused(SseKms, Some("alias/aws/s3"), None, true),
            "kms-key: `alias/aws/s3` cannot be used across accounts",
        ),
        (
            refused(SseKms, Some("alias/data"), None, false),
            "kms-key: `alias/data` is not the ARN of a KMS key: an alias cannot stand",
        ),
    ];
    for (message, expected) in cases {
        assert!(message.starts_with(expected), "{message}\n{expected}");
    }
    let fits = Encryption::from_parts(DsseKms, Some(TOKYO_KEY), Some(BucketKey::Off), false);
    assert!(fits.is_ok());
}

#[test]
fn each_direction_has_its_own_role() {
    let plan =
        ReplicationPlan::between(tokyo(Encryption::SseC), osaka(Encryption::SseC), true).unwrap();
    let roles: Vec<String> = plan
        .flows()
        .iter()
        .map(|flow| flow.role_arn().to_string())
        .collect();
    assert_eq!(
        roles,
        [
            "arn:aws:iam::111122223333:role/s3-replication-tokyo",
            "arn:aws:iam::111122223333:role/s3-replication-osaka"
        ]
    );
}

#[test]
fn plan_files_say_what_plans_say() {
    let plan = ReplicationPlan::new(
        vec![
            Site {
                object_lock: true,
                guard: true,
                ..tokyo(kms(TOKYO_KEY))
            },
            elsewhere(Site {
                object_lock: true,
                ownership: Ownership::ObjectWriter,
                ..osaka(kms(OSAKA_KEY))
            }),
        ],
        vec![Flow {
            prefix: "logs/".to_owned(),
            tags: [("class".to_owned(), "secret".to_owned())].into(),
            time_control: true,
            owner_override: Some(true),
            storage_class: Some(StorageClass::GlacierIr),
            existing_objects: Some(ExistingObjects {
                report_bucket: "reports".parse().unwrap(),
            }),
            ..flow()
        }],
        Profile::Compatible,
    )
    .unwrap();
    let text = plan.to_toml().unwrap();
    assert_eq!(ReplicationPlan::from_toml(&text).unwrap(), plan, "{text}");
}

#[test]
fn plan_files_are_read_strictly() {
    let error = ReplicationPlan::from_toml("[[site]]\nbucket = \"tokyo\"\nbuckte = 1\n")
        .unwrap_err()
        .to_string();
    assert!(error.contains("line 3"), "{error}");
    let error = ReplicationPlan::from_toml("").unwrap_err().to_string();
    assert!(error.contains("no flow"), "{error}");
    let error = ReplicationPlan::from_toml(
        "partition = \"aws-cn\"\n[[site]]\nbucket = \"tokyo\"\nregion = \"ap-northeast-1\"\naccount = \"111122223333\"\nencryption = \"sse-c\"\n[[site]]\nbucket = \"osaka\"\nregion = \"ap-northeast-3\"\naccount = \"111122223333\"\nencryption = \"sse-c\"\n[[flow]]\nsource = \"tokyo\"\ndestination = \"osaka\"\n",
    )
    .unwrap_err()
    .to_string();
    assert!(
        error.starts_with("partition: `aws-cn` does not fit"),
        "{error}"
    );
}
