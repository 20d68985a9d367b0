//! What is known about a run besides its objects.

use std::time::Duration;

use jiff::Timestamp;
use keyferry_verify::{Level, Summary};

use crate::size::counted;

/// What a run was asked to do.
#[derive(Debug, Clone)]
pub struct Run {
    /// What was to be verified: addresses, or receipts, as they were given.
    pub asked: Vec<String>,
    /// The level that was asked for.
    pub level: Level,
    /// When the run began.
    pub started: Timestamp,
    /// How long replication was waited for, at most.
    pub wait: Duration,
    /// The version of the program.
    pub version: String,
}

/// Why a run ended before everything was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BrokenOff {
    /// What happened; empty where it is told elsewhere.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// How a run ended.
#[derive(Debug, Clone)]
pub(crate) struct Ending<'a> {
    /// When it was over.
    pub(crate) finished: Timestamp,
    /// Why not all was looked at that was to be.
    pub(crate) broken_off: Option<&'a BrokenOff>,
    /// What all of it came to.
    pub(crate) summary: &'a Summary,
}

impl Ending<'_> {
    /// What could not be seen of the whole.
    pub(crate) fn not_seen(&self) -> Vec<String> {
        let Summary {
            not_listed,
            repeated_receipts,
            contradicting_receipts,
            ..
        } = self.summary;
        let mut lines: Vec<String> = not_listed
            .iter()
            .map(|(bucket, why)| {
                format!(
                    "`{bucket}` could not be listed ({why}): versions and delete markers that only one \
                     side has were not looked for there"
                )
            })
            .collect();
        if *repeated_receipts > 0 {
            lines.push(format!(
                "{} given more than once; each was looked at once",
                counted(*repeated_receipts, "receipt")
            ));
        }
        if *contradicting_receipts > 0 {
            lines.push(format!(
                "{} another one of the same version",
                match contradicting_receipts {
                    1 => "1 receipt contradicts".to_owned(),
                    many => format!("{} contradict", counted(*many, "receipt")),
                }
            ));
        }
        lines
    }
}
