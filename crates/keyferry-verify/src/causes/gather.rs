//! From what is known to possible causes, the surest first.

use aws_sdk_s3::Client;
use keyferry_policy::check::{Finding, Level, Rule};

use super::background::Background;
use super::buckets::{blocks_customer_keys, versioned};
use super::{Cause, Certainty, FailureReason};
use crate::ObjectView;
use crate::destination::Destination;
use crate::report::Unseen;
use crate::situation::Situation;

/// An object that has no replica, and where it should have one.
pub(crate) struct Failing<'a> {
    /// Client of the source's region.
    pub(crate) source: &'a Client,
    /// The object key.
    pub(crate) key: &'a str,
    pub(crate) view: &'a ObjectView,
    /// ARN of the replication role.
    pub(crate) role: Option<&'a str>,
    /// Destinations without the replica; no client where the bucket does not exist.
    pub(crate) destinations: &'a [(&'a Destination, Option<&'a Client>)],
    /// How it failed.
    pub(crate) how: How,
}

/// What S3 says of an object that has no replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// That replication failed.
    Failed,
    /// That it is still to come.
    Pending,
    /// Nothing, though a rule covers it.
    NotTaken,
}

/// Gathers what can be learnt, the surest first.
pub(crate) async fn gather(
    background: &Background<'_>,
    failing: &Failing<'_>,
    unseen: &mut Vec<Unseen>,
) -> Vec<FailureReason> {
    let mut reasons = reported(background, failing, unseen).await;
    let mut causes = of_buckets(background, failing, unseen).await;
    let situation = background.situation().await;
    let (found, unknown) = match situation {
        Some(situation) => of_policies(background, situation, failing, &mut causes),
        None => (Vec::new(), true),
    };
    let mut undecided = Vec::new();
    for finding in found {
        match finding.level {
            Level::Error => causes.push(Cause::Found {
                finding: Box::new(finding),
            }),
            _ => undecided.push(Cause::Found {
                finding: Box::new(finding),
            }),
        }
    }
    let explained = !causes.is_empty() || !reasons.is_empty();
    reasons.extend(causes.into_iter().map(|cause| FailureReason {
        cause,
        certainty: Certainty::Certain,
    }));
    let open = |certainty| {
        let sure = match explained {
            true => Certainty::Possible,
            false => certainty,
        };
        move |cause| FailureReason {
            cause,
            certainty: sure,
        }
    };
    let nothing_else = undecided.is_empty();
    reasons.extend(undecided.into_iter().map(open(Certainty::Likely)));
    if unknown {
        let role = failing.role.map(|role| Cause::RolePermissions {
            role: role.to_owned(),
        });
        reasons.extend(role.map(open(Certainty::Likely)));
    }
    if !explained && nothing_else {
        let otherwise = match failing.how {
            How::Failed if unknown => None,
            How::Failed => Some((Cause::RepairedSince, Certainty::Likely)),
            How::Pending => Some((Cause::Delayed, Certainty::Possible)),
            How::NotTaken => Some((Cause::OlderThanRule, Certainty::Likely)),
        };
        reasons.extend(otherwise.map(|(cause, certainty)| FailureReason { cause, certainty }));
    }
    reasons.sort_by_key(|reason| reason.certainty);
    reasons
}

/// What S3 said itself.
async fn reported(
    background: &Background<'_>,
    failing: &Failing<'_>,
    unseen: &mut Vec<Unseen>,
) -> Vec<FailureReason> {
    let version = failing.view.version_id.as_deref();
    match background.reported(failing.key, version).await {
        Ok(events) => events
            .into_iter()
            .map(|event| FailureReason {
                cause: Cause::Reported {
                    event: Box::new(event),
                },
                certainty: Certainty::Certain,
            })
            .collect(),
        Err(error) => {
            unseen.push(Unseen::FailureEvents {
                detail: error.to_string(),
            });
            Vec::new()
        }
    }
}

async fn of_buckets(
    background: &Background<'_>,
    failing: &Failing<'_>,
    unseen: &mut Vec<Unseen>,
) -> Vec<Cause> {
    let mut certain = Vec::new();
    let source = background.bucket();
    if versioned(failing.source, source, unseen).await == Some(false) {
        certain.push(Cause::NotVersioned {
            bucket: source.clone(),
            commands: Vec::new(),
        });
    }
    for (destination, client) in failing.destinations {
        let bucket = &destination.bucket;
        let Some(client) = client else {
            certain.push(Cause::DestinationMissing {
                bucket: bucket.clone(),
            });
            continue;
        };
        if versioned(client, bucket, unseen).await == Some(false) {
            certain.push(Cause::NotVersioned {
                bucket: bucket.clone(),
                commands: Vec::new(),
            });
        }
        if failing.view.key_md5.is_some() && blocks_customer_keys(client, bucket, unseen).await {
            certain.push(Cause::DestinationBlocksCustomerKeys {
                bucket: bucket.clone(),
                commands: Vec::new(),
            });
        }
        if let Some(rule) = &destination.rule
            && failing.view.is_under_kms()
            && !rule.kms_opt_in
        {
            certain.push(Cause::KmsNotIncluded {
                rule: rule.id.clone(),
            });
        }
    }
    certain
}

/// What the policy core finds for this object, and whether something could not be read. What buckets
/// have said themselves gets its commands.
fn of_policies(
    background: &Background<'_>,
    situation: &Situation,
    failing: &Failing<'_>,
    said: &mut [Cause],
) -> (Vec<Finding>, bool) {
    let plans = situation.plans_for(failing.view.is_under_kms());
    // Without a plan nothing was evaluated.
    let mut unknown = plans.is_empty();
    let mut found = Vec::new();
    for finding in situation.findings_of(plans, &background.shell()) {
        if !concerns(&finding, background, failing) {
            continue;
        }
        match finding.rule {
            Rule::DocumentUnknown => unknown = true,
            // These the buckets have said themselves.
            Rule::BucketMissing | Rule::KmsOptInMissing => {}
            Rule::SseCBlocked | Rule::SseCNotLetIn | Rule::VersioningOff => {
                said.iter_mut().for_each(|cause| mended_by(cause, &finding));
            }
            Rule::NeededCallUndecided => found.push(finding),
            _ if finding.level == Level::Error => found.push(finding),
            _ => {}
        }
    }
    (found, unknown)
}

/// Gives a cause the commands of the finding that is about the same document.
fn mended_by(cause: &mut Cause, finding: &Finding) {
    let (document, commands) = match cause {
        Cause::DestinationBlocksCustomerKeys { bucket, commands } => (
            format!("the encryption configuration of `{bucket}`"),
            commands,
        ),
        Cause::NotVersioned { bucket, commands } => {
            (format!("the versioning of `{bucket}`"), commands)
        }
        _ => return,
    };
    let mut changes = finding.changes.iter();
    if changes.any(|change| change.document == document) {
        commands.clone_from(&finding.commands);
    }
}

/// Whether a finding is about a direction, bucket, role or key that this object is replicated by.
fn concerns(finding: &Finding, background: &Background<'_>, failing: &Failing<'_>) -> bool {
    let Some((from, to)) = finding.subject.split_once(" -> ") else {
        return true;
    };
    let destinations = &mut failing.destinations.iter();
    from == background.bucket().as_str()
        && destinations.any(|(destination, _)| destination.bucket.as_str() == to)
}
