//! What is interrupted, and what must hold afterwards.

mod openers;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use keyferry_keystore::{Finding, KeyState, Store, Succession, Unlock};

use crate::fixture::{Place, copy, files, open, place, ring, set_mode};
use crate::strace::{self, Fault, Outcome};
use crate::worker::{IMPORT_ROLE, imported};

/// An operation and its aftermath.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// Makes the store that the operation meets.
    prepare: fn(&Place),
    /// The worker's task: the operation, the store, and what else it takes.
    task: fn(&Place) -> Vec<PathBuf>,
    /// Checks what is particular to it, before anything else touches the store.
    check: fn(&Place, &Outcome),
    /// Fewer kills than this mean that the test tests nothing.
    pub(crate) at_least: u32,
}

/// Every scenario.
pub(crate) fn all() -> Vec<&'static Scenario> {
    SCENARIOS.iter().chain(&openers::SCENARIOS).collect()
}

const SCENARIOS: [Scenario; 7] = [
    Scenario {
        name: "init",
        prepare: |_| {},
        task: |place| vec!["init".into(), place.dir.clone()],
        check: check_init,
        at_least: 12,
    },
    Scenario {
        name: "create",
        prepare: with_base_key,
        task: |place| vec!["create".into(), place.dir.clone(), "photos".into()],
        check: |place, outcome| check_added(place, outcome, 1),
        at_least: 12,
    },
    Scenario {
        name: "supersede",
        prepare: with_photos_key,
        task: |place| vec!["supersede".into(), place.dir.clone(), "photos".into()],
        check: check_superseded,
        at_least: 12,
    },
    Scenario {
        name: "import",
        prepare: with_base_key,
        task: |place| vec!["import".into(), place.dir.clone(), "photos".into()],
        check: check_imported,
        at_least: 12,
    },
    Scenario {
        name: "export",
        prepare: with_photos_key,
        task: |place| {
            let task = ["export".into(), place.dir.clone(), "photos".into()];
            task.into_iter().chain([exported(place)]).collect()
        },
        check: check_exported,
        at_least: 12,
    },
    Scenario {
        name: "destroy",
        prepare: with_doomed_key,
        task: |place| vec!["destroy".into(), place.dir.clone(), "photos".into()],
        check: check_destroyed,
        at_least: 8,
    },
    Scenario {
        name: "recover",
        prepare: with_wreckage,
        task: |place| vec!["open".into(), place.dir.clone()],
        check: check_recovered,
        at_least: 12,
    },
];

/// A scenario and the store that its operation meets.
pub(crate) struct Prepared<'a> {
    scenario: &'a Scenario,
    template: Place,
}

impl Scenario {
    pub(crate) fn prepare(&self) -> Prepared<'_> {
        let template = place();
        (self.prepare)(&template);
        Prepared {
            scenario: self,
            template,
        }
    }
}

impl Prepared<'_> {
    /// A fresh copy of the store.
    fn copy(&self) -> Place {
        let place = place();
        if self.template.dir.exists() {
            copy(&self.template.dir, &place.dir);
        }
        place
    }

    /// Injects the fault at every call of this kind that matters; how many there were.
    pub(crate) fn run_all(&self, call: &str, fault: Fault) -> u32 {
        let untouched = self.copy();
        let task = (self.scenario.task)(&untouched);
        let mut tried = 0;
        for nth in strace::calls(&task, untouched.folder.path(), call, fault) {
            let place = self.copy();
            let task = (self.scenario.task)(&place);
            let outcome = strace::inject(&task, place.folder.path(), call, nth, fault);
            self.check(&place, call, fault, &outcome);
            tried += 1;
        }
        tried
    }

    fn check(&self, place: &Place, call: &str, fault: Fault, outcome: &Outcome) {
        let name = self.scenario.name;
        if let Fault::Error {
            must_fail: true, ..
        } = fault
        {
            assert!(
                !outcome.succeeded,
                "{name}: success despite {call} {outcome:?}"
            );
        }
        let attempt = std::panic::AssertUnwindSafe(|| {
            (self.scenario.check)(place, outcome);
            check_sound(place, name == "init");
        });
        if std::panic::catch_unwind(attempt).is_err() {
            panic!("{name}: {call}, {fault:?}: {outcome:?}");
        }
    }
}

/// What holds of every store after every interruption.
fn check_sound(place: &Place, new: bool) {
    let store = open(place);
    assert_eq!(store.write_block(), None);
    for entry in store.list().iter().filter(|entry| entry.state.has_key()) {
        assert_eq!(store.key(&entry.id).unwrap().md5(), entry.md5);
    }
    let mut places: Vec<_> = store
        .list()
        .iter()
        .map(|entry| (&entry.ring, entry.version))
        .collect();
    places.sort();
    places.dedup();
    assert_eq!(places.len(), store.list().len(), "a version was used twice");

    let mut again = open(place);
    assert_eq!(again.findings(), [], "recovery was not complete");
    assert_eq!(again.list(), store.list());
    for file in files(&place.dir) {
        let name = file.file_name().unwrap().to_str().unwrap();
        assert!(!name.starts_with(".new-"), "{name}");
        assert!(!name.starts_with(".removed-"), "{name}");
    }
    if !new {
        let (base, _) = again.active(&ring("base")).unwrap();
        assert_eq!(base.version, 1);
    }
    for name in ["photos", "later"] {
        let made = again.create(&ring(name), Succession::Supersede).unwrap();
        let (active, key) = open(place).active(&ring(name)).unwrap();
        assert_eq!((active.id, key.md5()), (made.id, made.md5));
    }
}

