//! Plans that tests are about: the cells of the permission matrix, and plans with special features.
#![allow(dead_code, reason = "each test uses a part of it")]

use keyferry_policy::plan::{BucketKey, ExistingObjects, StorageClass};
use keyferry_policy::{Encryption, Flow, KmsKeyArn, Ownership, Profile, ReplicationPlan, Site};

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const OTHER_ACCOUNT: &str = "444455556666";
pub(crate) const TOKYO: &str = "amzn-s3-demo-tokyo";
pub(crate) const OSAKA: &str = "amzn-s3-demo-osaka";

/// The plan of a cell: `ENCRYPTION.same|cross.one-way|two-way`, as the matrix names it.
pub(crate) fn plan(cell: &str, profile: Profile) -> ReplicationPlan {
    let parts: Vec<&str> = cell.split('.').collect();
    let [encryption, layout, direction] = parts[..] else {
        panic!("{cell} is no cell");
    };
    let both_ways = match direction {
        "one-way" => false,
        "two-way" => true,
        other => panic!("{other}"),
    };
    let cross = match layout {
        "same" => false,
        "cross" => true,
        other => panic!("{other}"),
    };
    let there = if cross { OTHER_ACCOUNT } else { ACCOUNT };
    let mut tokyo = tokyo(encryption);
    let mut osaka = site(OSAKA, "ap-northeast-3", there, encryption);
    // Where the destination's owner is enforced, there is no owner to override.
    if cross {
        osaka.ownership = Ownership::ObjectWriter;
        if both_ways {
            tokyo.ownership = Ownership::ObjectWriter;
        }
    }
    let flow = flow(TOKYO, OSAKA);
    let back = both_ways.then(|| flow.reversed());
    let flows = std::iter::once(flow).chain(back).collect();
    ReplicationPlan::new(vec![tokyo, osaka], flows, profile).unwrap()
}

pub(crate) fn tokyo(encryption: &str) -> Site {
    site(TOKYO, "ap-northeast-1", ACCOUNT, encryption)
}

pub(crate) fn osaka(encryption: &str) -> Site {
    site(OSAKA, "ap-northeast-3", ACCOUNT, encryption)
}

pub(crate) fn site(bucket: &str, region: &str, account: &str, encryption: &str) -> Site {
    let site = Site::new(
        bucket.parse().unwrap(),
        region.parse().unwrap(),
        account.parse().unwrap(),
        Encryption::SseS3,
    );
    let key = key(&site);
    let encryption = match encryption {
        "sse-s3" => Encryption::SseS3,
        "sse-kms" => kms(key, BucketKey::Off),
        "sse-kms-bucketkey" => kms(key, BucketKey::On),
        "sse-kms-mixed" => kms(key, BucketKey::Mixed),
        "dsse-kms" => Encryption::DsseKms { key },
        "sse-c" => Encryption::SseC,
        other => panic!("{other}"),
    };
    Site { encryption, ..site }
}

pub(crate) fn flow(source: &str, destination: &str) -> Flow {
    Flow::new(source.parse().unwrap(), destination.parse().unwrap())
}

fn kms(key: KmsKeyArn, bucket_key: BucketKey) -> Encryption {
    Encryption::SseKms { key, bucket_key }
}

/// A key for each region, as AWS's examples name them.
fn key(site: &Site) -> KmsKeyArn {
    let id = match site.region.as_str() {
        "ap-northeast-3" => "0987dcba-09fe-87dc-65ba-ab0987654321",
        _ => "1234abcd-12ab-34cd-56ef-1234567890ab",
    };
    let (partition, region, account) = (site.partition(), &site.region, &site.account);
    format!("arn:{partition}:kms:{region}:{account}:key/{id}")
        .parse()
        .unwrap()
}

