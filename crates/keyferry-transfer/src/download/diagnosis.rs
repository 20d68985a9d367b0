//! What an opaque 400 or 403 to a GET means.
//!
//! S3 says "wrong key" with a 403 and a message, other servers with a 400 and other words. Asking once
//! more *without* a key tells the cases apart (S3-XFER-4): an object under a customer key then answers
//! 400, one that is not gives its first byte, and a missing permission stays 403. It is asked by GET:
//! a HEAD would not tell a missing key from credentials that have just expired.

use crate::error::{Asked, classify, is_status};
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
    let version_id = asked.version_id.map(str::to_owned);
    let without_key = asked
        .client
        .get_object()
        .bucket(source.bucket.as_str())
        .key(&source.key)
        .set_version_id(version_id.clone())
        .range("bytes=0-0")
        .send()
        .await;
    let open = TransferError::NotCustomerEncrypted {
        address: source.clone(),
        version_id: version_id.clone(),
    };
    let refused = match without_key {
        Ok(_) => return open,
        // Readable, but without a first byte.
        Err(refused) if is_status(&refused, 416) => return open,
        Err(refused) => refused,
    };
    match classify(refused, asked) {
        told @ TransferError::NoSuchObject { .. } => told,
        told if told.is_about_credentials() => told,
        TransferError::MissingKey { .. } => TransferError::WrongKey {
            address: source.clone(),
            version_id,
            answer,
        },
        TransferError::Service { answer: told, .. } if told.status == 400 => {
            TransferError::WrongKey {
                address: source.clone(),
                version_id,
                answer,
            }
        }
        _ => error,
    }
}
