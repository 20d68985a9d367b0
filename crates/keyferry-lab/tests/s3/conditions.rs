//! Conditional reads and writes.

use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use futures::StreamExt as _;
use http_body::Frame;
use http_body_util::StreamBody;

use crate::support::{World, answer, get, put, refused};

/// S3-COND-2.
#[tokio::test]
async fn reads() {
    let world = World::start().await;
    world.bucket("conditions").await;
    let client = world.client();
    let etag = put(&client, "conditions", "a", b"hello").await;
    let read = || client.get_object().bucket("conditions").key("a");
    let past = DateTime::from_secs(1_000_000_000);
    let future = DateTime::from_secs(4_000_000_000);
    read().if_match(&etag).send().await.unwrap();
    read().if_match("*").send().await.unwrap();
    let other = read().if_match("\"other\"").send().await;
    assert_eq!(refused(other), answer(412, "PreconditionFailed"));
    read()
        .if_match(&etag)
        .if_unmodified_since(past)
        .send()
        .await
        .unwrap();
    let since = read().if_unmodified_since(past).send().await;
    assert_eq!(refused(since), answer(412, "PreconditionFailed"));
    let same = read().if_none_match(&etag).send().await.unwrap_err();
    let raw = same.raw_response().unwrap();
    assert_eq!(raw.status().as_u16(), 304);
    assert_eq!(raw.headers().get("etag"), Some(&*etag));
    read().if_none_match("\"other\"").send().await.unwrap();
    read()
        .if_none_match("\"other\"")
        .if_modified_since(future)
        .send()
        .await
        .unwrap();
    read().if_modified_since(past).send().await.unwrap();
    let unmodified = read().if_modified_since(future).send().await;
    assert_eq!(refused(unmodified).0, 304);
    let head = client
        .head_object()
        .bucket("conditions")
        .key("a")
        .if_none_match(&etag)
        .send()
        .await;
    assert_eq!(refused(head).0, 304);
}

/// S3-COND-1.
#[tokio::test]
async fn writes() {
    let world = World::start().await;
    world.bucket("conditions").await;
    let client = world.client();
    let write = || {
        client
            .put_object()
            .bucket("conditions")
            .key("a")
            .body(ByteStream::from_static(b"new"))
    };
    let absent = write().if_match("\"x\"").send().await;
    assert_eq!(refused(absent), answer(404, "NoSuchKey"));
    let first = write().if_none_match("*").send().await.unwrap();
    let again = write().if_none_match("*").send().await;
    assert_eq!(refused(again), answer(412, "PreconditionFailed"));
    let etag_not_taken = write().if_none_match("\"x\"").send().await;
    assert_eq!(refused(etag_not_taken), answer(501, "NotImplemented"));
    let other = write().if_match("\"x\"").send().await;
    assert_eq!(refused(other), answer(412, "PreconditionFailed"));
    write().if_match(first.e_tag.unwrap()).send().await.unwrap();

    let id = client
        .create_multipart_upload()
        .bucket("conditions")
        .key("a")
        .send()
        .await
        .unwrap()
        .upload_id
        .unwrap();
    let part = client
        .upload_part()
        .bucket("conditions")
        .key("a")
        .upload_id(&id)
        .part_number(1)
        .body(ByteStream::from_static(b"part"))
        .send()
        .await
        .unwrap();
    let complete = || {
        client
            .complete_multipart_upload()
            .bucket("conditions")
            .key("a")
            .upload_id(&id)
            .multipart_upload(
                CompletedMultipartUpload::builder()
                    .parts(
                        CompletedPart::builder()
                            .part_number(1)
                            .e_tag(part.e_tag.clone().unwrap())
                            .set_checksum_crc32(part.checksum_crc32.clone())
                            .build(),
                    )
                    .build(),
            )
    };
    let exists = complete().if_none_match("*").send().await;
    assert_eq!(refused(exists), answer(412, "PreconditionFailed"));
    complete().if_match("*").send().await.unwrap();
    assert_eq!(get(&client, "conditions", "a").await, b"part");

    let delete = client
        .delete_object()
        .bucket("conditions")
        .key("a")
        .if_match("\"x\"")
        .send()
        .await;
    assert_eq!(refused(delete), answer(412, "PreconditionFailed"));
    client
        .delete_object()
        .bucket("conditions")
        .key("a")
        .if_match("*")
        .send()
        .await
        .unwrap();
}

/// S3-COND-1: of writers that all ask for absence, one wins.
#[tokio::test]
async fn one_of_many_writers_wins() {
    let world = World::start().await;
    world.bucket("conditions").await;
    let writes = (0..8).map(|index| {
        let client = world.client();
        async move {
            client
                .put_object()
                .bucket("conditions")
                .key("race")
                .if_none_match("*")
                .body(ByteStream::from(vec![index; 100_000]))
                .send()
                .await
                .is_ok()
        }
    });
    let won = futures::future::join_all(writes).await;
    assert_eq!(won.iter().filter(|won| **won).count(), 1);
}

/// S3-COND-3.
#[tokio::test]
async fn copy_sources() {
    let world = World::start().await;
    world.bucket("conditions").await;
    let client = world.client();
    let etag = put(&client, "conditions", "a", b"hello").await;
    let copy = || {
        client
            .copy_object()
            .bucket("conditions")
            .key("b")
            .copy_source("conditions/a")
    };
    copy().copy_source_if_match(&etag).send().await.unwrap();
    for refusal in [
        copy().copy_source_if_match("\"x\"").send().await,
        copy().copy_source_if_none_match(&etag).send().await,
        copy()
            .copy_source_if_modified_since(DateTime::from_secs(4_000_000_000))
            .send()
            .await,
        copy()
            .copy_source_if_unmodified_since(DateTime::from_secs(1_000_000_000))
            .send()
            .await,
    ] {
        assert_eq!(refused(refusal), answer(412, "PreconditionFailed"));
    }
    // The destination's own condition.
    let exists = copy().if_none_match("*").send().await;
    assert_eq!(refused(exists), answer(412, "PreconditionFailed"));
}

/// S3-COND-4: an object deleted while it is conditionally written.
#[tokio::test]
async fn deleted_meanwhile_is_a_conflict() {
    let world = World::start().await;
    world.bucket("conditions").await;
    let client = world.client();
    let etag = put(&client, "conditions", "a", b"first").await;
    let (send, receive) = tokio::sync::oneshot::channel::<()>();
    let half = || Frame::data(Bytes::from_static(b"half"));
    let frames = futures::stream::once(async move { Ok::<_, std::convert::Infallible>(half()) })
        .chain(futures::stream::once(async move {
            receive.await.unwrap();
            Ok(half())
        }));
    let body = ByteStream::from_body_1_x(StreamBody::new(frames));
    let write = world
        .plain_client()
        .put_object()
        .bucket("conditions")
        .key("a")
        .if_match(etag)
        .content_length(8)
        .body(body)
        .customize()
        .disable_payload_signing()
        .send();
    let write = tokio::spawn(write);
    // The first half is on its way, and the condition judged; then the object goes.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    client
        .delete_object()
        .bucket("conditions")
        .key("a")
        .send()
        .await
        .unwrap();
    send.send(()).unwrap();
    assert_eq!(
        refused(write.await.unwrap()),
        answer(409, "ConditionalRequestConflict")
    );
}
