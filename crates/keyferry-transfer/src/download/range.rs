//! One range, read to its end whatever happens in between.

use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_types::error::display::DisplayErrorContext;
use bytes::{Buf, Bytes};
use futures::future::BoxFuture;
use tokio::time::Instant;

use super::object::{Fetching, RemoteObject, unexpected};
use super::opening::FirstBody;
use crate::engine::{Permit, Retries, Watch};
use crate::{Event, TransferError};

/// A stretch of the object; `end` is excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) number: u32,
    pub(super) start: u64,
    pub(super) end: u64,
}

/// Cuts an object into ranges. The first is what the first answer brings; there is always one.
pub(super) fn ranges(first: u64, size: u64, range_size: u64) -> impl Iterator<Item = Range> {
    let mut next = Some(Range {
        number: 1,
        start: 0,
        end: first.min(size),
    });
    std::iter::from_fn(move || {
        let range = next?;
        next = (range.end < size).then(|| Range {
            number: range.number.saturating_add(1),
            start: range.end,
            end: range.end.saturating_add(range_size).min(size),
        });
        Some(range)
    })
}

/// No range is late before that, so it need not be looked at.
const LEAST_LATE: Duration = Duration::from_secs(1);

/// Reads a range, asking again for what is missing when a body breaks off or stalls, and asking a
/// second time when it takes much longer than others.
pub(super) struct RangeReader<'a> {
    fetching: &'a Fetching<'a>,
    object: &'a RemoteObject,
    range: Range,
    position: u64,
    body: Option<Incoming<'a>>,
    second: Second<'a>,
    retries: Retries,
    began: Instant,
}

/// An answer that is waited for, and then its body.
enum Incoming<'a> {
    Asked(BoxFuture<'a, Result<Body, TransferError>>),
    Open(Body),
}

/// A body that is being read.
struct Body {
    stream: ByteStream,
    permit: Permit,
    watch: Watch,
}

/// A second request for what is missing, beside the first.
enum Second<'a> {
    /// None yet; then it is to be looked at whether it is time.
    Possible(Instant),
    Running {
        from: u64,
        first_bytes: BoxFuture<'a, Result<(Body, Bytes), TransferError>>,
    },
    /// One is enough.
    Over,
}

/// What came first.
enum Arrived {
    Bytes(Result<Option<Bytes>, TransferError>),
    /// From the second request, beginning at this position.
    Second(u64, Result<(Body, Bytes), TransferError>),
    /// It is time to look whether the range is late.
    Nothing,
}

impl<'a> RangeReader<'a> {
    /// Begins with the first answer's body where this is the first range.
    pub(super) fn new(
        fetching: &'a Fetching<'a>,
        object: &'a RemoteObject,
        range: Range,
        first: Option<FirstBody>,
    ) -> Self {
        let began = first
            .as_ref()
            .map_or_else(Instant::now, |first| first.began);
        Self {
            fetching,
            object,
            range,
            position: range.start,
            began,
            body: first.map(|first| {
                Incoming::Open(Body {
                    stream: first.body,
                    permit: first.permit,
                    watch: fetching.engine.watch(),
                })
            }),
            second: match fetching.engine.settings().hedge {
                true => Second::Possible(began + LEAST_LATE),
                false => Second::Over,
            },
            retries: Retries::of_body(fetching.client),
        }
    }

