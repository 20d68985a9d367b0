//! From what was seen on all sides to one outcome. The only place that makes a `Verified`.

use std::time::Duration;

use crate::outcome::{NotCovered, Outcome, Verified};
use crate::report::{Finding, ReplicaSide, SourceSide, Unseen};
use crate::watch::Settled;
use crate::{Difference, FailureReason, Level, ReplicationStatus, probe};

/// What led to an outcome, beside the sides.
pub(crate) struct Evidence<'a> {
    pub(crate) asked: Level,
    pub(crate) settled: &'a Settled,
    pub(crate) waited: Duration,
    /// Reasons, where replication failed.
    pub(crate) reasons: Vec<FailureReason>,
    pub(crate) source: &'a SourceSide,
    pub(crate) replicas: &'a [ReplicaSide],
    /// Whether probes were asked for.
    pub(crate) probed: bool,
    pub(crate) unseen: &'a [Unseen],
}

/// Draws the conclusion: the worst thing that was seen decides.
pub(crate) fn draw(evidence: Evidence<'_>) -> Outcome {
    exposed(&evidence)
        .or_else(|| unlike_receipt(&evidence))
        .unwrap_or_else(|| match evidence.settled {
            Settled::Replica => no_original(&evidence).unwrap_or(Outcome::NotCovered {
                why: NotCovered::IsReplica,
            }),
            Settled::OlderThanRule => Outcome::NotCovered {
                why: NotCovered::OlderThanRule,
            },
            Settled::Failed => Outcome::Failed {
                reasons: evidence.reasons,
            },
            Settled::Pending => Outcome::Pending {
                waited: evidence.waited,
                status: evidence.source.view.status.clone(),
            },
            Settled::Completed | Settled::Silent => replicated(&evidence),
        })
}

fn exposed(evidence: &Evidence<'_>) -> Option<Outcome> {
    let source = probe::any_answered(&evidence.source.probes).then_some(&evidence.source.bucket);
    let replicas = evidence
        .replicas
        .iter()
        .filter(|replica| replica.finding == Finding::NotRefused)
        .map(|replica| &replica.bucket);
    let buckets: Vec<_> = source.into_iter().chain(replicas).cloned().collect();
    (!buckets.is_empty()).then_some(Outcome::NotRefused { buckets })
}

/// Of a version that replication made in all of the buckets, the original is gone.
fn no_original(evidence: &Evidence<'_>) -> Option<Outcome> {
    let is_replica = |side: &&ReplicaSide| {
        let status = side.view.as_ref().and_then(|view| view.status.as_ref());
        status == Some(&ReplicationStatus::Replica)
    };
    let others: Vec<_> = evidence.replicas.iter().filter(is_replica).collect();
    let all = !others.is_empty() && others.len() == evidence.replicas.len();
    all.then(|| Outcome::NoOriginal {
        buckets: std::iter::once(&evidence.source.bucket)
            .chain(others.into_iter().map(|side| &side.bucket))
            .cloned()
            .collect(),
    })
}

fn unlike_receipt(evidence: &Evidence<'_>) -> Option<Outcome> {
    let differences = &evidence.source.differences;
    (!differences.is_empty()).then(|| {
        let mut all = differences.clone();
        if *evidence.settled == Settled::Completed {
            all.extend(replica_differences(evidence.replicas));
        }
        Outcome::Differs(all)
    })
}

fn replica_differences(replicas: &[ReplicaSide]) -> Vec<Difference> {
    replicas
        .iter()
        .filter_map(|replica| match &replica.finding {
            Finding::Differs(differences) => Some(differences),
            _ => None,
        })
        .flatten()
        .cloned()
        .collect()
}

/// The outcome where S3 says that it is done, or says nothing.
fn replicated(evidence: &Evidence<'_>) -> Outcome {
    let differences = replica_differences(evidence.replicas);
    if !differences.is_empty() {
        return Outcome::Differs(differences);
    }
    for replica in evidence.replicas {
        match &replica.finding {
            Finding::Absent | Finding::Unreachable { .. }
                if *evidence.settled == Settled::Silent =>
            {
                return Outcome::Pending {
                    waited: evidence.waited,
                    status: None,
                };
            }
            Finding::NoBucket | Finding::Absent => {
                return Outcome::ReplicaMissing {
                    bucket: replica.bucket.clone(),
                };
            }
            _ => {}
        }
    }
    let mut reached = Some(Level::Deep);
    for replica in evidence.replicas {
        match &replica.finding {
            Finding::Refused { refusal, wrong_key } => {
                return Outcome::ReplicaRefused {
                    bucket: replica.bucket.clone(),
                    refusal: refusal.clone(),
                    wrong_key: *wrong_key,
                };
            }
            Finding::Equal { level } => reached = reached.min(*level),
            _ => reached = None,
        }
    }
    let missing = missing(evidence, reached);
    match reached {
        Some(level)
            if level >= evidence.asked && missing.is_empty() && !evidence.replicas.is_empty() =>
        {
            Outcome::Verified(Verified::at(level))
        }
        reached => Outcome::Unproven { reached, missing },
    }
}

/// What stands between what was seen and a proof.
fn missing(evidence: &Evidence<'_>, reached: Option<Level>) -> Vec<Unseen> {
    let short = reached.is_none_or(|level| level < evidence.asked);
    evidence
        .unseen
        .iter()
        .chain(
            evidence
                .replicas
                .iter()
                .flat_map(|replica| replica.unseen.iter()),
        )
        .filter(|unseen| match unseen {
            Unseen::Probe { .. } => true,
            Unseen::Tags { .. } => evidence.asked > Level::Status && unseen.hides_tags(),
            // Then only a probe shows that the object is under a key at all.
            Unseen::KeyMd5 => !evidence.probed,
            Unseen::Checksum | Unseen::ReplicationStatus => short,
            Unseen::Content => short && evidence.asked >= Level::Sample,
            Unseen::PartBoundaries => short,
            _ => false,
        })
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests;
