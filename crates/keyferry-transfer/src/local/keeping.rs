//! Files that take their names together.
//!
//! To sync each of many small files takes a disk longer than to write it. Those that are complete at
//! about the same time are put on disk by one call for the file system they are on, and renamed then.
//! While that goes on, others are written, and are the next batch.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, RenameFlags, openat, renameat, renameat_with, statat, unlinkat,
};
use rustix::io::Errno;
use tokio::sync::{Semaphore, oneshot};

use super::target_folder::{Folder, Place, TargetFolder};
use crate::{Overwrite, TransferError};

/// How many files wait at most; each holds a name on disk and a little memory.
const MOST_WAITING: usize = 1024;
/// What is complete within this time is one batch.
const GATHERING: Duration = Duration::from_millis(20);

/// Files that are complete but not under their names yet.
pub(super) struct Keeping {
    waiting: Mutex<Vec<Waiting>>,
    /// Held by whoever works on the batch.
    working: tokio::sync::Mutex<()>,
    room: Semaphore,
}

struct Waiting {
    file: Unnamed,
    kept: oneshot::Sender<Result<(), TransferError>>,
}

/// A file in the folder that it is for, under a name of ours. Dropping it removes it.
pub(crate) struct Unnamed {
    place: Option<Place>,
    temporary: String,
    overwrite: Overwrite,
}

impl Default for Keeping {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
            working: tokio::sync::Mutex::default(),
            room: Semaphore::new(MOST_WAITING),
        }
    }
}

impl Place {
    /// Whether there may be a file. Blocks.
    pub(crate) fn check(&self, overwrite: Overwrite) -> Result<(), TransferError> {
        let there = match statat(&*self.folder, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(there) => there,
            Err(Errno::NOENT) => return Ok(()),
            Err(error) => return Err(self.unwritable(error.into())),
        };
        let path = || self.path.clone();
        match FileType::from_raw_mode(there.st_mode) {
            FileType::RegularFile | FileType::Symlink if overwrite == Overwrite::Never => {
                Err(TransferError::TargetExists { path: path() })
            }
            FileType::RegularFile => Ok(()),
            // Links are not followed, for they may lead out of the folder.
            _ => Err(TransferError::TargetNotAFile { path: path() }),
        }
    }

    /// Makes the file, as any new one: the umask decides who may read it. Blocks.
    pub(crate) fn begin(self, overwrite: Overwrite) -> Result<(File, Unnamed), TransferError> {
        self.check(overwrite)?;
        loop {
            let number: u64 = rand::random();
            let temporary = format!(".keyferry-{number:016x}.part");
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
            let mode = Mode::from_raw_mode(0o666);
            return match openat(&*self.folder, &temporary, flags, mode) {
                Ok(file) => Ok((
                    OwnedFd::into(file),
                    Unnamed {
                        place: Some(self),
                        temporary,
                        overwrite,
                    },
                )),
                Err(Errno::EXIST) => continue,
                Err(error) => Err(self.unwritable(error.into())),
            };
        }
    }

    pub(crate) fn unwritable(&self, source: io::Error) -> TransferError {
        TransferError::TargetUnwritable {
            path: self.path.clone(),
            source,
        }
    }
}

impl Unnamed {
    /// What an error in writing it means.
    pub(crate) fn unwritable(&self, source: io::Error, needed: u64) -> TransferError {
        let path = self.place.as_ref().map(|place| place.path.clone());
        let path = path.unwrap_or_default();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                TransferError::DiskFull { path, needed }
            }
            _ => TransferError::TargetUnwritable { path, source },
        }
    }

    fn folder(&self) -> Option<&Arc<Folder>> {
        self.place.as_ref().map(|place| &place.folder)
    }

    fn take_name(mut self) -> Result<(), TransferError> {
        let Some(place) = &self.place else {
            return Ok(());
        };
        let (folder, temporary, name) = (&*place.folder, &*self.temporary, &*place.name);
        let renamed = match self.overwrite {
            Overwrite::Never => {
                renameat_with(folder, temporary, folder, name, RenameFlags::NOREPLACE).or_else(
                    |error| match error {
                        // Not every file system can; a link to the file cannot replace either.
                        Errno::INVAL | Errno::NOSYS => {
                            let none = AtFlags::empty();
                            rustix::fs::linkat(folder, temporary, folder, name, none)?;
                            unlinkat(folder, temporary, none)
                        }
                        other => Err(other),
                    },
                )
            }
            _ => renameat(folder, temporary, folder, name),
        };
        match renamed {
            Ok(()) => {
                self.place = None;
                Ok(())
            }
            Err(Errno::EXIST) => Err(TransferError::TargetExists {
                path: place.path.clone(),
            }),
            Err(Errno::ISDIR) => Err(TransferError::TargetNotAFile {
                path: place.path.clone(),
            }),
            Err(error) => Err(place.unwritable(error.into())),
        }
    }
}

