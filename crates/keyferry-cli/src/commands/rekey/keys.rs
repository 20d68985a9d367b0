//! Keys of the store: the one to encrypt under, and those that may open an object.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use keyferry_key::{CustomerKey, KeyId};
use keyferry_keystore::{KeyEntry, KeyState, ObjectUse, RingName, Store};
use keyferry_transfer::{Candidates, KeyFinder, ListedVersion};

use crate::args::RekeyArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::keys::named_in;
use crate::terminal::Terminal;

/// How many keys are tried on an object whose tag does not help.
const MOST_TRIALS: usize = 16;

/// What the options ask for.
pub(super) struct Chosen {
    pub(super) ring: RingName,
    pub(super) id: KeyId,
    pub(super) key: CustomerKey,
    pub(super) only_from: Option<BTreeSet<KeyId>>,
}

/// The key to encrypt under, and the keys whose objects are meant.
pub(super) fn chosen(store: &Store, arguments: &RekeyArgs) -> Result<Chosen, Failure> {
    let entry = named_in(store.list(), &arguments.to)?;
    if entry.state != KeyState::Active {
        return Err(Failure::new(
            Exit::Usage,
            format!("key `{}` is {}: nothing new is encrypted under it", entry.id, entry.state),
        )
        .hint(format!(
            "give its ring, `--to {}`, for the active key; `keyferry key rotate {0}` makes a new one",
            entry.ring
        )));
    }
    let (entry, key) = store.active(&entry.ring)?;
    let mut only_from = BTreeSet::new();
    for name in &arguments.from {
        only_from.extend(keys_of(store.list(), name)?);
    }
    Ok(Chosen {
        ring: entry.ring,
        id: entry.id,
        key,
        only_from: (!only_from.is_empty()).then_some(only_from),
    })
}

/// All keys of a ring, or one key.
fn keys_of(entries: &[KeyEntry], name: &str) -> Result<Vec<KeyId>, Failure> {
    let of_ring: Vec<KeyId> = entries
        .iter()
        .filter(|entry| entry.ring.as_str() == name)
        .map(|entry| entry.id.clone())
        .collect();
    if of_ring.is_empty() {
        Ok(vec![named_in(entries, name)?.id])
    } else {
        Ok(of_ring)
    }
}

/// Every key of the store, opened once: the record of uses goes before the tag, and both before
/// trials.
pub(super) struct StoreKeys {
    keys: Vec<(KeyId, CustomerKey)>,
    recorded: BTreeMap<ObjectUse, KeyId>,
    bucket: String,
}

impl StoreKeys {
    pub(super) fn new(
        store: &Store,
        bucket: &str,
        ring: &RingName,
        terminal: &Terminal,
    ) -> Result<Self, Failure> {
        let mut entries: Vec<&KeyEntry> = store
            .list()
            .iter()
            .filter(|entry| entry.state.has_key())
            .collect();
        entries.sort_by_key(|entry| {
            (
                entry.ring != *ring,
                entry.state != KeyState::Active,
                Reverse(entry.created),
                Reverse(entry.version),
            )
        });
        let mut keys = Vec::new();
        for entry in entries {
            match store.key(&entry.id) {
                Ok(key) => keys.push((entry.id.clone(), key)),
                Err(error) => terminal.warn(format!(
                    "objects under key `{}` will not be found: {error}",
                    entry.id
                )),
            }
        }
        Ok(Self {
            keys,
            recorded: store.recorded_uses(bucket)?,
            bucket: bucket.to_owned(),
        })
    }

    /// The key that the store says a version is under.
    pub(super) fn recorded(&self, key: &str, version_id: Option<&str>) -> Option<&KeyId> {
        let version = ObjectUse {
            bucket: self.bucket.clone(),
            key: key.to_owned(),
            version: version_id.filter(|id| *id != "null").map(str::to_owned),
        };
        self.recorded.get(&version)
    }
}

impl KeyFinder for StoreKeys {
    fn candidates(&self, object: &ListedVersion, tag: Option<&KeyId>) -> Candidates {
        let recorded = self.recorded(&object.key, object.version_id.as_deref());
        let hint = [recorded, tag]
            .into_iter()
            .flatten()
            .find_map(|hint| self.keys.iter().find(|(id, _)| id == hint))
            .cloned();
        let mut others: Vec<_> = self
            .keys
            .iter()
            .filter(|(id, _)| hint.as_ref().is_none_or(|(hinted, _)| hinted != id))
            .collect();
        // Where the record is wrong, the tag may be right.
        others.sort_by_key(|(id, _)| Some(id) != tag);
        Candidates {
            hinted: hint,
            others: others.into_iter().take(MOST_TRIALS).cloned().collect(),
        }
    }
}
