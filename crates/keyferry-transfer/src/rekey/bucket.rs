//! What is so for the whole bucket: versioning, Object Lock, ownership of objects.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::types::{BucketVersioningStatus, ObjectLockEnabled, ObjectOwnership};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use keyferry_policy::BucketName;

use crate::TransferError;
use crate::error::{Asked, classify, is_status};

/// What matters of a bucket when its objects are copied onto themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BucketState {
    /// Whether old versions stay; `None` where it may not be asked.
    pub versioned: Option<bool>,
    /// Whether versions may be locked.
    pub lock: LockState,
    /// Whether objects have access control lists.
    pub ownership: Ownership,
}

/// Whether versions may have a legal hold or a retention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockState {
    /// They cannot.
    Off,
    /// They can: each one is asked.
    On,
    /// It may not be asked. HEAD shows locks only to those who may read them, so that one that is not
    /// shown may be there (S3-LOCK-8).
    Unknown,
}

/// Whether objects have access control lists, which a copy does not take over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// They have none: the bucket's owner owns everything.
    Enforced,
    /// They have.
    ByObject,
    /// It may not be asked.
    Unknown,
}

pub(super) async fn look(
    client: &Client,
    bucket: &BucketName,
) -> Result<BucketState, TransferError> {
    Ok(BucketState {
        versioned: versioned(client, bucket).await?,
        lock: lock(client, bucket).await?,
        ownership: ownership(client, bucket).await?,
    })
}

/// A refusal is an answer: `None`. Anything else that goes wrong is an error.
fn unless_refused<T>(error: TransferError) -> Result<Option<T>, TransferError> {
    match error {
        TransferError::AccessDenied { .. } | TransferError::Service { .. } => Ok(None),
        error => Err(error),
    }
}

fn asked<'a>(operation: &'static str, client: &'a Client, bucket: &'a BucketName) -> Asked<'a> {
    Asked {
        operation,
        client,
        bucket,
        object: None,
        version_id: None,
    }
}

async fn versioned(client: &Client, bucket: &BucketName) -> Result<Option<bool>, TransferError> {
    match client
        .get_bucket_versioning()
        .bucket(bucket.as_str())
        .send()
        .await
    {
        Ok(answer) => Ok(Some(
            answer.status() == Some(&BucketVersioningStatus::Enabled),
        )),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => unless_refused(classify(
            error,
            &asked("GetBucketVersioning", client, bucket),
        )),
    }
}

async fn lock(client: &Client, bucket: &BucketName) -> Result<LockState, TransferError> {
    let answer = client
        .get_object_lock_configuration()
        .bucket(bucket.as_str())
        .send()
        .await;
    match answer {
        Ok(answer) => {
            let enabled = answer
                .object_lock_configuration()
                .and_then(|configuration| configuration.object_lock_enabled());
            Ok(if enabled == Some(&ObjectLockEnabled::Enabled) {
                LockState::On
            } else {
                LockState::Off
            })
        }
        Err(error) if is_absent(&error) => Ok(LockState::Off),
        Err(error) => Ok(unless_refused(classify(
            error,
            &asked("GetObjectLockConfiguration", client, bucket),
        ))?
        .unwrap_or(LockState::Unknown)),
    }
}

async fn ownership(client: &Client, bucket: &BucketName) -> Result<Ownership, TransferError> {
    let answer = client
        .get_bucket_ownership_controls()
        .bucket(bucket.as_str())
        .send()
        .await;
    match answer {
        Ok(answer) => {
            let enforced = answer
                .ownership_controls()
                .map(|controls| controls.rules())
                .unwrap_or_default()
                .iter()
                .any(|rule| *rule.object_ownership() == ObjectOwnership::BucketOwnerEnforced);
            Ok(if enforced {
                Ownership::Enforced
            } else {
                Ownership::ByObject
            })
        }
        Err(error) if is_absent(&error) => Ok(Ownership::ByObject),
        Err(error) => Ok(unless_refused(classify(
            error,
            &asked("GetBucketOwnershipControls", client, bucket),
        ))?
        .unwrap_or(Ownership::Unknown)),
    }
}

/// Whether the answer says that the bucket has no such configuration, or the server no such feature.
fn is_absent<E>(error: &SdkError<E, HttpResponse>) -> bool
where
    E: ProvideErrorMetadata,
{
    let no_bucket = error
        .as_service_error()
        .is_some_and(|service| service.code() == Some("NoSuchBucket"));
    !no_bucket && (is_status(error, 404) || is_status(error, 501))
}
