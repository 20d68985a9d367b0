//! An unlocked store.

use std::path::Path;

use keyferry_key::{CustomerKey, KeyId, KeyMd5, Locked};

use crate::catalogue::CatalogueSlot;
use crate::entry::KeyFacts;
use crate::folder::Folder;
use crate::identity::StoreIdentity;
use crate::journal::{Event, JOURNAL_FILE, JOURNAL_LIMIT, Journal, JournalEnd};
use crate::key_file::{self, KEYS_FOLDER};
use crate::ledger::{Ledger, Misfit};
use crate::load::Loaded;
use crate::lock::ExclusiveLock;
use crate::manifest::Manifest;
use crate::opener::Roster;
use crate::recover::{load_recovered, load_recovered_for_writing};
use crate::remote::Remote;
use crate::witness::Witness;
use crate::{
    Error, Finding, KeyEntry, KeyState, LockedStore, OpenerName, RingName, StoreId, Unlock,
    WriteBlock,
};

/// An unlocked store.
///
/// What it says of keys is as of when it was opened, last wrote, or was [refreshed](Self::refresh);
/// what it writes is always based on the latest state, under a lock that all processes share. It
/// holds the identity, and so the means to open every key, until it is dropped; then the identity
/// is wiped.
pub struct Store {
    pub(crate) folder: Folder,
    pub(crate) manifest: Manifest,
    pub(crate) identity: Locked<StoreIdentity>,
    /// Where the store lives, if it is not the folder.
    pub(crate) remote: Option<Remote>,
    pub(crate) journal: Journal,
    pub(crate) ledger: Ledger,
    pub(crate) catalogue: CatalogueSlot,
    pub(crate) roster: Roster,
    block: Option<WriteBlock>,
    findings: Vec<Finding>,
    pub(crate) witness: Witness,
}

impl Store {
    /// Opens a store and puts in order what an interrupted write left behind: see
    /// [`Self::findings`]. A store that cannot be written still opens: see [`Self::write_block`].
    ///
    /// # Errors
    /// [`Error::NoStore`]; [`Error::Permissions`] if others could have read or changed it;
    /// [`Error::WrongPassphrase`], [`Error::PassphraseNeeded`], [`Error::NotProtected`],
    /// [`Error::NoOpenerFits`], [`Error::OpenerFailed`], [`Error::OpenerDamaged`];
    /// [`Error::IdentityDamaged`], [`Error::ManifestDamaged`], [`Error::NewerFormat`];
    /// [`Error::Busy`], [`Error::NoLocks`], [`Error::Io`].
    pub fn open(dir: &Path, unlock: &Unlock) -> Result<Self, Error> {
        LockedStore::open(dir)?.unlock(unlock)
    }

    pub(crate) fn with_identity(
        locked: LockedStore,
        identity: StoreIdentity,
    ) -> Result<Self, Error> {
        locked.check_identity(&identity)?;
        let LockedStore {
            folder,
            manifest,
            witness,
            remote,
        } = locked;
        let loaded = load_recovered(&folder, &manifest, &identity, &witness, remote.as_ref())?;
        let Loaded {
            journal,
            ledger,
            roster,
            block,
            findings,
            outgrew_witness,
            ..
        } = loaded;
        let store = Self {
            folder,
            manifest,
            identity: Locked::new(identity),
            remote,
            journal,
            ledger,
            catalogue: CatalogueSlot::default(),
            roster,
            block,
            findings,
            witness,
        };
        store.bear_witness(outgrew_witness);
        Ok(store)
    }

    /// Reads again what other processes may have changed.
    ///
    /// # Errors
    /// As for [`Self::open`].
    pub fn refresh(&mut self) -> Result<(), Error> {
        let loaded = load_recovered(
            &self.folder,
            &self.manifest,
            &self.identity,
            &self.witness,
            self.remote.as_ref(),
        )?;
        self.take_in(loaded);
        Ok(())
    }

    pub(crate) fn take_in(&mut self, loaded: Loaded) {
        self.journal = loaded.journal;
        self.ledger = loaded.ledger;
        self.roster = loaded.roster;
        self.block = loaded.block;
        for finding in loaded.findings {
            if !self.findings.contains(&finding) {
                self.findings.push(finding);
            }
        }
        self.bear_witness(loaded.outgrew_witness);
    }

