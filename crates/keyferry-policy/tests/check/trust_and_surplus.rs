//! Explicit denials, what is allowed beyond need, and what cannot be decided.

use keyferry_policy::check::{Finding, Installed, Level, Rule, check};
use keyferry_policy::documents::Kind;
use keyferry_policy::{Profile, ReplicationPlan};
use serde_json::{Value, json};

use crate::cells::{self, OSAKA, OTHER_ACCOUNT, TOKYO};
use crate::emitted::apply;
use crate::given::{Given, brief};

fn statements<'a>(given: &'a mut Given, kind: Kind, bucket: &str) -> &'a mut Vec<Value> {
    given.document(kind, bucket)["Statement"]
        .as_array_mut()
        .unwrap()
}

fn only(findings: &[Finding]) -> &Finding {
    let [finding] = findings else {
        panic!("{findings:#?}");
    };
    finding
}

fn kms_plan() -> ReplicationPlan {
    cells::plan("sse-kms.same.one-way", Profile::Minimal)
}

#[test]
fn an_explicit_denial_names_its_statement_and_excepts_the_role() {
    let plan = cells::plan("sse-s3.cross.one-way", Profile::Minimal);
    let mut given = Given::emitted(&plan);
    statements(&mut given, Kind::BucketPolicy, OSAKA).push(json!({
        "Sid": "NoTags",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:ReplicateTags",
        "Resource": format!("arn:aws:s3:::{OSAKA}/*")
    }));
    let findings = given.check(&plan);
    let finding = only(&findings);
    assert_eq!(finding.rule, Rule::NeededCallExplicitlyDenied);
    assert_eq!(finding.level, Level::Error);
    assert_eq!(
        finding.failure_code.as_deref(),
        Some("DstPutTaggingNotPermitted")
    );
    let place = finding.place.as_ref().unwrap();
    assert_eq!(place.sid.as_deref(), Some("NoTags"));
    assert_eq!(
        place.origin.file.as_deref(),
        Some("bucket-policy-amzn-s3-demo-osaka.json")
    );
    assert!(place.line().unwrap() > 5, "{place:?}");
    assert!(finding.fix.contains("except"), "{}", finding.fix);
    apply(&plan, &mut given, &finding.changes[0]);
    assert_eq!(brief(&given.check(&plan)), Vec::<String>::new());
}

#[test]
fn a_denial_that_does_not_hit_is_none() {
    let plan = cells::plan("sse-c.cross.one-way", Profile::Minimal);
    let mut given = Given::emitted(&plan);
    let statements = statements(&mut given, Kind::BucketPolicy, OSAKA);
    // The usual ones: no plain HTTP, no uploads without a customer key.
    statements.push(json!({
        "Effect": "Deny", "Principal": "*", "Action": "s3:*",
        "Resource": [format!("arn:aws:s3:::{OSAKA}"), format!("arn:aws:s3:::{OSAKA}/*")],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}}
    }));
    statements.push(json!({
        "Effect": "Deny", "Principal": "*", "Action": ["s3:PutObject", "s3:ReplicateObject"],
        "Resource": format!("arn:aws:s3:::{OSAKA}/*"),
        "Condition": {"Null": {"s3:x-amz-server-side-encryption-customer-algorithm": "true"}}
    }));
    assert_eq!(brief(&given.check(&plan)), Vec::<String>::new());
    // And the guard that keeps customer keys out hits.
    let plan = cells::plan("sse-c.same.one-way", Profile::Minimal);
    let mut given = Given::emitted(&plan);
    given.0.push((
        Kind::BucketPolicy,
        OSAKA.parse().unwrap(),
        json!({"Version": "2012-10-17", "Statement": {
            "Sid": "NoCustomerKeys", "Effect": "Deny", "Principal": "*",
            "Action": ["s3:PutObject", "s3:ReplicateObject"],
            "Resource": format!("arn:aws:s3:::{OSAKA}/*"),
            "Condition": {"Null": {"s3:x-amz-server-side-encryption-customer-algorithm": "false"}}
        }}),
    ));
    let findings = given.check(&plan);
    assert_eq!(only(&findings).rule, Rule::NeededCallExplicitlyDenied);
}

