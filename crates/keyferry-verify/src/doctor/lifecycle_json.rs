//! Lifecycle configurations as the AWS CLI takes them.
//!
//! <https://docs.aws.amazon.com/cli/latest/reference/s3api/put-bucket-lifecycle-configuration.html>

use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use aws_sdk_s3::types::{LifecycleRule, LifecycleRuleAndOperator, LifecycleRuleFilter, Tag};
use serde_json::{Map, Value, json};

/// All lifecycle rules of a bucket.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Lifecycle {
    pub(super) rules: Vec<LifecycleRule>,
}

/// In one line.
pub(super) fn of(lifecycle: &Lifecycle) -> String {
    let rules: Vec<Value> = lifecycle.rules.iter().map(rule).collect();
    json!({ "Rules": rules }).to_string()
}

/// An object of those members that have a value.
fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let given = members
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(given.collect::<Map<_, _>>())
}

fn rule(rule: &LifecycleRule) -> Value {
    #[expect(deprecated, reason = "older rules have their prefix there")]
    let prefix = rule.prefix();
    let expiration = rule.expiration().map(|expiration| {
        object([
            ("Date", expiration.date().and_then(date)),
            ("Days", expiration.days().map(Value::from)),
            (
                "ExpiredObjectDeleteMarker",
                expiration.expired_object_delete_marker().map(Value::from),
            ),
        ])
    });
    let transitions: Vec<Value> = rule
        .transitions()
        .iter()
        .map(|transition| {
            object([
                ("Date", transition.date().and_then(date)),
                ("Days", transition.days().map(Value::from)),
                (
                    "StorageClass",
                    transition
                        .storage_class()
                        .map(|class| class.as_str().into()),
                ),
            ])
        })
        .collect();
    let noncurrent: Vec<Value> = rule
        .noncurrent_version_transitions()
        .iter()
        .map(|transition| {
            object([
                (
                    "NoncurrentDays",
                    transition.noncurrent_days().map(Value::from),
                ),
                (
                    "StorageClass",
                    transition
                        .storage_class()
                        .map(|class| class.as_str().into()),
                ),
                (
                    "NewerNoncurrentVersions",
                    transition.newer_noncurrent_versions().map(Value::from),
                ),
            ])
        })
        .collect();
    let expired = rule.noncurrent_version_expiration().map(|expiration| {
        object([
            (
                "NoncurrentDays",
                expiration.noncurrent_days().map(Value::from),
            ),
            (
                "NewerNoncurrentVersions",
                expiration.newer_noncurrent_versions().map(Value::from),
            ),
        ])
    });
    let abort = rule.abort_incomplete_multipart_upload().map(|abort| {
        let days = abort.days_after_initiation().map(Value::from);
        object([("DaysAfterInitiation", days)])
    });
    let list = |values: Vec<Value>| (!values.is_empty()).then_some(Value::Array(values));
    object([
        ("ID", rule.id().map(Value::from)),
        ("Status", Some(rule.status().as_str().into())),
        ("Filter", rule.filter().map(filter)),
        (
            "Prefix",
            prefix.filter(|_| rule.filter().is_none()).map(Value::from),
        ),
        ("Expiration", expiration),
        ("Transitions", list(transitions)),
        ("NoncurrentVersionTransitions", list(noncurrent)),
        ("NoncurrentVersionExpiration", expired),
        ("AbortIncompleteMultipartUpload", abort),
    ])
}

fn filter(filter: &LifecycleRuleFilter) -> Value {
    object([
        ("Prefix", filter.prefix().map(Value::from)),
        ("Tag", filter.tag().map(tag)),
        (
            "ObjectSizeGreaterThan",
            filter.object_size_greater_than().map(Value::from),
        ),
        (
            "ObjectSizeLessThan",
            filter.object_size_less_than().map(Value::from),
        ),
        ("And", filter.and().map(and)),
    ])
}

fn and(and: &LifecycleRuleAndOperator) -> Value {
    let tags: Vec<Value> = and.tags().iter().map(tag).collect();
    object([
        ("Prefix", and.prefix().map(Value::from)),
        ("Tags", (!tags.is_empty()).then_some(Value::Array(tags))),
        (
            "ObjectSizeGreaterThan",
            and.object_size_greater_than().map(Value::from),
        ),
        (
            "ObjectSizeLessThan",
            and.object_size_less_than().map(Value::from),
        ),
    ])
}

fn tag(tag: &Tag) -> Value {
    json!({"Key": tag.key(), "Value": tag.value()})
}

fn date(date: &DateTime) -> Option<Value> {
    date.fmt(DateTimeFormat::DateTime).ok().map(Value::from)
}
