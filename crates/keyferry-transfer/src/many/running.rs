//! What a job works with.

use aws_sdk_s3::Client;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use crate::{Download, Downloaded, Observer, TransferError, Upload, Uploaded};

/// A job's place in the run. The job's slots are free again when it is dropped.
#[derive(Debug)]
pub struct Running {
    cancel: CancellationToken,
    _slots: OwnedSemaphorePermit,
}

impl Running {
    pub(super) fn new(cancel: CancellationToken, slots: OwnedSemaphorePermit) -> Self {
        Self {
            cancel,
            _slots: slots,
        }
    }

    /// Is cancelled when the job must stop.
    #[must_use]
    pub fn cancel(&self) -> &CancellationToken {
        &self.cancel
    }

    /// Uploads, as [`upload`](crate::upload()) does, within the limits of the run.
    ///
    /// # Errors
    /// See [`TransferError`].
    pub async fn upload(
        &self,
        client: &Client,
        upload: Upload,
        events: &dyn Observer,
    ) -> Result<Uploaded, TransferError> {
        crate::upload(client, upload, events, self.cancel.clone()).await
    }

    /// Downloads, as [`download`](crate::download()) does, within the limits of the run.
    ///
    /// # Errors
    /// See [`TransferError`].
    pub async fn download(
        self,
        client: &Client,
        download: Download,
        events: &dyn Observer,
    ) -> Result<Downloaded, TransferError> {
        crate::download(client, download, events, self.cancel.clone()).await
    }
}
