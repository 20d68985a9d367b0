//! What every place that keeps documents must do.

use keyferry_keystore::{Documents, DocumentsError, Expected};

/// The largest document that a store writes.
const LARGEST: usize = 62 << 10;

/// Tries everything that is promised, on a place that holds nothing.
pub(crate) fn conforms(place: &dyn Documents) {
    creates_once(place);
    replaces_what_was_read(place);
    lists_below_a_prefix(place);
    removes(place);
    keeps_every_byte(place);
    one_of_many_wins(place);
    no_count_is_lost(place);
}

fn read(place: &dyn Documents, name: &str) -> Option<Vec<u8>> {
    let document = place.read(name).unwrap();
    document.map(|document| document.bytes.to_vec())
}

fn is_conflict<T>(result: Result<T, DocumentsError>) -> bool {
    matches!(result, Err(DocumentsError::Conflict { .. }))
}

fn creates_once(place: &dyn Documents) {
    let name = "once/document.age";
    assert_eq!(read(place, name), None);
    let revision = place.write(name, b"first", Expected::Absent).unwrap();
    assert_eq!(place.read(name).unwrap().unwrap().revision, revision);
    assert!(is_conflict(place.write(name, b"second", Expected::Absent)));
    assert_eq!(read(place, name).as_deref(), Some(&b"first"[..]));
}

fn replaces_what_was_read(place: &dyn Documents) {
    let name = "replaced";
    let first = place.write(name, b"1", Expected::Absent).unwrap();
    let second = place
        .write(name, b"2", Expected::At(first.clone()))
        .unwrap();
    assert_ne!(first, second);
    assert!(is_conflict(place.write(
        name,
        b"3",
        Expected::At(first.clone())
    )));
    assert_eq!(read(place, name).as_deref(), Some(&b"2"[..]));
    // The same content again is another state all the same.
    let third = place
        .write(name, b"2", Expected::At(second.clone()))
        .unwrap();
    assert!(is_conflict(place.write(name, b"4", Expected::At(second))));
    assert_eq!(place.read(name).unwrap().unwrap().revision, third);
    assert!(is_conflict(place.write(
        "not-there",
        b"x",
        Expected::At(first)
    )));
    assert_eq!(read(place, "not-there"), None);
}

fn lists_below_a_prefix(place: &dyn Documents) {
    for name in ["list/b", "list/a/c.age", "list/a/b.age", "listed"] {
        place
            .write(name, name.as_bytes(), Expected::Absent)
            .unwrap();
    }
    assert_eq!(
        place.names("list/").unwrap(),
        ["list/a/b.age", "list/a/c.age", "list/b"]
    );
    assert_eq!(
        place.names("list/a/").unwrap(),
        ["list/a/b.age", "list/a/c.age"]
    );
    assert_eq!(place.names("none/").unwrap(), Vec::<String>::new());
}

fn removes(place: &dyn Documents) {
    let name = "removed/document";
    let old = place.write(name, b"1", Expected::Absent).unwrap();
    place.remove(name).unwrap();
    assert_eq!(read(place, name), None);
    place.remove(name).unwrap();
    place.remove("removed/never-there").unwrap();
    assert_eq!(place.names("removed/").unwrap(), Vec::<String>::new());
    assert!(is_conflict(place.write(name, b"2", Expected::At(old))));
    // The name is free again.
    place.write(name, b"3", Expected::Absent).unwrap();
    assert_eq!(read(place, name).as_deref(), Some(&b"3"[..]));
    assert_eq!(place.names("removed/").unwrap(), [name]);
}

fn keeps_every_byte(place: &dyn Documents) {
    let all: Vec<u8> = (0..=u8::MAX).collect();
    let large: Vec<u8> = all.iter().copied().cycle().take(LARGEST).collect();
    for (name, bytes) in [("bytes/all", &all), ("bytes/large", &large)] {
        place.write(name, bytes, Expected::Absent).unwrap();
        assert!(read(place, name).as_ref() == Some(bytes), "{name}");
    }
}

fn one_of_many_wins(place: &dyn Documents) {
    let outcomes: Vec<bool> = std::thread::scope(|scope| {
        let racers: Vec<_> = (0..6)
            .map(|racer| {
                scope.spawn(move || {
                    let bytes = format!("racer {racer}");
                    match place.write("race/created", bytes.as_bytes(), Expected::Absent) {
                        Ok(_) => true,
                        Err(DocumentsError::Conflict { .. }) => false,
                        Err(error) => panic!("{error}"),
                    }
                })
            })
            .collect();
        racers
            .into_iter()
            .map(|racer| racer.join().unwrap())
            .collect()
    });
    assert_eq!(
        outcomes.iter().filter(|won| **won).count(),
        1,
        "{outcomes:?}"
    );
    let winner = outcomes.iter().position(|won| *won).unwrap();
    let found = read(place, "race/created").unwrap();
    assert_eq!(found, format!("racer {winner}").as_bytes());
}

/// Several count up by compare-and-set: no step may be lost or done twice.
fn no_count_is_lost(place: &dyn Documents) {
    const RACERS: usize = 4;
    const STEPS: usize = 5;
    let name = "race/count";
    place.write(name, b"0", Expected::Absent).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..RACERS {
            scope.spawn(|| {
                let mut done = 0;
                while done < STEPS {
                    let document = place.read(name).unwrap().unwrap();
                    let count: usize = std::str::from_utf8(&document.bytes)
                        .unwrap()
                        .parse()
                        .unwrap();
                    let next = (count + 1).to_string();
                    let expected = Expected::At(document.revision);
                    match place.write(name, next.as_bytes(), expected) {
                        Ok(_) => done += 1,
                        Err(DocumentsError::Conflict { .. }) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            });
        }
    });
    let total = (RACERS * STEPS).to_string();
    assert_eq!(read(place, name).as_deref(), Some(total.as_bytes()));
}
