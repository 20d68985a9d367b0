//! What can be read of a store without opening it.

use std::fmt;
use std::path::Path;

use crate::folder::Folder;
use crate::identity::{IDENTITY_FILE, StoreIdentity};
use crate::journal::{Record, lines_in, lines_unproven};
use crate::ledger::Ledger;
use crate::lock::SharedLock;
use crate::manifest::{MANIFEST_FILE, Manifest};
use crate::opener::OpenerFile;
use crate::remote::{Remote, refuse_working_copy};
use crate::witness::Witness;
use crate::{Error, Finding, KeyEntry, OpenerName, Store, StoreId, Unlock};

/// What a store's identity is protected by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protection {
    /// A passphrase.
    Passphrase,
    /// Nothing but the permissions of its file.
    None,
    /// Other openers alone: it has no `identity.age`.
    Openers,
}

/// A store that was found and whose permissions are sound, before it is unlocked.
#[derive(Debug)]
pub struct LockedStore {
    pub(crate) folder: Folder,
    pub(crate) manifest: Manifest,
    pub(crate) witness: Witness,
    /// Where the store lives, if it is not the folder.
    pub(crate) remote: Option<Remote>,
}

/// A store's identity, opened: the means to open every key. It is wiped when it is dropped.
pub struct OpenIdentity(StoreIdentity);

impl fmt::Debug for OpenIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("OpenIdentity(..)")
    }
}

impl LockedStore {
    /// Finds a store.
    ///
    /// # Errors
    /// [`Error::NoStore`], [`Error::Permissions`], [`Error::NewerFormat`],
    /// [`Error::ManifestDamaged`], [`Error::IsWorkingCopy`], [`Error::Io`].
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let folder = match Folder::open(dir) {
            Err(error) if error.is_not_found() => {
                let path = dir.to_owned();
                return Err(Error::NoStore { path });
            }
            opened => opened?,
        };
        refuse_working_copy(&folder)?;
        let manifest = Manifest::read(&folder)?;
        Ok(Self {
            folder,
            manifest,
            witness: Witness::default(),
            remote: None,
        })
    }

    /// Lets a folder outside the store remember how far its journal reaches, so that an older copy
    /// in its place is noticed: see [`WriteBlock::RolledBack`](crate::WriteBlock::RolledBack). The
    /// folder is made when it is needed.
    #[must_use]
    pub fn witnessed_in(self, folder: Option<&Path>) -> Self {
        Self {
            witness: Witness::in_folder(folder.map(Path::to_owned)),
            ..self
        }
    }

    /// The store's name.
    #[must_use]
    pub fn id(&self) -> &StoreId {
        &self.manifest.id
    }

    /// The public age recipient of the store, as `store.toml` has it.
    #[must_use]
    pub fn recipient(&self) -> &str {
        &self.manifest.recipient
    }

    /// What finding the store noticed: that the place it lives in does not answer.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        self.remote.as_ref().map_or(&[], Remote::noticed)
    }

    /// What opens the store: whether to ask for a passphrase.
    ///
    /// # Errors
    /// [`Error::IdentityDamaged`] if the identity is missing, [`Error::Permissions`],
    /// [`Error::Io`].
    pub fn protection(&self) -> Result<Protection, Error> {
        match OpenerFile::read_all(&self.folder)?.first() {
            None => Err(Error::IdentityDamaged {
                path: self.folder.path_of(IDENTITY_FILE),
                reason: "it is missing".to_owned(),
            }),
            Some(file) if !file.name.is_in_identity_file() => Ok(Protection::Openers),
            Some(file) if file.is_protected() => Ok(Protection::Passphrase),
            Some(_) => Ok(Protection::None),
        }
    }

    /// The keys as the journal tells them. Without the identity nothing proves it: good for
    /// showing, not for deciding.
    ///
    /// # Errors
    /// As for [`Self::open`], and [`Error::Busy`], [`Error::NoLocks`].
    pub fn list(&self) -> Result<Vec<KeyEntry>, Error> {
        let _shared = SharedLock::acquire(&self.folder)?;
        Ok(Ledger::of(&self.records()?).entries().to_vec())
    }

    /// The entries of the journal without proof, those included that only the place has.
    pub(crate) fn records(&self) -> Result<Vec<Record>, Error> {
        let mut records = lines_unproven(&self.folder)?;
        if let Some(remote) = &self.remote {
            records.extend(lines_in(remote.ahead()));
        }
        Ok(records)
    }

    /// Opens the store, by the first opener that fits what is given.
    ///
    /// # Errors
    /// As for [`Store::open`].
    pub fn unlock(self, unlock: &Unlock) -> Result<Store, Error> {
        let identity = self.identity(unlock, None)?;
        Store::with_identity(self, identity)
    }

    /// Opens the store by one opener and no other.
    ///
    /// # Errors
    /// As for [`Store::open`], and [`Error::UnknownOpener`].
    pub fn unlock_by(self, opener: &OpenerName, unlock: &Unlock) -> Result<Store, Error> {
        let identity = self.identity_by(opener, unlock)?;
        self.unlock_with(identity)
    }

    /// Opens the store's identity by one opener and no other. The store stays, so that another opener
    /// can be tried: [`Self::unlock_with`] opens it.
    ///
    /// # Errors
    /// As for [`Self::unlock_by`], where the opener is at fault.
    pub fn identity_by(&self, opener: &OpenerName, unlock: &Unlock) -> Result<OpenIdentity, Error> {
        self.identity(unlock, Some(opener)).map(OpenIdentity)
    }

    /// Opens the store with its identity.
    ///
    /// # Errors
    /// As for [`Store::open`].
    pub fn unlock_with(self, OpenIdentity(identity): OpenIdentity) -> Result<Store, Error> {
        Store::with_identity(self, identity)
    }

    fn identity(&self, unlock: &Unlock, only: Option<&OpenerName>) -> Result<StoreIdentity, Error> {
        let identity = StoreIdentity::read(&self.folder, &self.manifest.id, unlock, only)?;
        self.check_identity(&identity)?;
        Ok(identity)
    }

    /// New keys are encrypted to the identity's own recipient, whatever the manifest says; but one that
    /// says otherwise was tampered with.
    pub(crate) fn check_identity(&self, identity: &StoreIdentity) -> Result<(), Error> {
        if identity.recipient() == self.manifest.recipient {
            return Ok(());
        }
        // Where `identity.age` is not involved, the opener is the likelier forgery.
        if let Some(opened) = &identity.opened
            && !opened.name.is_in_identity_file()
        {
            let reason = "it holds the identity of another store";
            return Err(opened.damaged(&self.folder, reason.to_owned()));
        }
        Err(Error::ManifestDamaged {
            path: self.folder.path_of(MANIFEST_FILE),
            reason: "its recipient is not that of the identity".to_owned(),
        })
    }
}
