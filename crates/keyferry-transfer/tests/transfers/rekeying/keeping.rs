//! What has to stay as it was.

use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumType, ObjectAttributes, StorageClass};
use keyferry_transfer::{CopyLimits, Note, Outcome, PartSize};

use super::ring::{BUCKET, Ring, only, rekeyed};
use crate::setup::{PART, content};

fn sha256(body: &[u8]) -> String {
    use base64::Engine;
    use sha2::Digest;
    base64::prelude::BASE64_STANDARD.encode(sha2::Sha256::digest(body))
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_belongs_to_an_object() {
    let ring = Ring::start().await;
    let (key, body) = ("a b/日本+%?.txt", content(100_000));
    let headers = ring.old.1.headers();
    let put = ring.client().put_object().bucket(BUCKET).key(key);
    let first = put
        .body(body.clone().into())
        .content_type("text/x-thing; charset=utf-8")
        .cache_control("no-store")
        .content_disposition("attachment; filename=\"a b\"")
        .content_encoding("gzip")
        .content_language("de-CH")
        .expires(DateTime::from_secs(2_000_000_000))
        .website_redirect_location("https://example.com/x")
        .metadata("owner", "somebody else")
        .metadata("empty", "")
        .tagging(format!("a=1&b%20c=d%2Fe&keyferry-key={}", ring.old.0))
        .storage_class(StorageClass::StandardIa)
        .checksum_sha256(sha256(&body))
        .sse_customer_algorithm("AES256")
        .sse_customer_key(headers.expose_key())
        .sse_customer_key_md5(headers.md5().to_string())
        .send()
        .await
        .unwrap();
    let before = ring.head(key, &ring.old.1, None).await;

    let handled = ring.run().await;
    let made = rekeyed(&handled);
    assert_eq!(made.from.as_ref(), Some(&ring.old.0));
    assert_eq!(made.source_version, first.version_id);
    assert_eq!((made.size, made.parts), (100_000, None));
    assert_eq!(
        (only(&handled).overtaken, &*only(&handled).notes),
        (0, &[][..])
    );

    ring.is_under_new(key, &body).await;
    let after = ring.head(key, &ring.new.1, None).await;
    assert_eq!(after.version_id, made.version_id);
    assert_ne!(after.version_id, first.version_id);
    assert_eq!(after.content_type, before.content_type);
    assert_eq!(after.cache_control, before.cache_control);
    assert_eq!(after.content_disposition, before.content_disposition);
    assert_eq!(after.content_encoding, before.content_encoding);
    assert_eq!(after.content_language, before.content_language);
    assert!(before.expires_string.is_some());
    assert_eq!(after.expires_string, before.expires_string);
    assert_eq!(
        after.website_redirect_location.as_deref(),
        Some("https://example.com/x")
    );
    assert_eq!(after.metadata, before.metadata);
    assert_eq!(after.storage_class, Some(StorageClass::StandardIa));
    assert!(before.checksum_sha256.is_some());
    assert_eq!(after.checksum_sha256, before.checksum_sha256);
    assert_eq!(
        after.sse_customer_key_md5.as_deref(),
        Some(&*ring.new.1.md5().to_string())
    );
    let id = ring.new.0.to_string();
    let tags = [("a", "1"), ("b c", "d/e"), ("keyferry-key", &id)];
    assert_eq!(
        ring.tags(key).await,
        tags.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    // The old version is still there, and still under the old key.
    assert_eq!(ring.versions("a b/").await.len(), 2);
    let get = ring.client().get_object().bucket(BUCKET).key(key);
    let old = get
        .version_id(first.version_id.unwrap())
        .sse_customer_algorithm("AES256")
        .sse_customer_key(headers.expose_key())
        .sse_customer_key_md5(headers.md5().to_string());
    assert_eq!(
        old.send()
            .await
            .unwrap()
            .body
            .collect()
            .await
            .unwrap()
            .to_vec(),
        body
    );
}

/// Part boundaries as the source has them, checksums of the same algorithm and kind, and all that an
/// upload in parts takes over from nowhere.
#[tokio::test(flavor = "multi_thread")]
async fn uploads_in_parts() {
    let ring = Ring::start().await;
    let body = content(2 * PART + (1 << 20) + 7);
    let sizes = [PART + (1 << 20), PART, 7].map(|size| usize::try_from(size).unwrap());
    let parts = [
        &body[..sizes[0]],
        &body[sizes[0]..sizes[0] + sizes[1]],
        &body[sizes[0] + sizes[1]..],
    ];
    let kinds = [
        (
            "crc64",
            ChecksumAlgorithm::Crc64Nvme,
            ChecksumType::FullObject,
        ),
        ("crc32", ChecksumAlgorithm::Crc32, ChecksumType::Composite),
        ("sha256", ChecksumAlgorithm::Sha256, ChecksumType::Composite),
        (
            "crc32c",
            ChecksumAlgorithm::Crc32C,
            ChecksumType::FullObject,
        ),
    ];
    let mut before = Vec::new();
    for (key, algorithm, kind) in kinds.clone() {
        ring.put_parts(key, &parts, algorithm, kind).await;
        before.push(ring.head(key, &ring.old.1, None).await);
    }
    ring.put_parts(
        "one part",
        &[&body[..10]],
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumType::FullObject,
    )
    .await;

    let handled = ring.run().await;
    assert_eq!(handled.len(), 5);
    for handled in &handled {
        let expected = if handled.object.key == "one part" {
            1
        } else {
            3
        };
        assert!(
            matches!(&handled.outcome, Outcome::Rekeyed(made) if made.parts == Some(expected)),
            "{handled:?}"
        );
    }
    for ((key, _, kind), before) in kinds.into_iter().zip(before) {
        ring.is_under_new(key, &body).await;
        let after = ring.head(key, &ring.new.1, None).await;
        assert_eq!(after.checksum_crc64_nvme, before.checksum_crc64_nvme);
        assert_eq!(after.checksum_crc32, before.checksum_crc32);
        assert_eq!(after.checksum_crc32_c, before.checksum_crc32_c);
        assert_eq!(after.checksum_sha256, before.checksum_sha256);
        assert_eq!(after.checksum_type, Some(kind));
        assert!(after.e_tag.unwrap().trim_matches('"').ends_with("-3"));
        assert_eq!(after.content_type, before.content_type);
        assert_eq!(after.cache_control, before.cache_control);
        assert_eq!(after.content_disposition, before.content_disposition);
        assert_eq!(after.content_encoding, before.content_encoding);
        assert_eq!(after.content_language, before.content_language);
        assert_eq!(
            after.website_redirect_location.as_deref(),
            Some("/elsewhere")
        );
        assert_eq!(after.metadata, before.metadata);
        assert_eq!(after.storage_class, Some(StorageClass::StandardIa));
        let id = ring.new.0.to_string();
        assert_eq!(
            ring.tags(key).await,
            [("keyferry-key", id.as_str()), ("trip", "osaka")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
        for (size, number) in sizes.into_iter().zip(1..) {
            let part = ring.head(key, &ring.new.1, Some(number)).await;
            assert_eq!(part.parts_count, Some(3));
            assert_eq!(
                part.content_length,
                i64::try_from(size).ok(),
                "{key} {number}"
            );
        }
        let new = ring.new.1.headers();
        let attributes = ring
            .client()
            .get_object_attributes()
            .bucket(BUCKET)
            .key(key);
        let attributes = attributes
            .object_attributes(ObjectAttributes::ObjectParts)
            .sse_customer_algorithm("AES256")
            .sse_customer_key(new.expose_key())
            .sse_customer_key_md5(new.md5().to_string())
            .send()
            .await
            .unwrap();
        assert_eq!(attributes.object_parts.unwrap().total_parts_count, Some(3));
    }
    ring.is_under_new("one part", &body[..10]).await;
    assert_eq!(ring.setup.open_uploads(BUCKET).await, 0);
    assert!(!ring.state().join("tokyo.json").exists());
}

/// Where GetObjectAttributes is denied, each part is measured.
#[tokio::test(flavor = "multi_thread")]
async fn part_boundaries_without_permission_for_attributes() {
    let ring = Ring::start().await;
    let body = content(2 * PART + 7);
    let cut = usize::try_from(PART + 3).unwrap();
    ring.put_parts(
        "key",
        &[&body[..cut], &body[cut..]],
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumType::FullObject,
    )
    .await;
    ring.policy("s3:GetObjectVersionAttributes").await;
    assert_eq!(rekeyed(&ring.run().await).parts, Some(2));
    ring.is_under_new("key", &body).await;
    let first = ring.head("key", &ring.new.1, Some(1)).await;
    assert_eq!(first.content_length, i64::try_from(cut).ok());
}

/// What S3 does not copy at once is copied in parts; the limit is lowered from 5 GiB.
#[tokio::test(flavor = "multi_thread")]
async fn objects_too_large_for_one_copy() {
    let ring = Ring::start().await;
    let (large, exact) = (content(2 * PART + 1), content(PART));
    ring.put("large", &large).await;
    ring.put("exact", &exact).await;
    let before = ring.head("large", &ring.old.1, None).await;
    let mut rekey = ring.rekey();
    rekey.limits = CopyLimits {
        single: PART,
        part_size: PartSize::MIN,
    };
    rekey.dry_run = true;
    let (planned, _) = ring.run_as(ring.client(), &rekey).await;
    let writes: Vec<u64> = planned
        .iter()
        .map(|handled| match &handled.outcome {
            Outcome::Planned(planned) => planned.writes(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(writes, [1, 5]);
    assert_eq!(ring.versions("").await.len(), 2);

    rekey.dry_run = false;
    let (handled, _) = ring.run_as(ring.client(), &rekey).await;
    let parts: Vec<_> = handled
        .iter()
        .map(|handled| match &handled.outcome {
            // Its layout could not stay: it is in parts now, and that is what the check is told.
            Outcome::Rekeyed(made) => made.parts,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(parts, [None, Some(3)]);
    ring.is_under_new("large", &large).await;
    ring.is_under_new("exact", &exact).await;
    let after = ring.head("large", &ring.new.1, None).await;
    assert_eq!(after.checksum_crc64_nvme, before.checksum_crc64_nvme);
    assert!(before.checksum_crc64_nvme.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_objects_and_full_tag_sets() {
    let ring = Ring::start().await;
    ring.put("empty", b"").await;
    let headers = ring.old.1.headers();
    let tags: Vec<String> = (0..10).map(|n| format!("t{n}={n}")).collect();
    let put = ring.client().put_object().bucket(BUCKET).key("full");
    put.body(b"x".to_vec().into())
        .tagging(tags.join("&"))
        .sse_customer_algorithm("AES256")
        .sse_customer_key(headers.expose_key())
        .sse_customer_key_md5(headers.md5().to_string())
        .send()
        .await
        .unwrap();
    let before = ring.tags("full").await;
    let handled = ring.run().await;
    assert_eq!(handled[0].notes, []);
    assert_eq!(handled[1].notes, [Note::TagSetFull]);
    ring.is_under_new("empty", b"").await;
    ring.is_under_new("full", b"x").await;
    assert_eq!(ring.tags("full").await, before);
}

/// A tag is a hint: one that names another key is put right.
#[tokio::test(flavor = "multi_thread")]
async fn wrong_tags_are_put_right() {
    let ring = Ring::start().await;
    let stranger = keyferry_key::KeyId::generate().unwrap();
    let stale = (ring.new.0.clone(), ring.old.1.clone());
    let unknown = (stranger.clone(), ring.old.1.clone());
    ring.put_under(&stale, "a-names-the-new-key", b"a").await;
    ring.put_under(&unknown, "b-names-no-key-of-ours", b"b")
        .await;
    let handled = ring.run().await;
    let wrong = |tag: &keyferry_key::KeyId| Note::WrongTag {
        tag: tag.to_string(),
    };
    assert_eq!(handled[0].notes, [wrong(&ring.new.0)]);
    assert_eq!(handled[1].notes, [wrong(&stranger)]);
    ring.is_under_new("a-names-the-new-key", b"a").await;
    ring.is_under_new("b-names-no-key-of-ours", b"b").await;
    for key in ["a-names-the-new-key", "b-names-no-key-of-ours"] {
        let id = ring.new.0.to_string();
        assert_eq!(ring.tags(key).await, [("keyferry-key".to_owned(), id)]);
    }
}

/// A second run finds nothing to do, and makes no versions.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_changes_nothing() {
    let ring = Ring::start().await;
    ring.put("key", b"content").await;
    let version = rekeyed(&ring.run().await).version_id.clone();
    let handled = ring.run().await;
    assert!(
        matches!(&only(&handled).outcome, Outcome::Already { version_id, size: 7, .. } if *version_id == version),
        "{handled:?}"
    );
    assert_eq!(ring.versions("key").await.len(), 2);
}
