//! One pass over the content: cutting it into parts, and summing.
//!
//! A task reads ahead while parts are being sent. Each part's CRC is computed as it is read, the
//! CRC of the whole is combined from them, and a thread of its own computes the SHA-256, which is
//! sequential by nature and slower than the rest.

use std::num::NonZeroUsize;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use crc_fast::CrcAlgorithm;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::buffers::{Buffer, Buffers};
use super::source::{Source, WatchedFile};
use crate::TransferError;
use crate::checksum::Crc;
use crate::part_plan::{MAX_PARTS, PartSize};

/// Parts up to this size are kept in memory while they are sent; larger ones are read once to be
/// summed and again to be sent.
const LARGEST_IN_MEMORY: u64 = 64 << 20;
/// What the buffers of one upload may take together.
const MEMORY: u64 = 256 << 20;
/// How a part too large for memory is read.
const PIECE: u64 = 8 << 20;

/// How many parts may be in flight without their buffers taking too much memory.
pub(super) fn in_flight(asked: NonZeroUsize, part_size: u64, source: &Source) -> usize {
    if matches!(source, Source::File(_)) && part_size > LARGEST_IN_MEMORY {
        return asked.get();
    }
    let affordable = usize::try_from(MEMORY / part_size.max(1)).unwrap_or(usize::MAX);
    asked.get().min(affordable.max(1))
}

/// A piece of the content, ready to be sent.
pub(super) struct Part {
    pub(super) number: u32,
    pub(super) bytes: PartBytes,
    pub(super) crc: Crc,
    /// True when this is known to be all of the content.
    pub(super) is_whole: bool,
}

/// Where the bytes of a part are.
#[derive(Clone)]
pub(super) enum PartBytes {
    Memory(Bytes),
    File {
        file: Arc<WatchedFile>,
        offset: u64,
        length: u64,
    },
}

impl PartBytes {
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File { length, .. } => *length,
        }
    }
}

/// What the whole content was.
pub(super) struct Content {
    pub(super) size: u64,
    pub(super) crc: Crc,
    /// In hex, where it was asked for.
    pub(super) sha256: Option<String>,
}

/// A running pass over the content. Dropping it ends the pass.
pub(super) struct Reading {
    parts: mpsc::Receiver<Part>,
    task: JoinHandle<Result<Content, TransferError>>,
    file: Option<Arc<WatchedFile>>,
}

impl Reading {
    /// Begins to read parts of this size, and not more of them ahead than memory allows.
    pub(super) fn start(source: Source, part_size: u64, in_flight: usize, sha256: bool) -> Self {
        let (sender, parts) = mpsc::channel(1);
        let file = match &source {
            Source::File(file) => Some(Arc::clone(file)),
            Source::Stream(_) => None,
        };
        Self {
            parts,
            file,
            task: tokio::spawn(read(source, part_size, in_flight, sha256, sender)),
        }
    }

    /// The next part; `None` behind the last, or when reading failed, which [`Reading::finish`]
    /// tells.
    pub(super) async fn next(&mut self) -> Option<Part> {
        self.parts.recv().await
    }

    /// What the whole content was, or why reading failed; to be asked once, when there is no next
    /// part.
    pub(super) async fn finish(&mut self) -> Result<Content, TransferError> {
        let content = (&mut self.task).await??;
        self.check_unchanged().await?;
        Ok(content)
    }

    /// Why there was no part at all.
    pub(super) async fn failure(mut self) -> TransferError {
        match self.finish().await {
            Err(error) => error,
            Ok(_) => TransferError::Task("nothing was read".to_owned()),
        }
    }

