//! What every opener has to do.

use std::fs;

use keyferry_keystore::{
    Added, Error, ErrorClass, Existing, Finding, NewOpener, Opener, OpenerName, OpenerState,
    Passphrase, Store,
};

use crate::candidate::Candidate;
use crate::place::{PASSPHRASE, Place, passphrase, quick};

pub(crate) fn run(candidate: &dyn Candidate) {
    opens_and_is_listed(candidate);
    wrong_credentials_are_named_and_change_nothing(candidate);
    changed_files_are_detected(candidate);
    two_at_once(candidate);
    is_bound_to_its_store(candidate);
    alone_and_removed(candidate);
}

fn name(text: &str) -> OpenerName {
    text.parse().unwrap()
}

fn add(candidate: &dyn Candidate, store: &mut Store, as_name: &str) -> Opener {
    let (new, proof) = candidate.new_opener(store);
    let Added { opener, proven } = store
        .add_opener(&name(as_name), &new, proof.as_ref(), Existing::Keep)
        .unwrap();
    assert!(proven, "{}", candidate.name());
    opener
}

fn opens_and_is_listed(candidate: &dyn Candidate) {
    let (place, mut store) = Place::new();
    let opener = add(candidate, &mut store, "tried");
    assert_eq!(opener.kind, Some(candidate.kind()));
    assert_eq!(opener.state, OpenerState::Sound);
    assert!(!opener.detail.is_empty());
    let openers = store.openers().unwrap();
    assert!(openers.contains(&opener));
    let mut identity = None;
    for unlock in [candidate.unlock(&opener), passphrase(PASSPHRASE)] {
        let opened = place.open(&unlock).unwrap();
        assert_eq!(opened.findings(), []);
        assert_eq!(opened.openers().unwrap(), openers);
        assert_eq!(
            *identity.get_or_insert(opened.recipient()),
            opened.recipient()
        );
    }
    let opened = place.open(&candidate.unlock(&opener)).unwrap();
    assert_eq!(opened.opened_by(), Some(&name("tried")));
    for (path, content) in place.contents() {
        for secret in candidate.secrets() {
            let found = content.windows(secret.len()).any(|part| part == secret);
            assert!(
                !found,
                "{}: a secret in {}",
                candidate.name(),
                path.display()
            );
        }
        let found = String::from_utf8_lossy(&content).contains("AGE-SECRET-KEY-");
        assert!(
            !found,
            "{}: an identity in {}",
            candidate.name(),
            path.display()
        );
    }
    candidate.forget(&opener);
}

fn wrong_credentials_are_named_and_change_nothing(candidate: &dyn Candidate) {
    let (place, mut store) = Place::new();
    let opener = add(candidate, &mut store, "tried");
    let before = place.contents();
    let error = place.open(&candidate.wrong(&opener)).unwrap_err();
    assert_eq!(
        error.class(),
        ErrorClass::Locked,
        "{}: {error}",
        candidate.name()
    );
    let said = error.to_string();
    assert!(
        said.contains(candidate.refusal()),
        "{}: {said}",
        candidate.name()
    );
    assert!(error.hint().is_some_and(|hint| !hint.is_empty()));
    assert!(
        place.contents() == before,
        "{}: something was written",
        candidate.name()
    );
    candidate.forget(&opener);
}

