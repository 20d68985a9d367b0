//! Making a store, in one step.
//!
//! It is built under a hidden name beside its final one, proven to open, and then renamed: whoever
//! finds the final name finds a whole store.

use std::ffi::OsStr;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use jiff::{Timestamp, Unit};

use crate::folder::Folder;
use crate::identity::{IDENTITY_FILE, StoreIdentity};
use crate::journal::{self, Event};
use crate::key_file::KEYS_FOLDER;
use crate::lock::ExclusiveLock;
use crate::manifest::{FORMAT, MANIFEST_FILE, Manifest, StoreId};
use crate::{Error, Store, Unlock, WorkFactor};

impl Store {
    /// Makes a store in a folder that does not exist or is empty, and opens it. Folders above are
    /// made too, for the owner alone.
    ///
    /// # Errors
    /// [`Error::StoreExists`], [`Error::NotEmpty`], [`Error::BadPath`]; [`Error::NoLocks`] if the
    /// file system cannot lock; [`Error::ReadBack`] if the identity does not open again;
    /// [`Error::Io`]. Nothing is left under the name then.
    pub fn init(dir: &Path, unlock: &Unlock) -> Result<Self, Error> {
        Self::init_with(dir, unlock, WorkFactor::DEFAULT)
    }

    /// As [`Self::init`], with another work factor for the passphrase.
    ///
    /// # Errors
    /// As for [`Self::init`].
    pub fn init_with(dir: &Path, unlock: &Unlock, work: WorkFactor) -> Result<Self, Error> {
        let dir: PathBuf = dir.components().collect();
        let name = dir
            .file_name()
            .and_then(OsStr::to_str)
            .ok_or_else(|| Error::BadPath { path: dir.clone() })?;
        let parent = match dir.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(parent)
            .map_err(|error| Error::io("make the folder", parent.to_owned(), error))?;
        let parent = Folder::open_foreign(parent)?;
        let replaces_empty = check_free(&dir)?;
        sweep(&parent, name)?;

        let id = StoreId::generate()?;
        let unfinished = format!("{}{id}", unfinished_prefix(name));
        let folder = parent.new_child(&unfinished)?;
        let made = build(&folder, id, unlock, work).and_then(|(manifest, identity, lock)| {
            if replaces_empty {
                // Succeeds only while the folder is empty.
                parent.rename_over(&unfinished, name)?;
            } else {
                parent.rename_new(&unfinished, name)?;
            }
            Ok((manifest, identity, lock))
        });
        let (manifest, identity, lock) = match made {
            Ok(made) => made,
            Err(error) => {
                let _swept_later = std::fs::remove_dir_all(folder.path());
                return Err(match error {
                    error if error.is_taken() => Error::StoreExists { path: dir },
                    error => error,
                });
            }
        };
        parent.sync()?;
        drop(lock);
        Self::with_identity(folder.renamed(dir), manifest, identity)
    }
}

fn unfinished_prefix(name: &str) -> String {
    format!(".{name}.init-")
}

/// Whether an empty folder has the name; an error if anything else has.
fn check_free(dir: &Path) -> Result<bool, Error> {
    let path = dir.to_owned();
    let Ok(metadata) = dir.symlink_metadata() else {
        return Ok(false);
    };
    if !metadata.is_dir() {
        return Err(Error::NotEmpty { path });
    }
    let names = Folder::open_foreign(dir)?.names()?;
    if names.iter().any(|name| name == MANIFEST_FILE) {
        Err(Error::StoreExists { path })
    } else if names.is_empty() {
        Ok(true)
    } else {
        Err(Error::NotEmpty { path })
    }
}

/// Removes what interrupted attempts at this name left, unless somebody is still at it.
fn sweep(parent: &Folder, name: &str) -> Result<(), Error> {
    let prefix = unfinished_prefix(name);
    for left in parent.names()? {
        let Some(id) = left.strip_prefix(&prefix) else {
            continue;
        };
        // Of ours and nobody else's: the name is exact, and the folder is this user's own.
        if id.parse::<StoreId>().is_ok()
            && let Ok(folder) = parent.child(&left)
            && !ExclusiveLock::is_held(&folder)?
        {
            std::fs::remove_dir_all(folder.path())
                .map_err(|error| Error::io("remove", folder.path().to_owned(), error))?;
        }
    }
    Ok(())
}

fn build(
    folder: &Folder,
    id: StoreId,
    unlock: &Unlock,
    work: WorkFactor,
) -> Result<(Manifest, StoreIdentity, ExclusiveLock), Error> {
    // Held until the rename, so that nobody sweeps the folder; and the proof that locks work here.
    let lock = ExclusiveLock::acquire(folder)?;
    let now = Timestamp::now();
    let identity = StoreIdentity::generate(&id).ok_or_else(|| Error::Unwritable {
        path: folder.path_of(IDENTITY_FILE),
        reason: "no keys can be derived from it".to_owned(),
    })?;
    let manifest = Manifest {
        format: FORMAT,
        id: id.clone(),
        recipient: identity.recipient(),
        created: now.round(Unit::Second).unwrap_or(now),
    };
    identity.write(folder, &id, unlock, work)?;
    // A store whose identity does not open would take every key with it.
    let read_back = StoreIdentity::read(folder, &id, unlock, None);
    let identity = match read_back {
        Ok(read) if read.recipient() == manifest.recipient => read,
        _ => {
            return Err(Error::ReadBack {
                path: folder.path_of(IDENTITY_FILE),
            });
        }
    };
    manifest.write(folder)?;
    let created = Event::StoreCreated {
        store: id,
        format: FORMAT,
        recipient: manifest.recipient.clone(),
    };
    journal::start(folder, &identity, created)?;
    folder.new_child(KEYS_FOLDER)?;
    folder.sync()?;
    Ok((manifest, identity, lock))
}
