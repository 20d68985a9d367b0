//! What re-encryption under another customer key leans on: copies within S3, whole and in parts.

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::copy_object::builders::CopyObjectFluentBuilder;
use aws_sdk_s3::operation::upload_part_copy::builders::UploadPartCopyFluentBuilder;
use aws_sdk_s3::primitives::{ByteStream, DateTime, DateTimeFormat};
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedPart, MetadataDirective,
    ObjectAttributes, StorageClass, TaggingDirective,
};

use crate::customer_keys_multipart::completed;
use crate::support::{Key, PART, World, answer, pattern, refused};
use crate::with_key;

const BUCKET: &str = "rekeyed";
const EXPIRES: &str = "Wed, 21 Oct 2026 07:28:00 GMT";

/// A copy from `BUCKET/SOURCE`, that is opened with `old`, to `key` under `new`.
fn copy(client: &Client, source: &str, old: &Key, key: &str, new: &Key) -> CopyObjectFluentBuilder {
    with_key!(
        client
            .copy_object()
            .bucket(BUCKET)
            .key(key)
            .copy_source(format!("{BUCKET}/{source}"))
            .copy_source_sse_customer_algorithm("AES256")
            .copy_source_sse_customer_key(old.base64())
            .copy_source_sse_customer_key_md5(old.md5()),
        new
    )
}

fn part_copy(
    client: &Client,
    upload: &str,
    number: i32,
    old: &Key,
    new: &Key,
) -> UploadPartCopyFluentBuilder {
    with_key!(
        client
            .upload_part_copy()
            .bucket(BUCKET)
            .key("parts")
            .upload_id(upload)
            .part_number(number)
            .copy_source(format!("{BUCKET}/a"))
            .copy_source_sse_customer_algorithm("AES256")
            .copy_source_sse_customer_key(old.base64())
            .copy_source_sse_customer_key_md5(old.md5()),
        new
    )
}

/// S3-COPY-3, S3-COPY-4: all headers and tags stay on a copy onto itself under another key, the
/// redirect apart; REPLACE takes what the request has, and nothing else.
#[tokio::test]
async fn every_header_stays_or_is_replaced() {
    let world = World::start().await;
    world.versioned_bucket(BUCKET).await;
    let client = world.client();
    let (old, new) = (Key::new(1), Key::new(2));
    let expires = DateTime::from_str(EXPIRES, DateTimeFormat::HttpDate).unwrap();
    let made = with_key!(client.put_object().bucket(BUCKET).key("a"), old)
        .content_type("text/plain")
        .content_encoding("gzip")
        .content_language("de")
        .content_disposition("attachment; filename=\"a\"")
        .cache_control("no-store")
        .expires(expires)
        .website_redirect_location("/elsewhere")
        .metadata("m", "1")
        .tagging("t=1&u=2")
        .storage_class(StorageClass::StandardIa)
        .body(ByteStream::from_static(b"content"))
        .send()
        .await
        .unwrap();
    let head = async |key: &Key| {
        with_key!(client.head_object().bucket(BUCKET).key("a"), key)
            .send()
            .await
            .unwrap()
    };
    assert_eq!(
        head(&old).await.website_redirect_location.as_deref(),
        Some("/elsewhere")
    );

    let copied = copy(&client, "a", &old, "a", &new).send().await.unwrap();
    assert_eq!(copied.copy_source_version_id, made.version_id);
    assert_ne!(copied.version_id, made.version_id);
    assert_eq!(copied.sse_customer_algorithm.as_deref(), Some("AES256"));
    assert_eq!(copied.sse_customer_key_md5.as_deref(), Some(&*new.md5()));
    let kept = head(&new).await;
    assert_eq!(kept.content_type.as_deref(), Some("text/plain"));
    assert_eq!(kept.content_encoding.as_deref(), Some("gzip"));
    assert_eq!(kept.content_language.as_deref(), Some("de"));
    assert_eq!(
        kept.content_disposition.as_deref(),
        Some("attachment; filename=\"a\"")
    );
    assert_eq!(kept.cache_control.as_deref(), Some("no-store"));
    assert_eq!(kept.expires_string.as_deref(), Some(EXPIRES));
    assert_eq!(kept.metadata.unwrap()["m"], "1");
    assert_eq!(kept.website_redirect_location, None);
    assert_eq!(kept.storage_class, None);
    let tags = async || {
        let tags = client.get_object_tagging().bucket(BUCKET).key("a");
        let tags = tags.send().await.unwrap().tag_set;
        tags.into_iter()
            .map(|tag| format!("{}={}", tag.key, tag.value))
            .collect::<Vec<_>>()
    };
    assert_eq!(tags().await, ["t=1", "u=2"]);

    copy(&client, "a", &new, "a", &old)
        .metadata_directive(MetadataDirective::Replace)
        .tagging_directive(TaggingDirective::Replace)
        .cache_control("max-age=1")
        .website_redirect_location("/there")
        .send()
        .await
        .unwrap();
    let replaced = head(&old).await;
    assert_eq!(replaced.cache_control.as_deref(), Some("max-age=1"));
    assert_eq!(
        replaced.website_redirect_location.as_deref(),
        Some("/there")
    );
    assert_eq!(
        replaced.content_type.as_deref(),
        Some("binary/octet-stream")
    );
    assert_eq!(replaced.content_encoding, None);
    assert_eq!(replaced.content_language, None);
    assert_eq!(replaced.content_disposition, None);
    assert_eq!(replaced.expires_string, None);
    assert!(replaced.metadata.is_none_or(|all| all.is_empty()));
    assert!(tags().await.is_empty());
    let bad = copy(&client, "a", &old, "a", &new)
        .metadata_directive("KEEP".into())
        .send()
        .await;
    assert_eq!(refused(bad), answer(400, "InvalidArgument"));
}

