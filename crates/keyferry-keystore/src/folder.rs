//! File access relative to an open folder, never through a link, never over an existing name.
//!
//! Every object is judged (type, owner, mode) on its open descriptor, so that what was judged is
//! what is used.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use crate::permission::{Actual, Expected};
use crate::{Error, PermissionFault, PermissionProblem};

const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);
const FOLDER_MODE: Mode = Mode::RWXU;

/// An open folder of the store.
#[derive(Debug)]
pub(crate) struct Folder {
    descriptor: OwnedFd,
    path: PathBuf,
}

impl Folder {
    /// Opens a folder that only its owner may touch. Links are allowed on the way to it, but it
    /// must not be one.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        // A trailing slash would follow a link: components drop it.
        let path: PathBuf = path.components().collect();
        Self::open_in(CWD, path.as_os_str(), path.clone())
    }

    /// Opens a folder that is not the store's own, such as the one an export goes to.
    pub(crate) fn open_foreign(path: &Path) -> Result<Self, Error> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let descriptor = rustix::fs::open(path, flags, Mode::empty())
            .map_err(|error| Error::io("open", path.to_owned(), error))?;
        Ok(Self {
            descriptor,
            path: path.to_owned(),
        })
    }

    fn open_in(at: BorrowedFd<'_>, name: &OsStr, path: PathBuf) -> Result<Self, Error> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let descriptor = rustix::fs::openat(at, name, flags, Mode::empty())
            .map_err(|error| refused(at, name, &path, error))?;
        let file = File::from(descriptor);
        judge(&file, Expected::Folder, &path)?;
        Ok(Self {
            descriptor: file.into(),
            path,
        })
    }

    /// Another handle on the same folder.
    pub(crate) fn again(&self) -> Result<Self, Error> {
        let descriptor = self
            .descriptor
            .try_clone()
            .map_err(|error| Error::io("open", self.path.clone(), error))?;
        Ok(Self {
            descriptor,
            path: self.path.clone(),
        })
    }

    /// The same folder after it was renamed.
    pub(crate) fn renamed(self, path: PathBuf) -> Self {
        Self { path, ..self }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Opens a folder in this one.
    pub(crate) fn child(&self, name: &str) -> Result<Self, Error> {
        Self::open_in(self.descriptor.as_fd(), name.as_ref(), self.path_of(name))
    }

    /// Opens a folder in this one, making it first if it is not there.
    pub(crate) fn child_or_new(&self, name: &str) -> Result<Self, Error> {
        match rustix::fs::mkdirat(&self.descriptor, name, FOLDER_MODE) {
            Ok(()) => self.sync()?,
            Err(Errno::EXIST) => {}
            Err(error) => return Err(Error::io("make the folder", self.path_of(name), error)),
        }
        self.child(name)
    }

    /// Makes a folder in this one; the name must be free.
    pub(crate) fn new_child(&self, name: &str) -> Result<Self, Error> {
        rustix::fs::mkdirat(&self.descriptor, name, FOLDER_MODE)
            .map_err(|error| Error::io("make the folder", self.path_of(name), error))?;
        self.child(name)
    }

    /// Opens an existing file.
    pub(crate) fn open_file(&self, name: &str, access: OFlags) -> Result<File, Error> {
        let path = self.path_of(name);
        // Not blocking, so that a FIFO in place of a file is refused instead of waited for.
        let flags = access | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = rustix::fs::openat(&self.descriptor, name, flags, FILE_MODE)
            .map(File::from)
            .map_err(|error| refused(self.descriptor.as_fd(), name.as_ref(), &path, error))?;
        judge(&file, Expected::File, &path)?;
        Ok(file)
    }

    /// Reads a whole file of at most `limit` bytes.
    pub(crate) fn read(&self, name: &str, limit: u64) -> Result<Vec<u8>, Error> {
        let file = self.open_file(name, OFlags::RDONLY)?;
        let mut bytes = Vec::new();
        file.take(limit.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| Error::io("read", self.path_of(name), error))?;
        if u64::try_from(bytes.len()).is_ok_and(|length| length <= limit) {
            Ok(bytes)
        } else {
            let error = io::Error::new(io::ErrorKind::FileTooLarge, "larger than it can be");
            Err(Error::io("read", self.path_of(name), error))
        }
    }

    /// Makes a file that only its owner may touch; the name must be free.
    pub(crate) fn new_file(&self, name: &str) -> Result<File, Error> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(&self.descriptor, name, flags, FILE_MODE)
            .map(File::from)
            .map_err(|error| Error::io("create", self.path_of(name), error))
    }

    /// Makes a file with this content and waits until the disk has it.
    pub(crate) fn write_new(&self, name: &str, content: &[u8]) -> Result<(), Error> {
        let mut file = self.new_file(name)?;
        file.write_all(content)
            .map_err(|error| Error::io("write", self.path_of(name), error))?;
        file.sync_all()
            .map_err(|error| Error::io("sync", self.path_of(name), error))
    }

    /// Renames without replacing.
    pub(crate) fn rename_new(&self, from: &str, to: &str) -> Result<(), Error> {
        self.rename_no_replace(from, to)
            .map_err(|error| Error::io("create", self.path_of(to), error))
    }

    fn rename_no_replace(&self, from: &str, to: &str) -> rustix::io::Result<()> {
        #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
        match rustix::fs::renameat_with(
            &self.descriptor,
            from,
            &self.descriptor,
            to,
            RenameFlags::NOREPLACE,
        ) {
            // The file system cannot do it: fall through to links, which cannot replace either.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
            done => return done,
        }
        let (folder, none) = (&self.descriptor, AtFlags::empty());
        rustix::fs::linkat(folder, from, folder, to, none)?;
        rustix::fs::unlinkat(folder, from, none)
    }

    /// Renames, replacing what has the name.
    pub(crate) fn rename_over(&self, from: &str, to: &str) -> Result<(), Error> {
        rustix::fs::renameat(&self.descriptor, from, &self.descriptor, to)
            .map_err(|error| Error::io("replace", self.path_of(to), error))
    }

    pub(crate) fn remove_file(&self, name: &str) -> Result<(), Error> {
        rustix::fs::unlinkat(&self.descriptor, name, AtFlags::empty())
            .map_err(|error| Error::io("remove", self.path_of(name), error))
    }

    /// Waits until the disk has the names in this folder.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        rustix::fs::fsync(&self.descriptor)
            .map_err(|error| Error::io("sync", self.path.clone(), error))
    }

    /// The names in this folder, sorted. Names that are not text are none of the store's.
    pub(crate) fn names(&self) -> Result<Vec<String>, Error> {
        let list = || -> rustix::io::Result<Vec<String>> {
            let mut names = Vec::new();
            for entry in Dir::read_from(&self.descriptor)? {
                if let Ok(name) = entry?.file_name().to_str()
                    && !matches!(name, "." | "..")
                {
                    names.push(name.to_owned());
                }
            }
            names.sort_unstable();
            Ok(names)
        };
        list().map_err(|error| Error::io("list", self.path.clone(), error))
    }
}

