//! What a verification came to.

use std::time::Duration;

use keyferry_policy::BucketName;
use serde::Serialize;

use crate::report::Unseen;
use crate::rules::RuleMiss;
use crate::{Certainty, Difference, FailureReason, Level, Refusal, ReplicationStatus};

/// What a verification came to. With several replicas, the worst of them decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "detail", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Outcome {
    /// The replica is there and equal, as far as the level that was reached.
    Verified(Verified),
    /// Replication was not finished at the deadline.
    Pending {
        /// How long was waited.
        #[serde(serialize_with = "crate::report::seconds")]
        waited: Duration,
        /// The source's status then.
        status: Option<ReplicationStatus>,
    },
    /// S3 gave up on at least one destination. It does not try again by itself.
    Failed {
        /// What may have caused it, the surest first.
        reasons: Vec<FailureReason>,
    },
    /// S3 will not replicate this object.
    NotCovered {
        /// Why.
        why: NotCovered,
    },
    /// A replica is there and is not the same, or the source is not what the receipt says.
    Differs(Vec<Difference>),
    /// S3 says that replication is complete, and the replica is not there: lost or deleted.
    ReplicaMissing {
        /// The replica bucket.
        bucket: BucketName,
    },
    /// The replica bucket refused to show the replica. That does not mean that it is missing.
    ReplicaRefused {
        /// The replica bucket.
        bucket: BucketName,
        /// What it answered.
        refusal: Refusal,
        /// Whether the answers show that the replica is under another key.
        wrong_key: bool,
    },
    /// A request without the key was answered: on that side the data is not protected by it.
    NotRefused {
        /// The buckets that answered.
        buckets: Vec<BucketName>,
    },
    /// All sides call the object a replica: the original is nowhere.
    NoOriginal {
        /// The buckets that do.
        buckets: Vec<BucketName>,
    },
    /// Nothing contradicts, and still there is no proof of the level asked for.
    Unproven {
        /// The level that is proven, if any.
        reached: Option<Level>,
        /// What is missing.
        missing: Vec<Unseen>,
    },
}

/// Proof that the replica was there and equal. Only verification can make one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    level: Level,
}

impl Verified {
    pub(crate) fn at(level: Level) -> Self {
        Self { level }
    }

    /// The level that was reached.
    #[must_use]
    pub fn level(&self) -> Level {
        self.level
    }
}

/// Why S3 will not replicate an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum NotCovered {
    /// The source bucket has no replication configuration.
    NoConfiguration,
    /// No rule covers the object.
    NoRuleMatches {
        /// Each rule, and why it does not.
        rules: Vec<RuleMiss>,
    },
    /// The only rules that would cover it are disabled.
    RulesDisabled {
        /// Their ids.
        rules: Vec<Option<String>>,
    },
    /// A rule covers it now, but S3 has not taken it: it was written before the rule, or the rule did
    /// not work when it was written. Batch Replication or a new upload helps.
    OlderThanRule,
    /// The object came by replication itself; replicas are not replicated onward.
    IsReplica,
    /// It is under an AWS KMS key, and the rules do not include such objects.
    KmsNotIncluded,
    /// The object has no version id: replication needs a versioned bucket.
    NotVersioned,
    /// It was written while versioning was off or suspended, and has the version id `null`.
    NullVersion,
}

impl NotCovered {
    /// How sure that is. All but one follow from what is there and keep replication from happening as long
    /// as they last.
    #[must_use]
    pub fn certainty(&self) -> Certainty {
        match self {
            Self::OlderThanRule => Certainty::Likely,
            _ => Certainty::Certain,
        }
    }
}

/// What an outcome means for whoever waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conclusion {
    /// The replica is proven.
    Verified,
    /// Not yet: time may help.
    Pending,
    /// No: replication failed, will not happen, or the replica is not what it should be.
    Refuted,
    /// Could not be found out.
    Undetermined,
}

impl Outcome {
    /// What it means for whoever waits for it.
    #[must_use]
    pub fn conclusion(&self) -> Conclusion {
        match self {
            Self::Verified(_) => Conclusion::Verified,
            Self::Pending { .. } => Conclusion::Pending,
            Self::Failed { .. }
            | Self::NotCovered { .. }
            | Self::Differs(_)
            | Self::ReplicaMissing { .. }
            | Self::ReplicaRefused {
                wrong_key: true, ..
            }
            | Self::NotRefused { .. }
            | Self::NoOriginal { .. } => Conclusion::Refuted,
            Self::ReplicaRefused {
                wrong_key: false, ..
            }
            | Self::Unproven { .. } => Conclusion::Undetermined,
        }
    }

    /// The level that was proven, if any.
    #[must_use]
    pub fn level(&self) -> Option<Level> {
        match self {
            Self::Verified(verified) => Some(verified.level()),
            Self::Unproven { reached, .. } => *reached,
            _ => None,
        }
    }
}
