//! A verification report as people read it.

mod reasons;

use std::fmt::Write;

use keyferry_verify::{
    Difference, Finding, Level, NotCovered, ObjectView, Outcome, ProbeAnswer, ReplicaSide, Report,
};

use super::human_bytes;
use reasons::{describe_unseen, details};

/// The whole report: verdict first, then what led to it.
pub(crate) fn text(report: &Report) -> String {
    let version = report
        .subject
        .version_id
        .as_ref()
        .map(|id| format!(" version {id}"))
        .unwrap_or_default();
    let mut text = format!(
        "{}: {}{version}",
        outcome(&report.outcome),
        report.subject.source
    );
    for (name, line) in steps(report) {
        let _ = write!(text, "\n  {name:<10} {line}");
    }
    for detail in details(&report.outcome) {
        let _ = write!(text, "\n  {:<10} {detail}", "because");
    }
    for unseen in &report.unseen {
        let _ = write!(text, "\n  {:<10} {}", "unseen", describe_unseen(unseen));
    }
    if report.key_echoed() {
        text.push_str("\n  warning    the server echoed the customer key in a response: treat the key as leaked");
    }
    text
}

/// The verdict in a few words.
pub(crate) fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Verified(verified) => format!("verified ({})", level(verified.level())),
        Outcome::Pending { waited, .. } => {
            format!(
                "not confirmed: still replicating after {} s",
                waited.as_secs()
            )
        }
        Outcome::Failed { .. } => "replication failed".to_owned(),
        Outcome::NotCovered { .. } => "not replicated".to_owned(),
        Outcome::Differs(differences) if is_about_receipt(differences) => {
            "the object is not what the receipt says".to_owned()
        }
        Outcome::Differs(_) => "the replica differs".to_owned(),
        Outcome::ReplicaMissing { bucket } => {
            format!("S3 says replicated, but the replica is not in `{bucket}`")
        }
        Outcome::ReplicaRefused {
            bucket,
            wrong_key: true,
            ..
        } => format!("the replica in `{bucket}` is under another key"),
        Outcome::ReplicaRefused { bucket, .. } => {
            format!("not confirmed: `{bucket}` refused to show the replica")
        }
        Outcome::NotRefused { .. } => "the data is given out without its key".to_owned(),
        Outcome::Unproven { reached, .. } => match reached {
            Some(reached) => format!("proven only as far as `{}`", level(*reached)),
            None => "not proven".to_owned(),
        },
        _ => "undecided".to_owned(),
    }
}

/// What was seen, a name and a line each.
pub(crate) fn steps(report: &Report) -> Vec<(&'static str, String)> {
    let key = report
        .subject
        .key_id
        .as_ref()
        .map(|id| format!("{id}, "))
        .unwrap_or_default();
    let mut steps = vec![
        ("key", format!("{key}MD5 {}", report.subject.key_md5)),
        (
            "source",
            format!(
                "{} ({}) {}",
                report.source.bucket,
                report.source.region,
                view(&report.source.view)
            ),
        ),
    ];
    steps.extend(
        report
            .replicas
            .iter()
            .map(|side| ("replica", replica(side))),
    );
    if let Some(latency) = report.timings.status_latency {
        steps.push((
            "replicated",
            format!("{:.1} s after the upload", latency.as_secs_f64()),
        ));
    }
    if let Some(reached) = report.level_reached() {
        steps.push(("equal", compared(report, reached)));
    }
    let refused: Vec<String> = report
        .probes()
        .filter_map(|probe| match &probe.answer {
            ProbeAnswer::Refused(refusal) => Some(refusal.status.to_string()),
            _ => None,
        })
        .collect();
    if !refused.is_empty() {
        let mut statuses = refused.clone();
        statuses.sort();
        statuses.dedup();
        steps.push((
            "probes",
            format!(
                "{} requests without the key or with another: all refused ({})",
                refused.len(),
                statuses.join(", ")
            ),
        ));
    }
    steps
}

/// Whether the source itself differs from the receipt, whatever the replica is like.
fn is_about_receipt(differences: &[Difference]) -> bool {
    differences
        .iter()
        .all(|difference| matches!(difference, Difference::Receipt { .. }))
}

fn view(view: &ObjectView) -> String {
    let status = view
        .status
        .as_ref()
        .map_or_else(|| "no replication status".to_owned(), ToString::to_string);
    format!("{}, {status}", human_bytes(view.size))
}

fn replica(side: &ReplicaSide) -> String {
    let region = side
        .region
        .as_ref()
        .map_or_else(|| "region unknown".to_owned(), ToString::to_string);
    let seen = match (&side.view, &side.finding) {
        (Some(seen), _) => view(seen),
        (None, Finding::Unreachable { detail }) => format!("no answer: {detail}"),
        (None, _) => "not seen".to_owned(),
    };
    let at = side
        .endpoint
        .as_ref()
        .map(|endpoint| format!(" at {endpoint}"))
        .unwrap_or_default();
    let rule = side
        .rule
        .as_ref()
        .and_then(|rule| rule.id.as_ref())
        .map(|id| format!(", by rule `{id}`"))
        .unwrap_or_default();
    format!("{} ({region}){at} {seen}{rule}", side.bucket)
}

fn compared(report: &Report, reached: Level) -> String {
    let equal = "version, size, checksum, key MD5, metadata, tags";
    match reached {
        Level::Status => "replication status only".to_owned(),
        Level::Equal => equal.to_owned(),
        Level::Deep => format!(
            "{equal}; all {} on both sides",
            human_bytes(report.subject.size)
        ),
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Status => "status",
        Level::Equal => "equal",
        Level::Deep => "deep",
    }
}

/// What to do when the outcome is not a proof.
pub(crate) fn hint(outcome: &Outcome) -> Option<String> {
    let hint = match outcome {
        Outcome::Pending { .. } => {
            "look again later with `keyferry verify`, or wait longer with --wait"
        }
        Outcome::Failed { .. } => {
            "S3 does not try again by itself: remove the cause, then upload again or run S3 Batch Replication"
        }
        Outcome::NotCovered {
            why: NotCovered::IsReplica,
        } => "verify the object that it is a replica of, in the source bucket",
        Outcome::NotCovered {
            why: NotCovered::NotVersioned,
        } => "enable versioning on both buckets, then upload again",
        Outcome::NotCovered {
            why: NotCovered::OlderThanRule,
        } => "upload it again, or run S3 Batch Replication",
        Outcome::NotCovered { .. } => {
            "add a replication rule that covers the object, or name the replica with --replica BUCKET@REGION"
        }
        Outcome::Differs(differences) if is_about_receipt(differences) => {
            "either the receipt was changed, or the object in the source bucket was"
        }
        Outcome::Differs(_) | Outcome::ReplicaMissing { .. } => {
            "do not delete the source; upload again, and find out who changed the replica"
        }
        Outcome::NotRefused { .. } => {
            "the server does not encrypt under your key: remove the object there if it is confidential"
        }
        Outcome::ReplicaRefused {
            wrong_key: true, ..
        } => "someone wrote an object under another key in the replica's place",
        Outcome::ReplicaRefused { .. } => {
            "allow s3:GetObject and s3:GetObjectVersion on the replica bucket"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}
