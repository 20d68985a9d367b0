//! Deleting objects and versions, up to 1,000 with one request.
//!
//! Without a version id a bucket that keeps versions gets a delete marker, and nothing is lost; with
//! one the version is gone for good. No deletion takes a customer key (S3-SSEC-13). The request
//! carries a checksum of its list, which S3 demands and the SDK adds.
//!
//! S3 answers for each object on its own, so some may be deleted and others not. Answers that ask to
//! try again are followed, for those objects alone.
//!
//! AWS: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html>

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{Delete, Error as ListedError, ObjectIdentifier};
use keyferry_policy::BucketName;

use crate::error::{Asked, classify};
use crate::{ObjectAddress, ServiceAnswer, TransferError};

/// How many objects one request deletes at most.
pub const MAX_DELETIONS: usize = 1000;

/// How often an object is tried whose deletion S3 puts off.
const TRIES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// An object, or a version, to delete.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Deletion {
    /// Key of the object.
    pub key: String,
    /// The version, or delete marker, which is then gone for good.
    pub version_id: Option<String>,
}

/// What a deletion did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removed {
    /// The object, or the version, is gone. S3 says the same of one that was not there.
    Gone,
    /// There is a delete marker with this version id on top of the object's versions, which are kept.
    Marked(Option<String>),
    /// A delete marker is gone: the version below it is current again, if there is one.
    Unmarked,
}

/// What became of one deletion.
#[derive(Debug)]
pub struct Deleted {
    /// What was asked for.
    pub deletion: Deletion,
    /// What it did, or why it did nothing.
    pub result: Result<Removed, TransferError>,
}

/// Deletes objects of one bucket. `bypass_governance` deletes versions that are locked in governance
/// mode, too, where that is permitted (S3-LOCK-6).
///
/// # Errors
/// When a request as a whole fails: what of it was done is not known. What is wrong with single
/// objects is in [`Deleted::result`].
pub async fn delete(
    client: &Client,
    bucket: &BucketName,
    deletions: Vec<Deletion>,
    bypass_governance: bool,
) -> Result<Vec<Deleted>, TransferError> {
    let request = Request {
        client,
        bucket,
        bypass_governance,
    };
    let (listed, alone): (Vec<_>, Vec<_>) = deletions
        .into_iter()
        .partition(|deletion| is_xml(&deletion.key));
    let mut deleted = Vec::with_capacity(listed.len() + alone.len());
    for deletion in alone {
        let result = request.one(&deletion).await;
        deleted.push(Deleted { deletion, result });
    }
    for batch in listed.chunks(MAX_DELETIONS) {
        let mut batch = batch.to_vec();
        let mut pause = FIRST_PAUSE;
        for tries_left in (0..TRIES).rev() {
            let (done, put_off) = request.many(batch, tries_left == 0).await?;
            deleted.extend(done);
            batch = put_off;
            if batch.is_empty() {
                break;
            }
            tokio::time::sleep(pause.mul_f64(1.0 + rand::random::<f64>())).await;
            pause *= 2;
        }
    }
    Ok(deleted)
}

struct Request<'a> {
    client: &'a Client,
    bucket: &'a BucketName,
    bypass_governance: bool,
}

