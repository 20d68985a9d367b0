//! Services that wrap a file's key: AWS KMS, Vault, PKCS#11.
//!
//! Each is a stanza of an ordinary age file: its arguments say which key of the service it takes, its
//! body is the file key as the service wrapped it. Header and content are authenticated by age.

use std::collections::HashSet;
use std::fmt::Debug;

use age::{DecryptError, EncryptError};
use age_core::format::{FileKey as AgeFileKey, Stanza};
use secrecy::ExposeSecret;
use zeroize::Zeroizing;

use super::OpenerKind;
use crate::StoreId;

/// The key of one age file.
pub type FileKey = Zeroizing<[u8; 16]>;

/// A file key as a service wrapped it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrapped {
    /// Which key of the service unwraps it: printable ASCII without spaces, no secrets. The first is
    /// what people are shown.
    pub arguments: Vec<String>,
    /// What the service made of it.
    pub body: Vec<u8>,
}

/// A key in a service that wraps file keys and does not leave it.
///
/// Calls block until the service has answered; they are made without any lock on the store.
pub trait KeyWrap: Debug + Send + Sync {
    /// The kind of opener, and so of stanza.
    fn kind(&self) -> OpenerKind;

    /// Wraps a file key, bound to the store where the service can do that.
    ///
    /// # Errors
    /// [`WrapError`].
    fn wrap(&self, store: &StoreId, key: &FileKey) -> Result<Wrapped, WrapError>;

    /// Unwraps what [`Self::wrap`] made.
    ///
    /// # Errors
    /// [`WrapError`].
    fn unwrap(&self, store: &StoreId, wrapped: &Wrapped) -> Result<FileKey, WrapError>;
}

/// Why a service did not wrap or unwrap a key.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum WrapError {
    /// It cannot be reached, or is not ready.
    #[error("{service} is not available: {reason}")]
    Unavailable {
        /// The service as people call it.
        service: String,
        /// What is in the way.
        reason: String,
        /// What to do about it.
        hint: String,
    },
    /// It refused: credentials, permissions, the state of the key.
    #[error("{service} refused: {reason}")]
    Refused {
        /// The service as people call it.
        service: String,
        /// Why.
        reason: String,
        /// What to do about it.
        hint: String,
    },
    /// The key cannot be used for this.
    #[error("the key cannot be used: {reason}")]
    UnsuitableKey {
        /// Why.
        reason: String,
        /// What to do about it.
        hint: String,
    },
    /// What should be unwrapped is not what the service once wrapped.
    #[error("{service} does not recognise what it should unwrap")]
    Unrecognised {
        /// The service as people call it.
        service: String,
    },
    /// It answered something that makes no sense.
    #[error("{service} gave a malformed answer: {reason}")]
    Malformed {
        /// The service as people call it.
        service: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl WrapError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &str {
        match self {
            Self::Unavailable { hint, .. }
            | Self::Refused { hint, .. }
            | Self::UnsuitableKey { hint, .. } => hint,
            Self::Unrecognised { .. } => {
                "the file was changed, or the key is another one than at the time; use another opener, then replace this one"
            }
            Self::Malformed { .. } => "make sure that it is the service it should be",
        }
    }
}

pub(super) struct WrapRecipient<'a> {
    pub(super) wrap: &'a dyn KeyWrap,
    pub(super) store: &'a StoreId,
}

impl age::Recipient for WrapRecipient<'_> {
    fn wrap_file_key(
        &self,
        file_key: &AgeFileKey,
    ) -> Result<(Vec<Stanza>, HashSet<String>), EncryptError> {
        let key = Zeroizing::new(*file_key.expose_secret());
        let failed = |error: WrapError| EncryptError::Io(std::io::Error::other(error));
        let wrapped = self.wrap.wrap(self.store, &key).map_err(failed)?;
        let kind = self.wrap.kind();
        let printable = |argument: &String| age_core::format::is_arbitrary_string(argument);
        let (Some(tag), true) = (kind.own_tag(), wrapped.arguments.iter().all(printable)) else {
            return Err(failed(WrapError::Malformed {
                service: kind.to_string(),
                reason: "it names its key in characters that no age file can hold".to_owned(),
            }));
        };
        let stanza = Stanza {
            tag: tag.to_owned(),
            args: wrapped.arguments,
            body: wrapped.body,
        };
        Ok((vec![stanza], HashSet::new()))
    }
}

pub(super) struct WrapIdentity<'a> {
    pub(super) wrap: &'a dyn KeyWrap,
    pub(super) store: &'a StoreId,
}

impl age::Identity for WrapIdentity<'_> {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<AgeFileKey, DecryptError>> {
        if self.wrap.kind().own_tag() != Some(stanza.tag.as_str()) {
            return None;
        }
        let wrapped = Wrapped {
            arguments: stanza.args.clone(),
            body: stanza.body.clone(),
        };
        Some(match self.wrap.unwrap(self.store, &wrapped) {
            Ok(key) => Ok(AgeFileKey::init_with_mut(|bytes| {
                bytes.copy_from_slice(&*key)
            })),
            Err(error) => Err(DecryptError::Io(std::io::Error::other(error))),
        })
    }
}

/// The service's own error, if that is what an error of age is about.
pub(super) fn service_error(error: &std::io::Error) -> Option<WrapError> {
    error.get_ref()?.downcast_ref::<WrapError>().cloned()
}
