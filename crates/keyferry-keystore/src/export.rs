//! Keys for other programs: 32 raw bytes in a file.

use std::io::Write;
use std::path::{Path, PathBuf};

use keyferry_key::KeyId;

use crate::folder::Folder;
use crate::journal::Event;
use crate::{Error, KeyEntry, Store};

/// A key that was written outside the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The key.
    pub entry: KeyEntry,
    /// The file.
    pub path: PathBuf,
    /// Whether the journal records it. It does not if the store is read-only: a damaged store
    /// must not keep its owner from the keys.
    pub journalled: bool,
}

impl Store {
    /// Writes a key as exactly 32 raw bytes into a new file that only its owner can read, as
    /// `fileb://` of the AWS CLI takes it. The journal records it first, so that no key leaves
    /// unrecorded; an export that then fails is recorded all the same.
    ///
    /// # Errors
    /// As for [`Self::key`], and [`Error::ExportExists`], [`Error::BadPath`], [`Error::Io`]. A
    /// file that could not be written whole is removed.
    pub fn export(&mut self, id: &KeyId, path: &Path) -> Result<Exported, Error> {
        let bad_path = || Error::BadPath {
            path: path.to_owned(),
        };
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .ok_or_else(bad_path)?;
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let folder = Folder::open_foreign(parent)?;

        let lock = match self.begin_write() {
            Ok(lock) => Some(lock),
            Err(Error::ReadOnly { .. }) => None,
            Err(error) => return Err(error),
        };
        let entry = self.entry(id)?.clone();
        let key = self.key(id)?;
        let mut file = match folder.new_file(name) {
            Err(error) if error.is_taken() => {
                let path = path.to_owned();
                return Err(Error::ExportExists { path });
            }
            opened => opened?,
        };
        // Straight into the final name: one write of 32 bytes leaves no half a key, and a
        // temporary file would be one more place for it to be forgotten in.
        let recorded = match &lock {
            Some(lock) => self.record(
                lock,
                Event::KeyExported {
                    id: id.clone(),
                    path: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
                },
            ),
            None => Ok(()),
        };
        let written = recorded.and_then(|()| {
            file.write_all(key.expose())
                .map_err(|error| Error::io("write", path.to_owned(), error))?;
            file.sync_all()
                .map_err(|error| Error::io("sync", path.to_owned(), error))?;
            folder.sync()
        });
        if let Err(error) = written {
            let _reported_already = folder.remove_file(name);
            return Err(error);
        }
        Ok(Exported {
            entry,
            path: path.to_owned(),
            journalled: lock.is_some(),
        })
    }
}
