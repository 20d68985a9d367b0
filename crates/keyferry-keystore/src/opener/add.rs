//! One more way to open a store, or another in place of one.

use std::io::Write;
use std::iter;
use std::sync::Arc;

use age::{EncryptError, Encryptor, scrypt};

use super::file::{OpenerFile, UNLOCK_FOLDER, sha256};
use super::open::{Failed, Opened, decrypt};
use super::survey::incoming;
use super::wrap::{WrapRecipient, service_error};
use super::{Identities, KeyWrap, Opener, OpenerKind, OpenerName, Recipient};
use crate::folder::Folder;
use crate::journal::Event;
use crate::lock::ExclusiveLock;
use crate::{Error, Passphrase, Store, Unlock, WorkFactor};

/// A way to open a store that is to be added.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum NewOpener {
    /// A passphrase, with the work of trying one.
    Passphrase(Passphrase, WorkFactor),
    /// The holder of a private key.
    Recipient(Recipient),
    /// A key in a service.
    Wrap(Arc<dyn KeyWrap>),
}

/// What happens to an opener that has the name already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Existing {
    /// It stays, and nothing is added.
    Keep,
    /// The new one takes its place, in one step.
    Replace,
}

/// An opener that was added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// The opener.
    pub opener: Opener,
    /// Whether it was seen to open the store. Of a recipient, only its private half can show that.
    pub proven: bool,
}

impl NewOpener {
    fn kind(&self) -> OpenerKind {
        match self {
            Self::Passphrase(..) => OpenerKind::Passphrase,
            Self::Recipient(recipient) => recipient.kind(),
            Self::Wrap(wrap) => wrap.kind(),
        }
    }

    /// What opens it again, as far as that is known.
    fn proof(&self, identities: Option<&Identities>) -> Option<Unlock> {
        match self {
            Self::Passphrase(passphrase, _) => Some(Unlock::Passphrase(passphrase.clone())),
            Self::Recipient(_) => identities.cloned().map(Unlock::Identities),
            Self::Wrap(wrap) => Some(Unlock::Wrap(Arc::clone(wrap))),
        }
    }
}

impl Store {
    /// Adds a way to open the store. When this returns, its file is on disk and recorded; and it was
    /// seen to open the store, unless it is a recipient whose private half was not given as `proof`.
    ///
    /// Services are asked before the store is locked for writing, so that a slow one keeps nobody
    /// waiting.
    ///
    /// # Errors
    /// [`Error::OpenerExists`]; [`Error::InvalidOpenerName`] for the names that `identity.age` has;
    /// [`Error::OpenerFailed`] if the service refuses, [`Error::RecipientUnusable`];
    /// [`Error::ProofFailed`] if what is given does not open it; [`Error::OpenerNotProven`] if it
    /// would replace the only opener that was seen to work; [`Error::ReadOnly`],
    /// [`Error::ReadBack`], [`Error::Io`]. The store then opens as it did before.
    pub fn add_opener(
        &mut self,
        name: &OpenerName,
        new: &NewOpener,
        proof: Option<&Identities>,
        existing: Existing,
    ) -> Result<Added, Error> {
        let kind = new.kind();
        let reserved = *name == OpenerName::unprotected()
            || (*name == OpenerName::passphrase() && kind != OpenerKind::Passphrase);
        if reserved {
            return Err(Error::InvalidOpenerName {
                text: name.to_string(),
            });
        }
        self.check_replaces(name, existing)?;
        let text = self.identity.text(self.id());
        let ciphertext = self.encrypt_to(name, new, &text)?;
        let proof = new.proof(proof);
        if let Some(unlock) = &proof {
            match decrypt(&ciphertext, self.id(), unlock, kind) {
                Some(Ok(read)) if read == text => {}
                Some(Err(Failed::Service(source))) => {
                    let name = name.clone();
                    return Err(Error::OpenerFailed { name, source });
                }
                _ => return Err(Error::ProofFailed { name: name.clone() }),
            }
        }

        let lock = self.begin_write()?;
        self.check_replaces(name, existing)?;
        let replaces = OpenerFile::read(&self.folder, name)?.is_some();
        if replaces && proof.is_none() && !self.is_opened_by_other(name)? {
            return Err(Error::OpenerNotProven { name: name.clone() });
        }
        let sum = sha256(&ciphertext);
        self.put_opener(&lock, name, new, &ciphertext, &sum)?;
        if self
            .identity
            .opened
            .as_ref()
            .is_some_and(|by| by.name.file() == name.file())
        {
            self.identity.opened = proof.is_some().then(|| Opened {
                name: name.clone(),
                sha256: sum,
            });
        }
        let opener = self
            .openers()?
            .into_iter()
            .find(|opener| opener.name == *name)
            .ok_or_else(|| Error::UnknownOpener { name: name.clone() })?;
        Ok(Added {
            opener,
            proven: proof.is_some(),
        })
    }

