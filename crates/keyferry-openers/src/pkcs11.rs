//! PKCS#11: AES keys on a token that cannot be taken off it.
//!
//! AES-GCM with the store's id as associated data, where token and key can do that; AES key wrap
//! (RFC 3394) otherwise. The token and the key are named by an RFC 7512 URI; the module, which is
//! code that runs in this process, is never named by a file of the store.

mod session;
mod uri;

use std::path::PathBuf;

use cryptoki::mechanism::aead::GcmParams;
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use keyferry_keystore::{FileKey, KeyWrap, OpenerKind, StoreId, WrapError, Wrapped};
use rand::TryRng;
use rand::rngs::SysRng;
use secrecy::SecretString;
use zeroize::Zeroizing;

pub use uri::{ParseUriError, TokenUri};

use session::{Open, failed, unsuitable};

pub(crate) const SERVICE: &str = "the PKCS#11 token";

const GCM: &str = "aes-gcm";
const KEY_WRAP: &str = "aes-key-wrap";
const NONCE: usize = 12;
const TAG: usize = 16;

/// A key on a PKCS#11 token.
#[derive(Debug, Clone)]
pub struct Pkcs11 {
    uri: TokenUri,
    module: PathBuf,
    pin: Option<SecretString>,
}

impl Pkcs11 {
    /// A key by its URI, through a module, with the user's PIN. Without a PIN the token has to have a
    /// keypad of its own.
    #[must_use]
    pub fn new(uri: TokenUri, module: impl Into<PathBuf>, pin: Option<SecretString>) -> Self {
        Self {
            uri,
            module: module.into(),
            pin,
        }
    }

    fn open(&self) -> Result<Open, WrapError> {
        Open::new(&self.uri, &self.module, self.pin.as_ref())
    }
}

impl KeyWrap for Pkcs11 {
    fn kind(&self) -> OpenerKind {
        OpenerKind::Pkcs11
    }

    fn wrap(&self, store: &StoreId, key: &FileKey) -> Result<Wrapped, WrapError> {
        let token = self.open()?;
        let wrapping_key = token.find_key(&self.uri)?;
        let may = Usage::of(&token, wrapping_key)?;
        if may.extract {
            return Err(unsuitable(
                format!("`{}` can be taken off its token", self.uri),
                "use a key that is sensitive and not extractable",
            ));
        }
        let (method, body) = if may.encrypt && token.has(MechanismType::AES_GCM)? {
            (GCM, encrypt(&token, wrapping_key, store, key)?)
        } else if may.wrap && token.has(MechanismType::AES_KEY_WRAP)? {
            (KEY_WRAP, wrap(&token, wrapping_key, key)?)
        } else {
            return Err(unsuitable(
                format!(
                    "`{}` may neither encrypt and decrypt (AES-GCM) nor wrap and unwrap",
                    self.uri
                ),
                "use an AES key whose attributes CKA_ENCRYPT and CKA_DECRYPT are true",
            ));
        };
        Ok(Wrapped {
            arguments: vec![self.uri.to_string(), method.to_owned()],
            body,
        })
    }

    fn unwrap(&self, store: &StoreId, wrapped: &Wrapped) -> Result<FileKey, WrapError> {
        let [_, method] = wrapped.arguments.as_slice() else {
            return Err(unrecognised());
        };
        let token = self.open()?;
        let key = token.find_key(&self.uri)?;
        match method.as_str() {
            GCM => decrypt(&token, key, store, &wrapped.body),
            KEY_WRAP => unwrap(&token, key, &wrapped.body),
            _ => Err(unrecognised()),
        }
    }
}

/// What a key may be used for.
struct Usage {
    encrypt: bool,
    wrap: bool,
    extract: bool,
}

