//! Documents in a folder.

use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use zeroize::Zeroizing;

use super::{BackupError, digest};
use crate::documents::is_name;
use crate::folder::Folder;
use crate::key_file::UNFINISHED;
use crate::lock::{ExclusiveLock, LOCK_FILE};
use crate::{Document, Documents, DocumentsError, Error, Expected, Revision};

const LIMIT: u64 = 1 << 30;

/// A folder that holds documents, each a file.
///
/// Files are made for their owner alone. A folder that others can read is used all the same: what
/// backups hold is encrypted, and a memory stick may know no owners.
#[derive(Debug)]
pub struct FolderDocuments {
    root: Folder,
    /// Held from the first write on, where the file system has locks.
    lock: Mutex<WriterLock>,
}

#[derive(Debug)]
enum WriterLock {
    NotNeededYet,
    /// None if the file system has no locks: two writers can then meet, and each sees the other's
    /// work as a conflict.
    Taken(#[expect(dead_code, reason = "held, not used")] Option<ExclusiveLock>),
}

impl FolderDocuments {
    /// Opens a folder to read from it.
    ///
    /// # Errors
    /// [`BackupError::Missing`]; [`Error::Permissions`] if it is a link; [`Error::Io`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        match Folder::open_shared(path) {
            Err(error) if error.is_not_found() => {
                let place = path.display().to_string();
                Err(BackupError::Missing { place }.into())
            }
            root => Ok(Self {
                root: root?,
                lock: Mutex::new(WriterLock::NotNeededYet),
            }),
        }
    }

    /// Opens a folder; it is made if it is not there.
    ///
    /// # Errors
    /// [`Error::Permissions`] if it is a link, [`Error::Io`].
    pub fn open_or_new(path: &Path) -> Result<Self, Error> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|error| Error::io("make the folder", path.to_owned(), error))?;
        Self::open(path)
    }

    /// Sees to it that nobody else writes, and removes what an interrupted write left.
    fn begin_write(&self) -> Result<(), Error> {
        let mut lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        if let WriterLock::NotNeededYet = *lock {
            let taken = match ExclusiveLock::acquire(&self.root) {
                Err(Error::NoLocks { .. }) => None,
                taken => Some(taken?),
            };
            for part in ["keys", "journal", "unlock"] {
                if let Ok(folder) = self.root.child(part) {
                    sweep(&folder)?;
                }
            }
            *lock = WriterLock::Taken(taken);
        }
        Ok(())
    }

    fn failed(&self, action: &'static str, name: &str, error: &Error) -> DocumentsError {
        let reason = match std::error::Error::source(error) {
            Some(cause) => cause.to_string(),
            None => error.to_string(),
        };
        DocumentsError::Failed {
            action,
            place: self.place(),
            name: name.to_owned(),
            reason,
            hint: error.hint(),
        }
    }

    /// The folder that a document is in, and its name there.
    fn locate<'a>(&self, name: &'a str, make: bool) -> Result<(Option<Folder>, &'a str), Error> {
        if !is_name(name) {
            let error = std::io::Error::from(ErrorKind::InvalidFilename);
            return Err(Error::io("find", self.root.path_of(name), error));
        }
        let mut folder: Option<Folder> = None;
        let mut parts = name.split('/').peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                return Ok((folder, part));
            }
            let at = folder.as_ref().unwrap_or(&self.root);
            folder = Some(match make {
                true => at.child_or_new(part)?,
                false => at.child(part)?,
            });
        }
        Ok((folder, name))
    }

    fn read_bytes(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let read = self
            .locate(name, false)
            .and_then(|(folder, file)| folder.as_ref().unwrap_or(&self.root).read(file, LIMIT));
        match read {
            Err(error) if error.is_not_found() => Ok(None),
            read => read.map(Some),
        }
    }

    fn write_bytes(&self, name: &str, bytes: &[u8], expected: &Expected) -> Result<bool, Error> {
        self.begin_write()?;
        let (folder, file) = self.locate(name, true)?;
        let folder = folder.as_ref().unwrap_or(&self.root);
        let unfinished = format!("{UNFINISHED}{file}");
        match folder.remove_file(&unfinished) {
            Err(error) if !error.is_not_found() => return Err(error),
            _ => {}
        }
        let in_place = match expected {
            Expected::Absent => None,
            Expected::At(revision) => {
                let found = self.read_bytes(name)?.map(|bytes| digest(&bytes));
                if found.as_ref() != Some(&revision.0) {
                    return Ok(false);
                }
                found
            }
        };
        let written = folder.write_new(&unfinished, bytes).and_then(|()| {
            if in_place.is_some() {
                folder.rename_over(&unfinished, file)
            } else {
                folder.rename_new(&unfinished, file)
            }
        });
        if let Err(error) = written {
            let _swept_later = folder.remove_file(&unfinished);
            if error.is_taken() {
                // Whoever finds there what it wanted to write must be able to rely on it.
                folder.sync()?;
                return Ok(false);
            }
            return Err(error);
        }
        folder.sync()?;
        Ok(true)
    }
}

