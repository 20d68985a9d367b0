//! Everything a verification saw, as data. Whoever shows it decides how.

use std::collections::BTreeMap;
use std::time::Duration;

use keyferry_policy::{BucketName, Region};
use keyferry_transfer::{Authenticity, Receipt};
use serde::{Serialize, Serializer};

use crate::object_view::ReplicationStatus;
use crate::outcome::NotCovered;
use crate::rules::RuleMatch;
use crate::{
    Conclusion, ContentProof, Difference, FailureReason, Level, ObjectView, Outcome, Probe,
    Refusal, SampleProof, Subject,
};

/// The result of one verification, with all that led to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What was verified.
    pub subject: Subject,
    /// What it came to.
    pub outcome: Outcome,
    /// The level that was asked for.
    pub asked: Level,
    /// The source side.
    pub source: SourceSide,
    /// The replica sides: one for each destination.
    pub replicas: Vec<ReplicaSide>,
    /// Why there may be no replica, where S3 has not said that replication failed: the surest first.
    pub reasons: Vec<FailureReason>,
    /// How long things took.
    pub timings: Timings,
    /// What could not be seen, and so does not count as proven.
    pub unseen: Vec<Unseen>,
}

impl Report {
    /// The report on a receipt whose seal does not fit. Nothing that it says counts, so nobody was asked about
    /// it.
    #[must_use]
    pub fn of_changed_receipt(receipt: &Receipt, asked: Level) -> Self {
        Self {
            subject: Subject {
                receipt: Some(Authenticity::Changed),
                ..Subject::from(receipt)
            },
            outcome: Outcome::Differs(vec![Difference::ReceiptChanged]),
            asked,
            source: SourceSide::unseen(receipt.source.bucket.clone(), receipt.region.clone()),
            replicas: Vec::new(),
            reasons: Vec::new(),
            timings: Timings::default(),
            unseen: Vec::new(),
        }
    }

    /// What the outcome means for whoever waits for it.
    #[must_use]
    pub fn conclusion(&self) -> Conclusion {
        self.outcome.conclusion()
    }

    /// Whether it is worth saying why there is no replica, beside the outcome.
    pub(crate) fn may_have_reasons(&self) -> bool {
        matches!(
            self.outcome,
            Outcome::Pending { .. }
                | Outcome::NotCovered {
                    why: NotCovered::OlderThanRule
                }
        )
    }

    /// The level that was proven, if any.
    #[must_use]
    pub fn level_reached(&self) -> Option<Level> {
        self.outcome.level()
    }

    /// All probes of all sides.
    pub fn probes(&self) -> impl Iterator<Item = &Probe> {
        self.source.probes.iter().chain(
            self.replicas
                .iter()
                .flat_map(|replica| replica.probes.iter()),
        )
    }

    /// Whether a server echoed the customer key in its response headers. Such a key must be treated
    /// as leaked.
    #[must_use]
    pub fn key_echoed(&self) -> bool {
        self.source.key_echoed || self.replicas.iter().any(|replica| replica.key_echoed)
    }
}

/// One of the two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The bucket that was written to.
    Source,
    /// The bucket that replication writes to.
    Replica,
}

/// What the source bucket showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceSide {
    /// The bucket.
    pub bucket: BucketName,
    /// Its region.
    pub region: Region,
    /// The object, at the last look.
    pub view: ObjectView,
    /// Tags, where they could be read.
    pub tags: Option<BTreeMap<String, String>>,
    /// Requests without the key.
    pub probes: Vec<Probe>,
    /// How the source differs from the receipt.
    pub differences: Vec<Difference>,
    /// ARN of the role that S3 replicates as.
    pub replication_role: Option<String>,
    /// Whether the server echoed the customer key.
    pub key_echoed: bool,
}

impl SourceSide {
    /// Whether the bucket was asked and has shown the object.
    #[must_use]
    pub fn was_seen(&self) -> bool {
        self.view != ObjectView::default()
    }

    /// A bucket that was not asked.
    pub(crate) fn unseen(bucket: BucketName, region: Region) -> Self {
        Self {
            bucket,
            region,
            view: ObjectView::default(),
            tags: None,
            probes: Vec::new(),
            differences: Vec::new(),
            replication_role: None,
            key_echoed: false,
        }
    }
}

/// What one replica bucket showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReplicaSide {
    /// The bucket.
    pub bucket: BucketName,
    /// Its region; absent when the bucket does not exist.
    pub region: Option<Region>,
    /// URL of its server, where that is another than the source's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The rule that sends the object there; absent when the bucket was given and no rule is known.
    pub rule: Option<RuleMatch>,
    /// What was found.
    pub finding: Finding,
    /// The replica, if it could be seen.
    pub view: Option<ObjectView>,
    /// Tags, where they could be read.
    pub tags: Option<BTreeMap<String, String>>,
    /// Requests without the key.
    pub probes: Vec<Probe>,
    /// What reading both sides gave.
    pub content: Option<ContentProof>,
    /// What reading samples of both sides gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<SampleProof>,
    /// Whether both sides have the same entity tag. It corroborates, and proves nothing.
    pub etag_equal: Option<bool>,
    /// Whether the server echoed the customer key.
    pub key_echoed: bool,
    /// What could not be seen of it.
    pub unseen: Vec<Unseen>,
}

