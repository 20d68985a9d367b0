//! Every call to the place fails in every way, and others write in between at every call.

use std::panic::AssertUnwindSafe;

use jiff::SignedDuration;
use keyferry_key::import::{Format, Imported, decode};
use keyferry_keystore::{Error, KeyState, Role, Store, Succession};

use crate::fixture::ring;
use crate::machine::{Machine, check_keys, check_sound};
use crate::places::memory::{Fault, Memory};

const FAULTS: [Fault; 5] = [
    Fault::Before,
    Fault::After,
    Fault::Conflict,
    Fault::Dead,
    Fault::Refused,
];

/// More calls than any operation makes.
const MANY: u32 = 200;

/// An operation and what must hold after it.
struct Scenario {
    name: &'static str,
    prepare: fn(&Machine, &Memory),
    act: fn(&Machine, &Memory) -> Result<(), Error>,
    /// What it leads to, if it succeeds; and if it does not, when it is done again.
    done: fn(&Store),
    /// Whether it may be done a second time although the first took effect.
    again: fn(&Machine, &Memory) -> Result<(), Error>,
}

fn imported() -> Imported {
    let bytes: Vec<u8> = (0..32).map(|index| index * 7 + 1).collect();
    decode(&bytes, Format::Auto).unwrap()
}

fn with_base_key(machine: &Machine, memory: &Memory) {
    let mut store = machine.init(memory);
    store.create(&ring("base"), Succession::FirstOnly).unwrap();
}

fn with_photos_key(machine: &Machine, memory: &Memory) {
    with_base_key(machine, memory);
    let mut store = machine.open(memory);
    store
        .create(&ring("photos"), Succession::FirstOnly)
        .unwrap();
}

fn with_due_key(machine: &Machine, memory: &Memory) {
    with_photos_key(machine, memory);
    let mut store = machine.open(memory);
    let id = store.retire(&ring("photos"), None).unwrap().id;
    store
        .schedule_destruction(&id, SignedDuration::ZERO, None)
        .unwrap();
}

/// A key's file here that neither the journal nor the place has: its making was interrupted.
fn with_orphan(machine: &Machine, memory: &Memory) {
    with_base_key(machine, memory);
    let mut store = machine.open(memory);
    // The segment is read first, and then the key's document would be made.
    memory.fail(1, Fault::Dead);
    store
        .create(&ring("photos"), Succession::FirstOnly)
        .unwrap_err();
    memory.heal();
}

/// Whatever was interrupted, the ring ends up with an active key.
fn rotate(machine: &Machine, memory: &Memory) -> Result<(), Error> {
    let mut store = machine.try_open(memory.boxed())?;
    store
        .create(&ring("photos"), Succession::Supersede)
        .map(drop)
}

fn import(machine: &Machine, memory: &Memory) -> Result<(), Error> {
    let mut store = machine.try_open(memory.boxed())?;
    let role = Role::Active(Succession::Supersede);
    store
        .import(&ring("photos"), &imported(), "a test", role)
        .map(drop)
}

fn export(machine: &Machine, memory: &Memory) -> Result<(), Error> {
    let mut store = machine.try_open(memory.boxed())?;
    let (entry, _) = store.active(&ring("photos"))?;
    // A store that cannot be written gives its keys all the same.
    store.hand_out(&entry.id, "a test").map(drop)
}

fn destroy(machine: &Machine, memory: &Memory) -> Result<(), Error> {
    let mut store = machine.try_open(memory.boxed())?;
    let entries = store.list().iter();
    let due = entries.filter(|entry| entry.state == KeyState::DestroyScheduled);
    let due: Vec<_> = due.map(|entry| entry.id.clone()).collect();
    for id in due {
        store.destroy(&id, None)?;
    }
    Ok(())
}

fn adopt(machine: &Machine, memory: &Memory) -> Result<(), Error> {
    machine.try_open(memory.boxed()).map(drop)
}

fn init(machine: &Machine, memory: &Memory) -> Result<(), Error> {
    machine.try_init(memory.boxed()).map(drop)
}

fn init_again(machine: &Machine, memory: &Memory) -> Result<(), Error> {
    match machine.try_init(memory.boxed()) {
        Err(Error::StoreExists { .. }) => machine.try_open(memory.boxed()).map(drop),
        made => made.map(drop),
    }
}

fn has_active_photos(store: &Store) {
    let (entry, key) = store.active(&ring("photos")).unwrap();
    assert_eq!(entry.md5, key.md5());
}

