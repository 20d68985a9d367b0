//! Aborting an upload because of an error.

use super::Begun;
use crate::TransferError;
use crate::abort::{Aborted, abort, try_abort};

impl Begun<'_> {
    /// Aborts the upload because of an error, and gives the error back. A failure to abort is added
    /// to it.
    pub(super) async fn abort(&self, cause: TransferError) -> TransferError {
        let sending = self.sending;
        match abort(sending.client, sending.destination, &self.id).await {
            Ok(()) => cause,
            Err(left) => TransferError::LeftBehind {
                cause: Box::new(cause),
                left,
            },
        }
    }

    pub(super) async fn try_abort(&self) -> Result<Aborted, TransferError> {
        let sending = self.sending;
        try_abort(sending.client, sending.destination, &self.id).await
    }
}
