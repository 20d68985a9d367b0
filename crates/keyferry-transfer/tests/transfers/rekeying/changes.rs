//! Objects that are overwritten or deleted while they are being re-encrypted.

use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumType};
use keyferry_transfer::{Left, Note, Outcome, TransferError};

use super::hooks::{Before, LoseAnswer, Without};
use super::ring::{BUCKET, Ring, only, put_under, rekeyed};
use crate::setup::{PART, content};

async fn ring_with_an_object() -> Ring {
    let ring = Ring::start().await;
    ring.put("key", b"first").await;
    ring
}

async fn in_parts(ring: &Ring, body: &[u8]) {
    let cut = usize::try_from(PART).unwrap();
    ring.put_parts(
        "key",
        &[&body[..cut], &body[cut..]],
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumType::FullObject,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn overwritten_before_the_copy() {
    let ring = ring_with_an_object().await;
    let (client, (id, key)) = (ring.client().clone(), ring.old.clone());
    let hooked = ring.hooked(Before::first("CopyObject", move || {
        let (client, id, key) = (client.clone(), id.clone(), key.clone());
        async move {
            put_under(&client, &id, &key, "key", b"second").await;
        }
    }));
    let (handled, _) = ring.run_as(&hooked, &ring.rekey()).await;
    rekeyed(&handled);
    assert_eq!(only(&handled).overtaken, 1);
    ring.is_under_new("key", b"second").await;
    assert_eq!(ring.versions("key").await.len(), 3);
}

/// The uploader may have used the new key already.
#[tokio::test(flavor = "multi_thread")]
async fn overwritten_under_the_new_key() {
    let ring = ring_with_an_object().await;
    let (client, (id, key)) = (ring.client().clone(), ring.new.clone());
    let hooked = ring.hooked(Before::first("CopyObject", move || {
        let (client, id, key) = (client.clone(), id.clone(), key.clone());
        async move {
            put_under(&client, &id, &key, "key", b"second").await;
        }
    }));
    let (handled, _) = ring.run_as(&hooked, &ring.rekey()).await;
    assert!(
        matches!(only(&handled).outcome, Outcome::Already { size: 6, .. }),
        "{handled:?}"
    );
    ring.is_under_new("key", b"second").await;
    assert_eq!(ring.versions("key").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_before_the_copy() {
    let ring = ring_with_an_object().await;
    let client = ring.client().clone();
    let hooked = ring.hooked(Before::first("CopyObject", move || {
        let delete = client.delete_object().bucket(BUCKET).key("key");
        async move {
            delete.send().await.unwrap();
        }
    }));
    let (handled, _) = ring.run_as(&hooked, &ring.rekey()).await;
    assert!(
        matches!(only(&handled).outcome, Outcome::Left(Left::Gone)),
        "{handled:?}"
    );
    assert_eq!(ring.versions("key").await.len(), 1);
    assert_eq!(ring.setup.objects(BUCKET).await, 0);
}

/// The version that is copied is removed for good.
#[tokio::test(flavor = "multi_thread")]
async fn version_removed_before_the_copy() {
    let ring = ring_with_an_object().await;
    let version = ring.put("key", b"second").await;
    let client = ring.client().clone();
    let hooked = ring.hooked(Before::first("CopyObject", move || {
        let delete = client.delete_object().bucket(BUCKET).key("key");
        let delete = delete.version_id(&version);
        async move {
            delete.send().await.unwrap();
        }
    }));
    let (handled, _) = ring.run_as(&hooked, &ring.rekey()).await;
    rekeyed(&handled);
    ring.is_under_new("key", b"first").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn overwritten_while_parts_are_copied() {
    let ring = Ring::start().await;
    let body = content(PART + 10);
    in_parts(&ring, &body).await;
    let (client, (id, key)) = (ring.client().clone(), ring.old.clone());
    let hooked = ring.hooked(Before::first("CompleteMultipartUpload", move || {
        let (client, id, key) = (client.clone(), id.clone(), key.clone());
        async move {
            put_under(&client, &id, &key, "key", b"second").await;
        }
    }));
    let (handled, _) = ring.run_as(&hooked, &ring.rekey()).await;
    assert_eq!(rekeyed(&handled).parts, None);
    assert_eq!(only(&handled).overtaken, 1);
    ring.is_under_new("key", b"second").await;
    assert_eq!(ring.setup.open_uploads(BUCKET).await, 0);
    assert_eq!(ring.versions("key").await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn upload_aborted_by_somebody_else() {
    let ring = Ring::start().await;
    let body = content(PART + 10);
    in_parts(&ring, &body).await;
    let client = ring.client().clone();
    let hooked = ring.hooked(Before::first("UploadPartCopy", move || {
        let client = client.clone();
        async move {
            let list = client.list_multipart_uploads().bucket(BUCKET);
            for upload in list.send().await.unwrap().uploads() {
                let abort = client.abort_multipart_upload().bucket(BUCKET).key("key");
                let abort = abort.upload_id(upload.upload_id().unwrap());
                abort.send().await.unwrap();
            }
        }
    }));
    let (handled, _) = ring.run_as(&hooked, &ring.rekey()).await;
    assert_eq!(rekeyed(&handled).parts, Some(2));
    ring.is_under_new("key", &body).await;
}

/// An object that somebody writes to all the time is given up, and no write is lost.
#[tokio::test(flavor = "multi_thread")]
async fn overwritten_each_time() {
    let ring = ring_with_an_object().await;
    let (client, (id, key)) = (ring.client().clone(), ring.old.clone());
    let hooked = ring.hooked(Before::each("CopyObject", move || {
        let (client, id, key) = (client.clone(), id.clone(), key.clone());
        async move {
            put_under(&client, &id, &key, "key", b"again").await;
        }
    }));
    let (handled, _) = ring.run_as(&hooked, &ring.rekey()).await;
    assert!(
        matches!(
            &only(&handled).outcome,
            Outcome::Failed(TransferError::KeepsChanging { times: 8, .. })
        ),
        "{handled:?}"
    );
    assert_eq!(ring.get("key", &ring.old.1).await.unwrap(), b"again");
}

/// The copy was made, and the answer lost: it is found, and not made again.
#[tokio::test(flavor = "multi_thread")]
async fn lost_answers() {
    let ring = Ring::start().await;
    ring.put("a", b"a").await;
    ring.run().await;
    ring.put("a", b"aa").await;
    let body = content(PART + 10);
    in_parts(&ring, &body).await;

    let client = ring.hooked(LoseAnswer::nth("CompleteMultipartUpload", 1));
    let (handled, _) = ring.run_as(&client, &ring.rekey()).await;
    assert!(
        matches!(&handled[1].outcome, Outcome::Rekeyed(made) if made.parts == Some(2)),
        "{handled:?}"
    );
    assert_eq!(handled[1].overtaken, 0);
    ring.is_under_new("key", &body).await;
    assert_eq!(ring.versions("key").await.len(), 2);
}

/// A server that does not judge conditions hides the newer version; it is re-encrypted in its turn.
#[tokio::test(flavor = "multi_thread")]
async fn servers_without_conditional_copies() {
    let ring = Ring::start().await;
    ring.put("a", b"a").await;
    ring.put("key", b"first").await;
    let (client, (id, key)) = (ring.client().clone(), ring.old.clone());
    let plain = ring.hooked(Without("if-match"));
    let mut rekey = ring.rekey();
    rekey.concurrency = std::num::NonZeroUsize::MIN;
    // The first copy tells what the server is like; the second is the one that is overtaken.
    let hook = Before::nth("CopyObject", 2, move || {
        let (client, id, key) = (client.clone(), id.clone(), key.clone());
        async move {
            put_under(&client, &id, &key, "key", b"second").await;
        }
    });
    let config = plain.config().to_builder().interceptor(hook);
    let client = aws_sdk_s3::Client::from_conf(config.build());
    let (handled, _) = ring.run_as(&client, &rekey).await;
    for handled in &handled {
        assert!(
            matches!(handled.outcome, Outcome::Rekeyed(_)),
            "{handled:?}"
        );
    }
    assert!(
        matches!(
            handled[1].notes[..],
            [Note::NewerRedone {
                version_id: Some(_)
            }]
        ),
        "{handled:?}"
    );
    ring.is_under_new("a", b"a").await;
    ring.is_under_new("key", b"second").await;
    assert_eq!(ring.versions("key").await.len(), 4);
    assert_eq!(ring.versions("a").await.len(), 2);
}

#[test]
fn errors_have_hints() {
    let address: keyferry_transfer::ObjectAddress = "s3://tokyo/key".parse().unwrap();
    for error in [
        TransferError::KeepsChanging {
            address: address.clone(),
            times: 8,
        },
        TransferError::CopyGone {
            address: address.clone(),
            version_id: Some("v".to_owned()),
        },
        TransferError::NotKept {
            address,
            what: "tags",
            reason: "they may not be read".to_owned(),
        },
        TransferError::RekeyRecord {
            path: "x".into(),
            reason: "another run".to_owned(),
        },
    ] {
        assert!(error.hint().is_some(), "{error}");
    }
}
