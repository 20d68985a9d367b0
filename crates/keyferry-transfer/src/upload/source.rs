//! Where the bytes come from, and whether they held still.

use std::fs::{File, Metadata};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::AsyncRead;

use super::UploadSource;
use super::reading::{Content, Part, PassSettings, SMALL, read_whole};
use crate::TransferError;

/// An opened source.
pub(super) enum Source {
    File(Arc<WatchedFile>),
    Stream(Box<dyn AsyncRead + Send + Unpin>),
}

/// A regular file, and how it looked when it was opened.
pub(super) struct WatchedFile {
    pub(super) file: File,
    path: PathBuf,
    seen: Seen,
    /// All of a small file, read when it was opened; taken by the first pass over it.
    early: Mutex<Option<(Part, Content)>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Source {
    /// Opens it, and reads a small file at once, so that one switch to a thread that may block is
    /// enough.
    pub(super) async fn open(
        source: UploadSource,
        settings: PassSettings,
    ) -> Result<Self, TransferError> {
        let path = match source {
            UploadSource::Reader(reader) => return Ok(Self::Stream(reader)),
            UploadSource::File(path) => path,
        };
        tokio::task::spawn_blocking(move || {
            let source = open(path)?;
            if let Self::File(file) = &source {
                file.read_early(&settings);
            }
            Ok(source)
        })
        .await?
    }

    /// Bytes, where that is known before reading.
    pub(super) fn size(&self) -> Option<u64> {
        match self {
            Self::File(file) => Some(file.seen.size),
            Self::Stream(_) => None,
        }
    }

    /// The same once more; a stream cannot be read again.
    pub(super) fn again(&self) -> Option<Self> {
        match self {
            Self::File(file) => Some(Self::File(Arc::clone(file))),
            Self::Stream(_) => None,
        }
    }
}

fn open(path: PathBuf) -> Result<Source, TransferError> {
    let unreadable = |source| TransferError::SourceUnreadable {
        path: path.clone(),
        source,
    };
    let file = File::open(&path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    let kind = metadata.file_type();
    if kind.is_dir() {
        return Err(unreadable(std::io::ErrorKind::IsADirectory.into()));
    }
    if kind.is_fifo() || kind.is_char_device() || kind.is_socket() {
        return Ok(Source::Stream(Box::new(tokio::fs::File::from_std(file))));
    }
    Ok(Source::File(Arc::new(WatchedFile {
        file,
        seen: Seen::of(&metadata),
        early: Mutex::default(),
        path,
    })))
}

impl WatchedFile {
    /// Reads a small file, where there is memory for it. What goes wrong shows when it is read in its
    /// turn.
    fn read_early(self: &Arc<Self>, settings: &PassSettings) {
        if self.size() <= SMALL
            && let Ok(length) = usize::try_from(self.size())
            && let Some(buffer) = settings.memory.try_buffer(length)
            && let Ok(read) = read_whole(self, buffer, settings.sha256)
        {
            *self.early() = Some(read);
        }
    }

    /// What was read when the file was opened.
    pub(super) fn take_early(&self) -> Option<(Part, Content)> {
        self.early().take()
    }

    fn early(&self) -> MutexGuard<'_, Option<(Part, Content)>> {
        self.early.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn size(&self) -> u64 {
        self.seen.size
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Seconds and nanoseconds.
    pub(super) fn modified(&self) -> (i64, i64) {
        self.seen.modified
    }

    /// Fails when the file is not what was opened: written to, or another one under its name.
    pub(super) fn check_unchanged(&self) -> Result<(), TransferError> {
        let now = self
            .file
            .metadata()
            .map_err(|error| self.unreadable(error))?;
        let now = Seen::of(&now);
        if now.size != self.seen.size {
            return Err(self.changed("its size is another"));
        }
        if now != self.seen {
            return Err(self.changed("its modification time is another"));
        }
        match std::fs::metadata(&self.path).map(|metadata| Seen::of(&metadata)) {
            Ok(named) if (named.device, named.inode) == (now.device, now.inode) => Ok(()),
            Ok(_) => Err(self.changed("another file has its name")),
            Err(_) => Err(self.changed("it was removed or renamed")),
        }
    }

    pub(super) fn changed(&self, how: &'static str) -> TransferError {
        TransferError::SourceChanged {
            path: self.path.clone(),
            how,
        }
    }

    pub(super) fn unreadable(&self, source: std::io::Error) -> TransferError {
        TransferError::SourceUnreadable {
            path: self.path.clone(),
            source,
        }
    }
}

impl Seen {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn watched(path: PathBuf) -> Arc<WatchedFile> {
        match open(path).unwrap() {
            Source::File(file) => file,
            Source::Stream(_) => unreachable!("a regular file"),
        }
    }

    #[test]
    fn changes_are_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let how = |change: &dyn Fn()| {
            std::fs::write(&path, "content").unwrap();
            let file = watched(path.clone());
            file.check_unchanged().unwrap();
            change();
            match file.check_unchanged() {
                Err(TransferError::SourceChanged { how, .. }) => how,
                other => unreachable!("{other:?}"),
            }
        };
        assert_eq!(
            how(&|| {
                let mut file = File::options().append(true).open(&path).unwrap();
                file.write_all(b"x").unwrap();
            }),
            "its size is another"
        );
        assert_eq!(
            how(&|| {
                std::thread::sleep(std::time::Duration::from_millis(20));
                std::fs::write(&path, "CONTENT").unwrap();
            }),
            "its modification time is another"
        );
        assert_eq!(
            how(&|| {
                let other = folder.path().join("other");
                std::fs::write(&other, "content").unwrap();
                std::fs::rename(&other, &path).unwrap();
            }),
            "another file has its name"
        );
        assert_eq!(
            how(&|| std::fs::remove_file(&path).unwrap()),
            "it was removed or renamed"
        );
    }

    #[test]
    fn folders_are_refused_and_devices_are_streams() {
        assert!(matches!(
            open("/tmp".into()),
            Err(TransferError::SourceUnreadable { .. })
        ));
        assert!(matches!(open("/dev/null".into()), Ok(Source::Stream(_))));
    }
}
