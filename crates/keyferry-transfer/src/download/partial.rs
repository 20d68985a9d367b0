//! What a download that broke off leaves beside its target.
//!
//! `.NAME.keyferry-part` is the file as far as it came, of full size from the beginning;
//! `.NAME.keyferry-state` says of which object it is and which ranges of it were written, each with
//! its CRC64NVME. A line is appended for every few MiB and nothing is synced: after a kill the system
//! still has all of it, and after a power failure the checksums tell what is missing. Who continues
//! sums all ranges again.

mod earlier;
mod files;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::checksum::Crc;
use crate::resume::{FORMAT, Journal, Opened};
use crate::{ObjectAddress, Resume, StartedOver, TransferError};

pub(super) use earlier::Earlier;
use files::{names, open_partial};

/// First line: which object it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) format: u32,
    pub(super) source: ObjectAddress,
    pub(super) version_id: Option<String>,
    /// In quotes, as If-Match needs it.
    pub(super) etag: String,
    pub(super) size: u64,
}

/// All other lines: a stretch of bytes that was written. `to` is excluded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct WrittenLine {
    from: u64,
    to: u64,
    crc: String,
}

/// Only this is read of a file whose format is not known.
#[derive(Deserialize)]
struct AnyFormat {
    format: u32,
}

/// The state of a download, held by this process.
#[derive(Debug)]
pub(super) struct Partial {
    journal: Journal,
    pub(super) path: PathBuf,
    total: AtomicU64,
    /// Bytes of the ranges that are written down.
    kept: AtomicU64,
}

/// What is known of earlier downloads to a target.
#[derive(Debug)]
pub(super) enum Left {
    /// Nothing; or another process is at it, and nothing will be left this time.
    Nothing {
        busy: bool,
    },
    Fits(Arc<Partial>, Earlier),
    /// It is of no use.
    Unfit(Arc<Partial>, StartedOver),
}

