//! Writing to the place.

use super::Remote;
use super::segments::{FULL, LONGEST_LINE, Segment, name};
use crate::documents::Expected;
use crate::entry::KeyFacts;
use crate::folder::Folder;
use crate::journal::{Event, JOURNAL_FILE};
use crate::key_file::{self, KEYS_FOLDER};
use crate::{DocumentsError, Error, RingName};

use keyferry_key::KeyId;

/// The document that holds a key.
pub(super) fn key_document(ring: &RingName, id: &KeyId) -> String {
    format!("{KEYS_FOLDER}/{ring}/{}", key_file::file_name(id))
}

impl Remote {
    /// Makes an event happen: what it speaks of first, then its line of the journal.
    ///
    /// [`Error::Overtaken`] says that it did not happen, and never will, because another came first.
    /// After any other error it may have happened.
    pub(crate) fn push(&self, folder: &Folder, event: &Event, line: &[u8]) -> Result<(), Error> {
        if line.len() > LONGEST_LINE {
            return Err(Error::Unwritable {
                path: folder.path_of(JOURNAL_FILE),
                reason: format!(
                    "an entry of {} bytes is longer than the {LONGEST_LINE} that {} can hold",
                    line.len(),
                    self.place()
                ),
            });
        }
        self.push_files(folder, event)?;
        self.append(line)
    }

    fn push_files(&self, folder: &Folder, event: &Event) -> Result<(), Error> {
        match event {
            Event::KeyAdded { facts, .. } | Event::KeyAdopted { facts } => {
                let KeyFacts { ring, id, .. } = facts;
                let bytes =
                    key_file::read_sealed(&folder.child(KEYS_FOLDER)?.child(ring.as_str())?, id)?;
                self.create(&key_document(ring, id), &bytes)
            }
            Event::OpenerAdded { name, sha256, .. } => {
                self.push_opener(folder, name, sha256.as_deref())
            }
            _ => Ok(()),
        }
    }

    /// Takes back the document of a key that was given to nobody: its entry was overtaken.
    pub(crate) fn withdraw(&self, facts: &KeyFacts) {
        // A document without an entry hinders nobody.
        let _stays_otherwise = self.documents.remove(&key_document(&facts.ring, &facts.id));
    }

    /// Appends a line to the last segment, if that is still as it was seen.
    fn append(&self, line: &[u8]) -> Result<(), Error> {
        let mut last = self.last();
        // Without a segment to compare with nothing can be written; the next attempt brings one.
        let Some(seen) = last.take() else {
            return Err(self.overtaken());
        };
        let mut next = if seen.bytes.len() < FULL {
            seen
        } else {
            Segment {
                number: seen.number + 1,
                bytes: Vec::new(),
                revision: None,
            }
        };
        let expected = match next.revision.take() {
            Some(revision) => Expected::At(revision),
            None => Expected::Absent,
        };
        let before = next.bytes.len();
        next.bytes.extend_from_slice(line);
        let document = name(next.number);
        let error = match self.documents.write(&document, &next.bytes, expected) {
            Ok(revision) => {
                next.revision = Some(revision);
                *last = Some(next);
                return Ok(());
            }
            Err(error) => error,
        };
        // The answer may be all that was lost: what the place has now decides.
        let Ok(found) = self.documents.read(&document) else {
            return Err(error.into());
        };
        let bytes: &[u8] = found.as_ref().map_or(b"", |found| &found.bytes);
        if bytes.starts_with(&next.bytes) {
            // Others may have gone on from it already; what they wrote comes with the next pull.
            if let Some(found) = found
                && *found.bytes == next.bytes
            {
                next.revision = Some(found.revision);
                *last = Some(next);
            }
            Ok(())
        } else if next.bytes.get(..before) == Some(bytes)
            && !matches!(error, DocumentsError::Conflict { .. })
        {
            Err(error.into())
        } else {
            Err(self.overtaken())
        }
    }

    fn overtaken(&self) -> Error {
        Error::Overtaken {
            place: self.place(),
        }
    }
}
