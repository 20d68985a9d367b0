//! New keys: made here, or imported.
//!
//! The order of steps is what keeps keys from being lost: lock, key, temporary file, sync, read
//! back, final name, sync of the folder, journal entry, sync. A key is handed out, and so can
//! encrypt anything, only after the last of them.

use jiff::{Timestamp, Unit};
use keyferry_key::import::Imported;
use keyferry_key::{CustomerKey, KeyId, KeyStrength};

use crate::entry::KeyFacts;
use crate::journal::Event;
use crate::key_file::{self, KEYS_FOLDER};
use crate::lock::ExclusiveLock;
use crate::{Error, KeyEntry, KeyState, Origin, RingName, Store};

/// What a new active key does to the one that its ring has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Succession {
    /// Refuse if there is one.
    FirstOnly,
    /// Take its place: it becomes decrypt-only in the same step, and its objects stay readable.
    Supersede,
}

/// What an imported key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// New objects are encrypted with it.
    Active(Succession),
    /// Objects that exist are read with it; the ring's active key, if any, stays.
    DecryptOnly,
}

/// What became of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportOutcome {
    /// The key is new to the store.
    Added(KeyEntry),
    /// The store had it already, in this state; nothing was written.
    AlreadyPresent(KeyEntry),
    /// The store had it, left pending by an interrupted import, which was finished.
    Activated(KeyEntry),
}

impl ImportOutcome {
    /// The key.
    #[must_use]
    pub fn entry(&self) -> &KeyEntry {
        match self {
            Self::Added(entry) | Self::AlreadyPresent(entry) | Self::Activated(entry) => entry,
        }
    }
}

impl Store {
    /// Makes a new key and the ring's active one. When this returns, it is safely on disk.
    ///
    /// # Errors
    /// [`Error::RingHasActive`]; [`Error::ReadOnly`] if the store may not be written;
    /// [`Error::Busy`], [`Error::NoLocks`]; [`Error::Generate`], [`Error::Io`],
    /// [`Error::ReadBack`]. After an error the key was given to nobody. It may remain as a
    /// pending one, or, if only the last step failed, as the active one.
    pub fn create(&mut self, ring: &RingName, succession: Succession) -> Result<KeyEntry, Error> {
        self.write(|store, lock| {
            store.check_succession(ring, succession)?;
            store.generate(lock, ring, KeyState::Active)
        })
    }

    /// Makes a new key that waits to be activated, so that it can be backed up before anything
    /// is encrypted under it.
    ///
    /// # Errors
    /// As for [`Self::create`].
    pub fn create_pending(&mut self, ring: &RingName) -> Result<KeyEntry, Error> {
        self.write(|store, lock| store.generate(lock, ring, KeyState::Pending))
    }

    /// Takes in a key that somebody has; `source` says where it was read from. Importing a key
    /// again changes nothing.
    ///
    /// # Errors
    /// As for [`Self::create`], and [`Error::InOtherRing`], [`Error::Md5Collision`]; as for
    /// [`Self::key`] if the store has the key but cannot open it.
    pub fn import(
        &mut self,
        ring: &RingName,
        imported: &Imported,
        source: &str,
        role: Role,
    ) -> Result<ImportOutcome, Error> {
        self.write(|store, lock| store.import_locked(lock, ring, imported, source, role))
    }

    fn import_locked(
        &mut self,
        lock: &ExclusiveLock,
        ring: &RingName,
        imported: &Imported,
        source: &str,
        role: Role,
    ) -> Result<ImportOutcome, Error> {
        if let Some(entry) = self.find_by_md5(&imported.key.md5()).cloned() {
            return self.import_known(lock, ring, imported, role, entry);
        }
        let new = NewKey {
            strength: imported.strength,
            origin: Origin::Imported {
                format: imported.format,
                source: source.to_owned(),
            },
            state: self.imported_state(ring, role)?,
            key: &imported.key,
        };
        self.add(lock, ring, new).map(ImportOutcome::Added)
    }

    fn import_known(
        &mut self,
        lock: &ExclusiveLock,
        ring: &RingName,
        imported: &Imported,
        role: Role,
        entry: KeyEntry,
    ) -> Result<ImportOutcome, Error> {
        if self.key(&entry.id)? != imported.key {
            return Err(Error::Md5Collision { id: entry.id });
        }
        if entry.ring != *ring {
            let KeyEntry { ring, id, .. } = entry;
            return Err(Error::InOtherRing { ring, id });
        }
        if entry.state != KeyState::Pending {
            return Ok(ImportOutcome::AlreadyPresent(entry));
        }
        let state = self.imported_state(ring, role)?;
        self.change_state(lock, &entry.id, state, None, None)
            .map(ImportOutcome::Activated)
    }

    /// The state of an imported key in this role, if the ring has room for it.
    fn imported_state(&self, ring: &RingName, role: Role) -> Result<KeyState, Error> {
        match role {
            Role::Active(succession) => {
                self.check_succession(ring, succession)?;
                Ok(KeyState::Active)
            }
            Role::DecryptOnly => Ok(KeyState::DecryptOnly),
        }
    }

    fn generate(
        &mut self,
        lock: &ExclusiveLock,
        ring: &RingName,
        state: KeyState,
    ) -> Result<KeyEntry, Error> {
        let key = CustomerKey::generate()?;
        let new = NewKey {
            strength: KeyStrength::Full,
            origin: Origin::Generated,
            state,
            key: &key,
        };
        self.add(lock, ring, new)
    }

    fn check_succession(&self, ring: &RingName, succession: Succession) -> Result<(), Error> {
        match (self.ledger.active(ring), succession) {
            (Some(active), Succession::FirstOnly) => Err(Error::RingHasActive {
                ring: ring.clone(),
                id: active.id.clone(),
                version: active.version,
            }),
            _ => Ok(()),
        }
    }

    fn add(
        &mut self,
        lock: &ExclusiveLock,
        ring: &RingName,
        new: NewKey<'_>,
    ) -> Result<KeyEntry, Error> {
        let now = Timestamp::now();
        let facts = KeyFacts {
            id: KeyId::generate()?,
            ring: ring.clone(),
            version: self.ledger.next_version(ring),
            created: now.round(Unit::Second).unwrap_or(now),
            origin: new.origin,
            strength: new.strength,
            md5: new.key.md5(),
        };
        let folder = self
            .folder
            .child_or_new(KEYS_FOLDER)?
            .child_or_new(ring.as_str())?;
        key_file::write(&folder, &self.identity, &facts, new.key)?;
        let (id, state) = (facts.id.clone(), new.state);
        let event = Event::KeyAdded {
            facts: facts.clone(),
            state,
        };
        if let Err(error) = self.record(lock, event) {
            if let (Error::Overtaken { .. }, Some(remote)) = (&error, &self.remote) {
                // It never entered the store and was given to nobody. Its number may be another's now.
                remote.withdraw(&facts);
                key_file::withdraw(&folder, &id)?;
            }
            return Err(error);
        }
        self.entry(&id).cloned()
    }
}

/// A key on its way into the store.
struct NewKey<'a> {
    key: &'a CustomerKey,
    strength: KeyStrength,
    origin: Origin,
    state: KeyState,
}