impl Partial {
    /// Looks for what an earlier download to the target left.
    ///
    /// # Errors
    /// When an earlier download is to be continued, and its state cannot be used.
    pub(super) fn find(
        target: &Path,
        source: &ObjectAddress,
        version_id: Option<&str>,
        resume: Resume,
    ) -> Result<Left, TransferError> {
        let (path, state) = names(target);
        let continues = resume == Resume::Continue;
        let unusable = |reason: String| TransferError::ResumeState {
            path: state.clone(),
            reason,
        };
        let read = Journal::open(&state).and_then(|opened| match opened {
            Opened::Held(journal) => Ok(Some((journal.lines()?, journal))),
            Opened::Missing => Ok(None),
            Opened::Busy => Err(io::ErrorKind::ResourceBusy.into()),
        });
        let (lines, journal) = match read {
            Ok(Some(held)) => held,
            Ok(None) => return Ok(Left::Nothing { busy: false }),
            Err(error) if !continues => {
                tracing::warn!(path = %state.display(), %error, "the download is not remembered");
                return Ok(Left::Nothing { busy: true });
            }
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                return Err(TransferError::ResumeBusy {
                    what: format!("to `{}`", target.display()),
                });
            }
            Err(error) => return Err(unusable(error.to_string())),
        };
        let partial = Arc::new(Self {
            journal,
            path,
            total: AtomicU64::new(0),
            kept: AtomicU64::new(0),
        });
        let earlier = if continues {
            partial.read(&lines, source, version_id)
        } else {
            Err(StartedOver::NotAsked)
        };
        Ok(match earlier {
            Ok(earlier) => {
                partial.total.store(earlier.header.size, Ordering::Relaxed);
                let kept = earlier.written.iter().map(|range| range.to - range.from);
                partial.kept.store(kept.sum(), Ordering::Relaxed);
                Left::Fits(partial, earlier)
            }
            Err(StartedOver::NewerState) if continues => {
                return Err(unusable("a newer version of keyferry wrote it".to_owned()));
            }
            Err(why) => Left::Unfit(partial, why),
        })
    }

    fn read(
        &self,
        lines: &[Vec<u8>],
        source: &ObjectAddress,
        version_id: Option<&str>,
    ) -> Result<Earlier, StartedOver> {
        let (first, others) = lines.split_first().ok_or(StartedOver::DamagedState)?;
        let format: AnyFormat =
            serde_json::from_slice(first).map_err(|_| StartedOver::DamagedState)?;
        if format.format > FORMAT {
            return Err(StartedOver::NewerState);
        }
        let header: Header =
            serde_json::from_slice(first).map_err(|_| StartedOver::DamagedState)?;
        if header.source != *source {
            return Err(StartedOver::OtherObject);
        }
        if version_id.is_some_and(|asked| header.version_id.as_deref() != Some(asked)) {
            return Err(StartedOver::ObjectChanged);
        }
        let file = open_partial(&self.path, false).map_err(|_| StartedOver::PartialFileChanged)?;
        let length = file.metadata().map(|metadata| metadata.len()).ok();
        if length != Some(header.size) {
            return Err(StartedOver::PartialFileChanged);
        }
        let mut written: Vec<WrittenLine> = others
            .iter()
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect();
        written.sort_unstable_by_key(|range| range.from);
        let mut end = 0;
        written.retain(|range| {
            let follows = range.from >= end && range.from < range.to && range.to <= header.size;
            if follows {
                end = range.to;
            }
            follows
        });
        Ok(Earlier {
            header,
            file: Arc::new(file),
            written,
        })
    }

    /// Makes the state of a new download, and an empty file for it. `None` where that is not possible.
    pub(super) fn begin(target: &Path, header: &Header) -> Option<(Arc<Self>, File)> {
        let (path, state) = names(target);
        match Journal::create(&state) {
            Ok(Opened::Held(journal)) => {
                let partial = Self {
                    journal,
                    path,
                    total: AtomicU64::new(0),
                    kept: AtomicU64::new(0),
                };
                let file = partial.begin_again(header);
                match file {
                    Ok(file) => Some((Arc::new(partial), file)),
                    Err(error) => {
                        tracing::warn!(path = %state.display(), %error, "the download is not remembered");
                        let _ = partial.discard();
                        None
                    }
                }
            }
            Ok(_) => None,
            Err(error) => {
                tracing::warn!(path = %state.display(), %error, "the download is not remembered");
                None
            }
        }
    }

    /// Makes the state that of a new download, and empties the file.
    pub(super) fn begin_again(&self, header: &Header) -> io::Result<File> {
        self.journal.clear()?;
        self.total.store(header.size, Ordering::Relaxed);
        self.kept.store(0, Ordering::Relaxed);
        let file = open_partial(&self.path, true)?;
        file.set_len(0)?;
        self.journal.append(header)?;
        Ok(file)
    }

    /// Writes down that a range was written.
    pub(super) fn record(&self, from: u64, to: u64, crc: Crc) {
        let crc = crc.to_base64();
        match self.journal.append(&WrittenLine { from, to, crc }) {
            Ok(()) => {
                self.kept.fetch_add(to - from, Ordering::Relaxed);
            }
            Err(error) => tracing::debug!(%error, "a range is not written down"),
        }
    }

    /// Takes back all that was written down, because something in it is wrong.
    pub(super) fn doubt(&self) {
        self.kept.store(0, Ordering::Relaxed);
        let again = self.journal.lines().and_then(|lines| {
            self.journal.clear()?;
            lines
                .first()
                .map_or(Ok(()), |first| self.journal.append_as_is(first))
        });
        if let Err(error) = again {
            tracing::debug!(%error, "the state of the download cannot be written");
        }
    }

    /// How much of a range is written before it is written down: little enough not to be missed when
    /// the process is killed, and so much that the state stays small.
    pub(super) fn stretch(&self) -> u64 {
        const LEAST: u64 = 2 << 20;
        const MOST_LINES: u64 = 1 << 16;
        LEAST.max(self.total.load(Ordering::Relaxed) / MOST_LINES)
    }

    /// How many bytes need not be fetched again.
    pub(super) fn kept(&self) -> u64 {
        self.kept.load(Ordering::Relaxed)
    }

    /// So many bytes are not what was written.
    pub(super) fn take_off(&self, bytes: u64) {
        self.kept.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Removes the state, when the file has its final name.
    pub(super) fn finish(&self) {
        if let Err(error) = self.journal.remove() {
            tracing::warn!(path = %self.journal.path().display(), %error, "it cannot be removed");
        }
    }

    /// Removes file and state.
    fn discard(&self) -> io::Result<()> {
        self.kept.store(0, Ordering::Relaxed);
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.journal.remove()
    }

    /// What an error means for what was written: it stays where it may be of use.
    pub(super) async fn stop(self: Arc<Self>, cause: TransferError) -> TransferError {
        let may_help = cause.may_pass()
            || matches!(
                cause,
                TransferError::AccessDenied { .. }
                    | TransferError::WrongKey { .. }
                    | TransferError::MissingKey { .. }
                    | TransferError::Service { .. }
                    | TransferError::TargetExists { .. }
            );
        if may_help && self.kept() > 0 {
            // Syncing to disk, which nobody waits for any more, may still hold it.
            self.journal.release();
            return TransferError::Resumable {
                cause: Box::new(cause),
                kept: self.kept(),
                total: self.total.load(Ordering::Relaxed),
            };
        }
        self.remove().await;
        cause
    }

    /// Removes file and state. That they cannot be removed is no reason to fail.
    pub(super) async fn remove(self: Arc<Self>) {
        let removed = tokio::task::spawn_blocking(move || self.discard()).await;
        if let Ok(Err(error)) = removed {
            tracing::warn!(%error, "a partial file cannot be removed");
        }
    }
}

#[cfg(test)]
mod tests;
