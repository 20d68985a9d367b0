//! The pass itself.

use std::fmt::Write as _;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256, digest};
use bytes::Bytes;
use crc_fast::CrcAlgorithm;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::mpsc::{self, OwnedPermit};

use super::{Content, Part, PartBytes, PassSettings, crc_of};
use crate::TransferError;
use crate::checksum::{self, Crc};
use crate::engine::{Buffer, Memory};
use crate::part_plan::{MAX_PARTS, PartSize};
use crate::upload::source::{Source, WatchedFile};

/// How a part too large for memory is read.
const PIECE: u64 = 8 << 20;
/// How many parts may wait for the hashing thread.
const TO_HASH: usize = 2;
/// A part may take so much of the memory, lest few of them take all of it.
const SHARE: u64 = 4;

/// Reads a small file in one go: one switch to a thread that may block.
pub(super) async fn read_small(
    file: Arc<WatchedFile>,
    settings: PassSettings,
) -> Result<(Part, Content), TransferError> {
    let buffer = settings.memory.buffer(to_usize(file.size())).await;
    tokio::task::spawn_blocking(move || read_whole(&file, buffer, settings.sha256)).await?
}

/// Reads a file into a buffer of its size. Blocks.
pub(in crate::upload) fn read_whole(
    file: &WatchedFile,
    mut buffer: Buffer,
    sha256: bool,
) -> Result<(Part, Content), TransferError> {
    fill(file, 0, file.size(), &mut buffer)?;
    file.check_unchanged()?;
    let content = Content {
        size: file.size(),
        crc: crc_of(buffer.filled()),
        sha256: sha256.then(|| in_hex(digest(&SHA256, buffer.filled()).as_ref())),
    };
    let part = Part {
        number: 1,
        bytes: PartBytes::Memory(buffer.share()),
        crc: content.crc,
        is_whole: true,
    };
    Ok((part, content))
}

/// Reads all of the content, part by part.
pub(super) async fn read(
    source: Source,
    settings: PassSettings,
    parts: mpsc::Sender<Part>,
) -> Result<Content, TransferError> {
    let PassSettings {
        part_size,
        sha256,
        memory,
    } = settings;
    let (hashing, sha256) = match sha256 {
        true => {
            let (hashing, to_hash) = mpsc::channel::<Bytes>(TO_HASH);
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
        Source::Stream(stream) => read_stream(stream, part_size, &memory, &mut sink).await?,
        Source::File(file) if part_size.min(file.size()) <= memory.total() / SHARE => {
            read_file(&file, part_size, &memory, &mut sink).await?;
        }
        Source::File(file) => read_large_parts(&file, part_size, &memory, &mut sink).await?,
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
    let mut context = Context::new(&SHA256);
    while let Some(bytes) = to_hash.blocking_recv() {
        context.update(&bytes);
    }
    in_hex(context.finish().as_ref())
}

fn in_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string does not fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Where parts go.
struct Sink {
    parts: mpsc::Sender<Part>,
    hashing: Option<mpsc::Sender<Bytes>>,
    number: u32,
    whole: Crc,
}

impl Sink {
    /// Waits until a part is wanted, so that none is read into memory before.
    async fn wanted(&self) -> Result<OwnedPermit<Part>, TransferError> {
        // The receiver is gone only when the upload has failed or was cancelled.
        let slot = self.parts.clone().reserve_owned().await;
        slot.map_err(|_| TransferError::Interrupted)
    }

    fn part(&mut self, slot: OwnedPermit<Part>, bytes: PartBytes, crc: Crc, is_whole: bool) {
        self.number += 1;
        self.whole = self.whole.then(crc);
        slot.send(Part {
            number: self.number,
            bytes,
            crc,
            is_whole,
        });
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
    memory: &Memory,
    sink: &mut Sink,
) -> Result<(), TransferError> {
    loop {
        let slot = sink.wanted().await?;
        let mut buffer = memory.buffer(to_usize(part_size)).await;
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
        sink.part(slot, PartBytes::Memory(bytes), crc, is_whole);
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
    memory: &Memory,
    sink: &mut Sink,
) -> Result<(), TransferError> {
    let mut offset = 0;
    loop {
        let length = (file.size() - offset).min(part_size);
        let slot = sink.wanted().await?;
        let mut buffer = memory.buffer(to_usize(length)).await;
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
        sink.part(slot, PartBytes::Memory(bytes), crc, is_whole);
        offset += length;
        if offset == file.size() {
            return Ok(());
        }
    }
}

async fn read_large_parts(
    file: &Arc<WatchedFile>,
    part_size: u64,
    memory: &Memory,
    sink: &mut Sink,
) -> Result<(), TransferError> {
    let piece = PIECE.min(memory.total());
    let mut offset = 0;
    loop {
        let length = (file.size() - offset).min(part_size);
        let slot = sink.wanted().await?;
        let mut digest = checksum::begin(CrcAlgorithm::Crc64Nvme);
        let mut done = 0;
        while done < length {
            let at = offset + done;
            let count = (length - done).min(piece);
            let mut buffer = memory.buffer(to_usize(count)).await;
            let from = Arc::clone(file);
            let (buffer, summed) = tokio::task::spawn_blocking(move || {
                fill(&from, at, count, &mut buffer)?;
                checksum::add(&mut digest, buffer.filled());
                Ok::<_, TransferError>((buffer, digest))
            })
            .await??;
            digest = summed;
            done += count;
            sink.hash(buffer.share()).await?;
        }
        let bytes = PartBytes::File {
            file: Arc::clone(file),
            offset,
            length,
        };
        let crc = Crc::of(&digest, CrcAlgorithm::Crc64Nvme);
        sink.part(slot, bytes, crc, length == file.size());
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

/// Sizes of buffers; S3's largest part fits an address space of 64 bits.
fn to_usize(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
