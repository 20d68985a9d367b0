//! What opens a backup.

use std::iter;

use age::{DecryptError, Decryptor, scrypt};
use zeroize::Zeroizing;

use crate::backup::{BackupError, BackupManifest, DocumentFault};
use crate::identity::{IDENTITY_FILE, StoreIdentity, decrypt_with, decrypt_with_any, reason};
use crate::opener::UNLOCK_FOLDER;
use crate::shares::Recombined;
use crate::{Documents, Error, Passphrase, StoreId, WorkFactor};

/// The identities of an age identity file.
pub struct AgeIdentities {
    identities: Vec<Box<dyn age::Identity + Send + Sync>>,
    /// The text, which may be that of the store's own identity, as on a recovery sheet.
    text: Zeroizing<Vec<u8>>,
}

impl AgeIdentities {
    /// Reads them from the text of such a file; `source` says where it is from.
    ///
    /// # Errors
    /// [`BackupError::InvalidIdentity`].
    pub fn parse(text: &[u8], source: &str) -> Result<Self, Error> {
        let invalid = |reason: String| BackupError::InvalidIdentity {
            source_name: source.to_owned(),
            reason,
        };
        // age's message may quote the line, so it is not repeated.
        let identities = age::IdentityFile::from_buffer(text)
            .map_err(|_| invalid("a line is no identity".to_owned()))?
            .into_identities()
            .map_err(|_| invalid("an identity is of a kind that cannot be used".to_owned()))?;
        if identities.is_empty() {
            return Err(invalid("it is empty".to_owned()).into());
        }
        Ok(Self {
            identities,
            text: Zeroizing::new(text.to_vec()),
        })
    }

    /// The identity of this store, if that is what was given.
    pub(crate) fn own(&self, store: &StoreId, recipient: &str) -> Option<StoreIdentity> {
        let identity = StoreIdentity::from_text(&self.text, store).ok()?;
        (identity.recipient() == recipient).then_some(identity)
    }
}

impl std::fmt::Debug for AgeIdentities {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "AgeIdentities({})", self.identities.len())
    }
}

/// What is given to open a backup.
#[derive(Debug)]
#[non_exhaustive]
pub enum BackupKey {
    /// The passphrase of its identity.
    Passphrase(Passphrase),
    /// The age identity that it was made for.
    Identities(AgeIdentities),
    /// The store's identity itself, from shares.
    Recombined(Recombined),
}

impl BackupKey {
    fn kind(&self) -> &'static str {
        match self {
            Self::Passphrase(_) => "a passphrase",
            Self::Identities(_) => "an age identity",
            Self::Recombined(_) => "the identity from the shares",
        }
    }
}

/// What a backup asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BackupLock {
    /// A passphrase.
    Passphrase,
    /// An age identity.
    Identity,
    /// Neither is there: only shares of the identity, or a recovery sheet, open it.
    Missing,
}

impl super::LockedBackup<'_> {
    /// What it asks for: a passphrase if there is one, otherwise an age identity.
    ///
    /// # Errors
    /// [`DocumentsError`](crate::DocumentsError) if the place fails.
    pub fn lock(&self) -> Result<BackupLock, Error> {
        Ok(match self.place.read(IDENTITY_FILE)? {
            Some(found) if is_behind_passphrase(&found.bytes) => BackupLock::Passphrase,
            Some(_) => BackupLock::Identity,
            None if self.place.names(UNLOCK_FOLDER)?.is_empty() => BackupLock::Missing,
            None => BackupLock::Identity,
        })
    }
}

pub(super) fn is_behind_passphrase(file: &[u8]) -> bool {
    Decryptor::new(file).is_ok_and(|decryptor| decryptor.is_scrypt())
}

