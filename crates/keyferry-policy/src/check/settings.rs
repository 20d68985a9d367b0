//! Settings that stop replication, or change what it does, and that no policy decides about.

mod buckets;
mod destination;
mod encryption;
mod rules;
mod uploads;

use super::finding::{Finding, Level};
use super::installed::{Installed, KeyState, Known};
use super::replications::Direction;
use super::rule::Rule;
use crate::{KmsKeyArn, ReplicationPlan};

pub(super) fn check(
    plan: &ReplicationPlan,
    directions: &[Direction<'_>],
    installed: &Installed,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for site in plan.sites() {
        // A bucket that only a direction uses that is not set up is that direction's matter.
        let used = directions.iter().any(|direction| {
            direction.is_set_up()
                && (direction.flow.source.bucket == site.bucket
                    || direction.flow.destination.bucket == site.bucket)
        });
        if used {
            findings.extend(buckets::check(site, installed));
            findings.extend(encryption::check(site, directions, installed));
            // Nobody need upload to a bucket that only receives.
            if !plan.flows_from(&site.bucket).is_empty() {
                findings.extend(uploads::check(site, installed));
            }
        }
    }
    for direction in directions {
        findings.extend(rules::check(plan, direction, installed));
        findings.extend(roles(direction, installed));
        findings.extend(keys(direction, installed));
    }
    let mut seen: Vec<Finding> = Vec::new();
    for finding in findings {
        if !seen.contains(&finding) {
            seen.push(finding);
        }
    }
    seen
}

fn roles(direction: &Direction<'_>, installed: &Installed) -> Vec<Finding> {
    let mut findings = Vec::new();
    if installed
        .role(&direction.role)
        .is_some_and(|role| !role.exists)
    {
        findings.push(
            Finding::new(
                Rule::RoleMissing,
                Level::Error,
                direction.subject(),
                format!("the role `{}` does not exist", direction.role),
            )
            .because("S3 has nobody to act as")
            .code(Some("AssumeRoleNotPermitted"))
            .fix("create it with the trust policy and permission policy of the plan"),
        );
    }
    let Some(configuration) = direction.configuration else {
        return findings;
    };
    let named = &configuration.value.role;
    if *named != direction.role.to_string() {
        findings.push(
            Finding::new(
                Rule::RoleDiffers,
                Level::Error,
                direction.subject(),
                format!(
                    "the replication configuration names the role `{named}`, and the documents are \
                     those of `{}`",
                    direction.role
                ),
            )
            .because("S3 acts as the role that the configuration names")
            .at(Some(rules::configuration_place(direction, configuration)))
            .fix(format!(
                "set `Role` to `{}`, or check the documents of the other role",
                direction.role
            )),
        );
    }
    findings
}

fn keys(direction: &Direction<'_>, installed: &Installed) -> Vec<Finding> {
    let flow = direction.flow;
    if !flow.source.encryption.kind().uses_kms() || !direction.is_set_up() {
        return Vec::new();
    }
    [flow.source, flow.destination]
        .into_iter()
        .filter_map(|site| site.encryption.kms_key())
        .filter_map(|key| key_state(key, installed))
        .collect()
}

fn key_state(arn: &KmsKeyArn, installed: &Installed) -> Option<Finding> {
    let key = installed.key(arn)?;
    let finding = |rule, what: &str| {
        Finding::new(
            rule,
            Level::Error,
            format!("key {}", arn.key_id()),
            format!("`{arn}` {what}"),
        )
        .because("S3 can neither read nor write objects under it")
    };
    if !key.exists {
        return Some(finding(Rule::KeyMissing, "does not exist").fix("name a key that does"));
    }
    let (what, fix) = match &key.state {
        Known::Present(state) => match state.value {
            KeyState::Enabled => return None,
            KeyState::Disabled => ("is disabled", "enable it: `aws kms enable-key`"),
            KeyState::PendingDeletion => (
                "waits to be deleted",
                "cancel that: `aws kms cancel-key-deletion`, then `aws kms enable-key`",
            ),
            KeyState::PendingImport => ("has no key material", "import key material"),
            KeyState::Unavailable => ("cannot be used", "see `aws kms describe-key`"),
        },
        Known::Absent | Known::Unknown(_) => return None,
    };
    Some(finding(Rule::KeyDisabled, what).fix(fix))
}
