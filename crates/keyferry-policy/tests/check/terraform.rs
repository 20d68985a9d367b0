//! Terraform plans: modules, references, and what is known after apply only.

use keyferry_policy::check::{Installed, Known, check};
use keyferry_policy::documents::Kind;
use keyferry_policy::{Documents, Profile, ReplicationPlan};
use serde_json::{Value, json};

use crate::cells::{self, OSAKA, TOKYO};
use crate::given::brief;

/// A block as Terraform's JSON has it: a list.
fn block(values: Value) -> Value {
    json!([values])
}

fn policy(plan: &ReplicationPlan, kind: Kind, bucket: &str) -> String {
    let documents = Documents::of(plan);
    let bucket = bucket.parse().unwrap();
    documents.find(kind, &bucket).unwrap().to_json()
}

/// What `terraform show -json` prints for a plan that makes one direction, in part by a module. Bucket
/// names, role and ARNs that come from other resources are known after apply only.
fn shown(plan: &ReplicationPlan) -> Value {
    let kms = plan.sites()[1].encryption.kms_key().unwrap();
    let bucket = |name: &str, address: &str| {
        json!({"address": address, "mode": "managed", "type": "aws_s3_bucket", "name": "this",
               "values": {"bucket": name, "object_lock_enabled": false}})
    };
    let settings = |place: &str, site: usize| {
        let key = plan.sites()[site].encryption.kms_key().unwrap();
        vec![
            json!({"address": format!("{place}aws_s3_bucket_versioning.this"), "mode": "managed",
                   "type": "aws_s3_bucket_versioning", "name": "this",
                   "values": {"versioning_configuration": block(json!({"status": "Enabled"}))}}),
            json!({"address": format!("{place}aws_s3_bucket_server_side_encryption_configuration.this"),
                   "mode": "managed", "name": "this",
                   "type": "aws_s3_bucket_server_side_encryption_configuration",
                   "values": {"rule": block(json!({
                       "apply_server_side_encryption_by_default": block(json!({
                           "sse_algorithm": "aws:kms", "kms_master_key_id": key.as_str()})),
                       "bucket_key_enabled": false,
                       "blocked_encryption_types": ["SSE-C"]}))}}),
            json!({"address": format!("{place}aws_kms_key_policy.this"), "mode": "managed",
                   "type": "aws_kms_key_policy", "name": "this",
                   "values": {"key_id": key.key_id(),
                              "policy": policy(plan, Kind::KeyPolicy, [TOKYO, OSAKA][site])}}),
        ]
    };
    let mut root = vec![
        bucket(TOKYO, "aws_s3_bucket.this"),
        json!({"address": "aws_iam_role.replication", "mode": "managed", "type": "aws_iam_role",
               "name": "replication",
               "values": {"name": format!("s3-replication-{TOKYO}"),
                          "assume_role_policy": policy(plan, Kind::Trust, TOKYO),
                          "permissions_boundary": null, "inline_policy": []}}),
        json!({"address": "aws_iam_policy.replication", "mode": "managed", "type": "aws_iam_policy",
               "name": "replication",
               "values": {"name": "replication", "policy": policy(plan, Kind::Role, TOKYO)}}),
        json!({"address": "aws_iam_role_policy_attachment.replication", "mode": "managed",
               "type": "aws_iam_role_policy_attachment", "name": "replication",
               "values": {"role": format!("s3-replication-{TOKYO}")}}),
        json!({"address": "aws_s3_bucket_replication_configuration.this", "mode": "managed",
               "type": "aws_s3_bucket_replication_configuration", "name": "this",
               "values": {"rule": block(json!({
                   "id": "all", "priority": 1, "status": "Enabled", "prefix": "",
                   "filter": [{"prefix": "", "tag": [], "and": []}],
                   "delete_marker_replication": block(json!({"status": "Enabled"})),
                   "source_selection_criteria": block(json!({
                       "sse_kms_encrypted_objects": block(json!({"status": "Enabled"})),
                       "replica_modifications": []})),
                   "destination": block(json!({
                       "bucket": format!("arn:aws:s3:::{OSAKA}"), "account": "", "storage_class": "",
                       "encryption_configuration": block(json!({"replica_kms_key_id": kms.as_str()})),
                       "metrics": [], "replication_time": [], "access_control_translation": []}))}))}}),
    ];
    root.extend(settings("", 0));
    let mut module = vec![bucket(OSAKA, "module.osaka.aws_s3_bucket.this[0]")];
    module.extend(settings("module.osaka.", 1));
    let of = |address: &str, attribute: &str, reference: &str| json!({"address": address, "expressions": {attribute: {"references": [reference]}}});
    let bucket_of = |kind: &str, reference: &str| of(&format!("{kind}.this"), "bucket", reference);
    json!({
        "format_version": "1.2",
        "planned_values": {"root_module": {
            "resources": root,
            "child_modules": [{"address": "module.osaka", "resources": module}],
        }},
        "resource_changes": [],
        "configuration": {"root_module": {
            "resources": [
                bucket_of("aws_s3_bucket_versioning", "aws_s3_bucket.this.id"),
                bucket_of("aws_s3_bucket_server_side_encryption_configuration", "aws_s3_bucket.this.id"),
                of("aws_iam_role_policy_attachment.replication", "policy_arn",
                   "aws_iam_policy.replication.arn"),
                {"address": "aws_s3_bucket_replication_configuration.this", "expressions": {
                    "bucket": {"references": ["aws_s3_bucket.this.id", "aws_s3_bucket.this"]},
                    "role": {"references": ["aws_iam_role.replication.arn", "aws_iam_role.replication"]}}},
            ],
            "module_calls": {"osaka": {"expressions": {}, "module": {"resources": [
                bucket_of("aws_s3_bucket_versioning", "aws_s3_bucket.this[0].id"),
                bucket_of("aws_s3_bucket_server_side_encryption_configuration",
                          "aws_s3_bucket.this[0].id"),
            ]}}},
        }},
    })
}

