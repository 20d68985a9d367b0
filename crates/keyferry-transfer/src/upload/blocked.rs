//! Why was the upload refused: permission, or because the bucket blocks SSE-C?
//!
//! Buckets made since April 2026 refuse writes under customer keys with the same 403 AccessDenied as
//! a missing permission. The bucket's encryption configuration tells, if it may be read
//! (S3-XFER-5).
//! AWS: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/blocking-unblocking-s3-c-encryption-gpb.html>.

use aws_sdk_s3::Client;
use aws_sdk_s3::types::EncryptionType;

use crate::{ObjectAddress, TransferError};

/// Turns a denied upload into [`TransferError::SseCBlocked`] where the bucket's configuration says so.
pub(crate) async fn explain(
    client: &Client,
    destination: &ObjectAddress,
    error: TransferError,
) -> TransferError {
    let TransferError::AccessDenied { answer, target } = error else {
        return error;
    };
    if blocks_sse_c(client, destination).await {
        return TransferError::SseCBlocked {
            bucket: destination.bucket.clone(),
            answer,
        };
    }
    TransferError::AccessDenied { target, answer }
}

async fn blocks_sse_c(client: &Client, destination: &ObjectAddress) -> bool {
    let request = client
        .get_bucket_encryption()
        .bucket(destination.bucket.as_str());
    let Ok(answer) = request.send().await else {
        return false;
    };
    answer
        .server_side_encryption_configuration()
        .map(|configuration| configuration.rules())
        .unwrap_or_default()
        .iter()
        .filter_map(|rule| rule.blocked_encryption_types())
        .flat_map(|blocked| blocked.encryption_type())
        .any(|blocked| *blocked == EncryptionType::SseC)
}
