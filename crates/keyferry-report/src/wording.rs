//! What a verification says, in words: the verdict, why, what was seen, what was not, what to do.
//!
//! Every report uses these sentences, so that a terminal, a page and a test report never say different
//! things about the same object.

mod differences;
mod evidence;
mod reasons;
mod unseen;
mod without_report;

use keyferry_verify::{Difference, Level, NotCovered, Outcome, Unseen};

pub use differences::difference;
pub use evidence::evidence;
pub(crate) use reasons::because_briefly;
pub use reasons::{Repair, because, cause, certainty, reason, repair};
pub use unseen::not_seen;
pub(crate) use unseen::not_seen_briefly;
pub(crate) use without_report::{extra, marker};

/// The verdict in a few words.
#[must_use]
pub fn headline(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Verified(verified) => format!("verified ({})", level_name(verified.level())),
        Outcome::Pending { waited, .. } => {
            format!(
                "not confirmed: still replicating after {} s",
                waited.as_secs()
            )
        }
        Outcome::Failed { .. } => "replication failed".to_owned(),
        Outcome::NotCovered { .. } => "not replicated".to_owned(),
        Outcome::Differs(differences) if differences.contains(&Difference::ReceiptChanged) => {
            "the receipt is not authentic".to_owned()
        }
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
        Outcome::NoOriginal { .. } => {
            "all sides call it a replica: the original is nowhere".to_owned()
        }
        Outcome::Unproven { reached, .. } => match reached {
            Some(reached) => format!("proven only as far as `{}`", level_name(*reached)),
            None => "not proven".to_owned(),
        },
        _ => "undecided".to_owned(),
    }
}

/// What to do when the outcome is not a proof.
#[must_use]
pub fn fix(outcome: &Outcome) -> Option<String> {
    let hint = match outcome {
        Outcome::Pending { .. } => {
            "look again later with `keyferry verify`, or wait longer with --wait"
        }
        Outcome::Failed { .. } => {
            "S3 does not try again by itself: remove the cause, then `keyferry verify --repair` has it replicated anew"
        }
        Outcome::NotCovered {
            why: NotCovered::IsReplica,
        } => {
            "verify the object that it is a replica of, in the bucket that replicates to this one; where rules \
             lead both ways, --both-ways finds it"
        }
        Outcome::NotCovered {
            why: NotCovered::NotVersioned,
        } => "enable versioning on both buckets, then upload again",
        Outcome::NotCovered {
            why: NotCovered::OlderThanRule,
        } => "`keyferry verify --repair` has it replicated anew",
        Outcome::NotCovered {
            why: NotCovered::NullVersion,
        } => {
            "where versioning is enabled now, `keyferry verify --repair` makes a version of it that replicates"
        }
        Outcome::NotCovered { .. } => {
            "add a replication rule that covers the object, or name the replica with --replica BUCKET@REGION"
        }
        Outcome::Differs(differences) if differences.contains(&Difference::ReceiptChanged) => {
            "find out who changed it; without it, `keyferry verify s3://BUCKET/KEY` compares both sides"
        }
        Outcome::Differs(differences) if is_about_receipt(differences) => {
            "either the receipt was changed, or the object in the source bucket was"
        }
        Outcome::Differs(differences) if differences.iter().any(Difference::is_about_source) => {
            "the source itself is not as it should be: upload it again from what is known to be good"
        }
        Outcome::Differs(_) => {
            "do not delete the source: `keyferry verify --repair` has it replicated anew; then find out who changed the replica"
        }
        Outcome::ReplicaMissing { .. } => {
            "do not delete the source: `keyferry verify --repair` has it replicated anew; then find out who deleted the replica"
        }
        Outcome::NoOriginal { .. } => {
            "find out from which bucket it came; copied onto itself it becomes an original that replicates"
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
        Outcome::Unproven { missing, .. } if missing.contains(&Unseen::Destination) => {
            "name the replica with --replica BUCKET@REGION"
        }
        Outcome::Unproven { missing, .. }
            if missing
                .iter()
                .any(|unseen| matches!(unseen, Unseen::Tags { .. })) =>
        {
            "allow s3:GetObjectTagging and s3:GetObjectVersionTagging on both buckets"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

/// The name of a level, as the command line takes it.
#[must_use]
pub fn level_name(level: Level) -> &'static str {
    match level {
        Level::Status => "status",
        Level::Equal => "equal",
        Level::Sample => "sample",
        Level::Deep => "deep",
    }
}

/// Whether the source itself differs from the receipt, whatever the replica is like.
fn is_about_receipt(differences: &[Difference]) -> bool {
    differences
        .iter()
        .all(|difference| matches!(difference, Difference::Receipt { .. }))
}
