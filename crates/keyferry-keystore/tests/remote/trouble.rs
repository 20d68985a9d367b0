//! Places that do not answer, are damaged, were rolled back or hold another store.

use std::fs;

use keyferry_keystore::{Error, ErrorClass, Finding, KeyEntry, Store, Succession, WriteBlock};

use crate::fixture::ring;
use crate::machine::{Machine, check_sound};
use crate::places::memory::{Fault, Memory};

/// A store with three keys, two of them in one ring.
fn filled() -> (Machine, Memory, Vec<KeyEntry>) {
    let (machine, memory) = (Machine::new(), Memory::default());
    let mut store = machine.init(&memory);
    for (name, succession) in [
        ("photos", Succession::FirstOnly),
        ("letters", Succession::FirstOnly),
        ("photos", Succession::Supersede),
    ] {
        store.create(&ring(name), succession).unwrap();
    }
    let entries = store.list().to_vec();
    (machine, memory, entries)
}

fn reads_and_does_not_write(store: &mut Store, entries: &[KeyEntry]) -> Error {
    for entry in entries {
        assert_eq!(store.key(&entry.id).unwrap().md5(), entry.md5);
    }
    let active = store.active(&ring("photos"));
    assert!(matches!(active, Err(Error::ReadOnly { .. })), "{active:?}");
    store
        .create(&ring("new"), Succession::FirstOnly)
        .unwrap_err()
}

#[test]
fn a_place_that_does_not_answer_leaves_reading() {
    let (machine, memory, entries) = filled();
    memory.fail(0, Fault::Dead);
    let mut store = machine.open(&memory);
    let finding = store.findings().first().unwrap().clone();
    let Finding::PlaceUnreachable { as_of, .. } = &finding else {
        panic!("{finding:?}");
    };
    assert!(as_of.is_some());
    assert!(finding.to_string().contains("as of 20"), "{finding}");
    let refused = reads_and_does_not_write(&mut store, &entries);
    assert!(
        matches!(
            &refused,
            Error::ReadOnly {
                block: WriteBlock::Unreachable { .. },
                ..
            }
        ),
        "{refused:?}"
    );
    assert_eq!(machine.find(&memory).list().unwrap(), entries);
    assert_eq!(machine.find(&memory).findings().len(), 1);
    // Without a working copy there is nothing to read.
    let error = Machine::new().try_open(memory.boxed()).unwrap_err();
    assert!(matches!(error, Error::Place(_)), "{error:?}");
    assert_eq!(error.class(), ErrorClass::Locked);
    memory.heal();
    // It is back in the same process, too.
    store.refresh().unwrap();
    assert_eq!(store.write_block(), None);
    store.create(&ring("new"), Succession::FirstOnly).unwrap();
    check_sound(&machine, &memory);
}

#[test]
fn a_place_that_refuses_is_no_reason_to_read_the_working_copy() {
    let (machine, memory, _) = filled();
    memory.fail(0, Fault::Refused);
    let error = machine.try_open(memory.boxed()).unwrap_err();
    assert!(error.to_string().contains("told to refuse"), "{error}");
    assert_eq!(error.class(), ErrorClass::Locked);
}

#[test]
fn a_place_rolled_back_is_noticed() {
    let (machine, memory, _) = filled();
    let older = memory.copy();
    let mut store = machine.open(&memory);
    store
        .create(&ring("letters"), Succession::Supersede)
        .unwrap();
    let entries = store.list().to_vec();
    let mut store = machine.open(&older);
    assert_eq!(
        store.write_block(),
        Some(&WriteBlock::RolledBack { seen: 5, found: 4 })
    );
    let refused = reads_and_does_not_write(&mut store, &entries);
    assert!(matches!(refused, Error::ReadOnly { .. }), "{refused:?}");

    // And so is one that went another way.
    let stranger = Machine::new();
    let mut other = stranger.open(&older);
    for _ in 0..2 {
        other
            .create(&ring("letters"), Succession::Supersede)
            .unwrap();
    }
    let store = machine.open(&older);
    assert_eq!(
        store.write_block(),
        Some(&WriteBlock::RolledBack { seen: 5, found: 6 })
    );
    // The true place is as good as before.
    assert_eq!(check_sound(&machine, &memory).list(), entries);
}

#[test]
fn a_place_that_lost_everything_leaves_reading() {
    let (machine, memory, entries) = filled();
    for name in memory.documents().into_keys() {
        memory.forget(&name);
    }
    let mut store = machine.open(&memory);
    assert_eq!(
        store.write_block(),
        Some(&WriteBlock::RolledBack { seen: 4, found: 0 })
    );
    reads_and_does_not_write(&mut store, &entries);
    let error = machine.try_init(memory.boxed()).unwrap_err();
    assert!(matches!(error, Error::WorkingCopyLeft { .. }), "{error:?}");
    assert!(memory.documents().is_empty());
}

