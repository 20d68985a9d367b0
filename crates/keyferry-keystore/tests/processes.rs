//! Several processes with one store.

#![expect(
    clippy::unwrap_used,
    reason = "also outside of the functions that clippy knows as tests"
)]

use std::env;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use keyferry_keystore::{KeyState, Store, Succession, Unlock};

mod fixture;
use fixture::{open, ring, store};

const DIR: &str = "KEYFERRY_TEST_STORE";
const NUMBER: &str = "KEYFERRY_TEST_NUMBER";
const PROCESSES: usize = 8;
const ROUNDS: usize = 6;

/// Runs one test of this file in a process of its own, with a store to work on.
fn spawn(test: &str, dir: &PathBuf, number: usize) -> Child {
    Command::new(env::current_exe().unwrap())
        .args([test, "--exact", "--ignored", "--nocapture"])
        .env(DIR, dir)
        .env(NUMBER, number.to_string())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
#[ignore = "run by other tests, in processes of their own"]
fn creator() {
    let Some(dir) = env::var_os(DIR) else { return };
    let number = env::var(NUMBER).unwrap();
    for round in 0..ROUNDS {
        let mut store = Store::open(dir.as_ref(), &Unlock::Unprotected).unwrap();
        store
            .create(&ring("shared"), Succession::Supersede)
            .unwrap();
        let own = ring(&format!("own-{number}"));
        store.create(&own, Succession::Supersede).unwrap();
        let version = store.active(&own).unwrap().0.version;
        assert_eq!(usize::try_from(version).unwrap(), round + 1);
    }
}

#[test]
fn eight_creators_at_once_lose_nothing() {
    let (place, _) = store();
    let creators: Vec<Child> = (0..PROCESSES)
        .map(|number| spawn("creator", &place.dir, number))
        .collect();
    for mut creator in creators {
        assert!(creator.wait().unwrap().success());
    }
    let store = open(&place);
    assert_eq!(store.write_block(), None);
    assert_eq!(store.findings(), []);
    assert_eq!(store.list().len(), 2 * PROCESSES * ROUNDS);
    let shared = store
        .list()
        .iter()
        .filter(|entry| entry.ring == ring("shared"));
    let versions: Vec<usize> = shared.clone().map(|entry| entry.version as usize).collect();
    assert_eq!(versions, (1..=PROCESSES * ROUNDS).collect::<Vec<_>>());
    assert_eq!(
        shared
            .filter(|entry| entry.state == KeyState::Active)
            .count(),
        1
    );
    for entry in store.list() {
        assert_eq!(store.key(&entry.id).unwrap().md5(), entry.md5);
    }
}

#[test]
#[ignore = "run by other tests, in processes of their own"]
fn holder() {
    let Some(dir) = env::var_os(DIR) else { return };
    let dir = PathBuf::from(dir);
    let lock = std::fs::File::open(dir.join("lock")).unwrap();
    lock.lock().unwrap();
    std::fs::write(dir.with_file_name("held"), "").unwrap();
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn a_killed_holder_gives_the_lock_back() {
    let (place, mut store) = store();
    let mut holder = spawn("holder", &place.dir, 0);
    while !place.dir.with_file_name("held").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let waiting = std::thread::spawn(move || {
        store
            .create(&ring("photos"), Succession::FirstOnly)
            .unwrap();
    });
    std::thread::sleep(Duration::from_millis(200));
    assert!(!waiting.is_finished(), "the lock did not hold");
    holder.kill().unwrap();
    holder.wait().unwrap();
    waiting.join().unwrap();
    assert_eq!(open(&place).list().len(), 1);
}

#[test]
#[ignore = "run by other tests, in processes of their own"]
fn initialiser() {
    let Some(dir) = env::var_os(DIR) else { return };
    // All but one fail here, which is no news worth a backtrace.
    if Store::init(dir.as_ref(), &Unlock::Unprotected).is_err() {
        std::process::exit(1);
    }
}

#[test]
fn of_several_who_make_a_store_one_succeeds() {
    let place = fixture::place();
    let initialisers: Vec<Child> = (0..PROCESSES)
        .map(|number| spawn("initialiser", &place.dir, number))
        .collect();
    let made = initialisers
        .into_iter()
        .filter_map(|mut child| child.wait().unwrap().success().then_some(()));
    assert_eq!(made.count(), 1);
    assert!(open(&place).list().is_empty());
}
