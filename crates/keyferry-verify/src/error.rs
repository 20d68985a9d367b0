//! What keeps a verification from coming to a result.
//!
//! A replica that is missing or differs is a result, not an error: see [`crate::Outcome`].

use keyferry_key::{GenerateError, KeyId, KeyMd5};
use keyferry_policy::{BucketName, Region};
use keyferry_transfer::{ObjectAddress, TransferError};

use crate::Refusal;
use crate::answer::Trouble;
use crate::regions::ClientFailure;

/// Why nothing could be said about the replica.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The key is not the one of the object.
    #[error("the key with MD5 `{given}` does not open `{address}`{}", expected_key(*.expected))]
    WrongKey {
        /// The object.
        address: ObjectAddress,
        /// MD5 of the key that was given.
        given: KeyMd5,
        /// MD5 of the right key, where a receipt names it.
        expected: Option<KeyMd5>,
    },
    /// The object is under a customer key, and none was given.
    #[error("`{address}` is under a customer key, and no key is at hand{}", expected_key(*.expected))]
    NoKey {
        /// The object.
        address: ObjectAddress,
        /// MD5 of the key, where a receipt names it.
        expected: Option<KeyMd5>,
    },
    /// The object is under a customer key that is not at hand, and its tag names it.
    #[error(
        "`{address}` is under a customer key that is not at hand: its tag names the key `{id}`"
    )]
    NamedKeyMissing {
        /// The object.
        address: ObjectAddress,
        /// The key.
        id: KeyId,
    },
    /// The object is not under a customer key.
    #[error(
        "`{address}` is not encrypted under a customer key (SSE-C): S3 gives it out without one"
    )]
    NotCustomerKey {
        /// The object.
        address: ObjectAddress,
    },
    /// The source has no such object version.
    #[error("`{address}`{} is not there", version(.version_id.as_deref()))]
    SourceMissing {
        /// The object.
        address: ObjectAddress,
        /// The version that was asked for.
        version_id: Option<String>,
    },
    /// There is no such bucket.
    #[error("the bucket `{bucket}` does not exist")]
    NoBucket {
        /// The bucket.
        bucket: BucketName,
    },
    /// What was given as a version id cannot be one.
    #[error("`{version_id}` is not the version id of an object")]
    NotAVersionId {
        /// The object.
        address: ObjectAddress,
        /// What was given.
        version_id: String,
    },
    /// The bucket is in another region than where it was asked for, or its region is not served by the
    /// endpoint.
    #[error("{}", elsewhere(.bucket, .region, .said.as_deref(), .refusal))]
    WrongRegion {
        /// The bucket.
        bucket: BucketName,
        /// Where it was asked for.
        region: Region,
        /// Where it is, if the server says that it is elsewhere.
        said: Option<String>,
        /// S3's answer.
        refusal: Box<Refusal>,
    },
    /// S3 refused a request that verification cannot do without.
    #[error("{operation} on bucket `{bucket}` was refused with {refusal}")]
    Refused {
        /// S3's name of the operation.
        operation: &'static str,
        /// The bucket.
        bucket: BucketName,
        /// S3's answer.
        refusal: Refusal,
    },
    /// No usable answer came.
    #[error("{operation} on bucket `{bucket}` got no answer: {detail}")]
    Unreachable {
        /// S3's name of the operation.
        operation: &'static str,
        /// The bucket.
        bucket: BucketName,
        /// What went wrong.
        detail: String,
    },
    /// There is no client for a region.
    #[error("region `{region}` cannot be reached")]
    Client {
        /// The region.
        region: Region,
        /// Why.
        source: ClientFailure,
    },
    /// A replication rule names its destination in a way that is no bucket ARN.
    #[error("the replication destination `{arn}` is not the ARN of a bucket")]
    DestinationArn {
        /// What the rule says.
        arn: String,
    },
    /// The server named a region that is none.
    #[error("the region of bucket `{bucket}` is not known: the server says `{said}`")]
    UnknownRegion {
        /// The bucket.
        bucket: BucketName,
        /// What the server said; empty when nothing.
        said: String,
    },
    /// What is to be verified could not be read to its end.
    #[error("what is to be verified cannot be read: {detail}")]
    Source {
        /// What went wrong.
        detail: String,
    },
    /// What a bucket holds could not be listed.
    #[error(transparent)]
    Listing(#[from] TransferError),
    /// No throw-away key could be made for the probes.
    #[error(transparent)]
    Randomness(#[from] GenerateError),
    /// The caller cancelled.
    #[error("the verification was interrupted")]
    Interrupted,
}

/// What sort of error it is, as far as exit codes tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Any failure that is none of the others.
    Failure,
    /// The key is wrong.
    WrongKey,
    /// The caller cancelled.
    Interrupted,
}

