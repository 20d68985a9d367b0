//! The age identity that opens a store's keys, and what is derived from it.
//!
//! Key files are encrypted to the identity's public recipient. The identity itself lies in
//! `identity.age`, behind whatever protects the store: a change of passphrase rewrites one small
//! file and no key. The identity is in memory while a store is unlocked and is wiped with it.

use std::io::{Read, Write};
use std::iter;
use std::path::PathBuf;

use age::x25519;
use age::{DecryptError, Decryptor, Encryptor, scrypt};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::folder::Folder;
use crate::manifest::{MANIFEST_FILE, StoreId};
use crate::seal::SealKey;
use crate::{Error, Passphrase, Protection, Unlock, WorkFactor};

pub(crate) const IDENTITY_FILE: &str = "identity.age";
const LIMIT: u64 = 64 << 10;
const STORE_COMMENT: &str = "# key store: ";
const AGE_MAGIC: &[u8] = b"age-encryption.org/";

/// An unlocked identity.
pub(crate) struct StoreIdentity {
    identity: x25519::Identity,
    recipient: x25519::Recipient,
    pub(crate) journal_seal: SealKey,
    pub(crate) head_seal: SealKey,
    pub(crate) key_file_seal: SealKey,
    pub(crate) backup_seal: SealKey,
    pub(crate) witness_seal: SealKey,
}

impl StoreIdentity {
    /// Makes a new one for a store.
    pub(crate) fn generate(store: &StoreId) -> Option<Self> {
        Self::new(x25519::Identity::generate(), store)
    }

    fn new(identity: x25519::Identity, store: &StoreId) -> Option<Self> {
        let secret = identity.to_string();
        let derive = |purpose| {
            let salt = store.as_str().as_bytes();
            SealKey::derive(salt, secret.expose_secret().as_bytes(), purpose)
        };
        Some(Self {
            recipient: identity.to_public(),
            journal_seal: derive("keyferry/1/journal")?,
            head_seal: derive("keyferry/1/journal-head")?,
            key_file_seal: derive("keyferry/1/key-file")?,
            backup_seal: derive("keyferry/1/backup")?,
            witness_seal: derive("keyferry/1/witness")?,
            identity,
        })
    }

    /// The recipient that key files are encrypted to.
    pub(crate) fn recipient(&self) -> String {
        self.recipient.to_string()
    }

    /// Encrypts to the store.
    pub(crate) fn encrypt(&self, plaintext: &[u8]) -> Result<Vec<u8>, age::EncryptError> {
        encrypt_to(
            iter::once(&self.recipient as &dyn age::Recipient),
            plaintext,
        )
    }

    /// Decrypts what was encrypted to the store.
    pub(crate) fn decrypt(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
        decrypt_with(&self.identity, ciphertext)
    }

    /// Writes `identity.age`.
    pub(crate) fn write(
        &self,
        folder: &Folder,
        store: &StoreId,
        unlock: &Unlock,
        work: WorkFactor,
    ) -> Result<(), Error> {
        self.write_as(folder, IDENTITY_FILE, store, unlock, work)
    }

    /// Writes it under another name.
    pub(crate) fn write_as(
        &self,
        folder: &Folder,
        name: &str,
        store: &StoreId,
        unlock: &Unlock,
        work: WorkFactor,
    ) -> Result<(), Error> {
        match unlock {
            Unlock::Unprotected => folder.write_new(name, &self.text(store)),
            Unlock::Passphrase(passphrase) => {
                let ciphertext = self.behind_passphrase(store, passphrase, work);
                let ciphertext = ciphertext.map_err(|error| Error::Unwritable {
                    path: folder.path_of(name),
                    reason: error.to_string(),
                })?;
                folder.write_new(name, &ciphertext)
            }
        }
    }

    /// The identity as an age identity file has it.
    pub(crate) fn text(&self, store: &StoreId) -> Zeroizing<Vec<u8>> {
        let secret = self.identity.to_string();
        let head = format!("{STORE_COMMENT}{store}\n# public key: {}\n", self.recipient);
        let mut text = Zeroizing::new(Vec::with_capacity(512));
        text.extend_from_slice(head.as_bytes());
        text.extend_from_slice(secret.expose_secret().as_bytes());
        text.push(b'\n');
        text
    }

    /// The identity, encrypted by a passphrase.
    pub(crate) fn behind_passphrase(
        &self,
        store: &StoreId,
        passphrase: &Passphrase,
        work: WorkFactor,
    ) -> Result<Vec<u8>, age::EncryptError> {
        let mut recipient = scrypt::Recipient::new(passphrase.secret());
        recipient.set_work_factor(work.log2());
        encrypt_to(
            iter::once(&recipient as &dyn age::Recipient),
            &self.text(store),
        )
    }

    /// The identity, encrypted to recipients.
    pub(crate) fn to_recipients(
        &self,
        store: &StoreId,
        recipients: &[x25519::Recipient],
    ) -> Result<Vec<u8>, age::EncryptError> {
        let recipients = recipients.iter().map(|each| each as &dyn age::Recipient);
        encrypt_to(recipients, &self.text(store))
    }

    /// The secret itself, as age writes it.
    pub(crate) fn secret(&self) -> SecretString {
        self.identity.to_string()
    }

    /// The identity of a store in the text of an age identity file.
    pub(crate) fn from_text(text: &[u8], store: &StoreId) -> Result<Self, String> {
        let text = std::str::from_utf8(text).map_err(|_| "it is not text")?;
        if let Some(named) = text
            .lines()
            .find_map(|line| line.strip_prefix(STORE_COMMENT))
            && named != store.as_str()
        {
            return Err(format!("it is the identity of store `{named}`"));
        }
        let identity = only_identity(text)?;
        Self::new(identity, store).ok_or_else(|| "no keys can be derived from it".to_owned())
    }

