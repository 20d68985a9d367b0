//! Runs that end at once, as a killed process does: a panic in the midst of them drops everything.

use std::panic::AssertUnwindSafe;

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumType};
use futures::FutureExt;
use keyferry_transfer::{Ended, Outcome, Silent, TransferError};
use tokio_util::sync::CancellationToken;

use super::hooks::{Before, Count, DieAfter, Unsent};
use super::ring::{BUCKET, Ring, rekeyed};
use crate::setup::{PART, content};

async fn three_parts(ring: &Ring, body: &[u8]) {
    let cut = usize::try_from(PART).unwrap();
    ring.put_parts(
        "key",
        &[&body[..cut], &body[cut..2 * cut], &body[2 * cut..]],
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumType::FullObject,
    )
    .await;
}

/// Runs until the second part is there, and dies.
async fn die_between_parts(ring: &Ring) {
    die(ring, &ring.hooked(DieAfter::nth("UploadPartCopy", 2))).await;
}

/// Runs with a client that makes it die.
async fn die(ring: &Ring, client: &Client) {
    let rekey = ring.rekey();
    let run = ring.run_as(client, &rekey);
    assert!(AssertUnwindSafe(run).catch_unwind().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_was_begun_is_continued() {
    let ring = Ring::start().await;
    let body = content(2 * PART + 9);
    three_parts(&ring, &body).await;
    die_between_parts(&ring).await;
    assert_eq!(ring.setup.open_uploads(BUCKET).await, 1);
    assert!(ring.state().join("tokyo.json").exists());

    let count = Count::of("UploadPartCopy");
    let client = ring.hooked(count.clone());
    let (handled, ended) = ring.run_as(&client, &ring.rekey()).await;
    assert!(matches!(ended, Ended::Complete), "{ended:?}");
    assert_eq!(rekeyed(&handled).parts, Some(3));
    assert!(count.seen() < 3, "{} parts were copied", count.seen());
    ring.is_under_new("key", &body).await;
    assert_eq!(ring.setup.open_uploads(BUCKET).await, 0);
    assert!(!ring.state().join("tokyo.json").exists());
}

/// What is in an upload already is checked before it is built upon.
#[tokio::test(flavor = "multi_thread")]
async fn parts_that_were_tampered_with_are_copied_again() {
    let ring = Ring::start().await;
    let body = content(2 * PART + 9);
    three_parts(&ring, &body).await;
    die_between_parts(&ring).await;
    let list = ring.client().list_multipart_uploads().bucket(BUCKET);
    let listed = list.send().await.unwrap();
    let id = listed.uploads()[0].upload_id().unwrap();
    let headers = ring.new.1.headers();
    for (number, size) in [(1, PART), (2, PART), (3, 9)] {
        let upload = ring.client().upload_part().bucket(BUCKET).key("key");
        upload
            .upload_id(id)
            .part_number(number)
            .sse_customer_algorithm("AES256")
            .sse_customer_key(headers.expose_key())
            .sse_customer_key_md5(headers.md5().to_string())
            .body(vec![0; usize::try_from(size).unwrap()].into())
            .send()
            .await
            .unwrap();
    }
    rekeyed(&ring.run().await);
    ring.is_under_new("key", &body).await;
    assert_eq!(ring.setup.open_uploads(BUCKET).await, 0);
}

/// The object is another one now, so the upload is of no use.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_of_an_older_version_is_aborted() {
    let ring = Ring::start().await;
    three_parts(&ring, &content(2 * PART + 9)).await;
    die_between_parts(&ring).await;
    ring.put("key", b"another").await;
    assert_eq!(rekeyed(&ring.run().await).parts, None);
    ring.is_under_new("key", b"another").await;
    assert_eq!(ring.setup.open_uploads(BUCKET).await, 0);
    assert!(!ring.state().join("tokyo.json").exists());
}

/// Killed between the server's making of an upload and the note of its id: it is found all the same,
/// and nobody else's is touched.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_whose_id_was_lost_is_found() {
    let ring = Ring::start().await;
    let body = content(2 * PART + 9);
    three_parts(&ring, &body).await;
    let others = [
        (ring.old.1.clone(), false),
        // Under the new key, but with a part: ours would have been noted before.
        (ring.new.1.clone(), true),
    ];
    for (key, has_part) in others {
        let headers = key.headers();
        let create = ring.client().create_multipart_upload().bucket(BUCKET);
        let id = create
            .key("key")
            .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
            .sse_customer_algorithm("AES256")
            .sse_customer_key(headers.expose_key())
            .sse_customer_key_md5(headers.md5().to_string())
            .send()
            .await
            .unwrap()
            .upload_id
            .unwrap();
        if has_part {
            let upload = ring.client().upload_part().bucket(BUCKET).key("key");
            let upload = upload.upload_id(id).part_number(1);
            upload
                .sse_customer_algorithm("AES256")
                .sse_customer_key(headers.expose_key())
                .sse_customer_key_md5(headers.md5().to_string())
                .body(vec![1].into())
                .send()
                .await
                .unwrap();
        }
    }
    die(
        &ring,
        &ring.hooked(DieAfter::nth("CreateMultipartUpload", 1)),
    )
    .await;
    assert_eq!(ring.setup.open_uploads(BUCKET).await, 3);
    let state = std::fs::read_to_string(ring.state().join("tokyo.json")).unwrap();
    assert!(state.contains(r#""upload_id":null"#), "{state}");

    rekeyed(&ring.run().await);
    ring.is_under_new("key", &body).await;
    assert_eq!(ring.setup.open_uploads(BUCKET).await, 2);
    assert!(!ring.state().join("tokyo.json").exists());
}

/// Trouble on the way: aborting would not be heard either, and the next run goes on.
#[tokio::test(flavor = "multi_thread")]
async fn broken_connections_leave_the_upload_for_the_next_run() {
    let ring = Ring::start().await;
    let body = content(2 * PART + 9);
    three_parts(&ring, &body).await;
    let client = ring.hooked(Unsent::nth("UploadPartCopy", 2));
    let (handled, ended) = ring.run_as(&client, &ring.rekey()).await;
    assert!(matches!(ended, Ended::Complete), "{ended:?}");
    assert!(
        matches!(
            handled[0].outcome,
            Outcome::Failed(TransferError::ConnectionLost { .. })
        ),
        "{handled:?}"
    );
    assert_eq!(ring.setup.open_uploads(BUCKET).await, 1);
    assert_eq!(rekeyed(&ring.run().await).parts, Some(3));
    ring.is_under_new("key", &body).await;
    assert_eq!(ring.setup.open_uploads(BUCKET).await, 0);
    assert!(!ring.state().join("tokyo.json").exists());
}

/// Ctrl-C: what is copied at once is completed, what is in parts is aborted, the rest is not begun.
#[tokio::test(flavor = "multi_thread")]
async fn cancelled_runs_leave_nothing() {
    let ring = Ring::start().await;
    three_parts(&ring, &content(2 * PART + 9)).await;
    for number in 0..40 {
        ring.put(&format!("small/{number:02}"), b"x").await;
    }
    let cancel = CancellationToken::new();
    let client = {
        let cancel = cancel.clone();
        ring.hooked(Before::first("UploadPartCopy", move || {
            let cancel = cancel.clone();
            async move { cancel.cancel() }
        }))
    };
    let mut rekey = ring.rekey();
    rekey.concurrency = 2.try_into().unwrap();
    let (handled, ended) = ring.run_with(&client, &rekey, &Silent, &cancel).await;
    assert!(matches!(ended, Ended::Interrupted), "{ended:?}");
    assert!(handled.len() < 41, "{}", handled.len());
    for handled in &handled {
        match &handled.outcome {
            Outcome::Failed(TransferError::Interrupted) => assert_eq!(handled.object.key, "key"),
            Outcome::Rekeyed(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(ring.setup.open_uploads(BUCKET).await, 0);
    assert!(!ring.state().join("tokyo.json").exists());
    assert_eq!(ring.run().await.len(), 41);
}

/// A second run at the same time would take the first one's uploads for left-overs.
#[tokio::test(flavor = "multi_thread")]
async fn two_runs_at_once_are_refused() {
    let ring = Ring::start().await;
    let first = ring.unfinished();
    let second = keyferry_transfer::UnfinishedUploads::open(&ring.state(), BUCKET, BUCKET);
    assert!(matches!(second, Err(TransferError::RekeyRecord { .. })));
    drop(first);
    ring.unfinished();
}
