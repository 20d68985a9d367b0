//! The first request of a download.
//!
//! How large the object is shows only in its answer, so that small objects are not kept waiting for the
//! room that large ones need.

use aws_sdk_s3::primitives::ByteStream;
use futures::future::{Either, select};
use tokio::time::Instant;

use super::object::{Fetching, RemoteObject};
use crate::engine::{Permit, Retries};
use crate::{Event, TransferError};

/// Answers are compared with answers, whatever follows them.
const AN_ANSWER: u64 = 1;
/// What a second request costs at most when its answer is not read.
const LOST_WITH_IT: u64 = 64 << 10;

/// The body of the first answer: the object's first bytes, or the first that are missing.
pub(super) struct FirstBody {
    pub(super) body: ByteStream,
    pub(super) length: u64,
    /// Held until the body has been read.
    pub(super) permit: Permit,
    pub(super) began: Instant,
}

/// What is asked for first.
#[derive(Clone, Copy)]
enum Opening<'o> {
    New,
    Again { etag: &'o str, from: u64, to: u64 },
}

impl Fetching<'_> {
    /// Asks for the first range.
    pub(super) async fn open(&self) -> Result<(RemoteObject, FirstBody), TransferError> {
        self.first(Opening::New).await
    }

    /// Asks for a range of an object that an earlier run began to fetch, if it is still the same.
    pub(super) async fn reopen(
        &self,
        etag: &str,
        from: u64,
        to: u64,
    ) -> Result<(RemoteObject, FirstBody), TransferError> {
        self.first(Opening::Again { etag, from, to }).await
    }

    /// Asks until there is an answer. How large the object is shows only then, so that small ones
    /// are not kept waiting for the room that large ones need.
    async fn first(
        &self,
        opening: Opening<'_>,
    ) -> Result<(RemoteObject, FirstBody), TransferError> {
        let mut retries = Retries::of_request(self.client);
        loop {
            match self.first_or_second(opening).await {
                Ok(first) => return Ok(first),
                Err(error) => retries.after(error).await?,
            }
            self.events.on(Event::Retried { number: 1 });
        }
    }

    /// Asks once, and a second time beside that when the answer is late.
    async fn first_or_second(
        &self,
        opening: Opening<'_>,
    ) -> Result<(RemoteObject, FirstBody), TransferError> {
        let hedging = self.engine.hedging();
        let first = self.first_once(opening, self.engine.pace().permit(1).await);
        tokio::pin!(first);
        tokio::select! {
            biased;
            answer = &mut first => return answer,
            () = hedging.until_late(AN_ANSWER, Instant::now()) => {}
        }
        let permit = match self.engine.pace().try_permit(1) {
            Some(permit) if hedging.may_repeat(LOST_WITH_IT) => permit,
            _ => return first.await,
        };
        tracing::debug!(object = %self.source, "a late answer is asked for a second time");
        let second = self.first_once(opening, permit);
        tokio::pin!(second);
        match select(first, second).await {
            Either::Left((Err(_), other)) => other.await,
            Either::Right((Err(_), other)) => other.await,
            Either::Left((answer, _)) | Either::Right((answer, _)) => answer,
        }
    }

    async fn first_once(
        &self,
        opening: Opening<'_>,
        mut permit: Permit,
    ) -> Result<(RemoteObject, FirstBody), TransferError> {
        let began = Instant::now();
        let opened = match opening {
            Opening::New => self.open_once().await,
            Opening::Again { etag, from, to } => self.reopen_once(etag, from, to).await,
        };
        match opened {
            Ok((object, body, length)) => {
                self.engine.hedging().took(AN_ANSWER, began.elapsed());
                permit.grow_to(self.cost(length));
                let first = FirstBody {
                    body,
                    length,
                    permit,
                    began,
                };
                Ok((object, first))
            }
            Err(error) => {
                permit.failed(&error);
                Err(error)
            }
        }
    }
}
