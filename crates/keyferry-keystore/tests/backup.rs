//! Backups to a folder and a tar file: what is in them, and what never happens to them.
#![expect(
    clippy::unwrap_used,
    reason = "also in what is shared by the tests of this file"
)]

use std::fs;
use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine};
use keyferry_keystore::{
    AgeIdentities, BackupError, BackupKey, BackupLock, BackupOptions, BackupProtection,
    BackupReport, Documents, Error, FolderDocuments, LockedBackup, LockedStore, Passphrase, Store,
    Succession, TarDocuments, Tested, Unlock,
};

mod fixture;
use fixture::{Place, copy, files, mode, open, passphrase, place, quick, ring, set_mode, store};

const PASSPHRASE: &str = "a backup's own";

/// Options by which an unprotected store can be backed up.
fn protected() -> BackupOptions {
    let mut options = BackupOptions::default();
    let passphrase = Passphrase::new(PASSPHRASE.to_owned()).unwrap();
    options.protection = Some(BackupProtection::Passphrase(passphrase));
    options.work = quick();
    options
}

fn key() -> BackupKey {
    BackupKey::Passphrase(Passphrase::new(PASSPHRASE.to_owned()).unwrap())
}

fn to_folder(
    store: &mut Store,
    dir: &Path,
    options: &BackupOptions,
) -> Result<BackupReport, Error> {
    store.back_up(&FolderDocuments::open_or_new(dir).unwrap(), options)
}

fn test(documents: &dyn Documents) -> Result<Tested, Error> {
    LockedBackup::find(documents)?.unlock(&key())?.test()
}

fn test_folder(dir: &Path) -> Result<Tested, Error> {
    test(&FolderDocuments::open(dir)?)
}

/// A store with two rings, one of them rotated, and a folder for its backup.
fn filled() -> (Place, Store, PathBuf) {
    let (place, mut store) = store();
    for (name, succession) in [
        ("photos", Succession::FirstOnly),
        ("letters", Succession::FirstOnly),
        ("photos", Succession::Supersede),
    ] {
        store.create(&ring(name), succession).unwrap();
    }
    let dir = place.folder.path().join("backup");
    (place, store, dir)
}

