//! Keys for other programs: 32 raw bytes in a file.

use std::io::Write;
use std::path::{Path, PathBuf};

use keyferry_key::{CustomerKey, KeyId};

use crate::folder::Folder;
use crate::journal::Event;
use crate::lock::ExclusiveLock;
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

        let lock = self.begin_export()?;
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
        let to = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let recorded = self.record_export(lock.as_ref(), id, to.display().to_string());
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

    /// Hands a key out to another program by some other way than a file of its own; `to` says which.
    /// The journal records it first, unless the store is read-only.
    ///
    /// # Errors
    /// As for [`Self::key`], and [`Error::Busy`], [`Error::Io`] if it cannot be recorded.
    pub fn hand_out(&mut self, id: &KeyId, to: &str) -> Result<CustomerKey, Error> {
        let lock = self.begin_export()?;
        let key = self.key(id)?;
        self.record_export(lock.as_ref(), id, to.to_owned())?;
        Ok(key)
    }

    /// A read-only store still gives its keys: a damaged one must not keep its owner from them.
    fn begin_export(&mut self) -> Result<Option<ExclusiveLock>, Error> {
        match self.begin_write() {
            Ok(lock) => Ok(Some(lock)),
            Err(Error::ReadOnly { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn record_export(
        &mut self,
        lock: Option<&ExclusiveLock>,
        id: &KeyId,
        to: String,
    ) -> Result<(), Error> {
        let id = id.clone();
        lock.map_or(Ok(()), |lock| {
            self.record(lock, Event::KeyExported { id, to })
        })
    }
}