impl Usage {
    fn of(token: &Open, key: ObjectHandle) -> Result<Self, WrapError> {
        let asked = [
            AttributeType::Encrypt,
            AttributeType::Decrypt,
            AttributeType::Wrap,
            AttributeType::Unwrap,
            AttributeType::Extractable,
            AttributeType::Sensitive,
        ];
        let found = token
            .session()
            .get_attributes(key, &asked)
            .map_err(|error| failed(&error))?;
        let has = |attribute: Attribute| found.contains(&attribute);
        Ok(Self {
            encrypt: has(Attribute::Encrypt(true)) && has(Attribute::Decrypt(true)),
            wrap: has(Attribute::Wrap(true)) && has(Attribute::Unwrap(true)),
            extract: has(Attribute::Extractable(true)) || has(Attribute::Sensitive(false)),
        })
    }
}

fn unrecognised() -> WrapError {
    WrapError::Unrecognised {
        service: SERVICE.to_owned(),
    }
}

fn gcm<'a>(nonce: &'a mut [u8], store: &'a StoreId) -> Result<Mechanism<'a>, WrapError> {
    let tag_bits = (TAG as u64 * 8).into();
    GcmParams::new(nonce, store.as_str().as_bytes(), tag_bits)
        .map(Mechanism::AesGcm)
        .map_err(|error| failed(&error))
}

fn encrypt(
    token: &Open,
    with: ObjectHandle,
    store: &StoreId,
    key: &FileKey,
) -> Result<Vec<u8>, WrapError> {
    let mut body = vec![0; NONCE];
    SysRng
        .try_fill_bytes(&mut body)
        .map_err(|error| WrapError::Unavailable {
            service: "the operating system's randomness".to_owned(),
            reason: error.to_string(),
            hint: "nothing was changed; try again".to_owned(),
        })?;
    let mut nonce = body.clone();
    let mechanism = gcm(&mut nonce, store)?;
    let ciphertext = token
        .session()
        .encrypt(&mechanism, with, key.as_slice())
        .map_err(|error| failed(&error))?;
    drop(mechanism);
    // A token may choose the nonce itself and says so by changing it.
    body.copy_from_slice(&nonce);
    body.extend_from_slice(&ciphertext);
    Ok(body)
}

fn decrypt(
    token: &Open,
    with: ObjectHandle,
    store: &StoreId,
    body: &[u8],
) -> Result<FileKey, WrapError> {
    let (nonce, ciphertext) = body.split_at_checked(NONCE).ok_or_else(unrecognised)?;
    let mut nonce = nonce.to_vec();
    let plaintext = token
        .session()
        .decrypt(&gcm(&mut nonce, store)?, with, ciphertext)
        .map_err(|error| session::undecryptable(&error))?;
    file_key(plaintext)
}

fn wrap(token: &Open, with: ObjectHandle, key: &FileKey) -> Result<Vec<u8>, WrapError> {
    let session = token.session();
    let template = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::GENERIC_SECRET),
        Attribute::Token(false),
        Attribute::Sensitive(false),
        Attribute::Extractable(true),
        Attribute::Value(key.to_vec()),
    ];
    let object = session
        .create_object(&template)
        .map_err(|error| failed(&error))?;
    let wrapped = session.wrap_key(&Mechanism::AesKeyWrap, with, object);
    // It ends with the session in any case.
    let _ = session.destroy_object(object);
    wrapped.map_err(|error| failed(&error))
}

fn unwrap(token: &Open, with: ObjectHandle, body: &[u8]) -> Result<FileKey, WrapError> {
    let session = token.session();
    let template = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::GENERIC_SECRET),
        Attribute::Token(false),
        Attribute::Sensitive(false),
        Attribute::Extractable(true),
    ];
    let object = session
        .unwrap_key(&Mechanism::AesKeyWrap, with, body, &template)
        .map_err(|error| session::undecryptable(&error))?;
    let value = session.get_attributes(object, &[AttributeType::Value]);
    let _ = session.destroy_object(object);
    match value.map_err(|error| failed(&error))?.pop() {
        Some(Attribute::Value(value)) => file_key(value),
        _ => Err(unrecognised()),
    }
}

fn file_key(plaintext: Vec<u8>) -> Result<FileKey, WrapError> {
    let plaintext = Zeroizing::new(plaintext);
    let key = <[u8; 16]>::try_from(plaintext.as_slice()).map_err(|_| unrecognised())?;
    Ok(Zeroizing::new(key))
}
