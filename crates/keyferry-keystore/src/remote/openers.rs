//! The files that open the store, here and in the place.
//!
//! Unlike keys they can be replaced and removed. The journal records the sum of each, so what should be
//! where is always known: a file goes to the place before its entry counts, and leaves it after.

use super::Remote;
use super::pull::WorkingCopy;
use crate::documents::{Document, Expected};
use crate::folder::Folder;
use crate::journal::{Event, Record};
use crate::key_file::UNFINISHED;
use crate::opener::{At, Roster, UNLOCK_FOLDER, opener_of, read_file, sha256};
use crate::{DocumentsError, Error, OpenerName};

/// The document that holds an opener's file.
fn document(name: &OpenerName) -> String {
    match At::of(name) {
        At::Root => name.file(),
        At::Unlock => format!("{UNLOCK_FOLDER}/{}", name.file()),
    }
}

/// The file with this sum, in its place or on its way there.
fn local_file(folder: &Folder, name: &OpenerName, sum: &str) -> Result<Option<Vec<u8>>, Error> {
    for file in [name.file(), format!("{UNFINISHED}{}", name.file())] {
        let bytes = read_file(folder, At::of(name), &file)?;
        if let Some(bytes) = bytes.filter(|bytes| sha256(bytes) == sum) {
            return Ok(Some(bytes.to_vec()));
        }
    }
    Ok(None)
}

/// Puts a file where an opener's belongs, in one step.
fn put_local(folder: &Folder, name: &OpenerName, bytes: &[u8]) -> Result<(), Error> {
    let unlock;
    let folder = match At::of(name) {
        At::Root => folder,
        At::Unlock => {
            unlock = folder.child_or_new(UNLOCK_FOLDER)?;
            &unlock
        }
    };
    let unfinished = format!("{UNFINISHED}{}", name.file());
    let _left_by_an_interrupted_attempt = folder.remove_file(&unfinished);
    folder.write_new(&unfinished, bytes)?;
    folder.rename_over(&unfinished, &name.file())?;
    folder.sync()
}

impl Remote {
    /// Brings the file of an opener that is about to be recorded to the place.
    pub(super) fn push_opener(
        &self,
        folder: &Folder,
        name: &str,
        sum: Option<&str>,
    ) -> Result<(), Error> {
        let (Ok(name), Some(sum)) = (name.parse::<OpenerName>(), sum) else {
            return Ok(());
        };
        match local_file(folder, &name, sum)? {
            Some(bytes) => self.put(&document(&name), &bytes),
            None => Ok(()),
        }
    }

    /// Writes a document whatever it holds, and reads it back.
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let expected = match self.documents.read(name)? {
            Some(found) if *found.bytes == bytes => return Ok(()),
            Some(Document { revision, .. }) => Expected::At(revision),
            None => Expected::Absent,
        };
        let written = self.documents.write(name, bytes, expected).map(drop);
        match self.read(name)? {
            Some(found) if *found == bytes => Ok(()),
            _ => Err(written
                .err()
                .unwrap_or_else(|| self.not_as_written(name))
                .into()),
        }
    }

    /// Removes the file of an opener that was removed just now.
    pub(super) fn remove_opener(&self, name: &str) {
        if let Ok(name) = name.parse::<OpenerName>() {
            let _tried_again_by_the_next_process = self.documents.remove(&document(&name));
        }
    }

    /// Brings the files of openers that the journal records and the folder lacks, and removes those that
    /// it records as removed.
    pub(super) fn pull_openers(
        &self,
        copy: &WorkingCopy<'_>,
        records: &[Record],
    ) -> Result<(), Error> {
        let roster = Roster::from_records(records);
        for known in roster.recorded() {
            let Some(sum) = &known.sha256 else { continue };
            if local_file(copy.folder, &known.name, sum)?.is_some() {
                continue;
            }
            // One that is not there, or not the one recorded, is noticed when the folder is looked
            // through.
            let found = self.read(&document(&known.name))?;
            if let Some(bytes) = found.filter(|bytes| sha256(bytes) == *sum) {
                put_local(copy.folder, &known.name, &bytes)?;
            }
        }
        for name in removed(records, &roster) {
            At::of(&name).within(copy.folder, |folder| {
                match folder.remove_file(&name.file()) {
                    Err(error) if !error.is_not_found() => Err(error),
                    _ => folder.sync(),
                }
            })?;
        }
        Ok(())
    }

    /// Puts right what the place has of openers, as far as it lets it: brings what is missing there, and
    /// removes what should be gone.
    pub(super) fn collect_openers(&self, copy: &Folder, records: &[Record]) {
        let roster = Roster::from_records(records);
        for known in roster.recorded() {
            let sum = known.sha256.as_deref();
            let _noticed_by_who_needs_it = self.push_opener(copy, known.name.as_str(), sum);
        }
        for name in removed(records, &roster) {
            if let Ok(Some(_)) = self.documents.read(&document(&name)) {
                self.remove_opener(name.as_str());
            }
        }
    }

    /// Brings the files in `unlock` as the place has them, unproven: one of them may be needed to open
    /// the store.
    pub(super) fn pull_unlock_files(&self, folder: &Folder) -> Result<usize, Error> {
        let prefix = format!("{UNLOCK_FOLDER}/");
        let mut brought = 0;
        for document in self.documents.names(&prefix)? {
            let file = document.strip_prefix(&prefix).unwrap_or_default();
            let (Some(name), Some(bytes)) = (opener_of(file), self.read(&document)?) else {
                continue;
            };
            let held = read_file(folder, At::Unlock, file)?;
            if held.is_none_or(|held| *held != *bytes) {
                put_local(folder, &name, &bytes)?;
            }
            brought += 1;
        }
        Ok(brought)
    }

    pub(super) fn not_as_written(&self, name: &str) -> DocumentsError {
        DocumentsError::Failed {
            action: "read back",
            place: self.place(),
            name: name.to_owned(),
            reason: "it is not what was written".to_owned(),
            hint: None,
        }
    }
}

/// The openers whose last entry says that they were removed.
fn removed(records: &[Record], roster: &Roster) -> Vec<OpenerName> {
    let mut removed: Vec<OpenerName> = records
        .iter()
        .filter_map(|record| match &record.event {
            Event::OpenerRemoved { name } => name.parse().ok(),
            _ => None,
        })
        .filter(|name: &OpenerName| {
            let mut files = roster.recorded().iter().map(|known| known.name.file());
            !files.any(|file| file == name.file())
        })
        .collect();
    removed.dedup();
    removed
}
