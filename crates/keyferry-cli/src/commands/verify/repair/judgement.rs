//! Whether replicating an object anew can help.

use keyferry_report::{cause, headline};
use keyferry_verify::{
    Cause, Certainty, Checked, CheckedResult, Difference, NotCovered, Outcome, Report,
};

use serde::{Deserialize, Serialize};

use super::Item;

/// What is to be done about an object.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in super::super) enum Judgement {
    /// Nothing: it is verified, on its way, or nothing is known against it.
    Fine,
    /// It can be replicated anew.
    Anew(Box<Item>),
    /// Something is wrong that this does not help, for this reason.
    Left(String),
}

/// Judges by what verification found.
pub(in super::super) fn judge(checked: &Checked) -> Judgement {
    let report = match &checked.result {
        CheckedResult::Object(report) => report,
        CheckedResult::DeleteMarker(marker)
            if marker.verdict() == keyferry_verify::Verdict::MarkerMissing =>
        {
            return left("a delete marker cannot be copied: delete it in the replica bucket, too");
        }
        CheckedResult::Error(_) => return left("it could not be looked at"),
        _ => return Judgement::Fine,
    };
    if let Some(why) = reason_to_leave(report) {
        return why;
    }
    let subject = &report.subject;
    if subject.version_id.is_none() {
        return left("its bucket keeps no versions, and replication needs them");
    }
    Judgement::Anew(Box::new(Item {
        address: subject.source.clone(),
        region: subject.region.clone(),
        version_id: subject.version_id.clone(),
        size: report.source.view.size,
        key_id: subject.key_id.clone(),
        key_md5: subject.key_md5,
    }))
}

/// Nothing where replicating it anew helps.
fn reason_to_leave(report: &Report) -> Option<Judgement> {
    match &report.outcome {
        Outcome::Verified(_)
        | Outcome::Pending { .. }
        | Outcome::Unproven { .. }
        | Outcome::ReplicaRefused {
            wrong_key: false, ..
        }
        | Outcome::NotCovered {
            why: NotCovered::IsReplica,
        } => Some(Judgement::Fine),
        Outcome::Failed { reasons } => reasons
            .iter()
            .find(|reason| reason.certainty == Certainty::Certain && is_of_today(&reason.cause))
            .map(|reason| {
                left(format!(
                    "the cause is still there: {}",
                    cause(&reason.cause)
                ))
            }),
        Outcome::NotCovered {
            why: NotCovered::OlderThanRule | NotCovered::NullVersion,
        } => None,
        Outcome::NotCovered { .. } => {
            Some(left("no rule covers it, so that nothing replicates it"))
        }
        Outcome::Differs(differences) => differences
            .iter()
            .any(Difference::is_about_source)
            .then(|| left("the source itself is not as it should be")),
        Outcome::ReplicaMissing { .. }
        | Outcome::ReplicaRefused { .. }
        | Outcome::NoOriginal { .. } => None,
        other => Some(left(headline(other))),
    }
}

/// Whether a cause would stop a new try, too. Others tell of what was when the object failed.
fn is_of_today(cause: &Cause) -> bool {
    !matches!(
        cause,
        Cause::Reported { .. } | Cause::RepairedSince | Cause::OlderThanRule | Cause::Delayed
    )
}

fn left(why: impl Into<String>) -> Judgement {
    Judgement::Left(why.into())
}
