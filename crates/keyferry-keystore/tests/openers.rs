//! Several ways to open one store: added, proven, used, replaced, removed.

#![expect(clippy::unwrap_used, reason = "a test")]
#![expect(clippy::indexing_slicing, reason = "a test")]

mod fixture;

use std::fs;
use std::sync::{Arc, Mutex};

use fixture::{Place, files, passphrase, place, quick, ring, set_mode};
use keyferry_keystore::{
    Error, Existing, FileKey, Finding, Identities, KeyWrap, LockedStore, NewOpener, NoPrompt,
    OpenerKind, OpenerName, OpenerState, Passphrase, Prompt, Protection, Recipient, Store, StoreId,
    Succession, Unlock, WrapError, Wrapped,
};

fn name(text: &str) -> OpenerName {
    text.parse().unwrap()
}

fn new_passphrase(text: &str) -> NewOpener {
    NewOpener::Passphrase(Passphrase::new(text.to_owned()).unwrap(), quick())
}

/// A store with a passphrase and a key.
fn protected() -> (Place, Store) {
    let place = place();
    let mut store = Store::init_with(&place.dir, &passphrase("first"), quick()).unwrap();
    store
        .create(&ring("photos"), Succession::FirstOnly)
        .unwrap();
    (place, store)
}

/// Opens the store anew and its key, too.
fn opens(place: &Place, unlock: &Unlock) -> Result<Store, Error> {
    let store = Store::open(&place.dir, unlock)?;
    assert_eq!(store.findings(), []);
    let (entry, key) = store.active(&ring("photos"))?;
    assert_eq!(entry.md5, key.md5());
    Ok(store)
}

/// A service in memory that keeps the keys it is given and hands out their numbers.
#[derive(Debug, Default)]
struct Safe {
    kept: Mutex<Vec<([u8; 16], String)>>,
    refuses: Mutex<bool>,
}

impl KeyWrap for Safe {
    fn kind(&self) -> OpenerKind {
        OpenerKind::Kms
    }

    fn wrap(&self, store: &StoreId, key: &FileKey) -> Result<Wrapped, WrapError> {
        let mut kept = self.kept.lock().unwrap();
        kept.push((**key, store.to_string()));
        Ok(Wrapped {
            arguments: vec!["safe:1".to_owned()],
            body: vec![u8::try_from(kept.len() - 1).unwrap()],
        })
    }

    fn unwrap(&self, store: &StoreId, wrapped: &Wrapped) -> Result<FileKey, WrapError> {
        if *self.refuses.lock().unwrap() {
            return Err(WrapError::Refused {
                service: "the safe".to_owned(),
                reason: "it is closed".to_owned(),
                hint: "open it".to_owned(),
            });
        }
        let kept = self.kept.lock().unwrap();
        let found = kept.get(usize::from(wrapped.body[0]));
        match found {
            Some((key, of)) if of == store.as_str() => Ok(FileKey::new(*key)),
            _ => Err(WrapError::Unrecognised {
                service: "the safe".to_owned(),
            }),
        }
    }
}

