//! Lifecycle rules that delete on one side before the other.
//!
//! Lifecycle actions are not replicated, and neither are the delete markers that they leave; each side
//! has rules of its own. A replica that is gone while its source is there looks like a loss.

use std::collections::BTreeMap;

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types::{ExpirationStatus, LifecycleRule, LifecycleRuleFilter};
use futures::future::join_all;
use keyferry_policy::check::{Finding, Level, Preflight};
use keyferry_policy::documents::Status;
use keyferry_policy::{BucketName, Region};
use keyferry_transfer::Connector;

use super::lifecycle_json::{self, Lifecycle};
use super::preflight;
use crate::answer::Trouble;
use crate::situation::infer::prefix_of;
use crate::situation::{Shell, Situation};

/// What a rule deletes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Versions {
    /// The current version, or what was it.
    Current,
    /// Versions that another has taken the place of.
    Noncurrent,
}

/// When a rule deletes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Days(i32),
    /// Seconds since 1970.
    Date(i64),
}

/// One deletion that a rule makes.
#[derive(Debug, Clone, PartialEq)]
struct Deletion {
    /// Which of the bucket's rules, counted from 0.
    rule: usize,
    name: String,
    versions: Versions,
    when: When,
    prefix: String,
    tags: BTreeMap<String, String>,
    /// Smallest and largest size that the rule is about.
    sizes: (Option<i64>, Option<i64>),
    /// How many noncurrent versions stay in any case.
    kept: Option<i32>,
}

/// Compares the lifecycle rules of the bucket with those of each destination.
pub(super) async fn check(
    connector: &Connector,
    situation: &Situation,
    shell: &Shell,
) -> Vec<Finding> {
    let Some(home) = situation.places.get(&situation.source) else {
        return Vec::new();
    };
    let others: Vec<_> = situation.destinations().collect();
    let source = read(connector, &situation.source, &home.region);
    let destinations = others
        .iter()
        .map(|(name, place)| read(connector, name, &place.region));
    let (source, destinations) = tokio::join!(source, join_all(destinations));
    let mut findings = Vec::new();
    let source = match source {
        Ok(source) => source,
        Err(why) => {
            findings.push(unknown(&situation.source, &why));
            return findings;
        }
    };
    for ((name, place), destination) in others.into_iter().zip(destinations) {
        let destination = match destination {
            Ok(destination) => destination,
            Err(why) => {
                findings.push(unknown(name, &why));
                continue;
            }
        };
        let prefixes = replicated_to(situation, name);
        let about = |deletion: &Deletion| {
            prefixes.iter().any(|prefix| {
                prefix.starts_with(&deletion.prefix) || deletion.prefix.starts_with(prefix)
            })
        };
        let early = unmatched(&destination.rules, &source.rules, about);
        let late = unmatched(&source.rules, &destination.rules, about);
        if early.is_empty() && late.is_empty() {
            continue;
        }
        // One document for everything that is to change.
        let json = repaired(&source, &destination, &early, about);
        let words = [("--lifecycle-configuration", json.as_str())];
        let command = shell.s3api(
            "put-bucket-lifecycle-configuration",
            name,
            &place.region,
            &words,
        );
        let subject = format!("{} -> {name}", situation.source);
        for deletion in early {
            let message = format!(
                "the lifecycle rule {} of `{name}` {}, and no rule of `{}` does so by then",
                deletion.name,
                deletion.describe(),
                situation.source
            );
            findings.push(
                preflight(Preflight::ReplicasExpireFirst, Level::Warning, subject.as_str(), message)
                    .because("a replica that is gone while its source is there is as if it had never been: verification calls it lost")
                    .fix(format!("switch that rule off, or give `{}` one that deletes as early", situation.source))
                    .command(command.as_str()),
            );
        }
        for deletion in late {
            let message = format!(
                "the lifecycle rule {} of `{}` {}, and no rule of `{name}` does so by then",
                deletion.name,
                situation.source,
                deletion.describe()
            );
            findings.push(
                preflight(Preflight::SourceExpiresFirst, Level::Warning, subject.as_str(), message)
                    .because("lifecycle deletions are not replicated: the replicas stay, are paid for, and can be read with the key")
                    .fix(format!("give `{name}` the same rule, unless replicas are meant to be kept longer"))
                    .command(command.as_str()),
            );
        }
    }
    findings
}

