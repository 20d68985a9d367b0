//! A store made from a backup, in a place of its own.

use std::path::Path;

use super::opener::is_behind_passphrase;
use super::{Backup, Contents, RestoreReport};
use crate::backup::BackupError;
use crate::folder::Folder;
use crate::founding::{check_free, found};
use crate::identity::{IDENTITY_FILE, StoreIdentity};
use crate::journal::{Event, JOURNAL_FILE, Journal};
use crate::key_file::{self, KEYS_FOLDER};
use crate::lock::ExclusiveLock;
use crate::manifest::{MANIFEST_FILE, Manifest};
use crate::opener::{OpenerFile, UNLOCK_FOLDER};
use crate::witness::Witness;
use crate::{Error, LockedStore, OpenerName, Store, Unlock, WorkFactor};

/// What protects the restored store, in place of what protects the backup.
#[derive(Debug, Clone)]
pub struct Reprotect {
    /// A passphrase, or nothing.
    pub unlock: Unlock,
    /// The work factor of the passphrase.
    pub work: WorkFactor,
}

impl Backup<'_> {
    /// Whether the restored store can have the backup's passphrase.
    ///
    /// # Errors
    /// [`DocumentsError`](crate::DocumentsError) if the place fails.
    pub fn has_passphrase(&self) -> Result<bool, Error> {
        let found = self.place.read(IDENTITY_FILE)?;
        Ok(found.is_some_and(|found| is_behind_passphrase(&found.bytes)))
    }

    /// Makes a store from the backup in a folder that does not exist or is empty. It is built beside,
    /// proven, and renamed. `partial` accepts that keys are missing or damaged in the backup.
    ///
    /// # Errors
    /// [`Error::StoreExists`], [`Error::NotEmpty`]; [`BackupError::Damaged`];
    /// [`BackupError::NewProtectionNeeded`] if the backup has no passphrase and none is given; as for
    /// [`Store::init`]. Nothing is left under the name then.
    pub fn restore_new(
        self,
        dir: &Path,
        protection: Option<&Reprotect>,
        partial: bool,
    ) -> Result<(Store, RestoreReport), Error> {
        check_free(dir)?;
        let place = self.place.place();
        let contents = Contents::read(self.place, &self.manifest, &self.identity)?;
        let faults = contents.require_usable(&place, partial)?;
        let passphrase = contents
            .identity
            .as_deref()
            .filter(|file| is_behind_passphrase(file));
        if protection.is_none() && passphrase.is_none() {
            return Err(BackupError::NewProtectionNeeded { place }.into());
        }
        let report = RestoreReport {
            keys: u32::try_from(contents.keys.len()).unwrap_or(u32::MAX),
            entries: contents.journal.tip.seq,
            place,
            faults,
        };
        let event = Event::Restored {
            from: report.place.clone(),
            keys: report.keys,
        };
        let (folder, manifest) = found(dir, |folder, lock| {
            let manifest = self.description(folder, &contents)?;
            self.protect(folder, passphrase, protection)?;
            write_openers(folder, &contents)?;
            write_keys(folder, &contents)?;
            self.write_journal(folder, lock, &contents, event)?;
            Ok(manifest)
        })?;
        let locked = LockedStore {
            folder,
            manifest,
            witness: Witness::default(),
            remote: None,
        };
        Ok((Store::with_identity(locked, self.identity)?, report))
    }

    fn description(&self, folder: &Folder, contents: &Contents) -> Result<Manifest, Error> {
        let bytes = contents.description.as_deref().unwrap_or_default();
        folder.write_new(MANIFEST_FILE, bytes)?;
        let manifest = Manifest::read(folder)?;
        if manifest.id == self.manifest.store && manifest.recipient == self.manifest.recipient {
            Ok(manifest)
        } else {
            Err(Error::ManifestDamaged {
                path: folder.path_of(MANIFEST_FILE),
                reason: "it describes another store than the backup".to_owned(),
            })
        }
    }

    fn protect(
        &self,
        folder: &Folder,
        passphrase: Option<&[u8]>,
        protection: Option<&Reprotect>,
    ) -> Result<(), Error> {
        let (store, identity) = (&self.manifest.store, &self.identity);
        let sound = match (protection, passphrase) {
            (Some(Reprotect { unlock, work }), _) => {
                identity.write(folder, store, unlock, *work)?;
                let read =
                    StoreIdentity::read(folder, store, unlock, Some(&OpenerName::passphrase()));
                read.is_ok_and(|read| read.recipient() == self.manifest.recipient)
            }
            (None, Some(file)) => {
                folder.write_new(IDENTITY_FILE, file)?;
                OpenerFile::read(folder, &OpenerName::passphrase())?
                    .is_some_and(|read| read.bytes.as_slice() == file)
            }
            (None, None) => false,
        };
        if sound {
            Ok(())
        } else {
            Err(Error::ReadBack {
                path: folder.path_of(IDENTITY_FILE),
            })
        }
    }

    fn write_journal(
        &self,
        folder: &Folder,
        lock: &ExclusiveLock,
        contents: &Contents,
        event: Event,
    ) -> Result<(), Error> {
        folder.write_new(JOURNAL_FILE, &contents.lines)?;
        let head = Ok(self.manifest.journal.clone());
        let mut journal = Journal::verify(&contents.lines, &self.identity, head);
        journal.write_head(folder, &self.identity, lock)?;
        journal.append(folder, &self.identity, lock, None, event)?;
        // `identity.age` is not the file that earlier entries may be about.
        let event = Event::IdentityRestored {
            from: self.place.place(),
        };
        journal.append(folder, &self.identity, lock, None, event)?;
        Ok(())
    }
}

fn write_openers(folder: &Folder, contents: &Contents) -> Result<(), Error> {
    if contents.openers.is_empty() {
        return Ok(());
    }
    let openers = folder.new_child(UNLOCK_FOLDER)?;
    for (name, bytes) in &contents.openers {
        openers.write_new(name, bytes)?;
    }
    openers.sync()
}

fn write_keys(folder: &Folder, contents: &Contents) -> Result<(), Error> {
    let keys = folder.new_child(KEYS_FOLDER)?;
    for key in &contents.keys {
        let ring = keys.child_or_new(key.entry.ring.as_str())?;
        key_file::put_back(&ring, &key.entry.id, &key.bytes, false)?;
    }
    keys.sync()
}
