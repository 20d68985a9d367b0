//! Restoring: a backup is opened by what its owner has, proven whole, and only then used.

mod contents;
mod into_existing;
mod into_new;
mod opener;

use crate::backup::{BackupError, BackupManifest, MANIFEST_DOCUMENT};
use crate::identity::StoreIdentity;
use crate::journal::Event;
use crate::{Documents, Error, LockedStore, Store, StoreId};

pub(crate) use contents::Contents;
pub use into_new::Reprotect;
pub use opener::{AgeIdentities, BackupKey, BackupLock};

/// A backup that was found, before it is opened.
pub struct LockedBackup<'a> {
    place: &'a dyn Documents,
    bytes: Vec<u8>,
    manifest: BackupManifest,
}

/// A backup that was opened: its description is genuine.
pub struct Backup<'a> {
    place: &'a dyn Documents,
    manifest: BackupManifest,
    identity: StoreIdentity,
    /// Opened by what its owner has, and not by the store that it is a backup of.
    independently: bool,
}

/// What a test of a backup proved.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tested {
    /// The backup.
    pub place: String,
    /// The store that it is a backup of.
    pub store: StoreId,
    /// Up to which line of the journal it reaches.
    pub line: u64,
    /// How many keys it holds, each of which was opened.
    pub keys: u32,
}

/// What restoring did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RestoreReport {
    /// The backup.
    pub place: String,
    /// Keys that came back.
    pub keys: u32,
    /// Entries of the journal that came back with them.
    pub entries: u64,
    /// What the backup lacks, if that was accepted.
    pub faults: Vec<crate::DocumentFault>,
}

impl<'a> LockedBackup<'a> {
    /// Finds a backup in a place.
    ///
    /// # Errors
    /// [`BackupError::Missing`], [`BackupError::Damaged`], [`BackupError::NewerFormat`];
    /// [`DocumentsError`](crate::DocumentsError) if the place fails.
    pub fn find(place: &'a dyn Documents) -> Result<Self, Error> {
        let Some(found) = place.read(MANIFEST_DOCUMENT)? else {
            return Err(BackupError::Missing {
                place: place.place(),
            }
            .into());
        };
        let manifest = BackupManifest::read(&found.bytes, &place.place())?;
        Ok(Self {
            place,
            bytes: found.bytes.to_vec(),
            manifest,
        })
    }

    /// The store that it says it is a backup of.
    #[must_use]
    pub fn store(&self) -> &StoreId {
        &self.manifest.store
    }

    /// Opens it by what its owner has.
    ///
    /// # Errors
    /// [`BackupError::WrongOpener`], [`BackupError::NotOpened`], [`BackupError::Damaged`].
    pub fn unlock(self, key: &BackupKey) -> Result<Backup<'a>, Error> {
        let identity = opener::open(self.place, &self.manifest, key)?;
        self.prove(identity, true)
    }

    /// Opens it by the identity of the store that it is a backup of: to restore into that store.
    ///
    /// # Errors
    /// [`BackupError::OtherStore`], [`BackupError::Damaged`].
    pub fn unlock_with(self, store: &Store) -> Result<Backup<'a>, Error> {
        if *store.id() != self.manifest.store {
            return Err(BackupError::OtherStore {
                place: self.place.place(),
                found: self.manifest.store,
                store: store.id().clone(),
            }
            .into());
        }
        let text = store.identity.text(store.id());
        match StoreIdentity::from_text(&text, store.id()) {
            Ok(identity) => self.prove(identity, false),
            Err(reason) => Err(Error::IdentityDamaged {
                path: store.path().to_owned(),
                reason,
            }),
        }
    }

    fn prove(self, identity: StoreIdentity, independently: bool) -> Result<Backup<'a>, Error> {
        BackupManifest::prove(&self.bytes, &identity, &self.place.place())?;
        Ok(Backup {
            place: self.place,
            manifest: self.manifest,
            identity,
            independently,
        })
    }
}

impl Backup<'_> {
    /// The store that it is a backup of.
    #[must_use]
    pub fn store(&self) -> &StoreId {
        &self.manifest.store
    }

    /// Opens every key in memory and compares it with the journal and the description. Writes nothing.
    ///
    /// # Errors
    /// [`BackupError::Damaged`] with everything that is wrong; [`BackupError::NotIndependent`] if the
    /// store itself opened it; [`DocumentsError`](crate::DocumentsError) if the place fails.
    pub fn test(&self) -> Result<Tested, Error> {
        if !self.independently {
            return Err(BackupError::NotIndependent {
                place: self.place.place(),
            }
            .into());
        }
        let contents = Contents::read(self.place, &self.manifest, &self.identity)?;
        contents.require_whole(&self.place.place())?;
        Ok(Tested {
            place: self.place.place(),
            store: self.manifest.store.clone(),
            line: self.manifest.journal.seq,
            keys: u32::try_from(contents.keys.len()).unwrap_or(u32::MAX),
        })
    }

    /// Records a test in the store that this is a backup of. `None` if it is a backup of another
    /// store, or of a state that the store's journal does not go on from.
    ///
    /// # Errors
    /// As for [`Store::open`] and [`Store::create`].
    pub fn record_test(self, tested: &Tested, store: LockedStore) -> Result<Option<Store>, Error> {
        if *store.id() != tested.store || *store.id() != self.manifest.store {
            return Ok(None);
        }
        let mut store = Store::with_identity(store, self.identity)?;
        let lock = store.begin_write()?;
        let (_, journal) = store.read_journal()?;
        let held = journal
            .seal_of(tested.line)
            .is_some_and(|seal| seal.to_text() == self.manifest.journal.entry);
        if !held {
            return Ok(None);
        }
        let event = Event::RestoreTested {
            from: tested.place.clone(),
            seq: tested.line,
        };
        store.record(&lock, event)?;
        drop(lock);
        Ok(Some(store))
    }
}

impl std::fmt::Debug for Backup<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Backup")
            .field("place", &self.place.place())
            .field("store", &self.manifest.store)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for LockedBackup<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("LockedBackup")
            .field("place", &self.place.place())
            .field("store", &self.manifest.store)
            .finish_non_exhaustive()
    }
}