#[test]
fn any_one_of_several_openers_suffices() {
    let (place, mut store) = protected();
    let safe: Arc<dyn KeyWrap> = Arc::new(Safe::default());
    let (identity, recipient, _) = Identities::generate();
    let added = store
        .add_opener(
            &name("escrow"),
            &NewOpener::Recipient(recipient.clone()),
            None,
            Existing::Keep,
        )
        .unwrap();
    assert!(!added.proven, "nothing could show that it opens");
    let wrapped = NewOpener::Wrap(Arc::clone(&safe));
    let added = store
        .add_opener(&name("safe"), &wrapped, None, Existing::Keep)
        .unwrap();
    assert!(added.proven);
    assert_eq!(added.opener.detail, "safe:1");
    store
        .add_opener(
            &name("second"),
            &new_passphrase("other"),
            None,
            Existing::Keep,
        )
        .unwrap();

    for (unlock, by) in [
        (passphrase("first"), "passphrase"),
        (passphrase("other"), "second"),
        (Unlock::Identities(identity), "escrow"),
        (Unlock::Wrap(safe), "safe"),
    ] {
        let store = opens(&place, &unlock).unwrap();
        assert_eq!(store.opened_by(), Some(&name(by)));
        let refused = LockedStore::open(&place.dir).unwrap().unlock_by(
            &name(if by == "second" {
                "passphrase"
            } else {
                "second"
            }),
            &unlock,
        );
        assert!(refused.is_err(), "{by} opened another's file");
    }
    let wrong = opens(&place, &passphrase("wrong")).unwrap_err();
    assert!(matches!(wrong, Error::WrongPassphrase { .. }), "{wrong}");
    let stranger = Unlock::Identities(Identities::generate().0);
    let wrong = opens(&place, &stranger).unwrap_err();
    assert!(matches!(wrong, Error::NoOpenerFits { .. }), "{wrong}");

    let listed = opens(&place, &passphrase("first"))
        .unwrap()
        .openers()
        .unwrap();
    assert_eq!(
        LockedStore::open(&place.dir).unwrap().openers().unwrap(),
        listed
    );
    let shown: Vec<_> = listed
        .iter()
        .map(|opener| (opener.name.as_str(), opener.kind.unwrap(), opener.state))
        .collect();
    assert_eq!(
        shown,
        [
            ("passphrase", OpenerKind::Passphrase, OpenerState::Sound),
            ("escrow", OpenerKind::Age, OpenerState::Sound),
            ("safe", OpenerKind::Kms, OpenerState::Sound),
            ("second", OpenerKind::Passphrase, OpenerState::Sound),
        ]
    );
    assert!(listed.iter().all(|opener| opener.added.is_some()));
    assert_eq!(listed[1].detail, recipient.detail());
}

#[test]
fn a_service_that_refuses_is_named_and_changes_nothing() {
    let (place, mut store) = protected();
    let safe = Arc::new(Safe::default());
    let shared: Arc<dyn KeyWrap> = safe.clone();
    let wrapped = NewOpener::Wrap(Arc::clone(&shared));
    let before = contents(&place);
    *safe.refuses.lock().unwrap() = true;
    let error = store
        .add_opener(&name("safe"), &wrapped, None, Existing::Keep)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "opener `safe`: the safe refused: it is closed"
    );
    assert_eq!(error.hint().as_deref(), Some("open it"));
    assert!(contents(&place) == before, "something was written");
    *safe.refuses.lock().unwrap() = false;
    store
        .add_opener(&name("safe"), &wrapped, None, Existing::Keep)
        .unwrap();
    *safe.refuses.lock().unwrap() = true;
    let error = opens(&place, &Unlock::Wrap(shared)).unwrap_err();
    assert!(matches!(error, Error::OpenerFailed { .. }), "{error}");
    opens(&place, &passphrase("first")).unwrap();
}

#[test]
fn names_are_taken_once_and_replaced_only_when_asked() {
    let (place, mut store) = protected();
    let add = |store: &mut Store, text: &str, existing| {
        store.add_opener(&name("passphrase"), &new_passphrase(text), None, existing)
    };
    let error = add(&mut store, "next", Existing::Keep).unwrap_err();
    assert!(matches!(error, Error::OpenerExists { .. }), "{error}");
    opens(&place, &passphrase("first")).unwrap();
    // A change of passphrase: what opened the store before does no more, and no key was touched.
    let keys = fs::read(key_file(&place)).unwrap();
    add(&mut store, "next", Existing::Replace).unwrap();
    let error = opens(&place, &passphrase("first")).unwrap_err();
    assert!(matches!(error, Error::WrongPassphrase { .. }), "{error}");
    let mut store = opens(&place, &passphrase("next")).unwrap();
    assert_eq!(fs::read(key_file(&place)).unwrap(), keys);
    assert_eq!(store.openers().unwrap().len(), 1);
    for (reserved, opener) in [
        ("unprotected", new_passphrase("x")),
        ("passphrase", NewOpener::Recipient(Identities::generate().1)),
    ] {
        let refused = store.add_opener(&name(reserved), &opener, None, Existing::Replace);
        assert!(matches!(refused, Err(Error::InvalidOpenerName { .. })));
    }
}

