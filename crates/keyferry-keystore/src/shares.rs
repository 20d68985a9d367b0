//! The store's identity in shares: any few of them together restore it, fewer say nothing.
//!
//! Shamir's scheme works on whatever it is given: from one damaged share it computes a wrong secret and
//! does not say so. So each share carries a checksum of its own, and the set it belongs to; and each
//! carries a digest of the secret, by which the result is proven before anything is done with it.

mod error;
mod share;
mod text;

use age::secrecy::ExposeSecret;
use bech32::{Bech32, Hrp};
use blahaj::Sharks;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::identity::{IDENTITY_FILE, StoreIdentity};
use crate::journal::Event;
use crate::key_file::UNFINISHED;
use crate::lock::ExclusiveLock;
use crate::{AgeIdentities, Error, LockedStore, Store, StoreId, Unlock, WorkFactor};

pub use error::ShareError;
pub use share::Share;

/// How age writes a secret key.
const SECRET_PREFIX: &str = "age-secret-key-";
const SECRET_LENGTH: usize = 32;
const DIGEST_PURPOSE: &[u8] = b"keyferry/1/shares";

/// How many shares there are, and how many of them are enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShareCounts {
    shares: u8,
    threshold: u8,
}

impl ShareCounts {
    /// From 2 to 255 shares, of which from 2 to all are needed.
    ///
    /// # Errors
    /// [`ShareError::Counts`].
    pub fn new(shares: u8, threshold: u8) -> Result<Self, Error> {
        if threshold >= 2 && threshold <= shares {
            Ok(Self { shares, threshold })
        } else {
            Err(ShareError::Counts { shares, threshold }.into())
        }
    }
}

/// A store's identity, put together from shares and proven to be the one that was split.
pub struct Recombined {
    store: StoreId,
    set: String,
    /// As an age identity file has it.
    text: Zeroizing<String>,
}

impl Recombined {
    /// Puts shares together. More than are needed are all put to use: each must fit.
    ///
    /// # Errors
    /// [`ShareError::Empty`], [`ShareError::MixedSets`], [`ShareError::Duplicate`],
    /// [`ShareError::TooFew`], [`ShareError::WrongSecret`].
    pub fn from_shares(shares: &[Share]) -> Result<Self, Error> {
        let first = shares.first().ok_or(ShareError::Empty)?;
        for (position, share) in shares.iter().enumerate() {
            if !share.is_of_set(first) {
                return Err(ShareError::MixedSets {
                    one: first.name(),
                    other: share.name(),
                }
                .into());
            }
            let earlier = shares.get(..position).unwrap_or_default();
            if let Some(same) = earlier.iter().find(|other| other.index() == share.index()) {
                return Err(ShareError::Duplicate {
                    one: same.name(),
                    other: share.name(),
                }
                .into());
            }
        }
        if shares.len() < usize::from(first.threshold()) {
            return Err(ShareError::TooFew {
                given: shares.len(),
                needed: first.threshold(),
                store: first.store().clone(),
            }
            .into());
        }
        let points: Vec<blahaj::Share> = shares.iter().filter_map(Share::point).collect();
        let wrong = || ShareError::WrongSecret {
            shares: shares.iter().map(Share::name).collect(),
        };
        let secret = Sharks(first.threshold())
            .recover(&points)
            .map(Zeroizing::new)
            .map_err(|_| wrong())?;
        if digest(first.set(), first.store(), &secret) != *first.digest() {
            return Err(wrong().into());
        }
        let prefix = Hrp::parse(SECRET_PREFIX).map_err(|_| wrong())?;
        let encoded = bech32::encode_upper::<Bech32>(prefix, &secret).map_err(|_| wrong())?;
        Ok(Self {
            store: first.store().clone(),
            set: first.set_text(),
            text: Zeroizing::new(encoded),
        })
    }

    /// The store that the identity opens.
    #[must_use]
    pub fn store(&self) -> &StoreId {
        &self.store
    }

    pub(crate) fn identity_of(&self, store: &StoreId) -> Result<StoreIdentity, Error> {
        if *store != self.store {
            return Err(ShareError::OtherStore {
                found: self.store.clone(),
                store: store.clone(),
            }
            .into());
        }
        StoreIdentity::from_text(self.text.as_bytes(), store)
            .map_err(|_| ShareError::WrongSecret { shares: Vec::new() }.into())
    }
}

impl std::fmt::Debug for Recombined {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Recombined")
            .field("store", &self.store)
            .field("set", &self.set)
            .finish_non_exhaustive()
    }
}

/// What proves a secret to be the one that was split. It tells nothing of 32 random bytes.
fn digest(set: [u8; 4], store: &StoreId, secret: &[u8]) -> [u8; share::DIGEST_LENGTH] {
    let mut hash = Sha256::new();
    for part in [DIGEST_PURPOSE, &set, store.as_str().as_bytes(), secret] {
        hash.update([u8::try_from(part.len()).unwrap_or(u8::MAX)]);
        hash.update(part);
    }
    let mut short = [0; share::DIGEST_LENGTH];
    short.copy_from_slice(
        hash.finalize()
            .get(..share::DIGEST_LENGTH)
            .unwrap_or(&[0; 8]),
    );
    short
}

