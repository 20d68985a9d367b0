//! What becomes of a key after it was made.
#![expect(
    clippy::unwrap_used,
    reason = "also in what is shared by the tests of this file"
)]

use std::fs;

use jiff::{SignedDuration, Timestamp};
use keyferry_key::KeyId;
use keyferry_keystore::{Error, Finding, KeyEntry, KeyState, Store, Succession};

mod fixture;
use fixture::{Place, open, ring, store};

const AT_ONCE: SignedDuration = SignedDuration::ZERO;

fn with_key() -> (Place, Store, KeyEntry) {
    let (place, mut store) = store();
    let entry = store
        .create(&ring("photos"), Succession::FirstOnly)
        .unwrap();
    (place, store, entry)
}

fn file_of(place: &Place, entry: &KeyEntry) -> std::path::PathBuf {
    place
        .dir
        .join(format!("keys/{}/{}.age", entry.ring, entry.id))
}

#[test]
fn a_retired_ring_takes_no_new_objects_but_reads_the_old() {
    let (place, mut store, entry) = with_key();
    let retired = store.retire(&ring("photos"), Some("moved away")).unwrap();
    assert_eq!(retired.state, KeyState::DecryptOnly);
    for store in [&store, &open(&place)] {
        let active = store.active(&ring("photos"));
        assert!(matches!(active, Err(Error::NoActiveKey { .. })));
        assert_eq!(store.key(&entry.id).unwrap().md5(), entry.md5);
    }
    assert!(matches!(
        store.retire(&ring("photos"), None),
        Err(Error::NoActiveKey { .. })
    ));
    let next = store
        .create(&ring("photos"), Succession::FirstOnly)
        .unwrap();
    assert_eq!(next.version, 2);
}

#[test]
fn a_compromised_key_opens_and_encrypts_nothing_new() {
    let (place, mut store, entry) = with_key();
    let known = store.compromise(&entry.id, Some("seen in a mail")).unwrap();
    assert!(known.compromised);
    let reopened = open(&place);
    assert_eq!(reopened.list()[0], known);
    assert!(reopened.active(&ring("photos")).is_err());
    assert!(reopened.key(&entry.id).is_ok());
    // Once known to others, always known to others.
    store
        .schedule_destruction(&entry.id, AT_ONCE, None)
        .unwrap();
    let kept = store.cancel_destruction(&entry.id).unwrap();
    assert_eq!(kept.state, KeyState::Compromised);
}

#[test]
fn a_pending_key_waits_until_it_is_activated() {
    let (_place, mut store, first) = with_key();
    let pending = store.create_pending(&ring("photos")).unwrap();
    assert_eq!((pending.state, pending.version), (KeyState::Pending, 2));
    assert_eq!(store.active(&ring("photos")).unwrap().0, first);
    store.activate(&pending.id).unwrap();
    assert_eq!(store.active(&ring("photos")).unwrap().0.id, pending.id);
    assert_eq!(store.list()[0].state, KeyState::DecryptOnly);
}

#[test]
fn an_active_key_is_not_destroyed() {
    let (_place, mut store, entry) = with_key();
    let refused = store
        .schedule_destruction(&entry.id, AT_ONCE, None)
        .unwrap_err();
    assert!(matches!(refused, Error::Transition { .. }), "{refused}");
    assert!(refused.hint().unwrap().contains("rotate"));
    let refused = store.destroy(&entry.id, None).unwrap_err();
    assert!(matches!(refused, Error::NotScheduled { .. }), "{refused}");
    assert!(matches!(
        store.cancel_destruction(&entry.id),
        Err(Error::NotScheduled { .. })
    ));
}

#[test]
fn destruction_waits_and_can_be_taken_back() {
    let (place, mut store, entry) = with_key();
    store.retire(&ring("photos"), None).unwrap();
    let scheduled = store
        .schedule_destruction(&entry.id, Store::DESTRUCTION_WAITS, None)
        .unwrap();
    let waits = scheduled
        .destroy_after
        .unwrap()
        .duration_since(Timestamp::now());
    assert!(waits > Store::DESTRUCTION_WAITS - SignedDuration::from_mins(5));
    assert!(waits <= Store::DESTRUCTION_WAITS);
    assert!(store.key(&entry.id).is_ok(), "it opens while it waits");
    assert!(matches!(
        store.destroy(&entry.id, None),
        Err(Error::NotDue { .. })
    ));
    assert_eq!(open(&place).list()[0], scheduled);
    let kept = store.cancel_destruction(&entry.id).unwrap();
    assert_eq!(kept.state, KeyState::DecryptOnly);
    assert_eq!(kept.destroy_after, None);
}

#[test]
fn a_destroyed_key_leaves_its_record_only() {
    let (place, mut store, entry) = with_key();
    let path = file_of(&place, &entry);
    store.retire(&ring("photos"), None).unwrap();
    store
        .schedule_destruction(&entry.id, AT_ONCE, None)
        .unwrap();
    let ciphertext = fs::read(&path).unwrap();
    let gone = store.destroy(&entry.id, Some("contract ended")).unwrap();
    assert_eq!(gone.state, KeyState::Tombstone);
    assert!(!path.exists());
    // Refused for what it is, and not because it does not open.
    let again = store.activate(&entry.id).unwrap_err();
    assert!(matches!(again, Error::Transition { .. }), "{again}");
    let store = open(&place);
    assert!(matches!(store.key(&entry.id), Err(Error::Destroyed { .. })));
    assert_eq!(store.findings(), []);
    assert_eq!(store.find_by_md5(&entry.md5), None);

    // A file that came back, or that a crash left, goes when the store is next opened.
    fs::write(&path, ciphertext).unwrap();
    fixture::set_mode(&path, 0o600);
    let store = open(&place);
    assert_eq!(
        store.findings(),
        [Finding::OrphanSwept { path: path.clone() }]
    );
    assert!(!path.exists());
}

#[test]
fn unknown_keys_have_no_life() {
    let (_place, mut store, _) = with_key();
    let id = KeyId::generate().unwrap();
    for refused in [
        store.compromise(&id, None),
        store.schedule_destruction(&id, AT_ONCE, None),
        store.cancel_destruction(&id),
        store.destroy(&id, None),
        store.activate(&id),
    ] {
        assert!(matches!(refused, Err(Error::UnknownKey { .. })));
    }
}
