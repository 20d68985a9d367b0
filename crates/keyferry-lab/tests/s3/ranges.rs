//! What GET and HEAD make of ranges, and of several attributes in one header.

use aws_sdk_s3::types::ObjectAttributes;

use crate::support::{World, put};

/// S3-GET-7: a range that is none is ignored.
#[tokio::test]
async fn what_is_no_range_is_ignored() {
    let world = World::start().await;
    world.bucket("ranges").await;
    let client = world.client();
    put(&client, "ranges", "a", b"0123456789").await;
    for range in ["bytes=5-2", "lines=1-2", "bytes=", "bytes=0-1,5-6"] {
        let found = client
            .get_object()
            .bucket("ranges")
            .key("a")
            .range(range)
            .send()
            .await
            .unwrap();
        assert_eq!(found.content_range, None, "{range}");
        let data = found.body.collect().await.unwrap().into_bytes();
        assert_eq!(data.as_ref(), b"0123456789", "{range}");
        let head = client
            .head_object()
            .bucket("ranges")
            .key("a")
            .range(range)
            .send()
            .await
            .unwrap();
        assert_eq!(head.content_length, Some(10), "{range}");
    }
}

/// S3-GET-6
#[tokio::test]
async fn head_of_a_range_is_partial() {
    let world = World::start().await;
    world.bucket("heads").await;
    let client = world.client();
    put(&client, "heads", "a", b"0123456789").await;
    let head = client
        .head_object()
        .bucket("heads")
        .key("a")
        .range("bytes=2-4")
        .send()
        .await
        .unwrap();
    assert_eq!(head.content_length, Some(3));
    assert_eq!(head.content_range.as_deref(), Some("bytes 2-4/10"));
}

/// S3-ATTR-3: the SDK sends a header for each; other clients send one with commas.
#[tokio::test]
async fn attributes_in_one_header() {
    let world = World::start().await;
    world.bucket("attributes").await;
    let client = world.client();
    put(&client, "attributes", "a", b"0123456789").await;
    let found = client
        .get_object_attributes()
        .bucket("attributes")
        .key("a")
        .object_attributes(ObjectAttributes::Etag)
        .customize()
        .mutate_request(|request| {
            request
                .headers_mut()
                .insert("x-amz-object-attributes", "ETag, ObjectSize");
        })
        .send()
        .await
        .unwrap();
    assert_eq!(found.object_size, Some(10));
    assert!(found.e_tag.is_some());
}
