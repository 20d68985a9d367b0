//! Making a store, in one step.

use std::path::Path;

use jiff::{Timestamp, Unit};

use crate::folder::Folder;
use crate::founding::found;
use crate::identity::{IDENTITY_FILE, StoreIdentity};
use crate::journal::{self, Event};
use crate::key_file::KEYS_FOLDER;
use crate::manifest::{FORMAT, Manifest, StoreId};
use crate::witness::Witness;
use crate::{Error, LockedStore, Store, Unlock, WorkFactor};

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
        let id = StoreId::generate()?;
        let (folder, (manifest, identity)) =
            found(dir, |folder, _| build(folder, id, unlock, work))?;
        let locked = LockedStore {
            folder,
            manifest,
            witness: Witness::default(),
            remote: None,
        };
        Self::with_identity(locked, identity)
    }
}

pub(crate) fn build(
    folder: &Folder,
    id: StoreId,
    unlock: &Unlock,
    work: WorkFactor,
) -> Result<(Manifest, StoreIdentity), Error> {
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
    Ok((manifest, identity))
}