impl Store {
    /// Splits the store's identity. Every set is another: shares of two of them do not go together.
    /// The shares were put together again, and gave the identity, before they are handed out.
    ///
    /// # Errors
    /// [`Error::Generate`] without randomness; as for [`Self::create`].
    pub fn split_identity(&mut self, counts: ShareCounts) -> Result<Vec<Share>, Error> {
        let lock = self.begin_write()?;
        let unusable = || Error::IdentityDamaged {
            path: self.folder.path_of(IDENTITY_FILE),
            reason: "it cannot be split".to_owned(),
        };
        let text = self.identity.secret();
        let (_, secret) = bech32::decode(text.expose_secret()).map_err(|_| unusable())?;
        let secret = Zeroizing::new(secret);
        if secret.len() != SECRET_LENGTH {
            return Err(unusable());
        }
        // Four of a store id's random bytes: enough to tell the sets of one store apart.
        let [a, b, c, d, ..] = StoreId::generate()?.to_random().ok_or_else(unusable)?;
        let set = [a, b, c, d];
        let digest = digest(set, self.id(), &secret);
        let shares: Vec<Share> = Sharks(counts.threshold)
            .dealer(&secret)
            .take(usize::from(counts.shares))
            .map(|point| Share::new(self.id().clone(), set, counts.threshold, digest, &point))
            .collect();
        let enough = shares
            .get(..usize::from(counts.threshold))
            .unwrap_or_default();
        let again = Recombined::from_shares(enough)?.identity_of(self.id())?;
        if again.recipient() != self.recipient() {
            return Err(unusable());
        }
        let event = Event::SharesMade {
            set: hex::encode(set),
            shares: counts.shares,
            threshold: counts.threshold,
        };
        self.record(&lock, event)?;
        Ok(shares)
    }
}

impl LockedStore {
    /// Opens the store by an identity put together from shares, and protects it anew: whatever
    /// protected `identity.age` does so no longer. For a store whose passphrase is lost.
    ///
    /// # Errors
    /// [`ShareError::OtherStore`], [`ShareError::WrongSecret`]; [`Error::ReadOnly`] if the store may
    /// not be written; [`Error::ReadBack`], [`Error::Io`], by which the old file stays.
    pub fn restore_identity(
        self,
        recombined: &Recombined,
        unlock: &Unlock,
        work: WorkFactor,
    ) -> Result<Store, Error> {
        let identity = recombined.identity_of(self.id())?;
        let from = format!("shares of set {}", recombined.set);
        self.put_identity_back(identity, unlock, work, from)
    }

    /// The same by the identity itself, as a recovery sheet has it.
    ///
    /// # Errors
    /// As for [`Self::restore_identity`]; [`ShareError::NotTheIdentity`].
    pub fn restore_identity_from(
        self,
        identities: &AgeIdentities,
        unlock: &Unlock,
        work: WorkFactor,
    ) -> Result<Store, Error> {
        let own = identities.own(self.id(), self.recipient());
        let identity = own.ok_or_else(|| ShareError::NotTheIdentity {
            store: self.id().clone(),
        })?;
        self.put_identity_back(identity, unlock, work, "an identity file".to_owned())
    }

    fn put_identity_back(
        self,
        identity: StoreIdentity,
        unlock: &Unlock,
        work: WorkFactor,
        from: String,
    ) -> Result<Store, Error> {
        if identity.recipient() != self.recipient() {
            return Err(ShareError::WrongSecret { shares: Vec::new() }.into());
        }
        let mut store = Store::with_identity(self, identity)?;
        let lock = store.begin_write()?;
        replace_identity(&store, &lock, unlock, work)?;
        store.record(&lock, Event::IdentityRestored { from })?;
        drop(lock);
        Ok(store)
    }
}

/// Replaces `identity.age` in one step, by a file that was proven to open.
fn replace_identity(
    store: &Store,
    _lock: &ExclusiveLock,
    unlock: &Unlock,
    work: WorkFactor,
) -> Result<(), Error> {
    let folder = &store.folder;
    let unfinished = format!("{UNFINISHED}{IDENTITY_FILE}");
    let content = store.identity.protected(folder, store.id(), unlock, work)?;
    let written = folder.write_new(&unfinished, &content).and_then(|()| {
        let read = folder.read(&unfinished, 64 << 10)?;
        if read != *content {
            return Err(Error::ReadBack {
                path: folder.path_of(&unfinished),
            });
        }
        folder.rename_over(&unfinished, IDENTITY_FILE)
    });
    if let Err(error) = written {
        let _swept_later = folder.remove_file(&unfinished);
        return Err(error);
    }
    folder.sync()
}
