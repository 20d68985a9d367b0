//! The catalogue: what it says, and that nothing that happens to its file makes it say anything else.

#![expect(
    clippy::unwrap_used,
    reason = "also outside of the functions that clippy knows as tests"
)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use keyferry_key::KeyId;
use keyferry_keystore::{Finding, ObjectUse, Store, Succession};
use rusqlite::Connection;

mod fixture;
use fixture::{Place, copy, mode, open, ring, set_mode, store};

fn version(number: usize) -> ObjectUse {
    ObjectUse::new(
        "album",
        format!("photo {number}"),
        Some(format!("v{number}")),
    )
}

/// A store with two keys and forty versions under each; none of their names is part of another.
fn filled() -> (Place, KeyId, KeyId) {
    let (place, mut store) = store();
    let one = store
        .create(&ring("one"), Succession::FirstOnly)
        .unwrap()
        .id;
    let two = store
        .create(&ring("two"), Succession::FirstOnly)
        .unwrap()
        .id;
    let versions = |range: std::ops::Range<usize>| range.map(version).collect::<Vec<_>>();
    store.record_use(&one, &versions(0..40)).unwrap();
    store.record_use(&two, &versions(40..80)).unwrap();
    assert_eq!(store.catalogue_findings(), []);
    (place, one, two)
}

fn file(place: &Place) -> PathBuf {
    place.dir.join("catalogue.sqlite")
}

fn sqlite(place: &Place, sql: &str) {
    Connection::open(file(place))
        .unwrap()
        .execute_batch(sql)
        .unwrap();
}

/// Everything that was recorded is there.
fn complete(store: &Store, one: &KeyId, two: &KeyId) {
    for number in 0..80 {
        let object = version(number);
        let key = store.key_of(&object.bucket, &object.key, object.version.as_deref());
        assert_eq!(
            key.as_ref(),
            Some(if number < 40 { one } else { two }),
            "{object:?}"
        );
    }
    assert_eq!(store.uses_of(one).count(), 40);
    assert_eq!(store.uses_of(two).count(), 40);
}

/// The catalogue was made anew, for this reason, and says what it should.
fn rebuilt(place: &Place, reason: &str, (one, two): (&KeyId, &KeyId)) {
    let store = open(place);
    complete(&store, one, two);
    let findings = store.catalogue_findings();
    assert!(
        matches!(&findings[..], [Finding::CatalogueRebuilt { reason: found, .. }] if found.contains(reason)),
        "{reason}: {findings:?}"
    );
    assert_eq!(mode(&file(place)), 0o600);
    drop(store);
    let store = open(place);
    complete(&store, one, two);
    assert_eq!(store.catalogue_findings(), []);
}

#[test]
fn the_last_key_recorded_for_a_version_counts() {
    let (place, mut store) = store();
    let old = store
        .create(&ring("photos"), Succession::FirstOnly)
        .unwrap()
        .id;
    let new = store
        .create(&ring("photos"), Succession::Supersede)
        .unwrap()
        .id;
    assert_eq!(store.key_of("album", "a", None), None);
    assert_eq!(store.use_counts(), []);

    let first = ObjectUse::new("album", "a", Some("1"));
    let second = ObjectUse::new("album", "a", Some("2"));
    let other = ObjectUse::new("attic", "a", Some("1"));
    store.record_use(&old, &[first.clone(), other]).unwrap();
    store
        .record_use(&new, std::slice::from_ref(&second))
        .unwrap();
    assert_eq!(store.key_of("album", "a", Some("1")), Some(old.clone()));
    assert_eq!(store.key_of("album", "a", Some("2")), Some(new.clone()));
    assert_eq!(store.key_of("album", "a", Some("3")), None);
    assert_eq!(store.key_of("album", "a", None), Some(new.clone()));
    let versions = store.versions_of("album", "a");
    let ids: Vec<&KeyId> = versions.iter().map(|recorded| &recorded.id).collect();
    assert_eq!(ids, [&new, &old]);
    let counts = store.use_counts();
    let counted: Vec<_> = counts
        .iter()
        .map(|count| (&*count.bucket, count.versions))
        .collect();
    assert_eq!(counted, [("album", 1), ("album", 1), ("attic", 1)]);

    // A bucket without versions: the object was overwritten under the new key.
    for (id, name) in [(&old, None), (&new, Some("null"))] {
        store
            .record_use(id, &[ObjectUse::new("flat", "b", name)])
            .unwrap();
    }
    assert_eq!(store.key_of("flat", "b", None), Some(new.clone()));
    assert_eq!(store.key_of("flat", "b", Some("null")), Some(new.clone()));
    assert_eq!(store.versions_of("flat", "b").len(), 1);

    // What is recorded already is not recorded as found again.
    let journal = || fs::read(place.dir.join("journal.jsonl")).unwrap().len();
    let before = journal();
    store
        .record_found(&new, std::slice::from_ref(&second))
        .unwrap();
    assert_eq!(journal(), before);
    store
        .record_found(&new, std::slice::from_ref(&first))
        .unwrap();
    assert!(journal() > before);
    assert_eq!(open(&place).key_of("album", "a", Some("1")), Some(new));
}

