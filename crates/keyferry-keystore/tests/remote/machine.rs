//! Machines that share a store in a place.

use std::collections::BTreeMap;
use std::fs;

use keyferry_keystore::{Documents, Error, KeyState, LockedStore, Store, Unlock};

use crate::fixture::{Place, copy, files, passphrase, place, quick};
use crate::places::memory::Memory;

/// A machine: a folder for working copies.
pub(crate) struct Machine {
    pub(crate) place: Place,
}

pub(crate) fn unlock() -> Unlock {
    passphrase("correct horse")
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self { place: place() }
    }

    /// One that has the working copy of another.
    pub(crate) fn with_copy_of(other: &Self) -> Self {
        let machine = Self::new();
        if other.place.dir.exists() {
            copy(&other.place.dir, &machine.place.dir);
        }
        machine
    }

    pub(crate) fn try_init(&self, documents: Box<dyn Documents>) -> Result<Store, Error> {
        Store::init_remote(documents, &self.place.dir, &unlock(), quick())
    }

    pub(crate) fn try_open(&self, documents: Box<dyn Documents>) -> Result<Store, Error> {
        Store::open_remote(documents, &self.place.dir, &unlock())
    }

    pub(crate) fn init(&self, memory: &Memory) -> Store {
        self.try_init(memory.boxed()).unwrap()
    }

    pub(crate) fn open(&self, memory: &Memory) -> Store {
        self.try_open(memory.boxed()).unwrap()
    }

    pub(crate) fn find(&self, memory: &Memory) -> LockedStore {
        LockedStore::open_remote(memory.boxed(), &self.place.dir).unwrap()
    }
}

/// Everything that holds of a store and its place after whatever happened.
pub(crate) fn check_sound(machine: &Machine, memory: &Memory) -> Store {
    drop(machine.open(memory));
    let store = machine.open(memory);
    assert_eq!(store.write_block(), None);
    assert_eq!(store.findings(), [], "recovery was not complete");
    check_keys(&store);
    agrees(machine, memory, &store);
    // A machine that comes new sees the same.
    let stranger = Machine::new();
    let other = stranger.open(memory);
    assert_eq!(other.write_block(), None);
    assert_eq!(other.findings(), []);
    assert_eq!(other.list(), store.list());
    check_keys(&other);
    assert_eq!(stranger.find(memory).list().unwrap(), store.list());
    store
}

pub(crate) fn check_keys(store: &Store) {
    let mut versions: Vec<_> = store
        .list()
        .iter()
        .map(|entry| (entry.ring.clone(), entry.version))
        .collect();
    versions.sort();
    versions.dedup();
    assert_eq!(
        versions.len(),
        store.list().len(),
        "a version was used twice"
    );
    let mut active = BTreeMap::new();
    for entry in store.list() {
        if entry.state.has_key() {
            assert_eq!(store.key(&entry.id).unwrap().md5(), entry.md5);
        }
        if entry.state == KeyState::Active {
            let before = active.insert(entry.ring.clone(), entry.version);
            assert_eq!(before, None, "ring `{}` has two active keys", entry.ring);
        }
    }
}

/// The place and the working copy have the same journal and the same keys.
fn agrees(machine: &Machine, memory: &Memory, store: &Store) {
    let documents = memory.documents();
    let segments = documents
        .iter()
        .filter(|(name, _)| name.starts_with("journal/"));
    let there: Vec<u8> = segments.flat_map(|(_, bytes)| bytes.clone()).collect();
    let here = fs::read(machine.place.dir.join("journal.jsonl")).unwrap();
    assert!(there == here, "the journals differ");
    for entry in store.list().iter().filter(|entry| entry.state.has_key()) {
        let name = format!("keys/{}/{}.age", entry.ring, entry.id);
        let here = fs::read(machine.place.dir.join(&name)).unwrap();
        assert!(documents.get(&name) == Some(&here), "{name}");
    }
    for file in files(&machine.place.dir) {
        let name = file.file_name().unwrap().to_str().unwrap();
        assert!(!name.starts_with(".new-"), "{name}");
    }
}
