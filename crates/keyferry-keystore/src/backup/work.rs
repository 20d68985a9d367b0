//! A backup in the making: what is there already, what is sent, and what makes it count.

use super::manifest::DocumentRecord;
use super::segments::{self, Segment};
use super::write::{BackupOptions, BackupReport, UnsoundKey};
use super::{BackupError, BackupManifest, MANIFEST_DOCUMENT, digest, readme};
use crate::identity::IDENTITY_FILE;
use crate::journal::Journal;
use crate::key_file::{self, KEYS_FOLDER};
use crate::ledger::Ledger;
use crate::manifest::MANIFEST_FILE;
use crate::opener::{OpenerFile, UNLOCK_FOLDER};
use crate::{Documents, DocumentsError, Error, Expected, OpenerName, Revision, Store};

/// The folder of the openers beside `identity.age`.
const SMALL: u64 = 1 << 20;

/// The store at one moment.
pub(super) struct Snapshot {
    /// The verified lines.
    lines: Vec<u8>,
    journal: Journal,
    ledger: Ledger,
}

impl Snapshot {
    pub(super) fn take(store: &Store) -> Result<Self, Error> {
        let (lines, journal) = store.read_journal()?;
        Ok(Self {
            lines,
            journal,
            ledger: store.ledger.clone(),
        })
    }
}

/// A backup in the making.
pub(super) struct Work<'a> {
    store: &'a Store,
    to: &'a dyn Documents,
    snapshot: &'a Snapshot,
    previous: Option<(BackupManifest, Revision)>,
    names: Vec<String>,
    records: Vec<DocumentRecord>,
    sent: u32,
    kept: u32,
    keys: u32,
    unsound: Vec<UnsoundKey>,
}

impl<'a> Work<'a> {
    /// Looks at what is in the place, and refuses what must not be replaced.
    pub(super) fn begin(
        store: &'a Store,
        to: &'a dyn Documents,
        snapshot: &'a Snapshot,
    ) -> Result<Self, Error> {
        let place = to.place();
        let names = to.names("")?;
        let previous = match to.read(MANIFEST_DOCUMENT)? {
            Some(found) => {
                let manifest = BackupManifest::read(&found.bytes, &place)?;
                if manifest.store != *store.id() {
                    return Err(BackupError::OtherStore {
                        place,
                        found: manifest.store,
                        store: store.id().clone(),
                    }
                    .into());
                }
                BackupManifest::prove(&found.bytes, &store.identity, &place)?;
                check_history(&manifest, &snapshot.journal, place)?;
                Some((manifest, found.revision))
            }
            None => {
                // Remains of an interrupted backup begin with the store's description.
                if let Some(name) = names.first()
                    && to.read(MANIFEST_FILE)?.is_none()
                {
                    let name = name.clone();
                    return Err(BackupError::PlaceTaken { place, name }.into());
                }
                None
            }
        };
        Ok(Self {
            store,
            to,
            snapshot,
            previous,
            names,
            records: Vec::new(),
            sent: 0,
            kept: 0,
            keys: 0,
            unsound: Vec::new(),
        })
    }

    fn previous(&self, name: &str) -> Option<&DocumentRecord> {
        self.previous.as_ref()?.0.document(name)
    }

    /// Writes every document that is not there yet.
    pub(super) fn documents(&mut self, options: &BackupOptions) -> Result<(), Error> {
        // Settled first, so that nothing is written when it cannot be.
        let identity = self.identity(options)?;
        let store = self.store;
        self.fixed(MANIFEST_FILE, &store.folder.read(MANIFEST_FILE, SMALL)?)?;
        self.keys()?;
        for segment in segments::cut(&self.snapshot.lines) {
            self.segment(&segment)?;
        }
        self.openers()?;
        let readme = readme::text(store.id(), &store.recipient());
        self.replaceable("README.txt", readme.as_bytes())?;
        match identity {
            Some(bytes) => self.replaceable(IDENTITY_FILE, &bytes),
            None if self.previous(IDENTITY_FILE).is_some() => self.keep(IDENTITY_FILE),
            None => Ok(()),
        }
    }

