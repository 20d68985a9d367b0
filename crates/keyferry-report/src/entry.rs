//! One object as reports show it: words, and the figures that tables sort by.

use std::time::Duration;

use keyferry_verify::{
    Checked, CheckedResult, DeleteMarker, Difference, Extra, Level, Outcome, ReplicationStatus,
    Report, Side, Unseen, Verdict, VerifyError, chain,
};
use serde::{Deserialize, Serialize};

use crate::verdict::meaning;
use crate::wording::{
    Repair, because, because_briefly, cause, certainty, evidence, extra, fix, headline, level_name,
    marker, not_seen_briefly, repair,
};

/// One object version, and what was found of it. Holds nothing secret: of the key its id and its MD5.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) version_id: Option<String>,
    pub(crate) verdict: Verdict,
    /// The verdict in a few words.
    pub(crate) headline: String,
    /// Why, in words that all objects share of which the same is wrong.
    pub(crate) group: Option<String>,
    /// Why, in full.
    pub(crate) because: Vec<String>,
    /// What to do.
    pub(crate) repairs: Vec<Repair>,
    /// The level that was proven.
    pub(crate) level: Option<String>,
    /// Size in bytes.
    pub(crate) size: Option<u64>,
    /// From the upload until the status was seen as completed, where that was witnessed.
    pub(crate) latency: Option<Duration>,
    /// Where replicas were looked for: bucket, and region where it is known.
    pub(crate) replicas: Vec<(String, Option<String>)>,
    /// What was seen, a name and a line each.
    pub(crate) evidence: Vec<(String, String)>,
    /// What was not.
    pub(crate) not_seen: Vec<String>,
    /// Whether a server echoed the customer key.
    pub(crate) key_echoed: bool,
}

impl Entry {
    /// The address as S3 tools take it.
    pub(crate) fn address(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.key)
    }
}

impl From<&Checked> for Entry {
    fn from(checked: &Checked) -> Self {
        let verdict = checked.verdict();
        let entry = Self {
            bucket: checked.address.bucket.to_string(),
            key: checked.address.key.clone(),
            version_id: checked.version_id.clone(),
            verdict,
            headline: meaning(verdict).trim_end_matches('.').to_owned(),
            group: None,
            because: Vec::new(),
            repairs: Vec::new(),
            level: None,
            size: None,
            latency: None,
            replicas: Vec::new(),
            evidence: Vec::new(),
            not_seen: Vec::new(),
            key_echoed: false,
        };
        match &checked.result {
            CheckedResult::Object(report) => entry.of_report(report),
            CheckedResult::DeleteMarker(found) => entry.of_marker(found),
            CheckedResult::Extra(found) => entry.of_extra(found),
            CheckedResult::Error(error) => entry.of_error(error),
            _ => entry,
        }
    }
}

impl Entry {
    fn of_report(self, report: &Report) -> Self {
        let outcome = &report.outcome;
        Self {
            headline: headline(outcome),
            group: group(report),
            because: because(outcome)
                .into_iter()
                .chain(perhaps(report))
                .collect(),
            repairs: repairs(report),
            level: report
                .level_reached()
                .or_else(|| held(report))
                .map(|level| level_name(level).to_owned()),
            size: Some(report.source.view.size),
            latency: report.timings.status_latency,
            replicas: report
                .replicas
                .iter()
                .map(|replica| {
                    let region = replica.region.as_ref().map(ToString::to_string);
                    (replica.bucket.to_string(), region)
                })
                .collect(),
            evidence: evidence(report)
                .into_iter()
                .map(|(name, line)| (name.to_owned(), line))
                .collect(),
            not_seen: report
                .unseen
                .iter()
                .chain(report.replicas.iter().flat_map(|replica| &replica.unseen))
                .map(not_seen_briefly)
                .collect(),
            key_echoed: report.key_echoed(),
            ..self
        }
    }

    fn of_marker(self, found: &DeleteMarker) -> Self {
        let told = marker(found);
        Self {
            group: told.because.first().cloned(),
            headline: told.headline,
            because: told.because,
            repairs: told.todo.iter().map(|words| todo(words)).collect(),
            replicas: found
                .replicas
                .iter()
                .map(|replica| (replica.bucket.to_string(), None))
                .collect(),
            ..self
        }
    }

    fn of_extra(self, found: &Extra) -> Self {
        let told = extra(found);
        Self {
            group: told.because.first().cloned(),
            headline: told.headline,
            because: told.because,
            repairs: told.todo.iter().map(|words| todo(words)).collect(),
            size: (!found.is_delete_marker).then_some(found.size),
            ..self
        }
    }

    fn of_error(self, error: &VerifyError) -> Self {
        let address = self.address();
        let message = chain(error);
        Self {
            // The same trouble is told once, whatever object it was met at.
            group: Some(message.replace(&address, "the object")),
            because: vec![message],
            repairs: error.hint().map(|hint| todo(&hint)).into_iter().collect(),
            ..self
        }
    }
}

fn todo(words: &str) -> Repair {
    Repair {
        words: words.to_owned(),
        command: None,
    }
}

/// What holds of an object whose content differs, while all that both servers say of it is equal.
fn held(report: &Report) -> Option<Level> {
    let Outcome::Differs(differences) = &report.outcome else {
        return None;
    };
    let is_content = |difference: &Difference| {
        matches!(
            difference,
            Difference::Content { .. }
                | Difference::Digest {
                    side: Side::Replica,
                    ..
                }
                | Difference::Unreadable {
                    side: Side::Replica,
                    ..
                }
        )
    };
    if report.source.view.status != Some(ReplicationStatus::Completed)
        || !differences.iter().all(is_content)
    {
        return None;
    }
    let sides = report.replicas.iter().flat_map(|side| &side.unseen);
    let hidden = report.unseen.iter().chain(sides).any(|unseen| {
        matches!(
            unseen,
            Unseen::Checksum
                | Unseen::KeyMd5
                | Unseen::Metadata
                | Unseen::Tags { .. }
                | Unseen::ObjectLock { .. }
        )
    });
    Some(if hidden { Level::Status } else { Level::Equal })
}

/// Why, in few words. Of what is late or left out, the likeliest reason says more than the status.
fn group(report: &Report) -> Option<String> {
    match (&report.outcome, report.reasons.first()) {
        (Outcome::Pending { .. }, Some(reason)) => Some(cause(&reason.cause)),
        (outcome, _) => because_briefly(outcome),
    }
}

/// What to do: about the causes first, then with the object; each once.
fn repairs(report: &Report) -> Vec<Repair> {
    let causes = match &report.outcome {
        Outcome::Failed { reasons } => reasons.as_slice(),
        _ => &[],
    };
    let causes = causes.iter().chain(&report.reasons);
    let fix = fix(&report.outcome).map(|words| todo(&words));
    let mut repairs = Vec::new();
    for repair in causes.filter_map(|reason| repair(&reason.cause)).chain(fix) {
        if !repairs.contains(&repair) {
            repairs.push(repair);
        }
    }
    repairs
}

/// What may be behind it, where S3 has not said that replication failed.
fn perhaps(report: &Report) -> impl Iterator<Item = String> {
    let each = report.reasons.iter();
    each.map(|reason| format!("{}: {}", certainty(reason.certainty), cause(&reason.cause)))
}
