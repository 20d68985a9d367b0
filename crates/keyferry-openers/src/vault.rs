//! HashiCorp Vault and OpenBao: keys of the transit engine.
//!
//! `transit/encrypt` and `transit/decrypt`, with the store's id as associated data, which keys of an
//! AEAD type (`aes256-gcm96`, the default, or `chacha20-poly1305`) bind the result to. Where the
//! server is and who asks never come from the store: a file cannot send a token anywhere.

use std::sync::Arc;

use base64::prelude::{BASE64_STANDARD, Engine};
use keyferry_keystore::{FileKey, KeyWrap, OpenerKind, StoreId, WrapError, Wrapped};
use keyferry_vault::{Method, Vault, VaultError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

const SERVICE: &str = "Vault";

/// A key of the transit engine.
#[derive(Debug, Clone)]
pub struct TransitKey {
    vault: Arc<Vault>,
    mount: String,
    key: String,
}

impl TransitKey {
    /// A key by its path: `transit/NAME`, or `MOUNT/keys/NAME` as the API has it.
    ///
    /// # Errors
    /// [`WrapError::UnsuitableKey`] if that is no path.
    pub fn new(vault: Arc<Vault>, path: &str) -> Result<Self, WrapError> {
        let bad = || WrapError::UnsuitableKey {
            reason: format!("`{path}` is not the path of a transit key"),
            hint: "give the engine's mount and the key's name: `transit/NAME`".to_owned(),
        };
        let (mount, key) = path.trim_matches('/').rsplit_once('/').ok_or_else(bad)?;
        let mount = mount.strip_suffix("/keys").unwrap_or(mount);
        let segment = |text: &str| {
            !text.is_empty()
                && !matches!(text, "." | "..")
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        if !segment(key) || !mount.split('/').all(segment) {
            return Err(bad());
        }
        Ok(Self {
            vault,
            mount: mount.to_owned(),
            key: key.to_owned(),
        })
    }

    fn path(&self) -> String {
        format!("{}/keys/{}", self.mount, self.key)
    }

    /// Makes sure that the key is there: encrypting would make a key that is not, if the token may.
    /// A token that may not even look is let through, as it may make none.
    fn check_exists(&self) -> Result<(), WrapError> {
        let found = self
            .vault
            .call::<serde_json::Value>(Method::Get, &self.path(), None::<&()>);
        match found {
            Ok(_) | Err(VaultError::Denied { .. }) => Ok(()),
            Err(VaultError::NotFound { .. }) => Err(WrapError::UnsuitableKey {
                reason: format!("there is no transit key `{}`", self.path()),
                hint: format!("make it: `vault write -f {}`", self.path()),
            }),
            Err(error) => Err(failed(&error)),
        }
    }

    /// Has the engine do this with the key.
    fn ask<T: DeserializeOwned>(
        &self,
        operation: &str,
        body: &impl Serialize,
    ) -> Result<T, WrapError> {
        let path = format!("{}/{operation}/{}", self.mount, self.key);
        let answer = self.vault.call(Method::Post, &path, Some(body));
        let Data { data } = answer.map_err(|error| self.refused(&error))?;
        Ok(data)
    }

    fn refused(&self, error: &VaultError) -> WrapError {
        let said = error.said();
        let unrecognised = ["message authentication failed", "invalid ciphertext"];
        match error {
            VaultError::Refused { status: 400, .. }
                if unrecognised.iter().any(|text| said.contains(text)) =>
            {
                WrapError::Unrecognised {
                    service: SERVICE.to_owned(),
                }
            }
            VaultError::Refused { status: 400, .. }
                if said.contains("associated_data") || said.contains("associated data") =>
            {
                WrapError::UnsuitableKey {
                    reason: format!("`{}` is of a type without associated data", self.path()),
                    hint: "use a key of the type aes256-gcm96 or chacha20-poly1305".to_owned(),
                }
            }
            VaultError::Refused { status: 400, .. } => WrapError::UnsuitableKey {
                reason: format!("`{}`: {said}", self.path()),
                hint: "use a key of the type aes256-gcm96 or chacha20-poly1305 that is not derived"
                    .to_owned(),
            },
            VaultError::NotFound { .. } => WrapError::UnsuitableKey {
                reason: format!("there is no transit engine at `{}`", self.mount),
                hint: format!(
                    "`vault secrets enable -path={} transit`, or check VAULT_NAMESPACE",
                    self.mount
                ),
            },
            error => failed(error),
        }
    }
}

/// What is no matter of the key.
fn failed(error: &VaultError) -> WrapError {
    let service = SERVICE.to_owned();
    let reason = error.to_string();
    let hint = error.hint();
    match error {
        VaultError::Denied { .. } => WrapError::Refused {
            service,
            reason: match error.said() {
                none if none.is_empty() => "permission denied".to_owned(),
                said => said,
            },
            hint: "renew the token (`vault login`); its policy must allow `update` on encrypt/NAME and decrypt/NAME of the engine".to_owned(),
        },
        VaultError::Refused { status, .. } => WrapError::Refused {
            service,
            reason: format!("HTTP {status}: {}", error.said()),
            hint: hint.unwrap_or_else(|| "see the server's log; nothing was changed".to_owned()),
        },
        VaultError::Unreadable { .. } => WrapError::Malformed { service, reason },
        _ => WrapError::Unavailable {
            service,
            reason,
            hint: hint.unwrap_or_else(|| "check VAULT_ADDR and the network".to_owned()),
        },
    }
}

#[derive(Serialize)]
struct Encrypt<'a> {
    plaintext: &'a str,
    associated_data: String,
}

#[derive(Serialize)]
struct Decrypt<'a> {
    ciphertext: &'a str,
    associated_data: String,
}

