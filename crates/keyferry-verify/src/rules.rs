//! Which replication rules cover an object.
//!
//! A rule covers an object when it is enabled and its prefix and all its tags match: V1 rules have a
//! `Prefix`, V2 rules a `Filter` with a prefix, a tag, or both in `And`. Of the covering rules with one
//! destination bucket, the one with the highest priority acts; each destination bucket gets a replica
//! (S3-VERIFY-3).
//!
//! AWS: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-add-config.html>

use std::collections::BTreeMap;

use aws_sdk_s3::types::{
    DeleteMarkerReplicationStatus, ReplicationRule, ReplicationRuleStatus,
    SseKmsEncryptedObjectsStatus, Tag,
};
use serde::Serialize;

/// A rule that covers the object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleMatch {
    /// The rule's id.
    pub id: Option<String>,
    /// The rule's priority; V1 rules have none.
    pub priority: Option<i32>,
    /// ARN of the destination bucket.
    pub destination: String,
    /// Whether the rule includes objects under AWS KMS keys.
    pub kms_opt_in: bool,
}

/// A rule that does not cover the object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleMiss {
    /// The rule's id.
    pub id: Option<String>,
    /// Why it does not.
    pub why: WhyMissed,
}

/// Why a rule does not cover an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum WhyMissed {
    /// The key does not begin with the rule's prefix.
    Prefix {
        /// The rule's prefix.
        prefix: String,
    },
    /// The object does not have a tag that the rule asks for.
    Tag {
        /// Tag key.
        key: String,
        /// Tag value.
        value: String,
    },
    /// The rule would match, and is disabled.
    Disabled,
}

/// What the rules of a bucket mean for one object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Coverage {
    /// The acting rule of each destination, in the order of the configuration.
    pub(crate) matched: Vec<RuleMatch>,
    /// The rules that do not cover the object.
    pub(crate) missed: Vec<RuleMiss>,
}

impl Coverage {
    /// Matches all rules with an object's key and tags.
    pub(crate) fn of(
        rules: &[ReplicationRule],
        key: &str,
        tags: &BTreeMap<String, String>,
    ) -> Self {
        let mut coverage = Self::default();
        for rule in rules {
            match miss(rule, key, tags) {
                Some(why) => coverage.missed.push(RuleMiss {
                    id: rule.id().map(str::to_owned),
                    why,
                }),
                None => coverage.add(rule_match(rule)),
            }
        }
        coverage
    }

    /// Without a priority, as in V1, a rule comes after every one that has a priority.
    fn add(&mut self, rule: RuleMatch) {
        let same = self
            .matched
            .iter_mut()
            .find(|known| known.destination == rule.destination);
        match same {
            Some(known) if known.priority < rule.priority => *known = rule,
            Some(_) => {}
            None => self.matched.push(rule),
        }
    }

    /// Ids of the rules that would match if they were enabled.
    pub(crate) fn disabled(&self) -> Vec<Option<String>> {
        self.missed
            .iter()
            .filter(|miss| miss.why == WhyMissed::Disabled)
            .map(|miss| miss.id.clone())
            .collect()
    }
}

/// Whether a rule acts.
pub(crate) fn is_enabled(rule: &ReplicationRule) -> bool {
    rule.status() == &ReplicationRuleStatus::Enabled
}

/// Whether a rule replicates the delete markers of an object: V1 rules do, V2 rules where they say so and
/// select by no tag (S3-REPL-7).
pub(crate) fn replicates_markers(rule: &ReplicationRule, key: &str) -> bool {
    let says_so = rule
        .delete_marker_replication()
        .and_then(|markers| markers.status())
        == Some(&DeleteMarkerReplicationStatus::Enabled);
    is_enabled(rule)
        && prefixes(rule).all(|prefix| key.starts_with(prefix))
        && wanted_tags(rule).next().is_none()
        && (rule.filter().is_none() || says_so)
}

/// Whether any enabled rule asks for tags.
pub(crate) fn any_selects_by_tag(rules: &[ReplicationRule]) -> bool {
    rules
        .iter()
        .filter(|rule| rule.status() == &ReplicationRuleStatus::Enabled)
        .any(|rule| wanted_tags(rule).next().is_some())
}

/// The rule of the only destination bucket in the configuration, whether it matches or not.
///
/// Tags and rules may have changed since S3 decided; its status then still speaks of that bucket.
pub(crate) fn sole_destination(rules: &[ReplicationRule]) -> Option<RuleMatch> {
    let mut all = rules.iter().map(rule_match);
    let first = all.next()?;
    all.all(|rule| rule.destination == first.destination)
        .then_some(first)
}

fn rule_match(rule: &ReplicationRule) -> RuleMatch {
    let kms_opt_in = rule
        .source_selection_criteria()
        .and_then(|criteria| criteria.sse_kms_encrypted_objects())
        .is_some_and(|objects| objects.status() == &SseKmsEncryptedObjectsStatus::Enabled);
    RuleMatch {
        id: rule.id().map(str::to_owned),
        priority: rule.priority(),
        destination: rule
            .destination()
            .map(|destination| destination.bucket().to_owned())
            .unwrap_or_default(),
        kms_opt_in,
    }
}

fn miss(rule: &ReplicationRule, key: &str, tags: &BTreeMap<String, String>) -> Option<WhyMissed> {
    if let Some(prefix) = prefixes(rule).find(|prefix| !key.starts_with(prefix)) {
        return Some(WhyMissed::Prefix {
            prefix: prefix.to_owned(),
        });
    }
    if let Some(tag) =
        wanted_tags(rule).find(|tag| tags.get(tag.key()).map(String::as_str) != Some(tag.value()))
    {
        return Some(WhyMissed::Tag {
            key: tag.key().to_owned(),
            value: tag.value().to_owned(),
        });
    }
    (rule.status() != &ReplicationRuleStatus::Enabled).then_some(WhyMissed::Disabled)
}

#[expect(
    deprecated,
    reason = "V1 configurations still exist, with the prefix outside a filter"
)]
pub(crate) fn prefixes(rule: &ReplicationRule) -> impl Iterator<Item = &str> {
    let filter = rule.filter();
    [
        rule.prefix(),
        filter.and_then(|filter| filter.prefix()),
        filter.and_then(|filter| filter.and()?.prefix()),
    ]
    .into_iter()
    .flatten()
}

fn wanted_tags(rule: &ReplicationRule) -> impl Iterator<Item = &Tag> {
    let filter = rule.filter();
    let one = filter.and_then(|filter| filter.tag());
    let several = filter
        .and_then(|filter| filter.and())
        .map_or(&[][..], |and| and.tags());
    one.into_iter().chain(several)
}

#[cfg(test)]
mod tests;
