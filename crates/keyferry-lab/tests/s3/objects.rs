//! PutObject, GetObject, HeadObject: metadata, ranges, overrides, limits.

use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::StorageClass;

use crate::support::{World, answer, get, pattern, put, refused};

/// S3-META-1, S3-META-3, S3-SSE-3, S3-ETAG-1.
#[tokio::test]
async fn metadata_comes_back() {
    let world = World::start().await;
    world.bucket("objects").await;
    let client = world.client();
    let expires = DateTime::from_secs(1_900_000_000);
    let put = client
        .put_object()
        .bucket("objects")
        .key("a")
        .content_type("text/plain")
        .content_encoding("gzip")
        .cache_control("no-cache")
        .content_disposition("attachment")
        .content_language("ja")
        .expires(expires)
        .metadata("plain", "value")
        .metadata("kanji", "鍵")
        .tagging("one=1&two=2")
        .storage_class(StorageClass::StandardIa)
        .website_redirect_location("/elsewhere")
        .body(ByteStream::from_static(b"hello"))
        .send()
        .await
        .unwrap();
    assert_eq!(put.server_side_encryption.unwrap().as_str(), "AES256");
    assert_eq!(put.version_id, None);
    assert_eq!(put.e_tag.unwrap(), "\"5d41402abc4b2a76b9719d911017c592\"");
    let got = client
        .get_object()
        .bucket("objects")
        .key("a")
        .send()
        .await
        .unwrap();
    assert_eq!(got.content_type.as_deref(), Some("text/plain"));
    assert_eq!(got.content_encoding.as_deref(), Some("gzip"));
    assert_eq!(got.cache_control.as_deref(), Some("no-cache"));
    assert_eq!(got.content_disposition.as_deref(), Some("attachment"));
    assert_eq!(got.content_language.as_deref(), Some("ja"));
    assert_eq!(
        got.expires_string.as_deref(),
        Some("Sun, 17 Mar 2030 17:46:40 GMT")
    );
    assert_eq!(got.website_redirect_location.as_deref(), Some("/elsewhere"));
    assert_eq!(got.storage_class, Some(StorageClass::StandardIa));
    assert_eq!(got.tag_count, Some(2));
    assert_eq!(
        got.server_side_encryption.as_ref().unwrap().as_str(),
        "AES256"
    );
    assert_eq!(got.accept_ranges.as_deref(), Some("bytes"));
    let metadata = got.metadata.clone().unwrap();
    assert_eq!(metadata["plain"], "value");
    assert!(metadata.contains_key("kanji"));
    let head = client
        .head_object()
        .bucket("objects")
        .key("a")
        .send()
        .await
        .unwrap();
    assert_eq!(head.content_length, Some(5));
    assert_eq!(head.e_tag, got.e_tag);
    assert_eq!(head.metadata.unwrap()["plain"], "value");

    crate::support::put(&client, "objects", "bare", b"x").await;
    let bare = client
        .head_object()
        .bucket("objects")
        .key("bare")
        .send()
        .await
        .unwrap();
    assert_eq!(
        bare.content_type.as_deref(),
        Some("application/octet-stream")
    );
    assert_eq!(bare.storage_class, None);
    assert_eq!(bare.expires_string, None);

    let long = client
        .put_object()
        .bucket("objects")
        .key("long")
        .metadata("a", "x".repeat(2048))
        .send()
        .await;
    assert_eq!(refused(long), answer(400, "MetadataTooLarge"));
    let class = client
        .put_object()
        .bucket("objects")
        .key("class")
        .storage_class(StorageClass::from("COLD"))
        .send()
        .await;
    assert_eq!(refused(class), answer(400, "InvalidStorageClass"));
}

/// S3-GET-1: ranges over chunk borders, open ended, suffixes, unsatisfiable.
#[tokio::test]
async fn ranges() {
    let world = World::start().await;
    world.bucket("ranges").await;
    let client = world.client();
    let body = pattern(200_000, 1);
    put(&client, "ranges", "a", &body).await;
    for (header, range) in [
        ("bytes=0-0", 0..1),
        ("bytes=65535-65536", 65_535..65_537),
        ("bytes=65536-", 65_536..200_000),
        ("bytes=199999-500000", 199_999..200_000),
        ("bytes=-70000", 130_000..200_000),
        ("bytes=-500000", 0..200_000),
    ] {
        let got = client
            .get_object()
            .bucket("ranges")
            .key("a")
            .range(header)
            .send()
            .await
            .unwrap();
        assert_eq!(
            got.content_range.as_deref(),
            Some(&*format!("bytes {}-{}/200000", range.start, range.end - 1))
        );
        assert_eq!(got.content_length, Some((range.end - range.start) as i64));
        assert_eq!(got.checksum_crc64_nvme, None);
        assert_eq!(got.body.collect().await.unwrap().to_vec(), body[range]);
    }
    let beyond = client
        .get_object()
        .bucket("ranges")
        .key("a")
        .range("bytes=200000-")
        .send()
        .await;
    assert_eq!(refused(beyond), answer(416, "InvalidRange"));
    put(&client, "ranges", "empty", b"").await;
    assert!(get(&client, "ranges", "empty").await.is_empty());
    let empty = client
        .get_object()
        .bucket("ranges")
        .key("empty")
        .range("bytes=0-")
        .send()
        .await;
    assert_eq!(refused(empty), answer(416, "InvalidRange"));
    let head = client
        .head_object()
        .bucket("ranges")
        .key("a")
        .range("bytes=10-19")
        .send()
        .await
        .unwrap();
    assert_eq!(head.content_length, Some(10));
}

