//! `backup.json`: what a backup holds.
//!
//! Anyone can read it, and only the store's identity can have sealed it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{BackupError, DocumentFault};
use crate::identity::StoreIdentity;
use crate::journal::Head;
use crate::seal::Seal;
use crate::{Error, StoreId};

pub(crate) const MANIFEST_DOCUMENT: &str = "backup.json";
const FORMAT: u32 = 1;

/// What it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BackupManifest {
    pub(crate) format: u32,
    pub(crate) store: StoreId,
    pub(crate) recipient: String,
    pub(crate) made: Timestamp,
    /// The last line of the journal that is in the backup.
    pub(crate) journal: Head,
    /// Every document but this one, by name.
    pub(crate) documents: Vec<DocumentRecord>,
}

/// A document of the backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DocumentRecord {
    pub(crate) name: String,
    pub(crate) size: u64,
    pub(crate) sha256: String,
}

/// The SHA-256 of bytes, in hex.
pub(crate) fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

impl DocumentRecord {
    pub(crate) fn of(name: &str, bytes: &[u8]) -> Self {
        Self {
            name: name.to_owned(),
            size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            sha256: digest(bytes),
        }
    }

    /// What is wrong with a document that was read, or not found.
    pub(crate) fn fault(&self, found: Option<&[u8]>) -> Option<DocumentFault> {
        let reason = match found {
            None => "is missing".to_owned(),
            Some(bytes) if u64::try_from(bytes.len()).ok() != Some(self.size) => {
                format!("has {} bytes instead of {}", bytes.len(), self.size)
            }
            Some(bytes) if digest(bytes) != self.sha256 => "was changed".to_owned(),
            Some(_) => return None,
        };
        Some(DocumentFault {
            name: self.name.clone(),
            reason,
        })
    }
}

impl BackupManifest {
    pub(crate) fn new(
        store: StoreId,
        recipient: String,
        journal: Head,
        documents: Vec<DocumentRecord>,
    ) -> Self {
        let now = Timestamp::now();
        Self {
            format: FORMAT,
            store,
            recipient,
            made: now.round(jiff::Unit::Second).unwrap_or(now),
            journal,
            documents,
        }
    }

    pub(crate) fn document(&self, name: &str) -> Option<&DocumentRecord> {
        self.documents.iter().find(|record| record.name == name)
    }

    /// The sealed form.
    pub(crate) fn seal(&self, identity: &StoreIdentity) -> Option<Vec<u8>> {
        let mut bytes = serde_json::to_vec(self).ok()?;
        identity.backup_seal.seal(Seal::NONE, &mut bytes)?;
        bytes.push(b'\n');
        Some(bytes)
    }

    /// Reads it without proof: which store, and how it may be opened.
    pub(crate) fn read(bytes: &[u8], place: &str) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct FormatOnly {
            format: u32,
        }
        match serde_json::from_slice::<FormatOnly>(bytes) {
            Ok(FormatOnly { format }) if format > FORMAT => Err(BackupError::NewerFormat {
                place: place.to_owned(),
                found: format,
                known: FORMAT,
            }
            .into()),
            Ok(_) => serde_json::from_slice(bytes)
                .map_err(|_| damaged(place, "does not have the form of a backup's description")),
            Err(_) => Err(damaged(place, "is not JSON")),
        }
    }

    /// Whether the identity sealed these bytes.
    pub(crate) fn prove(bytes: &[u8], identity: &StoreIdentity, place: &str) -> Result<(), Error> {
        // Without its newline it was cut.
        let object = bytes.strip_suffix(b"\n").unwrap_or_default();
        match identity.backup_seal.verify(Seal::NONE, object) {
            Some(_) => Ok(()),
            None => Err(damaged(place, "was changed: its seal does not hold")),
        }
    }
}

fn damaged(place: &str, reason: &str) -> Error {
    BackupError::Damaged {
        place: place.to_owned(),
        faults: vec![DocumentFault {
            name: MANIFEST_DOCUMENT.to_owned(),
            reason: reason.to_owned(),
        }],
    }
    .into()
}
