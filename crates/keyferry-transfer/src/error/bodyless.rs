//! Why a HEAD was refused.
//!
//! Answers to HEAD have no body and so no error code (S3-XFER-15): expired credentials look like a
//! bad request, unknown ones and a wrong clock like a missing permission. Who asks is settled before
//! what they may do, so a GET on the bucket tells these cases apart whether it is permitted or not.

use super::{Asked, TransferError, classify};

/// Asks once more, with a request whose answer has a body, where a refusal has no code and may be
/// about the credentials. Gives the error back where it is about something else.
pub(crate) async fn explain_bodyless(asked: &Asked<'_>, error: TransferError) -> TransferError {
    let (TransferError::AccessDenied { answer, .. } | TransferError::Service { answer, .. }) =
        &error
    else {
        return error;
    };
    if answer.code.is_some() || !matches!(answer.status, 400 | 401 | 403) {
        return error;
    }
    let location = asked
        .client
        .get_bucket_location()
        .bucket(asked.bucket.as_str())
        .send()
        .await;
    let Err(refused) = location else {
        return error;
    };
    let asked = Asked {
        operation: "GetBucketLocation",
        object: None,
        version_id: None,
        ..*asked
    };
    match classify(refused, &asked) {
        told if told.is_about_credentials() => told,
        _ => error,
    }
}
