//! The file that a download becomes.
//!
//! Bytes go to a temporary file in the same folder, which is renamed when all is verified and on
//! disk: under the final name there is the old file or the whole new one, never a part of it. A
//! download that can be continued has a partial file of a fixed name instead, which stays when it
//! breaks off.

use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::{NamedTempFile, TempPath};
use tokio::io::AsyncWrite;

use super::object::Fetching;
use super::partial::{Header, Left, Partial};
use crate::local::Place;
use crate::{KeyPath, Overwrite, Resume, TargetFolder, TransferError};

/// Where bytes go.
pub(super) enum Target {
    File(Incomplete),
    Within(Within),
    Writer(Box<dyn AsyncWrite + Send + Unpin>),
}

/// A place in a folder with many others. No file is there yet.
pub(super) struct Within {
    pub(super) folder: Arc<TargetFolder>,
    pub(super) place: Place,
    pub(super) overwrite: Overwrite,
    /// What the object's size was when it was listed.
    pub(super) size: u64,
}

/// A target file that is being filled under another name. Dropping it removes that, unless it is a
/// partial file.
#[derive(Debug)]
pub(super) struct Incomplete {
    pub(super) file: Arc<File>,
    temporary: TempPath,
    path: PathBuf,
    folder: PathBuf,
    overwrite: Overwrite,
    size: u64,
    /// What stays when the download breaks off.
    pub(super) partial: Option<Arc<Partial>>,
}

/// A target file with all its bytes on disk, still under another name.
#[derive(Debug)]
pub(super) struct Complete(Incomplete);

impl Target {
    pub(super) async fn file(path: PathBuf, overwrite: Overwrite) -> Result<Self, TransferError> {
        let file = tokio::task::spawn_blocking(move || Incomplete::begin(path, overwrite));
        file.await?.map(Self::File)
    }

    pub(super) async fn within(
        folder: Arc<TargetFolder>,
        path: KeyPath,
        size: u64,
        overwrite: Overwrite,
    ) -> Result<Self, TransferError> {
        tokio::task::spawn_blocking(move || {
            let place = folder.place(&path)?;
            place.check(overwrite)?;
            Ok(Self::Within(Within {
                folder,
                place,
                overwrite,
                size,
            }))
        })
        .await?
    }
}

impl Target {
    /// Where the file will be.
    pub(super) fn path(&self) -> Option<PathBuf> {
        match self {
            Self::File(file) => Some(file.path.clone()),
            Self::Within(within) => Some(within.place.path.clone()),
            Self::Writer(_) => None,
        }
    }
}

impl Within {
    /// Begins a file that is large enough to be dealt with by itself.
    pub(super) async fn alone(self) -> Result<Incomplete, TransferError> {
        tokio::task::spawn_blocking(move || {
            self.place.check(self.overwrite)?;
            Incomplete::begin(self.place.path, self.overwrite)
        })
        .await?
    }
}

impl Incomplete {
    fn begin(path: PathBuf, overwrite: Overwrite) -> Result<Self, TransferError> {
        // A link stays, and what it points to is replaced.
        let path = match path.symlink_metadata() {
            Ok(metadata) if metadata.is_symlink() => path.canonicalize().unwrap_or(path),
            _ => path,
        };
        let ends_in_slash = path.as_os_str().as_encoded_bytes().ends_with(b"/");
        match path.metadata() {
            Ok(metadata) if !metadata.is_file() => {
                return Err(TransferError::TargetNotAFile { path });
            }
            Ok(_) if overwrite == Overwrite::Never => {
                return Err(TransferError::TargetExists { path });
            }
            _ if path.file_name().is_none() || ends_in_slash => {
                return Err(TransferError::TargetNotAFile { path });
            }
            _ => {}
        }
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        if !folder.is_dir() {
            return Err(TransferError::TargetFolderMissing { folder });
        }
        let made = tempfile::Builder::new()
            .prefix(".keyferry-")
            .suffix(".part")
            // As any new file: the umask decides.
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(&folder)
            .map(NamedTempFile::into_parts);
        match made {
            Ok((file, temporary)) => Ok(Self {
                file: Arc::new(file),
                temporary,
                path,
                folder,
                overwrite,
                size: 0,
                partial: None,
            }),
            Err(source) => Err(TransferError::TargetUnwritable { path, source }),
        }
    }

    /// Looks for what an earlier download left.
    pub(super) async fn left(
        &self,
        fetching: &Fetching<'_>,
        resume: Resume,
    ) -> Result<Left, TransferError> {
        let path = self.path.clone();
        let source = fetching.source.clone();
        let version_id = fetching.asked_version.map(str::to_owned);
        tokio::task::spawn_blocking(move || {
            Partial::find(&path, &source, version_id.as_deref(), resume)
        })
        .await?
    }

    /// Removes what an earlier download left, when none is needed.
    pub(super) async fn tidy(&self, fetching: &Fetching<'_>) -> Result<(), TransferError> {
        if let Left::Unfit(partial, _) = self.left(fetching, Resume::StartOver).await? {
            partial.remove().await;
        }
        Ok(())
    }

    /// Goes on with the file of an earlier download.
    pub(super) async fn adopt(
        self,
        file: Arc<File>,
        partial: Arc<Partial>,
    ) -> Result<Self, TransferError> {
        tokio::task::spawn_blocking(move || self.with(file, partial)).await?
    }