/// S3-COPY-1, S3-SSEC-4, S3-SSEC-11: a version by its id, with the key that it has.
#[tokio::test]
async fn versions_by_id() {
    let world = World::start().await;
    world.versioned_bucket(BUCKET).await;
    let client = world.client();
    let keys: Vec<Key> = (1..=3).map(Key::new).collect();
    let mut ids = Vec::new();
    for (key, body) in keys.iter().zip([&b"first"[..], b"second"]) {
        let put = with_key!(client.put_object().bucket(BUCKET).key("a"), key)
            .body(ByteStream::from(body.to_vec()))
            .send()
            .await
            .unwrap();
        ids.push(put.version_id.unwrap());
    }
    let source = format!("a?versionId={}", ids[0]);
    let wrong = copy(&client, &source, &keys[1], "a", &keys[2]).send().await;
    assert_eq!(refused(wrong), answer(403, "AccessDenied"));
    let copied = copy(&client, &source, &keys[0], "a", &keys[2])
        .send()
        .await
        .unwrap();
    assert_eq!(copied.copy_source_version_id.as_ref(), Some(&ids[0]));
    let got = with_key!(client.get_object().bucket(BUCKET).key("a"), keys[2])
        .send()
        .await
        .unwrap();
    assert_eq!(got.version_id, copied.version_id);
    assert_eq!(&*got.body.collect().await.unwrap().to_vec(), b"first");
    let absent = format!("a?versionId={}", "0".repeat(32));
    let absent = copy(&client, &absent, &keys[0], "a", &keys[2]).send().await;
    assert_eq!(refused(absent), answer(404, "NoSuchVersion"));
}

/// S3-COND-1, S3-COND-3: conditions on what is there, and on the source, of both kinds of copies.
#[tokio::test]
async fn conditions() {
    let world = World::start().await;
    world.bucket(BUCKET).await;
    let client = world.client();
    let (old, new) = (Key::new(1), Key::new(2));
    let etag = with_key!(client.put_object().bucket(BUCKET).key("a"), old)
        .body(ByteStream::from_static(b"content"))
        .send()
        .await
        .unwrap()
        .e_tag
        .unwrap();
    let to = |key: &str| copy(&client, "a", &old, key, &new);
    let failed = answer(412, "PreconditionFailed");
    assert_eq!(refused(to("a").if_none_match("*").send().await), failed);
    assert_eq!(refused(to("a").if_match("\"other\"").send().await), failed);
    assert_eq!(
        refused(to("none").if_match(&etag).send().await),
        answer(404, "NoSuchKey")
    );
    assert_eq!(
        refused(to("a").copy_source_if_match("\"other\"").send().await),
        failed
    );
    to("b").if_none_match("*").send().await.unwrap();
    // Exactly what was seen is replaced, once.
    let over = |from: &Key| {
        copy(&client, "a", from, "a", &new)
            .if_match(&etag)
            .copy_source_if_match(&etag)
    };
    let again = over(&old).send().await.unwrap();
    let again = again.copy_object_result.unwrap();
    assert_ne!(again.e_tag.as_ref(), Some(&etag));
    assert_eq!(refused(over(&new).send().await), failed);
    // The lab judges the source's key before its conditions.
    assert_eq!(
        refused(over(&old).send().await),
        answer(403, "AccessDenied")
    );

    let etag = again.e_tag.unwrap();
    let upload = with_key!(
        client.create_multipart_upload().bucket(BUCKET).key("parts"),
        old
    )
    .send()
    .await
    .unwrap()
    .upload_id
    .unwrap();
    let part = || part_copy(&client, &upload, 1, &new, &old);
    assert_eq!(
        refused(part().copy_source_if_none_match(&etag).send().await),
        failed
    );
    assert_eq!(
        refused(
            part()
                .copy_source_if_unmodified_since(DateTime::from_secs(1))
                .send()
                .await
        ),
        failed
    );
    // An ETag that fits outweighs the date.
    part()
        .copy_source_if_match(&etag)
        .copy_source_if_unmodified_since(DateTime::from_secs(1))
        .send()
        .await
        .unwrap();
}

