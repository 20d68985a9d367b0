//! What `policy emit` writes has no findings, and every action of it is missed.

use keyferry_policy::check::{Change, Finding, Rule};
use keyferry_policy::documents::Kind;
use keyferry_policy::matrix::Matrix;
use keyferry_policy::{PlannedFlow, Profile, ReplicationPlan};
use serde_json::{Value, json};

use crate::cells;
use crate::given::Given;

const PROFILES: [Profile; 2] = [Profile::Minimal, Profile::Compatible];

fn plans() -> Vec<(String, ReplicationPlan)> {
    let cells = Matrix::carried().cells().keys();
    let cells = cells.flat_map(|cell| {
        PROFILES.map(|profile| {
            let name = format!("{cell} {}", profile.as_str());
            (name, cells::plan(cell, profile))
        })
    });
    let special = cells::special().into_iter();
    let special = special.map(|(name, plan)| (name.to_owned(), plan));
    let all: Vec<_> = cells.chain(special).collect();
    assert!(all.len() > 50, "{}", all.len());
    all
}

#[test]
fn emitted_documents_have_no_findings() {
    for (name, plan) in plans() {
        let findings = Given::emitted(&plan).check(&plan);
        assert!(findings.is_empty(), "{name}: {findings:#?}");
    }
}

/// The policies that replication runs by.
fn is_policy(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Trust | Kind::Role | Kind::KeyPolicy | Kind::BucketPolicy
    )
}

fn actions(document: &Value) -> Vec<(usize, String)> {
    let statements = document["Statement"].as_array().unwrap().iter().enumerate();
    statements
        .filter(|(_, statement)| statement["Effect"] == "Allow")
        .flat_map(|(index, statement)| {
            let actions = statement["Action"].as_array().unwrap().clone();
            let text = move |action: Value| (index, action.as_str().unwrap().to_owned());
            actions.into_iter().map(text)
        })
        .collect()
}

fn remove(document: &mut Value, kind: Kind, index: usize, action: &str) {
    let statements = document["Statement"].as_array_mut().unwrap();
    let actions = statements[index]["Action"].as_array_mut().unwrap();
    actions.retain(|known| known != action);
    if !actions.is_empty() {
        return;
    }
    // A statement without actions is a mistake of its own, and so is a document without statements:
    // something takes its place that grants nothing.
    let nobody = json!({"AWS": "arn:aws:iam::111122223333:user/nobody"});
    statements[index] = match kind {
        Kind::Trust => json!({
            "Effect": "Allow", "Action": ["sts:TagSession"],
            "Principal": {"Service": "s3.amazonaws.com"}
        }),
        Kind::Role => json!({
            "Effect": "Deny", "Action": ["s3:ListAllMyBuckets"], "Resource": ["*"]
        }),
        Kind::KeyPolicy => json!({
            "Effect": "Deny", "Action": ["kms:TagResource"], "Resource": ["*"], "Principal": nobody
        }),
        _ => json!({
            "Effect": "Deny", "Action": ["s3:ListBucket"], "Principal": nobody,
            "Resource": ["arn:aws:s3:::amzn-s3-demo-osaka"]
        }),
    };
}

/// Findings about calls, without what a stopgap statement may be accused of.
fn about_calls(findings: Vec<Finding>) -> Vec<Finding> {
    let mut findings = findings;
    findings.retain(|finding| !matches!(finding.rule, Rule::Lint(_)));
    findings
}

#[test]
fn every_emitted_action_is_missed_by_name_and_code_and_its_repair_repairs() {
    let mut removed = 0;
    // Two ways are one way twice.
    let plans = plans().into_iter();
    // The rule for all objects covers what the rules for prefixes of the three sites grant again.
    let telling = |name: &String| !name.contains(".two-way") && name != "three-sites";
    for (name, plan) in plans.filter(|(name, _)| telling(name)) {
        let emitted = Given::emitted(&plan);
        for (place, (kind, bucket, document)) in emitted.0.iter().enumerate() {
            if !is_policy(*kind) {
                continue;
            }
            for (statement, action) in actions(document) {
                let mut given = emitted.clone();
                remove(&mut given.0[place].2, *kind, statement, &action);
                let findings = about_calls(given.check(&plan));
                let at = format!("{name}: {action} of {kind:?} of {bucket}: {findings:#?}");
                // A role of another account has its own statement; this one is for administrators.
                let foreign = plan.flows().iter().any(PlannedFlow::crosses_accounts);
                if action == "kms:*" && foreign && findings.is_empty() {
                    continue;
                }
                assert!(!findings.is_empty(), "{at}");
                removed += 1;
                for finding in &findings {
                    assert_eq!(
                        finding.failure_code.as_deref(),
                        expected_code(finding),
                        "{at}"
                    );
                    let disputed = finding.rule == Rule::DisputedCallDenied;
                    assert!(disputed || finding.rule == Rule::NeededCallDenied, "{at}");
                    assert_eq!(disputed, finding.message.contains("pages disagree"), "{at}");
                    let whole = action == "kms:*" || *kind == Kind::Trust;
                    assert!(
                        whole || finding.message.contains(&format!("`{action}`")),
                        "{at}"
                    );
                    assert!(!finding.changes.is_empty(), "no repair: {at}");
                }
                repaired(&plan, &given, &findings, &at);
            }
        }
    }
    assert!(removed > 300, "{removed}");
}

