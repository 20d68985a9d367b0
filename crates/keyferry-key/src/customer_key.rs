//! The key itself: 32 bytes that must never be seen.

use rand::TryRng;
use rand::rngs::SysRng;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::locked::SecretBytes;
use crate::{CustomerKeyHeaders, KeyMd5};

/// A 256-bit customer key for AES-256, the only algorithm S3 accepts for SSE-C.
///
/// There is no `Display` and no `Serialize`; `Debug` prints a placeholder. The bytes stay in one
/// place, so that moving the value leaves no copies behind: on a page that is not swapped out, where
/// the system allows that. They are wiped on drop.
///
/// Secrets do not format:
///
/// ```compile_fail
/// let key = keyferry_key::CustomerKey::from_bytes([0x41; 32]);
/// println!("{key}");
/// ```
///
/// nor serialise:
///
/// ```compile_fail
/// fn serialise<T: serde::Serialize>(_: T) {}
/// serialise(keyferry_key::CustomerKey::from_bytes([0x41; 32]));
/// ```
#[derive(Clone)]
pub struct CustomerKey(SecretBytes);

/// The operating system gave no randomness.
#[derive(Debug, thiserror::Error)]
#[error("the operating system's random number generator failed")]
pub struct GenerateError(#[source] pub(crate) rand::rngs::SysError);

impl CustomerKey {
    /// Length of a customer key in bytes.
    pub const LEN: usize = 32;

    /// Makes a key from the operating system's randomness.
    ///
    /// # Errors
    /// When the operating system's generator fails; nothing weaker is tried.
    pub fn generate() -> Result<Self, GenerateError> {
        SecretBytes::fill(|bytes| SysRng.try_fill_bytes(bytes).map_err(GenerateError)).map(Self)
    }

    /// Takes 32 raw bytes as a key. The caller's array is a copy that the caller should wipe.
    #[must_use]
    pub fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(SecretBytes::from(&*Zeroizing::new(bytes)))
    }

    /// The raw bytes, for encryption of the key itself and for writing an export.
    #[must_use]
    pub fn expose(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// The MD5 of the raw bytes, by which S3 checks that the key arrived intact.
    #[must_use]
    pub fn md5(&self) -> KeyMd5 {
        KeyMd5::of(&self.0)
    }

    /// The request headers for this key.
    #[must_use]
    pub fn headers(&self) -> CustomerKeyHeaders {
        CustomerKeyHeaders::of(self)
    }

    /// True when all 32 bytes are one value: such a key is a mistake, never a choice.
    pub(crate) fn is_constant(&self) -> bool {
        let mut bytes = self.0.iter();
        let first = bytes.next();
        bytes.all(|byte| Some(byte) == first)
    }
}

impl PartialEq for CustomerKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_slice().ct_eq(other.0.as_slice()).into()
    }
}

impl Eq for CustomerKey {}

impl std::fmt::Debug for CustomerKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("CustomerKey(..)")
    }
}

impl From<Zeroizing<[u8; Self::LEN]>> for CustomerKey {
    fn from(bytes: Zeroizing<[u8; Self::LEN]>) -> Self {
        Self(SecretBytes::from(&*bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_keys_differ() -> Result<(), GenerateError> {
        assert_ne!(CustomerKey::generate()?, CustomerKey::generate()?);
        Ok(())
    }

    #[test]
    fn debug_shows_nothing_of_the_key() {
        let key = CustomerKey::from_bytes(*b"0123456789abcdef0123456789ABCDEF");
        let shown = format!("{key:?} {key:#?} {:?}", Some(&key));
        assert_eq!(
            shown,
            "CustomerKey(..) CustomerKey(..) Some(CustomerKey(..))"
        );
    }
}
