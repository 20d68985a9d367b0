//! Ranges side by side into one file.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use crc_fast::{CrcAlgorithm, Digest};
use futures::stream::{self, StreamExt, TryStreamExt};

use super::Verification;
use super::object::{Fetching, RemoteObject};
use super::opening::FirstBody;
use super::partial::Partial;
use super::range::{Range, RangeReader, ranges};
use super::resuming::{Done, missing};
use super::target::{Complete, Incomplete};
use super::verification::{self, Expected};
use crate::checksum::{self, Crc, StoredChecksum};
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
        save(fetching, reader, range, crc, &file, true)
    }))
    .buffer_unordered(fetching.concurrency)
    .try_collect::<Vec<_>>();
    let (saved, expected) = tokio::try_join!(saved, Expected::of(fetching, object))?;
    fetching.events.on(Event::Finishing);
    let mut pieces = done;
    pieces.extend(saved);
    let whole = sum(pieces, crc);
    let verify = |whole| {
        let expected = expected.clone();
        verification::of_file(fetching, object, expected, algorithm, whole, &file)
    };
    let verification = match verify(whole).await {
        // What was damaged on the way comes whole the second time.
        Err(error @ TransferError::ChecksumMismatch { .. }) => {
            match fetch_again(fetching, object, crc, &file).await? {
                again if again == whole => return Err(error),
                again => verify(again).await?,
            }
        }
        verified => verified?,
    };
    Ok((verification, file.complete().await?))
}

/// Fetches all of the file a second time; its CRC.
async fn fetch_again(
    fetching: &Fetching<'_>,
    object: &RemoteObject,
    crc: CrcAlgorithm,
    file: &Incomplete,
) -> Result<Crc, TransferError> {
    tracing::warn!(object = %fetching.source, "the checksum differs: everything is fetched again");
    if let Some(partial) = &file.partial {
        partial.doubt();
    }
    let cuts = ranges(fetching.range_size, object.size, fetching.range_size);
    let saved = stream::iter(cuts.map(|range| {
        fetching.events.on(Event::Retried {
            number: range.number,
        });
        let reader = RangeReader::new(fetching, object, range, None);
        save(fetching, reader, range, crc, file, false)
    }))
    .buffer_unordered(fetching.concurrency)
    .try_collect::<Vec<_>>();
    Ok(sum(saved.await?, crc))
}

/// The CRC of the whole from those of its pieces.
fn sum(mut pieces: Vec<(u64, Crc)>, crc: CrcAlgorithm) -> Crc {
    pieces.sort_unstable_by_key(|(start, _)| *start);
    let pieces = pieces.into_iter().map(|(_, piece)| piece);
    pieces.fold(Crc::of_nothing(crc), Crc::then)
}

/// Writes one range to its place; where it starts and its CRC. `counts` where its bytes are progress.
async fn save(
    fetching: &Fetching<'_>,
    mut reader: RangeReader<'_>,
    range: Range,
    crc: CrcAlgorithm,
    file: &Incomplete,
    counts: bool,
) -> Result<(u64, Crc), TransferError> {
    let mut written = Written {
        partial: file.partial.as_deref(),
        from: range.start,
        algorithm: crc,
        unrecorded: checksum::begin(crc),
        recorded: Crc::of_nothing(crc),
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
        let digest = written.unrecorded;
        let summed =
            tokio::task::spawn_blocking(move || write(&to, offset, &batch, digest)).await?;
        written.add(summed.map_err(|error| file.unwritable(error))?);
        offset += length as u64;
        if counts {
            fetching.events.on(Event::Advanced {
                bytes: length as u64,
            });
        }
    }
    if counts {
        fetching.events.on(Event::PartDone {
            number: range.number,
            bytes: range.end - range.start,
        });
    }
    Ok((range.start, written.whole()))
}

/// What of a range is in the file. It is written down now and then, when the range ends, and when it
/// breaks off.
struct Written<'a> {
    partial: Option<&'a Partial>,
    /// Up to here it is written down.
    from: u64,
    algorithm: CrcAlgorithm,
    /// Summed on and on: combining sums takes much longer than it seems.
    unrecorded: Digest,
    recorded: Crc,
}

impl Written<'_> {
    /// Takes the sum of what was unrecorded and of what was written since.
    fn add(&mut self, summed: Digest) {
        self.unrecorded = summed;
        if let Some(partial) = self.partial
            && summed.get_amount() >= partial.stretch()
        {
            self.record(partial);
        }
    }

    fn record(&mut self, partial: &Partial) {
        let crc = Crc::of(&self.unrecorded, self.algorithm);
        let to = self.from + crc.length();
        partial.record(self.from, to, crc);
        self.from = to;
        self.recorded = self.recorded.then(crc);
        self.unrecorded = checksum::begin(self.algorithm);
    }

    fn whole(&self) -> Crc {
        self.recorded
            .then(Crc::of(&self.unrecorded, self.algorithm))
    }
}

impl Drop for Written<'_> {
    fn drop(&mut self) {
        if let Some(partial) = self.partial
            && self.unrecorded.get_amount() > 0
        {
            self.record(partial);
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
        checksum::add(&mut digest, bytes);
        offset += bytes.len() as u64;
    }
    Ok(digest)
}

/// Ranges in any order, each in pieces, to their places; the CRC of the whole.
#[cfg(feature = "benches")]
pub(crate) fn reassemble(file: &File, ranges: &[(u64, Vec<Bytes>)]) -> std::io::Result<Crc> {
    let crc = CrcAlgorithm::Crc64Nvme;
    let mut pieces = Vec::with_capacity(ranges.len());
    for (offset, batch) in ranges {
        let digest = write(file, *offset, batch, checksum::begin(crc))?;
        pieces.push((*offset, Crc::of(&digest, crc)));
    }
    Ok(sum(pieces, crc))
}
