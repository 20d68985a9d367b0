//! Backing up and restoring, interrupted.

use std::fs;
use std::path::PathBuf;

use keyferry_keystore::{FolderDocuments, LockedBackup, Store, Unlock};

use crate::fixture::{Place, copy, open};
use crate::scenario::{with_base_key, with_photos_key};
use crate::strace::Outcome;
use crate::worker::{self, backup_key, protected};

/// Where the backup is.
pub(crate) fn dir(place: &Place) -> PathBuf {
    place.folder.path().join("backup")
}

fn back_up(place: &Place) {
    let documents = FolderDocuments::open_or_new(&dir(place)).unwrap();
    open(place).back_up(&documents, &protected()).unwrap();
}

/// How many keys the backup proves to hold.
fn tested(place: &Place) -> u32 {
    let documents = FolderDocuments::open(&dir(place)).unwrap();
    let backup = LockedBackup::find(&documents).unwrap();
    backup.unlock(&backup_key()).unwrap().test().unwrap().keys
}

/// A backup, and nothing where its store was.
pub(crate) fn with_backup_only(place: &Place) {
    with_photos_key(place);
    back_up(place);
    fs::remove_dir_all(&place.dir).unwrap();
}

/// A store that is behind its backup and has lost a file.
pub(crate) fn with_newer_backup(place: &Place) {
    with_base_key(place);
    let older = place.folder.path().join("older");
    copy(&place.dir, &older);
    with_photos_added(place);
    back_up(place);
    fs::remove_dir_all(&place.dir).unwrap();
    fs::rename(&older, &place.dir).unwrap();
    fs::remove_dir_all(place.dir.join("keys/base")).unwrap();
}

fn with_photos_added(place: &Place) {
    let ring = "photos".parse().unwrap();
    let succession = keyferry_keystore::Succession::FirstOnly;
    open(place).create(&ring, succession).unwrap();
}

pub(crate) fn check_backed_up(place: &Place, outcome: &Outcome) {
    let journal = fs::read_to_string(place.dir.join("journal.jsonl")).unwrap();
    if outcome.succeeded || journal.contains("backed-up") {
        assert_eq!(tested(place), 2);
    }
    assert!(!outcome.succeeded || journal.contains("backed-up"));
    // The next attempt goes on from whatever there is.
    back_up(place);
    assert_eq!(tested(place), 2);
}

pub(crate) fn check_restored_new(place: &Place, outcome: &Outcome) {
    if !place.dir.exists() {
        assert!(!outcome.succeeded);
        again(&["restore-new"], place);
    }
    let store = Store::open(&place.dir, &Unlock::Unprotected).unwrap();
    assert_eq!(store.list().len(), 2);
    assert_eq!(store.findings(), []);
    let hidden = fs::read_dir(place.folder.path())
        .unwrap()
        .filter(|entry| {
            let name = entry.as_ref().unwrap().file_name();
            name.to_str().unwrap().starts_with('.')
        })
        .count();
    assert_eq!(hidden, 0);
}

pub(crate) fn check_restored_into(place: &Place, outcome: &Outcome) {
    if !outcome.succeeded {
        again(&["restore-into"], place);
    }
    let store = open(place);
    assert_eq!(store.list().len(), 2);
    for entry in store.list() {
        assert_eq!(store.key(&entry.id).unwrap().md5(), entry.md5);
    }
    for ring in ["base", "photos"] {
        store.active(&ring.parse().unwrap()).unwrap();
    }
}

/// The same once more, undisturbed.
fn again(task: &[&str], place: &Place) {
    let (store, backup) = (place.dir.clone(), dir(place));
    let paths = [store.to_str().unwrap(), backup.to_str().unwrap()];
    worker::attempt(&[task, &paths].concat()).unwrap();
}
