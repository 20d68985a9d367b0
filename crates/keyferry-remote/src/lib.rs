//! Places that a key store can live in: Vault and OpenBao KV, AWS Secrets Manager.
//!
//! Each is a [`Documents`](keyferry_keystore::Documents): a place that keeps named documents and replaces
//! one only in the state in which it was read. What goes there is what lies in the folder of a store:
//! keys encrypted to the store's identity, that identity behind a passphrase, and a journal under seals.
//! Whoever runs the place can delete a store, which its working copies and backups survive, but can
//! neither open a key nor change an entry unnoticed.
//!
//! * [`StoreAddress`]: what `--store` names: a folder or a place.
//! * `VaultKv` (feature `vault-kv`): a path in a KV version 2 mount.
//! * `SecretsManager` (feature `secrets-manager`): secrets whose names begin alike.

mod address;
#[cfg(feature = "secrets-manager")]
mod secrets_manager;
#[cfg(feature = "vault-kv")]
mod vault_kv;

pub use address::{ParseAddressError, StoreAddress, VaultLocation};
#[cfg(feature = "secrets-manager")]
pub use secrets_manager::SecretsManager;
#[cfg(feature = "vault-kv")]
pub use vault_kv::VaultKv;