impl Request<'_> {
    /// The header is an error where the bucket has no Object Lock, so it goes only when asked for.
    fn bypass(&self) -> Option<bool> {
        self.bypass_governance.then_some(true)
    }

    async fn one(&self, deletion: &Deletion) -> Result<Removed, TransferError> {
        let answer = self
            .client
            .delete_object()
            .bucket(self.bucket.as_str())
            .key(&deletion.key)
            .set_version_id(deletion.version_id.clone())
            .set_bypass_governance_retention(self.bypass())
            .send()
            .await;
        match answer {
            Ok(answer) => Ok(removed(
                deletion,
                answer.delete_marker() == Some(true),
                answer.version_id(),
            )),
            Err(error) => {
                let address = self.address(deletion);
                let asked = Asked::of_object("DeleteObject", self.client, &address)
                    .version(deletion.version_id.as_deref());
                Err(locked(deletion, &address, classify(error, &asked)))
            }
        }
    }

    /// What was settled, and what is to be tried again.
    async fn many(
        &self,
        batch: Vec<Deletion>,
        is_last: bool,
    ) -> Result<(Vec<Deleted>, Vec<Deletion>), TransferError> {
        const OPERATION: &str = "DeleteObjects";
        let failed = |what: &str| TransferError::UnexpectedAnswer {
            operation: OPERATION,
            what: what.to_owned(),
        };
        let objects = batch
            .iter()
            .map(|deletion| {
                ObjectIdentifier::builder()
                    .key(&deletion.key)
                    .set_version_id(deletion.version_id.clone())
                    .build()
            })
            .collect::<Result<Vec<_>, _>>()
            .and_then(|objects| Delete::builder().set_objects(Some(objects)).build())
            .map_err(|error| failed(&error.to_string()))?;
        let answer = self
            .client
            .delete_objects()
            .bucket(self.bucket.as_str())
            .delete(objects)
            .set_bypass_governance_retention(self.bypass())
            .send()
            .await
            .map_err(|error| {
                let asked = Asked {
                    operation: OPERATION,
                    client: self.client,
                    bucket: self.bucket,
                    object: None,
                    version_id: None,
                };
                classify(error, &asked)
            })?;
        let named = |key: Option<&str>, version_id: Option<&str>| Deletion {
            key: key.unwrap_or_default().to_owned(),
            version_id: version_id.filter(|id| !id.is_empty()).map(str::to_owned),
        };
        let mut errors: HashMap<Deletion, &ListedError> = answer
            .errors()
            .iter()
            .map(|error| (named(error.key(), error.version_id()), error))
            .collect();
        let asked: HashSet<&Deletion> = batch.iter().collect();
        let mut done: HashMap<Deletion, Removed> = answer
            .deleted()
            .iter()
            .map(|object| {
                let mut deletion = named(object.key(), object.version_id());
                if !asked.contains(&deletion) {
                    // SeaweedFS names a delete marker that was deleted as if it were a new one.
                    deletion = named(object.key(), object.delete_marker_version_id());
                }
                let is_marker = object.delete_marker() == Some(true);
                let removed = removed(&deletion, is_marker, object.delete_marker_version_id());
                (deletion, removed)
            })
            .collect();
        let (mut settled, mut put_off) = (Vec::with_capacity(batch.len()), Vec::new());
        for deletion in batch {
            let result = match (done.remove(&deletion), errors.remove(&deletion)) {
                (Some(removed), None) => Ok(removed),
                (_, Some(error)) if !is_last && is_passing(error) => {
                    put_off.push(deletion);
                    continue;
                }
                (_, Some(error)) => Err(self.refusal(&deletion, error)),
                (None, None) => Err(failed("the answer does not mention the object")),
            };
            settled.push(Deleted { deletion, result });
        }
        Ok((settled, put_off))
    }

    fn address(&self, deletion: &Deletion) -> ObjectAddress {
        ObjectAddress {
            bucket: self.bucket.clone(),
            key: deletion.key.clone(),
        }
    }

    fn refusal(&self, deletion: &Deletion, error: &ListedError) -> TransferError {
        let address = self.address(deletion);
        let code = error.code().unwrap_or_default();
        let answer = Box::new(ServiceAnswer {
            // Of single objects there is no status: what the code has elsewhere.
            status: match code {
                "AccessDenied" => 403,
                "InternalError" => 500,
                "SlowDown" => 503,
                _ => 400,
            },
            code: error.code().map(str::to_owned),
            message: error.message().map(str::to_owned),
            request_id: None,
        });
        let error = match answer.status {
            403 => TransferError::AccessDenied {
                target: address.to_string(),
                answer,
            },
            503 => TransferError::Throttled { answer },
            _ => TransferError::Service {
                operation: "DeleteObjects",
                answer,
            },
        };
        locked(deletion, &address, error)
    }
}

fn removed(deletion: &Deletion, is_marker: bool, marker: Option<&str>) -> Removed {
    match (&deletion.version_id, is_marker) {
        (_, false) => Removed::Gone,
        (Some(_), true) => Removed::Unmarked,
        (None, true) => Removed::Marked(marker.map(str::to_owned)),
    }
}

/// A denial for the sake of Object Lock is no missing permission (S3-LOCK-5).
fn locked(deletion: &Deletion, address: &ObjectAddress, error: TransferError) -> TransferError {
    match error {
        TransferError::AccessDenied { answer, .. }
            if answer
                .message
                .as_deref()
                .is_some_and(|message| message.to_ascii_lowercase().contains("object lock")) =>
        {
            TransferError::ObjectLocked {
                address: address.clone(),
                version_id: deletion.version_id.clone(),
            }
        }
        error => error,
    }
}

fn is_passing(error: &ListedError) -> bool {
    matches!(
        error.code(),
        Some("InternalError" | "SlowDown" | "ServiceUnavailable" | "RequestTimeout")
    )
}

/// Whether XML can express a name and give it back as it was: not most control characters, and of
/// line ends only some. Objects of such names are deleted one by one, with the name in the path.
fn is_xml(name: &str) -> bool {
    !name
        .chars()
        .any(|c| c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_xml_cannot_hold_are_told_apart() {
        assert!(is_xml("a b/ü & <x> \"' ?"));
        for name in ["a\u{1}", "a\r", "a\n", "a\tb", "\u{FFFF}", "\u{85}"] {
            assert!(!is_xml(name), "{name:?}");
        }
    }

    #[test]
    fn what_was_deleted_depends_on_what_was_asked_for() {
        let of = |version_id: Option<&str>| Deletion {
            key: "k".to_owned(),
            version_id: version_id.map(str::to_owned),
        };
        assert_eq!(removed(&of(None), false, None), Removed::Gone);
        assert_eq!(
            removed(&of(None), true, Some("m")),
            Removed::Marked(Some("m".to_owned()))
        );
        assert_eq!(removed(&of(Some("v")), false, None), Removed::Gone);
        assert_eq!(removed(&of(Some("m")), true, Some("m")), Removed::Unmarked);
    }
}
