//! What a store in a place is.

use keyferry_keystore::{Error, ErrorClass, LockedStore, Store, Succession, Unlock};

use crate::fixture::{mode, passphrase, quick, ring};
use crate::machine::{Machine, check_sound, unlock};
use crate::places::conformance::conforms;
use crate::places::memory::Memory;

#[test]
fn memory_is_a_place() {
    conforms(&Memory::default());
}

#[test]
fn a_store_is_seen_by_every_machine() {
    let memory = Memory::default();
    let (one, two) = (Machine::new(), Machine::new());
    let mut here = one.init(&memory);
    let photos = ring("photos");
    let first = here.create(&photos, Succession::FirstOnly).unwrap();
    let mut there = two.open(&memory);
    assert_eq!(there.active(&photos).unwrap().0, first);
    assert_eq!(there.id(), here.id());
    let second = there.create(&photos, Succession::Supersede).unwrap();
    assert_eq!(second.version, 2);
    // What the other wrote is seen by listing without the passphrase, by refreshing, and by writing.
    assert_eq!(one.find(&memory).list().unwrap(), there.list());
    assert_eq!(here.list(), std::slice::from_ref(&first));
    here.refresh().unwrap();
    assert_eq!(here.list(), there.list());
    there.create(&photos, Succession::Supersede).unwrap();
    let fourth = here.create(&photos, Succession::Supersede).unwrap();
    assert_eq!(fourth.version, 4);
    assert_eq!(here.key(&first.id).unwrap().md5(), first.md5);
    assert_eq!(here.place().as_deref(), Some("memory:"));
    check_sound(&one, &memory);
    check_sound(&two, &memory);
}

#[test]
fn the_layout_is_that_of_a_folder() {
    let memory = Memory::default();
    let machine = Machine::new();
    let mut store = machine.init(&memory);
    let made = store
        .create(&ring("photos"), Succession::FirstOnly)
        .unwrap();
    let names: Vec<String> = memory.documents().into_keys().collect();
    assert_eq!(
        names,
        [
            "identity.age".to_owned(),
            "journal/000001".to_owned(),
            format!("keys/photos/{}.age", made.id),
            "store.toml".to_owned()
        ]
    );
    // No key, and no identity, is anywhere in the clear.
    let (_, key) = store.active(&ring("photos")).unwrap();
    for (name, bytes) in memory.documents() {
        let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        assert!(!holds(key.expose()), "{name}");
        assert!(!holds(b"AGE-SECRET-KEY"), "{name}");
    }
    assert_eq!(mode(&machine.place.dir), 0o700);
}

#[test]
fn a_working_copy_is_no_store_of_its_own() {
    let memory = Memory::default();
    let machine = Machine::new();
    machine.init(&memory);
    for refused in [
        Store::open(&machine.place.dir, &unlock()).map(drop),
        LockedStore::open(&machine.place.dir).map(drop),
    ] {
        let error = refused.unwrap_err();
        assert!(matches!(error, Error::IsWorkingCopy { .. }), "{error:?}");
        assert!(error.hint().unwrap().contains("memory:"));
    }
    // Nor is a store a working copy.
    let other = Machine::new();
    Store::init(&other.place.dir, &Unlock::Unprotected).unwrap();
    let error = other.try_open(memory.boxed()).unwrap_err();
    assert!(matches!(error, Error::OtherPlace { .. }), "{error:?}");
    let error = other.try_init(Memory::default().boxed()).unwrap_err();
    assert_eq!(error.class(), ErrorClass::Usage, "{error:?}");
}

#[test]
fn a_place_without_a_store_is_named() {
    let error = Machine::new()
        .try_open(Memory::default().boxed())
        .unwrap_err();
    assert_eq!(error.to_string(), "there is no key store at `memory:`");
    assert_eq!(error.class(), ErrorClass::Locked);
}

#[test]
fn an_identity_does_not_leave_in_the_clear() {
    let memory = Memory::default();
    let machine = Machine::new();
    let made = Store::init_remote(
        memory.boxed(),
        &machine.place.dir,
        &Unlock::Unprotected,
        quick(),
    );
    let error = made.unwrap_err();
    assert!(matches!(error, Error::Unprotected { .. }), "{error:?}");
    assert!(memory.documents().is_empty() && !machine.place.dir.exists());
}

#[test]
fn a_second_store_is_not_made_over_the_first() {
    let memory = Memory::default();
    let (one, two) = (Machine::new(), Machine::new());
    let store = one.init(&memory);
    for machine in [&one, &two] {
        let error = machine.try_init(memory.boxed()).unwrap_err();
        assert!(matches!(error, Error::StoreExists { .. }), "{error:?}");
    }
    assert_eq!(two.open(&memory).id(), store.id());
}

#[test]
fn a_wrong_passphrase_opens_nothing() {
    let memory = Memory::default();
    let machine = Machine::new();
    machine.init(&memory);
    let stranger = Machine::new();
    let wrong = passphrase("battery staple");
    let opened = Store::open_remote(memory.boxed(), &stranger.place.dir, &wrong);
    assert!(
        matches!(opened, Err(Error::WrongPassphrase { .. })),
        "{opened:?}"
    );
    stranger.open(&memory);
}

#[test]
fn a_long_journal_lies_in_segments() {
    let memory = Memory::default();
    let (one, two) = (Machine::new(), Machine::new());
    let mut here = one.init(&memory);
    let mut there = two.open(&memory);
    let photos = ring("photos");
    let made = here.create(&photos, Succession::FirstOnly).unwrap();
    for number in 0..150 {
        let to = format!("{number} {}", "x".repeat(500));
        here.hand_out(&made.id, &to).unwrap();
        if number % 10 == 0 {
            there.create(&photos, Succession::Supersede).unwrap();
        }
    }
    let segments: Vec<usize> = memory
        .documents()
        .iter()
        .filter(|(name, _)| name.starts_with("journal/"))
        .map(|(_, bytes)| bytes.len())
        .collect();
    assert!(segments.len() >= 3, "{segments:?}");
    assert!(
        segments.iter().all(|length| *length < 64 << 10),
        "{segments:?}"
    );
    let full = segments.iter().rev().skip(1);
    assert!(full.clone().all(|length| *length >= 32 << 10));
    check_sound(&one, &memory);
    check_sound(&two, &memory);
}