    /// Fails when the file is no longer what was opened.
    pub(super) async fn check_unchanged(&self) -> Result<(), TransferError> {
        match self.file.clone() {
            Some(file) => tokio::task::spawn_blocking(move || file.check_unchanged()).await?,
            None => Ok(()),
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn read(
    source: Source,
    part_size: u64,
    in_flight: usize,
    sha256: bool,
    parts: mpsc::Sender<Part>,
) -> Result<Content, TransferError> {
    // One to fill and one for the hashing thread beside those being sent.
    let count = in_flight + 2;
    let (hashing, sha256) = match sha256 {
        true => {
            let (hashing, to_hash) = mpsc::channel::<Bytes>(count);
            let thread = tokio::task::spawn_blocking(move || hash(to_hash));
            (Some(hashing), Some(thread))
        }
        false => (None, None),
    };
    let mut sink = Sink {
        parts,
        hashing,
        number: 0,
        whole: Crc::of_nothing(CrcAlgorithm::Crc64Nvme),
    };
    match source {
        Source::Stream(stream) => {
            let buffers = Buffers::new(to_usize(part_size), count);
            read_stream(stream, part_size, &buffers, &mut sink).await?;
        }
        Source::File(file) if part_size <= LARGEST_IN_MEMORY => {
            let buffer = part_size.min(file.size().max(1));
            let buffers = Buffers::new(to_usize(buffer), count);
            read_file(&file, part_size, &buffers, &mut sink).await?;
        }
        Source::File(file) => read_large_parts(&file, part_size, &mut sink).await?,
    }
    let Sink { hashing, whole, .. } = sink;
    drop(hashing);
    Ok(Content {
        size: whole.length(),
        crc: whole,
        sha256: match sha256 {
            Some(thread) => Some(thread.await?),
            None => None,
        },
    })
}

fn hash(mut to_hash: mpsc::Receiver<Bytes>) -> String {
    let mut digest = Sha256::new();
    while let Some(bytes) = to_hash.blocking_recv() {
        digest.update(&bytes);
    }
    digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Where parts go.
struct Sink {
    parts: mpsc::Sender<Part>,
    hashing: Option<mpsc::Sender<Bytes>>,
    number: u32,
    whole: Crc,
}

impl Sink {
    async fn part(
        &mut self,
        bytes: PartBytes,
        crc: Crc,
        is_whole: bool,
    ) -> Result<(), TransferError> {
        self.number += 1;
        self.whole = self.whole.then(crc);
        let part = Part {
            number: self.number,
            bytes,
            crc,
            is_whole,
        };
        // The receiver is gone only when the upload has failed or was cancelled.
        let sent = self.parts.send(part).await;
        sent.map_err(|_| TransferError::Interrupted)
    }

    async fn hash(&self, bytes: Bytes) -> Result<(), TransferError> {
        let Some(hashing) = &self.hashing else {
            return Ok(());
        };
        let sent = hashing.send(bytes).await;
        sent.map_err(|_| TransferError::Task("the hashing thread ended".to_owned()))
    }
}

async fn read_stream(
    mut stream: Box<dyn AsyncRead + Send + Unpin>,
    part_size: u64,
    buffers: &Buffers,
    sink: &mut Sink,
) -> Result<(), TransferError> {
    loop {
        let mut buffer = take(buffers).await?;
        while !buffer.is_full() {
            match stream.read(buffer.space()).await {
                Ok(0) => break,
                Ok(count) => buffer.advance(count),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(source) => return Err(TransferError::InputUnreadable { source }),
            }
        }
        let ends = !buffer.is_full();
        if buffer.filled().is_empty() && sink.number > 0 {
            return Ok(());
        }
        if sink.number == MAX_PARTS {
            return Err(too_many_parts(part_size));
        }
        let (buffer, crc) = tokio::task::spawn_blocking(move || {
            let crc = crc_of(buffer.filled());
            (buffer, crc)
        })
        .await?;
        let bytes = buffer.share();
        sink.hash(bytes.clone()).await?;
        let is_whole = ends && sink.number == 0;
        sink.part(PartBytes::Memory(bytes), crc, is_whole).await?;
        if ends {
            return Ok(());
        }
    }
}

fn too_many_parts(part_size: u64) -> TransferError {
    let part_size = PartSize::new(part_size).unwrap_or(PartSize::DEFAULT);
    let enough = part_size.bytes().saturating_mul(8);
    TransferError::TooManyParts {
        size: None,
        part_size,
        count: u64::from(MAX_PARTS) + 1,
        enough: PartSize::new(enough).unwrap_or(PartSize::MAX),
    }
}

async fn read_file(
    file: &Arc<WatchedFile>,
    part_size: u64,
    buffers: &Buffers,
    sink: &mut Sink,
) -> Result<(), TransferError> {
    let mut offset = 0;
    loop {
        let length = (file.size() - offset).min(part_size);
        let mut buffer = take(buffers).await?;
        let from = Arc::clone(file);
        let (buffer, crc) = tokio::task::spawn_blocking(move || {
            fill(&from, offset, length, &mut buffer)?;
            let crc = crc_of(buffer.filled());
            Ok::<_, TransferError>((buffer, crc))
        })
        .await??;
        let bytes = buffer.share();
        sink.hash(bytes.clone()).await?;
        let is_whole = length == file.size();
        sink.part(PartBytes::Memory(bytes), crc, is_whole).await?;
        offset += length;
        if offset == file.size() {
            return Ok(());
        }
    }
}

async fn read_large_parts(
    file: &Arc<WatchedFile>,
    part_size: u64,
    sink: &mut Sink,
) -> Result<(), TransferError> {
    let buffers = Buffers::new(to_usize(PIECE), 3);
    let mut offset = 0;
    loop {
        let length = (file.size() - offset).min(part_size);
        let mut digest = crc_fast::Digest::new(CrcAlgorithm::Crc64Nvme);
        let mut done = 0;
        while done < length {
            let mut buffer = take(&buffers).await?;
            let from = Arc::clone(file);
            let at = offset + done;
            let piece = (length - done).min(PIECE);
            let (buffer, summed) = tokio::task::spawn_blocking(move || {
                fill(&from, at, piece, &mut buffer)?;
                digest.update(buffer.filled());
                Ok::<_, TransferError>((buffer, digest))
            })
            .await??;
            digest = summed;
            done += piece;
            sink.hash(buffer.share()).await?;
        }
        let bytes = PartBytes::File {
            file: Arc::clone(file),
            offset,
            length,
        };
        let crc = Crc::of(&digest, CrcAlgorithm::Crc64Nvme);
        sink.part(bytes, crc, length == file.size()).await?;
        offset += length;
        if offset == file.size() {
            return Ok(());
        }
    }
}

/// Reads `length` bytes at `offset` into an empty buffer that is large enough.
fn fill(
    file: &WatchedFile,
    offset: u64,
    length: u64,
    buffer: &mut Buffer,
) -> Result<(), TransferError> {
    let length = to_usize(length);
    let space = buffer.space().get_mut(..length).unwrap_or_default();
    match file.file.read_exact_at(space, offset) {
        Ok(()) => {
            buffer.advance(length);
            Ok(())
        }
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Err(file.changed("it became shorter"))
        }
        Err(error) => Err(file.unreadable(error)),
    }
}

async fn take(buffers: &Buffers) -> Result<Buffer, TransferError> {
    let buffer = buffers.take().await;
    buffer.ok_or_else(|| TransferError::Task("the buffers are closed".to_owned()))
}

fn crc_of(bytes: &[u8]) -> Crc {
    let mut digest = crc_fast::Digest::new(CrcAlgorithm::Crc64Nvme);
    digest.update(bytes);
    Crc::of(&digest, CrcAlgorithm::Crc64Nvme)
}

/// Sizes of buffers; S3's largest part fits an address space of 64 bits.
fn to_usize(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
