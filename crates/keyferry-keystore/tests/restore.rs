//! Restoring: into an empty place, into the store, into one that went another way; and what an older
//! store in place of a newer one is taken for.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "also in what is shared by the tests of this file"
)]

use std::fs;
use std::path::{Path, PathBuf};

use keyferry_key::import::{Format, decode};
use keyferry_keystore::{
    BackupError, BackupKey, BackupOptions, BackupProtection, Error, FolderDocuments, KeyState,
    LockedBackup, LockedStore, Passphrase, Reprotect, RestoreReport, Role, Store, Succession,
    Unlock, WriteBlock,
};

mod fixture;
use fixture::{Place, copy, files, mode, open, quick, ring, store};

const PASSPHRASE: &str = "a backup's own";

fn passphrase() -> Passphrase {
    Passphrase::new(PASSPHRASE.to_owned()).unwrap()
}

fn back_up(store: &mut Store, dir: &Path) {
    let mut options = BackupOptions::default();
    if !dir.exists() {
        options.protection = Some(BackupProtection::Passphrase(passphrase()));
        options.work = quick();
    }
    let documents = FolderDocuments::open_or_new(dir).unwrap();
    store.back_up(&documents, &options).unwrap();
}

fn restore_new(backup: &Path, dir: &Path) -> Result<(Store, RestoreReport), Error> {
    let documents = FolderDocuments::open(backup)?;
    let backup = LockedBackup::find(&documents)?.unlock(&BackupKey::Passphrase(passphrase()))?;
    backup.restore_new(dir, None, false)
}

fn restore_into(backup: &Path, store: &mut Store) -> Result<RestoreReport, Error> {
    let documents = FolderDocuments::open(backup)?;
    let backup = LockedBackup::find(&documents)?.unlock_with(store)?;
    backup.restore_into(store, false)
}

fn filled() -> (Place, Store, PathBuf) {
    let (place, mut store) = store();
    store
        .create(&ring("photos"), Succession::FirstOnly)
        .unwrap();
    store
        .create(&ring("photos"), Succession::Supersede)
        .unwrap();
    store
        .create(&ring("letters"), Succession::FirstOnly)
        .unwrap();
    let backup = place.folder.path().join("backup");
    back_up(&mut store, &backup);
    (place, store, backup)
}

fn same_keys(one: &Store, other: &Store) {
    assert_eq!(one.list(), other.list());
    for entry in one.list() {
        assert_eq!(one.key(&entry.id).unwrap(), other.key(&entry.id).unwrap());
    }
}

fn key_file(dir: &Path, store: &Store, position: usize) -> PathBuf {
    let entry = &store.list()[position];
    dir.join(format!("keys/{}/{}.age", entry.ring, entry.id))
}

