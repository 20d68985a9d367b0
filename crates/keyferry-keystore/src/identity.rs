//! The age identity that opens a store's keys, and what is derived from it.
//!
//! Key files are encrypted to the identity's public recipient. The identity itself lies in
//! `identity.age` and in the files of other openers, behind whatever protects the store: a change of
//! passphrase rewrites one small file and no key. The identity is in memory while a store is unlocked
//! and is wiped with it.

use std::io::{Read, Write};
use std::iter;

use age::x25519;
use age::{DecryptError, Decryptor, Encryptor, scrypt};
use secrecy::ExposeSecret;
use zeroize::Zeroizing;

use crate::folder::Folder;
use crate::manifest::{MANIFEST_FILE, StoreId};
use crate::opener::{Opened, open};
use crate::seal::SealKey;
use crate::{Error, OpenerName, Unlock, WorkFactor};

pub(crate) const IDENTITY_FILE: &str = "identity.age";
const STORE_COMMENT: &str = "# key store: ";
pub(crate) const AGE_MAGIC: &[u8] = b"age-encryption.org/";

/// An unlocked identity.
pub(crate) struct StoreIdentity {
    identity: x25519::Identity,
    recipient: x25519::Recipient,
    pub(crate) journal_seal: SealKey,
    pub(crate) head_seal: SealKey,
    pub(crate) key_file_seal: SealKey,
    pub(crate) catalogue_seal: SealKey,
    /// The opener that it came from, if it came from one.
    pub(crate) opened: Option<Opened>,
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
            catalogue_seal: derive("keyferry/1/catalogue")?,
            identity,
            opened: None,
        })
    }

    /// The recipient that key files are encrypted to.
    pub(crate) fn recipient(&self) -> String {
        self.recipient.to_string()
    }

    /// Encrypts to the store.
    pub(crate) fn encrypt(&self, plaintext: &[u8]) -> Result<Vec<u8>, age::EncryptError> {
        encrypt_to(&self.recipient, plaintext)
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
        let text = self.text(store);
        match unlock {
            Unlock::Passphrase(passphrase) => {
                let mut recipient = scrypt::Recipient::new(passphrase.secret());
                recipient.set_work_factor(work.log2());
                let ciphertext =
                    encrypt_to(&recipient, &text).map_err(|error| Error::Unwritable {
                        path: folder.path_of(IDENTITY_FILE),
                        reason: error.to_string(),
                    })?;
                folder.write_new(IDENTITY_FILE, &ciphertext)
            }
            Unlock::Unprotected => folder.write_new(IDENTITY_FILE, &text),
            Unlock::Identities(_) | Unlock::Wrap(_) => Err(Error::Unwritable {
                path: folder.path_of(IDENTITY_FILE),
                reason: "a store begins with a passphrase or unprotected".to_owned(),
            }),
        }
    }

    /// The identity as an identity file of age.
    pub(crate) fn text(&self, store: &StoreId) -> Zeroizing<Vec<u8>> {
        let secret = self.identity.to_string();
        let head = format!("{STORE_COMMENT}{store}\n# public key: {}\n", self.recipient);
        let mut text = Zeroizing::new(Vec::with_capacity(512));
        text.extend_from_slice(head.as_bytes());
        text.extend_from_slice(secret.expose_secret().as_bytes());
        text.push(b'\n');
        text
    }

    /// Unlocks it with what is given, through any opener that fits, or through one alone.
    pub(crate) fn read(
        folder: &Folder,
        store: &StoreId,
        unlock: &Unlock,
        only: Option<&OpenerName>,
    ) -> Result<Self, Error> {
        let (text, opened) = open(folder, store, unlock, only)?;
        let damaged = |reason: &str| opened.damaged(folder, reason.to_owned());
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
        let mut lines = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        let (Some(line), None) = (lines.next(), lines.next()) else {
            return Err(damaged("it does not hold exactly one identity"));
        };
        let identity = line.parse::<x25519::Identity>().map_err(damaged)?;
        let identity =
            Self::new(identity, store).ok_or_else(|| damaged("no keys can be derived from it"))?;
        Ok(Self {
            opened: Some(opened),
            ..identity
        })
    }
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

fn encrypt_to(
    recipient: &dyn age::Recipient,
    plaintext: &[u8],
) -> Result<Vec<u8>, age::EncryptError> {
    let mut ciphertext = Vec::new();
    let encryptor = Encryptor::with_recipients(iter::once(recipient))?;
    let mut writer = encryptor.wrap_output(&mut ciphertext)?;
    writer.write_all(plaintext)?;
    writer.finish()?;
    Ok(ciphertext)
}

fn decrypt_with(
    identity: &dyn age::Identity,
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    // As large as it can get, so that it never moves and leaves a copy behind.
    let mut plaintext = Zeroizing::new(Vec::with_capacity(ciphertext.len()));
    Decryptor::new_buffered(ciphertext)?
        .decrypt(iter::once(identity))?
        .read_to_end(&mut plaintext)?;
    Ok(plaintext)
}
