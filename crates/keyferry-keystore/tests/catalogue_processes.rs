//! The catalogue under several processes at once, and with very many objects.

#![expect(
    clippy::unwrap_used,
    reason = "also outside of the functions that clippy knows as tests"
)]

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use keyferry_keystore::{ObjectUse, Store, Succession, Unlock};

mod fixture;
use fixture::{Place, open, ring, store};

const DIR: &str = "KEYFERRY_TEST_STORE";
const NUMBER: &str = "KEYFERRY_TEST_NUMBER";

fn version(number: usize) -> ObjectUse {
    ObjectUse::new(
        "album",
        format!("photo {number}"),
        Some(format!("v{number}")),
    )
}

fn file(place: &Place) -> PathBuf {
    place.dir.join("catalogue.sqlite")
}

/// Runs one test of this file in a process of its own, with a store to work on.
fn spawn(test: &str, place: &Place, number: usize) -> Child {
    Command::new(env::current_exe().unwrap())
        .args([test, "--exact", "--ignored", "--nocapture"])
        .env(DIR, &place.dir)
        .env(NUMBER, number.to_string())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
#[ignore = "run by other tests, in processes of their own"]
fn recorder() {
    let Some(dir) = env::var_os(DIR) else { return };
    let number: usize = env::var(NUMBER).unwrap().parse().unwrap();
    for round in 0..10 {
        let mut store = Store::open(dir.as_ref(), &Unlock::Unprotected).unwrap();
        let id = store.list()[number % 2].id.clone();
        let object = version(number * 100 + round);
        store
            .record_use(&id, std::slice::from_ref(&object))
            .unwrap();
        assert_eq!(store.key_of(&object.bucket, &object.key, None), Some(id));
        assert_eq!(store.catalogue_findings(), []);
    }
}

#[test]
fn eight_that_record_at_once_lose_nothing() {
    let (place, mut store) = store();
    let one = store
        .create(&ring("one"), Succession::FirstOnly)
        .unwrap()
        .id;
    let two = store
        .create(&ring("two"), Succession::FirstOnly)
        .unwrap()
        .id;
    store.record_use(&one, &[version(9999)]).unwrap();
    let recorders: Vec<Child> = (0..8)
        .map(|number| spawn("recorder", &place, number))
        .collect();
    for mut recorder in recorders {
        assert!(recorder.wait().unwrap().success());
    }
    let store = open(&place);
    assert_eq!(store.write_block(), None);
    store.check_catalogue();
    assert_eq!(store.uses_of(&one).count(), 41);
    assert_eq!(store.uses_of(&two).count(), 40);
    assert_eq!(store.catalogue_findings(), []);
    // And the journal says the same.
    fs::remove_file(file(&place)).unwrap();
    let store = open(&place);
    assert_eq!(
        store.uses_of(&one).count() + store.uses_of(&two).count(),
        81
    );
}

#[test]
#[ignore = "run by other tests, in processes of their own"]
fn bulk() {
    let Some(dir) = env::var_os(DIR) else { return };
    let start = Instant::now();
    let mut store = Store::open(dir.as_ref(), &Unlock::Unprotected).unwrap();
    let id = store.list()[0].id.clone();
    for quarter in 0..4 {
        let versions: Vec<ObjectUse> = (0..25_000).map(|n| version(quarter * 25_000 + n)).collect();
        store.record_use(&id, &versions).unwrap();
    }
    fs::remove_file(dir.clone().into_string().unwrap() + "/catalogue.sqlite").unwrap();
    let store = Store::open(dir.as_ref(), &Unlock::Unprotected).unwrap();
    assert_eq!(store.key_of("album", "photo 99999", None), Some(id.clone()));
    assert_eq!(store.uses_of(&id).count(), 100_000);
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    let took = start.elapsed();
    eprintln!("100,000 uses: {took:?}, peak {kib} KiB");
    assert!(kib < 200 << 10, "{kib} KiB");
    assert!(took < Duration::from_secs(120), "{took:?}");
}

#[test]
fn a_hundred_thousand_uses_take_little_time_and_memory() {
    let (place, mut store) = store();
    store.create(&ring("one"), Succession::FirstOnly).unwrap();
    assert!(spawn("bulk", &place, 0).wait().unwrap().success());
}