impl VerifyError {
    pub(crate) fn of(operation: &'static str, bucket: &BucketName, trouble: Trouble) -> Self {
        match trouble {
            Trouble::Refused(refusal) if refusal.has_code("NoSuchBucket") => Self::NoBucket {
                bucket: bucket.clone(),
            },
            Trouble::Refused(refusal) => Self::Refused {
                operation,
                bucket: bucket.clone(),
                refusal,
            },
            Trouble::Unreachable(detail) => Self::Unreachable {
                operation,
                bucket: bucket.clone(),
                detail,
            },
        }
    }

    /// What sort of error it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::WrongKey { .. } | Self::NoKey { .. } | Self::NamedKeyMissing { .. } => {
                ErrorKind::WrongKey
            }
            Self::Interrupted | Self::Listing(TransferError::Interrupted) => ErrorKind::Interrupted,
            _ => ErrorKind::Failure,
        }
    }

    /// Whether it would be the same for all objects of a bucket.
    pub(crate) fn is_of_all(&self) -> bool {
        matches!(self, Self::WrongRegion { .. })
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::WrongKey {
                expected: Some(expected),
                ..
            } => format!("give the key whose MD5 is `{expected}`"),
            Self::WrongKey { expected: None, .. } => {
                "the object tag `keyferry-key` names the key, if it was set".to_owned()
            }
            Self::NoKey { .. } => "give its key".to_owned(),
            Self::NamedKeyMissing { id, .. } => {
                format!("use the key store that holds `{id}`, or import that key")
            }
            Self::NotCustomerKey { .. } => {
                "read it without a key, as with `aws s3 cp`; or upload it again under a customer key"
                    .to_owned()
            }
            Self::SourceMissing { .. } => {
                "check the key and version id; the version may have been deleted or expired"
                    .to_owned()
            }
            Self::NotAVersionId { .. } => {
                "`aws s3api list-object-versions` shows the version ids of an object".to_owned()
            }
            Self::WrongRegion {
                bucket,
                said: Some(said),
                ..
            } => format!(
                "name the replica with its region: --replica {bucket}@{said}, or --replica-region {said}"
            ),
            Self::WrongRegion { region, .. } => format!(
                "give the bucket's region with --replica-region, or the endpoint of `{region}` with \
                 --endpoint-url {region}=URL"
            ),
            Self::NoBucket { .. } => "check the name and the endpoint".to_owned(),
            Self::Refused {
                operation, refusal, ..
            } if refusal.is_denial() => match *operation {
                "GetBucketReplication" => {
                    "allow s3:GetReplicationConfiguration, or name the replica bucket".to_owned()
                }
                "GetObjectTagging" => "allow s3:GetObjectVersionTagging: a rule selects by tag \
                    and tags cannot be read"
                    .to_owned(),
                "HeadObject" => "allow s3:GetObject and s3:GetObjectVersion".to_owned(),
                other => format!("allow {other} to the credentials in use"),
            },
            Self::Refused { refusal, .. } if refusal.status == 301 => {
                "the bucket is in another region".to_owned()
            }
            Self::Unreachable { .. } | Self::Client { .. } => {
                "check the endpoint, the network, the CA bundle and the credentials".to_owned()
            }
            Self::UnknownRegion { .. } => "give the region of the replica bucket".to_owned(),
            Self::DestinationArn { .. } => "name the replica bucket".to_owned(),
            Self::Listing(error) => return error.hint(),
            Self::Refused { .. }
            | Self::Source { .. }
            | Self::Randomness(_)
            | Self::Interrupted => return None,
        })
    }
}

fn expected_key(expected: Option<KeyMd5>) -> String {
    expected.map_or_else(String::new, |md5| {
        format!(": the receipt names the key with MD5 `{md5}`")
    })
}

fn elsewhere(
    bucket: &BucketName,
    region: &Region,
    said: Option<&str>,
    refusal: &Refusal,
) -> String {
    match said {
        Some(said) => {
            format!("the bucket `{bucket}` is in region `{said}`, and was asked for in `{region}`")
        }
        None => format!(
            "wrong region or endpoint: the bucket `{bucket}` cannot be asked for in region `{region}` \
             here, HeadBucket was refused with {refusal}"
        ),
    }
}

fn version(version_id: Option<&str>) -> String {
    version_id.map_or_else(String::new, |id| format!(" version `{id}`"))
}
