//! Stopping in the middle.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use keyferry_transfer::{
    DownloadTarget, ErrorKind, Silent, TransferError, UploadSource, download, upload,
};
use tokio_util::sync::CancellationToken;

use crate::setup::{AtFirst, Output, PART, Setup, content, names};

#[tokio::test(flavor = "multi_thread")]
async fn uploads_leave_no_parts() {
    let setup = Setup::start().await;
    for concurrency in [1, 4] {
        let path = setup.file("source", &content(6 * PART));
        let cancel = CancellationToken::new();
        let observer = AtFirst::part(|| cancel.cancel());
        let mut new = setup.new_upload(UploadSource::File(path), "s3://tokyo/key");
        new.concurrency = concurrency.try_into().unwrap();
        let error = upload(&setup.client, new, &observer, cancel.clone())
            .await
            .unwrap_err();
        assert!(matches!(error, TransferError::Interrupted), "{error:?}");
        assert_eq!(error.kind(), ErrorKind::Interrupted);
        assert_eq!(setup.open_uploads("tokyo").await, 0);
        assert_eq!(setup.objects("tokyo").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_input_can_be_stopped() {
    let setup = Setup::start().await;
    let cancel = CancellationToken::new();
    let (input, mut feeding) = tokio::io::simplex(1 << 16);
    let feeder = tokio::spawn(async move {
        let bytes = content(PART + 1);
        let _ = tokio::io::AsyncWriteExt::write_all(&mut feeding, &bytes).await;
        // Neither more bytes nor an end.
        std::future::pending::<()>().await;
    });
    let observer = AtFirst::part(|| cancel.cancel());
    let source = UploadSource::Reader(Box::new(input));
    let new = setup.new_upload(source, "s3://tokyo/key");
    let error = upload(&setup.client, new, &observer, cancel.clone())
        .await
        .unwrap_err();
    feeder.abort();
    assert!(matches!(error, TransferError::Interrupted), "{error:?}");
    assert_eq!(setup.open_uploads("tokyo").await, 0);
}

/// As standard input does, the pipe blocks a thread that nothing can interrupt.
#[tokio::test(flavor = "multi_thread")]
async fn an_input_that_blocks_does_not_hold_the_upload() {
    let setup = Setup::start().await;
    for size in [0, 10, PART + 10] {
        let (input, mut feeding) = std::io::pipe().unwrap();
        let input = tokio::fs::File::from_std(File::from(OwnedFd::from(input)));
        let source = UploadSource::Reader(Box::new(input));
        let new = setup.new_upload(source, "s3://tokyo/key");
        let cancel = CancellationToken::new();
        let (client, token) = (setup.client.clone(), cancel.clone());
        let running = tokio::spawn(async move { upload(&client, new, &Silent, token).await });
        let feeding = tokio::task::spawn_blocking(move || {
            feeding.write_all(&content(size)).unwrap();
            feeding
        });
        // Open until the end, so that the reader waits for more.
        let feeding = feeding.await.unwrap();
        if size > PART {
            while setup.open_uploads("tokyo").await == 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(!running.is_finished());
        let cancelled = Instant::now();
        cancel.cancel();
        let stopped = tokio::time::timeout(Duration::from_secs(10), running).await;
        let error = stopped.unwrap().unwrap().unwrap_err();
        assert!(matches!(error, TransferError::Interrupted), "{error:?}");
        assert!(cancelled.elapsed() < Duration::from_secs(5));
        assert_eq!(setup.open_uploads("tokyo").await, 0);
        assert_eq!(setup.objects("tokyo").await, 0);
        drop(feeding);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn downloads_leave_no_files() {
    let setup = Setup::start().await;
    setup.put(&content(6 * PART), "s3://tokyo/key").await;
    let folder = tempfile::tempdir().unwrap();
    let cancel = CancellationToken::new();
    let observer = AtFirst::part(|| cancel.cancel());
    let target = DownloadTarget::File(folder.path().join("got"));
    let new = setup.new_download("s3://tokyo/key", target);
    let error = download(&setup.client, new, &observer, cancel.clone())
        .await
        .unwrap_err();
    assert!(matches!(error, TransferError::Interrupted), "{error:?}");
    assert!(names(folder.path()).is_empty());

    let cancel = CancellationToken::new();
    let observer = AtFirst::part(|| cancel.cancel());
    let target = DownloadTarget::Writer(Box::new(Output::default()));
    let new = setup.new_download("s3://tokyo/key", target);
    let error = download(&setup.client, new, &observer, cancel.clone())
        .await
        .unwrap_err();
    assert!(matches!(error, TransferError::Interrupted), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_cancelled_before_does_nothing() {
    let setup = Setup::start().await;
    let cancel = CancellationToken::new();
    cancel.cancel();
    let path = setup.file("source", b"x");
    let new = setup.new_upload(UploadSource::File(path), "s3://tokyo/key");
    let error = upload(&setup.client, new, &Silent, cancel.clone()).await;
    assert!(matches!(error, Err(TransferError::Interrupted)));
    assert_eq!(setup.objects("tokyo").await, 0);
}
