//! One range, read to its end whatever happens in between.

use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_types::error::display::DisplayErrorContext;
use bytes::Bytes;

use super::backoff::{MAX_FAILURES, delay};
use super::object::{Fetching, FirstBody, RemoteObject, unexpected};
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

/// Reads a range, asking again for what is missing when a body breaks off.
pub(super) struct RangeReader<'a> {
    fetching: &'a Fetching<'a>,
    object: &'a RemoteObject,
    range: Range,
    position: u64,
    body: Option<ByteStream>,
    failures: u32,
}

impl<'a> RangeReader<'a> {
    /// Begins with the first answer's body where this is the first range.
    pub(super) fn new(
        fetching: &'a Fetching<'a>,
        object: &'a RemoteObject,
        range: Range,
        first: Option<FirstBody>,
    ) -> Self {
        Self {
            fetching,
            object,
            range,
            position: range.start,
            body: first.map(|first| first.body),
            failures: 0,
        }
    }

    /// The next bytes; `None` when all bytes of the range were given.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, TransferError> {
        loop {
            let left = self.range.end - self.position;
            if left == 0 {
                return Ok(None);
            }
            let body = match &mut self.body {
                Some(body) => body,
                empty => empty.insert(
                    self.fetching
                        .continue_at(self.object, self.position, self.range.end)
                        .await?,
                ),
            };
            let why = match body.next().await {
                Some(Ok(bytes)) if bytes.is_empty() => continue,
                Some(Ok(bytes)) if bytes.len() as u64 <= left => {
                    self.position += bytes.len() as u64;
                    self.failures = 0;
                    return Ok(Some(bytes));
                }
                Some(Ok(_)) => {
                    return Err(unexpected(format!(
                        "more bytes than the range up to {} has",
                        self.range.end
                    )));
                }
                Some(Err(error)) => DisplayErrorContext(error).to_string(),
                None => format!("the body ended {left} bytes early"),
            };
            self.body = None;
            self.failures += 1;
            if self.failures > MAX_FAILURES {
                return Err(TransferError::ConnectionLost {
                    endpoint: None,
                    reason: why,
                });
            }
            tracing::debug!(
                range = self.range.number,
                at = self.position,
                why,
                "continuing a range"
            );
            self.fetching.events.on(Event::Retried {
                number: self.range.number,
            });
            tokio::time::sleep(delay(self.failures)).await;
        }
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
