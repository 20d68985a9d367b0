//! Changed, cut and missing files: each is detected and named, and the other keys stay usable.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "also in what is shared by the tests of this file"
)]

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use keyferry_keystore::{
    Error, ErrorClass, Finding, KeyEntry, KeyState, Store, Succession, Unlock, WriteBlock,
};

mod fixture;
use fixture::{Place, open, passphrase, place, quick, ring, set_mode, store};

/// A store with a superseded and an active key in one ring and an active key in another.
fn filled() -> (Place, Vec<KeyEntry>) {
    let (place, mut store) = store();
    store
        .create(&ring("photos"), Succession::FirstOnly)
        .unwrap();
    store
        .create(&ring("letters"), Succession::FirstOnly)
        .unwrap();
    store
        .create(&ring("photos"), Succession::Supersede)
        .unwrap();
    let entries = store.list().to_vec();
    (place, entries)
}

fn key_path(dir: &Path, entry: &KeyEntry) -> PathBuf {
    dir.join(format!("keys/{}/{}.age", entry.ring, entry.id))
}

fn all_open(store: &Store, entries: &[KeyEntry]) {
    for entry in entries {
        assert_eq!(store.key(&entry.id).unwrap().md5(), entry.md5);
    }
}

fn flip(bytes: &mut [u8], at: usize) {
    let at = at % (bytes.len() * 8);
    bytes[at / 8] ^= 1 << (at % 8);
}

/// The journal is damaged at this line, and its keys still open.
fn broken_at(place: &Place, entries: &[KeyEntry]) -> u64 {
    let mut store = open(place);
    all_open(&store, entries);
    let Some(WriteBlock::JournalDamaged { line, .. }) = store.write_block().cloned() else {
        panic!("{:?}", store.write_block());
    };
    let refused = store
        .create(&ring("new"), Succession::FirstOnly)
        .unwrap_err();
    assert!(matches!(refused, Error::ReadOnly { .. }), "{refused:?}");
    assert_eq!(refused.class(), ErrorClass::Damaged);
    let active = store.active(&ring("photos"));
    assert!(matches!(active, Err(Error::ReadOnly { .. })), "{active:?}");
    line
}

/// Every way to change one bit of a file, and every way to cut it short.
fn changes(sound: &[u8]) -> Vec<Vec<u8>> {
    let flips = (0..sound.len() * 8).map(|at| {
        let mut bytes = sound.to_vec();
        flip(&mut bytes, at);
        bytes
    });
    let cuts = (0..sound.len()).map(|length| sound[..length].to_vec());
    flips.chain(cuts).collect()
}

/// Runs the check for each content of a file, in as many stores at once as there are processors.
fn for_each_change(
    file: impl Fn(&Place, &[KeyEntry]) -> PathBuf + Sync,
    check: impl Fn(&Place, &[KeyEntry], &[u8], &[u8]) + Sync,
) -> usize {
    let tried = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        for worker in 0..workers {
            let (file, check, tried) = (&file, &check, &tried);
            scope.spawn(move || {
                let (place, entries) = filled();
                let path = file(&place, &entries);
                let sound = fs::read(&path).unwrap();
                for changed in changes(&sound).iter().skip(worker).step_by(workers) {
                    fs::write(&path, changed).unwrap();
                    check(&place, &entries, &sound, changed);
                    tried.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                }
                fs::write(&path, &sound).unwrap();
                assert_eq!(open(&place).write_block(), None);
            });
        }
    });
    tried.into_inner()
}

#[test]
fn every_changed_bit_and_every_cut_of_a_key_file_is_named_and_others_open() {
    let of_key = |place: &Place, entries: &[KeyEntry]| key_path(&place.dir, &entries[1]);
    let tried = for_each_change(of_key, |place, entries, _, _| {
        let store = open(place);
        let error = store.key(&entries[1].id).unwrap_err();
        let path = of_key(place, entries);
        assert!(
            matches!(&error, Error::KeyFileDamaged { id, path: at, .. } if *id == entries[1].id && *at == path),
            "{error:?}"
        );
        assert_eq!(error.class(), ErrorClass::Damaged);
        all_open(&store, &[entries[0].clone(), entries[2].clone()]);
        assert_eq!(store.list(), entries);
    });
    assert!(tried > 4000, "{tried}");
}

