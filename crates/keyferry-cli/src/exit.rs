//! How a run ends: the exit codes that scripts rely on.

use std::process::ExitCode;

/// The exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Done and verified.
    Done = 0,
    /// Failure.
    Failure = 1,
    /// The command line or the configuration makes no sense.
    Usage = 2,
    /// Transferred, but replication was not confirmed in time.
    NotConfirmed = 3,
    /// Replication failed, or content differs.
    Differs = 4,
    /// Wrong or unknown key.
    Key = 5,
    /// Policies, a preflight or a check have findings.
    Findings = 6,
    /// The key store is locked or damaged.
    Store = 7,
    /// Interrupted.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