impl Drop for Unnamed {
    fn drop(&mut self) {
        if let Some(place) = &self.place {
            let _ = unlinkat(&*place.folder, &*self.temporary, AtFlags::empty());
        }
    }
}

impl Keeping {
    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TargetFolder {
    /// Puts a file on disk and gives it its name; `when_room` is called as soon as this will happen
    /// without anything more to be done.
    ///
    /// # Cancellation
    /// A file that is waiting takes its name even so, unless nobody else comes to work on the batch.
    pub(crate) async fn keep(
        &self,
        file: Unnamed,
        when_room: impl FnOnce(),
    ) -> Result<(), TransferError> {
        let keeping = &self.keeping;
        let _room = keeping.room.acquire().await;
        when_room();
        let (kept, mut answer) = oneshot::channel();
        keeping.waiting().push(Waiting { file, kept });
        let _working = tokio::select! {
            biased;
            answer = &mut answer => return answer.unwrap_or_else(lost),
            working = keeping.working.lock() => working,
        };
        // The batch of the one before may have had this one, too.
        if let Ok(answer) = answer.try_recv() {
            return answer;
        }
        tokio::time::sleep(GATHERING).await;
        let batch = std::mem::take(&mut *keeping.waiting());
        tokio::task::spawn_blocking(move || keep_all(batch)).await?;
        answer.await.unwrap_or_else(lost)
    }

    /// Makes sure that the names of all files that were kept are on disk.
    ///
    /// # Errors
    /// When the disk fails.
    pub async fn settle(&self) -> Result<(), TransferError> {
        let folders = self.file_systems();
        let path = self.path().to_owned();
        tokio::task::spawn_blocking(move || {
            let synced = folders.iter().try_for_each(|folder| sync(folder));
            synced.map_err(|error| TransferError::TargetUnwritable {
                path,
                source: error.into(),
            })
        })
        .await?
    }
}

/// Whether one call puts all files of a file system on disk. Where it does not, each is synced when it is
/// written.
pub(crate) const SYNCS_TOGETHER: bool = cfg!(target_os = "linux");

#[cfg(target_os = "linux")]
fn sync(folder: &Folder) -> rustix::io::Result<()> {
    // The handle itself is one that only finds names.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match openat(folder, ".", flags, Mode::empty()) {
        Ok(opened) => rustix::fs::syncfs(opened),
        // A folder that may be written but not read.
        Err(Errno::ACCESS) => {
            rustix::fs::sync();
            Ok(())
        }
        Err(error) => Err(error),
    }
}

#[cfg(not(target_os = "linux"))]
fn sync(folder: &Folder) -> rustix::io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::fsync(openat(folder, ".", flags, Mode::empty())?)
}

fn lost(_: oneshot::error::RecvError) -> Result<(), TransferError> {
    Err(TransferError::Task("a batch of files was lost".to_owned()))
}

fn keep_all(batch: Vec<Waiting>) {
    let mut synced: HashMap<u64, Result<(), Errno>> = HashMap::new();
    for waiting in &batch {
        if let Some(folder) = waiting.file.folder() {
            synced.entry(folder.device).or_insert_with(|| sync(folder));
        }
    }
    for Waiting { file, kept } in batch {
        let device = file.folder().map(|folder| folder.device);
        let result = match device.and_then(|device| synced.get(&device)) {
            Some(Err(error)) => Err(file.unwritable((*error).into(), 0)),
            _ => file.take_name(),
        };
        // Whoever was cancelled meanwhile does not want to know.
        let _ = kept.send(result);
    }
}
