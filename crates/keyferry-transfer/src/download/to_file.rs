//! Ranges side by side into one file.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use crc_fast::{CrcAlgorithm, Digest};
use futures::stream::{self, StreamExt, TryStreamExt};

use super::Verification;
use super::object::{Fetching, FirstBody, RemoteObject};
use super::partial::Partial;
use super::range::{Range, RangeReader, ranges};
use super::resuming::{Done, missing};
use super::target::{Complete, Incomplete};
use super::verification::{self, Expected};
use crate::checksum::{Crc, StoredChecksum};
use crate::{ChecksumAlgorithm, Event, TransferError};

/// How much is written in one go: few enough switches to the blocking threads, little memory.
const BATCH: usize = 1 << 20;

/// Fills the file, of which some is done, and verifies it.
pub(super) async fn fetch(
    fetching: &Fetching<'_>,
    object: &RemoteObject,
    first: FirstBody,
    done: Done,
    file: Incomplete,
) -> Result<(Verification, Complete), TransferError> {
    let file = file.reserve(object.size).await?;
    // Nearly every object has a CRC64NVME. Another algorithm costs a second pass over the file.
    let algorithm = match &object.checksum {
        Some(StoredChecksum::Full(algorithm, _)) if done.is_empty() => *algorithm,
        _ => ChecksumAlgorithm::Crc64Nvme,
    };
    let crc = algorithm.crc().unwrap_or(CrcAlgorithm::Crc64Nvme);
    let cuts: Box<dyn Iterator<Item = Range> + Send> = match done.is_empty() {
        true => Box::new(ranges(first.length, object.size, fetching.range_size)),
        false => Box::new(missing(&done, object.size, fetching.range_size)),
    };
    let mut first = Some(first);
    let saved = stream::iter(cuts.map(|range| {
        let reader = RangeReader::new(fetching, object, range, first.take());
        save(fetching, reader, range, crc, &file)
    }))
    .buffer_unordered(fetching.concurrency)
    .try_collect::<Vec<_>>();
    let (saved, expected) = tokio::try_join!(saved, Expected::of(fetching, object))?;
    fetching.events.on(Event::Finishing);
    let mut pieces = done;
    pieces.extend(saved);
    pieces.sort_unstable_by_key(|(start, _)| *start);
    let whole = pieces
        .into_iter()
        .fold(Crc::of_nothing(crc), |whole, (_, piece)| whole.then(piece));
    let verification =
        verification::of_file(fetching, object, expected, algorithm, whole, &file).await?;
    Ok((verification, file.complete().await?))
}

/// Writes one range to its place; where it starts and its CRC.
async fn save(
    fetching: &Fetching<'_>,
    mut reader: RangeReader<'_>,
    range: Range,
    crc: CrcAlgorithm,
    file: &Incomplete,
) -> Result<(u64, Crc), TransferError> {
    let mut digest = Digest::new(crc);
    let mut written = Written {
        partial: file.partial.as_deref(),
        from: range.start,
        crc: Crc::of_nothing(crc),
    };
    let mut offset = range.start;
    let mut ends = false;
    while !ends {
        let mut batch = Vec::new();
        let mut length = 0;
        while length < BATCH {
            match reader.next().await? {
                Some(bytes) => {
                    length += bytes.len();
                    batch.push(bytes);
                }
                None => {
                    ends = true;
                    break;
                }
            }
        }
        if length == 0 {
            break;
        }
        let to = Arc::clone(&file.file);
        let summed =
            tokio::task::spawn_blocking(move || write(&to, offset, &batch, digest)).await?;
        digest = summed.map_err(|error| file.unwritable(error))?;
        offset += length as u64;
        written.crc = Crc::of(&digest, crc);
        fetching.events.on(Event::Advanced {
            bytes: length as u64,
        });
    }
    fetching.events.on(Event::PartDone {
        number: range.number,
        bytes: range.end - range.start,
    });
    Ok((range.start, written.crc))
}

/// What of a range is in the file. It is written down when the range ends, and when it breaks off.
struct Written<'a> {
    partial: Option<&'a Partial>,
    from: u64,
    crc: Crc,
}

impl Drop for Written<'_> {
    fn drop(&mut self) {
        if let Some(partial) = self.partial
            && self.crc.length() > 0
        {
            partial.record(self.from, self.from + self.crc.length(), self.crc);
        }
    }
}

fn write(
    file: &File,
    mut offset: u64,
    batch: &[Bytes],
    mut digest: Digest,
) -> std::io::Result<Digest> {
    for bytes in batch {
        file.write_all_at(bytes, offset)?;
        digest.update(bytes);
        offset += bytes.len() as u64;
    }
    Ok(digest)
}