#[test]
fn a_folder_holds_the_store_and_its_test_is_recorded() {
    let (place, mut store, dir) = filled();
    let report = to_folder(&mut store, &dir, &protected()).unwrap();
    assert_eq!((report.keys, report.line), (3, 4));
    assert!(report.unsound.is_empty() && report.left_over.is_empty());
    let tested = test_folder(&dir).unwrap();
    assert_eq!((tested.keys, tested.line), (3, 4));
    assert_eq!(&tested.store, store.id());
    for file in files(&dir) {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    for entry in store.list() {
        let name = format!("keys/{}/{}.age", entry.ring, entry.id);
        let both = [&place.dir, &dir].map(|dir| fs::read(dir.join(&name)).unwrap());
        assert_eq!(both[0], both[1]);
    }

    let documents = FolderDocuments::open(&dir).unwrap();
    let backup = LockedBackup::find(&documents)
        .unwrap()
        .unlock(&key())
        .unwrap();
    let live = LockedStore::open(&place.dir).unwrap();
    let recorded = backup.record_test(&tested, live).unwrap();
    assert!(recorded.is_some());
    let journal = fs::read_to_string(place.dir.join("journal.jsonl")).unwrap();
    assert!(journal.contains("restore-tested") && journal.contains("backed-up"));
}

#[test]
fn only_what_is_new_is_sent() {
    let (_place, mut store, dir) = filled();
    let first = to_folder(&mut store, &dir, &protected()).unwrap();
    // The description, three keys, the journal, the text, the identity.
    assert_eq!((first.sent, first.kept), (7, 0));
    let second = to_folder(&mut store, &dir, &BackupOptions::default()).unwrap();
    // The journal has one line more.
    assert_eq!((second.sent, second.kept), (1, 6));
    store
        .create(&ring("photos"), Succession::Supersede)
        .unwrap();
    let third = to_folder(&mut store, &dir, &BackupOptions::default()).unwrap();
    assert_eq!((third.sent, third.kept, third.keys), (2, 6, 4));
    let segments = fs::read_dir(dir.join("journal")).unwrap().count();
    assert_eq!(segments, 1, "replaced segments go");
    assert_eq!(test_folder(&dir).unwrap().keys, 4);
}

#[test]
fn a_tar_file_is_replaced_whole() {
    let (place, mut store, _) = filled();
    let file = place.folder.path().join("backup.tar");
    let report = store.back_up_to_tar(&file, &protected()).unwrap();
    assert_eq!(report.keys, 3);
    assert_eq!(mode(&file), 0o600);
    store.create(&ring("more"), Succession::FirstOnly).unwrap();
    let report = store
        .back_up_to_tar(&file, &BackupOptions::default())
        .unwrap();
    assert_eq!((report.keys, report.sent), (4, 2));
    let tested = test(&TarDocuments::open(&file).unwrap()).unwrap();
    assert_eq!(tested.keys, 4);
    let left: Vec<_> = fs::read_dir(place.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with('.'))
        .collect();
    assert!(left.is_empty(), "{left:?}");

    let whole = fs::read(&file).unwrap();
    for length in [0, 100, 511, 512, 700, whole.len() / 2] {
        fs::write(&file, &whole[..length]).unwrap();
        let refused = TarDocuments::open(&file).map(|tar| test(&tar));
        assert!(matches!(refused, Err(_) | Ok(Err(_))), "{length}");
        let again = store.back_up_to_tar(&file, &BackupOptions::default());
        assert!(again.is_err(), "{length}: a damaged file was replaced");
    }
}

#[test]
fn an_unprotected_identity_never_leaves_in_the_clear() {
    let (_place, mut store, dir) = filled();
    let refused = to_folder(&mut store, &dir, &BackupOptions::default());
    assert!(
        matches!(refused, Err(Error::Backup(BackupError::ProtectionNeeded))),
        "{refused:?}"
    );
    assert_eq!(files(&dir), Vec::<PathBuf>::new(), "nothing was written");
}

#[test]
fn a_recipient_opens_what_was_made_for_it() {
    use age::secrecy::ExposeSecret;
    let (_place, mut store, dir) = filled();
    let mine = age::x25519::Identity::generate();
    let mut options = BackupOptions::default();
    let recipient = mine.to_public().to_string().parse().unwrap();
    options.protection = Some(BackupProtection::Recipients(vec![recipient]));
    to_folder(&mut store, &dir, &options).unwrap();
    to_folder(&mut store, &dir, &BackupOptions::default()).unwrap();

    let documents = FolderDocuments::open(&dir).unwrap();
    let find = || LockedBackup::find(&documents).unwrap();
    assert_eq!(find().lock().unwrap(), BackupLock::Identity);
    let identities = |identity: &age::x25519::Identity| {
        let text = format!("# mine\n{}\n", identity.to_string().expose_secret());
        BackupKey::Identities(AgeIdentities::parse(text.as_bytes(), "a test").unwrap())
    };
    assert_eq!(
        find()
            .unlock(&identities(&mine))
            .unwrap()
            .test()
            .unwrap()
            .keys,
        3
    );
    let other = find().unlock(&identities(&age::x25519::Identity::generate()));
    assert!(
        matches!(other, Err(Error::Backup(BackupError::NotOpened { .. }))),
        "{other:?}"
    );
    let passphrase = find().unlock(&key());
    assert!(
        matches!(
            passphrase,
            Err(Error::Backup(BackupError::WrongOpener { .. }))
        ),
        "{passphrase:?}"
    );
    let secret: Result<keyferry_keystore::BackupRecipient, _> =
        mine.to_string().expose_secret().parse();
    let message = secret.unwrap_err().to_string();
    assert!(
        !message.contains(&mine.to_string().expose_secret()[20..]),
        "{message}"
    );
}

#[test]
fn a_protected_store_needs_nothing_more() {
    let place = place();
    let unlock = passphrase("open sesame");
    let mut store = Store::init_with(&place.dir, &unlock, quick()).unwrap();
    store
        .create(&ring("photos"), Succession::FirstOnly)
        .unwrap();
    let dir = place.folder.path().join("backup");
    to_folder(&mut store, &dir, &BackupOptions::default()).unwrap();
    let documents = FolderDocuments::open(&dir).unwrap();
    let find = || LockedBackup::find(&documents).unwrap();
    assert_eq!(find().lock().unwrap(), BackupLock::Passphrase);
    let right = BackupKey::Passphrase(Passphrase::new("open sesame".to_owned()).unwrap());
    assert_eq!(find().unlock(&right).unwrap().test().unwrap().keys, 1);
    let wrong = find().unlock(&key());
    assert!(
        matches!(wrong, Err(Error::Backup(BackupError::NotOpened { .. }))),
        "{wrong:?}"
    );
    let by_itself = find().unlock_with(&store).unwrap().test();
    assert!(
        matches!(
            by_itself,
            Err(Error::Backup(BackupError::NotIndependent { .. }))
        ),
        "{by_itself:?}"
    );
}

#[test]
fn nothing_foreign_is_overwritten() {
    let (place, mut store, dir) = filled();
    let letters = place.folder.path().join("letters");
    fs::create_dir(&letters).unwrap();
    fs::write(letters.join("mother.txt"), "dear").unwrap();
    let refused = to_folder(&mut store, &letters, &protected());
    assert!(
        matches!(&refused, Err(Error::Backup(BackupError::PlaceTaken { name, .. })) if name == "mother.txt"),
        "{refused:?}"
    );
    assert_eq!(files(&letters).len(), 1);

    to_folder(&mut store, &dir, &protected()).unwrap();
    let other_dir = place.folder.path().join("other");
    let mut other = Store::init(&other_dir, &Unlock::Unprotected).unwrap();
    let refused = to_folder(&mut other, &dir, &protected());
    assert!(
        matches!(refused, Err(Error::Backup(BackupError::OtherStore { .. }))),
        "{refused:?}"
    );

    let made = store.create(&ring("new"), Succession::FirstOnly).unwrap();
    let in_the_way = dir.join(format!("keys/new/{}.age", made.id));
    fs::create_dir(in_the_way.parent().unwrap()).unwrap();
    fs::write(&in_the_way, "somebody's").unwrap();
    let refused = to_folder(&mut store, &dir, &BackupOptions::default()).unwrap_err();
    assert!(
        matches!(&refused, Error::Backup(BackupError::Different { name, .. }) if name.contains(made.id.as_str())),
        "{refused:?}"
    );
    assert_eq!(fs::read(&in_the_way).unwrap(), b"somebody's");
    assert_eq!(
        test_folder(&dir).unwrap().keys,
        3,
        "what was backed up before still is"
    );
    fs::remove_file(&in_the_way).unwrap();
    assert_eq!(
        to_folder(&mut store, &dir, &BackupOptions::default())
            .unwrap()
            .keys,
        4
    );
}

#[test]
fn an_older_or_other_state_never_replaces_a_newer_one() {
    let (place, mut store, dir) = filled();
    let older = place.folder.path().join("older");
    copy(&place.dir, &older);
    store.create(&ring("new"), Succession::FirstOnly).unwrap();
    to_folder(&mut store, &dir, &protected()).unwrap();
    let before = fs::read(dir.join("backup.json")).unwrap();
    let mut older = Store::open(&older, &Unlock::Unprotected).unwrap();
    let refused = to_folder(&mut older, &dir, &BackupOptions::default());
    assert!(
        matches!(
            refused,
            Err(Error::Backup(BackupError::Newer {
                backup: 5,
                store: 4,
                ..
            }))
        ),
        "{refused:?}"
    );
    for name in ["a", "b", "c"] {
        older.create(&ring(name), Succession::FirstOnly).unwrap();
    }
    let refused = to_folder(&mut older, &dir, &BackupOptions::default());
    assert!(
        matches!(
            refused,
            Err(Error::Backup(BackupError::Apart { line: 5, .. }))
        ),
        "{refused:?}"
    );
    assert_eq!(fs::read(dir.join("backup.json")).unwrap(), before);
}

#[test]
fn a_damaged_key_is_named_and_its_sound_copy_kept() {
    let (place, mut store, dir) = filled();
    to_folder(&mut store, &dir, &protected()).unwrap();
    let entry = store.list()[1].clone();
    let path = place
        .dir
        .join(format!("keys/{}/{}.age", entry.ring, entry.id));
    let sound = fs::read(&path).unwrap();
    fs::write(&path, &sound[..sound.len() - 1]).unwrap();
    let report = to_folder(&mut store, &dir, &BackupOptions::default()).unwrap();
    assert_eq!(report.keys, 2);
    assert_eq!(report.unsound.len(), 1);
    assert_eq!(report.unsound[0].id, entry.id);
    assert_eq!(test_folder(&dir).unwrap().keys, 3);
    let kept = dir.join(format!("keys/{}/{}.age", entry.ring, entry.id));
    assert_eq!(fs::read(kept).unwrap(), sound);
}

#[test]
fn every_damaged_or_missing_document_is_named() {
    let (_place, mut store, dir) = filled();
    to_folder(&mut store, &dir, &protected()).unwrap();
    let mut tried = 0;
    for file in files(&dir) {
        let name = file
            .strip_prefix(&dir)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        if name == "lock" {
            continue;
        }
        let sound = fs::read(&file).unwrap();
        let mut damaged = vec![sound[..sound.len() - 1].to_vec(), Vec::new()];
        for at in (0..sound.len() * 8).step_by(sound.len() * 8 / 24 + 1) {
            let mut flipped = sound.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            damaged.push(flipped);
        }
        for bytes in damaged {
            fs::write(&file, bytes).unwrap();
            let error = test_folder(&dir).unwrap_err().to_string();
            // What a flip makes of the description may name another store, or a newer format.
            assert!(
                error.contains(&name) || name == "backup.json",
                "{name}: {error}"
            );
            tried += 1;
        }
        fs::remove_file(&file).unwrap();
        let error = test_folder(&dir).unwrap_err().to_string();
        assert!(
            error.contains(&name) || (name == "backup.json" && error.contains("no backup")),
            "{name}: {error}"
        );
        fs::write(&file, sound).unwrap();
    }
    assert_eq!(test_folder(&dir).unwrap().keys, 3);
    println!("{tried} damaged documents, each named");
    assert!(tried > 150);
}

#[test]
fn no_document_holds_a_secret_in_the_clear() {
    let place = place();
    let unlock = passphrase("open sesame");
    let mut store = Store::init_with(&place.dir, &unlock, quick()).unwrap();
    let entry = store
        .create(&ring("photos"), Succession::FirstOnly)
        .unwrap();
    let key = store.key(&entry.id).unwrap();
    let dir = place.folder.path().join("backup");
    to_folder(&mut store, &dir, &protected()).unwrap();
    let tar = place.folder.path().join("backup.tar");
    store.back_up_to_tar(&tar, &protected()).unwrap();
    let hex: String = key
        .expose()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let secrets: [Vec<u8>; 8] = [
        key.expose().to_vec(),
        BASE64_STANDARD.encode(key.expose()).into_bytes(),
        hex.to_ascii_uppercase().into_bytes(),
        hex.into_bytes(),
        b"AGE-SECRET-KEY-".to_vec(),
        PASSPHRASE.as_bytes().to_vec(),
        b"open sesame".to_vec(),
        // The journal tells who did what with which object.
        b"key-added".to_vec(),
    ];
    let mut all = files(&dir);
    all.push(tar);
    assert!(all.len() >= 8);
    for file in all {
        let content = fs::read(&file).unwrap();
        for secret in &secrets {
            let shown = content.windows(secret.len()).any(|window| window == secret);
            assert!(!shown, "{}", file.display());
        }
    }
}

#[test]
fn a_new_passphrase_reaches_the_backup() {
    let (_place, mut store, dir) = filled();
    to_folder(&mut store, &dir, &protected()).unwrap();
    let mut options = protected();
    options.protection = Some(BackupProtection::Passphrase(
        Passphrase::new("another".to_owned()).unwrap(),
    ));
    to_folder(&mut store, &dir, &options).unwrap();
    let documents = FolderDocuments::open(&dir).unwrap();
    let old = LockedBackup::find(&documents).unwrap().unlock(&key());
    assert!(
        matches!(old, Err(Error::Backup(BackupError::NotOpened { .. }))),
        "{old:?}"
    );
    fs::write(dir.join("identity.age"), "somebody's").unwrap();
    let refused = to_folder(&mut store, &dir, &options).unwrap_err();
    assert!(
        matches!(&refused, Error::Backup(BackupError::Different { name, .. }) if name == "identity.age"),
        "{refused:?}"
    );
}

#[test]
fn a_backup_on_a_stick_without_owners_is_used_and_links_are_not() {
    let (place, mut store, dir) = filled();
    fs::create_dir(&dir).unwrap();
    set_mode(&dir, 0o777);
    to_folder(&mut store, &dir, &protected()).unwrap();
    for file in files(&dir) {
        set_mode(&file, 0o666);
    }
    assert_eq!(test_folder(&dir).unwrap().keys, 3);
    let link = place.folder.path().join("link");
    std::os::unix::fs::symlink(&dir, &link).unwrap();
    assert!(matches!(
        FolderDocuments::open(&link),
        Err(Error::Permissions(_))
    ));
    let key = store.list()[0].clone();
    let file = dir.join(format!("keys/{}/{}.age", key.ring, key.id));
    fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink(place.dir.join("store.toml"), &file).unwrap();
    assert!(test_folder(&dir).is_err());
}

#[test]
fn a_read_only_store_is_not_backed_up() {
    let (place, store, dir) = filled();
    drop(store);
    let journal = place.dir.join("journal.jsonl");
    let bytes = fs::read(&journal).unwrap();
    fs::write(&journal, &bytes[..bytes.len() / 2]).unwrap();
    let refused = to_folder(&mut open(&place), &dir, &protected());
    let Err(Error::ReadOnly { .. }) = refused else {
        panic!("{refused:?}");
    };
}
