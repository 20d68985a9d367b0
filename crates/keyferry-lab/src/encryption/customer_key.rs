//! The customer key of a request, and what is kept to recognise it.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{hkdf, hmac};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::data_key::{DataKey, KEY_LEN, KeyLength};
use crate::store::StoreError;

/// The 32 bytes of an SSE-C request. Wiped on drop; prints as `CustomerKey`.
#[derive(Clone)]
pub(crate) struct CustomerKey(Zeroizing<[u8; KEY_LEN]>);

impl CustomerKey {
    /// Takes the decoded key. The caller wipes its own copies.
    pub(crate) fn new(bytes: [u8; KEY_LEN]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Base64 of the MD5 of the key: what `x-amz-server-side-encryption-customer-key-MD5`
    /// must be, and what responses echo.
    pub(crate) fn md5_base64(&self) -> String {
        BASE64_STANDARD.encode(Md5::digest(self.0.as_slice()))
    }

    fn data_key(&self, salt: &[u8]) -> Result<DataKey, StoreError> {
        let mut out = Zeroizing::new([0; KEY_LEN]);
        hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
            .extract(self.0.as_slice())
            .expand(&[b"keyferry-lab SSE-C data key"], KeyLength)
            .and_then(|okm| okm.fill(out.as_mut_slice()))
            .map_err(|_| StoreError::Cryptography("deriving a data key"))?;
        Ok(DataKey::single(out))
    }
}

impl std::fmt::Debug for CustomerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CustomerKey")
    }
}

/// Recognises a customer key without containing it: `mac = HMAC-SHA256(salt, key)`
/// (`S3-SSEC-1`). The second salt separates the data key from the verifier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeyVerifier {
    #[serde(with = "hex::serde")]
    salt: [u8; 32],
    #[serde(with = "hex::serde")]
    mac: [u8; 32],
    #[serde(with = "hex::serde")]
    data_key_salt: [u8; 32],
}

impl KeyVerifier {
    /// A verifier for `key` under fresh salts, and the data key that goes with them.
    pub(super) fn create(key: &CustomerKey) -> Result<(Self, DataKey), StoreError> {
        let (salt, data_key_salt): ([u8; 32], [u8; 32]) = (rand::random(), rand::random());
        let mac = Self::mac(&salt, key)
            .as_ref()
            .try_into()
            .map_err(|_| StoreError::Cryptography("computing a key verifier"))?;
        let verifier = Self {
            salt,
            mac,
            data_key_salt,
        };
        Ok((verifier, key.data_key(&data_key_salt)?))
    }

    /// The data key, if `key` is the one this verifier was made for.
    pub(super) fn open(&self, key: &CustomerKey) -> Result<Option<DataKey>, StoreError> {
        let mac = Self::mac(&self.salt, key);
        if verify_slices_are_equal(mac.as_ref(), &self.mac).is_err() {
            return Ok(None);
        }
        key.data_key(&self.data_key_salt).map(Some)
    }

    fn mac(salt: &[u8], key: &CustomerKey) -> hmac::Tag {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, salt), key.0.as_slice())
    }
}
