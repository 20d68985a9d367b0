//! One object as reports show it: words, and the figures that tables sort by.

use std::time::Duration;

use keyferry_verify::{Outcome, Report};
use serde::{Deserialize, Serialize};

use crate::Verdict;
use crate::wording::{
    Repair, because, because_briefly, evidence, fix, headline, level_name, not_seen, repair,
};

/// One object version, and what was found of it. Holds nothing secret: of the key its id and its MD5.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The source bucket.
    pub bucket: String,
    /// The object key.
    pub key: String,
    /// The version, where there is one.
    pub version_id: Option<String>,
    /// What was found.
    pub verdict: Verdict,
    /// The same in a few words.
    pub headline: String,
    /// Why, in words that all objects share of which the same is wrong.
    pub group: Option<String>,
    /// Why, in full.
    pub because: Vec<String>,
    /// What to do.
    pub repairs: Vec<Repair>,
    /// The level that was proven.
    pub level: Option<String>,
    /// Size in bytes.
    pub size: Option<u64>,
    /// From the upload until the status was seen as completed, where that was witnessed.
    pub latency: Option<Duration>,
    /// Where replicas were looked for: bucket, and region where it is known.
    pub replicas: Vec<(String, Option<String>)>,
    /// What was seen, a name and a line each.
    pub evidence: Vec<(String, String)>,
    /// What was not.
    pub not_seen: Vec<String>,
    /// Whether a server echoed the customer key.
    pub key_echoed: bool,
}

impl Entry {
    /// The address as S3 tools take it.
    #[must_use]
    pub fn address(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.key)
    }
}

impl From<&Report> for Entry {
    fn from(report: &Report) -> Self {
        let outcome = &report.outcome;
        Self {
            bucket: report.subject.source.bucket.to_string(),
            key: report.subject.source.key.to_string(),
            version_id: report.subject.version_id.clone(),
            verdict: Verdict::from(outcome),
            headline: headline(outcome),
            group: because_briefly(outcome),
            because: because(outcome),
            repairs: repairs(outcome),
            level: report
                .level_reached()
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
                .map(not_seen)
                .collect(),
            key_echoed: report.key_echoed(),
        }
    }
}

/// What to do about an outcome: the causes first, then what to do with the object.
fn repairs(outcome: &Outcome) -> Vec<Repair> {
    let causes = match outcome {
        Outcome::Failed { reasons } => reasons
            .iter()
            .filter_map(|reason| repair(&reason.cause))
            .collect(),
        _ => Vec::new(),
    };
    let fix = fix(outcome).map(|words| Repair {
        words,
        command: None,
    });
    causes.into_iter().chain(fix).collect()
}
