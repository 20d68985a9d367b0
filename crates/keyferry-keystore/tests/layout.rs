//! The store on disk: what others find there, and with which permissions.
#![expect(
    clippy::unwrap_used,
    reason = "also in what is shared by the tests of this file"
)]

use std::fs;
use std::io::Read;
use std::path::Path;

use age::secrecy::SecretString;
use base64::prelude::{BASE64_STANDARD, Engine};
use keyferry_key::CustomerKey;
use keyferry_keystore::{Error, KeyState, LockedStore, Protection, Store, Succession, Unlock};

mod fixture;
use fixture::{copy, files, mode, open, passphrase, place, quick, ring, store};

fn decrypt(identity: &dyn age::Identity, path: &Path) -> Vec<u8> {
    let ciphertext = fs::read(path).unwrap();
    let mut plaintext = Vec::new();
    age::Decryptor::new(&ciphertext[..])
        .unwrap()
        .decrypt(std::iter::once(identity))
        .unwrap()
        .read_to_end(&mut plaintext)
        .unwrap();
    plaintext
}

/// Opens the store's files with nothing but age, a JSON reader and a base64 decoder.
#[test]
fn age_alone_opens_a_key() {
    let place = place();
    let mut store = Store::init_with(&place.dir, &passphrase("open sesame"), quick()).unwrap();
    let entry = store
        .create(&ring("photos"), Succession::FirstOnly)
        .unwrap();
    let key = store.key(&entry.id).unwrap();

    let by_passphrase = age::scrypt::Identity::new(SecretString::from("open sesame".to_owned()));
    let text = decrypt(&by_passphrase, &place.dir.join("identity.age"));
    let identities = age::IdentityFile::from_buffer(&text[..])
        .unwrap()
        .into_identities()
        .unwrap();
    let file = place.dir.join(format!("keys/photos/{}.age", entry.id));
    let payload = decrypt(identities[0].as_ref(), &file);
    let payload: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!(payload["id"], entry.id.as_str());
    assert_eq!(payload["ring"], "photos");
    assert_eq!(payload["version"], 1);
    assert_eq!(payload["md5"], key.md5().to_string());
    let bytes = BASE64_STANDARD.decode(payload["key"].as_str().unwrap());
    assert_eq!(bytes.unwrap(), key.expose());
}

