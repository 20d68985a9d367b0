//! The keys of a store, in the order in which they are worth trying on an object.
//!
//! First what the catalogue has recorded for the version, then the key that its tag names, then
//! other keys recorded for the object; then the rings of those, and the ring that is configured for
//! the bucket; then the other rings. Within a ring the active key comes first, then newer before older
//! ones. No more than a bounded number is tried.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use keyferry_key::{CustomerKey, KeyId};
use keyferry_keystore::{Error, KeyEntry, KeyState, ObjectUse, RingName, Store};
use keyferry_transfer::ObjectAddress;
use keyferry_verify::CandidateKeys;

/// Which keys of a store are tried, and how many.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    /// Only these; all where nothing is said.
    pub(crate) only: Option<Only>,
    /// The ring that is configured for the bucket.
    pub(crate) expected: Option<RingName>,
    /// How many are tried at most, besides what was recorded.
    pub(crate) most: usize,
}

/// The keys that were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Only {
    /// One.
    Key(KeyId),
    /// Those of a ring.
    Ring(RingName),
}

/// A store whose keys are tried.
pub(crate) struct StoreKeys {
    store: Mutex<Store>,
    choice: Choice,
    /// Keys that were opened: a scan asks for the same ones again and again.
    opened: Mutex<HashMap<KeyId, CustomerKey>>,
}

impl Only {
    /// Whether a key is one of these.
    pub(crate) fn includes(&self, entry: &KeyEntry) -> bool {
        match self {
            Self::Key(id) => entry.id == *id,
            Self::Ring(ring) => entry.ring == *ring,
        }
    }
}

impl StoreKeys {
    pub(crate) fn new(store: Store, choice: Choice) -> Self {
        Self {
            store: Mutex::new(store),
            choice,
            opened: Mutex::default(),
        }
    }

    /// The store.
    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that S3 has shown these versions to need a key.
    pub(crate) fn record_found(&self, id: &KeyId, objects: &[ObjectUse]) -> Result<(), Error> {
        self.store().record_found(id, objects)
    }

    /// How many keys could be tried if there were no bound.
    pub(crate) fn available(&self) -> usize {
        let store = self.store();
        store
            .list()
            .iter()
            .filter(|entry| self.may_try(entry))
            .count()
    }

    fn may_try(&self, entry: &KeyEntry) -> bool {
        let only = self.choice.only.as_ref();
        entry.state.has_key() && only.is_none_or(|only| only.includes(entry))
    }
}

impl CandidateKeys for StoreKeys {
    fn recorded(&self, address: &ObjectAddress, version_id: Option<&str>) -> Option<KeyId> {
        let store = self.store();
        let id = store.key_of(address.bucket.as_str(), &address.key, version_id)?;
        let entry = store.entry(&id).ok()?;
        self.may_try(entry).then_some(id)
    }

    fn candidates(
        &self,
        address: &ObjectAddress,
        _version_id: Option<&str>,
        tag: Option<&KeyId>,
    ) -> Vec<KeyId> {
        let store = self.store();
        let recorded: Vec<KeyId> = store
            .versions_of(address.bucket.as_str(), &address.key)
            .into_iter()
            .map(|recorded| recorded.id)
            .collect();
        let hinted = |id: &KeyId| Some(id) == tag || recorded.contains(id);
        let rings: Vec<&RingName> = store
            .list()
            .iter()
            .filter(|entry| hinted(&entry.id))
            .map(|entry| &entry.ring)
            .collect();
        let mut entries: Vec<&KeyEntry> = store
            .list()
            .iter()
            .filter(|entry| self.may_try(entry))
            .collect();
        entries.sort_by_cached_key(|entry| {
            (
                Some(&entry.id) != tag,
                recorded
                    .iter()
                    .position(|id| *id == entry.id)
                    .unwrap_or(usize::MAX),
                !rings.contains(&&entry.ring),
                self.choice.expected.as_ref() != Some(&entry.ring),
                entry.state != KeyState::Active,
                std::cmp::Reverse(entry.version),
            )
        });
        entries.truncate(self.choice.most);
        entries.into_iter().map(|entry| entry.id.clone()).collect()
    }

    fn open(&self, id: &KeyId) -> Result<CustomerKey, String> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = opened.get(id) {
            return Ok(key.clone());
        }
        let key = self.store().key(id).map_err(|error| {
            let cause = std::error::Error::source(&error);
            cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
        })?;
        opened.insert(id.clone(), key.clone());
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyferry_keystore::{Succession, Unlock};

    #[test]
    fn likely_keys_come_first() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::init(&folder.path().join("store"), &Unlock::Unprotected).unwrap();
        let mut key = |ring: &str| {
            let ring = ring.parse().unwrap();
            store.create(&ring, Succession::Supersede).unwrap().id
        };
        let (a1, a2, b1, b2, c1) = (key("a"), key("a"), key("b"), key("b"), key("c"));
        let object: ObjectAddress = "s3://bucket/key".parse().unwrap();
        store
            .record_use(&a1, &[ObjectUse::new("bucket", "key", Some("1"))])
            .unwrap();
        let mut keys = StoreKeys::new(
            store,
            Choice {
                only: None,
                expected: Some("c".parse().unwrap()),
                most: 4,
            },
        );
        assert_eq!(keys.recorded(&object, Some("1")), Some(a1.clone()));
        assert_eq!(keys.recorded(&object, Some("2")), None);
        let order = keys.candidates(&object, Some("2"), Some(&b1));
        assert_eq!(order, [b1.clone(), a1.clone(), a2, b2]);
        let other: ObjectAddress = "s3://bucket/other".parse().unwrap();
        assert_eq!(keys.candidates(&other, None, None)[0], c1);
        assert_eq!(keys.available(), 5);

        keys.choice.only = Some(Only::Ring("b".parse().unwrap()));
        assert_eq!(keys.recorded(&object, Some("1")), None);
        assert_eq!(keys.candidates(&object, None, Some(&a1)).len(), 2);
        keys.choice.only = Some(Only::Key(b1.clone()));
        assert_eq!(keys.candidates(&object, None, None), [b1]);
    }
}