/// The failure code that the failure reasons' page names for a call.
fn expected_code(finding: &Finding) -> Option<&'static str> {
    let action = finding.message.split('`').nth(1).unwrap();
    let source = finding.subject.split(" -> ").next().unwrap();
    Some(match action {
        "sts:AssumeRole" => "AssumeRoleNotPermitted",
        "s3:GetObjectVersionForReplication" => "SrcGetObjectNotPermitted",
        "s3:GetObjectVersionAcl" => "SrcGetAclNotPermitted",
        "s3:GetObjectVersionTagging" => "SrcGetTaggingNotPermitted",
        "s3:GetObjectRetention" => "SrcGetRetentionNotPermitted",
        "s3:GetObjectLegalHold" => "SrcGetLegalHoldNotPermitted",
        "s3:ReplicateObject" | "s3:ObjectOwnerOverrideToBucketOwner" => "DstPutObjectNotPermitted",
        "s3:ReplicateDelete" => "DstDelObjNotPermitted",
        "s3:ReplicateTags" => "DstPutTaggingNotPermitted",
        "kms:Encrypt" | "kms:GenerateDataKey" => "DstPutObjectNotPermitted",
        "kms:Decrypt" => {
            let replica = finding.message.contains(&replica_region(source));
            if replica {
                "DstPutObjectNotPermitted"
            } else {
                "SrcGetObjectNotPermitted"
            }
        }
        _ => return None,
    })
}

/// Where the replicas of a bucket's objects are, in the plans that have keys there.
fn replica_region(source: &str) -> String {
    let region = match source {
        cells::TOKYO => "ap-northeast-3",
        cells::OSAKA => "ap-northeast-1",
        "amzn-s3-demo-source" => "northwest-1",
        "amzn-s3-demo-destination" => "cn-north-1",
        "1.amzn-s3-demo" => "us-east-1",
        "1-amzn-s3-demo" => "eu-west-1",
        other => panic!("{other}"),
    };
    format!(":kms:{region}:")
}

/// Applies all repairs and looks again.
fn repaired(plan: &ReplicationPlan, given: &Given, findings: &[Finding], at: &str) {
    let mut given = given.clone();
    for change in findings.iter().flat_map(|finding| &finding.changes) {
        apply(plan, &mut given, change);
    }
    let left: Vec<Finding> = about_calls(given.check(plan))
        .into_iter()
        .filter(|finding| {
            matches!(
                finding.rule,
                Rule::NeededCallDenied
                    | Rule::DisputedCallDenied
                    | Rule::NeededCallExplicitlyDenied
            )
        })
        .collect();
    assert!(left.is_empty(), "{at}\nstill: {left:#?}");
}

/// A change by its JSON: a statement that replaces another, or is added.
pub(crate) fn apply(plan: &ReplicationPlan, given: &mut Given, change: &Change) {
    let kind = [
        ("trust policy", Kind::Trust),
        ("permission policy", Kind::Role),
        ("bucket policy", Kind::BucketPolicy),
        ("key policy", Kind::KeyPolicy),
    ]
    .into_iter()
    .find(|(words, _)| change.document.contains(words))
    .unwrap()
    .1;
    let named = |name: &str| change.document.contains(&format!("`{name}`"));
    let site = plan
        .sites()
        .iter()
        .find(|site| match kind {
            Kind::Trust | Kind::Role => plan
                .flows_from(&site.bucket)
                .first()
                .is_some_and(|flow| named(&flow.role_name())),
            Kind::BucketPolicy => named(site.bucket.as_str()),
            _ => site.encryption.kms_key().is_some_and(|key| {
                named(key.key_id()) && change.document.ends_with(key.region().as_str())
            }),
        })
        .unwrap_or_else(|| panic!("{}", change.document));
    let document = given.document(kind, site.bucket.as_str());
    let statements = document["Statement"].as_array_mut().unwrap();
    if change.action == "add a statement" {
        statements.push(change.json.clone());
    } else {
        let words: Vec<&str> = change.action.split("statement ").collect();
        let number: usize = words.last().unwrap().parse().unwrap();
        statements[number - 1] = change.json.clone();
    }
}
