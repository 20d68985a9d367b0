//! What buckets themselves say, without IAM.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::types::{BucketVersioningStatus, EncryptionType};
use keyferry_policy::BucketName;

use crate::answer::Trouble;
use crate::report::Unseen;

pub(super) async fn versioned(
    client: &Client,
    bucket: &BucketName,
    unseen: &mut Vec<Unseen>,
) -> Option<bool> {
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

pub(super) async fn blocks_customer_keys(
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
