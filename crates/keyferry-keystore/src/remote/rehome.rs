//! Keys whose number another machine took first.
//!
//! A machine that is killed between writing a key's file and its journal entry adopts the key when it is
//! back. In the meantime, another may have given the number to a key of its own; and after a rollback of
//! the place was accepted, keys that were in use may be such. So the key stays: under a new name and the
//! next number.

use keyferry_key::KeyId;

use super::Remote;
use super::pull::WorkingCopy;
use crate::entry::KeyFacts;
use crate::journal::Event;
use crate::key_file::{self, KEYS_FOLDER};
use crate::load::Loaded;
use crate::{Error, Finding};

impl Remote {
    /// Takes in keys of the working copy that do not fit in as they are.
    pub(crate) fn rehome(&self, copy: &WorkingCopy<'_>, loaded: &mut Loaded) -> Result<(), Error> {
        if loaded.block.is_some() {
            return Ok(());
        }
        for old in std::mem::take(&mut loaded.displaced) {
            let ring = copy.folder.child(KEYS_FOLDER)?.child(old.ring.as_str())?;
            let path = ring.path_of(&key_file::file_name(&old.id));
            let finding = if loaded.ledger.by_md5(&old.md5).is_some() {
                // An earlier attempt got as far as the entry: the key is in the store.
                Finding::OrphanSwept { path: path.clone() }
            } else {
                let (_, key) = key_file::read(&ring, copy.identity, &old.id)?;
                let facts = KeyFacts {
                    id: KeyId::generate()?,
                    version: loaded.ledger.next_version(&old.ring),
                    ..old.clone()
                };
                key_file::write(&ring, copy.identity, &facts, &key)?;
                let event = Event::KeyAdopted {
                    facts: facts.clone(),
                };
                let appended =
                    loaded
                        .journal
                        .append(copy.folder, copy.identity, copy.lock, Some(self), event);
                if let Err(error) = appended {
                    if let Error::Overtaken { .. } = error {
                        self.withdraw(&facts);
                        key_file::withdraw(&ring, &facts.id)?;
                    }
                    return Err(error);
                }
                let KeyFacts {
                    id, ring, version, ..
                } = facts.clone();
                loaded.ledger.add_unproven(facts);
                Finding::KeyAdopted { id, ring, version }
            };
            key_file::withdraw(&ring, &old.id)?;
            self.withdraw(&old);
            loaded.findings.retain(|found| {
                !matches!(found, Finding::UnknownKeyFile { path: unknown, .. } if *unknown == path)
            });
            loaded.findings.push(finding);
        }
        Ok(())
    }
}
