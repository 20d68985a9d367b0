//! Everything in a backup, read and proven.

use keyferry_key::{CustomerKey, KeyId};

use crate::backup::{BackupError, BackupManifest, DocumentFault, bounds_of, segments};
use crate::entry::KeyFacts;
use crate::identity::{IDENTITY_FILE, StoreIdentity};
use crate::journal::{Journal, JournalEnd};
use crate::key_file::{self, KEYS_FOLDER};
use crate::ledger::Ledger;
use crate::manifest::MANIFEST_FILE;
use crate::opener::UNLOCK_FOLDER;
use crate::{Documents, Error, KeyEntry};

/// A key of the backup.
pub(crate) struct BackedUpKey {
    pub(crate) entry: KeyEntry,
    pub(crate) facts: KeyFacts,
    pub(crate) key: CustomerKey,
    /// Its file.
    pub(crate) bytes: Vec<u8>,
}

/// What a backup holds.
pub(crate) struct Contents {
    /// The lines of the journal, and what they say; `records` are taken out.
    pub(crate) lines: Vec<u8>,
    pub(crate) journal: Journal,
    /// Every key that opened.
    pub(crate) keys: Vec<BackedUpKey>,
    /// `store.toml`.
    pub(crate) description: Option<Vec<u8>>,
    /// `identity.age`.
    pub(crate) identity: Option<Vec<u8>>,
    /// What is in `unlock/`, by file name.
    pub(crate) openers: Vec<(String, Vec<u8>)>,
    /// Everything that is missing or not what it should be.
    faults: Vec<DocumentFault>,
    /// Whether the journal is whole: without it nothing can be restored.
    has_journal: bool,
}

impl Contents {
    /// Reads every document that the description names.
    pub(crate) fn read(
        place: &dyn Documents,
        manifest: &BackupManifest,
        identity: &StoreIdentity,
    ) -> Result<Self, Error> {
        let mut reader = Reader {
            place,
            manifest,
            identity,
            faults: Vec::new(),
        };
        let lines = reader.journal()?;
        let has_journal = lines.is_some();
        let lines = lines.unwrap_or_default();
        let head = if has_journal {
            Ok(manifest.journal.clone())
        } else {
            Err("it is not whole".to_owned())
        };
        let journal = Journal::verify(&lines, identity, head);
        let has_journal = has_journal && journal.end == JournalEnd::Whole;
        if let JournalEnd::Broken { line, reason } = &journal.end
            && !lines.is_empty()
        {
            reader.fault("journal", format!("is damaged at line {line}: {reason}"));
        }
        let mut ledger = Ledger::default();
        for record in &journal.records {
            if let Err(misfit) = ledger.apply(record.seq, &record.event) {
                reader.fault(
                    "journal",
                    format!("does not fit at line {}: {misfit:?}", record.seq),
                );
                break;
            }
        }
        let mut keys = Vec::new();
        for entry in ledger.entries() {
            if entry.state.has_key() {
                keys.extend(reader.key(entry)?);
            }
        }
        let mut openers = Vec::new();
        for record in &manifest.documents {
            if let Some(name) = record.name.strip_prefix(&format!("{UNLOCK_FOLDER}/")) {
                let bytes = reader.document(&record.name)?;
                openers.extend(bytes.map(|bytes| (name.to_owned(), bytes)));
            } else if !is_read_elsewhere(&record.name, &ledger) {
                reader.document(&record.name)?;
            }
        }
        Ok(Self {
            description: reader.document(MANIFEST_FILE)?,
            identity: match manifest.document(IDENTITY_FILE) {
                Some(_) => reader.document(IDENTITY_FILE)?,
                None => None,
            },
            lines,
            journal,
            keys,
            openers,
            faults: reader.faults,
            has_journal,
        })
    }

    /// That nothing is wrong.
    pub(crate) fn require_whole(&self, place: &str) -> Result<(), Error> {
        if self.faults.is_empty() {
            return Ok(());
        }
        Err(BackupError::Damaged {
            place: place.to_owned(),
            faults: self.faults.clone(),
        }
        .into())
    }

