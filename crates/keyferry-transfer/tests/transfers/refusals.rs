//! What bad input gets: the right error, and nothing left behind.

use std::io::Write;

use keyferry_key::CustomerKey;
use keyferry_transfer::{
    DownloadTarget, ErrorKind, Silent, TransferError, Upload, UploadSource, download, upload,
};
use tokio_util::sync::CancellationToken;

use crate::setup::{AtFirst, PART, Setup, content};

#[tokio::test(flavor = "multi_thread")]
async fn another_key() {
    let mut setup = Setup::start().await;
    setup.put(&content(3 << 20), "s3://tokyo/key").await;
    setup.key = CustomerKey::generate().unwrap();
    let error = setup.get("s3://tokyo/key").await.0.unwrap_err();
    assert!(matches!(error, TransferError::WrongKey { .. }), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::Key);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_without_customer_key() {
    let setup = Setup::start().await;
    let put = setup.client.put_object().bucket("tokyo").key("plain");
    put.body(b"plain".to_vec().into()).send().await.unwrap();
    let error = setup.get("s3://tokyo/plain").await.0.unwrap_err();
    assert!(
        matches!(error, TransferError::NotCustomerEncrypted { .. }),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_buckets_and_objects() {
    let setup = Setup::start().await;
    for size in [10, PART + 1] {
        let path = setup.file("source", &content(size));
        let upload = setup.new_upload(UploadSource::File(path), "s3://nowhere/key");
        let error = setup.send(upload).await.unwrap_err();
        assert!(
            matches!(error, TransferError::NoSuchBucket { .. }),
            "{error:?}"
        );
    }
    let error = setup.get("s3://nowhere/key").await.0.unwrap_err();
    assert!(matches!(error, TransferError::NoSuchBucket { .. }));
    let error = setup.get("s3://tokyo/missing").await.0.unwrap_err();
    assert!(matches!(error, TransferError::NoSuchObject { .. }));

    setup.put(b"x", "s3://tokyo/deleted").await;
    let delete = setup.client.delete_object().bucket("tokyo").key("deleted");
    let marker = delete.send().await.unwrap().version_id;
    let error = setup.get("s3://tokyo/deleted").await.0.unwrap_err();
    assert!(matches!(error, TransferError::NoSuchObject { .. }));
    let target = DownloadTarget::File(setup.folder.path().join("got"));
    let mut of_marker = setup.new_download("s3://tokyo/deleted", target);
    of_marker.version_id = marker;
    let error = setup.fetch(of_marker).await.unwrap_err();
    assert!(matches!(error, TransferError::NoSuchObject { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_blocks_sse_c() {
    let setup = Setup::start().await;
    setup.bucket("blocking", false, true).await;
    for size in [10, PART + 1] {
        let path = setup.file("source", &content(size));
        let upload = setup.new_upload(UploadSource::File(path), "s3://blocking/key");
        let error = setup.send(upload).await.unwrap_err();
        assert!(
            matches!(error, TransferError::SseCBlocked { .. }),
            "{error:?}"
        );
        assert!(error.hint().unwrap().contains("BlockedEncryptionTypes"));
        assert_eq!(error.kind(), ErrorKind::Failure);
    }
    assert_eq!(setup.open_uploads("blocking").await, 0);
    setup.allow_sse_c("blocking").await;
    setup.put(b"x", "s3://blocking/key").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_region() {
    let setup = Setup::start().await;
    let other = setup.lab.regions()[1].name().parse().unwrap();
    let client = setup.connector.client(&other).unwrap();
    let path = setup.file("source", b"x");
    let new = setup.new_upload(UploadSource::File(path), "s3://tokyo/key");
    let error = upload(&client, new, &Silent, CancellationToken::new())
        .await
        .unwrap_err();
    match &error {
        TransferError::RegionMismatch { right, asked, .. } => {
            assert_eq!(right.as_deref(), Some(setup.region.as_str()));
            assert_eq!(asked, setup.lab.regions()[1].name());
        }
        other => panic!("{other:?}"),
    }
    let bucket = "tokyo".parse().unwrap();
    for start in [&other, &setup.region] {
        assert_eq!(
            setup.connector.bucket_region(&bucket, start).await.unwrap(),
            setup.region
        );
    }
    let nowhere = "nowhere".parse().unwrap();
    assert!(
        setup
            .connector
            .bucket_region(&nowhere, &other)
            .await
            .is_err()
    );
}

/// Changes a file while it is uploaded; the error.
async fn upload_changing(setup: &Setup, change: impl Fn() + Send + Sync) -> TransferError {
    let path = setup.file("changing", &content(4 * PART));
    let mut new: Upload = setup.new_upload(UploadSource::File(path), "s3://tokyo/changing");
    new.concurrency = 1.try_into().unwrap();
    let observer = AtFirst::part(change);
    let error = upload(&setup.client, new, &observer, CancellationToken::new())
        .await
        .unwrap_err();
    assert_eq!(setup.open_uploads("tokyo").await, 0);
    assert_eq!(setup.objects("tokyo").await, 0);
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_changes() {
    let setup = Setup::start().await;
    let path = setup.folder.path().join("changing");
    let grows = || {
        let mut file = std::fs::File::options().append(true).open(&path).unwrap();
        file.write_all(b"more").unwrap();
    };
    let shrinks = || {
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_len(PART).unwrap();
    };
    let vanishes = || std::fs::remove_file(&path).unwrap();
    let error = upload_changing(&setup, grows).await;
    assert!(
        matches!(error, TransferError::SourceChanged { .. }),
        "{error:?}"
    );
    let error = upload_changing(&setup, shrinks).await;
    assert!(
        matches!(error, TransferError::SourceChanged { .. }),
        "{error:?}"
    );
    let error = upload_changing(&setup, vanishes).await;
    assert!(
        matches!(error, TransferError::SourceChanged { .. }),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_that_cannot_be_read() {
    let setup = Setup::start().await;
    for path in ["/nonexistent/file", "/tmp"] {
        let upload = setup.new_upload(UploadSource::File(path.into()), "s3://tokyo/key");
        let error = setup.send(upload).await.unwrap_err();
        assert!(
            matches!(error, TransferError::SourceUnreadable { .. }),
            "{error:?}"
        );
        assert!(error.hint().is_some(), "{error:?}");
    }
    let failing = tokio_util::io::StreamReader::new(futures::stream::iter([
        Ok(bytes::Bytes::from(content(PART + 5))),
        Err(std::io::Error::other("torn tape")),
    ]));
    let source = UploadSource::Reader(Box::new(failing));
    let error = setup.send(setup.new_upload(source, "s3://tokyo/key")).await;
    let error = error.unwrap_err();
    assert!(
        matches!(error, TransferError::InputUnreadable { .. }),
        "{error:?}"
    );
    assert_eq!(setup.open_uploads("tokyo").await, 0);
    assert_eq!(setup.objects("tokyo").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_parts_and_too_large() {
    let setup = Setup::start().await;
    let path = setup.file("sparse", b"");
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_len(10_001 * PART).unwrap();
    let upload = setup.new_upload(UploadSource::File(path), "s3://tokyo/key");
    let error = setup.send(upload).await.unwrap_err();
    assert!(
        matches!(error, TransferError::TooManyParts { count: 10_001, .. }),
        "{error:?}"
    );
    assert_eq!(error.hint().unwrap(), "use `--part-size 8MiB`");
    let source = UploadSource::Reader(Box::new(tokio::io::empty()));
    let mut upload = setup.new_upload(source, "s3://tokyo/key");
    upload.part_size = None;
    upload.expected_size = Some(49 << 40);
    let error = setup.send(upload).await.unwrap_err();
    assert!(matches!(error, TransferError::TooLarge { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("several objects"));
    assert_eq!(setup.open_uploads("tokyo").await, 0);
}

/// Another object takes the place of the one being downloaded.
async fn download_while_overwritten(setup: &Setup, bucket: &str) -> (Vec<u8>, TransferOutcome) {
    let first = content(8 << 20);
    let source = format!("s3://{bucket}/key");
    setup.put(&first, &source).await;
    let target = setup.folder.path().join("got");
    let mut new = setup.new_download(&source, DownloadTarget::File(target.clone()));
    new.concurrency = 1.try_into().unwrap();
    let (client, key) = (setup.client.clone(), setup.key.headers());
    let (runtime, bucket) = (tokio::runtime::Handle::current(), bucket.to_owned());
    let observer = AtFirst::part(move || {
        let put = client
            .put_object()
            .bucket(&bucket)
            .key("key")
            .sse_customer_algorithm(key.algorithm())
            .sse_customer_key(key.expose_key())
            .sse_customer_key_md5(key.md5().to_string())
            .body(vec![0; 8 << 20].into());
        let put = tokio::task::block_in_place(|| runtime.block_on(put.send()).is_ok());
        assert!(put);
    });
    let outcome = download(&setup.client, new, &observer, CancellationToken::new()).await;
    let got = std::fs::read(&target).ok();
    let _ = std::fs::remove_file(&target);
    (first, TransferOutcome { outcome, got })
}

struct TransferOutcome {
    outcome: Result<keyferry_transfer::Downloaded, TransferError>,
    got: Option<Vec<u8>>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_object_that_is_overwritten_meanwhile() {
    let setup = Setup::start().await;
    let (first, versioned) = download_while_overwritten(&setup, "tokyo").await;
    versioned.outcome.unwrap();
    assert!(versioned.got.unwrap() == first);

    setup.bucket("plain", true, false).await;
    let (_, plain) = download_while_overwritten(&setup, "plain").await;
    let error = plain.outcome.unwrap_err();
    assert!(
        matches!(error, TransferError::ChangedDuringDownload { .. }),
        "{error:?}"
    );
    assert_eq!(plain.got, None);
}
