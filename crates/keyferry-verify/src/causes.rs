//! Why replication failed, as far as read access shows.
//!
//! `FAILED` means permissions or configuration. S3 keeps no reason with the object, so what is looked
//! at is today's configuration; it may have been another when replication failed. What the
//! replication role may do cannot be seen through S3 and stays possible (S3-VERIFY-6, S3-XFER-5).
//!
//! AWS: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-troubleshoot.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/blocking-unblocking-s3-c-encryption-gpb.html>

use std::fmt;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::types::{BucketVersioningStatus, EncryptionType};
use keyferry_policy::BucketName;
use serde::Serialize;

use crate::ObjectView;
use crate::answer::Trouble;
use crate::destination::Destination;
use crate::report::Unseen;

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
    },
    /// A bucket does not have versioning enabled.
    NotVersioned {
        /// The bucket.
        bucket: BucketName,
    },
    /// The object is under an AWS KMS key, and the rule does not include such objects.
    KmsNotIncluded {
        /// The rule's id.
        rule: Option<String>,
    },
    /// The role does not exist, does not trust S3, or lacks a permission on one of the buckets; or a
    /// bucket policy denies it.
    RolePermissions {
        /// ARN of the role.
        role: String,
    },
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
            Self::DestinationBlocksCustomerKeys { bucket } => write!(
                formatter,
                "the destination bucket `{bucket}` blocks objects under customer keys (SSE-C)"
            ),
            Self::NotVersioned { bucket } => {
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
        }
    }
}

/// Gathers what can be learnt, the surest first.
pub(crate) async fn gather(
    source: (&Client, &BucketName),
    view: &ObjectView,
    role: Option<&str>,
    destinations: &[(&Destination, Option<&Client>)],
    unseen: &mut Vec<Unseen>,
) -> Vec<FailureReason> {
    let mut certain = Vec::new();
    let (source_client, source_bucket) = source;
    if versioned(source_client, source_bucket, unseen).await == Some(false) {
        certain.push(Cause::NotVersioned {
            bucket: source_bucket.clone(),
        });
    }
    for (destination, client) in destinations {
        let bucket = &destination.bucket;
        let Some(client) = client else {
            certain.push(Cause::DestinationMissing {
                bucket: bucket.clone(),
            });
            continue;
        };
        if versioned(client, bucket, unseen).await == Some(false) {
            certain.push(Cause::NotVersioned {
                bucket: bucket.clone(),
            });
        }
        if view.key_md5.is_some() && blocks_customer_keys(client, bucket, unseen).await {
            certain.push(Cause::DestinationBlocksCustomerKeys {
                bucket: bucket.clone(),
            });
        }
        if let Some(rule) = &destination.rule
            && view.is_under_kms()
            && !rule.kms_opt_in
        {
            certain.push(Cause::KmsNotIncluded {
                rule: rule.id.clone(),
            });
        }
    }
    let permissions = if certain.is_empty() {
        Certainty::Likely
    } else {
        Certainty::Possible
    };
    let role = role.map(|role| FailureReason {
        cause: Cause::RolePermissions {
            role: role.to_owned(),
        },
        certainty: permissions,
    });
    certain
        .into_iter()
        .map(|cause| FailureReason {
            cause,
            certainty: Certainty::Certain,
        })
        .chain(role)
        .collect()
}

async fn versioned(client: &Client, bucket: &BucketName, unseen: &mut Vec<Unseen>) -> Option<bool> {
    let answer = client
        .get_bucket_versioning()
        .bucket(bucket.as_str())
        .send()
        .await;
    match answer {
        Ok(versioning) => Some(versioning.status() == Some(&BucketVersioningStatus::Enabled)),
        Err(error) => {
            unseen.push(not_seen("GetBucketVersioning", error));
            None
        }
    }
}

async fn blocks_customer_keys(
    client: &Client,
    bucket: &BucketName,
    unseen: &mut Vec<Unseen>,
) -> bool {
    let answer = client
        .get_bucket_encryption()
        .bucket(bucket.as_str())
        .send()
        .await;
    match answer {
        Ok(encryption) => encryption
            .server_side_encryption_configuration()
            .map_or(&[][..], |configuration| configuration.rules())
            .iter()
            .filter_map(|rule| rule.blocked_encryption_types())
            .flat_map(|blocked| blocked.encryption_type())
            .any(|kind| kind == &EncryptionType::SseC),
        // No encryption configuration, so none that blocks anything.
        Err(error) if error.code() == Some("ServerSideEncryptionConfigurationNotFoundError") => {
            false
        }
        Err(error) => {
            unseen.push(not_seen("GetBucketEncryption", error));
            false
        }
    }
}

fn not_seen<E>(operation: &'static str, error: SdkError<E>) -> Unseen
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    Unseen::DestinationSettings {
        operation,
        detail: match Trouble::of(error) {
            Trouble::Refused(refusal) => refusal.to_string(),
            Trouble::Unreachable(detail) => detail,
        },
    }
}
