//! The identity in shares: any few restore it, and nothing else is taken for it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "also in what is shared by the tests of this file"
)]

use keyferry_keystore::{
    AgeIdentities, BackupKey, BackupOptions, BackupProtection, Error, FolderDocuments,
    LockedBackup, LockedStore, Passphrase, Recombined, Reprotect, Share, ShareCounts, ShareError,
    Store, Succession, Unlock,
};

mod fixture;
use fixture::{Place, passphrase, place, quick, ring};

/// A store with a key, behind a passphrase that nobody will need.
fn locked() -> (Place, Store) {
    let place = place();
    let mut store = Store::init_with(&place.dir, &passphrase("forgotten"), quick()).unwrap();
    store
        .create(&ring("photos"), Succession::FirstOnly)
        .unwrap();
    (place, store)
}

fn split(store: &mut Store, shares: u8, threshold: u8) -> Vec<String> {
    let counts = ShareCounts::new(shares, threshold).unwrap();
    let shares = store.split_identity(counts).unwrap();
    shares
        .iter()
        .map(|share| share.to_text().to_string())
        .collect()
}

fn parse(texts: &[&String]) -> Result<Vec<Share>, Error> {
    let named = texts.iter().enumerate();
    named
        .map(|(number, text)| Share::parse(text.as_bytes(), &format!("file {number}")))
        .collect()
}

fn recombine(texts: &[&String]) -> Result<Recombined, Error> {
    Recombined::from_shares(&parse(texts)?)
}

