//! Ending an upload that does not become an object: aborting it, or keeping it for another run.

use super::Begun;
use crate::TransferError;
use crate::abort::{Aborted, abort, try_abort};

impl Begun<'_> {
    /// Aborts the upload because of an error, and gives the error back. A failure to abort is added
    /// to it.
    ///
    /// Where the upload is remembered and the trouble may pass, it stays.
    pub(super) async fn stop(&self, cause: TransferError) -> TransferError {
        if let Some(unfinished) = self.unfinished.filter(|_| self.is_kept())
            && cause.may_pass()
            // Without any part there is nothing to go on with. When nothing is heard any more, an
            // abort would not be heard either.
            && (unfinished.kept() > 0 || !matches!(cause, TransferError::Interrupted))
        {
            return unfinished.resumable(cause);
        }
        let sending = self.sending;
        match abort(sending.client, sending.destination, &self.id).await {
            Ok(()) => {
                self.forget().await;
                cause
            }
            Err(left) => TransferError::LeftBehind {
                cause: Box::new(cause),
                left,
            },
        }
    }

    /// Whether the upload is remembered.
    pub(super) fn is_kept(&self) -> bool {
        self.unfinished.is_some_and(|unfinished| unfinished.holds())
    }

    /// Says that there is nothing to be remembered any more.
    pub(super) async fn forget(&self) {
        if let Some(unfinished) = self.unfinished {
            unfinished.forget().await;
        }
    }

    pub(super) async fn try_abort(&self) -> Result<Aborted, TransferError> {
        let sending = self.sending;
        try_abort(sending.client, sending.destination, &self.id).await
    }
}
