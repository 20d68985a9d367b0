//! Reading a range of an object as a stream.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use futures::Stream;
use tokio::task::JoinHandle;

use super::error::StoreError;
use super::region::RegionStore;
use super::segment_files::{Lease, SegmentFiles};
use super::version_record::{Layout, SegmentRecord};
use crate::encryption::{CHUNK_PLAINTEXT, DataKey, SegmentCipher};

/// Chunks read and opened at a time, while the previous ones are sent.
const BATCH_CHUNKS: u64 = 8;

/// Yields a range's bytes in pieces of at most 64 KiB. Ends with an error at the first chunk
/// whose seal does not hold. `Send + Sync + Unpin + 'static`. The data stays readable to the
/// end even if the object is deleted meanwhile.
#[derive(Debug)]
pub(crate) struct ObjectReader {
    ready: VecDeque<Bytes>,
    job: Option<JoinHandle<Batch>>,
    remaining: u64,
    _lease: Lease,
}

type Batch = Result<(Vec<Bytes>, Option<Cursor>), StoreError>;

impl ObjectReader {
    /// Bytes still to come.
    pub(crate) fn remaining(&self) -> u64 {
        self.remaining
    }

    fn poll_batch(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<(), StoreError>>> {
        let Some(job) = &mut self.job else {
            return Poll::Ready(None);
        };
        let batch = ready!(Pin::new(job).poll(cx)).unwrap_or(Err(StoreError::ShuttingDown));
        self.job = None;
        Poll::Ready(Some(batch.map(|(bytes, cursor)| {
            self.ready.extend(bytes);
            self.job = cursor.map(Cursor::spawn);
        })))
    }
}

impl Stream for ObjectReader {
    type Item = Result<Bytes, StoreError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(bytes) = self.ready.pop_front() {
                self.remaining = self.remaining.saturating_sub(bytes.len() as u64);
                return Poll::Ready(Some(Ok(bytes)));
            }
            match ready!(self.poll_batch(cx)) {
                None => return Poll::Ready(None),
                Some(Ok(())) => {}
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.ready.len(), None)
    }
}

impl RegionStore {
    /// Opens a range (half-open, in bytes of plaintext over the whole object) for reading, and
    /// reads its first chunks, so that damage there is still an answer of its own and not a
    /// broken connection. An empty range of an empty object is allowed.
    pub(crate) async fn read(
        &self,
        layout: &Layout,
        key: &DataKey,
        range: Range<u64>,
    ) -> Result<ObjectReader, StoreError> {
        let pieces = pieces(layout, &range)?;
        let lease = self
            .files()
            .lease(pieces.iter().map(|piece| piece.segment.id.clone()));
        let cursor = Cursor {
            files: Arc::clone(self.files()),
            key: key.clone(),
            pieces,
            open: None,
        };
        let mut reader = ObjectReader {
            ready: VecDeque::new(),
            job: Some(cursor.spawn()),
            remaining: range.end - range.start,
            _lease: lease,
        };
        match std::future::poll_fn(|cx| reader.poll_batch(cx)).await {
            Some(Err(error)) => Err(error),
            Some(Ok(())) | None => Ok(reader),
        }
    }
}

/// A range of one segment's plaintext.
#[derive(Debug)]
struct Piece {
    segment: SegmentRecord,
    range: Range<u64>,
}

/// The segments' ranges that make up a range of the object.
fn pieces(layout: &Layout, range: &Range<u64>) -> Result<VecDeque<Piece>, StoreError> {
    let size = layout.parts.iter().map(|part| part.size).sum();
    if range.start > range.end || range.end > size {
        return Err(StoreError::InvalidRange {
            start: range.start,
            end: range.end,
            size,
        });
    }
    let mut offset = 0;
    let mut pieces = VecDeque::new();
    for part in &layout.parts {
        let start = range.start.max(offset) - offset;
        let end = range.end.min(offset + part.size).saturating_sub(offset);
        if start < end || (size == 0 && pieces.is_empty()) {
            pieces.push_back(Piece {
                segment: part.segment.clone(),
                range: start..end.max(start),
            });
        }
        offset += part.size;
    }
    Ok(pieces)
}

