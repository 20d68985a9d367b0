//! Replication state of a version, per destination, and the one status S3 shows.

use serde::{Deserialize, Serialize};

use super::failure::ReplicationFailureReason;

/// `x-amz-replication-status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum ReplicationStatus {
    Pending,
    Completed,
    Failed,
    Replica,
}

impl ReplicationStatus {
    /// The header's value.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Replica => "REPLICA",
        }
    }
}

/// Where a version came from and where it has to go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReplicationState {
    /// Written by replication.
    pub(crate) is_replica: bool,
    /// Destinations of the rules that covered it. On a replica, destinations of changes to its
    /// metadata.
    pub(crate) targets: Vec<ReplicationTarget>,
}

/// One destination of a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReplicationTarget {
    pub(crate) bucket: String,
    /// The rule that covered it.
    pub(crate) rule_id: String,
    pub(crate) state: TargetState,
    /// Only tags and lock are to be replicated; the version must be there.
    pub(crate) metadata_only: bool,
}

/// How far replication to one destination is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum TargetState {
    Pending,
    Completed,
    Failed { reason: ReplicationFailureReason },
}

impl ReplicationState {
    /// The state of a version written by replication.
    pub(crate) fn replica() -> Self {
        Self {
            is_replica: true,
            targets: Vec::new(),
        }
    }

    /// COMPLETED when all destinations have it, FAILED if any failed, PENDING otherwise
    /// (`S3-REPL-2`); a replica whose metadata has nowhere to go is a REPLICA.
    pub(crate) fn status(&self) -> Option<ReplicationStatus> {
        let any = |wanted: fn(&TargetState) -> bool| self.targets.iter().any(|t| wanted(&t.state));
        if any(|state| matches!(state, TargetState::Failed { .. })) {
            Some(ReplicationStatus::Failed)
        } else if any(|state| *state == TargetState::Pending) {
            Some(ReplicationStatus::Pending)
        } else if self.is_replica {
            Some(ReplicationStatus::Replica)
        } else if self.targets.is_empty() {
            None
        } else {
            Some(ReplicationStatus::Completed)
        }
    }
}