fn with_base_key(place: &Place) {
    let mut store = Store::init(&place.dir, &Unlock::Unprotected).unwrap();
    store.create(&ring("base"), Succession::FirstOnly).unwrap();
}

fn with_photos_key(place: &Place) {
    with_base_key(place);
    open(place)
        .create(&ring("photos"), Succession::FirstOnly)
        .unwrap();
}

/// All that interrupted writes can leave, at once: an unfinished file, a key without an entry, and
/// half an entry beyond a head that lags behind.
fn with_wreckage(place: &Place) {
    with_base_key(place);
    let (journal, head) = (
        place.dir.join("journal.jsonl"),
        place.dir.join("journal.head"),
    );
    let older_head = fs::read(&head).unwrap();
    let mut store = open(place);
    store
        .create(&ring("base"), Succession::FirstOnly)
        .unwrap_err();
    store.create(&ring("kept"), Succession::FirstOnly).unwrap();
    let before = fs::read(&journal).unwrap();
    store
        .create(&ring("photos"), Succession::FirstOnly)
        .unwrap();
    let after = fs::read(&journal).unwrap();
    let half = (before.len() + after.len()) / 2;
    fs::write(&journal, after.get(..half).unwrap()).unwrap();
    fs::write(&head, older_head).unwrap();
    for unfinished in ["keys/photos/.new-kf-x.age", ".new-journal.head"] {
        let path = place.dir.join(unfinished);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .unwrap();
        file.write_all(b"half").unwrap();
        set_mode(&path, 0o600);
    }
}

fn check_init(place: &Place, outcome: &Outcome) {
    if !place.dir.exists() {
        assert!(!outcome.succeeded);
        Store::init(&place.dir, &Unlock::Unprotected).unwrap();
    }
    let left: Vec<_> = fs::read_dir(place.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["store"]);
}

/// The states of the keys in a ring.
fn states(dir: &Path, name: &str) -> Vec<KeyState> {
    let store = Store::open(dir, &Unlock::Unprotected).unwrap();
    let in_ring = store.list().iter().filter(|entry| entry.ring == ring(name));
    in_ring.map(|entry| entry.state).collect()
}

fn check_added(place: &Place, outcome: &Outcome, expected: usize) {
    let states = states(&place.dir, "photos");
    assert!(states.len() <= expected, "{states:?}");
    if outcome.succeeded {
        assert_eq!(states.last(), Some(&KeyState::Active));
    }
}

fn check_superseded(place: &Place, outcome: &Outcome) {
    use KeyState::{Active, DecryptOnly, Pending};
    let states = states(&place.dir, "photos");
    let whole = [&[Active][..], &[Active, Pending], &[DecryptOnly, Active]];
    assert!(whole.contains(&&states[..]), "{states:?}");
    if outcome.succeeded {
        assert_eq!(states, [DecryptOnly, Active]);
    }
}

fn check_imported(place: &Place, outcome: &Outcome) {
    check_added(place, outcome, 1);
    // Repeating the import leads to where the first would have.
    let again = open(place)
        .import(&ring("photos"), &imported(), "a test", IMPORT_ROLE)
        .unwrap();
    let store = open(place);
    let (active, key) = store.active(&ring("photos")).unwrap();
    assert_eq!(active, *again.entry());
    assert!(key == imported().key);
    assert_eq!(states(&place.dir, "photos").len(), 1);
}

/// A key that is due to be destroyed.
fn with_doomed_key(place: &Place) {
    with_photos_key(place);
    let mut store = open(place);
    let id = store.retire(&ring("photos"), None).unwrap().id;
    store
        .schedule_destruction(&id, SignedDuration::ZERO, None)
        .unwrap();
}

/// Either the key is still there, whole, or it is gone with its file.
fn check_destroyed(place: &Place, outcome: &Outcome) {
    let store = open(place);
    let entry = store
        .list()
        .iter()
        .find(|entry| entry.ring == ring("photos"))
        .unwrap();
    let file = place.dir.join(format!("keys/photos/{}.age", entry.id));
    match entry.state {
        KeyState::DestroyScheduled => {
            assert!(!outcome.succeeded);
            assert_eq!(store.key(&entry.id).unwrap().md5(), entry.md5);
        }
        KeyState::Tombstone => assert!(!file.exists(), "its file is still there"),
        other => panic!("{other}"),
    }
}

fn exported(place: &Place) -> PathBuf {
    place.folder.path().join("key.bin")
}

fn check_exported(place: &Place, outcome: &Outcome) {
    let (_, key) = open(place).active(&ring("photos")).unwrap();
    let bytes = fs::read(exported(place)).ok();
    let journal = fs::read_to_string(place.dir.join("journal.jsonl")).unwrap();
    let recorded = journal.contains("key-exported");
    match bytes.as_deref() {
        None | Some([]) => assert!(!outcome.succeeded),
        Some(bytes) => {
            assert!(bytes == key.expose(), "part of a key was exported");
            assert!(recorded, "a key left unrecorded");
        }
    }
}

fn check_recovered(place: &Place, _: &Outcome) {
    let store = open(place);
    assert_eq!(states(&place.dir, "kept"), [KeyState::Active]);
    assert_eq!(states(&place.dir, "photos"), [KeyState::Pending]);
    let lost = store.findings().iter().find(|finding| {
        matches!(
            finding,
            Finding::KeyFileMissing { .. } | Finding::UnknownKeyFile { .. }
        )
    });
    assert_eq!(lost, None);
    let torn = files(&place.dir)
        .into_iter()
        .filter(|file| file.to_str().unwrap().contains("journal.torn-"));
    assert!(torn.count() >= 1, "the torn tail was not saved");
}