#[test]
fn the_last_opener_that_is_known_to_work_stays() {
    let (place, mut store) = protected();
    let error = store.remove_opener(&name("passphrase")).unwrap_err();
    assert!(matches!(error, Error::LastOpener { .. }), "{error}");
    let (identity, recipient, _) = Identities::generate();
    let escrow = NewOpener::Recipient(recipient);
    store
        .add_opener(&name("escrow"), &escrow, None, Existing::Keep)
        .unwrap();
    // There is another, but nobody has seen it open the store.
    let error = store.remove_opener(&name("passphrase")).unwrap_err();
    assert!(matches!(error, Error::OpenerNotProven { .. }), "{error}");
    let mut store = opens(&place, &Unlock::Identities(identity.clone())).unwrap();
    // A removal by way of the other is proof enough, and it is gone for good.
    store.remove_opener(&name("passphrase")).unwrap();
    assert!(!place.dir.join("identity.age").exists());
    let locked = LockedStore::open(&place.dir).unwrap();
    assert_eq!(locked.protection().unwrap(), Protection::Openers);
    let error = opens(&place, &passphrase("first")).unwrap_err();
    assert!(matches!(error, Error::NoOpenerFits { .. }), "{error}");
    let error = store.remove_opener(&name("escrow")).unwrap_err();
    assert!(matches!(error, Error::LastOpener { .. }), "{error}");
    // Nor can it be replaced by one that nobody has seen work.
    let unproven = NewOpener::Recipient(Identities::generate().1);
    let error = store
        .add_opener(&name("escrow"), &unproven, None, Existing::Replace)
        .unwrap_err();
    assert!(matches!(error, Error::OpenerNotProven { .. }), "{error}");
    opens(&place, &Unlock::Identities(identity)).unwrap();
    let error = store.remove_opener(&name("nobody")).unwrap_err();
    assert!(matches!(error, Error::UnknownOpener { .. }), "{error}");
    // A passphrase can come back.
    store
        .add_opener(
            &name("passphrase"),
            &new_passphrase("back"),
            None,
            Existing::Keep,
        )
        .unwrap();
    opens(&place, &passphrase("back")).unwrap();
}

#[test]
fn two_removals_at_once_leave_one() {
    let (place, mut by_passphrase) = protected();
    let (identity, recipient, _) = Identities::generate();
    by_passphrase
        .add_opener(
            &name("escrow"),
            &NewOpener::Recipient(recipient),
            None,
            Existing::Keep,
        )
        .unwrap();
    let mut by_identity = opens(&place, &Unlock::Identities(identity)).unwrap();
    by_passphrase.remove_opener(&name("escrow")).unwrap();
    let error = by_identity.remove_opener(&name("passphrase")).unwrap_err();
    assert!(
        matches!(
            error,
            Error::LastOpener { .. } | Error::OpenerNotProven { .. }
        ),
        "{error}"
    );
    opens(&place, &passphrase("first")).unwrap();
}

#[test]
fn a_proof_that_proves_nothing_adds_nothing() {
    let (place, mut store) = protected();
    let before = contents(&place);
    let recipient = NewOpener::Recipient(Identities::generate().1);
    let other = Identities::generate().0;
    let error = store
        .add_opener(&name("escrow"), &recipient, Some(&other), Existing::Keep)
        .unwrap_err();
    assert!(matches!(error, Error::ProofFailed { .. }), "{error}");
    assert!(contents(&place) == before, "something was written");
    let (identity, recipient, _) = Identities::generate();
    let recipient = NewOpener::Recipient(recipient);
    let added = store
        .add_opener(&name("escrow"), &recipient, Some(&identity), Existing::Keep)
        .unwrap();
    assert!(added.proven);
}

#[test]
fn an_unprotected_store_gets_protected() {
    let place = place();
    let mut store = Store::init(&place.dir, &Unlock::Unprotected).unwrap();
    store
        .create(&ring("photos"), Succession::FirstOnly)
        .unwrap();
    let error = store
        .add_opener(
            &name("passphrase"),
            &new_passphrase("now"),
            None,
            Existing::Keep,
        )
        .unwrap_err();
    assert!(matches!(error, Error::OpenerExists { .. }), "{error}");
    let safe: Arc<dyn KeyWrap> = Arc::new(Safe::default());
    let wrapped = NewOpener::Wrap(Arc::clone(&safe));
    store
        .add_opener(&name("safe"), &wrapped, None, Existing::Keep)
        .unwrap();
    let secret = fs::read_to_string(place.dir.join("identity.age")).unwrap();
    let secret = secret.lines().last().unwrap().to_owned();
    let mut store = opens(&place, &Unlock::Wrap(Arc::clone(&safe))).unwrap();
    store.remove_opener(&name("unprotected")).unwrap();
    for (path, bytes) in contents(&place) {
        let found = bytes
            .windows(secret.len())
            .any(|part| part == secret.as_bytes());
        assert!(!found, "the identity still lies in {}", path.display());
    }
    assert!(Store::open(&place.dir, &Unlock::Unprotected).is_err());
    opens(&place, &Unlock::Wrap(safe)).unwrap();
}

