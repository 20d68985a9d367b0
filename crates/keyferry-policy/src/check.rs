//! What stands in the way of a plan among the documents that are installed.
//!
//! [`Installed`] is what there is, however it was got: files, a Terraform plan, or AWS itself.
//! [`check`] compares it with a plan by decision, not by text: each call that S3 makes for a replication
//! is put to IAM's evaluation logic, and so is every other call that the role could make. Settings that
//! no policy decides about are compared one by one.
//!
//! What is not known is said to be unknown; it counts neither as allowed nor as denied.
//!
//! Failure reasons: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-metrics-events.html#replication-failure-codes>.
//! Troubleshooting: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-troubleshoot.html>.

mod applying;
mod finding;
pub mod installed;
mod linted;
mod needed;
mod preflight;
mod read;
mod repair;
mod repaired;
mod replications;
mod rule;
mod sarif;
mod settings;
mod surplus;
mod terraform;
mod trusted;

pub use finding::{Change, Finding, Level, Place, Surplus};
pub use installed::{
    Given, Installed, InstalledBucket, InstalledKey, InstalledRole, KeyState, Known, NamedPolicy,
    Origin, PublicAccessBlock,
};
pub use preflight::Preflight;
pub use read::ReadError;
pub use repaired::{Repaired, Target, repaired};
pub use rule::Rule;
pub use sarif::sarif;

use crate::ReplicationPlan;

use replications::Direction;

/// Everything that stands in the way of a plan, and everything that is allowed beyond it; the worst
/// first.
#[must_use]
pub fn check(plan: &ReplicationPlan, installed: &Installed) -> Vec<Finding> {
    let (mut findings, installed) = linted::check(installed);
    let installed = &installed;
    let flows = plan.flows();
    let directions: Vec<Direction<'_>> = flows
        .iter()
        .map(|flow| Direction::of(flow, installed))
        .collect();
    findings.extend(settings::check(plan, &directions, installed));
    // Of a direction that is not set up at all, nothing else is worth saying.
    let set_up: Vec<&Direction<'_>> = directions
        .iter()
        .filter(|direction| direction.is_set_up())
        .collect();
    findings.extend(needed::check(plan, &set_up, installed));
    findings.extend(surplus::check(plan, &set_up, installed));
    findings.extend(trusted::check(&set_up, installed));
    sort(&mut findings);
    findings
}

/// Puts the worst first, and of one level what stands in the way of everything else.
pub fn sort(findings: &mut [Finding]) {
    findings.sort_by_key(|finding| (finding.level, finding.rule.family()));
}
