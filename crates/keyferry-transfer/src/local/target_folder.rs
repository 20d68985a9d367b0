//! The folder that objects are downloaded to, and nothing outside of it.
//!
//! Folders in it are opened one name after the other from a handle on the target folder, so that
//! neither a name nor a link, whoever makes it and when, leads anywhere else.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, MetadataExt};
use icu_normalizer::ComposingNormalizerBorrowed;
use rustix::fs::{AtFlags, Mode, OFlags, openat, statat, unlinkat};

use super::{KeyPath, LocalError};
use crate::TransferError;

/// How many folders are kept open, so that files of one folder need not look for it each.
const KEPT_OPEN: usize = 64;

/// A folder that objects are downloaded to, each to the path that its key stands for.
///
/// Files in it are written under other names, put on disk together with those that came at about the
/// same time, and renamed then: under a final name there is a whole file, even after a power failure.
/// That the names themselves are on disk is certain after [`TargetFolder::settle`].
pub struct TargetFolder {
    path: PathBuf,
    top: Arc<Folder>,
    open: Mutex<HashMap<String, Arc<Folder>>>,
    /// A folder of each file system that files were written to.
    file_systems: Mutex<HashMap<u64, Arc<Folder>>>,
    /// Paths that were given away, where the file system takes some names for the same.
    taken: Option<Mutex<HashSet<u64>>>,
    hasher: RandomState,
    pub(super) keeping: super::keeping::Keeping,
}

/// An open folder.
pub(crate) struct Folder {
    dir: Dir,
    /// The file system it is on.
    pub(super) device: u64,
}

/// Where a file goes: a name in an open folder.
pub(crate) struct Place {
    pub(crate) folder: Arc<Folder>,
    pub(crate) name: String,
    /// For messages, and for those who write in other ways.
    pub(crate) path: PathBuf,
}

impl fmt::Debug for TargetFolder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("TargetFolder")
            .field(&self.path)
            .finish()
    }
}

