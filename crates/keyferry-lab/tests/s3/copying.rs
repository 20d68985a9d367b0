//! CopyObject and UploadPartCopy without customer keys.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart, MetadataDirective, StorageClass,
    TaggingDirective,
};

use crate::support::{PART, World, answer, get, pattern, put, refused};

/// S3-COPY-4, S3-COPY-6, S3-META-2.
#[tokio::test]
async fn metadata_and_tags_are_copied_unless_replaced() {
    let world = World::start().await;
    world.bucket("copies").await;
    let client = world.client();
    client
        .put_object()
        .bucket("copies")
        .key("a")
        .content_type("text/plain")
        .metadata("m", "1")
        .tagging("t=1")
        .checksum_algorithm(ChecksumAlgorithm::Sha1)
        .body(ByteStream::from_static(b"hello"))
        .send()
        .await
        .unwrap();
    let copied = client
        .copy_object()
        .bucket("copies")
        .key("b")
        .copy_source("copies/a")
        .send()
        .await
        .unwrap();
    assert!(copied.copy_object_result.unwrap().checksum_sha1.is_some());
    let head = client
        .head_object()
        .bucket("copies")
        .key("b")
        .send()
        .await
        .unwrap();
    assert_eq!(head.content_type.as_deref(), Some("text/plain"));
    assert_eq!(head.metadata.unwrap()["m"], "1");
    let replaced = client
        .copy_object()
        .bucket("copies")
        .key("c")
        .copy_source("/copies/a")
        .metadata_directive(MetadataDirective::Replace)
        .metadata("n", "2")
        .tagging_directive(TaggingDirective::Replace)
        .tagging("u=2")
        .checksum_algorithm(ChecksumAlgorithm::Crc32C)
        .send()
        .await
        .unwrap();
    assert!(
        replaced
            .copy_object_result
            .unwrap()
            .checksum_crc32_c
            .is_some()
    );
    let head = client
        .head_object()
        .bucket("copies")
        .key("c")
        .send()
        .await
        .unwrap();
    assert_eq!(head.content_type.as_deref(), Some("binary/octet-stream"));
    assert_eq!(head.metadata.unwrap().keys().collect::<Vec<_>>(), ["n"]);
    for (key, tag) in [("b", "t"), ("c", "u")] {
        let tags = client
            .get_object_tagging()
            .bucket("copies")
            .key(key)
            .send()
            .await
            .unwrap();
        assert_eq!(tags.tag_set[0].key, tag);
    }
}

/// S3-COPY-3.
#[tokio::test]
async fn onto_itself_only_with_a_change() {
    let world = World::start().await;
    world.bucket("copies").await;
    let client = world.client();
    put(&client, "copies", "a", b"hello").await;
    let copy = || {
        client
            .copy_object()
            .bucket("copies")
            .key("a")
            .copy_source("copies/a")
    };
    assert_eq!(refused(copy().send().await), answer(400, "InvalidRequest"));
    copy()
        .storage_class(StorageClass::StandardIa)
        .send()
        .await
        .unwrap();
    copy()
        .storage_class(StorageClass::StandardIa)
        .metadata_directive(MetadataDirective::Replace)
        .send()
        .await
        .unwrap();
    assert_eq!(get(&client, "copies", "a").await, b"hello");
}

/// S3-COPY-1: from versions, from the other region, from what is not there.
#[tokio::test]
async fn sources() {
    let world = World::start().await;
    world.versioned_bucket("copies").await;
    world.bucket_in(1, "there").await;
    let client = world.client();
    put(
        &world.client_of(1),
        "there",
        "a b/ü+%",
        b"from the other region",
    )
    .await;
    client
        .copy_object()
        .bucket("copies")
        .key("across")
        .copy_source("there/a%20b/%C3%BC%2B%25")
        .send()
        .await
        .unwrap();
    assert_eq!(
        get(&client, "copies", "across").await,
        b"from the other region"
    );

    let put = |body: &'static [u8]| {
        client
            .put_object()
            .bucket("copies")
            .key("v")
            .body(ByteStream::from_static(body))
            .send()
    };
    let old = put(b"old").await.unwrap().version_id.unwrap();
    put(b"new").await.unwrap();
    let copied = client
        .copy_object()
        .bucket("copies")
        .key("v")
        .copy_source(format!("copies/v?versionId={old}"))
        .send()
        .await
        .unwrap();
    assert_eq!(copied.copy_source_version_id.as_deref(), Some(&*old));
    assert!(copied.version_id.is_some());
    assert_eq!(get(&client, "copies", "v").await, b"old");

    let copy = |source: String| {
        client
            .copy_object()
            .bucket("copies")
            .key("w")
            .copy_source(source)
            .send()
    };
    assert_eq!(
        refused(copy("copies/none".to_owned()).await),
        answer(404, "NoSuchKey")
    );
    assert_eq!(
        refused(copy("nobucket/none".to_owned()).await),
        answer(404, "NoSuchBucket")
    );
    let marker = client
        .delete_object()
        .bucket("copies")
        .key("v")
        .send()
        .await
        .unwrap();
    let marker = marker.version_id.unwrap();
    assert_eq!(
        refused(copy("copies/v".to_owned()).await),
        answer(404, "NoSuchKey")
    );
    assert_eq!(
        refused(copy(format!("copies/v?versionId={marker}")).await),
        answer(400, "InvalidRequest")
    );
}

/// S3-COPY-7.
#[tokio::test]
async fn parts_from_ranges() {
    let world = World::start().await;
    world.bucket("copies").await;
    let client = world.client();
    let body = pattern(PART + 5000, 6);
    put(&client, "copies", "source", &body).await;
    let id = client
        .create_multipart_upload()
        .bucket("copies")
        .key("a")
        .send()
        .await
        .unwrap()
        .upload_id
        .unwrap();
    let copy = |number: i32, range: String| {
        client
            .upload_part_copy()
            .bucket("copies")
            .key("a")
            .upload_id(&id)
            .part_number(number)
            .copy_source("copies/source")
            .copy_source_range(range)
            .send()
    };
    for bad in ["bytes=0-", "bytes=5-4", &format!("bytes=0-{}", body.len())] {
        assert_eq!(
            refused(copy(1, bad.to_owned()).await),
            answer(400, "InvalidArgument"),
            "{bad}"
        );
    }
    let mut parts = Vec::new();
    for (number, range) in [
        (1, format!("bytes=5000-{}", body.len() - 1)),
        (2, "bytes=0-4999".to_owned()),
    ] {
        let result = copy(number, range).await.unwrap().copy_part_result.unwrap();
        parts.push(
            CompletedPart::builder()
                .part_number(number)
                .e_tag(result.e_tag.unwrap())
                .set_checksum_crc32(result.checksum_crc32)
                .build(),
        );
    }
    client
        .complete_multipart_upload()
        .bucket("copies")
        .key("a")
        .upload_id(&id)
        .multipart_upload(
            CompletedMultipartUpload::builder()
                .set_parts(Some(parts))
                .build(),
        )
        .send()
        .await
        .unwrap();
    let expected = [&body[5000..], &body[..5000]].concat();
    assert_eq!(get(&client, "copies", "a").await, expected);
}
