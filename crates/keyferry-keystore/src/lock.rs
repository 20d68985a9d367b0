//! One writer at a time, across processes.
//!
//! The lock is the operating system's (`flock`), so it ends with its holder, however that dies.

use std::fs::{File, TryLockError};
use std::io;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::Error;
use crate::folder::Folder;

pub(crate) const LOCK_FILE: &str = "lock";

const PATIENCE: Duration = Duration::from_secs(60);
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// Held while reading what others may be writing.
#[derive(Debug)]
pub(crate) struct SharedLock(#[expect(dead_code, reason = "closing it releases the lock")] File);

/// Held while writing; functions that write ask for it.
#[derive(Debug)]
pub(crate) struct ExclusiveLock(#[expect(dead_code, reason = "closing it releases the lock")] File);

impl SharedLock {
    pub(crate) fn acquire(folder: &Folder) -> Result<Self, Error> {
        acquire(folder, File::try_lock_shared).map(Self)
    }
}

impl ExclusiveLock {
    pub(crate) fn acquire(folder: &Folder) -> Result<Self, Error> {
        acquire(folder, File::try_lock).map(Self)
    }

    /// Whether some process holds the store.
    pub(crate) fn is_held(folder: &Folder) -> Result<bool, Error> {
        match open(folder)?.try_lock() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(failed(folder, error)),
        }
    }
}

fn open(folder: &Folder) -> Result<File, Error> {
    match folder.open_file(LOCK_FILE, OFlags::RDWR | OFlags::CREATE) {
        // Reading needs a lock too, and on a read-only file system this one will do.
        Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::ReadOnlyFilesystem => {
            folder.open_file(LOCK_FILE, OFlags::RDONLY)
        }
        opened => opened,
    }
}

fn acquire(folder: &Folder, attempt: fn(&File) -> Result<(), TryLockError>) -> Result<File, Error> {
    let file = open(folder)?;
    let start = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        match attempt(&file) {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(TryLockError::Error(error)) => return Err(failed(folder, error)),
        }
        let waited = start.elapsed();
        if waited > PATIENCE {
            let path = folder.path().to_owned();
            return Err(Error::Busy { path, waited });
        }
        // Asked for again and again rather than waited for, so that a holder that hangs is
        // reported instead of hanging everybody.
        std::thread::sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn failed(folder: &Folder, error: io::Error) -> Error {
    let unsupported = error.kind() == io::ErrorKind::Unsupported
        || matches!(
            Errno::from_io_error(&error),
            Some(Errno::NOLCK | Errno::NOTSUP | Errno::NOSYS | Errno::INVAL)
        );
    if unsupported {
        Error::NoLocks {
            path: folder.path().to_owned(),
            source: error,
        }
    } else {
        Error::io("lock", folder.path_of(LOCK_FILE), error)
    }
}
