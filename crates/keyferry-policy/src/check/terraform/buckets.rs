//! Buckets and their settings, each a resource of its own in the AWS provider.

use serde_json::{Map, Value, json};

use super::resources::{Resource, blocks};
use super::{AFTER_APPLY, Reader};
use crate::BucketName;
use crate::check::installed::{Known, PublicAccessBlock};
use crate::documents::{VersioningConfiguration, VersioningStatus};
use crate::plan::Ownership;

impl Reader<'_> {
    pub(super) fn bucket(&mut self, resource: &Resource) {
        let Some(name) = self.bucket_name(resource) else {
            return;
        };
        let origin = self.origin(resource);
        let values = &resource.values;
        match resource.kind.as_str() {
            "aws_s3_bucket" => {
                let region = resource
                    .text("region")
                    .and_then(|region| region.parse().ok());
                let lock = values.get("object_lock_enabled").and_then(Value::as_bool);
                let bucket = self.installed.bucket_mut(&name);
                if let Some(region) = region {
                    bucket.region = Known::present(region, origin.clone());
                }
                if let Some(lock) = lock {
                    bucket.object_lock = Known::present(lock, origin);
                }
            }
            "aws_s3_bucket_versioning" => {
                let status = first(values, "versioning_configuration");
                let status = match status.and_then(|block| text(block, "status")) {
                    Some("Enabled") => Some(VersioningStatus::Enabled),
                    Some("Suspended") => Some(VersioningStatus::Suspended),
                    _ => None,
                };
                let versioning = VersioningConfiguration { status };
                self.installed.bucket_mut(&name).versioning = Known::present(versioning, origin);
            }
            "aws_s3_bucket_server_side_encryption_configuration" => {
                let configuration = json!({"Rules": list(values, "rule", encryption_rule)});
                self.installed.bucket_mut(&name).encryption =
                    match serde_json::from_value(configuration) {
                        Ok(configuration) => Known::present(configuration, origin),
                        Err(_) => Known::unknown(AFTER_APPLY),
                    };
            }
            "aws_s3_bucket_replication_configuration" => {
                let configuration = json!({
                    "Role": self.role_of(resource),
                    "Rules": list(values, "rule", replication_rule),
                });
                self.installed.bucket_mut(&name).replication =
                    match serde_json::from_value(configuration) {
                        Ok(configuration) => Known::present(configuration, origin),
                        Err(_) => Known::unknown(AFTER_APPLY),
                    };
            }
            "aws_s3_bucket_policy" => {
                let policy = self.policy(resource, "policy");
                self.installed.bucket_mut(&name).policy = policy;
            }
            "aws_s3_bucket_ownership_controls" => {
                let rule = first(values, "rule");
                let ownership = match rule.and_then(|rule| text(rule, "object_ownership")) {
                    Some("BucketOwnerEnforced") => Ownership::BucketOwnerEnforced,
                    Some("BucketOwnerPreferred") => Ownership::BucketOwnerPreferred,
                    Some("ObjectWriter") => Ownership::ObjectWriter,
                    _ => return,
                };
                self.installed.bucket_mut(&name).ownership = Known::present(ownership, origin);
            }
            "aws_s3_bucket_object_lock_configuration" => {
                self.installed.bucket_mut(&name).object_lock = Known::present(true, origin);
            }
            "aws_s3_bucket_public_access_block" => {
                let on = |name: &str| values.get(name).and_then(Value::as_bool).unwrap_or(false);
                let block = PublicAccessBlock {
                    block_public_acls: on("block_public_acls"),
                    ignore_public_acls: on("ignore_public_acls"),
                    block_public_policy: on("block_public_policy"),
                    restrict_public_buckets: on("restrict_public_buckets"),
                };
                self.installed.bucket_mut(&name).public_access_block =
                    Known::present(block, origin);
            }
            _ => {}
        }
    }

    fn bucket_name(&self, resource: &Resource) -> Option<BucketName> {
        let name = resource.text("bucket").or_else(|| {
            let bucket = self.resources.behind(resource, "bucket", "aws_s3_bucket")?;
            bucket.text("bucket")
        })?;
        name.parse().ok()
    }

    /// The role of a replication configuration, by its ARN or by the resource that it comes from.
    fn role_of(&self, resource: &Resource) -> Option<String> {
        if let Some(arn) = resource.text("role") {
            return Some(arn.to_owned());
        }
        let role = self.resources.behind(resource, "role", "aws_iam_role")?;
        let arn = self.role_arn(role.text("name")?)?;
        Some(arn.to_string())
    }
}

fn first<'a>(values: &'a Map<String, Value>, name: &str) -> Option<&'a Map<String, Value>> {
    blocks(values, name).next()?.as_object()
}

