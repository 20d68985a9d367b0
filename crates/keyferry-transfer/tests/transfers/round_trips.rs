//! What goes up comes down, at all the sizes where something changes.

use std::io::Cursor;

use keyferry_transfer::{
    DownloadTarget, Event, PartLayout, Upload, UploadSource, Verification, download, upload,
};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use crate::setup::{Log, Output, PART, Setup, content};

const SIZES: [u64; 7] = [0, 1, PART - 1, PART, PART + 1, 2 * PART, 3 * PART + 12_345];

fn layout(count: u32) -> Option<PartLayout> {
    Some(PartLayout {
        part_size: PART,
        count,
    })
}

fn sha256(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}

#[tokio::test(flavor = "multi_thread")]
async fn files() {
    let setup = Setup::start().await;
    let layouts = [None, None, None, layout(1), layout(2), layout(2), layout(4)];
    for (size, layout) in SIZES.into_iter().zip(layouts) {
        let sent = content(size);
        let log = Log::default();
        let path = setup.file("sent", &sent);
        let new = setup.new_upload(UploadSource::File(path), "s3://tokyo/file");
        let receipt = upload(&setup.client, new, &log, CancellationToken::new())
            .await
            .unwrap()
            .receipt;
        assert_eq!(receipt.size, size);
        assert_eq!(receipt.parts, layout, "{size}");
        assert_eq!(receipt.sha256, Some(sha256(&sent)));
        assert_eq!(receipt.key_md5, setup.key.md5());
        assert!(receipt.version_id.is_some() && !receipt.etag.is_empty());
        assert_eq!(log.advanced(), size);
        assert_eq!(
            *log.0.lock().unwrap().last().unwrap(),
            Event::Finished { bytes: size }
        );
        assert!(!log.0.lock().unwrap().contains(&Event::ChecksumUnconfirmed));

        let (downloaded, got) = setup.get("s3://tokyo/file").await;
        let downloaded = downloaded.unwrap();
        assert!(got == sent, "{size}");
        assert_eq!(downloaded.version_id, receipt.version_id);
        assert_eq!((downloaded.size, &downloaded.etag), (size, &receipt.etag));
        assert_eq!(
            downloaded.verification,
            Verification::FullObject(receipt.checksum)
        );
        assert!(downloaded.last_modified.is_some());
    }
    assert_eq!(setup.open_uploads("tokyo").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn streams() {
    let setup = Setup::start().await;
    let layouts = [None, None, None, layout(1), layout(2), layout(2), layout(4)];
    for (size, layout) in SIZES.into_iter().zip(layouts) {
        let sent = content(size);
        let source = UploadSource::Reader(Box::new(Cursor::new(sent.clone())));
        let upload = setup.new_upload(source, "s3://tokyo/stream");
        let receipt = setup.send(upload).await.unwrap();
        assert_eq!((receipt.size, receipt.parts), (size, layout));
        assert_eq!(receipt.sha256, Some(sha256(&sent)));

        let output = Output::default();
        let target = DownloadTarget::Writer(Box::new(output.clone()));
        let log = Log::default();
        let downloaded = download(
            &setup.client,
            setup.new_download("s3://tokyo/stream", target),
            &log,
            CancellationToken::new(),
        )
        .await
        .unwrap();
        assert!(*output.0.lock().unwrap() == sent, "{size}");
        assert_eq!(log.advanced(), size);
        assert_eq!(
            downloaded.verification,
            Verification::FullObject(receipt.checksum)
        );
    }
}

/// 65 MiB parts are not kept in memory: they are summed in one pass and sent in another. Neither is a
/// single PUT of that size.
#[tokio::test(flavor = "multi_thread")]
async fn parts_too_large_for_memory() {
    let setup = Setup::start().await;
    let sent = content(70 << 20);
    let path = setup.file("large", &sent);
    let mut in_parts = setup.new_upload(UploadSource::File(path.clone()), "s3://tokyo/parts");
    in_parts.part_size = Some("65MiB".parse().unwrap());
    let receipt = setup.send(in_parts).await.unwrap();
    assert_eq!(receipt.parts.unwrap().count, 2);
    assert_eq!(receipt.sha256, Some(sha256(&sent)));
    assert!(setup.get("s3://tokyo/parts").await.1 == sent);

    let mut in_one = setup.new_upload(UploadSource::File(path), "s3://tokyo/one");
    in_one.multipart_threshold = Some(1 << 30);
    let receipt = setup.send(in_one).await.unwrap();
    assert_eq!(receipt.parts, None);
    assert!(setup.get("s3://tokyo/one").await.1 == sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_part_at_a_time_and_one_range_at_a_time() {
    let setup = Setup::start().await;
    let sent = content(2 * PART + 1);
    let path = setup.file("sent", &sent);
    let mut upload: Upload = setup.new_upload(UploadSource::File(path), "s3://tokyo/slow");
    upload.concurrency = 1.try_into().unwrap();
    setup.send(upload).await.unwrap();
    let target = setup.folder.path().join("got");
    let mut download = setup.new_download("s3://tokyo/slow", DownloadTarget::File(target.clone()));
    download.concurrency = 1.try_into().unwrap();
    download.range_size = 999_983.try_into().unwrap();
    setup.fetch(download).await.unwrap();
    assert!(std::fs::read(target).unwrap() == sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_version() {
    let setup = Setup::start().await;
    let old = setup.put(b"old", "s3://tokyo/versions").await;
    setup.put(b"new", "s3://tokyo/versions").await;
    let target = setup.folder.path().join("got");
    let mut download =
        setup.new_download("s3://tokyo/versions", DownloadTarget::File(target.clone()));
    download.version_id.clone_from(&old.version_id);
    let downloaded = setup.fetch(download).await.unwrap();
    assert_eq!(downloaded.version_id, old.version_id);
    assert_eq!(std::fs::read(target).unwrap(), b"old");
    assert_eq!(setup.get("s3://tokyo/versions").await.1, b"new");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_without_versions() {
    let setup = Setup::start().await;
    setup.bucket("plain", true, false).await;
    let sent = content(3 << 20);
    let receipt = setup.put(&sent, "s3://plain/key").await;
    assert_eq!(receipt.version_id, None);
    let (downloaded, got) = setup.get("s3://plain/key").await;
    assert_eq!(downloaded.unwrap().version_id, None);
    assert!(got == sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_survive_json() {
    let setup = Setup::start().await;
    let receipt = setup.put(b"content", "s3://tokyo/receipt").await;
    let json = serde_json::to_string(&receipt).unwrap();
    assert_eq!(
        serde_json::from_str::<keyferry_transfer::Receipt>(&json).unwrap(),
        receipt
    );
}