    /// Lets the witness know how far the journal reaches.
    pub(crate) fn bear_witness(&self, anew: bool) {
        if self.block.is_some() {
            return;
        }
        let (store, identity) = (&self.manifest.id, &self.identity);
        let Journal { tip, base, .. } = self.journal;
        if anew {
            self.witness.replace(store, identity, tip, base);
        } else {
            self.witness.remember(store, identity, tip, base);
        }
    }

    /// The store's name.
    #[must_use]
    pub fn id(&self) -> &StoreId {
        &self.manifest.id
    }

    /// The public age recipient that keys are encrypted to.
    #[must_use]
    pub fn recipient(&self) -> String {
        self.identity.recipient()
    }

    /// The opener by which the store was opened.
    #[must_use]
    pub fn opened_by(&self) -> Option<&OpenerName> {
        self.identity.opened.as_ref().map(|opened| &opened.name)
    }

    /// The store's folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// What was noticed, since the store was opened, of interrupted writes and of missing or
    /// unknown files.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Why the store is read-only, if it is.
    #[must_use]
    pub fn write_block(&self) -> Option<&WriteBlock> {
        self.block.as_ref()
    }

    /// How many entries the journal has.
    #[must_use]
    pub fn journal_length(&self) -> u64 {
        self.journal.tip.seq
    }

    /// Every key, in the order in which they came.
    #[must_use]
    pub fn list(&self) -> &[KeyEntry] {
        self.ledger.entries()
    }

    /// What is known of a key.
    ///
    /// # Errors
    /// [`Error::UnknownKey`].
    pub fn entry(&self, id: &KeyId) -> Result<&KeyEntry, Error> {
        self.ledger
            .by_id(id)
            .ok_or_else(|| Error::UnknownKey { id: id.clone() })
    }

    /// The key with this MD5, if the store has it.
    #[must_use]
    pub fn find_by_md5(&self, md5: &KeyMd5) -> Option<&KeyEntry> {
        self.ledger.by_md5(md5)
    }

    /// Opens a key, whatever its state: for reading objects.
    ///
    /// # Errors
    /// [`Error::UnknownKey`], [`Error::Destroyed`], [`Error::KeyFileMissing`],
    /// [`Error::KeyFileDamaged`], [`Error::Permissions`], [`Error::Io`].
    pub fn key(&self, id: &KeyId) -> Result<CustomerKey, Error> {
        let entry = self.entry(id)?;
        if !entry.state.has_key() {
            return Err(Error::Destroyed { id: id.clone() });
        }
        let in_ring = |error: Error| match error {
            error if error.is_not_found() => Error::KeyFileMissing {
                id: id.clone(),
                path: self.key_path(entry),
            },
            error => error,
        };
        let keys = self.folder.child(KEYS_FOLDER).map_err(in_ring)?;
        let ring = keys.child(entry.ring.as_str()).map_err(in_ring)?;
        let (facts, key) = key_file::read(&ring, &self.identity, id)?;
        let KeyFacts {
            version, md5, ring, ..
        } = facts;
        if (&ring, version, md5) == (&entry.ring, entry.version, entry.md5) {
            Ok(key)
        } else {
            Err(Error::KeyFileDamaged {
                id: id.clone(),
                path: self.key_path(entry),
                reason: "it is not the key that the journal records".to_owned(),
            })
        }
    }

    /// The file of a key, exactly as it lies on disk, proven to open.
    pub(crate) fn key_bytes(&self, id: &KeyId) -> Result<Vec<u8>, Error> {
        self.key(id)?;
        let entry = self.entry(id)?;
        let ring = self.folder.child(KEYS_FOLDER)?.child(entry.ring.as_str())?;
        let bytes = key_file::read_bytes(&ring, id)?;
        // Read a second time: these bytes are what is proven.
        match key_file::decode(&self.identity, &bytes) {
            Ok((facts, _)) if facts.id == *id => Ok(bytes),
            _ => Err(Error::KeyFileDamaged {
                id: id.clone(),
                path: self.key_path(entry),
                reason: "it changed while it was read".to_owned(),
            }),
        }
    }

    /// The journal's lines, as far as this store has taken them in, and all that they say.
    pub(crate) fn read_journal(&self) -> Result<(Vec<u8>, Journal), Error> {
        let mut lines = self.folder.read(JOURNAL_FILE, JOURNAL_LIMIT)?;
        let length = usize::try_from(self.journal.length).unwrap_or(usize::MAX);
        lines.truncate(length);
        let journal = Journal::verify(&lines, &self.identity, Ok(self.journal.tip.into()));
        match &journal.end {
            JournalEnd::Whole => Ok((lines, journal)),
            JournalEnd::Broken { line, reason } => {
                Err(self.read_only(&WriteBlock::JournalDamaged {
                    line: *line,
                    reason: reason.clone(),
                }))
            }
            _ => Err(Error::ReadBack {
                path: self.folder.path_of(JOURNAL_FILE),
            }),
        }
    }

