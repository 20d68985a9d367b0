//! `Store::check` finds what is wrong, and nothing else.
#![expect(
    clippy::unwrap_used,
    reason = "also in what is shared by the tests of this file"
)]

use std::fs;
use std::os::unix::fs::symlink;

use jiff::SignedDuration;
use keyferry_key::import::{Format, decode};
use keyferry_keystore::{
    CheckItem, CheckLevel, CheckSubject, PermissionFault, Role, Store, Succession, fix_permissions,
};

mod fixture;
use fixture::{Place, mode, open, ring, set_mode, store};

fn filled() -> (Place, Store) {
    let (place, mut store) = store();
    for name in ["photos", "letters"] {
        store.create(&ring(name), Succession::FirstOnly).unwrap();
    }
    (place, store)
}

/// What is wrong, short of what backups there are.
fn faults(store: &Store) -> Vec<CheckItem> {
    let mut items = store.check().unwrap();
    let backups = items
        .iter()
        .filter(|item| item.subject == CheckSubject::Backups);
    let warned = backups.filter(|item| item.level == CheckLevel::Warning);
    let keys = store.list().iter().filter(|entry| entry.state.has_key());
    assert_eq!(warned.count(), keys.count(), "no key is in a backup");
    items.retain(|item| item.subject != CheckSubject::Backups);
    for subject in [
        CheckSubject::Permissions,
        CheckSubject::Journal,
        CheckSubject::KeyFiles,
        CheckSubject::Strength,
        CheckSubject::States,
        CheckSubject::Openers,
        CheckSubject::Catalogue,
        CheckSubject::Leftovers,
    ] {
        assert!(
            items.iter().any(|item| item.subject == subject),
            "{subject:?}"
        );
    }
    items.retain(|item| item.level != CheckLevel::Sound);
    items
}

#[test]
fn a_sound_store_has_no_faults() {
    let (place, store) = filled();
    assert_eq!(faults(&store), []);
    let before = fixture::files(&place.dir);
    assert_eq!(faults(&open(&place)), []);
    assert_eq!(fixture::files(&place.dir), before);
}

#[test]
fn each_damaged_key_is_named() {
    let (place, store) = filled();
    let entry = store.list()[1].clone();
    let path = place
        .dir
        .join(format!("keys/{}/{}.age", entry.ring, entry.id));
    let sound = fs::read(&path).unwrap();
    let mut damaged = sound.clone();
    *damaged.last_mut().unwrap() ^= 1;
    for content in [Some(damaged), Some(Vec::new()), None] {
        match content {
            Some(bytes) => fs::write(&path, bytes).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        let faults = faults(&open(&place));
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert_eq!(faults[0].subject, CheckSubject::KeyFiles);
        assert_eq!(faults[0].level, CheckLevel::Error);
        assert_eq!(faults[0].key.as_ref(), Some(&entry.id));
        assert!(faults[0].hint.is_some());
    }
}

#[test]
fn a_broken_journal_is_an_error() {
    let (place, _) = filled();
    let path = place.dir.join("journal.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("photos", "phones", 1)).unwrap();
    let faults = faults(&open(&place));
    assert!(
        faults
            .iter()
            .any(|item| item.subject == CheckSubject::Journal && item.level == CheckLevel::Error),
        "{faults:?}"
    );
}

#[test]
fn all_open_permissions_are_found_and_put_right() {
    let (place, _) = filled();
    let journal = place.dir.join("journal.jsonl");
    let keys = place.dir.join("keys");
    for (path, bits) in [(&journal, 0o644), (&keys, 0o750), (&place.dir, 0o755)] {
        set_mode(path, bits);
    }
    let link = place.dir.join("link");
    symlink("/etc/hostname", &link).unwrap();
    let fixed = fix_permissions(&place.dir).unwrap();
    assert_eq!(fixed.changed.len(), 3, "{fixed:?}");
    assert_eq!(fixed.remaining.len(), 1);
    assert_eq!(fixed.remaining[0].fault, PermissionFault::Symlink);
    assert_eq!(mode(&place.dir), 0o700);
    assert_eq!(mode(&journal), 0o600);
    let faults = faults(&open(&place));
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!(faults[0].subject, CheckSubject::Permissions);
    assert_eq!(faults[0].path.as_ref(), Some(&link));
    fs::remove_file(&link).unwrap();
    assert_eq!(fix_permissions(&place.dir).unwrap(), Default::default());
}

#[test]
fn weak_pending_compromised_and_due_keys_are_warned_about() {
    let (_place, mut store) = filled();
    let weak = decode(b"0123456789abcdef0123456789abcdee", Format::Raw).unwrap();
    let role = Role::DecryptOnly;
    store
        .import(&ring("photos"), &weak, "a test", role)
        .unwrap();
    let pending = store.create_pending(&ring("letters")).unwrap();
    let known = store.list()[0].id.clone();
    store.compromise(&known, None).unwrap();
    let due = store.retire(&ring("letters"), None).unwrap().id;
    store
        .schedule_destruction(&due, SignedDuration::ZERO, None)
        .unwrap();
    let faults = faults(&store);
    let of = |subject| {
        faults
            .iter()
            .filter(move |item| item.subject == subject)
            .map(|item| item.key.clone().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(of(CheckSubject::Strength).len(), 1);
    assert_eq!(of(CheckSubject::States), [known, due, pending.id]);
    assert!(faults.iter().all(|item| item.level == CheckLevel::Warning));
    assert_eq!(faults.len(), 4);
}

#[test]
fn foreign_files_are_warned_about() {
    let (place, _) = filled();
    let foreign = place.dir.join("keys/photos/notes.txt");
    fs::write(&foreign, "not a key").unwrap();
    set_mode(&foreign, 0o600);
    let faults = faults(&open(&place));
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!(faults[0].subject, CheckSubject::Leftovers);
    assert_eq!(faults[0].path.as_ref(), Some(&foreign));
}