/// What was found of one replica.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "detail", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Finding {
    /// Not looked at, or no answer came while replication was not finished anyway.
    NotSeen,
    /// The replica bucket does not exist.
    NoBucket,
    /// The replica is not there.
    Absent,
    /// Its server did not answer until the deadline.
    Unreachable {
        /// What went wrong.
        detail: String,
    },
    /// The bucket refused to show it.
    Refused {
        /// What it answered.
        refusal: Refusal,
        /// Whether the answers show that the replica is under another key.
        wrong_key: bool,
    },
    /// It is there, and nothing differs.
    Equal {
        /// The level that is proven, if any.
        level: Option<Level>,
    },
    /// It is there and differs.
    Differs(Vec<Difference>),
    /// It was given out without the key.
    NotRefused,
}

/// Something that could not be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Unseen {
    /// The server gives no replication status.
    ReplicationStatus,
    /// The replication configuration could not be read.
    ReplicationConfiguration {
        /// What S3 answered.
        refusal: Refusal,
    },
    /// No rule matches today, though S3 took the object: the rule or the tags have changed since. The
    /// only destination in the configuration was looked at.
    ActingRule,
    /// The source says that replication is complete, and no rule tells where to any more.
    Destination,
    /// The sides store no checksums that can be compared.
    Checksum,
    /// The server does not say under which key the object is.
    KeyMd5,
    /// Tags could not be read.
    Tags {
        /// On this side.
        side: Side,
        /// What S3 answered.
        refusal: Refusal,
    },
    /// Object Lock of a version may not be seen.
    ObjectLock {
        /// On this side.
        side: Side,
        /// What S3 answered.
        refusal: Refusal,
    },
    /// Some metadata cannot be put into headers.
    Metadata,
    /// The replica has a status of its own, which replica modification sync gives while it works.
    ReplicaModifications {
        /// The status.
        status: ReplicationStatus,
    },
    /// The receipt has no seal, so that nothing shows whether it was changed.
    ReceiptSeal,
    /// No probes were asked for.
    Probes,
    /// A probe had an answer that shows neither that the key is needed nor that it is not.
    Probe {
        /// On this side.
        side: Side,
    },
    /// The destination's settings could not be read, so causes may be missing.
    DestinationSettings {
        /// The operation.
        operation: &'static str,
        /// What S3 answered.
        detail: String,
    },
    /// The queue that S3's events go to could not be read.
    FailureEvents {
        /// Why not.
        detail: String,
    },
    /// The content was not read: that it decrypts is not proven.
    Content,
    /// Of the content, only samples were read.
    RestOfContent,
    /// How the source is cut into parts is not known, so that ranges across their boundaries could not
    /// be chosen.
    PartBoundaries,
}

impl Unseen {
    /// Whether there may be tags that were not compared. A server that keeps none says so in other ways
    /// than one that does not show them.
    pub(crate) fn hides_tags(&self) -> bool {
        matches!(self, Self::Tags { refusal, .. } if !matches!(refusal.status, 404 | 405 | 501))
    }

    /// Its name, as in JSON.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::ReplicationStatus => "replication-status",
            Self::ReplicationConfiguration { .. } => "replication-configuration",
            Self::ActingRule => "acting-rule",
            Self::Destination => "destination",
            Self::Checksum => "checksum",
            Self::KeyMd5 => "key-md5",
            Self::Tags { .. } => "tags",
            Self::ObjectLock { .. } => "object-lock",
            Self::Metadata => "metadata",
            Self::ReplicaModifications { .. } => "replica-modifications",
            Self::ReceiptSeal => "receipt-seal",
            Self::Probes => "probes",
            Self::Probe { .. } => "probe",
            Self::FailureEvents { .. } => "failure-events",
            Self::DestinationSettings { .. } => "destination-settings",
            Self::Content => "content",
            Self::RestOfContent => "rest-of-content",
            Self::PartBoundaries => "part-boundaries",
        }
    }
}

/// How long things took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Timings {
    /// From the first look until the status was settled or the deadline passed.
    #[serde(serialize_with = "seconds")]
    pub waited: Duration,
    /// Looks at the source until then.
    pub looks: u32,
    /// From the upload until the status was first seen as completed. Only where the change was
    /// witnessed; it is exact to one delay between looks, and as good as the two clocks agree.
    #[serde(serialize_with = "optional_seconds")]
    pub status_latency: Option<Duration>,
    /// Everything.
    #[serde(serialize_with = "seconds")]
    pub total: Duration,
}

/// A duration in seconds, as JSON readers expect it.
pub(crate) fn seconds<S: Serializer>(
    duration: &Duration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

fn optional_seconds<S: Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    duration
        .map(|duration| duration.as_secs_f64())
        .serialize(serializer)
}
