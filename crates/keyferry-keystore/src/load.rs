//! Reading a store as it lies on disk, without changing it.

use keyferry_key::KeyId;

use crate::entry::KeyFacts;
use crate::folder::Folder;
use crate::identity::StoreIdentity;
use crate::journal::{Event, Journal, JournalEnd, Record};
use crate::key_file::{self, KEYS_FOLDER, UNFINISHED};
use crate::ledger::{Ledger, Misfit};
use crate::manifest::{MANIFEST_FILE, Manifest};
use crate::opener::{Leftover, Roster, is_for_openers, survey};
use crate::witness::{Verdict, Witness};
use crate::{Error, Finding, RingName, WriteBlock};

use rustix::fs::OFlags;

/// A store as it was found.
pub(crate) struct Loaded {
    pub(crate) journal: Journal,
    pub(crate) ledger: Ledger,
    pub(crate) roster: Roster,
    pub(crate) block: Option<WriteBlock>,
    pub(crate) findings: Vec<Finding>,
    /// Temporary files of interrupted writes; the folder is that of a ring, or the store's.
    pub(crate) unfinished: Vec<(Option<RingName>, String)>,
    /// Whole keys of this store that the journal does not name.
    pub(crate) orphans: Vec<KeyFacts>,
    /// Others of these whose number the journal gives to another key.
    pub(crate) displaced: Vec<KeyFacts>,
    /// What interrupted changes of openers left.
    pub(crate) leftovers: Vec<Leftover>,
    /// What the witness saw went another way, by entries about backups only.
    pub(crate) outgrew_witness: bool,
}

impl Loaded {
    /// Whether an interrupted write left something to put in order.
    pub(crate) fn needs_recovery(&self) -> bool {
        self.block.is_none()
            && !(self.unfinished.is_empty()
                && self.orphans.is_empty()
                && self.leftovers.is_empty()
                && self.journal.end == JournalEnd::Whole)
    }
}

/// Reads everything but the keys. The caller holds a lock.
pub(crate) fn load(
    folder: &Folder,
    manifest: &Manifest,
    identity: &StoreIdentity,
    witness: &Witness,
) -> Result<Loaded, Error> {
    // Before the journal: it may grow, and the witness with it, but never shrinks.
    let seen = witness.seen(&manifest.id, identity);
    let mut journal = Journal::read(folder, identity)?;
    let records = std::mem::take(&mut journal.records);
    let seals = std::mem::take(&mut journal.seals);
    check_manifest(folder, manifest, &records)?;
    let mut loaded = Loaded {
        block: None,
        ledger: Ledger::default(),
        roster: Roster::from_records(&records),
        findings: Vec::new(),
        unfinished: Vec::new(),
        orphans: Vec::new(),
        displaced: Vec::new(),
        leftovers: Vec::new(),
        outgrew_witness: false,
        journal,
    };
    if let JournalEnd::Broken { line, reason } = &loaded.journal.end {
        loaded.block = Some(WriteBlock::JournalDamaged {
            line: *line,
            reason: reason.clone(),
        });
    }
    for record in &records {
        let line = record.seq;
        match loaded.ledger.apply(line, &record.event) {
            Ok(()) => {}
            // Later entries may build on it, so they are not read.
            Err(Misfit::Unknown) => {
                loaded.block = Some(WriteBlock::NewerEntry { line });
                break;
            }
            Err(Misfit::Contradiction(reason)) => {
                loaded.block = Some(WriteBlock::JournalDamaged { line, reason });
                break;
            }
        }
    }
    if loaded.block.is_none()
        && let Some(seen) = seen
    {
        match seen.judge(&seals) {
            Verdict::GoesOn => {}
            Verdict::LacksBackupsOnly => loaded.outgrew_witness = true,
            Verdict::RolledBack { seen } => {
                let found = loaded.journal.tip.seq;
                loaded.block = Some(WriteBlock::RolledBack { seen, found });
            }
        }
    }
    if manifest.is_newer() {
        let found = manifest.format;
        loaded.block = Some(WriteBlock::NewerFormat { found });
    }
    for name in folder.names()? {
        if name.starts_with(UNFINISHED) && !is_for_openers(&name) {
            loaded.unfinished.push((None, name));
        }
    }
    if loaded.block.is_none() {
        // Only a journal that holds says which openers there should be.
        loaded.leftovers = survey(folder, &loaded.roster, &mut loaded.findings)?;
    }
    survey_keys(folder, identity, &mut loaded)?;
    if loaded.block.is_some() {
        // What the journal no longer tells, the key files do: their keys stay usable.
        for facts in std::mem::take(&mut loaded.orphans) {
            loaded.ledger.add_unproven(facts);
        }
    }
    Ok(loaded)
}

fn check_manifest(folder: &Folder, manifest: &Manifest, records: &[Record]) -> Result<(), Error> {
    let Some(Event::StoreCreated {
        store, recipient, ..
    }) = records.first().map(|record| &record.event)
    else {
        return Ok(());
    };
    if *store == manifest.id && *recipient == manifest.recipient {
        Ok(())
    } else {
        Err(Error::ManifestDamaged {
            path: folder.path_of(MANIFEST_FILE),
            reason: "the journal describes another store".to_owned(),
        })
    }
}

