//! A store that others could have read or changed is refused, with what to do.
#![expect(
    clippy::panic,
    reason = "also in what is shared by the tests of this file"
)]

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::Path;

use keyferry_keystore::{
    Error, ErrorClass, LockedStore, PermissionFault, Store, Succession, Unlock,
};

mod fixture;
use fixture::{mode, open, ring, set_mode, store};

fn fault(dir: &Path) -> Option<(PermissionFault, std::path::PathBuf)> {
    match Store::open(dir, &Unlock::Unprotected) {
        Ok(_) => None,
        Err(error) => {
            assert_eq!(error.class(), ErrorClass::Damaged);
            assert!(error.hint().is_some());
            match error {
                Error::Permissions(problem) => Some((problem.fault, problem.path)),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn group_and_others_must_have_no_access() {
    let (place, mut store) = store();
    let entry = store
        .create(&ring("photos"), Succession::FirstOnly)
        .unwrap();
    let key_file = format!("keys/photos/{}.age", entry.id);
    for name in [
        "",
        "keys",
        "keys/photos",
        "store.toml",
        "identity.age",
        "lock",
        "journal.jsonl",
        "journal.head",
        &key_file,
    ] {
        let path = place.dir.join(name);
        let sound = mode(&path);
        for bit in [0o040, 0o020, 0o010, 0o004, 0o002, 0o001] {
            set_mode(&path, sound | bit);
            let (found, at) = fault(&place.dir).unwrap();
            assert_eq!(
                found,
                PermissionFault::OpenToOthers { mode: sound | bit },
                "{name}"
            );
            assert!(at.components().eq(path.components()), "{}", at.display());
        }
        set_mode(&path, sound);
    }
    assert_eq!(fault(&place.dir), None);
    assert_eq!(open(&place).list(), store.list());
}

#[test]
fn links_are_not_followed() {
    let (place, mut store) = store();
    let entry = store
        .create(&ring("photos"), Succession::FirstOnly)
        .unwrap();
    let key_file = format!("keys/photos/{}.age", entry.id);
    let link = place.folder.path().join("link");
    symlink(&place.dir, &link).unwrap();
    assert_eq!(fault(&link).unwrap().0, PermissionFault::Symlink);
    let slash = place.folder.path().join("link/");
    assert_eq!(fault(&slash).unwrap().0, PermissionFault::Symlink);
    for name in [
        "keys",
        "keys/photos",
        "store.toml",
        "identity.age",
        "lock",
        "journal.jsonl",
        "journal.head",
        &key_file,
    ] {
        let path = place.dir.join(name);
        let moved = place.folder.path().join("moved");
        fs::rename(&path, &moved).unwrap();
        symlink(&moved, &path).unwrap();
        assert_eq!(
            fault(&place.dir).unwrap().0,
            PermissionFault::Symlink,
            "{name}"
        );
        fs::remove_file(&path).unwrap();
        fs::rename(&moved, &path).unwrap();
    }
    assert_eq!(fault(&place.dir), None);
}

#[test]
fn a_link_above_the_store_is_the_users_own_affair() {
    let (place, _) = store();
    let above = place.folder.path().join("above");
    symlink(place.folder.path(), &above).unwrap();
    Store::open(&above.join("store"), &Unlock::Unprotected).unwrap();
}

#[test]
fn other_kinds_of_files_are_refused() {
    let (place, _) = store();
    let journal = place.dir.join("journal.head");
    fs::remove_file(&journal).unwrap();
    fs::create_dir(&journal).unwrap();
    set_mode(&journal, 0o700);
    assert_eq!(fault(&place.dir).unwrap().0, PermissionFault::WrongType);
}

/// Only root can give files away; the rule itself has a unit test for everybody else.
#[test]
fn foreign_owners_are_refused() {
    let (place, _) = store();
    let identity = place.dir.join("identity.age");
    if chown(&identity, Some(12345), None).is_err() {
        return;
    }
    let foreign = PermissionFault::ForeignOwner {
        owner: 12345,
        me: 0,
    };
    assert_eq!(fault(&place.dir).unwrap().0, foreign);
    chown(&identity, Some(0), None).unwrap();
    chown(&place.dir, Some(12345), None).unwrap();
    assert_eq!(fault(&place.dir).unwrap().0, foreign);
    let locked = LockedStore::open(&place.dir);
    assert!(matches!(locked, Err(Error::Permissions(_))), "{locked:?}");
}
