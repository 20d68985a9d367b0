//! Several machines at once.

use std::collections::BTreeSet;

use keyferry_keystore::{Error, Succession};

use crate::fixture::ring;
use crate::machine::{Machine, check_sound};
use crate::places::memory::Memory;

const MACHINES: usize = 8;
const ROUNDS: usize = 4;

#[test]
fn eight_machines_at_once_lose_nothing() {
    let memory = Memory::default();
    let first = Machine::new();
    first.init(&memory);
    std::thread::scope(|scope| {
        for number in 0..MACHINES {
            let memory = memory.clone();
            scope.spawn(move || {
                let machine = Machine::new();
                let own = ring(&format!("own-{number}"));
                let mut store = machine.open(&memory);
                for round in 0..ROUNDS {
                    store
                        .create(&ring("shared"), Succession::Supersede)
                        .unwrap();
                    let made = store.create(&own, Succession::Supersede).unwrap();
                    assert_eq!(usize::try_from(made.version).unwrap(), round + 1);
                    store.hand_out(&made.id, "a test").unwrap();
                }
            });
        }
    });
    let store = check_sound(&first, &memory);
    assert_eq!(store.list().len(), 2 * MACHINES * ROUNDS);
    let shared = store
        .list()
        .iter()
        .filter(|entry| entry.ring == ring("shared"));
    let versions: BTreeSet<usize> = shared.map(|entry| entry.version as usize).collect();
    assert_eq!(versions, (1..=MACHINES * ROUNDS).collect());
    // Nobody left a key behind that came too late.
    let keys = memory.documents();
    let keys = keys.keys().filter(|name| name.starts_with("keys/"));
    assert_eq!(keys.count(), store.list().len());
}

#[test]
fn of_several_who_make_a_store_one_succeeds() {
    let memory = Memory::default();
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let makers: Vec<_> = (0..MACHINES)
            .map(|_| {
                let memory = memory.clone();
                scope.spawn(move || {
                    let machine = Machine::new();
                    let made = machine.try_init(memory.boxed());
                    (made.map(|store| store.id().clone()), machine)
                })
            })
            .collect();
        makers
            .into_iter()
            .map(|maker| maker.join().unwrap())
            .collect()
    });
    let made: Vec<_> = outcomes
        .iter()
        .filter_map(|(made, _)| made.as_ref().ok())
        .collect();
    assert_eq!(made.len(), 1);
    for (made_here, machine) in &outcomes {
        if let Err(error) = made_here {
            assert!(matches!(error, Error::StoreExists { .. }), "{error:?}");
        }
        assert_eq!(machine.open(&memory).id(), made[0]);
        check_sound(machine, &memory);
    }
}

#[test]
fn processes_of_one_machine_share_its_working_copy() {
    let memory = Memory::default();
    let machine = Machine::new();
    machine.init(&memory);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..ROUNDS {
                    let mut store = machine.open(&memory);
                    store
                        .create(&ring("shared"), Succession::Supersede)
                        .unwrap();
                }
            });
        }
    });
    let store = check_sound(&machine, &memory);
    assert_eq!(store.list().len(), 4 * ROUNDS);
}
