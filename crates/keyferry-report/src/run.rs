//! What is known about a run besides its objects.

use std::time::Duration;

use jiff::Timestamp;
use keyferry_verify::Level;

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

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// When it was over.
    pub finished: Timestamp,
    /// Whether all that was to be looked at was looked at. An interruption or an error keeps it from it.
    pub complete: bool,
    /// What could not be seen of the whole.
    pub not_seen: Vec<String>,
}