fn survey_keys(
    folder: &Folder,
    identity: &StoreIdentity,
    loaded: &mut Loaded,
) -> Result<(), Error> {
    let mut seen: Vec<KeyId> = Vec::new();
    match folder.child(KEYS_FOLDER) {
        Err(error) if error.is_not_found() => {}
        keys => {
            let keys = keys?;
            for name in keys.names()? {
                match name.parse::<RingName>() {
                    Ok(ring) => {
                        survey_ring(&keys.child(&name)?, &ring, identity, loaded, &mut seen)?;
                    }
                    Err(_) => loaded.findings.push(Finding::UnknownKeyFile {
                        path: keys.path_of(&name),
                        reason: "it is not the folder of a ring".to_owned(),
                    }),
                }
            }
        }
    }
    let keys = folder.path_of(KEYS_FOLDER);
    for entry in loaded.ledger.entries() {
        if entry.state.has_key() && !seen.contains(&entry.id) {
            loaded.findings.push(Finding::KeyFileMissing {
                id: entry.id.clone(),
                path: keys
                    .join(entry.ring.as_str())
                    .join(key_file::file_name(&entry.id)),
            });
        }
    }
    Ok(())
}

fn survey_ring(
    folder: &Folder,
    ring: &RingName,
    identity: &StoreIdentity,
    loaded: &mut Loaded,
    seen: &mut Vec<KeyId>,
) -> Result<(), Error> {
    for name in folder.names()? {
        if name.starts_with(UNFINISHED) {
            loaded.unfinished.push((Some(ring.clone()), name));
            continue;
        }
        let unknown = |reason: String| Finding::UnknownKeyFile {
            path: folder.path_of(&name),
            reason,
        };
        let Some(id) = key_file::id_of(&name) else {
            let finding = unknown("it is not named like a key".to_owned());
            loaded.findings.push(finding);
            continue;
        };
        let known = loaded.ledger.by_id(&id);
        if let Some(entry) = known.filter(|entry| entry.ring == *ring) {
            if !entry.state.has_key() {
                // Destroyed, but for this file.
                loaded.unfinished.push((Some(ring.clone()), name));
                continue;
            }
            // Opened for its permissions. Any other trouble concerns this key alone, and whoever
            // asks for the key is told.
            if let Err(error @ Error::Permissions(_)) = folder.open_file(&name, OFlags::RDONLY) {
                return Err(error);
            }
            seen.push(id);
            continue;
        }
        match key_file::read(folder, identity, &id) {
            Ok((facts, _)) if facts.ring != *ring => {
                let finding = unknown(format!("its key belongs to ring `{}`", facts.ring));
                loaded.findings.push(finding);
            }
            Ok((facts, _)) => match loaded.ledger.fits(&facts) {
                Ok(()) => loaded.orphans.push(facts),
                Err(reason) => {
                    loaded.findings.push(unknown(reason));
                    loaded.displaced.push(facts);
                }
            },
            Err(Error::KeyFileDamaged { reason, .. }) => loaded.findings.push(unknown(reason)),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::ExclusiveLock;
    use crate::{KeyState, LockedStore, Store, Succession, Unlock};

    /// A store whose journal goes on with this event, properly sealed.
    fn with_event(event: impl FnOnce(KeyId) -> Event) -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("store");
        let mut store = Store::init(&dir, &Unlock::Unprotected).unwrap();
        let ring = "photos".parse().unwrap();
        let id = store.create(&ring, Succession::FirstOnly).unwrap().id;
        let LockedStore {
            folder: at,
            manifest,
            ..
        } = LockedStore::open(&dir).unwrap();
        let identity = StoreIdentity::read(&at, &manifest.id, &Unlock::Unprotected, None).unwrap();
        let lock = ExclusiveLock::acquire(&at).unwrap();
        let mut journal = Journal::read(&at, &identity).unwrap();
        journal
            .append(&at, &identity, &lock, None, event(id))
            .unwrap();
        drop(lock);
        let store = Store::open(&dir, &Unlock::Unprotected).unwrap();
        (folder, store)
    }

    fn keys_open_but_nothing_is_written(store: &mut Store, block: &WriteBlock) {
        assert_eq!(store.write_block(), Some(block));
        let entry = store.list()[0].clone();
        assert_eq!(store.key(&entry.id).unwrap().md5(), entry.md5);
        for refused in [
            store.active(&entry.ring).map(|_| ()),
            store.create(&entry.ring, Succession::Supersede).map(|_| ()),
            store.activate(&entry.id).map(|_| ()),
        ] {
            assert!(
                matches!(refused, Err(Error::ReadOnly { .. })),
                "{refused:?}"
            );
        }
    }

    #[test]
    fn a_newer_entry_makes_the_store_read_only() {
        let (_folder, mut store) = with_event(|_| Event::Unknown);
        keys_open_but_nothing_is_written(&mut store, &WriteBlock::NewerEntry { line: 3 });
    }

    #[test]
    fn a_contradiction_is_damage_even_if_sealed() {
        let (_folder, mut store) = with_event(|id| Event::state_changed(id, KeyState::Tombstone));
        let Some(block @ WriteBlock::JournalDamaged { line: 3, .. }) = store.write_block().cloned()
        else {
            panic!("{:?}", store.write_block());
        };
        keys_open_but_nothing_is_written(&mut store, &block);
    }
}