    /// Unlocks `identity.age`.
    pub(crate) fn read(folder: &Folder, store: &StoreId, unlock: &Unlock) -> Result<Self, Error> {
        Self::read_from(folder, IDENTITY_FILE, store, unlock)
    }

    /// Unlocks the file of this name.
    pub(crate) fn read_from(
        folder: &Folder,
        name: &str,
        store: &StoreId,
        unlock: &Unlock,
    ) -> Result<Self, Error> {
        let file = IdentityFile::read_from(folder, name)?;
        let path = folder.path_of(name);
        let damaged = |reason: &str| Error::IdentityDamaged {
            path: path.clone(),
            reason: reason.to_owned(),
        };
        let store_path = folder.path().to_owned();
        let text = match (unlock, file.protection()) {
            (Unlock::Unprotected, Protection::None) => file.bytes,
            (Unlock::Passphrase(passphrase), Protection::Passphrase) => {
                open_with_passphrase(&file.bytes, passphrase.secret(), path.clone(), store_path)?
            }
            (Unlock::Unprotected, Protection::Passphrase) => {
                return Err(Error::PassphraseNeeded { path: store_path });
            }
            (Unlock::Passphrase(_), Protection::None) => {
                return Err(Error::NotProtected { path: store_path });
            }
        };
        let text = std::str::from_utf8(&text).map_err(|_| damaged("it is not text"))?;
        // The id of the store goes into every seal: were it wrong, the journal and all keys would
        // look forged. The identity is the better witness, as a passphrase protects it.
        if let Some(named) = text
            .lines()
            .find_map(|line| line.strip_prefix(STORE_COMMENT))
            && named != store.as_str()
        {
            return Err(Error::ManifestDamaged {
                path: folder.path_of(MANIFEST_FILE),
                reason: format!("it names store `{store}`, and the identity is of `{named}`"),
            });
        }
        let identity = only_identity(text).map_err(damaged)?;
        Self::new(identity, store).ok_or_else(|| damaged("no keys can be derived from it"))
    }
}

fn only_identity(text: &str) -> Result<x25519::Identity, &'static str> {
    let mut lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    match (lines.next(), lines.next()) {
        (Some(line), None) => line.parse(),
        _ => Err("it does not hold exactly one identity"),
    }
}

/// `identity.age` as it lies on disk.
pub(crate) struct IdentityFile {
    pub(crate) bytes: Zeroizing<Vec<u8>>,
}

impl IdentityFile {
    pub(crate) fn read(folder: &Folder) -> Result<Self, Error> {
        Self::read_from(folder, IDENTITY_FILE)
    }

    fn read_from(folder: &Folder, name: &str) -> Result<Self, Error> {
        match folder.read(name, LIMIT) {
            Ok(bytes) => Ok(Self {
                bytes: Zeroizing::new(bytes),
            }),
            Err(error) if error.is_not_found() => Err(Error::IdentityDamaged {
                path: folder.path_of(name),
                reason: "it is missing".to_owned(),
            }),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn protection(&self) -> Protection {
        if self.bytes.starts_with(AGE_MAGIC) {
            Protection::Passphrase
        } else {
            Protection::None
        }
    }
}

fn open_with_passphrase(
    ciphertext: &[u8],
    passphrase: SecretString,
    path: PathBuf,
    store: PathBuf,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut identity = scrypt::Identity::new(passphrase);
    identity.set_max_work_factor(WorkFactor::MAX.log2());
    decrypt_with(&identity, ciphertext).map_err(|error| match error {
        // Only the stanza is keyed by the passphrase: if that opens, what fails later is damage.
        // A damaged stanza cannot be told from a wrong passphrase.
        DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed => {
            Error::WrongPassphrase { path: store }
        }
        other => Error::IdentityDamaged {
            path,
            reason: reason(&other),
        },
    })
}

/// Why an age file does not open, in a line.
pub(crate) fn reason(error: &DecryptError) -> String {
    match error {
        DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed => {
            "its content was changed".to_owned()
        }
        DecryptError::InvalidHeader => "its age header is malformed".to_owned(),
        DecryptError::InvalidMac => "its age header was changed".to_owned(),
        DecryptError::NoMatchingKeys => "it is not encrypted to this store".to_owned(),
        DecryptError::UnknownFormat => "it is not an age file of version 1".to_owned(),
        DecryptError::ExcessiveWork { required, .. } => {
            format!("it asks for a work factor of 2^{required}")
        }
        DecryptError::Io(error) => error.to_string(),
        _ => "age cannot open it".to_owned(),
    }
}

fn encrypt_to<'a>(
    recipients: impl Iterator<Item = &'a dyn age::Recipient>,
    plaintext: &[u8],
) -> Result<Vec<u8>, age::EncryptError> {
    let mut ciphertext = Vec::new();
    let encryptor = Encryptor::with_recipients(recipients)?;
    let mut writer = encryptor.wrap_output(&mut ciphertext)?;
    writer.write_all(plaintext)?;
    writer.finish()?;
    Ok(ciphertext)
}

pub(crate) fn decrypt_with(
    identity: &dyn age::Identity,
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    decrypt_with_any(iter::once(identity), ciphertext)
}

/// Decrypts with whichever of the identities opens it.
pub(crate) fn decrypt_with_any<'a>(
    identities: impl Iterator<Item = &'a dyn age::Identity>,
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    // As large as it can get, so that it never moves and leaves a copy behind.
    let mut plaintext = Zeroizing::new(Vec::with_capacity(ciphertext.len()));
    Decryptor::new_buffered(ciphertext)?
        .decrypt(identities)?
        .read_to_end(&mut plaintext)?;
    Ok(plaintext)
}
