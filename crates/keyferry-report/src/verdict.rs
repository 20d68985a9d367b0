//! The verdict on one object, as reports count, colour and filter it.

use keyferry_verify::{Conclusion, Outcome};
use serde::{Deserialize, Serialize};

/// What was found of one object; the worst first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// A side gave the data out without its key.
    Unprotected,
    /// Both are there and not the same.
    Differs,
    /// S3 says that it was replicated, and the replica is not there.
    Missing,
    /// What is there is under another key.
    WrongKey,
    /// S3 gave up.
    Failed,
    /// No rule covers it, or it is older than the rule.
    NotReplicated,
    /// The replica bucket has what the source has not.
    Extra,
    /// It could not be looked at.
    Error,
    /// The replica bucket refused to show it.
    Refused,
    /// Nothing contradicts, and what was asked for is not proven.
    Unproven,
    /// Replication goes on.
    Pending,
    /// It was deleted while the run went on.
    Vanished,
    /// Proven, at the level that the entry names.
    Verified,
}

impl Verdict {
    /// All of them, the worst first.
    pub const ALL: [Self; 13] = [
        Self::Unprotected,
        Self::Differs,
        Self::Missing,
        Self::WrongKey,
        Self::Failed,
        Self::NotReplicated,
        Self::Extra,
        Self::Error,
        Self::Refused,
        Self::Unproven,
        Self::Pending,
        Self::Vanished,
        Self::Verified,
    ];

    /// Its name in data.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unprotected => "unprotected",
            Self::Differs => "differs",
            Self::Missing => "missing",
            Self::WrongKey => "wrong-key",
            Self::Failed => "failed",
            Self::NotReplicated => "not-replicated",
            Self::Extra => "extra",
            Self::Error => "error",
            Self::Refused => "refused",
            Self::Unproven => "unproven",
            Self::Pending => "pending",
            Self::Vanished => "vanished",
            Self::Verified => "verified",
        }
    }

    /// Its name for people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::WrongKey => "wrong key",
            Self::NotReplicated => "not replicated",
            other => other.name(),
        }
    }

    /// What it means, in a sentence.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Unprotected => {
                "A request without the key, or with a throw-away key, was answered: on that side \
                 the data is not protected by the key."
            }
            Self::Differs => {
                "The two sides are not the same, or the source is not what the receipt says."
            }
            Self::Missing => {
                "S3 says that replication is complete, and the replica is not there: lost, or \
                 deleted since."
            }
            Self::WrongKey => "What stands in the replica's place is under another key.",
            Self::Failed => {
                "S3 gave up on at least one destination. It does not try again by itself."
            }
            Self::NotReplicated => {
                "S3 will not replicate it: no rule covers it, or it is older than the rule."
            }
            Self::Extra => "The replica bucket holds a version that the source does not have.",
            Self::Error => "It could not be looked at, so nothing is known about it.",
            Self::Refused => {
                "The replica bucket refused to show it. That does not mean that it is missing."
            }
            Self::Unproven => "Nothing contradicts, and the level asked for is not proven.",
            Self::Pending => "Replication was not finished when the time to wait was over.",
            Self::Vanished => "It was deleted between the listing and the look at it.",
            Self::Verified => "Proven on both sides, as far as the level says.",
        }
    }

    /// What it means for whoever waits for it.
    #[must_use]
    pub fn conclusion(self) -> Conclusion {
        match self {
            Self::Unprotected
            | Self::Differs
            | Self::Missing
            | Self::WrongKey
            | Self::Failed
            | Self::NotReplicated
            | Self::Extra => Conclusion::Refuted,
            Self::Error | Self::Refused | Self::Unproven | Self::Vanished => {
                Conclusion::Undetermined
            }
            Self::Pending => Conclusion::Pending,
            Self::Verified => Conclusion::Verified,
        }
    }
}

impl From<&Outcome> for Verdict {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Verified(_) => Self::Verified,
            Outcome::Pending { .. } => Self::Pending,
            Outcome::Failed { .. } => Self::Failed,
            Outcome::NotCovered { .. } => Self::NotReplicated,
            Outcome::Differs(_) => Self::Differs,
            Outcome::ReplicaMissing { .. } => Self::Missing,
            Outcome::ReplicaRefused {
                wrong_key: true, ..
            } => Self::WrongKey,
            Outcome::ReplicaRefused { .. } => Self::Refused,
            Outcome::NotRefused { .. } => Self::Unprotected,
            _ => Self::Unproven,
        }
    }
}

/// The name of a conclusion, in data and as a class on the page.
#[must_use]
pub fn conclusion_name(conclusion: Conclusion) -> &'static str {
    match conclusion {
        Conclusion::Verified => "verified",
        Conclusion::Pending => "pending",
        Conclusion::Refuted => "refuted",
        Conclusion::Undetermined => "undetermined",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_data() {
        for verdict in Verdict::ALL {
            let json = serde_json::to_value(verdict).expect("a name");
            assert_eq!(json, verdict.name());
        }
        assert!(Verdict::ALL.is_sorted());
    }
}
