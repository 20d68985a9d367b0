//! What a job works with.

use aws_sdk_s3::Client;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use crate::download::download_then;
use crate::{Download, Downloaded, Engine, Observer, TransferError, Upload, Uploaded};

/// A job's place in the run. The job's slots are free again when it is dropped.
#[derive(Debug)]
pub struct Running {
    engine: Engine,
    cancel: CancellationToken,
    slots: Option<OwnedSemaphorePermit>,
}

impl Running {
    pub(super) fn new(
        engine: Engine,
        cancel: CancellationToken,
        slots: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            engine,
            cancel,
            slots: Some(slots),
        }
    }

    /// What the transfers of the run share.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
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

    /// Downloads, as [`download`](crate::download()) does, within the limits of the run. A file in a
    /// [`TargetFolder`](crate::TargetFolder) that waits for the others of its batch holds up nothing.
    ///
    /// # Errors
    /// See [`TransferError`].
    pub async fn download(
        &mut self,
        client: &Client,
        download: Download,
        events: &dyn Observer,
    ) -> Result<Downloaded, TransferError> {
        let download = Download {
            engine: self.engine.clone(),
            ..download
        };
        let (cancel, slots) = (self.cancel.clone(), &mut self.slots);
        let when_here = Box::new(|| drop(slots.take()));
        download_then(client, download, events, cancel, when_here).await
    }
}
