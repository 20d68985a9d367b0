//! Removing the parts of a multipart upload that will not be completed (S3-XFER-11).
//!
//! S3 says that parts in flight may still be stored behind the abort, and that aborting again removes
//! them; so it is repeated until the upload is gone.

use std::time::Duration;

use aws_sdk_s3::Client;

use crate::error::{Asked, LeftUpload, classify, is_status};
use crate::{ObjectAddress, TransferError};

/// How often aborting is tried, each time with the SDK's own retries.
const TRIES: u32 = 3;
/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) enum Aborted {
    /// The server took the request.
    Accepted,
    /// There is no such upload any more.
    Gone,
}

/// Aborts an upload; what is left and why, if that fails.
pub(crate) async fn abort(
    client: &Client,
    address: &ObjectAddress,
    upload_id: &str,
) -> Result<(), LeftUpload> {
    let mut reason = String::new();
    for attempt in 0..TRIES {
        if attempt > 0 {
            tokio::time::sleep(Duration::from_millis(200) * attempt).await;
        }
        match tokio::time::timeout(PATIENCE, try_abort(client, address, upload_id)).await {
            Ok(Ok(Aborted::Gone)) => return Ok(()),
            Ok(Ok(Aborted::Accepted)) => reason.clear(),
            Ok(Err(error)) => reason = error.to_string(),
            Err(_) => "there was no answer in time".clone_into(&mut reason),
        }
    }
    if reason.is_empty() {
        return Ok(());
    }
    Err(LeftUpload {
        address: address.clone(),
        upload_id: upload_id.to_owned(),
        reason,
    })
}

pub(crate) async fn try_abort(
    client: &Client,
    address: &ObjectAddress,
    upload_id: &str,
) -> Result<Aborted, TransferError> {
    let answer = client
        .abort_multipart_upload()
        .bucket(address.bucket.as_str())
        .key(&address.key)
        .upload_id(upload_id)
        .send()
        .await;
    match answer {
        Ok(_) => Ok(Aborted::Accepted),
        Err(error) if is_status(&error, 404) => Ok(Aborted::Gone),
        Err(error) => {
            let asked = Asked::of_object("AbortMultipartUpload", client, address);
            Err(classify(error, &asked))
        }
    }
}
