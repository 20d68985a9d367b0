//! Several processes with one store.

#![expect(
    clippy::unwrap_used,
    reason = "also outside of the functions that clippy knows as tests"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use keyferry_key::import::{Format, decode};
use keyferry_keystore::{KeyEntry, KeyState, RingName, Role, Store, Succession, Unlock};

mod fixture;
use fixture::{open, ring, store};

const DIR: &str = "KEYFERRY_TEST_STORE";
const NUMBER: &str = "KEYFERRY_TEST_NUMBER";
const PROCESSES: usize = 8;

/// Runs one test of this file in a process of its own, with a store to work on.
fn spawn(test: &str, dir: &PathBuf, number: usize) -> Child {
    Command::new(env::current_exe().unwrap())
        .args([test, "--exact", "--ignored", "--nocapture"])
        .env(DIR, dir)
        .env(NUMBER, number.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// How long the processes work at once; in seconds, by this variable.
const SECONDS: &str = "KEYFERRY_TEST_SECONDS";

fn how_long() -> Duration {
    let asked = env::var(SECONDS).ok().map(|text| text.parse().unwrap());
    Duration::from_secs(asked.unwrap_or(4))
}

/// Makes, rotates, imports, retires and reads keys until the time is over, each time from a store
/// opened anew, and prints the id of each key that it was told is safe.
#[test]
#[ignore = "run by other tests, in processes of their own"]
fn worker() {
    let Some(dir) = env::var_os(DIR) else { return };
    let number = env::var(NUMBER).unwrap();
    let own = ring(&format!("own-{number}"));
    let end = Instant::now() + how_long();
    let mut round: usize = 0;
    while Instant::now() < end {
        round += 1;
        let mut store = Store::open(dir.as_ref(), &Unlock::Unprotected).unwrap();
        assert_eq!(store.write_block(), None);
        let made = match round % 4 {
            // All in one ring: they take turns.
            0 => store
                .create(&ring("shared"), Succession::Supersede)
                .unwrap(),
            // In a ring of its own, where nobody else makes versions.
            1 => store.create(&own, Succession::Supersede).unwrap(),
            2 => {
                let pending = store.create_pending(&ring("shared")).unwrap();
                store.activate(&pending.id).unwrap()
            }
            // The same key from all of them: one is first, to the others it is nothing new.
            _ => {
                let bytes: Vec<u8> = (0..32_usize)
                    .map(|at| (round * 17 + at * at * 5 + 3).to_le_bytes()[0])
                    .collect();
                let key = decode(&bytes, Format::Raw).unwrap();
                let role = Role::DecryptOnly;
                let came = store.import(&ring("imports"), &key, "a test", role);
                came.unwrap().entry().clone()
            }
        };
        println!("made {}", made.id);
        // What another process made is there, too, and opens.
        let all = store.list();
        let other = &all[(round * 31) % all.len()];
        assert_eq!(store.key(&other.id).unwrap().md5(), other.md5);
        assert_eq!(store.key(&made.id).unwrap().md5(), made.md5);
    }
}

#[test]
fn eight_processes_create_read_and_rotate_at_once() {
    let (place, _) = store();
    let workers: Vec<Child> = (0..PROCESSES)
        .map(|number| spawn("worker", &place.dir, number))
        .collect();
    let mut told = BTreeSet::new();
    for worker in workers {
        let output = worker.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let printed = String::from_utf8(output.stdout).unwrap();
        told.extend(
            printed
                .lines()
                .filter_map(|line| Some(line.split_once("made ")?.1.to_owned())),
        );
    }
    let store = open(&place);
    assert_eq!(store.write_block(), None);
    assert_eq!(store.findings(), []);
    let there: BTreeSet<String> = store
        .list()
        .iter()
        .map(|entry| entry.id.to_string())
        .collect();
    assert_eq!(there, told, "every key was told to be safe, and is");
    assert!(there.len() > 4 * PROCESSES, "{}", there.len());
    let mut rings: BTreeMap<&RingName, Vec<&KeyEntry>> = BTreeMap::new();
    for entry in store.list() {
        assert_eq!(store.key(&entry.id).unwrap().md5(), entry.md5);
        rings.entry(&entry.ring).or_default().push(entry);
    }
    for (name, mut entries) in rings {
        entries.sort_by_key(|entry| entry.version);
        let versions: Vec<u32> = entries.iter().map(|entry| entry.version).collect();
        let count = u32::try_from(versions.len()).unwrap();
        assert_eq!(versions, (1..=count).collect::<Vec<_>>(), "{name}");
        let active = entries
            .iter()
            .filter(|entry| entry.state == KeyState::Active);
        assert_eq!(
            active.count(),
            usize::from(*name != ring("imports")),
            "{name}"
        );
    }
    println!(
        "{PROCESSES} processes, {} s: {} keys, {} journal entries",
        how_long().as_secs(),
        there.len(),
        store.journal_length()
    );
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
