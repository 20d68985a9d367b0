//! Which objects a key encrypts.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fixture;

use fixture::{open, ring, store};
use keyferry_keystore::{Error, ObjectUse, Succession};

fn object(number: usize) -> ObjectUse {
    ObjectUse {
        bucket: "tokyo".to_owned(),
        key: format!("k{number}"),
        version: Some(format!("v{number}")),
    }
}

#[test]
fn uses_are_in_the_journal() {
    let (place, mut store) = store();
    let old = store
        .create(&ring("photos"), Succession::FirstOnly)
        .unwrap();
    let new = store
        .create(&ring("photos"), Succession::Supersede)
        .unwrap();
    let objects: Vec<ObjectUse> = (0..1234).map(object).collect();
    store.record_use(&new.id, &objects).unwrap();
    store.record_use(&new.id, &[]).unwrap();
    store.record_use(&old.id, &[object(1)]).unwrap();
    store.record_rekeyed(&new.id, "tokyo", "", 1234).unwrap();

    let store = open(&place);
    let recorded = store.recorded_uses("tokyo").unwrap();
    assert_eq!(recorded.len(), 1234);
    assert_eq!(recorded[&object(1233)], new.id);
    // The last word counts.
    assert_eq!(recorded[&object(1)], old.id);
    assert_eq!(store.recorded_uses("osaka").unwrap().len(), 0);
    let journal = std::fs::read_to_string(place.dir.join("journal.jsonl")).unwrap();
    assert_eq!(journal.matches("\"key-used\"").count(), 4);
    assert_eq!(journal.matches("\"rekeyed\"").count(), 1);
}

#[test]
fn of_keys_that_are_not_there_nothing_is_recorded() {
    let (_place, mut store) = store();
    let stranger = keyferry_key::KeyId::generate().unwrap();
    assert!(matches!(
        store.record_use(&stranger, &[object(1)]),
        Err(Error::UnknownKey { .. })
    ));
    assert!(store.record_rekeyed(&stranger, "tokyo", "", 1).is_err());
}