const SCENARIOS: [Scenario; 7] = [
    Scenario {
        name: "init",
        prepare: |_, _| {},
        act: init,
        done: |store| assert!(store.list().len() <= 1),
        again: init_again,
    },
    Scenario {
        name: "create",
        prepare: with_base_key,
        act: rotate,
        done: has_active_photos,
        again: rotate,
    },
    Scenario {
        name: "rotate",
        prepare: with_photos_key,
        act: rotate,
        done: has_active_photos,
        again: rotate,
    },
    Scenario {
        name: "import",
        prepare: with_base_key,
        act: import,
        done: |store| {
            let (_, key) = store.active(&ring("photos")).unwrap();
            assert!(key == imported().key);
        },
        again: import,
    },
    Scenario {
        name: "export",
        prepare: with_photos_key,
        act: export,
        done: has_active_photos,
        again: export,
    },
    Scenario {
        name: "destroy",
        prepare: with_due_key,
        act: destroy,
        done: |store| {
            let photos = store
                .list()
                .iter()
                .find(|entry| entry.ring == ring("photos"));
            assert_eq!(photos.unwrap().state, KeyState::Tombstone);
        },
        again: destroy,
    },
    Scenario {
        name: "adopt",
        prepare: with_orphan,
        act: adopt,
        done: |store| {
            let mut pending = store
                .list()
                .iter()
                .filter(|entry| entry.ring == ring("photos") && entry.state == KeyState::Pending);
            assert!(pending.next().is_some() && pending.next().is_none());
        },
        again: adopt,
    },
];

/// What a scenario begins with.
struct Prepared {
    machine: Machine,
    memory: Memory,
}

impl Scenario {
    fn prepared(&self) -> Prepared {
        let (machine, memory) = (Machine::new(), Memory::default());
        (self.prepare)(&machine, &memory);
        Prepared { machine, memory }
    }

    /// Runs it once with something planned; whether that happened.
    fn try_once(&self, prepared: &Prepared, what: &str, plan: impl FnOnce(&Memory)) -> bool {
        let memory = prepared.memory.copy();
        let machine = Machine::with_copy_of(&prepared.machine);
        plan(&memory);
        let outcome = (self.act)(&machine, &memory);
        let (_, happened) = memory.heal();
        let check = AssertUnwindSafe(|| {
            // A machine that comes between sees a sound store, or none yet.
            match Machine::new().try_open(memory.boxed()) {
                Ok(store) => check_keys(&store),
                Err(Error::NoStore { .. } | Error::Unfinished { .. }) if self.name == "init" => {}
                Err(error) => panic!("{error}"),
            }
            if self.name != "init" || outcome.is_ok() {
                let store = check_sound(&machine, &memory);
                if outcome.is_ok() {
                    (self.done)(&store);
                }
            }
            (self.again)(&machine, &memory).unwrap();
            let store = check_sound(&machine, &memory);
            (self.done)(&store);
            if self.name != "init" {
                assert_eq!(store.active(&ring("base")).unwrap().0.version, 1);
            }
            if self.name == "destroy" {
                // The next write of a process removes what this one could not.
                let destroyed = store.list().iter().find(|entry| !entry.state.has_key());
                let document = destroyed.map(|entry| format!("keys/photos/{}.age", entry.id));
                rotate_other(&machine, &memory);
                assert!(!memory.documents().contains_key(&document.unwrap()));
            }
        });
        if std::panic::catch_unwind(check).is_err() {
            panic!("{}: {what}: {outcome:?}", self.name);
        }
        happened
    }
}

fn rotate_other(machine: &Machine, memory: &Memory) {
    let mut store = machine.open(memory);
    store.create(&ring("other"), Succession::Supersede).unwrap();
}

#[test]
fn whatever_call_fails_nothing_is_lost() {
    let mut tried = 0;
    for scenario in &SCENARIOS {
        let prepared = scenario.prepared();
        for fault in FAULTS {
            for call in 0..MANY {
                let what = format!("{fault:?} at call {call}");
                if !scenario.try_once(&prepared, &what, |memory| memory.fail(call, fault)) {
                    assert!(call >= 2, "{}: {what}", scenario.name);
                    break;
                }
                tried += 1;
            }
        }
    }
    println!("{tried} faults tried");
    assert!(tried > 200, "{tried}");
}

#[test]
fn whenever_others_write_between_nothing_is_lost() {
    let mut tried = 0;
    for scenario in &SCENARIOS {
        if scenario.name == "init" {
            continue;
        }
        let prepared = scenario.prepared();
        for name in ["photos", "other"] {
            for call in 0..MANY {
                let what = format!("another writes to ring {name} before call {call}");
                let happened = scenario.try_once(&prepared, &what, |memory| {
                    let place = memory.clone();
                    memory.meanwhile(call, move || {
                        let machine = Machine::new();
                        let mut store = machine.open(&place);
                        store.create(&ring(name), Succession::Supersede).unwrap();
                    });
                });
                if !happened {
                    break;
                }
                tried += 1;
            }
        }
    }
    println!("{tried} interleavings tried");
    assert!(tried > 50, "{tried}");
}