/// Plans with what the cells do not have, by name.
pub(crate) fn special() -> Vec<(&'static str, ReplicationPlan)> {
    let pair = |encryption: &str, change: &dyn Fn(&mut Site), flow: Flow| {
        let mut sites = vec![tokyo(encryption), osaka(encryption)];
        sites.iter_mut().for_each(change);
        ReplicationPlan::new(sites, vec![flow], Profile::Minimal).unwrap()
    };
    let plain = |_: &mut Site| {};
    let to_osaka = || flow(TOKYO, OSAKA);
    let tags = |tags: &[(&str, &str)]| {
        tags.iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    };
    let elsewhere = |regions: [&str; 2], encryption: &str| {
        let sites = vec![
            site("amzn-s3-demo-source", regions[0], ACCOUNT, encryption),
            site("amzn-s3-demo-destination", regions[1], ACCOUNT, encryption),
        ];
        let there = flow("amzn-s3-demo-source", "amzn-s3-demo-destination");
        let flows = vec![there.reversed(), there];
        ReplicationPlan::new(sites, flows, Profile::Minimal).unwrap()
    };
    vec![
        (
            "prefix-with-wildcards",
            pair(
                "sse-kms",
                &plain,
                Flow {
                    prefix: "日本/a*b?c$d/${e}%{f}\"g\\h'/".to_owned(),
                    ..to_osaka()
                },
            ),
        ),
        (
            "one-tag",
            pair(
                "sse-c",
                &plain,
                Flow {
                    tags: tags(&[("class", "secret")]),
                    ..to_osaka()
                },
            ),
        ),
        (
            "prefix-and-tags",
            pair(
                "sse-s3",
                &plain,
                Flow {
                    prefix: "logs/".to_owned(),
                    tags: tags(&[("class", "sécret"), ("for", "ß"), ("案件", "x y")]),
                    storage_class: Some(StorageClass::GlacierIr),
                    ..to_osaka()
                },
            ),
        ),
        (
            "time-control",
            pair(
                "sse-kms-bucketkey",
                &plain,
                Flow {
                    time_control: true,
                    delete_markers: Some(false),
                    ..to_osaka()
                },
            ),
        ),
        (
            "object-lock-and-annotations",
            pair(
                "sse-c",
                &|site| {
                    site.object_lock = true;
                    site.annotations = true;
                },
                to_osaka(),
            ),
        ),
        (
            "guard-customer-keys",
            pair("sse-c", &|site| site.guard = true, to_osaka()),
        ),
        (
            "guard-against-customer-keys-across-accounts",
            ReplicationPlan::new(
                vec![
                    tokyo("sse-kms"),
                    Site {
                        guard: true,
                        ..site(OSAKA, "ap-northeast-3", OTHER_ACCOUNT, "sse-kms")
                    },
                ],
                vec![to_osaka()],
                Profile::Compatible,
            )
            .unwrap(),
        ),
        (
            "existing-objects",
            pair(
                "sse-kms",
                &plain,
                Flow {
                    existing_objects: Some(ExistingObjects {
                        report_bucket: "amzn-s3-demo-reports".parse().unwrap(),
                    }),
                    ..to_osaka()
                },
            ),
        ),
        (
            "mixed-bucket-keys",
            pair("sse-kms-mixed", &plain, to_osaka()),
        ),
        (
            "role-of-own-name",
            pair(
                "sse-s3",
                &|site| {
                    if site.bucket.as_str() == TOKYO {
                        site.role = Some("Tokyo+Osaka=1".parse().unwrap());
                    }
                },
                to_osaka(),
            ),
        ),
        (
            "china",
            elsewhere(["cn-north-1", "cn-northwest-1"], "sse-kms"),
        ),
        (
            "govcloud",
            elsewhere(["us-gov-west-1", "us-gov-east-1"], "dsse-kms"),
        ),
        ("virginia", elsewhere(["us-east-1", "us-east-1"], "sse-c")),
        ("three-sites", three_sites()),
    ]
}

/// Two accounts, three regions, a bucket that replicates twice, and names that look alike.
fn three_sites() -> ReplicationPlan {
    let names = ["1.amzn-s3-demo", "1-amzn-s3-demo", "amzn.s3.demo.archive"];
    let mut sites = vec![
        site(names[0], "eu-west-1", ACCOUNT, "sse-kms-bucketkey"),
        site(names[1], "us-east-1", OTHER_ACCOUNT, "sse-kms"),
        site(names[2], "eu-west-1", OTHER_ACCOUNT, "sse-kms-mixed"),
    ];
    sites[1].ownership = Ownership::BucketOwnerPreferred;
    let flows = vec![
        flow(names[0], names[1]),
        Flow {
            prefix: "archive/".to_owned(),
            storage_class: Some(StorageClass::DeepArchive),
            ..flow(names[0], names[2])
        },
        Flow {
            prefix: "invoices/".to_owned(),
            ..flow(names[0], names[2])
        },
        flow(names[1], names[0]),
    ];
    ReplicationPlan::new(sites, flows, Profile::Minimal).unwrap()
}
