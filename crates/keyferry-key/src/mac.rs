//! Message authentication under keys derived from a customer key.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::CustomerKey;

/// Length of a code in bytes.
pub const MAC_LEN: usize = 32;

/// Length of SHA-256's block, and so of the longest key that HMAC takes as it is.
const BLOCK_LEN: usize = 64;

impl CustomerKey {
    /// HMAC-SHA256 of a message, under a key that HKDF derives from this one for one purpose.
    ///
    /// Whoever holds the customer key can make and check it, nobody else; it tells nothing about the
    /// key. Codes for one purpose are never valid for another.
    #[must_use]
    pub fn mac(&self, purpose: &'static str, message: &[u8]) -> [u8; MAC_LEN] {
        self.keyed(purpose, message).finalize().into_bytes().into()
    }

    /// Whether [`mac`](Self::mac) made this code; takes the same time whatever the code is.
    #[must_use]
    pub fn made_mac(&self, purpose: &'static str, message: &[u8], code: &[u8]) -> bool {
        self.keyed(purpose, message).verify_slice(code).is_ok()
    }

    fn keyed(&self, purpose: &'static str, message: &[u8]) -> Hmac<Sha256> {
        let mut derived = Zeroizing::new([0; BLOCK_LEN]);
        let expanded =
            Hkdf::<Sha256>::new(None, self.expose()).expand(purpose.as_bytes(), &mut *derived);
        debug_assert!(expanded.is_ok(), "64 bytes are within HKDF's limit");
        let mut mac = Hmac::<Sha256>::new(&(*derived).into());
        mac.update(message);
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_depend_on_key_purpose_and_message() {
        let key = CustomerKey::from_bytes([7; 32]);
        let code = key.mac("a", b"m");
        assert!(key.made_mac("a", b"m", &code));
        assert!(!key.made_mac("b", b"m", &code));
        assert!(!key.made_mac("a", b"n", &code));
        assert!(!key.made_mac("a", b"m", &code[1..]));
        assert!(!CustomerKey::from_bytes([8; 32]).made_mac("a", b"m", &code));
    }

    /// Computed apart, with Python's `hmac`, step by step as RFC 5869 has it.
    #[test]
    fn the_code_is_what_others_compute() {
        let code = CustomerKey::from_bytes([7; 32]).mac("keyferry receipt 1", b"message");
        assert_eq!(
            hex::encode(code),
            "6fb4baf2bcb50fddda7d04dd1ce27672756618dcd7f680f01a3ca4a6b56b1a13"
        );
    }
}