#[test]
fn bytes_behind_a_key_file_are_noticed() {
    let (place, entries) = filled();
    let path = key_path(&place.dir, &entries[1]);
    let longer = [fs::read(&path).unwrap(), b"\0".to_vec()].concat();
    fs::write(&path, longer).unwrap();
    let error = open(&place).key(&entries[1].id).unwrap_err();
    assert!(matches!(error, Error::KeyFileDamaged { .. }), "{error:?}");
}

#[test]
fn every_changed_bit_and_every_cut_of_the_journal_is_named_and_keys_open() {
    let journal = |place: &Place, _: &[KeyEntry]| place.dir.join("journal.jsonl");
    let tried = for_each_change(journal, |place, entries, sound, changed| {
        let at = sound
            .iter()
            .zip(changed)
            .position(|(sound, changed)| sound != changed)
            .unwrap_or(changed.len());
        let line = 1 + sound[..at].iter().filter(|byte| **byte == b'\n').count() as u64;
        assert_eq!(broken_at(place, entries), line);
    });
    assert!(tried > 8000, "{tried}");
}

#[test]
fn every_changed_bit_of_the_head_is_named() {
    let head = |place: &Place, _: &[KeyEntry]| place.dir.join("journal.head");
    for_each_change(head, |place, entries, _, _| {
        broken_at(place, entries);
    });
    let (place, entries) = filled();
    fs::remove_file(place.dir.join("journal.head")).unwrap();
    broken_at(&place, &entries);
}