impl Documents for FolderDocuments {
    fn place(&self) -> String {
        let path = self.root.path();
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        absolute.display().to_string()
    }

    fn names(&self, prefix: &str) -> Result<Vec<String>, DocumentsError> {
        let mut names = Vec::new();
        walk(&self.root, "", &mut |_, name| {
            if name.starts_with(prefix) && name != LOCK_FILE {
                names.push(name.to_owned());
            }
            Ok(())
        })
        .map_err(|error| self.failed("list", prefix, &error))?;
        names.sort_unstable();
        Ok(names)
    }

    fn read(&self, name: &str) -> Result<Option<Document>, DocumentsError> {
        let bytes = self
            .read_bytes(name)
            .map_err(|error| self.failed("read", name, &error))?;
        Ok(bytes.map(|bytes| Document {
            revision: Revision(digest(&bytes)),
            bytes: Zeroizing::new(bytes),
        }))
    }

    fn write(
        &self,
        name: &str,
        bytes: &[u8],
        expected: Expected,
    ) -> Result<Revision, DocumentsError> {
        match self.write_bytes(name, bytes, &expected) {
            Ok(true) => Ok(Revision(digest(bytes))),
            Ok(false) => Err(DocumentsError::Conflict {
                place: self.place(),
                name: name.to_owned(),
            }),
            Err(error) => Err(self.failed("write", name, &error)),
        }
    }

    fn remove(&self, name: &str) -> Result<(), DocumentsError> {
        let removed = self.begin_write().and_then(|()| {
            let (folder, file) = self.locate(name, false)?;
            let folder = folder.as_ref().unwrap_or(&self.root);
            folder.remove_file(file)?;
            folder.sync()
        });
        match removed {
            Err(error) if !error.is_not_found() => Err(self.failed("remove", name, &error)),
            _ => Ok(()),
        }
    }
}

/// Calls `each` with the folder and the name, from the root, of every file.
fn walk(
    folder: &Folder,
    prefix: &str,
    each: &mut dyn FnMut(&Folder, &str) -> Result<(), Error>,
) -> Result<(), Error> {
    for entry in folder.names()? {
        if entry.starts_with('.') && !entry.starts_with(UNFINISHED) {
            continue;
        }
        let name = format!("{prefix}{entry}");
        match folder.child(&entry) {
            Ok(child) => walk(&child, &format!("{name}/"), each)?,
            // Not a folder; what else it is, reading it will tell.
            Err(error) if is_no_folder(&error) => {
                if !entry.starts_with(UNFINISHED) {
                    each(folder, &name)?;
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn is_no_folder(error: &Error) -> bool {
    match error {
        Error::Io { source, .. } => source.kind() == ErrorKind::NotADirectory,
        Error::Permissions(_) => true,
        _ => false,
    }
}

fn sweep(folder: &Folder) -> Result<(), Error> {
    for entry in folder.names()? {
        if entry.starts_with(UNFINISHED) {
            folder.remove_file(&entry)?;
        } else if let Ok(child) = folder.child(&entry) {
            sweep(&child)?;
        }
    }
    Ok(())
}
