//! Which key each object of a run is opened with.
//!
//! What the catalogue has recorded is taken at its word, or else what the object before needed: the HEAD
//! request that has to come anyway is the proof. Only an object that this does not open is looked at
//! closely.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use keyferry_key::{CustomerKey, CustomerKeyHeaders, KeyId};
use keyferry_transfer::{Authenticity, ObjectAddress, Receipt};

use super::options::Keys;
use crate::{Subject, VerifyError};

/// What an object is opened with.
#[derive(Clone, Default)]
pub(super) struct Opening {
    /// None for what is not under a customer key.
    pub(super) key: Option<Arc<CustomerKeyHeaders>>,
    pub(super) id: Option<KeyId>,
}

/// The keys of a run.
pub(super) struct Opener<'a> {
    pub(super) keys: Keys<'a>,
    one: Option<Arc<CustomerKeyHeaders>>,
    opened: Mutex<HashMap<KeyId, Arc<CustomerKeyHeaders>>>,
    /// What the last object needed, once one was opened.
    last: Mutex<Option<Opening>>,
}

impl<'a> Opener<'a> {
    pub(super) fn new(keys: Keys<'a>) -> Self {
        Self {
            one: match keys {
                Keys::One(key) => Some(Arc::new(key.headers())),
                Keys::None | Keys::Store(_) => None,
            },
            keys,
            opened: Mutex::default(),
            last: Mutex::default(),
        }
    }

    /// Whether an object is said to be under a customer key: by the caller, or by what was recorded.
    pub(super) fn insists(&self, address: &ObjectAddress, version_id: Option<&str>) -> bool {
        match self.keys {
            Keys::None => false,
            Keys::One(_) => true,
            // What was recorded of another version may have been of another kind.
            Keys::Store(store) => {
                version_id.is_some() && store.recorded(address, version_id).is_some()
            }
        }
    }

    /// What most likely opens an object.
    pub(super) fn likely(&self, address: &ObjectAddress, version_id: Option<&str>) -> Opening {
        let store = match self.keys {
            Keys::None => return Opening::default(),
            Keys::One(_) => {
                return Opening {
                    key: self.one.clone(),
                    id: None,
                };
            }
            Keys::Store(store) => store,
        };
        if let Some(opening) = store
            .recorded(address, version_id)
            .and_then(|id| self.opening(&id))
        {
            return opening;
        }
        if let Some(last) = &*self.last.lock().unwrap_or_else(PoisonError::into_inner) {
            return last.clone();
        }
        let first = store
            .candidates(address, version_id, None)
            .into_iter()
            .next();
        first.and_then(|id| self.opening(&id)).unwrap_or_default()
    }

    /// Remembers what an object needed.
    pub(super) fn opened(&self, opening: &Opening) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let known = last.as_ref().is_some_and(|last| last.id == opening.id);
        if !known {
            *last = Some(opening.clone());
        }
    }

    /// A key of the store.
    pub(super) fn opening(&self, id: &KeyId) -> Option<Opening> {
        let Keys::Store(store) = self.keys else {
            return None;
        };
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let key = match opened.get(id) {
            Some(key) => Arc::clone(key),
            None => {
                let key = Arc::new(store.open(id).ok()?.headers());
                opened.insert(id.clone(), Arc::clone(&key));
                key
            }
        };
        Some(Opening {
            key: Some(key),
            id: Some(id.clone()),
        })
    }

    /// What a receipt says, its seal checked with the key that it names.
    pub(super) fn of_receipt(&self, receipt: &Receipt) -> Result<(Subject, Opening), VerifyError> {
        let key = self.key_of_receipt(receipt)?;
        let opening = Opening {
            key: Some(Arc::new(key.headers())),
            id: receipt.key_id.clone(),
        };
        Ok((Subject::of_receipt(receipt, &key), opening))
    }

    /// Whether the key that a receipt names by its id shows that the receipt was changed, be it in that id.
    pub(super) fn shows_change(&self, receipt: &Receipt) -> bool {
        let (Keys::Store(store), Some(id)) = (self.keys, &receipt.key_id) else {
            return false;
        };
        store
            .open(id)
            .is_ok_and(|key| receipt.authenticity(&key) == Authenticity::Changed)
    }

    /// The key with the MD5 that the receipt names; the id in it is a hint.
    fn key_of_receipt(&self, receipt: &Receipt) -> Result<CustomerKey, VerifyError> {
        let none = || VerifyError::NoKey {
            address: receipt.source.clone(),
            expected: Some(receipt.key_md5),
        };
        let store = match self.keys {
            Keys::None => return Err(none()),
            Keys::One(key) if key.md5() == receipt.key_md5 => return Ok(key.clone()),
            Keys::One(key) => {
                return Err(VerifyError::WrongKey {
                    address: receipt.source.clone(),
                    given: key.md5(),
                    expected: Some(receipt.key_md5),
                });
            }
            Keys::Store(store) => store,
        };
        let (address, version_id) = (&receipt.source, receipt.version_id.as_deref());
        let named = receipt.key_id.as_ref();
        let likely = named.cloned().into_iter().chain(
            store
                .candidates(address, version_id, named)
                .into_iter()
                .filter(|id| Some(id) != named),
        );
        likely
            .filter_map(|id| store.open(&id).ok())
            .find(|key| key.md5() == receipt.key_md5)
            .ok_or_else(none)
    }

    /// The key of an object that this program has sent.
    pub(super) fn of_subject(&self, subject: &Subject) -> Result<Opening, VerifyError> {
        let Some(expected) = subject.key_md5 else {
            return Ok(Opening::default());
        };
        let opening = match (self.keys, &subject.key_id) {
            (Keys::Store(_), Some(id)) => self.opening(id).unwrap_or_default(),
            _ => self.likely(&subject.source, subject.version_id.as_deref()),
        };
        match &opening.key {
            Some(key) if *key.md5() == expected => Ok(opening),
            Some(key) => Err(VerifyError::WrongKey {
                address: subject.source.clone(),
                given: *key.md5(),
                expected: Some(expected),
            }),
            None => Err(VerifyError::NoKey {
                address: subject.source.clone(),
                expected: Some(expected),
            }),
        }
    }
}