    /// Opens a ring's active key: for new objects.
    ///
    /// # Errors
    /// As for [`Self::key`], and [`Error::NoActiveKey`]; [`Error::ReadOnly`] if the journal is
    /// damaged or newer, because it may hold an entry by which this key should not be used.
    pub fn active(&self, ring: &RingName) -> Result<(KeyEntry, CustomerKey), Error> {
        self.require_states()?;
        let entry = self
            .ledger
            .active(ring)
            .ok_or_else(|| Error::NoActiveKey { ring: ring.clone() })?;
        Ok((entry.clone(), self.key(&entry.id)?))
    }

    /// Makes a pending key the active one of its ring; the key that was active becomes
    /// decrypt-only, in the same step.
    ///
    /// # Errors
    /// [`Error::UnknownKey`]; [`Error::Transition`] if the key is not pending; as for
    /// [`Self::key`] if it does not open, and as for [`Self::create`].
    pub fn activate(&mut self, id: &KeyId) -> Result<KeyEntry, Error> {
        self.write(|store, lock| store.change_state(lock, id, KeyState::Active, None, None))
    }

    fn key_path(&self, entry: &KeyEntry) -> std::path::PathBuf {
        self.folder
            .path_of(KEYS_FOLDER)
            .join(entry.ring.as_str())
            .join(key_file::file_name(&entry.id))
    }

    /// That the states of the keys are what the journal says, and so good for new objects.
    pub(crate) fn require_states(&self) -> Result<(), Error> {
        match &self.block {
            Some(block) if !block.leaves_states_known() => Err(self.read_only(block)),
            _ => Ok(()),
        }
    }

    pub(crate) fn read_only(&self, block: &WriteBlock) -> Error {
        Error::ReadOnly {
            path: self.folder.path().to_owned(),
            block: block.clone(),
        }
    }

    /// What people call the place that the store lives in, if it is not its folder.
    #[must_use]
    pub fn place(&self) -> Option<String> {
        self.remote.as_ref().map(Remote::place)
    }

    /// Takes the writer's lock and brings the store up to date under it.
    pub(crate) fn begin_write(&mut self) -> Result<ExclusiveLock, Error> {
        let lock = ExclusiveLock::acquire(&self.folder)?;
        if let Some(remote) = &self.remote {
            remote.expect_writes();
        }
        let loaded = load_recovered_for_writing(
            &self.folder,
            &self.manifest,
            &self.identity,
            &self.witness,
            self.remote.as_ref(),
            &lock,
        )?;
        self.take_in(loaded);
        if let Some(block) = &self.block {
            return Err(self.read_only(block));
        }
        Ok(lock)
    }

    /// Writes an event into the journal; when this returns, it happened.
    pub(crate) fn record(&mut self, lock: &ExclusiveLock, event: Event) -> Result<(), Error> {
        if self.remote.is_some() {
            self.record_elsewhere(lock, event)
        } else {
            self.record_once(lock, event)
        }
    }

    pub(crate) fn record_once(&mut self, lock: &ExclusiveLock, event: Event) -> Result<(), Error> {
        // Tried on a copy first: an entry that contradicts the journal must never get into it.
        let mut ledger = self.ledger.clone();
        ledger
            .apply(self.journal.tip.seq + 1, &event)
            .map_err(|misfit| Error::Unwritable {
                path: self.folder.path().to_owned(),
                reason: match misfit {
                    Misfit::Unknown => "the entry is of no known kind".to_owned(),
                    Misfit::Contradiction(reason) => reason,
                },
            })?;
        let record = self.journal.append(
            &self.folder,
            &self.identity,
            lock,
            self.remote.as_ref(),
            event,
        )?;
        self.roster.apply(&record);
        self.ledger = ledger;
        self.bear_witness(false);
        Ok(())
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Store")
            .field("path", &self.folder.path())
            .field("id", &self.manifest.id)
            .field("keys", &self.ledger.entries().len())
            .field("block", &self.block)
            .finish_non_exhaustive()
    }
}