#[test]
fn every_change_of_the_journal_in_the_place_is_noticed() {
    let (machine, memory, entries) = filled();
    let length = memory.documents()["journal/000001"].len();
    for at in (0..length).step_by(173) {
        let changed = memory.copy();
        changed.tamper("journal/000001", |bytes| bytes[at] ^= 1);
        let cut = memory.copy();
        cut.tamper("journal/000001", |bytes| bytes.truncate(at));
        for place in [changed, cut] {
            let machine = Machine::with_copy_of(&machine);
            let mut store = machine.open(&place);
            assert!(
                matches!(
                    store.write_block(),
                    Some(WriteBlock::JournalDamaged { .. } | WriteBlock::RolledBack { .. })
                ),
                "{at}: {:?}",
                store.write_block()
            );
            reads_and_does_not_write(&mut store, &entries);
            // The true place is as good as before.
            assert_eq!(check_sound(&machine, &memory).list(), entries);
        }
    }
}

#[test]
fn a_line_that_does_not_hold_is_not_taken_over() {
    let (machine, memory, entries) = filled();
    let stale = Machine::with_copy_of(&machine);
    machine
        .open(&memory)
        .create(&ring("later"), Succession::FirstOnly)
        .unwrap();
    memory.tamper("journal/000001", |bytes| {
        let last = bytes.len() - 100;
        bytes[last] ^= 1;
    });
    let mut store = stale.open(&memory);
    let Some(WriteBlock::JournalDamaged { line: 5, reason }) = store.write_block() else {
        panic!("{:?}", store.write_block());
    };
    assert!(reason.starts_with("in memory:"), "{reason}");
    reads_and_does_not_write(&mut store, &entries);
}

#[test]
fn a_damaged_or_missing_key_document_is_named() {
    let (machine, memory, entries) = filled();
    let name = format!("keys/photos/{}.age", entries[0].id);
    let (damaged, missing) = (memory.copy(), memory.copy());
    damaged.tamper(&name, |bytes| bytes[200] ^= 1);
    missing.forget(&name);
    for place in [&damaged, &missing] {
        let stranger = Machine::new();
        let store = stranger.open(place);
        assert!(store.findings().iter().any(|finding| matches!(
            finding,
            Finding::KeyFileMissing { id, .. } if *id == entries[0].id
        )));
        let named = store.findings().iter().any(|finding| {
            matches!(
                finding,
                Finding::DocumentDamaged { name: found, .. } if *found == name
            )
        });
        assert_eq!(named, std::ptr::eq(place, &damaged));
        assert_eq!(store.key(&entries[2].id).unwrap().md5(), entries[2].md5);
        // Once the document is good again, so is the working copy.
        assert_eq!(check_sound(&stranger, &memory).list(), entries);
    }
    // Who has it already does not need it.
    assert_eq!(machine.open(&damaged).findings(), []);
}

#[test]
fn a_damaged_working_copy_is_made_anew() {
    let (machine, memory, entries) = filled();
    let journal = machine.place.dir.join("journal.jsonl");
    let sound = fs::read(&journal).unwrap();
    let mut flipped = sound.clone();
    flipped[sound.len() / 2] ^= 1;
    for damaged in [&flipped[..], &sound[..sound.len() / 3]] {
        fs::write(&journal, damaged).unwrap();
        let store = machine.open(&memory);
        assert_eq!(store.write_block(), None);
        assert!(
            matches!(store.findings(), [Finding::WorkingCopyRebuilt { .. }]),
            "{:?}",
            store.findings()
        );
        assert_eq!(fs::read(&journal).unwrap(), sound);
        assert_eq!(check_sound(&machine, &memory).list(), entries);
    }
    // What an interrupted append left is no matter at all.
    let torn = [&sound[..], b"{\"seq\":9,"].concat();
    fs::write(&journal, torn).unwrap();
    assert_eq!(check_sound(&machine, &memory).list(), entries);
    // Nor is a whole working copy.
    fs::remove_dir_all(&machine.place.dir).unwrap();
    assert_eq!(check_sound(&machine, &memory).list(), entries);
}

#[test]
fn a_damaged_working_copy_still_notices_a_rollback() {
    let (machine, memory, _) = filled();
    let older = memory.copy();
    machine
        .open(&memory)
        .create(&ring("later"), Succession::FirstOnly)
        .unwrap();
    let journal = machine.place.dir.join("journal.jsonl");
    fs::write(&journal, b"rubbish\n").unwrap();
    let store = machine.open(&older);
    assert_eq!(
        store.write_block(),
        Some(&WriteBlock::RolledBack { seen: 5, found: 4 })
    );
}

#[test]
fn another_store_in_the_place_is_named() {
    let (machine, _, _) = filled();
    let other = Memory::default();
    let store = Machine::new().init(&other);
    let error = machine.try_open(other.boxed()).unwrap_err();
    let Error::OtherStore { found, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(found, store.id());
    assert_eq!(error.class(), ErrorClass::Damaged);
}