#[test]
fn lines_cannot_be_left_out_moved_or_taken_back() {
    let (place, entries) = filled();
    let path = place.dir.join("journal.jsonl");
    let sound = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = sound.split_inclusive('\n').collect();
    let cases: [(Vec<&str>, u64); 5] = [
        (vec![lines[0], lines[1], lines[3]], 3),
        (vec![lines[0], lines[2], lines[1], lines[3]], 2),
        (vec![lines[0], lines[1], lines[1], lines[2], lines[3]], 3),
        (lines[..3].to_vec(), 4),
        (vec![], 1),
    ];
    for (order, line) in cases {
        fs::write(&path, order.concat()).unwrap();
        assert_eq!(broken_at(&place, &entries), line);
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(broken_at(&place, &entries), 1);
}

#[test]
fn a_damaged_store_still_exports() {
    let (place, entries) = filled();
    let journal = place.dir.join("journal.jsonl");
    fs::write(&journal, "").unwrap();
    let out = place.folder.path().join("key.bin");
    let exported = open(&place).export(&entries[1].id, &out).unwrap();
    assert!(!exported.journalled);
    assert_eq!(fs::read(&out).unwrap().len(), 32);
    assert_eq!(fs::read(&journal).unwrap(), b"");
}

#[test]
fn half_an_entry_is_moved_aside() {
    for tail in [&b"{\"seq\":5,\"ti"[..], b"\0\0\0\0", b"{}\n", b"\n"] {
        let (place, entries) = filled();
        let path = place.dir.join("journal.jsonl");
        let sound = fs::read(&path).unwrap();
        let mut journal = OpenOptions::new().append(true).open(&path).unwrap();
        journal.write_all(tail).unwrap();
        let mut store = open(&place);
        assert_eq!(store.write_block(), None);
        let [Finding::TornTailSaved { path: saved, bytes }] = store.findings() else {
            panic!("{:?}", store.findings());
        };
        assert_eq!(*bytes, tail.len());
        assert_eq!(fs::read(saved).unwrap(), tail);
        assert_eq!(fs::read(&path).unwrap(), sound);
        all_open(&store, &entries);
        store.create(&ring("new"), Succession::FirstOnly).unwrap();
        assert!(open(&place).findings().is_empty());
    }
}

#[test]
fn an_unfinished_file_is_swept_and_a_finished_one_taken_in() {
    let (place, entries) = filled();
    let journal = fs::read(place.dir.join("journal.jsonl")).unwrap();
    let head = fs::read(place.dir.join("journal.head")).unwrap();
    let lost = open(&place)
        .create(&ring("photos"), Succession::Supersede)
        .unwrap();
    fs::write(place.dir.join("journal.jsonl"), journal).unwrap();
    fs::write(place.dir.join("journal.head"), head).unwrap();
    let unfinished = place.dir.join("keys/letters/.new-kf-x.age");
    fs::write(&unfinished, "half").unwrap();
    set_mode(&unfinished, 0o600);

    let mut store = open(&place);
    let swept = Finding::OrphanSwept {
        path: unfinished.clone(),
    };
    let adopted = Finding::KeyAdopted {
        id: lost.id.clone(),
        ring: lost.ring.clone(),
        version: lost.version,
    };
    assert_eq!(store.findings(), [swept, adopted]);
    assert!(!unfinished.exists());
    let pending = KeyEntry {
        state: KeyState::Pending,
        ..lost.clone()
    };
    assert_eq!(store.list()[..3], entries[..]);
    assert_eq!(store.list()[3..], [pending]);
    assert_eq!(store.active(&ring("photos")).unwrap().0, entries[2]);
    assert_eq!(store.activate(&lost.id).unwrap().state, KeyState::Active);
    assert_eq!(store.active(&ring("photos")).unwrap().0.id, lost.id);
    let again = open(&place);
    assert!(again.findings().is_empty(), "{:?}", again.findings());
    assert_eq!(again.list(), store.list());
}

/// Anyone can encrypt to the public recipient; only the store can seal.
#[test]
fn a_forged_key_file_is_left_alone() {
    let (place, entries) = filled();
    let store = open(&place);
    let recipient: age::x25519::Recipient = store.recipient().parse().unwrap();
    let identity_file = fs::read(place.dir.join("identity.age")).unwrap();
    let identities = age::IdentityFile::from_buffer(&identity_file[..]).unwrap();
    let identity = &identities.into_identities().unwrap()[0];
    let sound = fs::read(key_path(&place.dir, &entries[1])).unwrap();
    let mut payload = String::new();
    let mut reader = age::Decryptor::new(&sound[..])
        .unwrap()
        .decrypt(std::iter::once(identity.as_ref() as &dyn age::Identity))
        .unwrap();
    std::io::Read::read_to_string(&mut reader, &mut payload).unwrap();

    let forged_id = "kf-aaaaaaaaaaaaaaaaaaaaaaaaaa";
    let forged = payload
        .replace(entries[1].id.as_str(), forged_id)
        .replace("\"version\":1", "\"version\":7");
    let path = place.dir.join(format!("keys/letters/{forged_id}.age"));
    fs::write(&path, age::encrypt(&recipient, forged.as_bytes()).unwrap()).unwrap();
    set_mode(&path, 0o600);
    let reopened = open(&place);
    assert_eq!(reopened.list(), entries);
    assert!(
        matches!(reopened.findings(), [Finding::UnknownKeyFile { path: at, reason }] if *at == path && reason.contains("did not write")),
        "{:?}",
        reopened.findings()
    );
    fs::remove_file(&path).unwrap();

    // A key of the store in the place of another.
    fs::copy(
        key_path(&place.dir, &entries[0]),
        key_path(&place.dir, &entries[1]),
    )
    .unwrap();
    let error = open(&place).key(&entries[1].id).unwrap_err();
    assert!(matches!(error, Error::KeyFileDamaged { .. }), "{error:?}");
}

#[test]
fn a_missing_key_file_is_named() {
    let (place, entries) = filled();
    let path = key_path(&place.dir, &entries[1]);
    fs::remove_file(&path).unwrap();
    let store = open(&place);
    let id = entries[1].id.clone();
    assert_eq!(store.findings(), [Finding::KeyFileMissing { id, path }]);
    let error = store.key(&entries[1].id).unwrap_err();
    assert!(matches!(error, Error::KeyFileMissing { .. }), "{error:?}");
    fs::remove_dir_all(place.dir.join("keys")).unwrap();
    let store = open(&place);
    assert_eq!(store.findings().len(), 3);
    let error = store.key(&entries[0].id).unwrap_err();
    assert!(matches!(error, Error::KeyFileMissing { .. }), "{error:?}");
}

#[test]
fn a_changed_manifest_is_noticed() {
    let (place, _) = filled();
    let path = place.dir.join("store.toml");
    let sound = fs::read_to_string(&path).unwrap();
    let stranger = age::x25519::Identity::generate().to_public().to_string();
    let recipient = open(&place).recipient();
    let id = open(&place).id().to_string();
    for changed in [
        sound.replace(&recipient, &stranger),
        sound.replace(&id, "ks-aaaaaaaaaaaaaaaaaaaaaaaaaa"),
        sound.replace("format = 1", "format = 0"),
        sound.replace("format = 1\n", ""),
        "not toml at all {".to_owned(),
        String::new(),
    ] {
        fs::write(&path, changed).unwrap();
        let opened = Store::open(&place.dir, &Unlock::Unprotected);
        assert!(
            matches!(opened, Err(Error::ManifestDamaged { .. })),
            "{opened:?}"
        );
    }
}

#[test]
fn a_newer_format_is_read_only() {
    let (place, entries) = filled();
    let path = place.dir.join("store.toml");
    let sound = fs::read_to_string(&path).unwrap();
    fs::write(&path, sound.replace("format = 1", "format = 2")).unwrap();
    let mut store = open(&place);
    assert_eq!(
        store.write_block(),
        Some(&WriteBlock::NewerFormat { found: 2 })
    );
    all_open(&store, &entries);
    let refused = store.create(&ring("new"), Succession::FirstOnly);
    assert!(
        matches!(refused, Err(Error::ReadOnly { .. })),
        "{refused:?}"
    );
    fs::write(&path, "format = 3\n[layout]\nelse = true\n").unwrap();
    let unreadable = Store::open(&place.dir, &Unlock::Unprotected);
    assert!(
        matches!(
            unreadable,
            Err(Error::NewerFormat {
                found: 3,
                known: 1,
                ..
            })
        ),
        "{unreadable:?}"
    );
}

#[test]
fn a_damaged_identity_is_never_taken_for_sound() {
    let place = place();
    let unlock = passphrase("open sesame");
    Store::init_with(&place.dir, &unlock, quick()).unwrap();
    let path = place.dir.join("identity.age");
    let sound = fs::read(&path).unwrap();
    let work = sound
        .windows(3)
        .position(|window| window == b" 2\n")
        .unwrap();
    for at in (0..sound.len()).step_by(5).chain([work + 1]) {
        let mut bytes = sound.clone();
        bytes[at] ^= 1;
        // 2^3 instead of 2^2 is just another wrong key; 2^62 would take forever.
        fs::write(&path, &bytes).unwrap();
        let opened = Store::open(&place.dir, &unlock);
        assert!(
            matches!(
                opened,
                Err(Error::IdentityDamaged { .. }
                    | Error::WrongPassphrase { .. }
                    | Error::NotProtected { .. })
            ),
            "{at}: {opened:?}"
        );
    }
    let mut costly = sound[..=work].to_vec();
    costly.extend_from_slice(b"62");
    costly.extend_from_slice(&sound[work + 2..]);
    fs::write(&path, &costly).unwrap();
    let opened = Store::open(&place.dir, &unlock);
    assert!(
        matches!(opened, Err(Error::IdentityDamaged { .. })),
        "{opened:?}"
    );
    fs::remove_file(&path).unwrap();
    let opened = Store::open(&place.dir, &unlock);
    assert!(
        matches!(opened, Err(Error::IdentityDamaged { .. })),
        "{opened:?}"
    );
}