#[test]
fn only_the_owner_has_access() {
    let (place, mut store) = store();
    let entry = store
        .create(&ring("photos"), Succession::FirstOnly)
        .unwrap();
    let out = place.folder.path().join("key.bin");
    store.export(&entry.id, &out).unwrap();
    assert_eq!(mode(&out), 0o600);
    for folder in ["", "keys", "keys/photos"] {
        assert_eq!(mode(&place.dir.join(folder)), 0o700, "{folder}");
    }
    let found = files(&place.dir);
    assert_eq!(found.len(), 6, "{found:?}");
    for file in found {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn no_file_holds_a_key_or_the_identity_in_the_clear() {
    let place = place();
    let unlock = passphrase("open sesame");
    let mut store = Store::init_with(&place.dir, &unlock, quick()).unwrap();
    let entry = store
        .create(&ring("photos"), Succession::FirstOnly)
        .unwrap();
    let key = store.key(&entry.id).unwrap();
    let base64 = BASE64_STANDARD.encode(key.expose());
    let hex: String = key
        .expose()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let secrets: [&[u8]; 5] = [
        key.expose(),
        base64.as_bytes(),
        hex.as_bytes(),
        b"AGE-SECRET-KEY-",
        b"open sesame",
    ];
    for file in files(&place.dir) {
        let content = fs::read(&file).unwrap();
        for secret in secrets {
            let shown = content.windows(secret.len()).any(|window| window == secret);
            assert!(!shown, "{}", file.display());
        }
    }
    let shown = format!("{store:?} {unlock:?} {:?}", store.list());
    assert!(!shown.contains(&base64) && !shown.contains(&hex) && !shown.contains("sesame"));
}

#[test]
fn a_locked_store_tells_its_keys_but_not_the_keys() {
    let place = place();
    let unlock = passphrase("open sesame");
    let mut store = Store::init_with(&place.dir, &unlock, quick()).unwrap();
    store
        .create(&ring("photos"), Succession::FirstOnly)
        .unwrap();
    store
        .create(&ring("photos"), Succession::Supersede)
        .unwrap();
    let locked = LockedStore::open(&place.dir).unwrap();
    assert_eq!(locked.protection().unwrap(), Protection::Passphrase);
    assert_eq!(locked.id(), store.id());
    assert_eq!(locked.recipient(), store.recipient());
    assert_eq!(locked.list().unwrap(), store.list());

    let wrong = LockedStore::open(&place.dir)
        .unwrap()
        .unlock(&passphrase("open says me"));
    assert!(
        matches!(wrong, Err(Error::WrongPassphrase { .. })),
        "{wrong:?}"
    );
    let none = LockedStore::open(&place.dir)
        .unwrap()
        .unlock(&Unlock::Unprotected);
    assert!(
        matches!(none, Err(Error::PassphraseNeeded { .. })),
        "{none:?}"
    );
    assert_eq!(locked.unlock(&unlock).unwrap().list(), store.list());
}

#[test]
fn a_wrong_passphrase_writes_nothing() {
    let place = place();
    Store::init_with(&place.dir, &passphrase("right"), quick()).unwrap();
    let before: Vec<_> = files(&place.dir)
        .into_iter()
        .map(|file| (file.clone(), fs::read(file).unwrap()))
        .collect();
    Store::open(&place.dir, &passphrase("wrong")).unwrap_err();
    let after: Vec<_> = files(&place.dir)
        .into_iter()
        .map(|file| (file.clone(), fs::read(file).unwrap()))
        .collect();
    assert_eq!(before, after);
}

#[test]
fn an_unprotected_store_says_so() {
    let (place, _) = store();
    let locked = LockedStore::open(&place.dir).unwrap();
    assert_eq!(locked.protection().unwrap(), Protection::None);
    let given = locked.unlock(&passphrase("needless"));
    assert!(
        matches!(given, Err(Error::NotProtected { .. })),
        "{given:?}"
    );
}

#[test]
fn init_takes_a_new_or_empty_folder_and_nothing_else() {
    let place = place();
    let missing = Store::open(&place.dir, &Unlock::Unprotected);
    assert!(matches!(missing, Err(Error::NoStore { .. })), "{missing:?}");
    fs::create_dir(&place.dir).unwrap();
    let empty = Store::open(&place.dir, &Unlock::Unprotected);
    assert!(
        matches!(empty, Err(Error::NoStore { .. } | Error::Permissions(_))),
        "{empty:?}"
    );
    Store::init(&place.dir, &Unlock::Unprotected).unwrap();
    assert_eq!(mode(&place.dir), 0o700, "whatever the empty folder had");
    let again = Store::init(&place.dir, &Unlock::Unprotected);
    assert!(matches!(again, Err(Error::StoreExists { .. })), "{again:?}");

    let used = place.folder.path().join("used");
    fs::create_dir(&used).unwrap();
    fs::write(used.join("letter.txt"), "dear").unwrap();
    let refused = Store::init(&used, &Unlock::Unprotected);
    assert!(
        matches!(refused, Err(Error::NotEmpty { .. })),
        "{refused:?}"
    );
    assert_eq!(files(&used).len(), 1);

    let deep = place.folder.path().join("a/b/store");
    Store::init(&deep, &Unlock::Unprotected).unwrap();
    assert_eq!(mode(&place.folder.path().join("a")), 0o700);
    let root = Store::init(Path::new("/"), &Unlock::Unprotected);
    assert!(matches!(root, Err(Error::BadPath { .. })), "{root:?}");
}

#[test]
fn a_copied_store_opens() {
    let (place, mut store) = store();
    let made = store
        .create(&ring("photos"), Succession::FirstOnly)
        .unwrap();
    let elsewhere = place.folder.path().join("elsewhere");
    copy(&place.dir, &elsewhere);
    let copied = Store::open(&elsewhere, &Unlock::Unprotected).unwrap();
    assert_eq!(copied.key(&made.id).unwrap(), store.key(&made.id).unwrap());
}

#[test]
fn export_writes_32_bytes_once() {
    let (place, mut store) = store();
    let entry = store
        .create(&ring("photos"), Succession::FirstOnly)
        .unwrap();
    let out = place.folder.path().join("key.bin");
    let exported = store.export(&entry.id, &out).unwrap();
    assert!(exported.journalled);
    let bytes: [u8; 32] = fs::read(&out).unwrap().try_into().unwrap();
    assert_eq!(CustomerKey::from_bytes(bytes).md5(), entry.md5);
    let again = store.export(&entry.id, &out);
    assert!(
        matches!(again, Err(Error::ExportExists { .. })),
        "{again:?}"
    );
    let link = place.folder.path().join("link");
    std::os::unix::fs::symlink(place.folder.path().join("target"), &link).unwrap();
    let through = store.export(&entry.id, &link);
    assert!(
        matches!(through, Err(Error::ExportExists { .. })),
        "{through:?}"
    );
    let journal = fs::read_to_string(place.dir.join("journal.jsonl")).unwrap();
    let recorded = journal.lines().filter(|line| line.contains("key-exported"));
    assert_eq!(recorded.count(), 1, "{journal}");
    assert_eq!(
        open(&place).entry(&entry.id).unwrap().state,
        KeyState::Active
    );
}
