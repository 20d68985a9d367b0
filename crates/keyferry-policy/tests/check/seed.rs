//! The documents of a published article, checked: every gap that is known of them, and no other.

use keyferry_policy::check::{Finding, Installed, Known, check};
use keyferry_policy::documents::{Kind, VersioningConfiguration};
use keyferry_policy::{BucketName, Flow, Ownership, Profile, ReplicationPlan, Site};

use crate::cells;
use crate::given::{brief, serious};

const TOKYO: &str = "s3-bucket-tokyo";
const OSAKA: &str = "s3-bucket-osaka";

fn plan(encryption: &str, both_ways: bool) -> ReplicationPlan {
    let site = |bucket: &str, region: &str| Site {
        ownership: Ownership::BucketOwnerEnforced,
        ..cells::site(bucket, region, cells::ACCOUNT, encryption)
    };
    let sites = vec![site(TOKYO, "ap-northeast-1"), site(OSAKA, "ap-northeast-3")];
    let there = cells::flow(TOKYO, OSAKA);
    let back = both_ways.then(|| Flow::reversed(&there));
    let flows = std::iter::once(there).chain(back).collect();
    ReplicationPlan::new(sites, flows, Profile::Minimal).unwrap()
}

fn file(name: &str) -> String {
    let path = format!("{}/tests/seed/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

/// What the article tells the reader to install, for one kind of encryption.
fn article(plan: &ReplicationPlan, kms: bool) -> Installed {
    let tokyo: BucketName = TOKYO.parse().unwrap();
    let mut installed = Installed::default();
    let mut read = |kind, name: &str| {
        let path = format!("seed/{name}");
        installed
            .read(plan, kind, &tokyo, &path, &file(name))
            .unwrap();
    };
    read(Kind::Trust, "trust.json");
    read(Kind::Role, "role-sse-s3.json");
    read(Kind::Replication, "replication.json");
    if kms {
        read(Kind::Role, "role-sse-kms.json");
        for site in plan.sites() {
            let key = "key-policy.json";
            let path = format!("seed/{key}");
            installed
                .read(plan, Kind::KeyPolicy, &site.bucket, &path, &file(key))
                .unwrap();
        }
    }
    installed.complete(plan);
    // Replication presupposes versioning, and every bucket has some encryption: the article takes both
    // for granted.
    for site in plan.sites() {
        let bucket = installed.bucket_mut(&site.bucket);
        let origin = keyferry_policy::check::Origin::place("the article");
        bucket.versioning = Known::present(VersioningConfiguration::enabled(), origin);
        bucket.encryption = Known::Absent;
    }
    installed
}

fn findings(encryption: &str, both_ways: bool) -> Vec<Finding> {
    let plan = plan(encryption, both_ways);
    serious(check(&plan, &article(&plan, encryption.contains("kms"))))
}

#[test]
fn sse_s3_is_right() {
    let one_way = plan("sse-s3", false);
    let all = check(&one_way, &article(&one_way, false));
    assert_eq!(brief(&all), Vec::<String>::new());
}

#[test]
fn the_second_direction_is_missing() {
    assert_eq!(
        brief(&findings("sse-s3", true)),
        ["error direction-missing s3-bucket-osaka -> s3-bucket-tokyo"]
    );
}

#[test]
fn sse_kms_lacks_opt_in_replica_key_bucket_key_decrypt_conditions_and_a_direction() {
    let findings = findings("sse-kms-bucketkey", true);
    assert_eq!(
        brief(&findings),
        [
            "error direction-missing s3-bucket-osaka -> s3-bucket-tokyo",
            "error kms-opt-in-missing s3-bucket-tokyo -> s3-bucket-osaka",
            "error replica-key-missing s3-bucket-tokyo -> s3-bucket-osaka",
            "error needed-call-denied s3-bucket-tokyo -> s3-bucket-osaka",
            "warning kms-conditions-missing role s3-replication-s3-bucket-tokyo",
            "warning kms-conditions-missing role s3-replication-s3-bucket-tokyo",
        ]
    );
    let denied = &findings[3];
    assert!(
        denied
            .message
            .starts_with("`kms:Decrypt` on `arn:aws:kms:ap-northeast-3:")
    );
    assert_eq!(
        denied.failure_code.as_deref(),
        Some("DstPutObjectNotPermitted")
    );
    assert!(
        denied
            .fix
            .contains("add the action `kms:Decrypt` to statement 2"),
        "{}",
        denied.fix
    );
    let place = denied.place.as_ref().unwrap();
    assert_eq!((place.statement, place.line()), (Some(1), Some(9)));
}

#[test]
fn sse_kms_without_bucket_keys_lacks_no_permission() {
    assert_eq!(
        brief(&findings("sse-kms", false)),
        [
            "error kms-opt-in-missing s3-bucket-tokyo -> s3-bucket-osaka",
            "error replica-key-missing s3-bucket-tokyo -> s3-bucket-osaka",
            "warning kms-conditions-missing role s3-replication-s3-bucket-tokyo",
            "warning kms-conditions-missing role s3-replication-s3-bucket-tokyo",
        ]
    );
    assert_eq!(
        brief(&findings("dsse-kms", false)),
        brief(&findings("sse-kms", false))
    );
}

#[test]
fn sse_c_must_be_let_in_first() {
    assert_eq!(
        brief(&findings("sse-c", false)),
        [
            "warning sse-c-not-let-in bucket s3-bucket-tokyo",
            "warning sse-c-not-let-in bucket s3-bucket-osaka",
        ]
    );
}