    /// The identity as the backup is to hold it; none if it holds it already.
    fn identity(&self, options: &BackupOptions) -> Result<Option<Vec<u8>>, Error> {
        if let Some(protection) = &options.protection {
            let bytes = protection.apply(&self.store.identity, self.store.id(), options.work);
            return bytes.map(Some).map_err(|error| Error::Unwritable {
                path: self.store.folder.path_of(IDENTITY_FILE),
                reason: error.to_string(),
            });
        }
        match OpenerFile::read(&self.store.folder, &OpenerName::passphrase())? {
            Some(file) if file.is_protected() => Ok(Some(file.bytes.to_vec())),
            _ if self.previous(IDENTITY_FILE).is_some() => Ok(None),
            // Without a passphrase the other openers have to do.
            None => Ok(None),
            Some(_) => Err(BackupError::ProtectionNeeded.into()),
        }
    }

    fn keys(&mut self) -> Result<(), Error> {
        for entry in self.snapshot.ledger.entries() {
            let name = format!(
                "{KEYS_FOLDER}/{}/{}",
                entry.ring,
                key_file::file_name(&entry.id)
            );
            let sound = match entry.state.has_key() {
                false => None,
                true => match self.store.key_bytes(&entry.id) {
                    Ok(bytes) => Some(bytes),
                    Err(error @ (Error::KeyFileMissing { .. } | Error::KeyFileDamaged { .. })) => {
                        self.unsound.push(UnsoundKey {
                            id: entry.id.clone(),
                            reason: error.to_string(),
                        });
                        None
                    }
                    Err(error) => return Err(error),
                },
            };
            match sound {
                Some(bytes) => {
                    self.fixed(&name, &bytes)?;
                    self.keys += 1;
                }
                // What an earlier backup holds of it stays.
                None if self.previous(&name).is_some() => self.keep(&name)?,
                None => {}
            }
        }
        Ok(())
    }

    fn openers(&mut self) -> Result<(), Error> {
        let folder = match self.store.folder.child(UNLOCK_FOLDER) {
            Err(error) if error.is_not_found() => return Ok(()),
            folder => folder?,
        };
        for name in folder.names()? {
            if name.ends_with(".age") && !name.starts_with('.') {
                let bytes = folder.read(&name, SMALL)?;
                self.replaceable(&format!("{UNLOCK_FOLDER}/{name}"), &bytes)?;
            }
        }
        Ok(())
    }

    /// A segment of the journal: encrypted anew only if it is not there.
    fn segment(&mut self, segment: &Segment<'_>) -> Result<(), Error> {
        let name = segment.name();
        if self.previous(&name).is_some() && self.names.contains(&name) {
            return self.keep(&name);
        }
        let encrypted = self.store.identity.encrypt(segment.lines);
        let bytes = encrypted.map_err(|error| Error::Unwritable {
            path: self.store.folder.path_of(&name),
            reason: error.to_string(),
        })?;
        let identity = &self.store.identity;
        self.write(&name, &bytes, |found| {
            // Encrypted again it differs, and yet is the same.
            let plain = identity.decrypt(found);
            plain.is_ok_and(|plain| *plain == segment.lines)
        })
    }

    /// A document that the manifest names already and that stays as it is.
    fn keep(&mut self, name: &str) -> Result<(), Error> {
        if let Some(record) = self.previous(name).cloned() {
            self.records.push(record);
            self.kept += 1;
        }
        Ok(())
    }

    /// A document that never changes.
    fn fixed(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let same = self.previous(name) == Some(&DocumentRecord::of(name, bytes));
        if same && self.names.iter().any(|each| each == name) {
            return self.keep(name);
        }
        self.write(name, bytes, |_| false)
    }