fn unknown(bucket: &BucketName, why: &str) -> Finding {
    preflight(
        Preflight::LifecycleUnknown,
        Level::Note,
        format!("bucket {bucket}"),
        format!("not known: the lifecycle rules; {why}"),
    )
    .because("whether one side is deleted before the other was not checked")
    .fix("allow s3:GetLifecycleConfiguration on the bucket")
}

/// Beginnings of the keys that replicate to a bucket.
fn replicated_to(situation: &Situation, name: &BucketName) -> Vec<String> {
    let bucket = situation.bucket();
    let known = bucket.and_then(|bucket| bucket.replication.value());
    known
        .into_iter()
        .flat_map(|known| &known.rules)
        .filter(|rule| {
            rule.status == Status::Enabled && rule.destination.bucket_name() == name.as_str()
        })
        .map(|rule| prefix_of(rule).to_owned())
        .collect()
}

async fn read(
    connector: &Connector,
    bucket: &BucketName,
    region: &Region,
) -> Result<Lifecycle, String> {
    let client = connector
        .client(region)
        .map_err(|error| error.to_string())?;
    let answer = client
        .get_bucket_lifecycle_configuration()
        .bucket(bucket.as_str())
        .send()
        .await;
    match answer {
        Ok(answer) => Ok(Lifecycle {
            rules: answer.rules.unwrap_or_default(),
        }),
        Err(error) if error.code() == Some("NoSuchLifecycleConfiguration") => {
            Ok(Lifecycle::default())
        }
        Err(error) => Err(format!(
            "s3:GetBucketLifecycleConfiguration: {}",
            Trouble::of(error)
        )),
    }
}

/// The deletions of some rules that none of the others' does as early.
fn unmatched(
    rules: &[LifecycleRule],
    others: &[LifecycleRule],
    about: impl Fn(&Deletion) -> bool,
) -> Vec<Deletion> {
    let others = deletions(others);
    deletions(rules)
        .into_iter()
        .filter(about)
        .filter(|deletion| !others.iter().any(|other| other.comes_before(deletion)))
        .collect()
}

fn deletions(rules: &[LifecycleRule]) -> Vec<Deletion> {
    let enabled = rules
        .iter()
        .enumerate()
        .filter(|(_, rule)| rule.status() == &ExpirationStatus::Enabled);
    enabled
        .flat_map(|(index, rule)| {
            let current = rule.expiration().and_then(|expiration| {
                let date = expiration.date().map(|date| When::Date(date.secs()));
                Some((
                    Versions::Current,
                    expiration.days().map(When::Days).or(date)?,
                    None,
                ))
            });
            let noncurrent = rule.noncurrent_version_expiration().and_then(|expiration| {
                let days = expiration.noncurrent_days()?;
                let kept = expiration.newer_noncurrent_versions();
                Some((Versions::Noncurrent, When::Days(days), kept))
            });
            let of = Filter::of(rule);
            current
                .into_iter()
                .chain(noncurrent)
                .map(move |(versions, when, kept)| Deletion {
                    rule: index,
                    name: rule
                        .id()
                        .map_or_else(|| format!("number {}", index + 1), |id| format!("`{id}`")),
                    versions,
                    when,
                    prefix: of.prefix.clone(),
                    tags: of.tags.clone(),
                    sizes: of.sizes,
                    kept,
                })
        })
        .collect()
}

struct Filter {
    prefix: String,
    tags: BTreeMap<String, String>,
    sizes: (Option<i64>, Option<i64>),
}