/// S3-GET-4.
#[tokio::test]
async fn response_headers_can_be_overridden() {
    let world = World::start().await;
    world.bucket("overrides").await;
    let client = world.client();
    put(&client, "overrides", "a", b"hello").await;
    let got = client
        .get_object()
        .bucket("overrides")
        .key("a")
        .response_content_type("text/html")
        .response_content_disposition("inline")
        .response_cache_control("max-age=1")
        .send()
        .await
        .unwrap();
    assert_eq!(got.content_type.as_deref(), Some("text/html"));
    assert_eq!(got.content_disposition.as_deref(), Some("inline"));
    assert_eq!(got.cache_control.as_deref(), Some("max-age=1"));
    let head = client
        .head_object()
        .bucket("overrides")
        .key("a")
        .response_content_type("text/html")
        .send()
        .await
        .unwrap();
    assert_eq!(head.content_type.as_deref(), Some("text/html"));
}

/// S3-GET-5: what is not there.
#[tokio::test]
async fn what_is_not_there() {
    let world = World::start().await;
    world.bucket("absent").await;
    let client = world.client();
    let key = client
        .get_object()
        .bucket("absent")
        .key("nope")
        .send()
        .await;
    assert_eq!(refused(key), answer(404, "NoSuchKey"));
    let bucket = client
        .get_object()
        .bucket("nobucket")
        .key("nope")
        .send()
        .await;
    assert_eq!(refused(bucket), answer(404, "NoSuchBucket"));
    let head = client
        .head_object()
        .bucket("absent")
        .key("nope")
        .send()
        .await;
    assert_eq!(refused(head).0, 404);
    let version = client
        .get_object()
        .bucket("absent")
        .key("nope")
        .version_id("0123456789abcdef0123456789abcdef")
        .send()
        .await;
    assert_eq!(refused(version), answer(404, "NoSuchVersion"));
    let malformed = client
        .get_object()
        .bucket("absent")
        .key("nope")
        .version_id("short")
        .send()
        .await;
    assert_eq!(refused(malformed), answer(400, "InvalidArgument"));
}

/// S3-ACL-1, S3-LOCK-3, S3-CLASS-2.
#[tokio::test]
async fn what_the_bucket_does_not_take() {
    use aws_sdk_s3::types::{ObjectCannedAcl, ObjectLockLegalHoldStatus};
    let world = World::start().await;
    world.bucket("takes").await;
    let client = world.client();
    let put_object = || client.put_object().bucket("takes").key("a");
    let acl = put_object().acl(ObjectCannedAcl::PublicRead).send().await;
    assert_eq!(refused(acl), answer(400, "AccessControlListNotSupported"));
    put_object()
        .acl(ObjectCannedAcl::BucketOwnerFullControl)
        .send()
        .await
        .unwrap();
    let lock = put_object()
        .object_lock_legal_hold_status(ObjectLockLegalHoldStatus::On)
        .send()
        .await;
    assert_eq!(refused(lock), answer(400, "InvalidRequest"));
    put_object()
        .storage_class(StorageClass::Glacier)
        .send()
        .await
        .unwrap();
    let archived = client.get_object().bucket("takes").key("a").send().await;
    assert_eq!(refused(archived), answer(403, "InvalidObjectState"));
    let acl = client
        .get_object_acl()
        .bucket("takes")
        .key("a")
        .send()
        .await
        .unwrap();
    assert_eq!(acl.grants().len(), 1);
    assert_eq!(acl.owner.unwrap().id.unwrap().len(), 64);
}

/// S3-BUCKET-5.
#[tokio::test]
async fn the_expected_owner_must_be_the_owner() {
    let world = World::start().await;
    world.bucket("owned").await;
    let client = world.client();
    let put_object = |owner: &str| {
        client
            .put_object()
            .bucket("owned")
            .key("a")
            .expected_bucket_owner(owner)
            .send()
    };
    put_object(world.lab.account_id()).await.unwrap();
    assert_eq!(
        refused(put_object("999999999999").await),
        answer(403, "AccessDenied")
    );
}
