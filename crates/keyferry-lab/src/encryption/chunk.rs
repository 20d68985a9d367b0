//! Sealed chunks: what data files consist of.
//!
//! A segment's plaintext is cut into chunks of 64 KiB; each is sealed by AES-256-GCM under the
//! segment's key, with its index as nonce and its index and whether it is the last as associated
//! data. So a range is read without reading what comes before, and no chunk can be changed,
//! moved, or cut off at the end unnoticed. DSSE-KMS seals the sealed chunk once more under an
//! independent key.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_256, DecryptingKey, DecryptionContext, UnboundCipherKey};
use aws_lc_rs::hkdf;
use aws_lc_rs::iv::FixedLength;
use zeroize::Zeroizing;

use super::data_key::{DataKey, KEY_LEN, KeyLength};
use crate::store::StoreError;

/// Bytes of plaintext in every chunk but the last.
pub(crate) const CHUNK_PLAINTEXT: usize = 64 * 1024;

/// Bytes that a layer of sealing adds to a chunk.
pub(super) const TAG_LEN: usize = 16;

/// Seals and opens the chunks of one segment.
pub(crate) struct SegmentCipher {
    /// Innermost first.
    layers: Vec<Layer>,
}

struct Layer {
    sealing: LessSafeKey,
    /// For reading segments that the `corrupt` fault damaged.
    raw: Zeroizing<[u8; KEY_LEN]>,
}

impl std::fmt::Debug for SegmentCipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SegmentCipher")
    }
}

impl SegmentCipher {
    /// The cipher of the segment with that salt, of an object with that data key.
    pub(crate) fn new(data_key: &DataKey, salt: &[u8]) -> Result<Self, StoreError> {
        let layers = data_key
            .layers()
            .map(|key| Layer::new(key, salt))
            .collect::<Result<_, _>>()
            .map_err(|_| StoreError::Cryptography("deriving a segment key"))?;
        Ok(Self { layers })
    }

    /// Bytes that sealing adds to each chunk.
    pub(crate) fn overhead(&self) -> usize {
        TAG_LEN * self.layers.len()
    }

    /// Bytes of a whole sealed chunk.
    pub(crate) fn sealed_chunk(&self) -> usize {
        CHUNK_PLAINTEXT + self.overhead()
    }

    /// Number of chunks for that much plaintext: one even for none.
    pub(crate) fn chunks(size: u64) -> u64 {
        size.div_ceil(CHUNK_PLAINTEXT as u64).max(1)
    }

    /// Length of the file for that much plaintext.
    pub(crate) fn sealed_len(&self, size: u64) -> u64 {
        size + Self::chunks(size) * self.overhead() as u64
    }

    /// Appends the sealed chunk to `out`.
    pub(crate) fn seal(
        &self,
        index: u64,
        last: bool,
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), StoreError> {
        let start = out.len();
        out.extend_from_slice(plaintext);
        for layer in &self.layers {
            let chunk = out.get_mut(start..).unwrap_or_default();
            let tag = layer
                .sealing
                .seal_in_place_separate_tag(nonce(index), aad(index, last), chunk)
                .map_err(|_| StoreError::Cryptography("sealing a chunk"))?;
            out.extend_from_slice(tag.as_ref());
        }
        Ok(())
    }

    /// Opens a sealed chunk in place; the plaintext is as many bytes from the start as it says.
    /// `None` if the seal does not hold.
    pub(crate) fn open(&self, index: u64, last: bool, chunk: &mut [u8]) -> Option<usize> {
        let mut length = chunk.len();
        for layer in self.layers.iter().rev() {
            let sealed = chunk.get_mut(..length)?;
            length = layer
                .sealing
                .open_in_place(nonce(index), aad(index, last), sealed)
                .ok()?
                .len();
        }
        Some(length)
    }

    /// The same without looking at the seal: damage becomes wrong plaintext.
    pub(crate) fn open_unchecked(&self, index: u64, chunk: &mut [u8]) -> Option<usize> {
        let mut length = chunk.len();
        for layer in self.layers.iter().rev() {
            length = length.checked_sub(TAG_LEN)?;
            layer.decrypt_unchecked(index, chunk.get_mut(..length)?)?;
        }
        Some(length)
    }
}

