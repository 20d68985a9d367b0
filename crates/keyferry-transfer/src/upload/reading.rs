//! One pass over the content: cutting it into parts, and summing.
//!
//! A task reads ahead while parts are being sent. Each part's CRC is computed as it is read, the
//! CRC of the whole is combined from them, and where a SHA-256 is asked for, a thread of its own
//! computes it, which is sequential by nature and slower than the rest. A small file is read in one
//! go, without a task.

use std::sync::Arc;

use bytes::Bytes;
use crc_fast::CrcAlgorithm;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::source::{Source, WatchedFile};
use crate::TransferError;
use crate::checksum::{self, Crc};
use crate::engine::Memory;

mod pass;

pub(super) use pass::read_whole;

/// Files up to this size are read in one go.
pub(super) const SMALL: u64 = 1 << 20;

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

/// How content is read.
#[derive(Clone)]
pub(super) struct PassSettings {
    pub(super) part_size: u64,
    pub(super) sha256: bool,
    pub(super) memory: Memory,
}

/// A running pass over the content. Dropping it ends the pass.
pub(super) struct Reading {
    pass: Pass,
    file: Option<Arc<WatchedFile>>,
}

enum Pass {
    Running {
        parts: mpsc::Receiver<Part>,
        task: JoinHandle<Result<Content, TransferError>>,
    },
    /// A small file, not read yet.
    Small(Arc<WatchedFile>, PassSettings),
    /// A small file that was read; asked once what it was.
    Read(Option<Result<Content, TransferError>>),
}

impl Reading {
    /// Begins to read parts of this size, one ahead of what is being sent.
    pub(super) fn start(source: Source, settings: PassSettings) -> Self {
        let file = match &source {
            Source::File(file) => Some(Arc::clone(file)),
            Source::Stream(_) => None,
        };
        let pass = match source {
            Source::File(file) if file.size() <= SMALL.min(settings.part_size) => {
                Pass::Small(file, settings)
            }
            source => {
                let (sender, parts) = mpsc::channel(1);
                let task = tokio::spawn(pass::read(source, settings, sender));
                Pass::Running { parts, task }
            }
        };
        Self { pass, file }
    }

    /// The next part; `None` behind the last, or when reading failed, which [`Reading::finish`]
    /// tells.
    pub(super) async fn next(&mut self) -> Option<Part> {
        let (file, settings) = match &mut self.pass {
            Pass::Running { parts, .. } => return parts.recv().await,
            Pass::Small(file, settings) => (Arc::clone(file), settings.clone()),
            Pass::Read(_) => return None,
        };
        let read = match file.take_early() {
            Some(read) => Ok(read),
            None => pass::read_small(file, settings).await,
        };
        let (part, content) = match read {
            Ok((part, content)) => (Some(part), Ok(content)),
            Err(error) => (None, Err(error)),
        };
        self.pass = Pass::Read(Some(content));
        part
    }

    /// What the whole content was, or why reading failed; to be asked once, when there is no next
    /// part.
    pub(super) async fn finish(&mut self) -> Result<Content, TransferError> {
        match &mut self.pass {
            Pass::Running { task, .. } => {
                let content = task.await??;
                self.check_unchanged().await?;
                Ok(content)
            }
            // Looked at behind the reading already.
            Pass::Read(content) => content.take().unwrap_or_else(|| Err(nothing())),
            Pass::Small(..) => Err(nothing()),
        }
    }

    /// Why there was no part at all.
    pub(super) async fn failure(mut self) -> TransferError {
        match self.finish().await {
            Err(error) => error,
            Ok(_) => nothing(),
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

fn nothing() -> TransferError {
    TransferError::Task("nothing was read".to_owned())
}

impl Drop for Reading {
    fn drop(&mut self) {
        if let Pass::Running { task, .. } = &self.pass {
            task.abort();
        }
    }
}

pub(super) fn crc_of(bytes: &[u8]) -> Crc {
    let mut digest = checksum::begin(CrcAlgorithm::Crc64Nvme);
    checksum::add(&mut digest, bytes);
    Crc::of(&digest, CrcAlgorithm::Crc64Nvme)
}