#[test]
fn every_change_of_an_openers_file_is_noticed_by_the_others() {
    let (place, mut store) = protected();
    let (identity, recipient, _) = Identities::generate();
    store
        .add_opener(
            &name("escrow"),
            &NewOpener::Recipient(recipient),
            None,
            Existing::Keep,
        )
        .unwrap();
    let path = place.dir.join("unlock/escrow.age");
    let whole = fs::read(&path).unwrap();
    let unlock = Unlock::Identities(identity);
    for byte in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[byte] ^= 1 << (byte % 8);
        fs::write(&path, flipped).unwrap();
        let store = Store::open(&place.dir, &passphrase("first")).unwrap();
        let changed = store.findings().iter().any(|finding| {
            matches!(finding, Finding::OpenerChanged { name: of, .. } if *of == name("escrow"))
        });
        assert!(changed, "byte {byte}: {:?}", store.findings());
        assert_eq!(store.openers().unwrap()[1].state, OpenerState::Changed);
        let error = Store::open(&place.dir, &unlock);
        assert!(error.is_err(), "byte {byte}");
    }
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert!(Store::open(&place.dir, &unlock).is_err());
    fs::remove_file(&path).unwrap();
    let store = Store::open(&place.dir, &passphrase("first")).unwrap();
    assert!(matches!(store.findings(), [Finding::OpenerMissing { .. }]));
    assert_eq!(store.openers().unwrap()[1].state, OpenerState::Missing);
    fs::write(&path, &whole).unwrap();
    set_mode(&path, 0o600);
    opens(&place, &unlock).unwrap();
}

#[test]
fn a_strangers_file_is_named_and_of_no_use() {
    let (place, _) = protected();
    fs::create_dir(place.dir.join("unlock")).unwrap();
    set_mode(&place.dir.join("unlock"), 0o700);
    let elsewhere = fixture::place();
    let mut other = Store::init_with(&elsewhere.dir, &passphrase("first"), quick()).unwrap();
    let (identity, recipient, _) = Identities::generate();
    other
        .add_opener(
            &name("theirs"),
            &NewOpener::Recipient(recipient),
            None,
            Existing::Keep,
        )
        .unwrap();
    let planted = place.dir.join("unlock/theirs.age");
    fs::copy(elsewhere.dir.join("unlock/theirs.age"), &planted).unwrap();
    let store = Store::open(&place.dir, &passphrase("first")).unwrap();
    assert!(matches!(
        store.findings(),
        [Finding::UnknownOpenerFile { .. }]
    ));
    let error = Store::open(&place.dir, &Unlock::Identities(identity)).unwrap_err();
    assert_eq!(
        error.class(),
        keyferry_keystore::ErrorClass::Damaged,
        "{error}"
    );
    let mut store = store;
    store.remove_opener(&name("theirs")).unwrap();
    assert!(!planted.exists());
    set_mode(&place.dir.join("unlock"), 0o750);
    let error = Store::open(&place.dir, &passphrase("first")).unwrap_err();
    assert!(matches!(error, Error::Permissions(_)), "{error}");
}

#[test]
fn unusable_recipients_are_refused() {
    let nobody: Arc<dyn Prompt> = Arc::new(NoPrompt);
    for bad in [
        "",
        "age1",
        "age1qqqq",
        "AGE-SECRET-KEY-1QQQQ",
        "age1missing1aaaa",
    ] {
        let error = Recipient::age(bad, &nobody).unwrap_err();
        assert_eq!(
            error.class(),
            keyferry_keystore::ErrorClass::Locked,
            "{bad}: {error}"
        );
        assert!(!error.to_string().contains("SECRET"), "{error}");
    }
}

fn key_file(place: &Place) -> std::path::PathBuf {
    let found = files(&place.dir.join("keys"));
    found[0].clone()
}

fn contents(place: &Place) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let read = |path: std::path::PathBuf| {
        let bytes = fs::read(&path).unwrap();
        (path, bytes)
    };
    files(&place.dir).into_iter().map(read).collect()
}