impl Layer {
    fn new(key: &[u8; KEY_LEN], salt: &[u8]) -> Result<Self, aws_lc_rs::error::Unspecified> {
        let mut raw = Zeroizing::new([0; KEY_LEN]);
        hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
            .extract(key)
            .expand(&[b"keyferry-lab segment key"], KeyLength)?
            .fill(raw.as_mut_slice())?;
        let sealing = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, raw.as_slice())?);
        Ok(Self { sealing, raw })
    }

    /// GCM encrypts in counter mode from counter 2 on.
    fn decrypt_unchecked(&self, index: u64, chunk: &mut [u8]) -> Option<()> {
        let key = UnboundCipherKey::new(&AES_256, self.raw.as_slice()).ok()?;
        let mut counter = [0; 16];
        let (nonce, block) = counter.split_at_mut(NONCE_LEN);
        nonce.copy_from_slice(&nonce_bytes(index));
        block.copy_from_slice(&2_u32.to_be_bytes());
        DecryptingKey::ctr(key)
            .ok()?
            .decrypt(chunk, DecryptionContext::Iv128(FixedLength::from(counter)))
            .ok()
            .map(|_| ())
    }
}

fn nonce_bytes(index: u64) -> [u8; NONCE_LEN] {
    // Unique: a segment's key seals each index once.
    let mut nonce = [0; NONCE_LEN];
    nonce
        .iter_mut()
        .rev()
        .zip(index.to_le_bytes())
        .for_each(|(to, from)| *to = from);
    nonce
}

fn nonce(index: u64) -> Nonce {
    Nonce::assume_unique_for_key(nonce_bytes(index))
}

fn aad(index: u64, last: bool) -> Aad<[u8; 9]> {
    let [a, b, c, d, e, f, g, h] = index.to_be_bytes();
    Aad::from([a, b, c, d, e, f, g, h, u8::from(last)])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ciphers() -> [SegmentCipher; 2] {
        [1, 2].map(|layers| SegmentCipher::new(&DataKey::random(layers), b"salt").unwrap())
    }

    proptest! {
        #[test]
        fn opens_what_it_sealed_and_nothing_else(
            data in proptest::collection::vec(any::<u8>(), 0..300),
            index in any::<u64>(),
            last: bool,
            flip in any::<prop::sample::Index>(),
            bit in 0..8_u8,
        ) {
            for cipher in ciphers() {
                let mut sealed = Vec::new();
                cipher.seal(index, last, &data, &mut sealed).unwrap();
                prop_assert_eq!(sealed.len(), data.len() + cipher.overhead());

                let mut copy = sealed.clone();
                let length = cipher.open(index, last, &mut copy).unwrap();
                prop_assert_eq!(&copy[..length], &data[..]);

                let mut copy = sealed.clone();
                let length = cipher.open_unchecked(index, &mut copy).unwrap();
                prop_assert_eq!(&copy[..length], &data[..]);

                prop_assert!(cipher.open(index, !last, &mut sealed.clone()).is_none());
                prop_assert!(cipher.open(index ^ 1, last, &mut sealed.clone()).is_none());
                let mut flipped = sealed.clone();
                let at = flip.index(flipped.len());
                flipped[at] ^= 1 << bit;
                prop_assert!(cipher.open(index, last, &mut flipped).is_none());
                let shorter = sealed.len() - 1;
                prop_assert!(cipher.open(index, last, &mut sealed[..shorter]).is_none());
            }
        }
    }

    #[test]
    fn unchecked_damage_is_wrong_plaintext_of_the_same_length() {
        for cipher in ciphers() {
            let mut sealed = Vec::new();
            cipher.seal(7, true, b"hello", &mut sealed).unwrap();
            sealed[0] ^= 1;
            let length = cipher.open_unchecked(7, &mut sealed).unwrap();
            assert_eq!(&sealed[..length], b"iello");
        }
    }

    #[test]
    fn empty_and_whole_chunks_are_counted() {
        let chunk = CHUNK_PLAINTEXT as u64;
        assert_eq!(
            [0, 1, chunk, chunk + 1].map(SegmentCipher::chunks),
            [1, 1, 1, 2]
        );
    }
}