/// What is still to be read; moves to the blocking pool and back.
#[derive(Debug)]
struct Cursor {
    files: Arc<SegmentFiles>,
    key: DataKey,
    pieces: VecDeque<Piece>,
    open: Option<OpenSegment>,
}

#[derive(Debug)]
struct OpenSegment {
    id: String,
    unchecked: bool,
    size: u64,
    file: File,
    cipher: SegmentCipher,
    range: Range<u64>,
    /// The chunk that the file stands at.
    next: u64,
}

impl Cursor {
    fn spawn(self) -> JoinHandle<Batch> {
        tokio::task::spawn_blocking(move || self.next_batch())
    }

    fn next_batch(mut self) -> Batch {
        let mut segment = match self.open.take() {
            Some(segment) => segment,
            None => match self.pieces.pop_front() {
                None => return Ok((Vec::new(), None)),
                Some(piece) => OpenSegment::open(&self.files, &self.key, piece)?,
            },
        };
        let bytes = segment.read_chunks()?;
        self.open = (!segment.is_finished()).then_some(segment);
        let more = self.open.is_some() || !self.pieces.is_empty();
        Ok((bytes, more.then_some(self)))
    }
}

impl OpenSegment {
    fn open(files: &SegmentFiles, key: &DataKey, piece: Piece) -> Result<Self, StoreError> {
        let Piece { segment, range } = piece;
        let path = files.path(&segment.id);
        let salt = hex::decode(&segment.salt)
            .map_err(|_| StoreError::Cryptography("reading a segment's salt"))?;
        let cipher = SegmentCipher::new(key, &salt)?;
        let opening = |error| StoreError::io("opening", &path, error);
        let mut file = File::open(&path).map_err(opening)?;
        let actual = file.metadata().map_err(opening)?.len();
        let expected = cipher.sealed_len(segment.size);
        if actual != expected {
            return Err(StoreError::Truncated {
                segment: segment.id,
                actual,
                expected,
            });
        }
        let next = range.start / CHUNK_PLAINTEXT as u64;
        file.seek(SeekFrom::Start(next * cipher.sealed_chunk() as u64))
            .map_err(opening)?;
        Ok(Self {
            id: segment.id,
            unchecked: segment.unchecked,
            size: segment.size,
            file,
            cipher,
            range,
            next,
        })
    }

    /// One past the last chunk that the range touches.
    fn end(&self) -> u64 {
        self.range.end.div_ceil(CHUNK_PLAINTEXT as u64).max(1)
    }

    fn is_finished(&self) -> bool {
        self.next >= self.end()
    }

    fn read_chunks(&mut self) -> Result<Vec<Bytes>, StoreError> {
        let from = self.next;
        let to = self.end().min(from + BATCH_CHUNKS);
        let whole = self.cipher.sealed_chunk();
        let position = from * whole as u64;
        let length = (to * whole as u64).min(self.cipher.sealed_len(self.size)) - position;
        let mut buffer = BytesMut::zeroed(usize::try_from(length).unwrap_or(usize::MAX));
        self.file
            .read_exact(&mut buffer)
            .map_err(|error| StoreError::io("reading segment", &self.id, error))?;
        let mut out = Vec::new();
        for index in from..to {
            let chunk = buffer.split_to(whole.min(buffer.len()));
            let bytes = self.open_chunk(index, chunk)?;
            if !bytes.is_empty() {
                out.push(bytes);
            }
        }
        self.next = to;
        Ok(out)
    }

    /// The part of a chunk's plaintext that is in the range.
    fn open_chunk(&self, index: u64, mut chunk: BytesMut) -> Result<Bytes, StoreError> {
        let last = index + 1 == SegmentCipher::chunks(self.size);
        let opened = if self.unchecked {
            self.cipher.open_unchecked(index, &mut chunk)
        } else {
            self.cipher.open(index, last, &mut chunk)
        };
        let length = opened.ok_or_else(|| StoreError::Damaged {
            segment: self.id.clone(),
            chunk: index,
        })?;
        let start = index * CHUNK_PLAINTEXT as u64;
        let within = |position: u64| {
            usize::try_from(position.saturating_sub(start)).map_or(length, |p| p.min(length))
        };
        let (skip, end) = (within(self.range.start), within(self.range.end));
        let mut bytes = chunk.freeze();
        bytes.truncate(end);
        Ok(bytes.split_off(skip.min(end)))
    }
}
