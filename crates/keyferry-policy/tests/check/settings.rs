//! Settings that stop replication or change it, one by one, and what is found.

use keyferry_policy::check::{Installed, KeyState, Known, Level, Origin, check};
use keyferry_policy::documents::Kind;
use keyferry_policy::{Ownership, Profile, ReplicationPlan};
use serde_json::{Value, json};

use crate::cells::{self, OSAKA, TOKYO};
use crate::given::{Given, brief};

fn here<T>(value: T) -> Known<T> {
    Known::present(value, Origin::place("here"))
}

fn two_way(encryption: &str) -> ReplicationPlan {
    cells::plan(&format!("{encryption}.same.two-way"), Profile::Minimal)
}

fn special(name: &str) -> ReplicationPlan {
    let mut plans = cells::special().into_iter();
    plans.find(|(known, _)| *known == name).unwrap().1
}

fn rule(given: &mut Given) -> &mut Value {
    &mut given.document(Kind::Replication, TOKYO)["Rules"][0]
}

/// Findings of a plan whose rule out of Tokyo is changed.
fn with_rule(plan: &ReplicationPlan, change: impl Fn(&mut Value)) -> Vec<String> {
    let mut given = Given::emitted(plan);
    change(rule(&mut given));
    brief(&given.check(plan))
}

#[test]
fn rules() {
    let flow = format!("{TOKYO} -> {OSAKA}");
    let kms = two_way("sse-kms");
    let cross = cells::plan("sse-s3.cross.one-way", Profile::Minimal);
    let tagged = special("one-tag");
    let timed = special("time-control");
    let classed = special("prefix-and-tags");
    type Change = Box<dyn Fn(&mut Value)>;
    let set = |path: &'static str, value: Value| -> Change {
        Box::new(move |rule| *rule.pointer_mut(path).unwrap() = value.clone())
    };
    let without = |parent: &'static str, name: &'static str| -> Change {
        Box::new(move |rule| {
            let parent = rule.pointer_mut(parent).unwrap().as_object_mut().unwrap();
            parent.remove(name).unwrap();
        })
    };
    let other_region =
        "arn:aws:kms:ap-northeast-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let replica_key = "/Destination/EncryptionConfiguration/ReplicaKmsKeyID";
    let cases: Vec<(&str, &ReplicationPlan, Change, &[&str])> = vec![
        (
            "disabled",
            &kms,
            set("/Status", json!("Disabled")),
            &["error rule-disabled"],
        ),
        (
            "no opt-in",
            &kms,
            without("/SourceSelectionCriteria", "SseKmsEncryptedObjects"),
            &["error kms-opt-in-missing"],
        ),
        (
            "no replica key",
            &kms,
            without("/Destination", "EncryptionConfiguration"),
            &["error replica-key-missing"],
        ),
        (
            "the source's key",
            &kms,
            set(replica_key, json!(other_region)),
            &["error replica-key-wrong"],
        ),
        (
            "an alias",
            &kms,
            set(replica_key, json!("alias/osaka")),
            &["error replica-key-wrong"],
        ),
        (
            "no modifications",
            &kms,
            without("/SourceSelectionCriteria", "ReplicaModifications"),
            &["warning replica-modifications-missing"],
        ),
        (
            "narrow",
            &kms,
            set("/Filter", json!({"Prefix": "logs/"})),
            &["error rule-too-narrow"],
        ),
        (
            "tags narrow, and bring delete markers to fall",
            &kms,
            set("/Filter", json!({"Tag": {"Key": "a", "Value": "b"}})),
            &["error rule-too-narrow", "error delete-markers-with-tags"],
        ),
        (
            "wide",
            &tagged,
            set("/Filter", json!({})),
            &["warning rule-too-wide"],
        ),
        (
            "delete markers off",
            &kms,
            set("/DeleteMarkerReplication/Status", json!("Disabled")),
            &["warning delete-markers-differ"],
        ),
        (
            "delete markers with tags",
            &tagged,
            set("/DeleteMarkerReplication/Status", json!("Enabled")),
            &["error delete-markers-with-tags"],
        ),
        (
            "no priority",
            &kms,
            without("", "Priority"),
            &["error rule-incomplete"],
        ),
        (
            "no delete markers",
            &kms,
            without("", "DeleteMarkerReplication"),
            &["error rule-incomplete"],
        ),
        (
            "version 1",
            &kms,
            Box::new(|rule| {
                rule.as_object_mut().unwrap().remove("Filter").unwrap();
                rule["Prefix"] = json!("");
            }),
            &["warning rule-version-1"],
        ),
        (
            "another destination",
            &kms,
            set("/Destination/Bucket", json!("arn:aws:s3:::nagoya")),
            &["error rule-missing"],
        ),
        (
            "no account",
            &cross,
            without("/Destination", "Account"),
            &["error owner-account-missing"],
        ),
        (
            "another account",
            &cross,
            set("/Destination/Account", json!("999999999999")),
            &["error owner-account-missing"],
        ),
        (
            "no override",
            &cross,
            without("/Destination", "AccessControlTranslation"),
            &["warning owner-override-missing"],
        ),
        (
            "no metrics",
            &timed,
            without("/Destination", "Metrics"),
            &["error time-control-without-metrics"],
        ),
        (
            "ten minutes",
            &timed,
            set("/Destination/ReplicationTime/Time/Minutes", json!(10)),
            &["error time-control-without-metrics"],
        ),
        (
            "no time control",
            &timed,
            without("/Destination", "ReplicationTime"),
            &["warning time-control-missing"],
        ),
        (
            "no class",
            &classed,
            without("/Destination", "StorageClass"),
            &["warning storage-class-differs"],
        ),
    ];
    for (name, plan, change, expected) in cases {
        let expected: Vec<String> = expected
            .iter()
            .map(|rule| format!("{rule} {flow}"))
            .collect();
        assert_eq!(with_rule(plan, change), expected, "{name}");
    }
}

