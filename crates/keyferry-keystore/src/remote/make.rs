//! Making a store in a place.
//!
//! It is made here first, whole. `store.toml`, created in the place, is the claim on it: of several who
//! try, one succeeds. The rest follows, and whoever is interrupted goes on where the claim was made.

use std::path::Path;

use super::segments::name;
use super::{Remote, working_copy};
use crate::documents::Documents;
use crate::folder::Folder;
use crate::founding::found;
use crate::identity::IDENTITY_FILE;
use crate::init::build;
use crate::journal;
use crate::manifest::{MANIFEST_FILE, StoreId};
use crate::witness::Witness;
use crate::{DocumentsError, Error, LockedStore, Store, Unlock, WorkFactor};

const LIMIT: u64 = 64 << 10;

impl Store {
    /// Makes a store in a place that keeps documents, with a working copy in the folder `dir`, and opens
    /// it. Making one that was interrupted is finished by the same call.
    ///
    /// # Errors
    /// As for [`Self::init`], with [`Error::StoreExists`] naming the place; [`Error::Unprotected`] unless a
    /// passphrase is given, because the identity leaves this machine; [`Error::Place`];
    /// [`Error::PlaceNotEmpty`] if the place holds part of another store;
    /// [`Error::WorkingCopyLeft`] if the folder holds keys of a store that the place does not have.
    pub fn init_remote(
        place: Box<dyn Documents>,
        dir: &Path,
        unlock: &Unlock,
        work: WorkFactor,
    ) -> Result<Self, Error> {
        let remote = Remote::new(place);
        if matches!(unlock, Unlock::Unprotected) {
            return Err(Error::Unprotected {
                place: remote.place(),
            });
        }
        let exists = |remote: &Remote| Error::StoreExists {
            path: remote.place().into(),
        };
        if let Some(manifest) = remote.read(MANIFEST_FILE)? {
            if !remote.was_interrupted(dir, &manifest)? {
                return Err(exists(&remote));
            }
            return LockedStore::find(remote, dir)?.unlock(unlock);
        }
        if remote.read(IDENTITY_FILE)?.is_some() || remote.read(&name(1))?.is_some() {
            return Err(Error::PlaceNotEmpty {
                place: remote.place(),
            });
        }
        remote.clear_left_over(dir)?;
        let id = StoreId::generate()?;
        let place = remote.place();
        let (folder, (manifest, identity)) = found(dir, |folder, _| {
            working_copy::mark(folder, &place)?;
            build(folder, id, unlock, work)
        })?;
        if let Err(error) = remote.claim(&folder) {
            // Where somebody else's claim came first, this store is nobody's, and nobody has a key of it.
            if let Error::Place(DocumentsError::Conflict { .. }) = error
                && remote.read(MANIFEST_FILE)?.is_some()
            {
                let _in_the_way_otherwise = std::fs::remove_dir_all(folder.path());
                return Err(exists(&remote));
            }
            return Err(error);
        }
        remote.finish_making(&folder)?;
        let locked = LockedStore {
            witness: Witness::default(),
            folder,
            manifest,
            remote: Some(remote),
        };
        Self::with_identity(locked, identity)
    }
}

impl Remote {
    /// Whether the store in the place is the one whose making was interrupted here.
    fn was_interrupted(&self, dir: &Path, manifest: &[u8]) -> Result<bool, Error> {
        let Ok(folder) = Folder::open(dir) else {
            return Ok(false);
        };
        let ours = matches!(folder.read(MANIFEST_FILE, LIMIT), Ok(ours) if ours == manifest);
        Ok(ours && self.read(&name(1))?.is_none())
    }

    /// Removes a working copy that never had a place and never had a key.
    fn clear_left_over(&self, dir: &Path) -> Result<(), Error> {
        let Ok(folder) = Folder::open(dir) else {
            return Ok(());
        };
        let Some(place) = working_copy::place_of(&folder)? else {
            return Ok(());
        };
        if place != self.place() || journal::lines_unproven(&folder)?.len() > 1 {
            return Err(Error::WorkingCopyLeft {
                path: dir.to_owned(),
                place: self.place(),
            });
        }
        std::fs::remove_dir_all(folder.path())
            .map_err(|error| Error::io("remove", folder.path().to_owned(), error))
    }

    fn claim(&self, folder: &Folder) -> Result<(), Error> {
        self.create(MANIFEST_FILE, &folder.read(MANIFEST_FILE, LIMIT)?)
    }

    /// Creates the other documents of a new store, once the claim is made.
    pub(super) fn finish_making(&self, folder: &Folder) -> Result<(), Error> {
        self.create(IDENTITY_FILE, &folder.read(IDENTITY_FILE, LIMIT)?)?;
        self.create(&name(1), &journal::read_bytes(folder)?)
    }
}