#[test]
fn an_unknown_key_is_refused_and_nothing_is_written() {
    let (place, _, _) = filled();
    let mut store = open(&place);
    let stranger = KeyId::generate().unwrap();
    let before = fs::read(place.dir.join("journal.jsonl")).unwrap();
    store.record_use(&stranger, &[version(1)]).unwrap_err();
    assert_eq!(fs::read(place.dir.join("journal.jsonl")).unwrap(), before);
}

#[test]
fn opening_a_store_does_not_touch_the_catalogue() {
    let (place, _, _) = filled();
    fs::remove_file(file(&place)).unwrap();
    drop(open(&place));
    assert!(!file(&place).exists());
}

#[test]
fn a_deleted_one_is_made_anew() {
    let (place, one, two) = filled();
    fs::remove_file(file(&place)).unwrap();
    rebuilt(&place, "missing", (&one, &two));
}

#[test]
fn one_deleted_while_it_is_open_is_made_anew() {
    let (place, one, two) = filled();
    let mut store = open(&place);
    complete(&store, &one, &two);
    fs::remove_file(file(&place)).unwrap();
    store.record_use(&one, &[version(100)]).unwrap();
    let store = open(&place);
    let found = store.key_of("album", "photo 100", Some("v100"));
    assert_eq!(found, Some(one.clone()));
    assert_eq!(store.uses_of(&one).count(), 41);
    assert_eq!(store.uses_of(&two).count(), 40);
    assert_eq!(store.catalogue_findings(), []);
}

#[test]
fn a_cut_one_is_made_anew() {
    let (place, one, two) = filled();
    let sound = fs::read(file(&place)).unwrap();
    for length in (0..sound.len()).step_by(sound.len() / 40) {
        fs::write(file(&place), &sound[..length]).unwrap();
        rebuilt(&place, "", (&one, &two));
    }
}

#[test]
fn flipped_bits_never_lead_to_another_key() {
    let (place, one, two) = filled();
    let sound = fs::read(file(&place)).unwrap();
    for at in (0..sound.len()).step_by(sound.len() / 120) {
        let mut flipped = sound.clone();
        flipped[at] ^= 1 << (at % 8);
        fs::write(file(&place), &flipped).unwrap();
        let store = open(&place);
        for number in [0, 39, 40, 79] {
            let object = version(number);
            let right = if number < 40 { &one } else { &two };
            // A lookup may miss what has moved, but finds nothing wrong.
            let key = store.key_of(&object.bucket, &object.key, object.version.as_deref());
            assert!(key.is_none() || key.as_ref() == Some(right), "byte {at}");
        }
        store.check_catalogue();
        complete(&store, &one, &two);
    }
}

#[test]
fn forgeries_are_rejected() {
    let (place, one, two) = filled();
    let keys = (&one, &two);
    let forge = |sql: &str| sqlite(&place, sql);
    forge(&format!(
        "UPDATE uses SET key = '{two}' WHERE object = 'photo 3'"
    ));
    rebuilt(&place, "a row was changed", keys);
    forge("UPDATE uses SET object = 'photo 300' WHERE object = 'photo 3'");
    open(&place).check_catalogue();
    rebuilt_or_sound(&place, keys);
    // Rows that were taken away, and rows that were put elsewhere with their MAC.
    forge("DELETE FROM uses WHERE object = 'photo 3'");
    open(&place).check_catalogue();
    rebuilt_or_sound(&place, keys);
    forge(
        "UPDATE uses SET mac = (SELECT mac FROM uses WHERE object = 'photo 4') WHERE object = 'photo 3'",
    );
    rebuilt(&place, "a row was changed", keys);
    forge("UPDATE state SET seq = seq - 1");
    rebuilt(&place, "of itself was changed", keys);
    forge("UPDATE state SET store = 'another'");
    rebuilt(&place, "another store", keys);
    forge("DELETE FROM state");
    rebuilt(&place, "how far it reaches", keys);
    forge("CREATE TRIGGER evil AFTER INSERT ON uses BEGIN DELETE FROM uses; END");
    rebuilt(&place, "other tables", keys);
    forge("DROP INDEX uses_by_key");
    rebuilt(&place, "other tables", keys);
    forge("PRAGMA journal_mode = WAL");
    rebuilt(&place, "journal mode", keys);
}

