//! Wrapping of data keys under keys that the lab holds.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::data_key::{DataKey, KEY_LEN};
use crate::store::StoreError;

/// A data key sealed by AES-256-GCM: nonce, ciphertext and tag, in hex.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct WrappedKey(#[serde(with = "hex::serde")] Vec<u8>);

impl WrappedKey {
    /// The bytes of a sealed secret.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// A sealed secret from its bytes.
    pub(super) fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Seals `key` under `wrapping`; opens only with the same `context`.
    pub(super) fn seal(
        wrapping: &[u8; KEY_LEN],
        context: &str,
        key: &DataKey,
    ) -> Result<Self, StoreError> {
        let mut plain = Zeroizing::new(Vec::with_capacity(2 * KEY_LEN));
        for layer in key.layers() {
            plain.extend_from_slice(layer);
        }
        Self::seal_bytes(wrapping, context, &plain)
    }

    /// Opens a data key.
    pub(super) fn open(
        &self,
        wrapping: &[u8; KEY_LEN],
        context: &str,
    ) -> Result<DataKey, StoreError> {
        let plain = self.open_bytes(wrapping, context)?;
        let (layers, rest) = plain.as_chunks::<KEY_LEN>();
        if layers.is_empty() || !rest.is_empty() {
            return Err(StoreError::Cryptography("unwrapping a data key"));
        }
        Ok(DataKey::from_layers(
            layers.iter().map(|layer| Zeroizing::new(*layer)).collect(),
        ))
    }

    /// Seals any secret.
    pub(super) fn seal_bytes(
        wrapping: &[u8; KEY_LEN],
        context: &str,
        secret: &[u8],
    ) -> Result<Self, StoreError> {
        let failed = |_| StoreError::Cryptography("wrapping a key");
        let cipher = RandomizedNonceKey::new(&AES_256_GCM, wrapping).map_err(failed)?;
        // Sealed in place, so that no unwiped copy of the secret stays behind.
        let mut sealed = Vec::with_capacity(secret.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(secret);
        let nonce = cipher
            .seal_in_place_append_tag(Aad::from(context.as_bytes()), &mut sealed)
            .map_err(failed)?;
        let mut out = Vec::with_capacity(NONCE_LEN + sealed.len());
        out.extend_from_slice(nonce.as_ref());
        out.extend_from_slice(&sealed);
        Ok(Self(out))
    }

    /// Opens any secret.
    pub(super) fn open_bytes(
        &self,
        wrapping: &[u8; KEY_LEN],
        context: &str,
    ) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let failed = |_| StoreError::Cryptography("unwrapping a key");
        let cipher = RandomizedNonceKey::new(&AES_256_GCM, wrapping).map_err(failed)?;
        let (nonce, sealed) = self
            .0
            .split_at_checked(NONCE_LEN)
            .ok_or(StoreError::Cryptography("unwrapping a key"))?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(failed)?;
        let mut buffer = Zeroizing::new(sealed.to_vec());
        let length = cipher
            .open_in_place(nonce, Aad::from(context.as_bytes()), buffer.as_mut_slice())
            .map_err(failed)?
            .len();
        buffer.truncate(length);
        Ok(buffer)
    }
}