fn refused(texts: &[&String]) -> ShareError {
    match recombine(texts) {
        Err(Error::Shares(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_three_of_five_restore_the_store() {
    let (place, mut store) = locked();
    let shares = split(&mut store, 5, 3);
    let entry = store.list()[0].clone();
    let mut tried = 0;
    for subset in 1_u32..1 << 5 {
        let chosen: Vec<&String> = (0..5)
            .filter(|bit| subset >> bit & 1 == 1)
            .map(|bit| &shares[bit])
            .collect();
        if chosen.len() < 3 {
            let error = refused(&chosen);
            assert!(
                matches!(error, ShareError::TooFew { given, needed: 3, .. } if given == chosen.len()),
                "{error:?}"
            );
            continue;
        }
        let recombined = recombine(&chosen).unwrap();
        assert_eq!(recombined.store(), store.id());
        let new = passphrase(&format!("new {subset}"));
        let locked = LockedStore::open(&place.dir).unwrap();
        locked.restore_identity(&recombined, &new, quick()).unwrap();
        let opened = Store::open(&place.dir, &new).unwrap();
        assert_eq!(opened.key(&entry.id).unwrap().md5(), entry.md5);
        tried += 1;
    }
    assert_eq!(tried, 10 + 5 + 1);
    let old = Store::open(&place.dir, &passphrase("forgotten"));
    assert!(matches!(old, Err(Error::WrongPassphrase { .. })), "{old:?}");
}

#[test]
fn every_single_wrong_character_is_rejected_and_pointed_at() {
    let (_place, mut store) = locked();
    let shares = split(&mut store, 3, 2);
    let code: String = shares[0]
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(|line| line.split_whitespace().skip(1))
        .collect();
    assert!(Share::parse(code.as_bytes(), "a test").is_ok());
    assert!(Share::parse(code.to_uppercase().as_bytes(), "a test").is_ok());
    let mut tried = 0;
    for position in 0..code.len() {
        for character in "abcdefghijklmnopqrstuvwxyz0123456789".chars() {
            if code[position..].starts_with(character) {
                continue;
            }
            let mut wrong = code.clone();
            wrong.replace_range(position..=position, &character.to_string());
            let error = Share::parse(wrong.as_bytes(), "a test").unwrap_err();
            if position >= 4 {
                let Error::Shares(ShareError::Miscopied { group, .. }) = error else {
                    panic!("{error:?}");
                };
                assert_eq!(group, Some(position / 5 + 1), "{wrong}");
            }
            tried += 1;
        }
        let mut shorter = code.clone();
        shorter.remove(position);
        assert!(Share::parse(shorter.as_bytes(), "a test").is_err());
        if position > 4 && code[position..].len() > 1 {
            let mut swapped: Vec<u8> = code.clone().into_bytes();
            swapped.swap(position, position + 1);
            assert!(swapped == code.as_bytes() || Share::parse(&swapped, "a test").is_err());
        }
    }
    println!("{tried} wrong characters, each rejected");
    assert!(tried > 3_500);
}

#[test]
fn what_does_not_go_together_is_named() {
    let (_place, mut store) = locked();
    let one = split(&mut store, 5, 3);
    let other = split(&mut store, 5, 3);
    let error = refused(&[&one[0], &one[1], &other[2]]);
    assert!(
        matches!(&error, ShareError::MixedSets { other, .. } if other == "share 3 (file 2)"),
        "{error:?}"
    );
    let error = refused(&[&one[0], &one[1], &one[0]]);
    assert!(
        matches!(&error, ShareError::Duplicate { one, other } if one.contains("file 0") && other.contains("file 2")),
        "{error:?}"
    );
    assert!(matches!(refused(&[]), ShareError::Empty));
    let both = format!("{}{}", one[0], one[1]);
    assert!(matches!(refused(&[&both]), ShareError::NotAShare { .. }));
    let letter = "dear mother".to_owned();
    assert!(matches!(refused(&[&letter]), ShareError::NotAShare { .. }));

    let (place, _) = locked();
    let recombined = recombine(&[&one[0], &one[1], &one[2]]).unwrap();
    let elsewhere = LockedStore::open(&place.dir).unwrap().restore_identity(
        &recombined,
        &passphrase("x"),
        quick(),
    );
    assert!(
        matches!(elsewhere, Err(Error::Shares(ShareError::OtherStore { .. }))),
        "{elsewhere:?}"
    );
    for (shares, threshold) in [(5, 1), (5, 6), (1, 1), (0, 0)] {
        assert!(ShareCounts::new(shares, threshold).is_err());
    }
    ShareCounts::new(255, 255).unwrap();
}

/// A share that was forged, or damaged beyond its checksum, gives another secret: the digest tells.
#[test]
fn a_wrong_secret_is_never_taken() {
    let (_place, mut store) = locked();
    let texts = split(&mut store, 3, 2);
    let code: String = texts[0]
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(|line| line.split_whitespace().skip(1))
        .collect();
    let (prefix, mut bytes) = bech32::decode(&code).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    let forged = bech32::encode::<bech32::Bech32m>(prefix, &bytes).unwrap();
    let error = refused(&[&forged, &texts[1]]);
    assert!(
        matches!(&error, ShareError::WrongSecret { shares } if shares.len() == 2),
        "{error:?}"
    );
}

#[test]
fn shares_open_a_backup() {
    let (place, mut store) = locked();
    let shares = split(&mut store, 3, 2);
    let dir = place.folder.path().join("backup");
    let mut options = BackupOptions::default();
    options.protection = Some(BackupProtection::Passphrase(
        Passphrase::new("forgotten, too".to_owned()).unwrap(),
    ));
    options.work = quick();
    store
        .back_up(&FolderDocuments::open_or_new(&dir).unwrap(), &options)
        .unwrap();
    let documents = FolderDocuments::open(&dir).unwrap();
    let key = BackupKey::Recombined(recombine(&[&shares[2], &shares[0]]).unwrap());
    let open = || {
        LockedBackup::find(&documents)
            .unwrap()
            .unlock(&key)
            .unwrap()
    };
    assert_eq!(open().test().unwrap().keys, 1);
    let new = place.folder.path().join("new");
    let protection = Reprotect {
        unlock: passphrase("remembered"),
        work: quick(),
    };
    open().restore_new(&new, Some(&protection), false).unwrap();
    assert_eq!(
        Store::open(&new, &passphrase("remembered")).unwrap().list(),
        store.list()
    );
}

#[test]
fn the_identity_of_a_recovery_sheet_opens_store_and_backup() {
    let place = place();
    let mut store = Store::init(&place.dir, &Unlock::Unprotected).unwrap();
    store
        .create(&ring("photos"), Succession::FirstOnly)
        .unwrap();
    let text = std::fs::read(place.dir.join("identity.age")).unwrap();
    let identities = AgeIdentities::parse(&text, "a sheet").unwrap();
    LockedStore::open(&place.dir)
        .unwrap()
        .restore_identity_from(&identities, &passphrase("new"), quick())
        .unwrap();
    let mut store = Store::open(&place.dir, &passphrase("new")).unwrap();
    let dir = place.folder.path().join("backup");
    let documents = FolderDocuments::open_or_new(&dir).unwrap();
    store
        .back_up(&documents, &BackupOptions::default())
        .unwrap();
    let backup = LockedBackup::find(&documents).unwrap();
    let opened = backup.unlock(&BackupKey::Identities(identities)).unwrap();
    assert_eq!(opened.test().unwrap().keys, 1);

    let (other, _) = locked();
    let identities = AgeIdentities::parse(&text, "a sheet").unwrap();
    let refused = LockedStore::open(&other.dir)
        .unwrap()
        .restore_identity_from(&identities, &passphrase("new"), quick());
    assert!(
        matches!(
            refused,
            Err(Error::Shares(ShareError::NotTheIdentity { .. }))
        ),
        "{refused:?}"
    );
}

#[test]
fn a_share_shows_its_part_to_nobody_but_its_reader() {
    let (_place, mut store) = locked();
    let shares = store
        .split_identity(ShareCounts::new(2, 2).unwrap())
        .unwrap();
    let text = shares[0].to_text();
    let shown = format!("{:?}", shares[0]);
    let code = text.lines().last().unwrap();
    assert!(
        !shown.contains(code.split_whitespace().nth(1).unwrap()),
        "{shown}"
    );
    assert!(text.contains(store.id().as_str()) && text.contains("any 2 shares"));
}