fn rebuilt_or_sound(place: &Place, (one, two): (&KeyId, &KeyId)) {
    let store = open(place);
    complete(&store, one, two);
    assert_eq!(store.catalogue_findings(), [], "the check has made it anew");
}

#[test]
fn what_the_check_finds_it_says() {
    let (place, one, two) = filled();
    sqlite(&place, "DELETE FROM uses WHERE object = 'photo 3'");
    let store = open(&place);
    assert_eq!(store.uses_of(&one).count(), 40);
    let findings = store.catalogue_findings();
    assert!(
        matches!(&findings[..], [Finding::CatalogueRebuilt { reason, .. }] if reason.contains("missing")),
        "{findings:?}"
    );
    complete(&store, &one, &two);
}

#[test]
fn that_of_another_store_is_not_believed() {
    let (place, one, two) = filled();
    let (other, _, _) = filled();
    fs::copy(file(&other), file(&place)).unwrap();
    rebuilt(&place, "another store", (&one, &two));
}

#[test]
fn an_older_copy_catches_up() {
    let (place, one, two) = filled();
    let older = fs::read(file(&place)).unwrap();
    let mut store = open(&place);
    store.record_use(&two, &[version(90)]).unwrap();
    drop(store);
    fs::write(file(&place), older).unwrap();
    let store = open(&place);
    assert_eq!(store.key_of("album", "photo 90", None), Some(two.clone()));
    assert_eq!(store.uses_of(&one).count(), 40);
    assert_eq!(store.uses_of(&two).count(), 41);
    assert_eq!(store.catalogue_findings(), []);
}

#[test]
fn one_that_is_ahead_of_its_journal_is_made_anew() {
    let (place, one, two) = filled();
    let older = place.folder.path().join("older");
    copy(&place.dir, &older);
    let mut store = open(&place);
    store.record_use(&two, &[version(90)]).unwrap();
    drop(store);
    for name in ["journal.jsonl", "journal.head"] {
        fs::copy(older.join(name), place.dir.join(name)).unwrap();
    }
    rebuilt(&place, "another journal", (&one, &two));
    assert_eq!(open(&place).key_of("album", "photo 90", None), None);
}

#[test]
fn a_store_that_has_not_seen_the_latest_entries_still_answers() {
    let (place, one, two) = filled();
    let behind = open(&place);
    let mut ahead = open(&place);
    ahead.record_use(&two, &[version(90)]).unwrap();
    complete_but_one_more(&behind, &one);
    assert_eq!(behind.key_of("album", "photo 90", None), Some(two));
    assert_eq!(behind.catalogue_findings(), []);
}

fn complete_but_one_more(store: &Store, one: &KeyId) {
    assert_eq!(store.uses_of(one).count(), 40);
}

#[test]
fn links_and_open_permissions_are_replaced_and_not_followed() {
    let (place, one, two) = filled();
    let target = place.folder.path().join("target");
    fs::copy(file(&place), &target).unwrap();
    let content = fs::read(&target).unwrap();
    fs::remove_file(file(&place)).unwrap();
    symlink(&target, file(&place)).unwrap();
    rebuilt(&place, "symbolic link", (&one, &two));
    assert!(fs::symlink_metadata(file(&place)).unwrap().is_file());
    assert_eq!(fs::read(&target).unwrap(), content);

    set_mode(&file(&place), 0o644);
    rebuilt(&place, "open to other users", (&one, &two));
}

#[test]
fn where_it_cannot_be_written_it_is_made_in_memory() {
    let (place, one, two) = filled();
    fs::remove_file(file(&place)).unwrap();
    // Nothing can be renamed over a folder that is not empty, not even by root.
    fs::create_dir_all(file(&place).join("in the way")).unwrap();
    let mut store = open(&place);
    complete(&store, &one, &two);
    store.record_use(&one, &[version(95)]).unwrap();
    assert_eq!(store.key_of("album", "photo 95", None), Some(one.clone()));
    let findings = store.catalogue_findings();
    assert!(
        matches!(&findings[..], [Finding::CatalogueUnusable { .. }]),
        "{findings:?}"
    );
    drop(store);
    fs::remove_dir_all(file(&place)).unwrap();
    assert_eq!(open(&place).key_of("album", "photo 95", None), Some(one));
    assert_eq!(open(&place).findings(), []);
}

#[test]
fn a_left_over_rollback_journal_is_not_applied_to_a_new_file() {
    let (place, one, two) = filled();
    fs::remove_file(file(&place)).unwrap();
    let beside = place.dir.join("catalogue.sqlite-journal");
    fs::write(&beside, [0xd9; 4096]).unwrap();
    rebuilt(&place, "missing", (&one, &two));
    assert!(!beside.exists());
}
