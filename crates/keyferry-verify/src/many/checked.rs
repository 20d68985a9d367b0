//! What became of each thing that a run looked at.

use keyferry_policy::BucketName;
use keyferry_transfer::ObjectAddress;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use crate::{Conclusion, ErrorKind, NotCovered, Outcome, ReplicationStatus, Report, VerifyError};

/// What became of one object version, delete marker, or version that only a replica bucket has.
#[derive(Debug)]
pub struct Checked {
    /// The object. Of what is only in a replica bucket, the address there.
    pub address: ObjectAddress,
    /// Its version id, as far as known.
    pub version_id: Option<String>,
    /// What was found.
    pub result: CheckedResult,
}

/// What was found of one thing.
#[derive(Debug)]
#[non_exhaustive]
pub enum CheckedResult {
    /// It is an object, and was verified as one by itself would be.
    Object(Box<Report>),
    /// It is a delete marker.
    DeleteMarker(DeleteMarker),
    /// Only a replica bucket has it.
    Extra(Extra),
    /// It was listed, and was gone when it was looked at.
    Gone,
    /// Nothing could be said about it.
    Error(VerifyError),
}

/// A delete marker of the source bucket, and where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeleteMarker {
    /// Whether the object counts as deleted now.
    pub is_latest: bool,
    /// Each replica bucket.
    pub replicas: Vec<MarkerReplica>,
}

/// A delete marker in one replica bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MarkerReplica {
    /// The bucket.
    pub bucket: BucketName,
    /// What was found there.
    pub finding: MarkerFinding,
}

/// What was found of a delete marker in a replica bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MarkerFinding {
    /// It is there.
    Replicated,
    /// It is not there, though the rule replicates delete markers.
    Missing,
    /// It is not there yet, and was made a moment ago.
    Pending,
    /// It is not there, and no rule replicates delete markers of this object: there the object lives on.
    LeftOut,
    /// The bucket could not be listed.
    NotSeen,
}

/// A version that a replica bucket has and the source bucket does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Extra {
    /// Whether it is a delete marker.
    pub is_delete_marker: bool,
    /// Whether it is what a read without version id gets there.
    pub is_latest: bool,
    /// Size in bytes; of a delete marker 0.
    pub size: u64,
    /// Its replication status, where its key is at hand. `REPLICA` is what remains of a source version
    /// that was deleted by its id, or expired: such deletions are not replicated. Without it, somebody
    /// wrote to the replica bucket.
    pub status: Option<ReplicationStatus>,
}

/// What something came to, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Verdict {
    /// The replica is there and equal.
    Verified,
    /// Replication was not finished at the deadline.
    Pending,
    /// Replication failed.
    Failed,
    /// S3 will not replicate it.
    NotCovered,
    /// It is itself a replica: its original is verified from the bucket that that is in.
    Replica,
    /// The replica, or the source against its receipt, differs.
    Differs,
    /// S3 says that it is replicated, and the replica is not there.
    ReplicaMissing,
    /// The replica bucket did not show the replica.
    ReplicaRefused,
    /// The replica is under another key.
    ReplicaKey,
    /// A side gave it out without its key.
    NotRefused,
    /// Nothing contradicts, and there is no proof of the level asked for.
    Unproven,
    /// Both sides call it a replica: the original is nowhere.
    NoOriginal,
    /// A delete marker that is on all sides.
    MarkerReplicated,
    /// A delete marker that is missing in a replica bucket.
    MarkerMissing,
    /// A delete marker that is not replicated yet.
    MarkerPending,
    /// A delete marker that no rule replicates.
    MarkerLeftOut,
    /// A delete marker that was not looked for, as a replica bucket could not be listed.
    MarkerNotSeen,
    /// Only a replica bucket has it.
    Extra,
    /// It was deleted while the run was under way.
    Gone,
    /// No key at hand opens it.
    WrongKey,
    /// Nothing could be said about it.
    Error,
}

impl Verdict {
    /// What it means for whoever waits for the run; nothing for what needs no replica.
    #[must_use]
    pub fn conclusion(self) -> Option<Conclusion> {
        Some(match self {
            Self::Verified | Self::MarkerReplicated => Conclusion::Verified,
            Self::Pending | Self::MarkerPending => Conclusion::Pending,
            Self::Failed
            | Self::NotCovered
            | Self::Differs
            | Self::ReplicaMissing
            | Self::ReplicaKey
            | Self::NotRefused
            | Self::NoOriginal
            | Self::MarkerMissing
            | Self::Extra => Conclusion::Refuted,
            Self::ReplicaRefused
            | Self::Unproven
            | Self::MarkerNotSeen
            | Self::WrongKey
            | Self::Error => Conclusion::Undetermined,
            Self::Replica | Self::MarkerLeftOut | Self::Gone => return None,
        })
    }

