//! The keys of many objects.
//!
//! What the catalogue has recorded for an object is taken at its word, or else the key that opened the
//! one before it: the download itself is the proof. Only an object that this does not open is looked at
//! closely, with its tag and the other keys of the store.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_s3::Client;
use keyferry_key::{CustomerKey, KeyId};
use keyferry_policy::BucketName;
use keyferry_transfer::ObjectAddress;
use keyferry_verify::{CandidateKeys, Determined, KeyVerdict, TagHint, VerifyError, key_of};

use crate::args::KeySource;
use crate::commands::Invocation;
use crate::commands::many::JobFailure;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::keys;
use crate::store_keys::{Choice, Only, StoreKeys};

/// How many keys are tried on one object.
const MOST_TRIALS: usize = 64;

/// Where the keys of many objects come from.
pub(super) enum ObjectKeys {
    /// One for all, that no store knows.
    Given(CustomerKey),
    /// Those of a store.
    Store {
        keys: Arc<StoreKeys>,
        only: Option<Only>,
        /// What opened the last object.
        last: Mutex<Option<KeyId>>,
    },
}

/// A key to download with.
pub(super) struct Candidate {
    pub(super) key: CustomerKey,
    pub(super) id: Option<KeyId>,
    /// The version that it was proven on.
    pub(super) version_id: Option<String>,
}

impl ObjectKeys {
    pub(super) fn open(
        invocation: &Invocation,
        asked: Option<&KeySource>,
        bucket: &BucketName,
    ) -> Result<Self, Failure> {
        let only = match asked {
            None => None,
            Some(KeySource::Store(name)) => Some(name),
            Some(source) => {
                let chosen = keys::choose(&invocation.settings, &invocation.terminal, source)?;
                return Ok(Self::Given(chosen.key));
            }
        };
        let store = keys::open_store(&invocation.settings, &invocation.terminal)?;
        let only = only
            .map(|name| keys::named(store.list(), name))
            .transpose()?
            .map(Only::from);
        let choice = Choice {
            only: only.clone(),
            expected: keys::expected_ring(&invocation.settings, &store, bucket),
            most: MOST_TRIALS,
        };
        Ok(Self::Store {
            keys: Arc::new(StoreKeys::new(store, choice)),
            only,
            last: Mutex::new(None),
        })
    }

    /// The store, where there is one.
    pub(super) fn store(&self) -> Option<&Arc<StoreKeys>> {
        match self {
            Self::Given(_) => None,
            Self::Store { keys, .. } => Some(keys),
        }
    }

    /// The key that most likely opens an object.
    pub(super) fn likely(&self, address: &ObjectAddress) -> Option<Candidate> {
        match self {
            Self::Given(key) => Some(Candidate {
                key: key.clone(),
                id: None,
                version_id: None,
            }),
            Self::Store { keys, last, .. } => {
                let id = keys.recorded(address, None).or_else(|| {
                    let last = last.lock().unwrap_or_else(PoisonError::into_inner);
                    last.clone()
                });
                let id = id.or_else(|| keys.candidates(address, None, None).into_iter().next())?;
                Some(Candidate {
                    key: keys.open(&id).ok()?,
                    id: Some(id),
                    version_id: None,
                })
            }
        }
    }

    /// Remembers what opened an object.
    pub(super) fn opened(&self, id: Option<&KeyId>) {
        if let (Self::Store { last, .. }, Some(id)) = (self, id) {
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            if last.as_ref() != Some(id) {
                *last = Some(id.clone());
            }
        }
    }

    /// Finds the key of an object that the likely one does not open; `refused` says that it does not.
    pub(super) async fn find(
        &self,
        client: &Client,
        address: &ObjectAddress,
        refused: Option<JobFailure>,
    ) -> Result<Candidate, JobFailure> {
        let Self::Store { keys, only, .. } = self else {
            return Err(refused.unwrap_or_else(|| no_key(address).into()));
        };
        let found = key_of(client, address, None, &**keys).await;
        match &found.verdict {
            KeyVerdict::Known { id, .. } => {
                let key = keys.open(id).map_err(|reason| {
                    let what = format!("key `{id}` cannot be opened: {reason}");
                    Failure::new(Exit::Failure, what).hint("restore the key's file from a backup")
                })?;
                Ok(Candidate {
                    key,
                    id: Some(id.clone()),
                    version_id: found.version_id.clone(),
                })
            }
            KeyVerdict::NotCustomerKey { .. } => {
                let address = address.clone();
                Err(Failure::from(VerifyError::NotCustomerKey { address })
                    .with_exit(Exit::Key)
                    .into())
            }
            KeyVerdict::Gone => Err(Failure::from(VerifyError::SourceMissing {
                address: address.clone(),
                version_id: None,
            })
            .into()),
            KeyVerdict::Unreadable { reason } => Err(refused.unwrap_or_else(|| {
                let what = format!("`{address}` cannot be read: {reason}");
                Failure::new(Exit::Failure, what)
                    .hint("allow s3:GetObject and s3:GetObjectVersion")
                    .into()
            })),
            KeyVerdict::Foreign { .. } => Err(foreign(address, only.as_ref(), &found).into()),
        }
    }
}

fn no_key(address: &ObjectAddress) -> Failure {
    let what = format!("there is no key to open `{address}` with");
    Failure::new(Exit::Key, what).hint("`keyferry key import RING FILE` brings one into the store")
}

fn foreign(address: &ObjectAddress, only: Option<&Only>, found: &Determined) -> Failure {
    let whose = match only {
        Some(Only::Key(id)) => format!("key `{id}` does not open"),
        Some(Only::Ring(ring)) => format!("none of the keys of ring `{ring}` opens"),
        None => "none of the store's keys opens".to_owned(),
    };
    let named = match &found.tag {
        TagHint::Names(id) => format!("; its tag names `{id}`"),
        _ => String::new(),
    };
    Failure::new(Exit::Key, format!("{whose} `{address}`{named}")).hint(match only {
        Some(_) => "leave out --key to have all keys of the store tried",
        None => {
            "import the key with `keyferry key import RING FILE`; downloaded by itself, such an object \
             is looked at more closely"
        }
    })
}
