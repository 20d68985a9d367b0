//! The documents as they are when everything is repaired that can be.
//!
//! A change is made, everything is checked again, and so on until no change is left: two findings
//! about one document so end in one document that is right for both.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::applying::{bucket, key, policy_name};
use super::finding::{Change, Finding, Step};
use super::installed::{Installed, InstalledRole, Known, NamedPolicy, Origin};
use super::{Rule, check};
use crate::documents::{EncryptionConfiguration, ReplicationConfiguration};
use crate::formats::INLINE_POLICY;
use crate::iam::{PolicyDocument, Statement};
use crate::{BucketName, KmsKeyArn, ReplicationPlan, RoleArn};

/// Rounds after which no more changes are made, should each bring up another.
const ROUNDS: usize = 100;

/// A document that is to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Repaired {
    /// What findings call it.
    pub document: String,
    /// Where it belongs.
    pub target: Target,
    /// All that it is to say, as JSON without line breaks.
    pub json: String,
}

/// Where a document belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are what `documents::Kind` says")]
#[non_exhaustive]
pub enum Target {
    Versioning(BucketName),
    Encryption(BucketName),
    BucketPolicy(BucketName),
    Replication(BucketName),
    Trust(RoleArn),
    /// A permission policy, by its name or, of an attached policy, its ARN.
    Permissions(RoleArn, String),
    KeyPolicy(KmsKeyArn),
}

/// The documents that repair the findings of some plans that are `wanted`, as far as changes can be written down.
#[must_use]
pub fn repaired(
    plans: &[ReplicationPlan],
    installed: &Installed,
    wanted: impl Fn(&Finding) -> bool,
) -> Vec<Repaired> {
    let mut work = installed.clone();
    let mut made: Vec<(Rule, Change)> = Vec::new();
    for _ in 0..ROUNDS {
        let next = plans
            .iter()
            .flat_map(|plan| check(plan, &work))
            .filter(|finding| wanted(finding))
            .flat_map(|finding| {
                let rule = finding.rule;
                finding
                    .changes
                    .into_iter()
                    .map(move |change| (rule, change))
            })
            .find(|change| !made.contains(change) && change.1.step != Step::Described);
        let Some((rule, change)) = next else { break };
        // What cannot be made is not tried again.
        make(&mut work, rule, &change);
        made.push((rule, change));
    }
    differing(installed, &work)
}

/// Makes a change; nothing happens where it does not fit.
fn make(installed: &mut Installed, rule: Rule, change: &Change) -> Option<()> {
    let bucket_of = |installed: &Installed, prefix: &str| {
        let name = change.document.strip_prefix(prefix)?.strip_suffix('`')?;
        let name: BucketName = name.parse().ok()?;
        installed.bucket(&name).map(|bucket| bucket.name.clone())
    };
    if let Some(name) = bucket_of(installed, "the versioning of `") {
        return whole(&mut installed.bucket_mut(&name).versioning, &change.json);
    }
    if let Some(name) = bucket_of(installed, "the encryption configuration of `") {
        return encryption(
            &mut installed.bucket_mut(&name).encryption,
            rule,
            &change.json,
        );
    }
    if let Some(name) = bucket_of(installed, "the replication configuration of `") {
        return replication(&mut installed.bucket_mut(&name).replication, change);
    }
    statement(policy_mut(installed, &change.document)?, change)
}

fn whole<T: DeserializeOwned>(known: &mut Known<T>, json: &Value) -> Option<()> {
    set(known, serde_json::from_value(json.clone()).ok()?);
    Some(())
}

fn set<T>(known: &mut Known<T>, value: T) {
    match known {
        Known::Present(given) => given.value = value,
        Known::Absent | Known::Unknown(_) => *known = Known::present(value, Origin::default()),
    }
}

/// Whoever wants SSE-C let in does not want another default encryption.
fn encryption(known: &mut Known<EncryptionConfiguration>, rule: Rule, json: &Value) -> Option<()> {
    let mut planned: EncryptionConfiguration = serde_json::from_value(json.clone()).ok()?;
    if matches!(rule, Rule::SseCBlocked | Rule::SseCNotLetIn)
        && let Some(live) = known.value().and_then(|live| live.rules.first())
        && let Some(planned) = planned.rules.first_mut()
    {
        planned.apply_server_side_encryption_by_default =
            live.apply_server_side_encryption_by_default.clone();
        planned.bucket_key_enabled = live.bucket_key_enabled;
    }
    set(known, planned);
    Some(())
}

fn replication(known: &mut Known<ReplicationConfiguration>, change: &Change) -> Option<()> {
    if change.step == Step::Whole {
        return whole(known, &change.json);
    }
    let mut configuration = known.value()?.clone();
    match change.step {
        Step::AddRule => {
            let mut rule: crate::documents::Rule =
                serde_json::from_value(change.json.clone()).ok()?;
            // Priorities are each rule's own.
            let taken = configuration.rules.iter().filter_map(|rule| rule.priority);
            rule.priority = Some(taken.max().unwrap_or_default() + 1);
            configuration.rules.push(rule);
        }
        Step::Rule(index) => {
            let rule = configuration.rules.get_mut(index)?;
            let mut value = serde_json::to_value(&*rule).ok()?;
            merge(&mut value, &change.json);
            *rule = serde_json::from_value(value).ok()?;
            // A rule of version 1 that gets a filter has its prefix there.
            if rule.filter.is_some() {
                rule.prefix = None;
            }
        }
        _ => return None,
    }
    set(known, configuration);
    Some(())
}