    /// Its name, as in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Pending => "pending",
            Self::Failed => "failed",
            Self::NotCovered => "not-covered",
            Self::Replica => "replica",
            Self::Differs => "differs",
            Self::ReplicaMissing => "replica-missing",
            Self::ReplicaRefused => "replica-refused",
            Self::ReplicaKey => "replica-key",
            Self::NotRefused => "not-refused",
            Self::Unproven => "unproven",
            Self::NoOriginal => "no-original",
            Self::MarkerReplicated => "marker-replicated",
            Self::MarkerMissing => "marker-missing",
            Self::MarkerPending => "marker-pending",
            Self::MarkerLeftOut => "marker-left-out",
            Self::MarkerNotSeen => "marker-not-seen",
            Self::Extra => "extra",
            Self::Gone => "gone",
            Self::WrongKey => "wrong-key",
            Self::Error => "error",
        }
    }
}

impl Checked {
    /// What it came to.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match &self.result {
            CheckedResult::Object(report) => of_report(report),
            CheckedResult::DeleteMarker(marker) => marker.verdict(),
            CheckedResult::Extra(_) => Verdict::Extra,
            CheckedResult::Gone => Verdict::Gone,
            CheckedResult::Error(error) if error.kind() == ErrorKind::WrongKey => Verdict::WrongKey,
            CheckedResult::Error(_) => Verdict::Error,
        }
    }

    /// What it means for whoever waits for it; nothing for what needs no replica.
    #[must_use]
    pub fn conclusion(&self) -> Option<Conclusion> {
        self.verdict().conclusion()
    }

    /// The report, where it is an object that could be looked at.
    #[must_use]
    pub fn report(&self) -> Option<&Report> {
        match &self.result {
            CheckedResult::Object(report) => Some(report),
            _ => None,
        }
    }
}

fn of_report(report: &Report) -> Verdict {
    match &report.outcome {
        Outcome::Verified(_) => Verdict::Verified,
        Outcome::Pending { .. } => Verdict::Pending,
        Outcome::Failed { .. } => Verdict::Failed,
        // What was uploaded cannot have come by replication.
        Outcome::NotCovered {
            why: NotCovered::IsReplica,
        } if !report.subject.from_receipt => Verdict::Replica,
        Outcome::NotCovered { .. } => Verdict::NotCovered,
        Outcome::Differs(_) => Verdict::Differs,
        Outcome::ReplicaMissing { .. } => Verdict::ReplicaMissing,
        Outcome::ReplicaRefused {
            wrong_key: true, ..
        } => Verdict::ReplicaKey,
        Outcome::ReplicaRefused { .. } => Verdict::ReplicaRefused,
        Outcome::NotRefused { .. } => Verdict::NotRefused,
        Outcome::NoOriginal { .. } => Verdict::NoOriginal,
        Outcome::Unproven { .. } => Verdict::Unproven,
    }
}

impl DeleteMarker {
    /// What it came to: the worst of the replica buckets decides.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let any = |finding| {
            self.replicas
                .iter()
                .any(|replica| replica.finding == finding)
        };
        if any(MarkerFinding::Missing) {
            Verdict::MarkerMissing
        } else if any(MarkerFinding::Pending) {
            Verdict::MarkerPending
        } else if any(MarkerFinding::NotSeen) {
            Verdict::MarkerNotSeen
        } else if any(MarkerFinding::Replicated) {
            Verdict::MarkerReplicated
        } else {
            Verdict::MarkerLeftOut
        }
    }
}

impl Serialize for Checked {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Failed {
            message: String,
            #[serde(skip_serializing_if = "Option::is_none")]
            hint: Option<String>,
        }
        let mut fields = serializer.serialize_struct("Checked", 5)?;
        fields.serialize_field("address", &self.address)?;
        fields.serialize_field("version_id", &self.version_id)?;
        fields.serialize_field("verdict", &self.verdict())?;
        fields.serialize_field("conclusion", &self.conclusion())?;
        match &self.result {
            CheckedResult::Object(report) => fields.serialize_field("report", report)?,
            CheckedResult::DeleteMarker(marker) => {
                fields.serialize_field("delete_marker", marker)?;
            }
            CheckedResult::Extra(extra) => fields.serialize_field("extra", extra)?,
            CheckedResult::Gone => {}
            CheckedResult::Error(error) => fields.serialize_field(
                "error",
                &Failed {
                    message: crate::answer::chain(error),
                    hint: error.hint(),
                },
            )?,
        }
        fields.end()
    }
}