fn installed(plan: &ReplicationPlan, shown: &Value) -> Installed {
    let mut installed = Installed::default();
    let text = serde_json::to_string_pretty(shown).unwrap();
    installed.read_terraform(plan, "plan.json", &text).unwrap();
    installed
}

fn one_way() -> ReplicationPlan {
    cells::plan("sse-kms.same.one-way", Profile::Minimal)
}

#[test]
fn names_are_followed_through_references_and_modules() {
    let plan = one_way();
    let installed = installed(&plan, &shown(&plan));
    assert_eq!(brief(&check(&plan, &installed)), Vec::<String>::new());
    let role = &installed.roles[0];
    assert_eq!(role.policies.len(), 1);
    assert_eq!(installed.buckets.len(), 2);
    assert!(
        installed
            .buckets
            .iter()
            .all(|bucket| bucket.encryption.value().is_some())
    );
}

#[test]
fn what_is_wrong_is_found_at_its_address() {
    let plan = one_way();
    let mut shown = shown(&plan);
    let resources = shown
        .pointer_mut("/planned_values/root_module/resources")
        .unwrap();
    let rule = &mut resources[4]["values"]["rule"][0];
    rule["source_selection_criteria"] = json!([]);
    let findings = check(&plan, &installed(&plan, &shown));
    assert_eq!(
        brief(&findings),
        [format!("error kms-opt-in-missing {TOKYO} -> {OSAKA}")]
    );
    assert_eq!(
        findings[0].place.as_ref().unwrap().origin.place,
        "plan.json: aws_s3_bucket_replication_configuration.this"
    );
}

#[test]
fn what_is_known_after_apply_only_is_unknown() {
    let plan = one_way();
    let mut shown = shown(&plan);
    let resources = shown
        .pointer_mut("/planned_values/root_module/resources")
        .unwrap();
    resources[2]["values"]
        .as_object_mut()
        .unwrap()
        .remove("policy")
        .unwrap();
    let installed = installed(&plan, &shown);
    assert!(matches!(
        &installed.roles[0].policies[0].document,
        Known::Unknown(_)
    ));
    let findings = check(&plan, &installed);
    assert_eq!(
        brief(&findings),
        [format!("note document-unknown {TOKYO} -> {OSAKA}")]
    );
    assert!(
        findings[0].message.contains("after apply"),
        "{}",
        findings[0].message
    );
}

#[test]
fn what_is_no_plan_is_said_to_be_none() {
    let plan = one_way();
    let read = |text: &str| {
        let mut installed = Installed::default();
        let error = installed
            .read_terraform(&plan, "plan.json", text)
            .unwrap_err();
        error.to_string()
    };
    assert!(
        read("{}").contains("terraform show -json"),
        "{}",
        read("{}")
    );
    assert!(
        read("{\n  \"a\": }").starts_with("line 2, column 8"),
        "{}",
        read("{\n  \"a\": }")
    );
}
