//! Finding a store in a place.

use std::path::Path;

use super::{Remote, working_copy};
use crate::documents::Documents;
use crate::folder::Folder;
use crate::founding::found;
use crate::identity::IDENTITY_FILE;
use crate::journal::JOURNAL_FILE;
use crate::key_file::KEYS_FOLDER;
use crate::manifest::{MANIFEST_FILE, Manifest};
use crate::witness::Witness;
use crate::{Error, LockedStore, Store, Unlock};

impl Store {
    /// Opens a store that lives in a place, with a working copy in the folder `dir`, which is made if it
    /// is not there. The place is asked for what is new, and all of it is verified.
    ///
    /// If the place does not answer, the store opens as the working copy has it, read-only, with
    /// [`Finding::PlaceUnreachable`](crate::Finding::PlaceUnreachable) to say so.
    ///
    /// # Errors
    /// As for [`Self::open`], with [`Error::NoStore`] naming the place; [`Error::Place`] if it refuses,
    /// or does not answer and there is no working copy; [`Error::OtherStore`], [`Error::OtherPlace`],
    /// [`Error::Unfinished`].
    pub fn open_remote(
        place: Box<dyn Documents>,
        dir: &Path,
        unlock: &Unlock,
    ) -> Result<Self, Error> {
        LockedStore::open_remote(place, dir)?.unlock(unlock)
    }
}

impl LockedStore {
    /// Finds a store that lives in a place, with a working copy in the folder `dir`, which is made if it
    /// is not there.
    ///
    /// # Errors
    /// As for [`Store::open_remote`], short of what unlocking can meet.
    pub fn open_remote(place: Box<dyn Documents>, dir: &Path) -> Result<Self, Error> {
        Self::find(Remote::new(place), dir)
    }

    pub(super) fn find(mut remote: Remote, dir: &Path) -> Result<Self, Error> {
        let folder = match Folder::open(dir) {
            Err(error) if error.is_not_found() => remote.make_working_copy(dir)?,
            opened => opened?,
        };
        let found = working_copy::place_of(&folder)?;
        let place = remote.place();
        if found.as_ref() != Some(&place) {
            return Err(Error::OtherPlace {
                path: dir.to_owned(),
                found,
                place,
            });
        }
        let manifest = Manifest::read(&folder)?;
        remote.peek(&folder, &manifest)?;
        Ok(Self {
            witness: Witness::default(),
            folder,
            manifest,
            remote: Some(remote),
        })
    }
}

impl Remote {
    /// Makes a working copy with what is needed to unlock it. What the journal says is brought, and
    /// proven, then.
    fn make_working_copy(&self, dir: &Path) -> Result<Folder, Error> {
        let manifest = self.read(MANIFEST_FILE)?.ok_or_else(|| Error::NoStore {
            path: self.place().into(),
        })?;
        let identity = self.read(IDENTITY_FILE)?;
        let made = found(dir, |folder, _| {
            working_copy::mark(folder, &self.place())?;
            if let Some(identity) = &identity {
                folder.write_new(IDENTITY_FILE, identity)?;
            }
            if self.pull_unlock_files(folder)? == 0 && identity.is_none() {
                return Err(Error::Unfinished {
                    place: self.place(),
                });
            }
            folder.write_new(JOURNAL_FILE, b"")?;
            folder.new_child(KEYS_FOLDER)?;
            folder.write_new(MANIFEST_FILE, &manifest)
        });
        match made {
            Ok((folder, ())) => Ok(folder),
            // Another process made it meanwhile.
            Err(Error::StoreExists { .. }) => Folder::open(dir),
            Err(error) => Err(error),
        }
    }
}