/// S3-COPY-6, S3-COPY-7, S3-ATTR-1: part by part from ranges, and the other way at once, which
/// gives one checksum of the whole.
#[tokio::test]
async fn parts_and_their_checksums() {
    let world = World::start().await;
    world.versioned_bucket(BUCKET).await;
    let client = world.client();
    let (old, new) = (Key::new(1), Key::new(2));
    let body = pattern(PART + 70_000, 9);
    with_key!(client.put_object().bucket(BUCKET).key("a"), old)
        .checksum_algorithm(ChecksumAlgorithm::Sha256)
        .body(ByteStream::from(body.clone()))
        .send()
        .await
        .unwrap();
    let upload = with_key!(
        client.create_multipart_upload().bucket(BUCKET).key("parts"),
        new
    )
    .checksum_algorithm(ChecksumAlgorithm::Sha256)
    .send()
    .await
    .unwrap()
    .upload_id
    .unwrap();
    let mut parts = Vec::new();
    for (number, range) in [
        (1, format!("bytes=0-{}", PART - 1)),
        (2, format!("bytes={PART}-{}", body.len() - 1)),
    ] {
        let copied = part_copy(&client, &upload, number, &old, &new)
            .copy_source_range(range)
            .send()
            .await
            .unwrap();
        assert_eq!(copied.sse_customer_key_md5.as_deref(), Some(&*new.md5()));
        let result = copied.copy_part_result.unwrap();
        parts.push(
            CompletedPart::builder()
                .part_number(number)
                .e_tag(result.e_tag.unwrap())
                .checksum_sha256(result.checksum_sha256.unwrap())
                .build(),
        );
    }
    let listed = with_key!(
        client
            .list_parts()
            .bucket(BUCKET)
            .key("parts")
            .upload_id(&upload),
        new
    )
    .send()
    .await
    .unwrap();
    let sizes: Vec<_> = listed.parts().iter().map(|part| part.size).collect();
    assert_eq!(sizes, [Some(PART as i64), Some(70_000)]);
    let done = with_key!(
        client
            .complete_multipart_upload()
            .bucket(BUCKET)
            .key("parts"),
        new
    )
    .upload_id(&upload)
    .if_none_match("*")
    .multipart_upload(completed(parts))
    .send()
    .await
    .unwrap();
    assert_eq!(done.checksum_type, Some(ChecksumType::Composite));
    assert!(done.checksum_sha256.unwrap().ends_with("-2"));
    let attributes = async |name: &str, key: &Key| {
        with_key!(client.get_object_attributes().bucket(BUCKET).key(name), key)
            .object_attributes(ObjectAttributes::ObjectParts)
            .object_attributes(ObjectAttributes::Checksum)
            .send()
            .await
            .unwrap()
    };
    let found = attributes("parts", &new).await.object_parts.unwrap();
    assert_eq!(found.total_parts_count, Some(2));
    assert!(
        found
            .parts()
            .iter()
            .all(|part| part.checksum_sha256.is_some())
    );

    let copied = copy(&client, "parts", &new, "whole", &old)
        .send()
        .await
        .unwrap()
        .copy_object_result
        .unwrap();
    assert_eq!(copied.checksum_type, Some(ChecksumType::FullObject));
    let whole = attributes("whole", &old).await;
    assert_eq!(
        whole.object_parts.map(|parts| parts.total_parts_count),
        None
    );
    let head = async |name: &str, key: &Key| {
        with_key!(client.head_object().bucket(BUCKET).key(name), key)
            .checksum_mode(ChecksumMode::Enabled)
            .send()
            .await
            .unwrap()
    };
    assert_eq!(
        head("whole", &old).await.checksum_sha256,
        head("a", &old).await.checksum_sha256,
        "the same content, the same checksum"
    );
    assert!(!copied.e_tag.unwrap().contains('-'));
    let got = with_key!(client.get_object().bucket(BUCKET).key("whole"), old)
        .send()
        .await
        .unwrap();
    assert_eq!(got.body.collect().await.unwrap().to_vec(), body);
}