impl TargetFolder {
    /// Opens a folder, and makes it if it is not there.
    ///
    /// # Errors
    /// When it is no folder, or cannot be made or written.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self, TransferError> {
        let path = path.into();
        tokio::task::spawn_blocking(move || Self::open_now(path)).await?
    }

    fn open_now(path: PathBuf) -> Result<Self, TransferError> {
        let unwritable = |source| TransferError::TargetUnwritable {
            path: path.clone(),
            source,
        };
        std::fs::create_dir_all(&path).map_err(unwritable)?;
        let top = Dir::open_ambient_dir(&path, ambient_authority())
            .and_then(Folder::new)
            .map_err(unwritable)?;
        let folds = top.folds_names().map_err(unwritable)?;
        let top = Arc::new(top);
        Ok(Self {
            file_systems: Mutex::new(HashMap::from([(top.device, Arc::clone(&top))])),
            top,
            open: Mutex::default(),
            taken: folds.then(Mutex::default),
            hasher: RandomState::new(),
            keeping: super::keeping::Keeping::default(),
            path,
        })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn file_systems(&self) -> Vec<Arc<Folder>> {
        lock(&self.file_systems).values().map(Arc::clone).collect()
    }

    /// Where a file goes. Makes the folders on the way. Blocks.
    pub(crate) fn place(&self, path: &KeyPath) -> Result<Place, TransferError> {
        let (folder, name) = path.split();
        let shown = self.path.join(path.as_path());
        let folder = match folder {
            None => Arc::clone(&self.top),
            Some(name) => self
                .folder(name)
                .map_err(|error| self.no_folder(name, &shown, error))?,
        };
        if let Some(taken) = &self.taken {
            let folded = path.as_str().to_lowercase();
            let folded = ComposingNormalizerBorrowed::new_nfc().normalize(&folded);
            if !lock(taken).insert(self.hasher.hash_one(&*folded)) {
                return Err(LocalError::SameFile { path: shown }.into());
            }
        }
        Ok(Place {
            folder,
            name: name.to_owned(),
            path: shown,
        })
    }

    fn folder(&self, name: &str) -> io::Result<Arc<Folder>> {
        if let Some(folder) = lock(&self.open).get(name) {
            return Ok(Arc::clone(folder));
        }
        let dir = match self.top.dir.open_dir(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.top.dir.create_dir_all(name)?;
                self.top.dir.open_dir(name)?
            }
            other => other?,
        };
        let folder = Arc::new(Folder::new(dir)?);
        lock(&self.file_systems)
            .entry(folder.device)
            .or_insert_with(|| Arc::clone(&folder));
        let mut open = lock(&self.open);
        if open.len() >= KEPT_OPEN {
            open.clear();
        }
        open.insert(name.to_owned(), Arc::clone(&folder));
        Ok(folder)
    }

    /// What it means that the folder of a file cannot be opened.
    fn no_folder(&self, name: &str, file: &Path, source: io::Error) -> TransferError {
        let path = file.to_owned();
        let is_no_folder = |path: &Path| {
            path.symlink_metadata()
                .is_ok_and(|metadata| !metadata.is_dir() && !metadata.is_symlink())
        };
        let mut below = self.path.clone();
        let in_the_way = name.split('/').find_map(|name| {
            below.push(name);
            is_no_folder(&below).then(|| below.clone())
        });
        if let Some(folder) = in_the_way {
            return LocalError::NotAFolder { path, folder }.into();
        }
        // What is allowed to this user is refused in this way only where a link leads out.
        if source.kind() == io::ErrorKind::PermissionDenied && leads_out(&self.path, name) {
            let folder = self.path.clone();
            return LocalError::LeavesFolder { path, folder }.into();
        }
        TransferError::TargetUnwritable { path, source }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a folder in another is, by way of links, outside of it.
fn leads_out(folder: &Path, name: &str) -> bool {
    let Ok(top) = folder.canonicalize() else {
        return false;
    };
    let mut below = folder.to_owned();
    name.split('/').any(|name| {
        below.push(name);
        match below.canonicalize() {
            Ok(real) => !real.starts_with(&top),
            // A link that leads to nothing.
            Err(_) => below.is_symlink(),
        }
    })
}

impl Folder {
    fn new(dir: Dir) -> io::Result<Self> {
        let device = dir.dir_metadata()?.dev();
        Ok(Self { dir, device })
    }

    /// Whether the file system takes names for the same that are not.
    fn folds_names(&self) -> io::Result<bool> {
        let number: u32 = rand::random();
        // A letter in two cases, and one that is written in two ways.
        let probe = format!(".keyferry-{number:08x}-K-\u{e9}");
        let others = [probe.to_lowercase(), probe.replace('\u{e9}', "e\u{301}")];
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        openat(self, &probe, flags, Mode::RUSR | Mode::WUSR)?;
        let folds = others
            .iter()
            .any(|other| statat(self, other, AtFlags::SYMLINK_NOFOLLOW).is_ok());
        unlinkat(self, &probe, AtFlags::empty())?;
        Ok(folds)
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.dir.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folding(folder: &Path) -> TargetFolder {
        let mut folder = TargetFolder::open_now(folder.to_owned()).unwrap();
        folder.taken.get_or_insert_default();
        folder
    }

    fn place(folder: &TargetFolder, key: &str) -> Result<Place, TransferError> {
        folder.place(&KeyPath::new(key).unwrap())
    }

    /// As on a disk that takes `A` for `a`, and `é` in one character for `é` in two.
    #[test]
    fn names_that_are_the_same_on_disk() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = folding(temporary.path());
        for key in ["README", "sub/a", "\u{e9}"] {
            place(&folder, key).unwrap();
        }
        for key in ["readme", "Sub/A", "e\u{301}", "E\u{301}"] {
            assert!(
                matches!(
                    place(&folder, key),
                    Err(TransferError::Local(LocalError::SameFile { .. }))
                ),
                "{key}"
            );
        }
        place(&folder, "other").unwrap();
    }

    #[test]
    fn the_probe_leaves_nothing() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = TargetFolder::open_now(temporary.path().to_owned()).unwrap();
        assert!(
            folder.taken.is_none(),
            "tests run on a disk that tells names apart"
        );
        assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0);
    }

    #[test]
    fn many_folders_are_not_all_kept_open() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = TargetFolder::open_now(temporary.path().to_owned()).unwrap();
        for number in 0..3 * KEPT_OPEN {
            place(&folder, &format!("{number}/deep/file")).unwrap();
            assert!(lock(&folder.open).len() <= KEPT_OPEN);
        }
        assert!(temporary.path().join("0/deep").is_dir());
    }
}
