//! Ranges side by side, written to a stream in order.

use std::pin::pin;

use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::Verification;
use super::object::{Fetching, RemoteObject};
use super::opening::FirstBody;
use super::range::{Range, RangeReader, ranges};
use super::verification::{Expected, InOrder};
use crate::engine::Reservation;
use crate::{Event, TransferError};

/// Writes the object and verifies what was written.
///
/// `for_first` is the memory that the first range may take. The others get theirs in their order, so
/// that the one to be written next always has it.
pub(super) async fn fetch(
    fetching: &Fetching<'_>,
    object: &RemoteObject,
    first: FirstBody,
    for_first: Reservation,
    mut writer: Box<dyn AsyncWrite + Send + Unpin>,
) -> Result<Verification, TransferError> {
    // Before the first byte goes out, because bytes cannot be looked at a second time.
    let expected = Expected::of(fetching, object).await?;
    let mut in_order = InOrder::new(expected, object.size);
    let cuts = ranges(first.length, object.size, fetching.range_size);
    let mut first = Some((first, for_first));
    let memory = fetching.engine.memory();
    let with_memory = stream::iter(cuts).then(|range| {
        let (first, reserved) = first.take().unzip();
        let memory = memory.clone();
        async move {
            let reserved = match reserved {
                Some(reserved) => reserved,
                None => memory.reserve(range.end - range.start).await,
            };
            (range, first, reserved)
        }
    });
    let arriving = with_memory
        .map(|(range, first, reserved)| {
            let reader = RangeReader::new(fetching, object, range, first);
            collect(reader, range, reserved)
        })
        .buffered(fetching.concurrency);
    let mut arriving = pin!(arriving);
    let mut written = 0;
    while let Some((range, chunks, reserved)) = arriving.try_next().await? {
        let (summed, chunks) = tokio::task::spawn_blocking(move || {
            for chunk in &chunks {
                in_order.update(chunk);
            }
            (in_order, chunks)
        })
        .await?;
        in_order = summed;
        for chunk in chunks {
            writer
                .write_all(&chunk)
                .await
                .map_err(|source| TransferError::OutputUnwritable { written, source })?;
            written += chunk.len() as u64;
            fetching.events.on(Event::Advanced {
                bytes: chunk.len() as u64,
            });
        }
        drop(reserved);
        fetching.events.on(Event::PartDone {
            number: range.number,
            bytes: range.end - range.start,
        });
    }
    writer
        .flush()
        .await
        .map_err(|source| TransferError::OutputUnwritable { written, source })?;
    fetching.events.on(Event::Finishing);
    in_order.finish(fetching.source)
}

async fn collect(
    mut reader: RangeReader<'_>,
    range: Range,
    reserved: Reservation,
) -> Result<(Range, Vec<Bytes>, Reservation), TransferError> {
    let mut chunks = Vec::new();
    while let Some(bytes) = reader.next().await? {
        chunks.push(bytes);
    }
    Ok((range, chunks, reserved))
}
