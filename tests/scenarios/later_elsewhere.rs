//! Upload now, verify later, elsewhere: everything between is written down and read back.

use std::time::Duration;

use keyferry_keystore::{Passphrase, RingName, Store, Succession, Unlock, WorkFactor};
use keyferry_transfer::{
    Authenticity, Download, DownloadTarget, ObjectAddress, Receipt, Silent, Upload, UploadSource,
    download, upload,
};
use keyferry_verify::{
    Difference, Level, Outcome, ReadSides, Subject, Unseen, Verification, verify,
};
use tokio_util::sync::CancellationToken;

use crate::world::World;

/// The lab and the key store are closed between upload and verification; what links the two is the
/// receipt's JSON and the store's folder.
#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_verifies_after_everything_was_restarted() {
    let home = tempfile::tempdir().unwrap();
    let (lab_dir, store_dir) = (home.path().join("lab"), home.path().join("store"));
    let unlock = Unlock::Passphrase(Passphrase::new("correct horse".to_owned()).unwrap());
    let ring: RingName = "archive".parse().unwrap();
    let content: Vec<u8> = (0..20_u32 << 20).map(|n| (n / 7 % 253) as u8).collect();
    let file = home.path().join("file");
    std::fs::write(&file, &content).unwrap();

    let receipt = {
        Store::init_with(&store_dir, &unlock, WorkFactor::new(2).unwrap()).unwrap();
        let mut store = Store::open(&store_dir, &unlock).unwrap();
        store.create(&ring, Succession::FirstOnly).unwrap();
        let (entry, key) = store.active(&ring).unwrap();
        let world = World::start(&lab_dir).await;
        world.install().await;
        let region = "ap-northeast-1".parse().unwrap();
        let address: ObjectAddress = "s3://tokyo/a file".parse().unwrap();
        let client = world.client(&region);
        let mut request = Upload::new(UploadSource::File(file), address, region, key);
        request.key_id = Some(entry.id);
        request.sha256 = true;
        let receipt = upload(&client, request, &Silent, CancellationToken::new())
            .await
            .unwrap()
            .receipt;
        world.lab.shutdown().await;
        serde_json::to_string(&receipt).unwrap()
    };

    let written = receipt;
    let receipt: Receipt = serde_json::from_str(&written).unwrap();
    let store = Store::open(&store_dir, &unlock).unwrap();
    let key = store.key(receipt.key_id.as_ref().unwrap()).unwrap();
    assert_eq!(key.md5(), receipt.key_md5);
    let world = World::start(&lab_dir).await;
    let verified = async |receipt: &Receipt, level| {
        let subject = Subject::of_receipt(receipt, &key);
        let verification = Verification {
            subject: &subject,
            key: Some(&key),
            wait: Duration::from_secs(60),
            level,
            read: ReadSides::Both,
            replica: None,
            probe: true,
        };
        let silent = keyferry_verify::Silent;
        let connector = world.connector.as_ref();
        verify(connector, verification, &silent, CancellationToken::new())
            .await
            .unwrap()
    };
    let report = verified(&receipt, Level::Deep).await;
    assert!(matches!(report.outcome, Outcome::Verified(_)), "{report:?}");
    assert_eq!(report.level_reached(), Some(Level::Deep));
    assert_eq!(report.subject.receipt, Some(Authenticity::Authentic));
    assert_eq!(report.unseen, []);

    // Somebody makes the receipt say what fits them better, with the seal and without.
    let edited = written.replace(&receipt.etag, "5eb63bbbe01eeed093cb22bb8f5acdc3-4");
    assert_ne!(edited, written);
    let mut edited: Receipt = serde_json::from_str(&edited).unwrap();
    let report = verified(&edited, Level::Equal).await;
    let changed = Outcome::Differs(vec![Difference::ReceiptChanged]);
    assert_eq!(report.outcome, changed, "{report:?}");
    edited = receipt.clone();
    edited.seal = None;
    let report = verified(&edited, Level::Equal).await;
    assert!(matches!(report.outcome, Outcome::Verified(_)), "{report:?}");
    assert_eq!(report.unseen, [Unseen::ReceiptSeal]);

    let osaka = "ap-northeast-3".parse().unwrap();
    let replica: ObjectAddress = "s3://osaka/a file".parse().unwrap();
    let copy = home.path().join("copy");
    let mut request = Download::new(replica, key, DownloadTarget::File(copy.clone()));
    request.version_id = receipt.version_id.clone();
    download(
        &world.client(&osaka),
        request,
        &Silent,
        CancellationToken::new(),
    )
    .await
    .unwrap();
    assert!(
        std::fs::read(copy).unwrap() == content,
        "the replica reads back otherwise"
    );
    world.lab.shutdown().await;
}