    /// The next bytes; `None` when all bytes of the range were given.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, TransferError> {
        loop {
            if self.position == self.range.end {
                self.ended();
                return Ok(None);
            }
            let error = match self.more().await {
                Ok(bytes) => {
                    self.position += bytes.len() as u64;
                    self.retries.progressed();
                    return Ok(Some(bytes));
                }
                Err(error) => error,
            };
            if let Some(Incoming::Open(body)) = self.body.take() {
                body.permit.failed(&error);
            }
            self.retries.after(error).await?;
            self.fetching.events.on(Event::Retried {
                number: self.range.number,
            });
        }
    }

    /// All bytes are there: that tells how long a range takes.
    fn ended(&mut self) {
        self.second = Second::Over;
        if let Some(Incoming::Open(body)) = self.body.take() {
            body.permit.succeeded();
            let bytes = self.range.end - self.range.start;
            self.fetching
                .engine
                .hedging()
                .took(bytes, self.began.elapsed());
        }
    }

    /// More bytes, at least one and not too many.
    async fn more(&mut self) -> Result<Bytes, TransferError> {
        loop {
            let left = self.range.end - self.position;
            if self.body.is_none() {
                self.body = Some(self.ask(left).await);
            }
            let bytes = match self.arrived().await {
                Arrived::Bytes(Ok(Some(bytes))) => bytes,
                Arrived::Bytes(Ok(None)) => {
                    return Err(lost(format!("the body ended {left} bytes early")));
                }
                Arrived::Bytes(Err(error)) => return Err(error),
                Arrived::Nothing => {
                    self.second = self.look(left);
                    continue;
                }
                Arrived::Second(from, answer) => {
                    self.second = Second::Over;
                    match answer {
                        Ok((body, bytes)) => match self.adopt(body, from, bytes).await? {
                            Some(bytes) => bytes,
                            None => continue,
                        },
                        // The first one is still there.
                        Err(_) => continue,
                    }
                }
            };
            if bytes.is_empty() {
                continue;
            }
            if bytes.len() as u64 > left {
                return Err(unexpected(format!(
                    "more bytes than the range up to {} has",
                    self.range.end
                )));
            }
            return Ok(bytes);
        }
    }

    /// Waits for the first thing to happen.
    async fn arrived(&mut self) -> Arrived {
        let Some(body) = &mut self.body else {
            return Arrived::Bytes(Ok(None));
        };
        let bytes = body.next();
        match &mut self.second {
            Second::Over => Arrived::Bytes(bytes.await),
            Second::Running { from, first_bytes } => tokio::select! {
                biased;
                bytes = bytes => Arrived::Bytes(bytes),
                second = first_bytes => Arrived::Second(*from, second),
            },
            Second::Possible(look) => tokio::select! {
                biased;
                bytes = bytes => Arrived::Bytes(bytes),
                () = tokio::time::sleep_until(*look) => Arrived::Nothing,
            },
        }
    }

    /// Asks for what is missing.
    async fn ask(&mut self, left: u64) -> Incoming<'a> {
        let (fetching, object) = (self.fetching, self.object);
        let (from, to) = (self.position, self.range.end);
        let permit = fetching.engine.pace().permit(fetching.cost(left)).await;
        if from == self.range.start {
            // Waiting for the others is not the range's own slowness.
            self.began = Instant::now();
            if let Second::Possible(look) = &mut self.second {
                *look = self.began + LEAST_LATE;
            }
        }
        Incoming::Asked(Box::pin(ask(fetching, object, permit, from, to)))
    }

    /// Asks a second time if the range is late.
    fn look(&self, left: u64) -> Second<'a> {
        let hedging = self.fetching.engine.hedging();
        let bytes = self.range.end - self.range.start;
        if hedging.is_late(bytes, self.began) {
            return self.ask_twice(left);
        }
        match hedging.next_look(bytes, self.began) {
            Some(look) => Second::Possible(look),
            None => Second::Over,
        }
    }

    /// Begins to ask a second time, where that is allowed now.
    fn ask_twice(&self, left: u64) -> Second<'a> {
        let (fetching, object) = (self.fetching, self.object);
        let (from, to) = (self.position, self.range.end);
        let permit = fetching.engine.pace().try_permit(fetching.cost(left));
        let permit = match permit {
            Some(permit) if fetching.engine.hedging().may_repeat(left) => permit,
            _ => return Second::Over,
        };
        tracing::debug!(
            range = self.range.number,
            "a late range is asked for a second time"
        );
        let first_bytes = async move {
            let mut body = ask(fetching, object, permit, from, to).await?;
            match body.next().await? {
                Some(bytes) => Ok((body, bytes)),
                None => Err(lost("the body is empty".to_owned())),
            }
        };
        Second::Running {
            from,
            first_bytes: Box::pin(first_bytes),
        }
    }

    /// Goes on with the second answer, without the bytes that the first one has brought meanwhile.
    async fn adopt(
        &mut self,
        mut body: Body,
        from: u64,
        mut bytes: Bytes,
    ) -> Result<Option<Bytes>, TransferError> {
        let mut known = self.position - from;
        loop {
            let skip = usize::try_from(known)
                .unwrap_or(usize::MAX)
                .min(bytes.len());
            bytes.advance(skip);
            known -= skip as u64;
            if known == 0 {
                self.body = Some(Incoming::Open(body));
                return Ok((!bytes.is_empty()).then_some(bytes));
            }
            match body.next().await {
                Ok(Some(more)) => bytes = more,
                // The first one is still there.
                _ => return Ok(None),
            }
        }
    }
}

impl Incoming<'_> {
    async fn next(&mut self) -> Result<Option<Bytes>, TransferError> {
        loop {
            match self {
                Self::Asked(asked) => *self = Self::Open(asked.await?),
                Self::Open(body) => return body.next().await,
            }
        }
    }
}

impl Body {
    async fn next(&mut self) -> Result<Option<Bytes>, TransferError> {
        match self.watch.over(self.stream.next()).await {
            Ok(Some(Ok(bytes))) => {
                self.watch.moved(bytes.len());
                Ok(Some(bytes))
            }
            Ok(None) => Ok(None),
            Ok(Some(Err(error))) => Err(lost(DisplayErrorContext(error).to_string())),
            Err(stalled) => Err(TransferError::TimedOut {
                endpoint: None,
                reason: stalled.to_string(),
            }),
        }
    }
}

async fn ask(
    fetching: &Fetching<'_>,
    object: &RemoteObject,
    permit: Permit,
    from: u64,
    to: u64,
) -> Result<Body, TransferError> {
    match fetching.continue_at(object, from, to).await {
        Ok(stream) => Ok(Body {
            stream,
            permit,
            watch: fetching.engine.watch(),
        }),
        Err(error) => {
            permit.failed(&error);
            Err(error)
        }
    }
}

fn lost(reason: String) -> TransferError {
    TransferError::ConnectionLost {
        endpoint: None,
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ranges_cover_the_object(size in 0_u64..5000, range_size in 1_u64..1000, whole: bool) {
            let first = if whole { size } else { range_size.min(size) };
            let all: Vec<_> = ranges(first, size, range_size).collect();
            prop_assert_eq!(all[0].start, 0);
            prop_assert_eq!(all[all.len() - 1].end, size);
            for (index, pair) in all.windows(2).enumerate() {
                prop_assert_eq!(pair[0].end, pair[1].start);
                prop_assert_eq!(pair[1].number as usize, index + 2);
                prop_assert!(pair[1].end - pair[1].start <= range_size);
                prop_assert!(pair[1].end > pair[1].start);
            }
        }
    }
}