/// Elements take the place of those that are there; a filter as a whole.
fn merge(into: &mut Value, change: &Value) {
    match (into, change) {
        (Value::Object(into), Value::Object(change)) => {
            for (name, value) in change {
                match into.get_mut(name) {
                    Some(known) if name != "Filter" => merge(known, value),
                    _ => {
                        into.insert(name.clone(), value.clone());
                    }
                }
            }
        }
        (into, change) => *into = change.clone(),
    }
}

fn statement(known: &mut Known<PolicyDocument>, change: &Change) -> Option<()> {
    let mut document = match known {
        Known::Present(given) => given.value.clone(),
        Known::Absent => PolicyDocument::new(Vec::new()),
        Known::Unknown(_) => return None,
    };
    let changed = one_statement(&change.json)?;
    match change.step {
        Step::AddStatement => document.statements.push(changed),
        Step::Statement(index) => *document.statements.get_mut(index)? = changed,
        _ => return None,
    }
    set(known, document);
    Some(())
}

fn one_statement(json: &Value) -> Option<Statement> {
    let document = json!({"Version": "2012-10-17", "Statement": [json]});
    let document = PolicyDocument::parse(&document.to_string()).ok()?;
    document.statements.into_iter().next()
}

/// The policy of this name. A role without any gets one.
fn policy_mut<'a>(
    installed: &'a mut Installed,
    name: &str,
) -> Option<&'a mut Known<PolicyDocument>> {
    let place = policies(installed)
        .into_iter()
        .find(|(known, ..)| known == name)
        .map(|(_, target, _)| target);
    if let Some(target) = place {
        return known_mut(installed, &target);
    }
    let role = installed.roles.iter_mut().find(|role| {
        role.exists
            && role.policies.is_empty()
            && role.unread_policies.is_none()
            && policy_name(role, "") == name
    })?;
    role.policies.push(NamedPolicy {
        name: INLINE_POLICY.to_owned(),
        document: Known::Absent,
    });
    role.policies.last_mut().map(|policy| &mut policy.document)
}

fn known_mut<'a>(
    installed: &'a mut Installed,
    target: &Target,
) -> Option<&'a mut Known<PolicyDocument>> {
    Some(match target {
        Target::BucketPolicy(bucket) => &mut installed.bucket_mut(bucket).policy,
        Target::Trust(role) => &mut installed.role_mut(role).trust,
        Target::KeyPolicy(key) => &mut installed.key_mut(key).policy,
        Target::Permissions(role, name) => {
            let role = installed.role_mut(role);
            let policy = role
                .policies
                .iter_mut()
                .find(|policy| policy.name == *name)?;
            &mut policy.document
        }
        Target::Versioning(_) | Target::Encryption(_) | Target::Replication(_) => return None,
    })
}

/// Every policy with the name that findings give it.
fn policies(installed: &Installed) -> Vec<(String, Target, &Known<PolicyDocument>)> {
    let mut all = Vec::new();
    for role in &installed.roles {
        let name = format!("the trust policy of `{}`", role.arn.role_name());
        all.push((name, Target::Trust(role.arn.clone()), &role.trust));
        all.extend(role.policies.iter().map(|policy| {
            (
                policy_name(role, &policy.name),
                Target::Permissions(role.arn.clone(), policy.name.clone()),
                &policy.document,
            )
        }));
    }
    for installed_bucket in &installed.buckets {
        let (_, name, _) = bucket(&installed_bucket.name, installed);
        let target = Target::BucketPolicy(installed_bucket.name.clone());
        all.push((name, target, &installed_bucket.policy));
    }
    for installed_key in &installed.keys {
        let (_, name, _) = key(&installed_key.arn, installed);
        let target = Target::KeyPolicy(installed_key.arn.clone());
        all.push((name, target, &installed_key.policy));
    }
    all
}

/// The documents of `after` that `before` has otherwise, or not.
fn differing(before: &Installed, after: &Installed) -> Vec<Repaired> {
    let mut all = Vec::new();
    for bucket in &after.buckets {
        let old = before.bucket(&bucket.name);
        let name = &bucket.name;
        all.extend(differs(
            format!("the versioning of `{name}`"),
            Target::Versioning(name.clone()),
            old.map(|old| &old.versioning),
            &bucket.versioning,
        ));
        all.extend(differs(
            format!("the encryption configuration of `{name}`"),
            Target::Encryption(name.clone()),
            old.map(|old| &old.encryption),
            &bucket.encryption,
        ));
        all.extend(differs(
            format!("the replication configuration of `{name}`"),
            Target::Replication(name.clone()),
            old.map(|old| &old.replication),
            &bucket.replication,
        ));
    }
    let old = policies(before);
    all.extend(
        policies(after)
            .into_iter()
            .filter_map(|(name, target, known)| {
                let old = old.iter().find(|(_, place, _)| *place == target);
                let old = old.map(|(_, _, known)| *known);
                differs(called(before, name), target, old, known)
            }),
    );
    all
}

/// Findings were made when a role without policies had none to be named by.
fn called(before: &Installed, name: String) -> String {
    let role = |role: &&InstalledRole| {
        role.policies.is_empty() && name.ends_with(&format!("of `{}`", role.arn.role_name()))
    };
    match before.roles.iter().find(role) {
        Some(role) if name.starts_with("the permission policy") => policy_name(role, ""),
        _ => name,
    }
}

fn differs<T: Serialize + PartialEq>(
    document: String,
    target: Target,
    before: Option<&Known<T>>,
    after: &Known<T>,
) -> Option<Repaired> {
    let value = after.value()?;
    if before.and_then(Known::value) == Some(value) {
        return None;
    }
    Some(Repaired {
        document,
        target,
        json: serde_json::to_string(value).ok()?,
    })
}
