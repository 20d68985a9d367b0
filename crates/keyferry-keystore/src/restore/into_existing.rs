//! Keys that come back into the store that they are from.
//!
//! The result is the union: nothing in the store is replaced but files that do not open, keys that
//! were destroyed stay destroyed, and if two keys exclude each other nothing is done at all.

use jiff::Timestamp;

use super::contents::{BackedUpKey, is_of};
use super::{Backup, Contents, RestoreReport};
use crate::backup::BackupError;
use crate::journal::{Event, Journal};
use crate::key_file::{self, KEYS_FOLDER};
use crate::ledger::Ledger;
use crate::lock::ExclusiveLock;
use crate::recover::load_recovered_for_writing;
use crate::{Error, KeyState, Store, WriteBlock};

/// What is to be done, settled before anything is.
struct Plan<'a> {
    /// Entries of the backup's journal that follow the store's last one.
    lines: Vec<u8>,
    entries: u64,
    /// Keys whose files are missing (or damaged: `true`) and whose entries the journal has, or gets.
    files: Vec<(&'a BackedUpKey, bool)>,
    /// Keys that the store's journal does not know, and what they become.
    unknown: Vec<(&'a BackedUpKey, KeyState)>,
    /// Keys that an interrupted restore left pending, and what they become.
    pending: Vec<(&'a BackedUpKey, KeyState)>,
}

impl Backup<'_> {
    /// Brings back into the store what the backup has and the store lacks. `partial` accepts that keys
    /// are missing or damaged in the backup.
    ///
    /// A store that is behind the backup goes on to where the backup is, which also settles a
    /// [`WriteBlock::RolledBack`]. Where both went on from a common entry, the keys that only the
    /// backup knows are taken in; they decrypt, but the store's own active keys stay the active ones.
    ///
    /// # Errors
    /// [`BackupError::OtherStore`], [`BackupError::Damaged`]; [`BackupError::Conflict`], by which
    /// nothing changed; [`Error::ReadOnly`]; as for [`Store::create`].
    pub fn restore_into(&self, store: &mut Store, partial: bool) -> Result<RestoreReport, Error> {
        let place = self.place.place();
        if *store.id() != self.manifest.store {
            return Err(BackupError::OtherStore {
                place,
                found: self.manifest.store.clone(),
                store: store.id().clone(),
            }
            .into());
        }
        let contents = Contents::read(self.place, &self.manifest, &self.identity)?;
        let faults = contents.require_usable(&place, partial)?;
        let lock = begin(store)?;
        let (_, journal) = store.read_journal()?;
        let plan = match plan(store, &journal, &contents) {
            Ok(plan) => plan,
            Err(Refused::Conflicts(conflicts)) => {
                return Err(BackupError::Conflict { place, conflicts }.into());
            }
            Err(Refused::Error(error)) => return Err(error),
        };
        if let Some(block) = store.write_block()
            && plan.lines.is_empty()
        {
            return Err(store.read_only(block));
        }
        let keys = plan.files.len() + plan.unknown.len() + plan.pending.len();
        let report = RestoreReport {
            place,
            keys: u32::try_from(keys).unwrap_or(u32::MAX),
            entries: plan.entries,
            faults,
        };
        carry_out(store, &lock, plan)?;
        if report.keys > 0 || report.entries > 0 {
            let event = Event::Restored {
                from: report.place.clone(),
                keys: report.keys,
            };
            store.record(&lock, event)?;
        }
        Ok(report)
    }
}

/// Takes the writer's lock; a store that was rolled back may be read so far.
fn begin(store: &mut Store) -> Result<ExclusiveLock, Error> {
    if let Some(remote) = &store.remote {
        return Err(Error::Unwritable {
            path: store.folder.path().to_owned(),
            reason: format!(
                "the store lives in {}: restore into a folder, and import what is missing from there",
                remote.place()
            ),
        });
    }
    let lock = ExclusiveLock::acquire(&store.folder)?;
    load(store, &lock)?;
    match store.write_block() {
        None | Some(WriteBlock::RolledBack { .. }) => Ok(lock),
        Some(block) => Err(store.read_only(block)),
    }
}

fn load(store: &mut Store, lock: &ExclusiveLock) -> Result<(), Error> {
    let (folder, manifest) = (&store.folder, &store.manifest);
    let loaded = load_recovered_for_writing(
        folder,
        manifest,
        &store.identity,
        &store.witness,
        None,
        lock,
    )?;
    store.take_in(loaded);
    Ok(())
}

enum Refused {
    Conflicts(Vec<String>),
    Error(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

fn plan<'a>(store: &Store, journal: &Journal, contents: &'a Contents) -> Result<Plan<'a>, Refused> {
    let (ours, theirs) = (&journal.seals, &contents.journal.seals);
    let mut plan = Plan {
        lines: Vec::new(),
        entries: 0,
        files: Vec::new(),
        unknown: Vec::new(),
        pending: Vec::new(),
    };
    // As it will be with the backup's further entries, if they follow.
    let mut ledger = store.ledger.clone();
    if theirs.len() > ours.len() && theirs.starts_with(ours) {
        let length = usize::try_from(journal.length).unwrap_or(usize::MAX);
        plan.lines = contents.lines.get(length..).unwrap_or_default().to_vec();
        plan.entries = contents.journal.tip.seq - journal.tip.seq;
        ledger = Ledger::default();
        for record in &contents.journal.records {
            // Proven with the contents.
            let _ = ledger.apply(record.seq, &record.event);
        }
    }
    let mut conflicts = Vec::new();
    for key in &contents.keys {
        match place_of(store, &ledger, key)? {
            Place::Has => {}
            Place::Lacks { damaged } => plan.files.push((key, damaged)),
            Place::Pending(state) => plan.pending.push((key, state)),
            Place::Unknown(state) => plan.unknown.push((key, state)),
            Place::Conflict(conflict) => conflicts.push(conflict),
        }
    }
    if conflicts.is_empty() {
        Ok(plan)
    } else {
        Err(Refused::Conflicts(conflicts))
    }
}

/// What a key of the backup is to the store.
enum Place {
    Has,
    Lacks { damaged: bool },
    Pending(KeyState),
    Unknown(KeyState),
    Conflict(String),
}

fn place_of(store: &Store, ledger: &Ledger, key: &BackedUpKey) -> Result<Place, Error> {
    let BackedUpKey { entry, facts, .. } = key;
    let Some(known) = ledger.by_id(&entry.id) else {
        if ledger.by_md5(&facts.md5).is_some() {
            // The same key under another id, as when both took in a key that somebody gave.
            return Ok(Place::Has);
        }
        return Ok(match ledger.fits(facts) {
            Ok(()) => Place::Unknown(state_for(ledger, key)),
            Err(conflict) => Place::Conflict(conflict),
        });
    };
    if !is_of(facts, known) {
        return Ok(Place::Conflict(format!(
            "key `{}` is version {} of ring `{}` in the backup and version {} of ring `{}` in the store",
            entry.id, entry.version, entry.ring, known.version, known.ring
        )));
    }
    if !known.state.has_key() {
        return Ok(Place::Has);
    }
    let folder = store
        .folder
        .child(KEYS_FOLDER)
        .and_then(|keys| keys.child(entry.ring.as_str()));
    let found = match folder {
        Err(error) if error.is_not_found() => return Ok(Place::Lacks { damaged: false }),
        folder => key_file::read(&folder?, &store.identity, &entry.id),
    };
    Ok(match found {
        Ok((found_facts, found_key)) if found_facts == *facts && found_key == key.key => {
            match known.state {
                KeyState::Pending if entry.state != KeyState::Pending => {
                    Place::Pending(state_for(ledger, key))
                }
                _ => Place::Has,
            }
        }
        Ok(_) => Place::Conflict(format!(
            "the file of key `{}` holds another key in the store than in the backup",
            entry.id
        )),
        Err(Error::KeyFileMissing { .. }) => Place::Lacks { damaged: false },
        Err(Error::KeyFileDamaged { .. }) => Place::Lacks { damaged: true },
        Err(error) => return Err(error),
    })
}

/// The state of a key whose entries the store cannot take over.
fn state_for(ledger: &Ledger, key: &BackedUpKey) -> KeyState {
    let ring_is_ours = || {
        let mut others = ledger
            .entries()
            .iter()
            .filter(|entry| entry.id != key.entry.id);
        others.any(|entry| entry.ring == key.entry.ring)
    };
    match key.entry.state {
        KeyState::Active if !ring_is_ours() => KeyState::Active,
        KeyState::Compromised => KeyState::Compromised,
        KeyState::Pending => KeyState::Pending,
        _ => KeyState::DecryptOnly,
    }
}

fn carry_out(store: &mut Store, lock: &ExclusiveLock, plan: Plan<'_>) -> Result<(), Error> {
    if !plan.lines.is_empty() {
        // First, so that what comes after is as in any store that lost files: named, and brought back
        // by the next attempt if this one is interrupted.
        let (folder, identity) = (&store.folder, &store.identity);
        store
            .journal
            .append_lines(folder, identity, lock, &plan.lines)?;
    }
    for (key, damaged) in &plan.files {
        put_back(store, key, *damaged)?;
    }
    if !plan.lines.is_empty() {
        // Under the witness: it has to agree to where the store is now.
        load(store, lock)?;
        if let Some(block) = store.write_block() {
            return Err(store.read_only(block));
        }
    }
    for (key, state) in plan.unknown {
        // Interrupted in between, the key is taken in as pending; the next attempt makes it this.
        put_back(store, key, false)?;
        let facts = key.facts.clone();
        store.record(lock, Event::KeyAdded { facts, state })?;
    }
    for (key, state) in plan.pending {
        store.record(lock, Event::state_changed(key.entry.id.clone(), state))?;
    }
    Ok(())
}

fn put_back(store: &Store, key: &BackedUpKey, damaged: bool) -> Result<(), Error> {
    let id = &key.entry.id;
    let ring = store
        .folder
        .child_or_new(KEYS_FOLDER)?
        .child_or_new(key.entry.ring.as_str())?;
    if damaged {
        // What did not open is kept: somebody may still make something of it.
        let found = key_file::read_bytes(&ring, id)?;
        let now = Timestamp::now().as_millisecond();
        let name = format!("damaged-{id}-{now}");
        store.folder.write_new(&name, &found)?;
        store.folder.sync()?;
    }
    match key_file::put_back(&ring, id, &key.bytes, damaged) {
        // Left by an interrupted attempt, and then as proven as what would be written.
        Err(error) if error.is_taken() => match key_file::read(&ring, &store.identity, id) {
            Ok((facts, _)) if facts == key.facts => Ok(()),
            _ => Err(error),
        },
        done => done,
    }
}