    /// Fills a partial file, which stays when the download breaks off. Where none can be made, it is
    /// done without.
    pub(super) async fn keep(
        self,
        old: Option<Arc<Partial>>,
        header: Header,
    ) -> Result<Self, TransferError> {
        tokio::task::spawn_blocking(move || {
            let begun = match old {
                Some(old) => match old.begin_again(&header) {
                    Ok(file) => Some((old, file)),
                    Err(error) => {
                        tracing::warn!(%error, "the download is not remembered");
                        None
                    }
                },
                None => Partial::begin(&self.path, &header),
            };
            match begun {
                Some((partial, file)) => self.with(Arc::new(file), partial),
                None => Ok(self),
            }
        })
        .await?
    }

    fn with(mut self, file: Arc<File>, partial: Arc<Partial>) -> Result<Self, TransferError> {
        match TempPath::try_from_path(&partial.path) {
            Ok(mut path) => {
                path.disable_cleanup(true);
                self.temporary = path;
                self.file = file;
                self.partial = Some(partial);
                Ok(self)
            }
            Err(error) => Err(self.unwritable(error)),
        }
    }

    /// Reserves the space, so that a full disk shows before the download and not at its end.
    pub(super) async fn reserve(mut self, size: u64) -> Result<Self, TransferError> {
        self.size = size;
        tokio::task::spawn_blocking(move || match reserve(&self.file, size) {
            Ok(()) => Ok(self),
            Err(error) => Err(self.unwritable(error)),
        })
        .await?
    }

    /// What an error of the operating system means for this file.
    pub(super) fn unwritable(&self, source: io::Error) -> TransferError {
        match source.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => TransferError::DiskFull {
                path: self.path.clone(),
                needed: self.size,
            },
            _ => TransferError::TargetUnwritable {
                path: self.path.clone(),
                source,
            },
        }
    }

    /// Says that the content is complete and verified, and puts it on disk.
    pub(super) async fn complete(self) -> Result<Complete, TransferError> {
        tokio::task::spawn_blocking(move || match self.file.sync_all() {
            Ok(()) => Ok(Complete(self)),
            Err(error) => Err(self.unwritable(error)),
        })
        .await?
    }
}

impl Complete {
    /// Renames it to its final name.
    pub(super) async fn take_name(self) -> Result<(), TransferError> {
        tokio::task::spawn_blocking(move || self.rename()).await?
    }

    fn rename(self) -> Result<(), TransferError> {
        let Incomplete {
            temporary,
            path,
            folder,
            overwrite,
            partial,
            ..
        } = self.0;
        let renamed = match overwrite {
            Overwrite::Never => temporary.persist_noclobber(&path),
            Overwrite::Always | Overwrite::IfDifferent => temporary.persist(&path),
        };
        match renamed.map_err(|error| error.error) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(TransferError::TargetExists { path });
            }
            Err(source) => return Err(TransferError::TargetUnwritable { path, source }),
        }
        if let Some(partial) = partial {
            partial.finish();
        }
        // Without this a power failure could undo the renaming.
        match File::open(folder).and_then(|folder| folder.sync_all()) {
            Ok(()) => Ok(()),
            // Not every file system syncs folders.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            Err(source) => Err(TransferError::TargetUnwritable { path, source }),
        }
    }
}

#[cfg(target_os = "linux")]
fn reserve(file: &File, size: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::Errno;

    if size == 0 {
        return Ok(());
    }
    match fallocate(file, FallocateFlags::empty(), 0, size) {
        // A file system that cannot reserve shows a full disk later.
        Ok(()) => Ok(()),
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => file.set_len(size),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn reserve(file: &File, size: u64) -> io::Result<()> {
    file.set_len(size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[tokio::test]
    async fn a_dropped_target_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let incomplete = Incomplete::begin(path.clone(), Overwrite::Never).unwrap();
        drop(
            incomplete
                .reserve(1 << 20)
                .await
                .unwrap()
                .complete()
                .await
                .unwrap(),
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_file_made_meanwhile_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let incomplete = Incomplete::begin(path.clone(), Overwrite::Never).unwrap();
        std::fs::write(&path, "theirs").unwrap();
        let complete = incomplete.complete().await.unwrap();
        assert!(matches!(
            complete.take_name().await,
            Err(TransferError::TargetExists { .. })
        ));
        assert_eq!(std::fs::read(&path).unwrap(), b"theirs");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_used_up_quota_is_a_full_disk() {
        let folder = tempfile::tempdir().unwrap();
        let incomplete = Incomplete::begin(folder.path().join("a"), Overwrite::Never).unwrap();
        for errno in [rustix::io::Errno::DQUOT, rustix::io::Errno::NOSPC] {
            assert!(matches!(
                incomplete.unwritable(errno.into()),
                TransferError::DiskFull { .. }
            ));
        }
    }

    #[tokio::test]
    async fn a_link_stays_and_its_target_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("a"), folder.path().join("link"));
        std::fs::write(&path, "old").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let incomplete = Incomplete::begin(link.clone(), Overwrite::Always).unwrap();
        (&*incomplete.file).write_all(b"new").unwrap();
        incomplete
            .complete()
            .await
            .unwrap()
            .take_name()
            .await
            .unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn only_files_can_be_targets() {
        for path in ["/tmp", "/dev/null", "/", "..", "/tmp/missing-folder-a/"] {
            assert!(
                matches!(
                    Incomplete::begin(path.into(), Overwrite::Always),
                    Err(TransferError::TargetNotAFile { .. })
                ),
                "{path}"
            );
        }
        assert!(matches!(
            Incomplete::begin("/nonexistent/a".into(), Overwrite::Always),
            Err(TransferError::TargetFolderMissing { .. })
        ));
    }
}
