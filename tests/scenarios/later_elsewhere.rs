//! Upload now, verify later, elsewhere: everything between is written down and read back.

use std::time::Duration;

use keyferry_keystore::{Passphrase, RingName, Store, Succession, Unlock, WorkFactor};
use keyferry_transfer::{
    Download, DownloadTarget, ObjectAddress, Receipt, Silent, Upload, UploadSource, download,
    upload,
};
use keyferry_verify::{Level, Outcome, Subject, Verification, verify};
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

    let receipt: Receipt = serde_json::from_str(&receipt).unwrap();
    let store = Store::open(&store_dir, &unlock).unwrap();
    let key = store.key(receipt.key_id.as_ref().unwrap()).unwrap();
    assert_eq!(key.md5(), receipt.key_md5);
    let world = World::start(&lab_dir).await;
    let subject = Subject::from(&receipt);
    let verification = Verification {
        subject: &subject,
        key: &key,
        wait: Duration::from_secs(60),
        level: Level::Deep,
        replica: None,
        probe: true,
    };
    let silent = keyferry_verify::Silent;
    let report = verify(
        world.connector.as_ref(),
        verification,
        &silent,
        CancellationToken::new(),
    )
    .await
    .unwrap();
    assert!(matches!(report.outcome, Outcome::Verified(_)), "{report:?}");
    assert_eq!(report.level_reached(), Some(Level::Deep));

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
