//! HMAC seals on lines of JSON.
//!
//! The store's recipient is public, so encryption alone does not tell who wrote a file. A sealed
//! object ends in `,"mac":"…"}`, and the MAC covers every byte before that, after the seal of the
//! object that precedes it. Bytes are compared as they lie on disk, so nothing depends on how JSON
//! could also be written.

use base64::prelude::{BASE64_STANDARD_NO_PAD, Engine};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

const INTRODUCTION: &[u8] = b",\"mac\":\"";
const END: &[u8] = b"\"}";
const MAC_CHARACTERS: usize = 43;

/// A MAC over one object and, through the chain, all before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seal([u8; 32]);

impl Seal {
    /// What precedes the first object of a chain, and an object that is in no chain.
    pub(crate) const NONE: Self = Self([0; 32]);

    pub(crate) fn to_text(self) -> String {
        BASE64_STANDARD_NO_PAD.encode(self.0)
    }

    pub(crate) fn from_text(text: &[u8]) -> Option<Self> {
        let bytes = BASE64_STANDARD_NO_PAD.decode(text).ok()?;
        bytes.try_into().ok().map(Self)
    }
}

/// The key to one kind of seal.
pub(crate) struct SealKey(Zeroizing<[u8; 32]>);

impl SealKey {
    /// Derives the key for a purpose by HKDF-SHA256.
    pub(crate) fn derive(salt: &[u8], secret: &[u8], purpose: &str) -> Option<Self> {
        let mut key = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(Some(salt), secret)
            .expand(purpose.as_bytes(), key.as_mut_slice())
            .ok()?;
        Some(Self(key))
    }

    fn mac(&self, previous: Seal, prefix: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_slice()).ok()?;
        mac.update(&previous.0);
        mac.update(prefix);
        Some(mac)
    }

    /// The MAC over a list of fields, each of which goes in with its length.
    pub(crate) fn of_fields(&self, fields: &[&[u8]]) -> Option<[u8; 32]> {
        Some(self.over_fields(fields)?.finalize().into_bytes().into())
    }

    /// Whether a MAC over a list of fields holds.
    pub(crate) fn holds_for_fields(&self, fields: &[&[u8]], mac: &[u8]) -> bool {
        self.over_fields(fields)
            .is_some_and(|over| over.verify_slice(mac).is_ok())
    }

    fn over_fields(&self, fields: &[&[u8]]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_slice()).ok()?;
        for field in fields {
            mac.update(&u64::try_from(field.len()).ok()?.to_be_bytes());
            mac.update(field);
        }
        Some(mac)
    }

    /// Seals a JSON object in place.
    pub(crate) fn seal(&self, previous: Seal, object: &mut Vec<u8>) -> Option<Seal> {
        object.pop_if(|last| *last == b'}')?;
        let seal = Seal(self.mac(previous, object)?.finalize().into_bytes().into());
        object.extend_from_slice(INTRODUCTION);
        object.extend_from_slice(seal.to_text().as_bytes());
        object.extend_from_slice(END);
        Some(seal)
    }

    /// The seal of an object, if it holds.
    pub(crate) fn verify(&self, previous: Seal, object: &[u8]) -> Option<Seal> {
        let object = object.strip_suffix(END)?;
        let (object, text) = object.split_at_checked(object.len().checked_sub(MAC_CHARACTERS)?)?;
        let prefix = object.strip_suffix(INTRODUCTION)?;
        let seal = Seal::from_text(text)?;
        self.mac(previous, prefix)?.verify_slice(&seal.0).ok()?;
        Some(seal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_cannot_be_shifted_into_each_other() {
        let key = SealKey::derive(b"store", b"secret", "rows").unwrap();
        let mac = key.of_fields(&[b"ab", b"c"]).unwrap();
        assert!(key.holds_for_fields(&[b"ab", b"c"], &mac));
        for other in [&[b"a".as_slice(), b"bc"], &[b"abc".as_slice(), b""]] {
            assert!(!key.holds_for_fields(other, &mac));
        }
        assert!(!key.holds_for_fields(&[b"ab", b"c"], &mac[..16]));
    }

    #[test]
    fn every_flip_breaks_the_seal() {
        let key = SealKey::derive(b"store", b"secret", "journal").unwrap();
        let mut object = br#"{"seq":1,"what":"x"}"#.to_vec();
        let seal = key.seal(Seal::NONE, &mut object).unwrap();
        assert!(serde_json::from_slice::<serde_json::Value>(&object).is_ok());
        assert_eq!(key.verify(Seal::NONE, &object), Some(seal));
        assert_eq!(
            key.verify(seal, &object),
            None,
            "another place in the chain"
        );
        let other = SealKey::derive(b"store", b"secret", "head").unwrap();
        assert_eq!(other.verify(Seal::NONE, &object), None, "another purpose");
        for byte in 0..object.len() {
            for bit in 0..8 {
                let mut flipped = object.clone();
                flipped[byte] ^= 1 << bit;
                assert_eq!(key.verify(Seal::NONE, &flipped), None, "{byte}.{bit}");
            }
        }
        for length in 0..object.len() {
            assert_eq!(key.verify(Seal::NONE, &object[..length]), None);
        }
    }
}