#[test]
fn a_wrong_value_is_named_and_mended() {
    let plan = kms_plan();
    let mut given = Given::emitted(&plan);
    let encrypt = &mut statements(&mut given, Kind::Role, TOKYO)[4];
    assert_eq!(encrypt["Action"], json!(["kms:Encrypt"]));
    encrypt["Condition"]["StringEquals"]["kms:ViaService"] =
        json!("s3.ap-northeast-1.amazonaws.com");
    let findings = given.check(&plan);
    let denied = findings
        .iter()
        .find(|finding| finding.rule == Rule::NeededCallDenied)
        .unwrap();
    assert!(
        denied.why.contains("s3.ap-northeast-3.amazonaws.com"),
        "{}",
        denied.why
    );
    assert!(denied.fix.contains("`kms:ViaService`"), "{}", denied.fix);
    assert_eq!(
        denied.failure_code.as_deref(),
        Some("DstPutObjectNotPermitted")
    );
}

#[test]
fn the_bucket_key_trap_is_found() {
    // Conditions for objects' ARNs, and a bucket whose Bucket Key is on.
    let plan = cells::plan("sse-kms-bucketkey.same.one-way", Profile::Minimal);
    let off = kms_plan();
    let mut given = Given::emitted(&plan);
    *given.document(Kind::Role, TOKYO) = Given::emitted(&off).document(Kind::Role, TOKYO).clone();
    let findings = given.check(&plan);
    let denied: Vec<&Finding> = findings
        .iter()
        .filter(|finding| finding.rule == Rule::NeededCallDenied)
        .collect();
    assert_eq!(denied.len(), 4, "{:#?}", brief(&findings));
    assert!(denied.iter().all(|finding| !finding.changes.is_empty()));
    // The same is found when the plan believes the Bucket Key to be off, and the bucket has it on.
    let mut given = Given::emitted(&off);
    *given.document(Kind::Encryption, OSAKA) = Given::emitted(&plan)
        .document(Kind::Encryption, OSAKA)
        .clone();
    let findings = given.check(&off);
    let rules: Vec<&str> = findings.iter().map(|finding| finding.rule.name()).collect();
    assert!(rules.contains(&"bucket-key-differs"), "{rules:?}");
    assert!(rules.contains(&"needed-call-denied"), "{rules:?}");
}

