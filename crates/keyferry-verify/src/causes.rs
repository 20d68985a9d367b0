//! Why replication failed or did not happen, as far as read access shows.
//!
//! `FAILED` means permissions or configuration. S3 keeps no reason with the object, so what is looked
//! at is today's configuration; it may have been another when replication failed (S3-VERIFY-6,
//! S3-XFER-5). Whether S3 may do what replication needs the policy core decides, from the policies that
//! are in force. Where IAM may not be read, what the role may do stays possible. S3's events, where
//! somebody has them sent to a queue, say what it was then.
//!
//! AWS: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-troubleshoot.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/blocking-unblocking-s3-c-encryption-gpb.html>

mod background;
mod buckets;
mod gather;

use std::fmt;

use keyferry_policy::BucketName;
use keyferry_policy::check;
use serde::Serialize;

use crate::events::FailureEvent;
pub(crate) use background::Background;
pub(crate) use gather::{Failing, How, gather};

/// A possible reason for a failed replication.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailureReason {
    /// What it is.
    pub cause: Cause,
    /// How sure it is.
    pub certainty: Certainty,
}

/// How sure a reason is; the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    /// While this is so, replication of this object cannot succeed.
    Certain,
    /// Nothing else was found that explains it.
    Likely,
    /// Cannot be excluded by what may be read.
    Possible,
}

/// What can make replication fail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "cause", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Cause {
    /// The destination bucket does not exist.
    DestinationMissing {
        /// The bucket.
        bucket: BucketName,
    },
    /// The destination bucket blocks objects under customer keys, as new buckets do.
    DestinationBlocksCustomerKeys {
        /// The bucket.
        bucket: BucketName,
        /// Commands that let them in and leave everything else as it is, where that is known.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        commands: Vec<String>,
    },
    /// A bucket does not have versioning enabled.
    NotVersioned {
        /// The bucket.
        bucket: BucketName,
        /// Commands that enable it, where they are known.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        commands: Vec<String>,
    },
    /// The object is under an AWS KMS key, and the rule does not include such objects.
    KmsNotIncluded {
        /// The rule's id.
        rule: Option<String>,
    },
    /// The role does not exist, does not trust S3, or lacks a permission on one of the buckets; or a
    /// bucket policy denies it. Which of these could not be found out.
    RolePermissions {
        /// ARN of the role.
        role: String,
    },
    /// Something that the policy core finds in what is in force: a call that is denied, a KMS key that
    /// cannot be used.
    Found {
        /// What, why, and what repairs it.
        finding: Box<check::Finding>,
    },
    /// What S3 itself said about this version, in an event.
    Reported {
        /// The event.
        event: Box<FailureEvent>,
    },
    /// A rule covers the object now, and everything is allowed: the object is older than the rule.
    OlderThanRule,
    /// Nothing that can be read stands in the way today: it was repaired since, or only S3 knows it.
    RepairedSince,
    /// Nothing stands in the way: S3 is late, or cannot reach the destination's region.
    Delayed,
}

impl fmt::Display for FailureReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.cause, self.certainty)
    }
}

impl fmt::Display for Certainty {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Certain => "certain",
            Self::Likely => "likely",
            Self::Possible => "possible",
        })
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DestinationMissing { bucket } => {
                write!(
                    formatter,
                    "the destination bucket `{bucket}` does not exist"
                )
            }
            Self::DestinationBlocksCustomerKeys { bucket, .. } => write!(
                formatter,
                "the destination bucket `{bucket}` blocks objects under customer keys (SSE-C)"
            ),
            Self::NotVersioned { bucket, .. } => {
                write!(formatter, "versioning is not enabled on `{bucket}`")
            }
            Self::KmsNotIncluded { rule } => write!(
                formatter,
                "the object is under an AWS KMS key, and the rule `{}` does not include such objects",
                rule.as_deref().unwrap_or_default()
            ),
            Self::RolePermissions { role } => write!(
                formatter,
                "the role `{role}` is missing, not trusted by S3, lacks a permission, or is denied \
                 by a bucket policy"
            ),
            Self::Found { finding } => {
                write!(formatter, "{}: {}", finding.message, finding.why)
            }
            Self::Reported { event } => write!(formatter, "S3 reported {event}"),
            Self::OlderThanRule => {
                formatter.write_str("the object was written before the rule covered it")
            }
            Self::RepairedSince => formatter.write_str(
                "nothing that can be read stands in the way today: it was repaired since, or only S3 knows it",
            ),
            Self::Delayed => formatter.write_str(
                "nothing stands in the way; S3 is late, or the other region is out of reach",
            ),
        }
    }
}
