use aws_sdk_s3::types::{
    LifecycleExpiration, LifecycleRuleAndOperator, NoncurrentVersionExpiration, Tag,
};
use serde_json::{Value, json};

use super::*;

fn rule(id: &str, prefix: &str, days: i32) -> LifecycleRule {
    LifecycleRule::builder()
        .id(id)
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix(prefix).build())
        .expiration(LifecycleExpiration::builder().days(days).build())
        .build()
        .unwrap()
}

fn noncurrent(days: i32, kept: Option<i32>) -> LifecycleRule {
    LifecycleRule::builder()
        .id("old")
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix("").build())
        .noncurrent_version_expiration(
            NoncurrentVersionExpiration::builder()
                .noncurrent_days(days)
                .set_newer_noncurrent_versions(kept)
                .build(),
        )
        .build()
        .unwrap()
}

fn left(rules: &[LifecycleRule], others: &[LifecycleRule]) -> usize {
    unmatched(rules, others, |_| true).len()
}

#[test]
fn a_deletion_is_matched_by_one_that_comes_no_later_for_all_of_it() {
    assert_eq!(left(&[rule("a", "", 30)], &[]), 1);
    assert_eq!(left(&[rule("a", "", 30)], &[rule("b", "", 30)]), 0);
    assert_eq!(left(&[rule("a", "", 30)], &[rule("b", "", 31)]), 1);
    assert_eq!(left(&[rule("a", "", 30)], &[rule("b", "", 7)]), 0);
    // Below a prefix is less than everything.
    assert_eq!(left(&[rule("a", "logs/", 30)], &[rule("b", "", 30)]), 0);
    assert_eq!(left(&[rule("a", "", 30)], &[rule("b", "logs/", 30)]), 1);
}

#[test]
fn current_and_noncurrent_versions_are_two_things() {
    assert_eq!(left(&[noncurrent(5, None)], &[rule("a", "", 1)]), 1);
    assert_eq!(left(&[noncurrent(5, None)], &[noncurrent(5, None)]), 0);
    // One that keeps some versions does not delete all that the other does.
    assert_eq!(left(&[noncurrent(5, None)], &[noncurrent(5, Some(3))]), 1);
    assert_eq!(left(&[noncurrent(5, Some(3))], &[noncurrent(5, None)]), 0);
}

#[test]
fn rules_that_are_off_delete_nothing() {
    let mut off = rule("a", "", 30);
    off.status = ExpirationStatus::Disabled;
    assert_eq!(left(&[off.clone()], &[]), 0);
    assert_eq!(left(&[rule("b", "", 30)], &[off]), 1);
}

#[test]
fn tags_and_sizes_narrow_a_rule() {
    let mut tagged = rule("a", "", 30);
    let tag = Tag::builder().key("k").value("v").build().unwrap();
    let and = LifecycleRuleAndOperator::builder()
        .prefix("")
        .tags(tag)
        .object_size_greater_than(1000)
        .build();
    tagged.filter = Some(LifecycleRuleFilter::builder().and(and).build());
    assert_eq!(left(&[rule("b", "", 30)], &[tagged.clone()]), 1);
    assert_eq!(left(&[tagged.clone()], &[rule("b", "", 30)]), 0);
    assert_eq!(left(&[tagged.clone()], &[tagged]), 0);
}

#[test]
fn what_repairs_switches_off_what_is_early_and_adds_what_lacks() {
    let source = Lifecycle {
        rules: vec![rule("tidy", "tmp/", 3)],
    };
    let destination = Lifecycle {
        rules: vec![rule("tidy", "logs/", 10)],
    };
    let early = unmatched(&destination.rules, &source.rules, |_| true);
    let text = repaired(&source, &destination, &early, |_| true);
    let written: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        written,
        json!({"Rules": [
            {"ID": "tidy", "Status": "Disabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 10}},
            {"ID": "tidy-as-in-source", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 3}},
        ]})
    );
    assert_eq!(
        early[0].describe(),
        "deletes objects below `logs/` after 10 days"
    );
}