    fn write(
        &mut self,
        name: &str,
        bytes: &[u8],
        is_same: impl FnOnce(&[u8]) -> bool,
    ) -> Result<(), Error> {
        match self.to.write(name, bytes, Expected::Absent) {
            Ok(_) => {
                self.sent += 1;
                self.records.push(DocumentRecord::of(name, bytes));
                Ok(())
            }
            Err(DocumentsError::Conflict { .. }) => match self.to.read(name)? {
                Some(found) if *found.bytes == bytes || is_same(&found.bytes) => {
                    self.kept += 1;
                    self.records.push(DocumentRecord::of(name, &found.bytes));
                    Ok(())
                }
                _ => Err(self.different(name)),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// A document that may have changed in the store: what the last manifest names may be replaced,
    /// and so may what no manifest ever named, which an interrupted backup left.
    fn replaceable(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let Some(found) = self.to.read(name)? else {
            return self.write(name, bytes, |_| false);
        };
        if *found.bytes == bytes {
            self.kept += 1;
            self.records.push(DocumentRecord::of(name, bytes));
            return Ok(());
        }
        let ours = match (&self.previous, self.previous(name)) {
            (_, Some(record)) => record.sha256 == digest(&found.bytes),
            (None, None) => true,
            (Some(_), None) => false,
        };
        if !ours {
            return Err(self.different(name));
        }
        self.to.write(name, bytes, Expected::At(found.revision))?;
        self.sent += 1;
        self.records.push(DocumentRecord::of(name, bytes));
        Ok(())
    }

    fn different(&self, name: &str) -> Error {
        BackupError::Different {
            place: self.to.place(),
            name: name.to_owned(),
        }
        .into()
    }

    /// Reads everything back, and only then writes the manifest that makes it count.
    pub(super) fn finish(mut self) -> Result<BackupReport, Error> {
        let place = self.to.place();
        self.records.sort_by(|one, other| one.name.cmp(&other.name));
        let mut faults = Vec::new();
        for record in &self.records {
            let found = self.to.read(&record.name)?;
            faults.extend(record.fault(found.as_ref().map(|found| found.bytes.as_slice())));
        }
        if !faults.is_empty() {
            return Err(BackupError::Damaged { place, faults }.into());
        }
        let manifest = BackupManifest::new(
            self.store.id().clone(),
            self.store.recipient(),
            self.snapshot.journal.tip.into(),
            self.records,
        );
        let unwritable = || Error::Unwritable {
            path: MANIFEST_DOCUMENT.into(),
            reason: "it cannot be sealed".to_owned(),
        };
        let bytes = manifest.seal(&self.store.identity).ok_or_else(unwritable)?;
        let expected = match &self.previous {
            Some((_, revision)) => Expected::At(revision.clone()),
            None => Expected::Absent,
        };
        let written = self.to.write(MANIFEST_DOCUMENT, &bytes, expected);
        let found = self.to.read(MANIFEST_DOCUMENT)?;
        let reads_back = found.is_some_and(|found| *found.bytes == bytes);
        match written {
            // A bucket that wrote it and could not say so finds a repeated request in conflict.
            Err(DocumentsError::Conflict { .. }) if reads_back => {}
            written => {
                written?;
            }
        }
        if !reads_back {
            return Err(Error::ReadBack {
                path: format!("{place}/{MANIFEST_DOCUMENT}").into(),
            });
        }
        let mut left_over = Vec::new();
        for name in &self.names {
            let replaced = segments::bounds_of(name).is_some()
                || name.starts_with(&format!("{UNLOCK_FOLDER}/"));
            if replaced && manifest.document(name).is_none() && self.to.remove(name).is_err() {
                left_over.push(name.clone());
            }
        }
        Ok(BackupReport {
            place,
            keys: self.keys,
            line: self.snapshot.journal.tip.seq,
            sent: self.sent,
            kept: self.kept,
            unsound: self.unsound,
            left_over,
        })
    }
}

/// Whether the store's journal goes on from where the backup's ends.
fn check_history(manifest: &BackupManifest, journal: &Journal, place: String) -> Result<(), Error> {
    let line = manifest.journal.seq;
    if line > journal.tip.seq {
        return Err(BackupError::Newer {
            place,
            backup: line,
            store: journal.tip.seq,
        }
        .into());
    }
    match journal.seal_of(line) {
        Some(seal) if seal.to_text() == manifest.journal.entry => Ok(()),
        _ => Err(BackupError::Apart { place, line }.into()),
    }
}
