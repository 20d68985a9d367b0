//! Putting in order what an interrupted write left behind.
//!
//! A process can be killed between any two of its system calls. What remains is decided by how far
//! it came: an unfinished file is removed, since nobody was given its key; a finished key without a
//! journal entry is taken in as pending; half a journal entry is moved aside; a journal ahead of its
//! head is believed, since its entries are sealed.

use jiff::Timestamp;

use crate::folder::Folder;
use crate::identity::StoreIdentity;
use crate::journal::{Event, JournalEnd};
use crate::key_file::KEYS_FOLDER;
use crate::load::{Loaded, load};
use crate::lock::{ExclusiveLock, SharedLock};
use crate::manifest::Manifest;
use crate::remote::{Attempts, Remote, WorkingCopy};
use crate::witness::Witness;
use crate::{Error, Finding, WriteBlock, opener};

/// Reads the store and recovers it if need be, for a reader.
pub(crate) fn load_recovered(
    folder: &Folder,
    manifest: &Manifest,
    identity: &StoreIdentity,
    witness: &Witness,
    remote: Option<&Remote>,
) -> Result<Loaded, Error> {
    if remote.is_some() {
        // What is new in the place is written here.
        let lock = ExclusiveLock::acquire(folder)?;
        return load_recovered_for_writing(folder, manifest, identity, witness, remote, &lock);
    }
    let loaded = {
        let _shared = SharedLock::acquire(folder)?;
        load(folder, manifest, identity, witness)?
    };
    if !loaded.needs_recovery() {
        return Ok(loaded);
    }
    let lock = ExclusiveLock::acquire(folder)?;
    load_recovered_for_writing(folder, manifest, identity, witness, None, &lock)
}

/// Reads the store under the writer's lock and recovers it if need be.
pub(crate) fn load_recovered_for_writing(
    folder: &Folder,
    manifest: &Manifest,
    identity: &StoreIdentity,
    witness: &Witness,
    remote: Option<&Remote>,
    lock: &ExclusiveLock,
) -> Result<Loaded, Error> {
    let mut attempts = Attempts::begin();
    loop {
        let loaded = load_recovered_once(folder, manifest, identity, witness, remote, lock);
        match loaded {
            Err(Error::Overtaken { .. }) if attempts.again() => {}
            loaded => return loaded,
        }
    }
}

fn load_recovered_once(
    folder: &Folder,
    manifest: &Manifest,
    identity: &StoreIdentity,
    witness: &Witness,
    remote: Option<&Remote>,
    lock: &ExclusiveLock,
) -> Result<Loaded, Error> {
    let copy = WorkingCopy {
        folder,
        manifest,
        identity,
        lock,
    };
    let pulled = remote.map(|remote| remote.pull(&copy)).transpose()?;
    let mut loaded = load(folder, manifest, identity, witness)?;
    if let Some(pulled) = pulled {
        pulled.apply_to(&mut loaded);
    }
    let recovered = if loaded.needs_recovery() {
        recover(folder, identity, remote, lock, &mut loaded)
    } else {
        Ok(())
    };
    let recovered = recovered.and_then(|()| match remote {
        Some(remote) => remote.rehome(&copy, &mut loaded),
        None => Ok(()),
    });
    if let Err(error) = recovered {
        if let Error::Overtaken { .. } = error {
            return Err(error);
        }
        // A full or read-only disk must not keep anybody from reading.
        loaded.block = Some(WriteBlock::NotRecovered {
            reason: with_cause(&error),
        });
        for facts in std::mem::take(&mut loaded.orphans) {
            loaded.ledger.add_unproven(facts);
        }
    }
    Ok(loaded)
}

fn recover(
    folder: &Folder,
    identity: &StoreIdentity,
    remote: Option<&Remote>,
    lock: &ExclusiveLock,
    loaded: &mut Loaded,
) -> Result<(), Error> {
    for (ring, name) in std::mem::take(&mut loaded.unfinished) {
        let path = match &ring {
            None => {
                folder.remove_file(&name)?;
                folder.path_of(&name)
            }
            Some(ring) => {
                let ring = folder.child(KEYS_FOLDER)?.child(ring.as_str())?;
                ring.remove_file(&name)?;
                ring.path_of(&name)
            }
        };
        loaded.findings.push(Finding::OrphanSwept { path });
    }
    match &loaded.journal.end {
        JournalEnd::Whole | JournalEnd::Broken { .. } => {}
        JournalEnd::HeadBehind => loaded.journal.write_head(folder, identity, lock)?,
        JournalEnd::Torn { tail } => {
            let line = loaded.journal.tip.seq + 1;
            let now = Timestamp::now().as_millisecond();
            let name = format!("journal.torn-{line}-{now}");
            folder.write_new(&name, tail)?;
            folder.sync()?;
            loaded.journal.cut_tail(folder, lock)?;
            loaded.journal.write_head(folder, identity, lock)?;
            loaded.findings.push(Finding::TornTailSaved {
                path: folder.path_of(&name),
                bytes: tail.len(),
            });
        }
    }
    loaded.journal.end = JournalEnd::Whole;
    for leftover in std::mem::take(&mut loaded.leftovers) {
        let finding = opener::finish(folder, &leftover)?;
        loaded.findings.push(finding);
    }
    while let Some(facts) = loaded.orphans.pop() {
        if let Err(reason) = loaded.ledger.fits(&facts) {
            let path = folder.path_of(KEYS_FOLDER).join(facts.ring.as_str());
            loaded
                .findings
                .push(Finding::UnknownKeyFile { path, reason });
            continue;
        }
        // Its name may not be on disk yet.
        let ring = folder.child(KEYS_FOLDER)?.child(facts.ring.as_str())?;
        ring.sync()?;
        let finding = Finding::KeyAdopted {
            id: facts.id.clone(),
            ring: facts.ring.clone(),
            version: facts.version,
        };
        let event = Event::KeyAdopted {
            facts: facts.clone(),
        };
        if let Err(error) = loaded.journal.append(folder, identity, lock, remote, event) {
            loaded.orphans.push(facts);
            return Err(error);
        }
        loaded.ledger.add_unproven(facts);
        loaded.findings.push(finding);
    }
    Ok(())
}

fn with_cause(error: &Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