#[test]
fn an_override_inside_one_account_is_not_needed() {
    let plan = two_way("sse-s3");
    let mut given = Given::emitted(&plan);
    let rule = rule(&mut given);
    rule["Destination"]["Account"] = json!(cells::ACCOUNT);
    rule["Destination"]["AccessControlTranslation"] = json!({"Owner": "Destination"});
    let found = brief(&given.check(&plan));
    // The rule makes S3 ask for it all the same.
    assert_eq!(
        found,
        [
            format!("error needed-call-denied {TOKYO} -> {OSAKA}"),
            format!("warning owner-override-not-needed {TOKYO} -> {OSAKA}"),
        ]
    );
}

#[test]
fn another_role_in_the_configuration() {
    let plan = two_way("sse-s3");
    let mut given = Given::emitted(&plan);
    given.document(Kind::Replication, TOKYO)["Role"] =
        json!("arn:aws:iam::111122223333:role/other");
    let found = given.check(&plan);
    assert_eq!(
        brief(&found),
        [format!("error role-differs {TOKYO} -> {OSAKA}")]
    );
    // A role that is known is the one that is checked.
    let mut installed = Given::emitted(&plan).installed(&plan);
    let arn: keyferry_policy::RoleArn = "arn:aws:iam::111122223333:role/other".parse().unwrap();
    let planned = installed.roles[0].clone();
    *installed.role_mut(&arn) = keyferry_policy::check::InstalledRole {
        arn: arn.clone(),
        ..planned
    };
    let mut other = installed.clone();
    let bucket = other.bucket_mut(&TOKYO.parse().unwrap());
    let Known::Present(configuration) = &mut bucket.replication else {
        panic!("emitted");
    };
    configuration.value.role = "arn:aws:iam::111122223333:role/other".to_owned();
    assert_eq!(brief(&check(&plan, &other)), Vec::<String>::new());
}

#[test]
fn buckets() {
    let kms = two_way("sse-kms");
    let customer = two_way("sse-c");
    let bucket = format!("bucket {OSAKA}");
    let changed = |plan: &ReplicationPlan, kind: Kind, value: Value| {
        let mut given = Given::emitted(plan);
        *given.document(kind, OSAKA) = value;
        brief(&given.check(plan))
    };
    for versioning in [json!({"Status": "Suspended"}), json!({})] {
        assert_eq!(
            changed(&kms, Kind::Versioning, versioning),
            [format!("error versioning-off {bucket}")]
        );
    }
    let default = |algorithm: &str, blocked: Value| {
        json!({"Rules": [{
            "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm},
            "BucketKeyEnabled": false, "BlockedEncryptionTypes": blocked
        }]})
    };
    let blocks = json!({"EncryptionType": ["SSE-C"]});
    assert_eq!(
        changed(&kms, Kind::Encryption, default("AES256", blocks.clone())),
        [format!("warning encryption-differs {bucket}")]
    );
    assert_eq!(
        changed(&customer, Kind::Encryption, default("AES256", blocks)),
        [format!("error sse-c-blocked {bucket}")]
    );
    assert_eq!(
        changed(&customer, Kind::Encryption, default("AES256", Value::Null)),
        [format!("warning sse-c-not-let-in {bucket}")]
    );
    let answered = json!({"ServerSideEncryptionConfiguration":
        default("AES256", json!({"EncryptionType": ["NONE"]}))});
    assert_eq!(
        changed(&customer, Kind::Encryption, answered),
        Vec::<String>::new()
    );
    for kind in [Kind::Versioning, Kind::Encryption] {
        let found = Given::emitted(&kms).without(kind, OSAKA).check(&kms);
        assert_eq!(brief(&found), [format!("note document-unknown {bucket}")]);
    }
}

