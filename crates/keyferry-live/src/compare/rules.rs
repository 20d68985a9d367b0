//! A replication configuration that is live, with the plan's rules in it.

use std::collections::BTreeSet;

use keyferry_policy::Site;
use keyferry_policy::documents::{ReplicationConfiguration, Rule};

use super::Refusal;

/// The live configuration with the plan's rules: known by ID, or by saying the same. All others stay.
pub(super) fn merged(
    site: &Site,
    live: Option<&ReplicationConfiguration>,
    wanted: ReplicationConfiguration,
    replace_role: bool,
) -> Result<ReplicationConfiguration, Refusal> {
    let Some(live) = live else { return Ok(wanted) };
    let is_foreign = |rule: &&Rule| !is_ours(rule, &wanted.rules);
    let foreign: Vec<&Rule> = live.rules.iter().filter(is_foreign).collect();
    let names = |rules: &[&Rule]| -> Vec<String> {
        rules
            .iter()
            .map(|rule| rule.id.clone().unwrap_or_else(|| "without ID".to_owned()))
            .collect()
    };
    if live.role != wanted.role && !replace_role {
        return Err(Refusal::ForeignRole {
            bucket: site.bucket.clone(),
            live: live.role.clone(),
            planned: wanted.role,
            foreign: names(&foreign),
        });
    }
    let version_one: Vec<&Rule> = foreign
        .iter()
        .copied()
        .filter(|rule| rule.filter.is_none())
        .collect();
    if !version_one.is_empty() {
        return Err(Refusal::VersionOne {
            bucket: site.bucket.clone(),
            foreign: names(&version_one),
        });
    }
    // What is there as wanted keeps its priority, and others make way for it.
    let as_wanted = |wanted: &Rule| live.rules.iter().find(|rule| says_the_same(wanted, rule));
    let kept = wanted.rules.iter().filter_map(as_wanted);
    let mut taken: BTreeSet<i32> = foreign
        .iter()
        .copied()
        .chain(kept)
        .filter_map(|rule| rule.priority)
        .collect();
    let mut ours: Vec<Rule> = Vec::new();
    for rule in &wanted.rules {
        ours.push(match as_wanted(rule) {
            Some(live) => live.clone(),
            None => with_free_priority(rule.clone(), &mut taken),
        });
    }
    let mut rules: Vec<Rule> = Vec::new();
    for rule in &live.rules {
        if !is_ours(rule, &wanted.rules) {
            rules.push(rule.clone());
            continue;
        }
        // In its place; a rule of an earlier plan, which this one has not, goes.
        if let Some(place) = ours.iter().position(|new| new.id == rule.id) {
            rules.push(ours.remove(place));
        }
    }
    rules.append(&mut ours);
    Ok(ReplicationConfiguration {
        role: wanted.role,
        rules,
    })
}

/// Whether a live rule is one of the plan's: one that it has, or one that an earlier plan had for the
/// same buckets.
fn is_ours(rule: &Rule, wanted: &[Rule]) -> bool {
    let earlier = |wanted: &Rule| {
        let name = format!("to-{}", wanted.destination.bucket_name());
        let numbered = |id: &str| {
            id.strip_prefix(&name).is_some_and(|rest| {
                rest.is_empty()
                    || rest.strip_prefix('-').is_some_and(|number| {
                        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
                    })
            })
        };
        rule.destination.bucket == wanted.destination.bucket
            && rule.id.as_deref().is_some_and(numbered)
    };
    wanted
        .iter()
        .any(|wanted| replaces(wanted, rule) || earlier(wanted))
}

fn replaces(wanted: &Rule, live: &Rule) -> bool {
    wanted.id == live.id || says_the_same(wanted, live)
}

/// Whether two rules differ in name and priority at most.
fn says_the_same(one: &Rule, other: &Rule) -> bool {
    let bare = |rule: &Rule| Rule {
        id: None,
        priority: None,
        ..rule.clone()
    };
    bare(one) == bare(other)
}

fn with_free_priority(mut rule: Rule, taken: &mut BTreeSet<i32>) -> Rule {
    let mut priority = rule.priority.unwrap_or(1);
    while !taken.insert(priority) {
        priority = priority.saturating_add(1);
    }
    rule.priority = Some(priority);
    rule
}
