//! Rings, versions and states; imports and their repetition.
#![expect(
    clippy::unwrap_used,
    reason = "also in what is shared by the tests of this file"
)]

use keyferry_key::import::{Format, Imported, decode};
use keyferry_key::{CustomerKey, KeyId, KeyStrength};
use keyferry_keystore::{
    Error, ErrorClass, ImportOutcome, KeyState, Origin, Role, Store, Succession, Unlock,
};

mod fixture;
use fixture::{open, ring, store};

const ACTIVE: Role = Role::Active(Succession::FirstOnly);

fn given(seed: u8) -> Imported {
    let bytes: Vec<u8> = (0..32).map(|index| seed.wrapping_add(index * 7)).collect();
    decode(&bytes, Format::Auto).unwrap()
}

fn states(store: &Store) -> Vec<(u32, KeyState)> {
    let entries = store.list().iter();
    entries.map(|entry| (entry.version, entry.state)).collect()
}

#[test]
fn a_ring_has_one_active_version() {
    let (place, mut store) = store();
    let photos = ring("photos");
    let none = store.active(&photos);
    assert!(matches!(none, Err(Error::NoActiveKey { .. })), "{none:?}");

    let first = store.create(&photos, Succession::FirstOnly).unwrap();
    assert_eq!((first.version, first.state), (1, KeyState::Active));
    assert_eq!(
        (&first.origin, first.strength),
        (&Origin::Generated, KeyStrength::Full)
    );
    let refused = store.create(&photos, Succession::FirstOnly).unwrap_err();
    assert!(
        matches!(&refused, Error::RingHasActive { id, version: 1, .. } if *id == first.id),
        "{refused:?}"
    );
    assert!(refused.hint().unwrap().contains("rotate"));

    let second = store.create(&photos, Succession::Supersede).unwrap();
    assert_eq!(
        states(&store),
        [(1, KeyState::DecryptOnly), (2, KeyState::Active)]
    );
    let (entry, key) = store.active(&photos).unwrap();
    assert_eq!(entry, second);
    assert_ne!(store.key(&first.id).unwrap(), key);

    store
        .create(&ring("letters"), Succession::FirstOnly)
        .unwrap();
    let reopened = open(&place);
    assert_eq!(reopened.list(), store.list());
    assert_eq!(reopened.active(&photos).unwrap().1, key);
    assert_eq!(reopened.find_by_md5(&key.md5()).unwrap().id, second.id);
    assert!(reopened.findings().is_empty());
}

#[test]
fn importing_again_changes_nothing() {
    let (place, mut store) = store();
    let photos = ring("photos");
    let added = store.import(&photos, &given(1), "stdin", ACTIVE).unwrap();
    let ImportOutcome::Added(entry) = &added else {
        panic!("{added:?}");
    };
    assert_eq!(entry.state, KeyState::Active);
    let from_stdin = Origin::Imported {
        format: Format::Raw,
        source: "stdin".to_owned(),
    };
    assert_eq!(entry.origin, from_stdin);

    let journal = std::fs::read(place.dir.join("journal.jsonl")).unwrap();
    let again = store.import(&photos, &given(1), "a file", ACTIVE).unwrap();
    assert_eq!(again, ImportOutcome::AlreadyPresent(entry.clone()));
    assert_eq!(
        std::fs::read(place.dir.join("journal.jsonl")).unwrap(),
        journal
    );
    let elsewhere = store.import(&ring("letters"), &given(1), "stdin", ACTIVE);
    assert!(
        matches!(&elsewhere, Err(Error::InOtherRing { id, .. }) if *id == entry.id),
        "{elsewhere:?}"
    );

    let second = store.import(&photos, &given(2), "stdin", ACTIVE);
    assert!(
        matches!(second, Err(Error::RingHasActive { .. })),
        "{second:?}"
    );
    let old = store
        .import(&photos, &given(2), "stdin", Role::DecryptOnly)
        .unwrap();
    assert_eq!(old.entry().state, KeyState::DecryptOnly);
    let next = store
        .import(
            &photos,
            &given(3),
            "stdin",
            Role::Active(Succession::Supersede),
        )
        .unwrap();
    assert_eq!(
        states(&store),
        [
            (1, KeyState::DecryptOnly),
            (2, KeyState::DecryptOnly),
            (3, KeyState::Active)
        ]
    );
    assert_eq!(store.key(&next.entry().id).unwrap(), given(3).key);
}

#[test]
fn a_source_of_any_text_reads_back() {
    let (place, mut store) = store();
    let source = "a \"name\"\\ with\nüñí\u{1}".repeat(50);
    let imported = store
        .import(&ring("photos"), &given(1), &source, ACTIVE)
        .unwrap();
    let reopened = open(&place);
    assert_eq!(reopened.list(), [imported.entry().clone()]);
    assert_eq!(reopened.key(&imported.entry().id).unwrap(), given(1).key);
}

#[test]
fn only_pending_keys_are_activated() {
    let (_place, mut store) = store();
    let photos = ring("photos");
    let first = store.create(&photos, Succession::FirstOnly).unwrap();
    let again = store.activate(&first.id);
    assert!(matches!(again, Err(Error::Transition { .. })), "{again:?}");
    store.create(&photos, Succession::Supersede).unwrap();
    let back = store.activate(&first.id).unwrap_err();
    assert_eq!(back.class(), ErrorClass::Usage);
    assert_eq!(
        back.to_string(),
        format!(
            "key `{}` is decrypt-only and cannot become active",
            first.id
        )
    );
}

#[test]
fn unknown_keys_have_their_own_error() {
    let (place, mut store) = store();
    let id = KeyId::generate().unwrap();
    let error = store.key(&id).unwrap_err();
    assert_eq!(error.class(), ErrorClass::UnknownKey);
    assert!(error.to_string().contains(id.as_str()));
    let out = place.folder.path().join("key.bin");
    assert!(store.export(&id, &out).is_err());
    assert!(!out.exists());
    let stranger = CustomerKey::generate().unwrap();
    assert!(store.find_by_md5(&stranger.md5()).is_none());
}

#[test]
fn a_store_sees_what_another_process_wrote() {
    let (place, mut store) = store();
    let mut other = Store::open(&place.dir, &Unlock::Unprotected).unwrap();
    let photos = ring("photos");
    let made = other.create(&photos, Succession::FirstOnly).unwrap();
    assert!(store.list().is_empty());
    let refused = store.create(&photos, Succession::FirstOnly);
    assert!(
        matches!(refused, Err(Error::RingHasActive { .. })),
        "{refused:?}"
    );
    assert_eq!(store.list(), [made]);
    other.create(&photos, Succession::Supersede).unwrap();
    store.refresh().unwrap();
    assert_eq!(store.list(), other.list());
}