#[test]
fn what_is_gone() {
    let plan = two_way("sse-kms");
    let flow = format!("{TOKYO} -> {OSAKA}");
    let given = Given::emitted(&plan);
    assert_eq!(
        brief(&given.clone().without(Kind::Replication, TOKYO).check(&plan)),
        [format!("error replication-missing {flow}")]
    );
    let one_side = given
        .clone()
        .without(Kind::Replication, OSAKA)
        .without(Kind::Trust, OSAKA)
        .without(Kind::Role, OSAKA);
    let found = one_side.check(&plan);
    assert_eq!(
        brief(&found),
        [format!("error direction-missing {OSAKA} -> {TOKYO}")]
    );
    assert!(found[0].why.contains("ReplicaKmsKeyID"), "{found:#?}");
    assert!(
        found[0].changes[0]
            .json
            .to_string()
            .contains("SseKmsEncryptedObjects")
    );

    let changed = |change: &dyn Fn(&mut Installed)| {
        let mut installed = given.installed(&plan);
        change(&mut installed);
        brief(&check(&plan, &installed))
    };
    let key = "0987dcba-09fe-87dc-65ba-ab0987654321";
    for state in [
        KeyState::Disabled,
        KeyState::PendingDeletion,
        KeyState::PendingImport,
    ] {
        assert_eq!(
            changed(&|installed| installed.keys[1].state = here(state)),
            [format!("error key-disabled key {key}")]
        );
    }
    assert_eq!(
        changed(&|installed| installed.keys[1].exists = false),
        [format!("error key-missing key {key}")]
    );
    assert_eq!(
        changed(&|installed| installed.roles[0].exists = false),
        [format!("error role-missing {flow}")]
    );
    let osaka = |installed: &mut Installed,
                 change: &dyn Fn(&mut keyferry_policy::check::InstalledBucket)| {
        change(installed.bucket_mut(&OSAKA.parse().unwrap()));
    };
    assert_eq!(
        changed(&|installed| osaka(installed, &|bucket| {
            bucket.region = here("eu-west-1".parse().unwrap());
        })),
        [format!("error bucket-elsewhere bucket {OSAKA}")]
    );
    assert_eq!(
        changed(&|installed| osaka(installed, &|bucket| bucket.exists = false)),
        [format!("error bucket-missing bucket {OSAKA}")]
    );
}

#[test]
fn object_lock_and_ownership_as_they_are() {
    let plan = cells::plan("sse-s3.same.one-way", Profile::Minimal);
    let mut installed = Given::emitted(&plan).installed(&plan);
    installed.bucket_mut(&TOKYO.parse().unwrap()).object_lock = here(true);
    installed.bucket_mut(&OSAKA.parse().unwrap()).object_lock = Known::Absent;
    let found = check(&plan, &installed);
    assert_eq!(
        brief(&found),
        [
            format!("error object-lock-on-source-only {TOKYO} -> {OSAKA}"),
            format!("error needed-call-denied {TOKYO} -> {OSAKA}"),
            format!("error needed-call-denied {TOKYO} -> {OSAKA}"),
            format!("warning object-lock-differs bucket {TOKYO}"),
        ]
    );
    let codes: Vec<_> = found
        .iter()
        .filter_map(|finding| finding.failure_code.clone())
        .collect();
    assert_eq!(
        codes,
        [
            "DstBucketObjectLockConfigMissing",
            "SrcGetRetentionNotPermitted",
            "SrcGetLegalHoldNotPermitted",
        ]
    );

    // The plan takes the owner to be enforced, and the bucket does not.
    let plan = ReplicationPlan::new(
        vec![
            cells::tokyo("sse-s3"),
            cells::site(OSAKA, "ap-northeast-3", cells::OTHER_ACCOUNT, "sse-s3"),
        ],
        vec![cells::flow(TOKYO, OSAKA)],
        Profile::Minimal,
    )
    .unwrap();
    let mut installed = Given::emitted(&plan).installed(&plan);
    assert_eq!(brief(&check(&plan, &installed)), Vec::<String>::new());
    installed.bucket_mut(&OSAKA.parse().unwrap()).ownership = here(Ownership::ObjectWriter);
    assert_eq!(
        brief(&check(&plan, &installed)),
        [format!("warning owner-override-missing {TOKYO} -> {OSAKA}")]
    );
}

#[test]
fn levels_are_ordered() {
    assert!(Level::Error < Level::Warning && Level::Warning < Level::Note);
}