#[derive(Deserialize)]
struct Data<T> {
    data: T,
}

#[derive(Deserialize)]
struct Encrypted {
    ciphertext: String,
}

#[derive(Deserialize)]
struct Decrypted {
    plaintext: String,
}

impl KeyWrap for TransitKey {
    fn kind(&self) -> OpenerKind {
        OpenerKind::Vault
    }

    fn wrap(&self, store: &StoreId, key: &FileKey) -> Result<Wrapped, WrapError> {
        self.check_exists()?;
        let plaintext = Zeroizing::new(BASE64_STANDARD.encode(key.as_slice()));
        let request = Encrypt {
            plaintext: &plaintext,
            associated_data: BASE64_STANDARD.encode(store.as_str()),
        };
        let Encrypted { ciphertext } = self.ask("encrypt", &request)?;
        Ok(Wrapped {
            arguments: vec![self.path()],
            body: ciphertext.into_bytes(),
        })
    }

    fn unwrap(&self, store: &StoreId, wrapped: &Wrapped) -> Result<FileKey, WrapError> {
        let unrecognised = || WrapError::Unrecognised {
            service: SERVICE.to_owned(),
        };
        if wrapped.arguments.first() != Some(&self.path()) {
            return Err(unrecognised());
        }
        let ciphertext = std::str::from_utf8(&wrapped.body).map_err(|_| unrecognised())?;
        let request = Decrypt {
            ciphertext,
            associated_data: BASE64_STANDARD.encode(store.as_str()),
        };
        let Decrypted { plaintext } = self.ask("decrypt", &request)?;
        let plaintext = Zeroizing::new(plaintext);
        let mut key = Zeroizing::new([0; 16]);
        match BASE64_STANDARD.decode_slice(plaintext.as_bytes(), key.as_mut_slice()) {
            Ok(16) => Ok(key),
            _ => Err(WrapError::Malformed {
                service: SERVICE.to_owned(),
                reason: "the key has another length".to_owned(),
            }),
        }
    }
}
