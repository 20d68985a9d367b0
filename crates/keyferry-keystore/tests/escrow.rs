//! What stands between a new ring and its first object.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "also in what is shared by the tests of this file"
)]

use keyferry_keystore::{
    BackupKey, BackupOptions, BackupProtection, Error, EscrowGate, FolderDocuments, KeyEntry,
    LockedBackup, LockedStore, NotEscrowed, Passphrase, Store, Succession,
};

mod fixture;
use fixture::{Place, open, quick, ring, store};

fn create(store: &mut Store, name: &str) -> KeyEntry {
    store.create(&ring(name), Succession::Supersede).unwrap()
}

fn back_up(place: &Place, store: &mut Store) -> String {
    let documents = FolderDocuments::open_or_new(&place.folder.path().join("backup")).unwrap();
    let mut options = BackupOptions::default();
    let passphrase = Passphrase::new("own".to_owned()).unwrap();
    options.protection = Some(BackupProtection::Passphrase(passphrase));
    options.work = quick();
    store.back_up(&documents, &options).unwrap().place
}

fn test(place: &Place) {
    let documents = FolderDocuments::open(&place.folder.path().join("backup")).unwrap();
    let key = BackupKey::Passphrase(Passphrase::new("own".to_owned()).unwrap());
    let backup = LockedBackup::find(&documents)
        .unwrap()
        .unlock(&key)
        .unwrap();
    let tested = backup.test().unwrap();
    let live = LockedStore::open(&place.dir).unwrap();
    backup.record_test(&tested, live).unwrap().unwrap();
}

fn refused(store: &Store, entry: &KeyEntry) -> NotEscrowed {
    match store.require_escrow(&entry.id) {
        Err(Error::NotEscrowed(refused)) => refused,
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_a_tested_backup_that_holds_the_key_opens_the_gate() {
    let (place, mut store) = store();
    let photos = create(&mut store, "photos");
    assert_eq!(refused(&store, &photos).untested, None);
    let at = back_up(&place, &mut store);
    assert_eq!(refused(&store, &photos).untested, Some(at.clone()));
    test(&place);
    let mut store = open(&place);
    let escrow = store.require_escrow(&photos.id).unwrap();
    assert_eq!(escrow.gate, EscrowGate::Tested { from: at.clone() });
    assert_eq!(escrow.backup, Some(at.clone()));

    // Another ring is not in that backup.
    let letters = create(&mut store, "letters");
    assert_eq!(refused(&store, &letters).untested, None);
    // A rotated one stays open; that its new key is in no backup is said.
    let newer = create(&mut store, "photos");
    let escrow = store.require_escrow(&newer.id).unwrap();
    assert_eq!((escrow.key, escrow.backup), (newer.id, None));
    back_up(&place, &mut store);
    assert_eq!(store.escrow(&ring("photos")).unwrap().backup, Some(at));
}

#[test]
fn the_risk_is_accepted_once_and_for_one_ring() {
    let (place, mut store) = store();
    let photos = create(&mut store, "photos");
    let letters = create(&mut store, "letters");
    store.accept_loss_risk(&photos.id).unwrap();
    store.accept_loss_risk(&photos.id).unwrap();
    let store = open(&place);
    let escrow = store.require_escrow(&photos.id).unwrap();
    assert_eq!(
        (escrow.gate, escrow.backup),
        (EscrowGate::RiskAccepted, None)
    );
    refused(&store, &letters);
    let journal = std::fs::read_to_string(place.dir.join("journal.jsonl")).unwrap();
    assert_eq!(journal.matches("loss-risk-accepted").count(), 1);
}
