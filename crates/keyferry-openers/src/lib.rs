//! Services that can open a key store.
//!
//! | module | what holds the key | what the opener's file says |
//! | --- | --- | --- |
//! | `kms` | AWS KMS | the key's ARN |
//! | `vault` | the transit engine of HashiCorp Vault or OpenBao | mount and name of the key |
//! | `pkcs11` | a PKCS#11 token: an HSM, a smart card | an RFC 7512 URI of token and key |
//! | `secret_service` | the secret service of the desktop session | the label of an age identity |
//!
//! The first three are [`KeyWrap`](keyferry_keystore::KeyWrap)s: the service wraps the key of an age
//! file, and that is all it ever sees. Each is bound to the store where the service can do that. The
//! last one keeps an ordinary age identity.
//!
//! Nothing that decides whom to ask is taken from the store's files: the address of a Vault and the
//! module of a token come from whoever opens the store. Each module is behind a feature of its name.

#[cfg(feature = "kms")]
pub mod kms;
#[cfg(feature = "pkcs11")]
pub mod pkcs11;
#[cfg(feature = "secret-service")]
pub mod secret_service;
#[cfg(feature = "vault")]
pub mod vault;

pub use secrecy::SecretString;