    fn check_replaces(&self, name: &OpenerName, existing: Existing) -> Result<(), Error> {
        let taken = match OpenerFile::read(&self.folder, name)? {
            Some(file) => Some(file.name),
            None => self.roster.find(name).map(|known| known.name.clone()),
        };
        match taken {
            Some(name) if existing == Existing::Keep => Err(Error::OpenerExists { name }),
            _ => Ok(()),
        }
    }

    fn encrypt_to(
        &self,
        name: &OpenerName,
        new: &NewOpener,
        text: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let encrypted = match new {
            NewOpener::Passphrase(passphrase, work) => {
                let mut recipient = scrypt::Recipient::new(passphrase.secret());
                recipient.set_work_factor(work.log2());
                encrypt(&recipient, text)
            }
            NewOpener::Recipient(recipient) => encrypt(recipient, text),
            NewOpener::Wrap(wrap) => {
                let store = self.id();
                encrypt(
                    &WrapRecipient {
                        wrap: &**wrap,
                        store,
                    },
                    text,
                )
            }
        };
        encrypted.map_err(|error| match error {
            EncryptError::Io(io) if service_error(&io).is_some() => match service_error(&io) {
                Some(source) => Error::OpenerFailed {
                    name: name.clone(),
                    source,
                },
                None => Error::io("write", name.path(&self.folder), io),
            },
            #[cfg(feature = "plugin")]
            EncryptError::Plugin(_) => Error::OpenerFailed {
                name: name.clone(),
                source: super::open::plugin_refused(&error),
            },
            error => Error::Unwritable {
                path: name.path(&self.folder),
                reason: error.to_string(),
            },
        })
    }

    /// Writes, reads back, records and names the file, in this order: from the journal entry on it
    /// counts, and a file that is recorded gets its name whatever happens.
    fn put_opener(
        &mut self,
        lock: &ExclusiveLock,
        name: &OpenerName,
        new: &NewOpener,
        ciphertext: &[u8],
        sum: &str,
    ) -> Result<(), Error> {
        let unlock_folder;
        let folder = if name.is_in_identity_file() {
            &self.folder
        } else {
            unlock_folder = self.folder.child_or_new(UNLOCK_FOLDER)?;
            &unlock_folder
        };
        let unfinished = incoming(name);
        let written = write_proven(folder, &unfinished, ciphertext);
        if let Err(error) = written {
            // What cannot be removed is swept when the store is next opened.
            let _swept_later = folder.remove_file(&unfinished);
            return Err(error);
        }
        let detail = match new {
            NewOpener::Passphrase(_, work) => format!("scrypt, 2^{}", work.log2()),
            NewOpener::Recipient(recipient) => recipient.detail().to_owned(),
            NewOpener::Wrap(_) => {
                let header = super::file::header_of(ciphertext).ok();
                let first = header.and_then(|header| header.arguments.into_iter().next());
                first.unwrap_or_default()
            }
        };
        let event = Event::OpenerAdded {
            name: name.to_string(),
            kind: new.kind().as_str().to_owned(),
            detail,
            sha256: Some(sum.to_owned()),
        };
        // If this fails, the entry may be on disk all the same: the next to open the store finds
        // out, and finishes or sweeps.
        let again = folder.again()?;
        self.record(lock, event)?;
        again.rename_over(&unfinished, &name.file())?;
        again.sync()
    }

    /// Whether the store was opened by another opener than this one, and that is still in place.
    pub(super) fn is_opened_by_other(&self, name: &OpenerName) -> Result<bool, Error> {
        let Some(Opened { name: by, sha256 }) = &self.identity.opened else {
            return Ok(false);
        };
        if by.file() == name.file() {
            return Ok(false);
        }
        let file = OpenerFile::read(&self.folder, by)?;
        Ok(file.is_some_and(|file| file.sha256() == *sha256))
    }
}

fn write_proven(folder: &Folder, unfinished: &str, ciphertext: &[u8]) -> Result<(), Error> {
    if folder.names()?.iter().any(|name| name == unfinished) {
        folder.remove_file(unfinished)?;
    }
    folder.write_new(unfinished, ciphertext)?;
    // Read by name, through the file system, as a later start would.
    let found = folder.read(unfinished, 64 << 10)?;
    if found != ciphertext {
        return Err(Error::ReadBack {
            path: folder.path_of(unfinished),
        });
    }
    folder.sync()
}

fn encrypt(recipient: &dyn age::Recipient, text: &[u8]) -> Result<Vec<u8>, EncryptError> {
    let mut ciphertext = Vec::new();
    let encryptor = Encryptor::with_recipients(iter::once(recipient))?;
    let mut writer = encryptor.wrap_output(&mut ciphertext)?;
    writer.write_all(text)?;
    writer.finish()?;
    Ok(ciphertext)
}
