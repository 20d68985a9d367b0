//! Stores to try openers on.

use std::fs;
use std::path::{Path, PathBuf};

use keyferry_keystore::{Error, OpenerName, Passphrase, Store, Succession, Unlock, WorkFactor};
use tempfile::TempDir;

/// A folder that vanishes, with a store and a key in it, and what the key is.
pub(crate) struct Place {
    folder: TempDir,
    pub(crate) dir: PathBuf,
}

pub(crate) const PASSPHRASE: &str = "the first passphrase";

impl Place {
    pub(crate) fn new() -> (Self, Store) {
        let folder = tempfile::tempdir_in("/dev/shm")
            .or_else(|_| tempfile::tempdir())
            .unwrap();
        let dir = folder.path().join("store");
        let mut store = Store::init_with(&dir, &passphrase(PASSPHRASE), quick()).unwrap();
        let ring = "photos".parse().unwrap();
        store.create(&ring, Succession::FirstOnly).unwrap();
        (Self { folder, dir }, store)
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Opens the store and its key, as a process of its own would.
    pub(crate) fn open(&self, unlock: &Unlock) -> Result<Store, Error> {
        let store = Store::open(&self.dir, unlock)?;
        let (entry, key) = store.active(&"photos".parse()?)?;
        assert_eq!(entry.md5, key.md5());
        Ok(store)
    }

    pub(crate) fn opener_file(&self, name: &OpenerName) -> PathBuf {
        if *name == OpenerName::passphrase() {
            return self.dir.join("identity.age");
        }
        self.dir.join("unlock").join(format!("{name}.age"))
    }

    /// The content of every file of the store.
    pub(crate) fn contents(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut folders = vec![self.dir.clone()];
        let mut found = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let bytes = fs::read(&path).unwrap();
                    found.push((path, bytes));
                }
            }
        }
        found.sort();
        found
    }
}

pub(crate) fn passphrase(text: &str) -> Unlock {
    Unlock::Passphrase(Passphrase::new(text.to_owned()).unwrap())
}

/// A work factor for tests: no protection at all.
pub(crate) fn quick() -> WorkFactor {
    WorkFactor::new(2).unwrap()
}