    /// That there is enough to restore from; what is wrong besides, if that is accepted.
    pub(crate) fn require_usable(
        &self,
        place: &str,
        partial: bool,
    ) -> Result<Vec<DocumentFault>, Error> {
        if !partial || !self.has_journal || self.description.is_none() {
            self.require_whole(place)?;
        }
        Ok(self.faults.clone())
    }
}

fn is_read_elsewhere(name: &str, ledger: &Ledger) -> bool {
    let is_key = || {
        let file = name.rsplit('/').next().unwrap_or_default();
        let id = key_file::id_of(file)?;
        let entry = ledger.by_id(&id)?;
        Some(entry.state.has_key() && key_name(entry) == name)
    };
    matches!(name, MANIFEST_FILE | IDENTITY_FILE)
        || bounds_of(name).is_some()
        || is_key().unwrap_or(false)
}

fn key_name(entry: &KeyEntry) -> String {
    format!(
        "{KEYS_FOLDER}/{}/{}",
        entry.ring,
        key_file::file_name(&entry.id)
    )
}

struct Reader<'a> {
    place: &'a dyn Documents,
    manifest: &'a BackupManifest,
    identity: &'a StoreIdentity,
    faults: Vec<DocumentFault>,
}

impl Reader<'_> {
    fn fault(&mut self, name: &str, reason: String) {
        self.faults.push(DocumentFault {
            name: name.to_owned(),
            reason,
        });
    }

    /// A document, if it is as the description says.
    fn document(&mut self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let Some(record) = self.manifest.document(name) else {
            self.fault(name, "is not in the backup".to_owned());
            return Ok(None);
        };
        let found = self.place.read(name)?;
        let found = found.as_ref().map(|found| found.bytes.as_slice());
        match record.fault(found) {
            Some(fault) => {
                self.faults.push(fault);
                Ok(None)
            }
            None => Ok(found.map(<[u8]>::to_vec)),
        }
    }

    /// The lines of the journal, if all of its segments are whole.
    fn journal(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let mut names: Vec<((u64, u64), &str)> = self
            .manifest
            .documents
            .iter()
            .filter_map(|record| Some((bounds_of(&record.name)?, record.name.as_str())))
            .collect();
        names.sort_unstable();
        let bounds: Vec<(u64, u64)> = names.iter().map(|(bounds, _)| *bounds).collect();
        if !segments::are_whole(&bounds, &self.manifest.journal) {
            self.fault("journal", "has gaps".to_owned());
            return Ok(None);
        }
        let mut lines = Some(Vec::new());
        for (_, name) in names {
            let plain = match self.document(name)? {
                None => None,
                Some(bytes) => match self.identity.decrypt(&bytes) {
                    Ok(plain) => Some(plain),
                    Err(error) => {
                        let reason = crate::identity::reason(&error);
                        self.fault(name, format!("does not open: {reason}"));
                        None
                    }
                },
            };
            lines = lines.zip(plain).map(|(mut lines, plain)| {
                lines.extend_from_slice(&plain);
                lines
            });
        }
        Ok(lines)
    }

    fn key(&mut self, entry: &KeyEntry) -> Result<Option<BackedUpKey>, Error> {
        let name = key_name(entry);
        let Some(bytes) = self.document(&name)? else {
            return Ok(None);
        };
        match key_file::decode(self.identity, &bytes) {
            Ok((facts, key)) if is_of(&facts, entry) => Ok(Some(BackedUpKey {
                entry: entry.clone(),
                facts,
                key,
                bytes,
            })),
            Ok(_) => {
                self.fault(&name, "is not the key that the journal records".to_owned());
                Ok(None)
            }
            Err(reason) => {
                self.fault(&name, format!("does not open: {reason}"));
                Ok(None)
            }
        }
    }
}

/// Whether a key file is the one that the journal records.
pub(super) fn is_of(facts: &KeyFacts, entry: &KeyEntry) -> bool {
    let id: &KeyId = &facts.id;
    (id, &facts.ring, facts.version, facts.md5)
        == (&entry.id, &entry.ring, entry.version, entry.md5)
}