impl Filter {
    fn of(rule: &LifecycleRule) -> Self {
        #[expect(deprecated, reason = "older rules have their prefix there")]
        let old = rule.prefix();
        let filter = rule.filter();
        let and = filter.and_then(LifecycleRuleFilter::and);
        let prefix = filter
            .and_then(LifecycleRuleFilter::prefix)
            .or_else(|| and.and_then(|and| and.prefix()))
            .or(old);
        let one = filter.and_then(LifecycleRuleFilter::tag);
        let several = and.map_or(&[][..], |and| and.tags());
        let size = |own: Option<i64>, of_and: Option<i64>| own.or(of_and);
        Self {
            prefix: prefix.unwrap_or_default().to_owned(),
            tags: one
                .into_iter()
                .chain(several)
                .map(|tag| (tag.key().to_owned(), tag.value().to_owned()))
                .collect(),
            sizes: (
                size(
                    filter.and_then(LifecycleRuleFilter::object_size_greater_than),
                    and.and_then(|and| and.object_size_greater_than()),
                ),
                size(
                    filter.and_then(LifecycleRuleFilter::object_size_less_than),
                    and.and_then(|and| and.object_size_less_than()),
                ),
            ),
        }
    }
}

impl Deletion {
    /// Whether whatever the other deletes is deleted by this one at the latest then.
    fn comes_before(&self, other: &Self) -> bool {
        let sooner = match (self.when, other.when) {
            (When::Days(own), When::Days(other)) => own <= other,
            (When::Date(own), When::Date(other)) => own <= other,
            // Days count from when an object is made; a date comes for all at once.
            _ => false,
        };
        let larger = |own: Option<i64>, other: Option<i64>| match (own, other) {
            (None, _) => true,
            (Some(own), Some(other)) => own <= other,
            (Some(_), None) => false,
        };
        let smaller = |own: Option<i64>, other: Option<i64>| match (own, other) {
            (None, _) => true,
            (Some(own), Some(other)) => own >= other,
            (Some(_), None) => false,
        };
        self.versions == other.versions
            && sooner
            && other.prefix.starts_with(&self.prefix)
            && self
                .tags
                .iter()
                .all(|(key, value)| other.tags.get(key) == Some(value))
            && larger(self.sizes.0, other.sizes.0)
            && smaller(self.sizes.1, other.sizes.1)
            && self.kept.unwrap_or_default() <= other.kept.unwrap_or_default()
    }

    fn describe(&self) -> String {
        let what = match (self.versions, self.prefix.as_str()) {
            (Versions::Current, "") => "deletes objects".to_owned(),
            (Versions::Current, prefix) => format!("deletes objects below `{prefix}`"),
            (Versions::Noncurrent, "") => "deletes noncurrent versions".to_owned(),
            (Versions::Noncurrent, prefix) => {
                format!("deletes noncurrent versions below `{prefix}`")
            }
        };
        match self.when {
            When::Days(1) => format!("{what} after 1 day"),
            When::Days(days) => format!("{what} after {days} days"),
            When::Date(seconds) => {
                let date = jiff::Timestamp::from_second(seconds).unwrap_or_default();
                format!("{what} on {}", date.strftime("%Y-%m-%d"))
            }
        }
    }
}

/// The destination's rules with those that delete too early switched off, and those of the source that
/// it lacks.
fn repaired(
    source: &Lifecycle,
    destination: &Lifecycle,
    early: &[Deletion],
    about: impl Fn(&Deletion) -> bool,
) -> String {
    let mut wanted = destination.clone();
    for deletion in early {
        if let Some(rule) = wanted.rules.get_mut(deletion.rule) {
            rule.status = ExpirationStatus::Disabled;
        }
    }
    // What a rule that is off now deleted as well may lack now.
    let late = unmatched(&source.rules, &wanted.rules, about);
    let mut added: Vec<usize> = late.iter().map(|deletion| deletion.rule).collect();
    added.dedup();
    for rule in added.iter().filter_map(|index| source.rules.get(*index)) {
        let mut rule = rule.clone();
        // Moving to another storage class is each side's own matter.
        rule.transitions = None;
        rule.noncurrent_version_transitions = None;
        // Names are each rule's own.
        let taken = wanted.rules.iter().any(|known| known.id() == rule.id());
        if taken {
            rule.id = rule.id.map(|id| format!("{id}-as-in-source"));
        }
        wanted.rules.push(rule);
    }
    lifecycle_json::of(&wanted)
}

#[cfg(test)]
mod tests;