fn text<'a>(values: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    values
        .get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

fn list(
    values: &Map<String, Value>,
    name: &str,
    shaped: impl Fn(&Map<String, Value>) -> Value,
) -> Vec<Value> {
    blocks(values, name)
        .filter_map(Value::as_object)
        .map(shaped)
        .collect()
}

/// An object of those members that are there.
fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    members
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect::<Map<String, Value>>()
        .into()
}

fn member(values: &Map<String, Value>, name: &str) -> Option<Value> {
    text(values, name).map(Value::from)
}

fn status(values: &Map<String, Value>, name: &str) -> Option<Value> {
    let block = first(values, name)?;
    Some(object([("Status", member(block, "status"))]))
}

fn minutes(values: &Map<String, Value>, name: &str) -> Option<Value> {
    let minutes = first(values, name)?.get("minutes")?.clone();
    Some(json!({"Minutes": minutes}))
}

fn encryption_rule(rule: &Map<String, Value>) -> Value {
    let default = first(rule, "apply_server_side_encryption_by_default").map(|default| {
        object([
            ("SSEAlgorithm", member(default, "sse_algorithm")),
            ("KMSMasterKeyID", member(default, "kms_master_key_id")),
        ])
    });
    let blocked = rule
        .get("blocked_encryption_types")
        .filter(|blocked| blocked.as_array().is_some_and(|list| !list.is_empty()));
    object([
        ("ApplyServerSideEncryptionByDefault", default),
        (
            "BucketKeyEnabled",
            rule.get("bucket_key_enabled")
                .filter(|on| on.is_boolean())
                .cloned(),
        ),
        (
            "BlockedEncryptionTypes",
            blocked.map(|blocked| json!({"EncryptionType": blocked})),
        ),
    ])
}

fn replication_rule(rule: &Map<String, Value>) -> Value {
    let criteria = first(rule, "source_selection_criteria").map(|criteria| {
        object([
            (
                "SseKmsEncryptedObjects",
                status(criteria, "sse_kms_encrypted_objects"),
            ),
            (
                "ReplicaModifications",
                status(criteria, "replica_modifications"),
            ),
        ])
    });
    let filter = blocks(rule, "filter").next();
    object([
        ("ID", member(rule, "id")),
        (
            "Priority",
            rule.get("priority")
                .filter(|priority| priority.is_number())
                .cloned(),
        ),
        ("Status", member(rule, "status")),
        ("Prefix", member(rule, "prefix")),
        (
            "Filter",
            filter.map(|filter| filter.as_object().map_or_else(|| json!({}), filter_of)),
        ),
        (
            "DeleteMarkerReplication",
            status(rule, "delete_marker_replication"),
        ),
        ("SourceSelectionCriteria", criteria),
        ("Destination", first(rule, "destination").map(destination)),
    ])
}

fn filter_of(filter: &Map<String, Value>) -> Value {
    let tag = first(filter, "tag").map(|tag| {
        object([
            ("Key", member(tag, "key")),
            ("Value", tag.get("value").cloned()),
        ])
    });
    let and = first(filter, "and").map(|and| {
        let tags = and
            .get("tags")
            .and_then(Value::as_object)
            .into_iter()
            .flatten();
        let tags: Vec<Value> = tags
            .map(|(key, value)| json!({"Key": key, "Value": value}))
            .collect();
        object([
            ("Prefix", member(and, "prefix")),
            ("Tags", Some(tags.into())),
        ])
    });
    object([
        ("Prefix", member(filter, "prefix")),
        ("Tag", tag),
        ("And", and),
    ])
}

fn destination(destination: &Map<String, Value>) -> Value {
    let encryption = first(destination, "encryption_configuration")
        .map(|block| object([("ReplicaKmsKeyID", member(block, "replica_kms_key_id"))]));
    let owner = first(destination, "access_control_translation")
        .map(|block| object([("Owner", member(block, "owner"))]));
    let time = first(destination, "replication_time").map(|block| {
        object([
            ("Status", member(block, "status")),
            ("Time", minutes(block, "time")),
        ])
    });
    let metrics = first(destination, "metrics").map(|block| {
        object([
            ("Status", member(block, "status")),
            ("EventThreshold", minutes(block, "event_threshold")),
        ])
    });
    object([
        ("Bucket", member(destination, "bucket")),
        ("Account", member(destination, "account")),
        ("StorageClass", member(destination, "storage_class")),
        ("AccessControlTranslation", owner),
        ("EncryptionConfiguration", encryption),
        ("ReplicationTime", time),
        ("Metrics", metrics),
    ])
}