fn changed_files_are_detected(candidate: &dyn Candidate) {
    let (place, mut store) = Place::new();
    let opener = add(candidate, &mut store, "tried");
    let path = place.opener_file(&name("tried"));
    let whole = fs::read(&path).unwrap();
    // Bits all over the header and the content, the first and the last byte among them.
    let last = whole.len() - 1;
    for step in 0..=24 {
        let (byte, bit) = (step * last / 24, step % 8);
        let mut flipped = whole.clone();
        flipped[byte] ^= 1 << bit;
        fs::write(&path, &flipped).unwrap();
        let opened = place.open(&candidate.unlock(&opener));
        assert!(opened.is_err(), "{}: {byte}.{bit}", candidate.name());
        let opened = place.open(&passphrase(PASSPHRASE)).unwrap();
        let changed = |finding: &Finding| matches!(finding, Finding::OpenerChanged { .. });
        assert!(opened.findings().iter().any(changed), "{byte}.{bit}");
    }
    for length in [0, 1, whole.len() / 2, last] {
        fs::write(&path, &whole[..length]).unwrap();
        let opened = place.open(&candidate.unlock(&opener));
        assert!(opened.is_err(), "{}: cut to {length}", candidate.name());
    }
    fs::write(&path, whole).unwrap();
    assert_eq!(
        place.open(&candidate.unlock(&opener)).unwrap().findings(),
        []
    );
    candidate.forget(&opener);
}

fn two_at_once(candidate: &dyn Candidate) {
    let (place, mut store) = Place::new();
    let first = add(candidate, &mut store, "first");
    let second = add(candidate, &mut store, "second");
    let file = |which| fs::read(place.opener_file(&name(which))).unwrap();
    assert_ne!(file("first"), file("second"));
    let mut opened = place.open(&candidate.unlock(&second)).unwrap();
    assert_eq!(opened.openers().unwrap().len(), 3);
    // Opened by either one, in whichever order they are tried, the other may go.
    let by = opened.opened_by().unwrap().clone();
    let gone = if by == name("first") { &second } else { &first };
    opened.remove_opener(&gone.name).unwrap();
    candidate.forget(gone);
    let kept = if by == name("first") { &first } else { &second };
    assert_eq!(
        place.open(&candidate.unlock(kept)).unwrap().opened_by(),
        Some(&by)
    );
    candidate.forget(kept);
}

/// Another store's opener does not open this one, and what it holds is not taken for this store's.
fn is_bound_to_its_store(candidate: &dyn Candidate) {
    let (place, mut store) = Place::new();
    let (elsewhere, mut other) = Place::new();
    let ours = add(candidate, &mut store, "tried");
    let theirs = add(candidate, &mut other, "tried");
    let file = name("tried");
    fs::copy(elsewhere.opener_file(&file), place.opener_file(&file)).unwrap();
    let error = place.open(&candidate.unlock(&theirs)).unwrap_err();
    assert!(
        matches!(
            error,
            Error::OpenerDamaged { .. }
                | Error::OpenerFailed { .. }
                | Error::ManifestDamaged { .. }
                | Error::WrongPassphrase { .. }
        ),
        "{}: {error}",
        candidate.name()
    );
    candidate.forget(&ours);
    candidate.forget(&theirs);
}

fn alone_and_removed(candidate: &dyn Candidate) {
    let (place, mut store) = Place::new();
    let opener = add(candidate, &mut store, "tried");
    let mut store = place.open(&candidate.unlock(&opener)).unwrap();
    store.remove_opener(&OpenerName::passphrase()).unwrap();
    let mut store = place.open(&candidate.unlock(&opener)).unwrap();
    let last = store.remove_opener(&name("tried")).unwrap_err();
    assert!(matches!(last, Error::LastOpener { .. }), "{last}");
    let back = Passphrase::new("back again".to_owned()).unwrap();
    store
        .add_opener(
            &OpenerName::passphrase(),
            &NewOpener::Passphrase(back, quick()),
            None,
            Existing::Keep,
        )
        .unwrap();
    let mut store = place.open(&passphrase("back again")).unwrap();
    let removed = store.remove_opener(&name("tried")).unwrap();
    assert_eq!(removed.name, name("tried"));
    assert!(!place.opener_file(&name("tried")).exists());
    assert_eq!(store.openers().unwrap().len(), 1);
    assert!(place.open(&candidate.unlock(&opener)).is_err());
    let opened = place.open(&passphrase("back again")).unwrap();
    assert_eq!(opened.findings(), []);
    candidate.forget(&opener);
}
