//! Removing the parts of an upload that will not be completed (S3-XFER-11).

use std::time::Duration;

use super::Begun;
use crate::TransferError;
use crate::error::{Asked, LeftUpload, classify, is_status};

/// How often aborting is tried, each time with the SDK's own retries.
const TRIES: u32 = 3;
/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(20);

impl Begun<'_> {
    /// Aborts the upload because of an error, and gives the error back. A failure to abort is added
    /// to it.
    ///
    /// S3 says that parts in flight may still be stored behind the abort, and that aborting again
    /// removes them; so it is repeated until the upload is gone.
    pub(super) async fn abort(&self, cause: TransferError) -> TransferError {
        let mut reason = String::new();
        for attempt in 0..TRIES {
            if attempt > 0 {
                tokio::time::sleep(Duration::from_millis(200) * attempt).await;
            }
            match tokio::time::timeout(PATIENCE, self.try_abort()).await {
                Ok(Ok(Aborted::Gone)) => return cause,
                Ok(Ok(Aborted::Accepted)) => reason.clear(),
                Ok(Err(error)) => reason = error.to_string(),
                Err(_) => "there was no answer in time".clone_into(&mut reason),
            }
        }
        if reason.is_empty() {
            return cause;
        }
        TransferError::LeftBehind {
            cause: Box::new(cause),
            left: LeftUpload {
                address: self.sending.destination.clone(),
                upload_id: self.id.clone(),
                reason,
            },
        }
    }

    pub(super) async fn try_abort(&self) -> Result<Aborted, TransferError> {
        let sending = self.sending;
        let answer = sending
            .client
            .abort_multipart_upload()
            .bucket(sending.destination.bucket.as_str())
            .key(&sending.destination.key)
            .upload_id(&self.id)
            .send()
            .await;
        match answer {
            Ok(_) => Ok(Aborted::Accepted),
            Err(error) if is_status(&error, 404) => Ok(Aborted::Gone),
            Err(error) => {
                let asked =
                    Asked::of_object("AbortMultipartUpload", sending.client, sending.destination);
                Err(classify(error, &asked))
            }
        }
    }
}

pub(super) enum Aborted {
    /// The server took the request.
    Accepted,
    /// There is no such upload any more.
    Gone,
}
