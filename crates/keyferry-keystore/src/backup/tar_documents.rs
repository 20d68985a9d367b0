//! Documents in one tar file.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tar::{Archive, Builder, EntryType, Header};
use zeroize::Zeroizing;

use super::{BackupError, digest};
use crate::documents::is_name;
use crate::folder::Folder;
use crate::key_file::UNFINISHED;
use crate::{Document, Documents, DocumentsError, Error, Expected, Revision};

const LIMIT: u64 = 1 << 30;

type Entries = BTreeMap<String, Vec<u8>>;

/// A tar file of documents.
///
/// What is written stays in memory until [`Self::commit`] puts a new file, read back, in place of the
/// old one.
#[derive(Debug)]
pub struct TarDocuments {
    folder: Folder,
    name: String,
    /// The file as it was read: its digest, or none if there was no file.
    found: Option<String>,
    entries: Mutex<Entries>,
}

impl TarDocuments {
    /// Opens a tar file.
    ///
    /// # Errors
    /// [`BackupError::Missing`], [`BackupError::Damaged`], [`BackupError::PlaceTaken`] if it holds
    /// something else; [`Error::Io`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let opened = Self::open_or_new(path)?;
        match opened.found {
            Some(_) => Ok(opened),
            None => Err(BackupError::Missing {
                place: opened.place(),
            }
            .into()),
        }
    }

    /// Opens a tar file; if there is none, the first commit makes it.
    ///
    /// # Errors
    /// As for [`Self::open`].
    pub fn open_or_new(path: &Path) -> Result<Self, Error> {
        let name = path
            .file_name()
            .and_then(OsStr::to_str)
            .ok_or_else(|| Error::BadPath {
                path: path.to_owned(),
            })?;
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let folder = Folder::open_shared(parent)?;
        let bytes = match folder.read(name, LIMIT) {
            Err(error) if error.is_not_found() => None,
            read => Some(read?),
        };
        let entries = match &bytes {
            Some(bytes) => unpack(bytes, &folder.path_of(name))?,
            None => Entries::new(),
        };
        Ok(Self {
            name: name.to_owned(),
            found: bytes.as_deref().map(digest),
            entries: Mutex::new(entries),
            folder,
        })
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the file beside the old one, reads it back, and renames it.
    ///
    /// # Errors
    /// [`DocumentsError::Conflict`] if somebody else wrote the file meanwhile; [`Error::ReadBack`],
    /// [`Error::Io`].
    pub fn commit(&self) -> Result<(), Error> {
        let path = self.folder.path_of(&self.name);
        let entries = self.entries();
        let bytes = pack(&entries).map_err(|error| Error::io("pack", path.clone(), error))?;
        let unfinished = format!("{UNFINISHED}{}", self.name);
        match self.folder.remove_file(&unfinished) {
            Err(error) if !error.is_not_found() => return Err(error),
            _ => {}
        }
        let written = self.folder.write_new(&unfinished, &bytes).and_then(|()| {
            let read = self.folder.read(&unfinished, LIMIT)?;
            if unpack(&read, &path)? != *entries {
                return Err(Error::ReadBack { path: path.clone() });
            }
            match &self.found {
                None => self.folder.rename_new(&unfinished, &self.name),
                Some(found) if digest(&self.folder.read(&self.name, LIMIT)?) == *found => {
                    self.folder.rename_over(&unfinished, &self.name)
                }
                Some(_) => Err(self.conflict(&self.name)),
            }
        });
        if let Err(error) = written {
            let _reported_already = self.folder.remove_file(&unfinished);
            return Err(if error.is_taken() {
                self.conflict(&self.name)
            } else {
                error
            });
        }
        self.folder.sync()
    }

    fn conflict(&self, name: &str) -> Error {
        DocumentsError::Conflict {
            place: self.place(),
            name: name.to_owned(),
        }
        .into()
    }
}

impl Documents for TarDocuments {
    fn place(&self) -> String {
        let path = self.folder.path_of(&self.name);
        std::path::absolute(&path)
            .unwrap_or(path)
            .display()
            .to_string()
    }

    fn names(&self, prefix: &str) -> Result<Vec<String>, DocumentsError> {
        let entries = self.entries();
        let names = entries.keys().filter(|name| name.starts_with(prefix));
        Ok(names.cloned().collect())
    }

    fn read(&self, name: &str) -> Result<Option<Document>, DocumentsError> {
        Ok(self.entries().get(name).map(|bytes| Document {
            bytes: Zeroizing::new(bytes.clone()),
            revision: Revision(digest(bytes)),
        }))
    }

    fn write(
        &self,
        name: &str,
        bytes: &[u8],
        expected: Expected,
    ) -> Result<Revision, DocumentsError> {
        let mut entries = self.entries();
        let found = entries.get(name).map(|bytes| Revision(digest(bytes)));
        let expected = match expected {
            Expected::Absent => None,
            Expected::At(revision) => Some(revision),
        };
        if found != expected || !is_name(name) {
            return Err(DocumentsError::Conflict {
                place: self.place(),
                name: name.to_owned(),
            });
        }
        entries.insert(name.to_owned(), bytes.to_vec());
        Ok(Revision(digest(bytes)))
    }

    fn remove(&self, name: &str) -> Result<(), DocumentsError> {
        self.entries().remove(name);
        Ok(())
    }
}

fn pack(entries: &Entries) -> io::Result<Vec<u8>> {
    let mut builder = Builder::new(Vec::new());
    for (name, bytes) in entries {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o600);
        header.set_size(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        builder.append_data(&mut header, name, bytes.as_slice())?;
    }
    builder.into_inner()
}

/// The files of a tar file, as `tar` may also have packed them again from a folder.
fn unpack(bytes: &[u8], path: &Path) -> Result<Entries, Error> {
    let place = || path.display().to_string();
    let taken = |name: String| BackupError::PlaceTaken {
        place: place(),
        name,
    };
    let broken = |error: io::Error| BackupError::Damaged {
        place: place(),
        faults: vec![super::DocumentFault {
            name: path
                .file_name()
                .map(PathBuf::from)
                .unwrap_or_default()
                .display()
                .to_string(),
            reason: format!("is not a whole tar file: {error}"),
        }],
    };
    // The end that every tar file has: without it, one that was cut between two files looks whole.
    if !bytes.ends_with(&[0; 1024]) {
        return Err(broken(io::ErrorKind::UnexpectedEof.into()).into());
    }
    let mut entries = Entries::new();
    let mut archive = Archive::new(bytes);
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        match entry.header().entry_type() {
            EntryType::Directory => continue,
            EntryType::Regular | EntryType::Continuous => {}
            _ => return Err(taken(name).into()),
        }
        let name = name.trim_start_matches("./").to_owned();
        if !is_name(&name) {
            return Err(taken(name).into());
        }
        let mut content = Vec::new();
        let size = entry.size();
        entry.read_to_end(&mut content).map_err(broken)?;
        if u64::try_from(content.len()).ok() != Some(size) {
            return Err(broken(io::ErrorKind::UnexpectedEof.into()).into());
        }
        entries.insert(name, content);
    }
    if entries.is_empty() {
        return Err(broken(io::Error::other("it holds no file")).into());
    }
    Ok(entries)
}
