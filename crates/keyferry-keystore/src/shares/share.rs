//! One share.

use std::fmt;

use zeroize::Zeroizing;

use super::{SECRET_LENGTH, ShareError, text};
use crate::{Error, StoreId};

pub(super) const DIGEST_LENGTH: usize = 8;
const KIND: u8 = 1;
const STORE_LENGTH: usize = 16;
/// Kind, set, threshold, index, store, digest, and its part of the secret.
pub(super) const LENGTH: usize = 1 + 4 + 1 + 1 + STORE_LENGTH + DIGEST_LENGTH + SECRET_LENGTH;

/// One share of a store's identity. Alone, or with fewer than it takes, it tells nothing of it.
#[derive(Clone)]
pub struct Share {
    store: StoreId,
    set: [u8; 4],
    threshold: u8,
    index: u8,
    digest: [u8; DIGEST_LENGTH],
    part: Zeroizing<[u8; SECRET_LENGTH]>,
    /// Where it was read from, for messages.
    source: Option<String>,
}

impl Share {
    pub(super) fn new(
        store: StoreId,
        set: [u8; 4],
        threshold: u8,
        digest: [u8; DIGEST_LENGTH],
        point: &blahaj::Share,
    ) -> Self {
        let bytes = Zeroizing::new(Vec::from(point));
        let (index, values) = bytes.split_first().unwrap_or((&0, &[]));
        let mut part = Zeroizing::new([0; SECRET_LENGTH]);
        for (to, from) in part.iter_mut().zip(values) {
            *to = *from;
        }
        Self {
            store,
            set,
            threshold,
            index: *index,
            digest,
            part,
            source: None,
        }
    }

    /// Reads a share: the file that it was written to, or what somebody copied by hand. Case, spaces and
    /// line breaks do not matter, and lines that begin with `#` are left out.
    ///
    /// # Errors
    /// [`ShareError::NotAShare`], [`ShareError::Miscopied`], [`ShareError::Newer`].
    pub fn parse(typed: &[u8], source: &str) -> Result<Self, Error> {
        let bytes = text::decode(typed, source)?;
        Self::from_bytes(&bytes, source).ok_or_else(|| {
            ShareError::NotAShare {
                source_name: source.to_owned(),
                reason: "its content has an unknown form".to_owned(),
            }
            .into()
        })
    }

    fn from_bytes(bytes: &[u8; LENGTH], source: &str) -> Option<Self> {
        let (_kind, rest) = bytes.split_first()?;
        let (set, rest) = rest.split_first_chunk::<4>()?;
        let (threshold, rest) = rest.split_first()?;
        let (index, rest) = rest.split_first()?;
        let (store, rest) = rest.split_first_chunk::<STORE_LENGTH>()?;
        let (digest, rest) = rest.split_first_chunk::<DIGEST_LENGTH>()?;
        let mut part = Zeroizing::new([0; SECRET_LENGTH]);
        part.copy_from_slice(rest.get(..SECRET_LENGTH)?);
        // A point at 0 would be the secret itself.
        if *index == 0 || *threshold < 2 {
            return None;
        }
        Some(Self {
            store: StoreId::from_random(*store),
            set: *set,
            threshold: *threshold,
            index: *index,
            digest: *digest,
            part,
            source: Some(source.to_owned()),
        })
    }

    fn to_bytes(&self) -> Option<Zeroizing<Vec<u8>>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(LENGTH));
        bytes.push(KIND);
        bytes.extend_from_slice(&self.set);
        bytes.extend_from_slice(&[self.threshold, self.index]);
        bytes.extend_from_slice(&self.store.to_random()?);
        bytes.extend_from_slice(&self.digest);
        bytes.extend_from_slice(self.part.as_slice());
        Some(bytes)
    }

    /// The share as it is kept: what it is for on lines that begin with `#`, then its text.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        let code = self.to_bytes().and_then(|bytes| text::encode(&bytes));
        let code = code.unwrap_or_default();
        Zeroizing::new(format!(
            "# Share {} of the identity of keyferry key store {}\n\
             # Set {}: any {} shares of this set restore it, fewer tell nothing.\n\
             # `keyferry key restore-identity FILE...` puts them together.\n\
             {}\n",
            self.index,
            self.store,
            self.set_text(),
            self.threshold,
            code.as_str()
        ))
    }

    /// Which of the shares of its set it is, from 1.
    #[must_use]
    pub fn index(&self) -> u8 {
        self.index
    }

    /// How many shares of its set restore the identity.
    #[must_use]
    pub fn threshold(&self) -> u8 {
        self.threshold
    }

    /// The store whose identity was split.
    #[must_use]
    pub fn store(&self) -> &StoreId {
        &self.store
    }

    /// The set it belongs to, in hex.
    #[must_use]
    pub fn set_text(&self) -> String {
        hex::encode(self.set)
    }

    pub(super) fn set(&self) -> [u8; 4] {
        self.set
    }

    pub(super) fn digest(&self) -> &[u8; DIGEST_LENGTH] {
        &self.digest
    }

    pub(super) fn is_of_set(&self, other: &Self) -> bool {
        (self.set, self.threshold, self.digest) == (other.set, other.threshold, other.digest)
            && self.store == other.store
    }

    pub(super) fn point(&self) -> Option<blahaj::Share> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(1 + SECRET_LENGTH));
        bytes.push(self.index);
        bytes.extend_from_slice(self.part.as_slice());
        blahaj::Share::try_from(bytes.as_slice()).ok()
    }

    /// What to call it in messages.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.source {
            Some(source) => format!("share {} ({source})", self.index),
            None => format!("share {}", self.index),
        }
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Share")
            .field("store", &self.store)
            .field("set", &self.set_text())
            .field("index", &self.index)
            .field("threshold", &self.threshold)
            .finish_non_exhaustive()
    }
}
