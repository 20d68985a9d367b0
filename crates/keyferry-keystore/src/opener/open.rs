//! From what is given to the store's identity, through any opener that it fits.

use std::io::Read;
use std::iter;

use age::{DecryptError, Decryptor, scrypt};
use zeroize::Zeroizing;

use super::wrap::{WrapIdentity, service_error};
use super::{OpenerFile, OpenerKind, OpenerName, WrapError};
use crate::folder::Folder;
use crate::identity::{IDENTITY_FILE, reason};
use crate::{Error, StoreId, Unlock, WorkFactor};

/// The opener by which the store was opened, and its file at that time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Opened {
    pub(crate) name: OpenerName,
    pub(crate) sha256: String,
}

impl Opened {
    /// That what the opener's file holds makes no sense.
    pub(crate) fn damaged(&self, store: &Folder, reason: String) -> Error {
        damaged(&self.name, store, reason)
    }
}

fn damaged(name: &OpenerName, store: &Folder, reason: String) -> Error {
    let path = name.path(store);
    if name.is_in_identity_file() {
        Error::IdentityDamaged { path, reason }
    } else {
        let name = name.clone();
        Error::OpenerDamaged { name, path, reason }
    }
}

/// The identity's text, by the first opener that what is given fits; by this one alone, if named.
pub(crate) fn open(
    store: &Folder,
    id: &StoreId,
    unlock: &Unlock,
    only: Option<&OpenerName>,
) -> Result<(Zeroizing<Vec<u8>>, Opened), Error> {
    let files = match only {
        Some(name) => match OpenerFile::read(store, name)? {
            Some(file) => vec![file],
            None => return Err(Error::UnknownOpener { name: name.clone() }),
        },
        None => OpenerFile::read_all(store)?,
    };
    if files.is_empty() {
        return Err(Error::IdentityDamaged {
            path: store.path_of(IDENTITY_FILE),
            reason: "it is missing".to_owned(),
        });
    }
    let mut failure = None;
    for file in &files {
        match open_file(store, id, unlock, file) {
            Some(Ok(text)) => {
                let opened = Opened {
                    name: file.name.clone(),
                    sha256: file.sha256(),
                };
                return Ok((text, opened));
            }
            // What fits is the better story than a file that is damaged beyond recognition.
            Some(Err(error)) => failure = failure.or(Some(error)),
            None => {}
        }
    }
    Err(failure.unwrap_or_else(|| nothing_fits(store, unlock, &files)))
}

fn nothing_fits(store: &Folder, unlock: &Unlock, files: &[OpenerFile]) -> Error {
    let path = store.path().to_owned();
    let has = |kind: OpenerKind| {
        files
            .iter()
            .any(|file| file.header().is_ok_and(|header| header.kind == kind))
    };
    match unlock {
        Unlock::Unprotected if has(OpenerKind::Passphrase) => Error::PassphraseNeeded { path },
        Unlock::Passphrase(_) if has(OpenerKind::Unprotected) => Error::NotProtected { path },
        _ => Error::NoOpenerFits { path },
    }
}

/// Opens one opener's file; `None` if it is for something else than what is given.
fn open_file(
    store: &Folder,
    id: &StoreId,
    unlock: &Unlock,
    file: &OpenerFile,
) -> Option<Result<Zeroizing<Vec<u8>>, Error>> {
    let damaged = |reason: String| damaged(&file.name, store, reason);
    let kind = match file.header() {
        Ok(header) => header.kind,
        // Any of what can be given might have been meant for it.
        Err(_) if matches!(unlock, Unlock::Unprotected) => return None,
        Err(reason) => return Some(Err(damaged(reason))),
    };
    match unlock {
        Unlock::Unprotected => (kind == OpenerKind::Unprotected).then(|| Ok(file.bytes.clone())),
        Unlock::Passphrase(_) | Unlock::Wrap(_) | Unlock::Identities(_) => {
            match decrypt(&file.bytes, id, unlock, kind)? {
                Ok(text) => Some(Ok(text)),
                Err(Failed::WrongPassphrase) => Some(Err(Error::WrongPassphrase {
                    path: store.path().to_owned(),
                })),
                Err(Failed::NotFor) => None,
                Err(Failed::Service(source)) => Some(Err(Error::OpenerFailed {
                    name: file.name.clone(),
                    source,
                })),
                Err(Failed::Damaged(reason)) => Some(Err(damaged(reason))),
            }
        }
    }
}

/// Why an age file did not open with what is given.
pub(super) enum Failed {
    NotFor,
    WrongPassphrase,
    Service(WrapError),
    Damaged(String),
}

/// Decrypts an opener's file; `None` if what is given is for another kind.
pub(super) fn decrypt(
    bytes: &[u8],
    id: &StoreId,
    unlock: &Unlock,
    kind: OpenerKind,
) -> Option<Result<Zeroizing<Vec<u8>>, Failed>> {
    let result = match unlock {
        Unlock::Unprotected => return None,
        Unlock::Passphrase(passphrase) => {
            if kind != OpenerKind::Passphrase {
                return None;
            }
            let mut identity = scrypt::Identity::new(passphrase.secret());
            identity.set_max_work_factor(WorkFactor::MAX.log2());
            let identity: &dyn age::Identity = &identity;
            read(bytes, iter::once(identity))
        }
        Unlock::Wrap(wrap) => {
            if kind != wrap.kind() {
                return None;
            }
            let identity = WrapIdentity {
                wrap: &**wrap,
                store: id,
            };
            let identity: &dyn age::Identity = &identity;
            read(bytes, iter::once(identity))
        }
        Unlock::Identities(identities) => {
            if kind == OpenerKind::Passphrase {
                return None;
            }
            read(bytes, identities.iter())
        }
    };
    Some(result.map_err(|error| failed(&error, kind)))
}

fn read<'a>(
    bytes: &[u8],
    identities: impl Iterator<Item = &'a dyn age::Identity>,
) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    // As large as it can get, so that it never moves and leaves a copy behind.
    let mut text = Zeroizing::new(Vec::with_capacity(bytes.len()));
    Decryptor::new_buffered(bytes)?
        .decrypt(identities)?
        .read_to_end(&mut text)?;
    Ok(text)
}

fn failed(error: &DecryptError, kind: OpenerKind) -> Failed {
    match error {
        DecryptError::NoMatchingKeys => Failed::NotFor,
        // Only the stanza is keyed by the passphrase: if that opens, what fails later is damage.
        // A damaged stanza cannot be told from a wrong passphrase.
        DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed
            if kind == OpenerKind::Passphrase =>
        {
            Failed::WrongPassphrase
        }
        DecryptError::Io(io) => match service_error(io) {
            Some(service) => Failed::Service(service),
            None => Failed::Damaged(reason(error)),
        },
        #[cfg(feature = "plugin")]
        DecryptError::Plugin(_) => Failed::Service(plugin_refused(error)),
        other => Failed::Damaged(reason(other)),
    }
}

/// What a plugin said, on one line.
#[cfg(feature = "plugin")]
pub(super) fn plugin_refused(error: &dyn std::fmt::Display) -> WrapError {
    let lines = error.to_string();
    let said: Vec<&str> = lines.split_whitespace().collect();
    WrapError::Refused {
        service: "the age plugin".to_owned(),
        reason: said.join(" "),
        hint: "make sure that what the plugin needs, such as a security key, is there".to_owned(),
    }
}
