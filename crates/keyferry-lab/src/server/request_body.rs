//! A request body whose rest can be read after the service answered (`S3-HTTP-5`).
//!
//! A server that answers and closes while the client is still sending makes the client see a
//! reset connection instead of the answer. So the rest is read: what is on its way before the
//! answer, and then the connection can go on; what takes longer beside it, and then the answer
//! says `Connection: close`.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

/// How long an answer waits for the rest, so that a small body does not cost the connection.
const SHORT_WAIT: Duration = Duration::from_millis(250);
/// What a refused request may still send.
const DRAIN_LIMIT: u64 = 64 * 1024 * 1024;
/// And for how long.
const DRAIN_TIME: Duration = Duration::from_secs(10);

struct Shared {
    body: Incoming,
    polled: bool,
    finished: bool,
}

impl Shared {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.polled = true;
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.finished = true;
        }
        polled
    }
}

/// The body handed to the service.
pub(crate) struct RequestBody(Arc<Mutex<Shared>>);

/// The same body, kept by the gate.
pub(crate) struct BodyRest {
    shared: Arc<Mutex<Shared>>,
    waits_for_continue: bool,
}

/// Splits a body into what the service reads and what the gate keeps. `waits_for_continue`:
/// the client sends nothing before it is asked to.
pub(crate) fn share(body: Incoming, waits_for_continue: bool) -> (RequestBody, BodyRest) {
    let shared = Arc::new(Mutex::new(Shared {
        body,
        polled: false,
        finished: false,
    }));
    (
        RequestBody(Arc::clone(&shared)),
        BodyRest {
            shared,
            waits_for_continue,
        },
    )
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .poll(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .body
            .is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .body
            .size_hint()
    }
}

impl BodyRest {
    /// Reads and drops what the client still sends, within limits. Gives back whether all of it
    /// came, so that the connection can take another request.
    pub(crate) async fn settle(self) -> bool {
        if self.is_finished() {
            return true;
        }
        if self.is_not_asked_for() {
            // The client will not send it any more, and nobody can tell where a next request
            // would start.
            return false;
        }
        let _timed_out = tokio::time::timeout(SHORT_WAIT, self.drain_all()).await;
        if self.is_finished() {
            return true;
        }
        tokio::spawn(async move {
            let _timed_out = tokio::time::timeout(DRAIN_TIME, self.drain_all()).await;
        });
        false
    }

    fn is_finished(&self) -> bool {
        let shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.finished || shared.body.is_end_stream()
    }

    fn is_not_asked_for(&self) -> bool {
        let shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        self.waits_for_continue && !shared.polled
    }

    async fn drain_all(&self) {
        let mut drained = 0;
        while drained < DRAIN_LIMIT {
            let frame = poll_fn(|cx| {
                self.shared
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .poll(cx)
            })
            .await;
            match frame {
                Some(Ok(frame)) => {
                    drained += frame.data_ref().map_or(0, |data| data.len() as u64);
                }
                Some(Err(_)) | None => return,
            }
        }
    }
}