#[test]
fn a_new_store_is_the_old_one() {
    let (place, store, backup) = filled();
    let dir = place.folder.path().join("new");
    let (mut restored, report) = restore_new(&backup, &dir).unwrap();
    assert_eq!((report.keys, report.entries), (3, 4));
    same_keys(&store, &restored);
    assert_eq!(restored.findings(), []);
    for file in files(&dir) {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    restored
        .create(&ring("photos"), Succession::Supersede)
        .unwrap();
    drop(restored);
    let unlock = Unlock::Passphrase(passphrase());
    let again = Store::open(&dir, &unlock).unwrap();
    assert_eq!(again.list().len(), 4);
    assert_eq!(again.write_block(), None);
    // And it is backed up to where it came from.
    drop(again);
    back_up(&mut Store::open(&dir, &unlock).unwrap(), &backup);

    let taken = restore_new(&backup, &dir);
    assert!(matches!(taken, Err(Error::StoreExists { .. })), "{taken:?}");
    let left: Vec<_> = fs::read_dir(place.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with('.'))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn protection_can_be_chosen_anew() {
    let (place, store, backup) = filled();
    let dir = place.folder.path().join("new");
    let documents = FolderDocuments::open(&backup).unwrap();
    let opened = LockedBackup::find(&documents)
        .unwrap()
        .unlock(&BackupKey::Passphrase(passphrase()))
        .unwrap();
    let protection = Reprotect {
        unlock: Unlock::Unprotected,
        work: quick(),
    };
    let (restored, _) = opened.restore_new(&dir, Some(&protection), false).unwrap();
    same_keys(&store, &restored);
    same_keys(&store, &Store::open(&dir, &Unlock::Unprotected).unwrap());
}

#[test]
fn missing_and_damaged_files_come_back() {
    let (place, mut store, backup) = filled();
    let [gone, damaged] = [0, 1].map(|position| key_file(&place.dir, &store, position));
    fs::remove_file(&gone).unwrap();
    fs::write(&damaged, "not a key any more").unwrap();
    let report = restore_into(&backup, &mut store).unwrap();
    assert_eq!((report.keys, report.entries), (2, 0));
    let reopened = open(&place);
    assert_eq!(reopened.findings(), []);
    for entry in reopened.list() {
        reopened.key(&entry.id).unwrap();
    }
    let aside: Vec<_> = files(&place.dir)
        .into_iter()
        .filter(|file| file.to_str().unwrap().contains("/damaged-kf-"))
        .collect();
    assert_eq!(fs::read(&aside[0]).unwrap(), b"not a key any more");
    let again = restore_into(&backup, &mut store).unwrap();
    assert_eq!(
        (again.keys, again.entries),
        (0, 0),
        "nothing was left to do"
    );
}

#[test]
fn an_older_store_goes_on_to_where_the_backup_is() {
    let (place, mut store, backup) = filled();
    let older = place.folder.path().join("older");
    copy(&place.dir, &older);
    store
        .create(&ring("photos"), Succession::Supersede)
        .unwrap();
    store.create(&ring("new"), Succession::FirstOnly).unwrap();
    back_up(&mut store, &backup);
    let mut older = Store::open(&older, &Unlock::Unprotected).unwrap();
    let report = restore_into(&backup, &mut older).unwrap();
    assert_eq!((report.keys, report.entries), (2, 2));
    same_keys(&store, &older);
    assert_eq!(older.findings(), []);
}

#[test]
fn a_newer_store_keeps_what_it_has() {
    let (_place, mut store, backup) = filled();
    store
        .create(&ring("photos"), Succession::Supersede)
        .unwrap();
    let before = store.list().to_vec();
    let report = restore_into(&backup, &mut store).unwrap();
    assert_eq!((report.keys, report.entries), (0, 0));
    assert_eq!(store.list(), before);
}

#[test]
fn histories_that_parted_are_united() {
    let (place, mut store, backup) = filled();
    let twin = place.folder.path().join("twin");
    copy(&place.dir, &twin);
    let mut twin = Store::open(&twin, &Unlock::Unprotected).unwrap();
    let here = store.create(&ring("here"), Succession::FirstOnly).unwrap();
    let there = store.create(&ring("there"), Succession::FirstOnly).unwrap();
    back_up(&mut store, &backup);
    let own = twin.create(&ring("own"), Succession::FirstOnly).unwrap();
    let given = decode(b"a key of 32 bytes for the import", Format::Auto).unwrap();
    twin.import(&ring("own"), &given, "a test", Role::DecryptOnly)
        .unwrap();
    let report = restore_into(&backup, &mut twin).unwrap();
    assert_eq!((report.keys, report.entries), (2, 0));
    for (entry, state) in [
        (&here, KeyState::Active),
        (&there, KeyState::Active),
        (&own, KeyState::Active),
    ] {
        assert_eq!(twin.entry(&entry.id).unwrap().state, state);
        assert_eq!(twin.key(&entry.id).unwrap().md5(), entry.md5);
    }
    assert_eq!(restore_into(&backup, &mut twin).unwrap().keys, 0);
}

#[test]
fn keys_that_exclude_each_other_change_nothing() {
    let (place, mut store, backup) = filled();
    let twin_dir = place.folder.path().join("twin");
    copy(&place.dir, &twin_dir);
    let mut twin = Store::open(&twin_dir, &Unlock::Unprotected).unwrap();
    store.create(&ring("aaa"), Succession::FirstOnly).unwrap();
    let here = store
        .create(&ring("photos"), Succession::Supersede)
        .unwrap();
    back_up(&mut store, &backup);
    let there = twin.create(&ring("photos"), Succession::Supersede).unwrap();
    let before: Vec<_> = files(&twin_dir)
        .into_iter()
        .map(|file| (fs::read(&file).unwrap(), file))
        .collect();
    let refused = restore_into(&backup, &mut twin).unwrap_err();
    let Error::Backup(BackupError::Conflict { conflicts, .. }) = &refused else {
        panic!("{refused:?}");
    };
    assert_eq!(conflicts.len(), 1);
    assert!(conflicts[0].contains(here.id.as_str()) && conflicts[0].contains(there.id.as_str()));
    let after: Vec<_> = files(&twin_dir)
        .into_iter()
        .map(|file| (fs::read(&file).unwrap(), file))
        .collect();
    assert_eq!(before, after);
}

#[test]
fn another_stores_backup_is_refused() {
    let (place, _, backup) = filled();
    let other = place.folder.path().join("other");
    let mut other = Store::init(&other, &Unlock::Unprotected).unwrap();
    let refused = restore_into(&backup, &mut other);
    assert!(
        matches!(refused, Err(Error::Backup(BackupError::OtherStore { .. }))),
        "{refused:?}"
    );
}

#[test]
fn what_is_sound_comes_back_if_that_is_accepted() {
    let (place, store, backup) = filled();
    let damaged = key_file(&backup, &store, 0);
    fs::write(&damaged, "x").unwrap();
    fs::remove_file(key_file(&backup, &store, 1)).unwrap();
    let dir = place.folder.path().join("new");
    let refused = restore_new(&backup, &dir).unwrap_err().to_string();
    for position in [0, 1] {
        assert!(
            refused.contains(store.list()[position].id.as_str()),
            "{refused}"
        );
    }
    assert!(!dir.exists());
    let documents = FolderDocuments::open(&backup).unwrap();
    let opened = LockedBackup::find(&documents)
        .unwrap()
        .unlock(&BackupKey::Passphrase(passphrase()))
        .unwrap();
    let (restored, report) = opened.restore_new(&dir, None, true).unwrap();
    assert_eq!((report.keys, report.faults.len()), (1, 2));
    restored.active(&ring("letters")).unwrap();
}

/// A store that a witness watches.
fn watched(dir: &Path, witness: &Path) -> Store {
    LockedStore::open(dir)
        .unwrap()
        .witnessed_in(Some(witness))
        .unlock(&Unlock::Unprotected)
        .unwrap()
}

#[test]
fn an_older_store_in_place_of_a_newer_one_is_noticed() {
    let (place, _) = store();
    let witness = place.folder.path().join("state/stores");
    let [older, newer] = ["older", "newer"].map(|name| place.folder.path().join(name));
    watched(&place.dir, &witness)
        .create(&ring("photos"), Succession::FirstOnly)
        .unwrap();
    copy(&place.dir, &older);
    let made = watched(&place.dir, &witness)
        .create(&ring("photos"), Succession::Supersede)
        .unwrap();
    fs::rename(&place.dir, &newer).unwrap();
    copy(&older, &place.dir);

    let mut store = watched(&place.dir, &witness);
    assert_eq!(
        store.write_block(),
        Some(&WriteBlock::RolledBack { seen: 3, found: 2 })
    );
    let kept: Vec<_> = files(&place.dir)
        .into_iter()
        .map(|file| fs::read(file).unwrap())
        .collect();
    let old = store.list()[0].clone();
    store.key(&old.id).unwrap();
    for refused in [
        store.create(&ring("x"), Succession::FirstOnly).map(|_| ()),
        store.active(&ring("photos")).map(|_| ()),
    ] {
        assert!(
            matches!(refused, Err(Error::ReadOnly { .. })),
            "{refused:?}"
        );
    }
    let still: Vec<_> = files(&place.dir)
        .into_iter()
        .map(|file| fs::read(file).unwrap())
        .collect();
    assert_eq!(kept, still, "nothing was written");
    // Without the witness nothing tells.
    assert_eq!(open(&place).write_block(), None);

    // The newest state is back: all is well.
    fs::remove_dir_all(&place.dir).unwrap();
    copy(&newer, &place.dir);
    assert_eq!(watched(&place.dir, &witness).write_block(), None);

    // Accepted, and from then on the newer one is the stranger.
    fs::remove_dir_all(&place.dir).unwrap();
    copy(&older, &place.dir);
    let mut store = watched(&place.dir, &witness);
    store.accept_rollback().unwrap();
    assert_eq!(store.write_block(), None);
    store
        .create(&ring("photos"), Succession::Supersede)
        .unwrap();
    assert_eq!(watched(&place.dir, &witness).write_block(), None);
    store.accept_rollback().unwrap();
    fs::remove_dir_all(&place.dir).unwrap();
    copy(&newer, &place.dir);
    let store = watched(&place.dir, &witness);
    assert!(
        matches!(
            store.write_block(),
            Some(WriteBlock::RolledBack { seen: 4, found: 3 })
        ),
        "{:?}",
        store.write_block()
    );
    store.key(&made.id).unwrap();
}

#[test]
fn an_older_journal_beside_newer_keys_takes_in_nothing() {
    let (place, _) = store();
    let witness = place.folder.path().join("stores");
    let older = place.folder.path().join("older");
    watched(&place.dir, &witness)
        .create(&ring("photos"), Succession::FirstOnly)
        .unwrap();
    copy(&place.dir, &older);
    let made = watched(&place.dir, &witness)
        .create(&ring("photos"), Succession::Supersede)
        .unwrap();
    for name in ["journal.jsonl", "journal.head"] {
        fs::copy(older.join(name), place.dir.join(name)).unwrap();
    }
    let store = watched(&place.dir, &witness);
    assert!(matches!(
        store.write_block(),
        Some(WriteBlock::RolledBack { .. })
    ));
    store.key(&made.id).unwrap();
    let journal = fs::read(place.dir.join("journal.jsonl")).unwrap();
    assert_eq!(journal, fs::read(older.join("journal.jsonl")).unwrap());
}

#[test]
fn restoring_the_latest_backup_is_no_rollback_and_an_older_one_is() {
    let (place, _) = store();
    let witness = place.folder.path().join("stores");
    let [early, late] = ["early", "late"].map(|name| place.folder.path().join(name));
    let mut store = watched(&place.dir, &witness);
    store
        .create(&ring("photos"), Succession::FirstOnly)
        .unwrap();
    back_up(&mut store, &early);
    store
        .create(&ring("photos"), Succession::Supersede)
        .unwrap();
    back_up(&mut store, &late);
    let expected = store.list().to_vec();
    drop(store);
    fs::remove_dir_all(&place.dir).unwrap();

    let reopen = || {
        LockedStore::open(&place.dir)
            .unwrap()
            .witnessed_in(Some(&witness))
            .unlock(&Unlock::Passphrase(passphrase()))
            .unwrap()
    };
    restore_new(&early, &place.dir).unwrap();
    let mut store = reopen();
    assert!(matches!(
        store.write_block(),
        Some(WriteBlock::RolledBack { .. })
    ));
    // Restoring went on from the early backup in its own way, so the later one unites with it.
    let refused = restore_into(&late, &mut store);
    assert!(
        matches!(refused, Err(Error::ReadOnly { .. })),
        "{refused:?}"
    );
    drop(store);
    fs::remove_dir_all(&place.dir).unwrap();

    restore_new(&late, &place.dir).unwrap();
    let mut store = reopen();
    assert_eq!(store.write_block(), None);
    assert_eq!(store.list(), expected);
    store.create(&ring("new"), Succession::FirstOnly).unwrap();
    assert_eq!(reopen().write_block(), None);
}

#[test]
fn the_newest_backup_brings_a_rolled_back_store_forward() {
    let (place, _) = store();
    let witness = place.folder.path().join("stores");
    let [older, backup] = ["older", "backup"].map(|name| place.folder.path().join(name));
    let mut store = watched(&place.dir, &witness);
    copy(&place.dir, &older);
    store
        .create(&ring("photos"), Succession::FirstOnly)
        .unwrap();
    back_up(&mut store, &backup);
    let expected = store.list().to_vec();
    drop(store);
    fs::remove_dir_all(&place.dir).unwrap();
    copy(&older, &place.dir);
    let mut store = watched(&place.dir, &witness);
    assert!(matches!(
        store.write_block(),
        Some(WriteBlock::RolledBack { .. })
    ));
    let report = restore_into(&backup, &mut store).unwrap();
    assert_eq!((report.keys, report.entries), (1, 1));
    assert_eq!(store.write_block(), None);
    assert_eq!(store.list(), expected);
    assert_eq!(watched(&place.dir, &witness).write_block(), None);
}

#[test]
fn a_witness_that_cannot_be_written_or_was_changed_hinders_nobody() {
    let (place, _) = store();
    let witness = place.folder.path().join("a file");
    fs::write(&witness, "in the way").unwrap();
    watched(&place.dir, &witness)
        .create(&ring("photos"), Succession::FirstOnly)
        .unwrap();
    fs::remove_file(&witness).unwrap();
    let store = watched(&place.dir, &witness);
    let file = witness.join(store.id().as_str());
    assert_eq!((mode(&file), mode(&witness)), (0o600, 0o700));
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("\"seq\":2", "\"seq\":9")).unwrap();
    assert_eq!(watched(&place.dir, &witness).write_block(), None);
}