#[test]
fn what_is_allowed_beyond_need_is_found_by_statement() {
    let plan = cells::plan("sse-s3.same.one-way", Profile::Minimal);
    let more = |statement: Value| {
        let mut given = Given::emitted(&plan);
        statements(&mut given, Kind::Role, TOKYO).push(statement);
        given.check(&plan)
    };
    let findings = more(json!({
        "Sid": "Owner", "Effect": "Allow", "Action": "s3:PutBucketPolicy",
        "Resource": format!("arn:aws:s3:::{TOKYO}")
    }));
    let finding = only(&findings);
    assert_eq!(
        (finding.rule, finding.level),
        (Rule::SurplusAllowed, Level::Warning)
    );
    assert_eq!(
        finding.message,
        format!("the role may also `s3:PutBucketPolicy` on the bucket `{TOKYO}`")
    );
    assert!(
        finding.fix.starts_with("remove statement 4"),
        "{}",
        finding.fix
    );
    assert_eq!(
        finding.place.as_ref().unwrap().sid.as_deref(),
        Some("Owner")
    );

    let on = |findings: &[Finding]| -> Vec<String> {
        let surplus = findings.iter().flat_map(|finding| &finding.surplus);
        surplus.map(|surplus| surplus.on.clone()).collect()
    };
    let wide = more(json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}));
    let actions = |name: &str| {
        let surplus = wide.iter().flat_map(|finding| &finding.surplus);
        surplus
            .filter(|surplus| surplus.on == name)
            .map(|surplus| surplus.actions.len())
            .sum::<usize>()
    };
    assert!(actions("any other bucket") > 60, "{:?}", on(&wide));
    assert!(
        actions("objects of any other bucket") > 30,
        "{:?}",
        on(&wide)
    );
    assert_eq!(
        actions(&format!("objects of `{OSAKA}`")),
        0,
        "said of any bucket"
    );

    for (statement, what) in [
        (
            json!({"Effect": "Allow", "Action": "iam:PutRolePolicy", "Resource": "*"}),
            "itself",
        ),
        (
            json!({"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}),
            "any other key",
        ),
        (
            json!({"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*"}),
            "`*`",
        ),
        (
            json!({"Effect": "Allow", "Action": "s3:GetObject",
                   "Resource": "arn:aws:s3:::payroll/2026/*"}),
            "`arn:aws:s3:::payroll/2026/*`",
        ),
        (
            json!({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}),
            "any other key",
        ),
    ] {
        let findings = more(statement.clone());
        assert!(
            on(&findings).iter().any(|on| on == what),
            "{statement}: {findings:#?}"
        );
    }
    // What the bucket policy denies is not allowed.
    let mut given = Given::emitted(&plan);
    statements(&mut given, Kind::Role, TOKYO).push(json!({
        "Effect": "Allow", "Action": "s3:DeleteObject", "Resource": format!("arn:aws:s3:::{OSAKA}/*")
    }));
    given.0.push((
        Kind::BucketPolicy,
        OSAKA.parse().unwrap(),
        json!({"Version": "2012-10-17", "Statement": {
            "Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject",
            "Resource": format!("arn:aws:s3:::{OSAKA}/*")
        }}),
    ));
    assert_eq!(brief(&given.check(&plan)), Vec::<String>::new());
}

#[test]
fn beside_the_prefix_is_surplus() {
    let (_, plan) = cells::special()
        .into_iter()
        .find(|(name, _)| *name == "prefix-and-tags")
        .unwrap();
    let mut given = Given::emitted(&plan);
    let write = &mut statements(&mut given, Kind::Role, TOKYO)[2];
    write["Resource"] = json!(format!("arn:aws:s3:::{OSAKA}/*"));
    let findings = given.check(&plan);
    let finding = only(&findings);
    assert_eq!(
        finding.surplus[0].on,
        format!("objects of `{OSAKA}` outside the prefix")
    );
    assert!(
        finding.fix.starts_with("narrow statement 3"),
        "{}",
        finding.fix
    );
    assert!(
        finding.changes[0].json.to_string().contains("/logs/*"),
        "{finding:#?}"
    );
}

#[test]
fn kms_without_its_conditions_is_surplus() {
    let plan = kms_plan();
    for (key, without) in [
        (
            Some("StringEquals"),
            "without a condition on `kms:ViaService`",
        ),
        (Some("StringLike"), "without a condition on the bucket"),
        (None, "without any condition"),
    ] {
        let mut given = Given::emitted(&plan);
        let decrypt = &mut statements(&mut given, Kind::Role, TOKYO)[3];
        assert_eq!(decrypt["Action"], json!(["kms:Decrypt"]));
        match key {
            Some(operator) => {
                decrypt["Condition"]
                    .as_object_mut()
                    .unwrap()
                    .remove(operator);
            }
            None => {
                decrypt.as_object_mut().unwrap().remove("Condition");
            }
        }
        let findings = given.check(&plan);
        let finding = only(&findings);
        assert_eq!(finding.rule, Rule::KmsConditionsMissing);
        assert!(finding.message.contains(without), "{}", finding.message);
    }
}

#[test]
fn others_who_may_assume_the_role_are_named() {
    let plan = cells::plan("sse-s3.same.one-way", Profile::Minimal);
    for (principal, who) in [
        (json!("*"), "everyone"),
        (
            json!({"AWS": "*", "Service": "s3.amazonaws.com"}),
            "everyone",
        ),
        (
            json!({"Service": ["s3.amazonaws.com", "ec2.amazonaws.com"]}),
            "`ec2.amazonaws.com`",
        ),
        (
            json!({"Service": "s3.amazonaws.com", "AWS": format!("arn:aws:iam::{OTHER_ACCOUNT}:root")}),
            "arn:aws:iam::444455556666:root",
        ),
    ] {
        let mut given = Given::emitted(&plan);
        statements(&mut given, Kind::Trust, TOKYO)[0]["Principal"] = principal.clone();
        let findings = given.check(&plan);
        let finding = findings
            .iter()
            .find(|finding| finding.rule == Rule::TrustTooWide)
            .unwrap_or_else(|| panic!("{principal}: {findings:#?}"));
        assert!(finding.message.contains(who), "{}", finding.message);
    }
}

#[test]
fn what_aws_does_not_say_is_undecided() {
    let plan = cells::plan("sse-s3.same.one-way", Profile::Minimal);
    let mut given = Given::emitted(&plan);
    statements(&mut given, Kind::Trust, TOKYO)[0]["Condition"] =
        json!({"StringEquals": {"aws:SourceAccount": "111122223333"}});
    let findings = given.check(&plan);
    assert_eq!(
        only(&findings).rule,
        Rule::NeededCallUndecided,
        "{findings:#?}"
    );
}

#[test]
fn what_is_not_known_is_neither_allowed_nor_denied() {
    let plan = cells::plan("sse-kms.cross.two-way", Profile::Minimal);
    let findings = check(&plan, &Installed::default());
    assert!(!findings.is_empty());
    assert!(
        findings.iter().all(|finding| finding.level == Level::Note),
        "{:#?}",
        brief(&findings)
    );
    assert!(
        findings
            .iter()
            .all(|finding| finding.rule == Rule::DocumentUnknown)
    );
    // One document: what it denies is denied whatever the others say.
    let mut given = Given::emitted(&plan);
    given
        .0
        .retain(|(kind, bucket, _)| *kind == Kind::Role && bucket.as_str() == TOKYO);
    let mut installed = Installed::default();
    let (kind, bucket, document) = &mut given.0[0];
    document["Statement"].as_array_mut().unwrap().remove(0);
    installed
        .read(&plan, *kind, bucket, "role.json", &document.to_string())
        .unwrap();
    let findings = check(&plan, &installed);
    let denied: Vec<&Finding> = findings
        .iter()
        .filter(|finding| finding.level == Level::Error)
        .collect();
    // The bucket policy could still allow both inside the account.
    assert!(denied.is_empty(), "{denied:#?}");
    installed.bucket_mut(&TOKYO.parse().unwrap()).policy = keyferry_policy::check::Known::Absent;
    let findings = check(&plan, &installed);
    let denied = findings
        .iter()
        .filter(|finding| finding.rule == Rule::NeededCallDenied);
    // Two of the source's, and the four that the other account's role would need it for.
    assert_eq!(denied.count(), 6, "{findings:#?}");
}

#[test]
fn a_document_of_another_kind_is_said_to_be_one() {
    let plan = cells::plan("sse-s3.same.one-way", Profile::Minimal);
    let mut given = Given::emitted(&plan);
    *given.document(Kind::Role, TOKYO) = given.document(Kind::Trust, TOKYO).clone();
    let findings = given.check(&plan);
    let errors: Vec<String> = findings
        .iter()
        .filter(|finding| finding.level == Level::Error)
        .map(|finding| finding.message.clone())
        .collect();
    assert_eq!(errors.len(), 1, "{findings:#?}");
    assert!(
        errors[0].contains("looks like a trust policy, not a permission policy"),
        "{errors:?}"
    );
}