/// Opens the identity of a backup.
pub(super) fn open(
    place: &dyn Documents,
    manifest: &BackupManifest,
    key: &BackupKey,
) -> Result<StoreIdentity, Error> {
    let identity = match key {
        BackupKey::Recombined(recombined) => recombined.identity_of(&manifest.store)?,
        BackupKey::Passphrase(_) => open_document(place, manifest, key, IDENTITY_FILE)?,
        BackupKey::Identities(identities) => {
            match identities.own(&manifest.store, &manifest.recipient) {
                Some(own) => own,
                None => open_any(place, manifest, key)?,
            }
        }
    };
    if identity.recipient() == manifest.recipient {
        return Ok(identity);
    }
    Err(damaged(
        place,
        IDENTITY_FILE,
        "is not the identity of this store",
    ))
}

/// Tries `identity.age`, then the other openers.
fn open_any(
    place: &dyn Documents,
    manifest: &BackupManifest,
    key: &BackupKey,
) -> Result<StoreIdentity, Error> {
    let first = open_document(place, manifest, key, IDENTITY_FILE);
    if first.is_ok() {
        return first;
    }
    for name in place.names(UNLOCK_FOLDER)? {
        if let Ok(identity) = open_document(place, manifest, key, &name) {
            return Ok(identity);
        }
    }
    first
}

fn open_document(
    place: &dyn Documents,
    manifest: &BackupManifest,
    key: &BackupKey,
    name: &str,
) -> Result<StoreIdentity, Error> {
    let Some(file) = place.read(name)? else {
        return Err(match manifest.document(name) {
            Some(_) => damaged(place, name, "is missing"),
            None => wrong_opener(place, "what stands in `unlock/`", key),
        });
    };
    let text = match (key, is_behind_passphrase(&file.bytes)) {
        (BackupKey::Passphrase(passphrase), true) => {
            let mut identity = scrypt::Identity::new(passphrase.secret());
            identity.set_max_work_factor(WorkFactor::MAX.log2());
            decrypt_with(&identity, &file.bytes)
        }
        (BackupKey::Identities(identities), false) => {
            let identities = identities
                .identities
                .iter()
                .map(|each| &**each as &dyn age::Identity);
            decrypt_with_any(identities, &file.bytes)
        }
        // One changed byte can make it look like a file for another opener.
        _ if !is_as_recorded(manifest, name, &file.bytes) => {
            return Err(damaged(place, name, "was changed"));
        }
        (_, true) => return Err(wrong_opener(place, "a passphrase", key)),
        // Not an age file at all is damage, not a question of what opens it.
        (_, false) if Decryptor::new_buffered(&file.bytes[..]).is_err() => {
            return Err(damaged(place, name, "is not an age file"));
        }
        (_, false) => return Err(wrong_opener(place, "an age identity", key)),
    };
    let text: Zeroizing<Vec<u8>> = text.map_err(|error| match error {
        // A stanza that was changed looks like one for somebody else; the digest tells which.
        DecryptError::DecryptionFailed
        | DecryptError::KeyDecryptionFailed
        | DecryptError::NoMatchingKeys
            if is_as_recorded(manifest, name, &file.bytes) =>
        {
            BackupError::NotOpened {
                place: place.place(),
                given: match key {
                    BackupKey::Passphrase(_) => "the passphrase",
                    _ => "the age identity",
                },
            }
            .into()
        }
        error => damaged(place, name, &format!("does not open: {}", reason(&error))),
    })?;
    StoreIdentity::from_text(&text, &manifest.store).map_err(|reason| {
        damaged(
            place,
            name,
            &format!("does not hold the identity: {reason}"),
        )
    })
}

fn is_as_recorded(manifest: &BackupManifest, name: &str, bytes: &[u8]) -> bool {
    let record = manifest.document(name);
    record.is_none_or(|record| record.fault(Some(bytes)).is_none())
}

fn wrong_opener(place: &dyn Documents, needs: &'static str, key: &BackupKey) -> Error {
    BackupError::WrongOpener {
        place: place.place(),
        needs,
        given: key.kind(),
    }
    .into()
}

fn damaged(place: &dyn Documents, name: &str, reason: &str) -> Error {
    BackupError::Damaged {
        place: place.place(),
        faults: iter::once(DocumentFault {
            name: name.to_owned(),
            reason: reason.to_owned(),
        })
        .collect(),
    }
    .into()
}
