//! The key an object's segments are sealed under.

use aws_lc_rs::hkdf;
use zeroize::Zeroizing;

/// Bytes of every key in the lab.
pub(crate) const KEY_LEN: usize = 32;

/// An object's data key: one layer, or two independent ones under DSSE-KMS. Wiped on drop;
/// prints as `DataKey`.
#[derive(Clone)]
pub(crate) struct DataKey {
    layers: Vec<Zeroizing<[u8; KEY_LEN]>>,
}

impl DataKey {
    /// One layer.
    pub(super) fn single(key: Zeroizing<[u8; KEY_LEN]>) -> Self {
        Self { layers: vec![key] }
    }

    /// Random keys for `layers` layers.
    pub(super) fn random(layers: usize) -> Self {
        let layers = (0..layers)
            .map(|_| Zeroizing::new(rand::random()))
            .collect();
        Self { layers }
    }

    /// From the layers' keys, innermost first.
    pub(super) fn from_layers(layers: Vec<Zeroizing<[u8; KEY_LEN]>>) -> Self {
        Self { layers }
    }

    /// The layers' keys, innermost first.
    pub(super) fn layers(&self) -> impl Iterator<Item = &[u8; KEY_LEN]> {
        self.layers.iter().map(|key| &**key)
    }
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataKey")
    }
}

/// The output length of a key derivation.
pub(super) struct KeyLength;

impl hkdf::KeyType for KeyLength {
    fn len(&self) -> usize {
        KEY_LEN
    }
}