impl Error {
    /// Whether a file or folder was not there.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    /// Whether a name was taken.
    pub(crate) fn is_taken(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::AlreadyExists)
    }
}

/// Tells a link from other reasons why an object did not open.
fn refused(at: BorrowedFd<'_>, name: &OsStr, path: &Path, error: Errno) -> Error {
    let is_link = matches!(error, Errno::LOOP | Errno::NOTDIR | Errno::MLINK)
        && rustix::fs::readlinkat(at, name, Vec::new()).is_ok();
    let path = path.to_owned();
    let fault = match error {
        _ if is_link => PermissionFault::Symlink,
        // A socket or a device without driver.
        Errno::NXIO | Errno::NODEV => PermissionFault::WrongType,
        _ => return Error::io("open", path, error),
    };
    Error::Permissions(PermissionProblem { path, fault })
}

fn judge(file: &File, expected: Expected, path: &Path) -> Result<(), Error> {
    let metadata = file
        .metadata()
        .map_err(|error| Error::io("examine", path.to_owned(), error))?;
    let kind = metadata.file_type();
    let actual = Actual {
        kind: match (kind.is_file(), kind.is_dir()) {
            (true, _) => Some(Expected::File),
            (_, true) => Some(Expected::Folder),
            _ => None,
        },
        owner: metadata.uid(),
        mode: metadata.mode(),
    };
    match actual.fault(expected, rustix::process::geteuid().as_raw()) {
        None => Ok(()),
        Some(fault) => Err(Error::Permissions(PermissionProblem {
            path: path.to_owned(),
            fault,
        })),
    }
}
