//! What an opaque 400 or 403 to a GET means.
//!
//! S3 says "wrong key" with a 403 and a message, other servers with a 400 and other words. Asking once
//! more *without* a key tells the cases apart: an object under a customer key then answers 400, one
//! that is not answers 200, and a missing permission stays 403.

use crate::error::Asked;
use crate::{ObjectAddress, TransferError};

/// Finds out whether a refusal was for the key.
pub(super) async fn explain(
    asked: &Asked<'_>,
    source: &ObjectAddress,
    error: TransferError,
) -> TransferError {
    let answer = match &error {
        TransferError::AccessDenied { answer, .. } => answer.clone(),
        TransferError::Service { answer, .. } if answer.status == 400 => answer.clone(),
        _ => return error,
    };
    let without_key = asked
        .client
        .head_object()
        .bucket(source.bucket.as_str())
        .key(&source.key)
        .set_version_id(asked.version_id.map(str::to_owned))
        .send()
        .await;
    let version_id = asked.version_id.map(str::to_owned);
    let status = match &without_key {
        Ok(_) => 200,
        Err(refused) => refused
            .raw_response()
            .map_or(0, |response| response.status().as_u16()),
    };
    match status {
        200 => TransferError::NotCustomerEncrypted {
            address: source.clone(),
            version_id,
        },
        400 => TransferError::WrongKey {
            address: source.clone(),
            version_id,
            answer,
        },
        404 => TransferError::NoSuchObject {
            address: source.clone(),
            version_id,
        },
        _ => error,
    }
}
