//! New versions that are what the old ones are, under the same key: what replication takes up again.

use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumType};
use keyferry_transfer::{Handled, Left, ListedVersion, Outcome, Rekey, Rekeyer, Silent};
use tokio_util::sync::CancellationToken;

use super::locks::{LOCKED, crc64, put_locked, ring_with_locks, tomorrow};
use super::ring::{BUCKET, Finder, Ring, rekeyed};
use crate::setup::{PART, content};

/// Renews one version under the old key.
async fn renew(ring: &Ring, bucket: &str, key: &str, version_id: &str) -> Handled {
    let (id, under) = ring.old.clone();
    let rekey = Rekey::renewing(bucket.parse().unwrap(), under, id);
    let (finder, unfinished) = (Finder(vec![ring.old.clone()]), ring.unfinished());
    let cancel = CancellationToken::new();
    let renewer = Rekeyer::new(
        ring.client(),
        &rekey,
        &finder,
        &unfinished,
        &Silent,
        &cancel,
    )
    .await
    .unwrap();
    let version = ListedVersion {
        key: key.to_owned(),
        version_id: Some(version_id.to_owned()),
        etag: String::new(),
        size: 0,
        storage_class: String::new(),
        is_latest: true,
        last_modified: None,
    };
    let handled = renewer.renew(version).await;
    renewer.finish().await.unwrap();
    handled
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_is_what_the_old_one_was() {
    let ring = Ring::start().await;
    let (key, body) = ("a b/日本+%?.txt", content(100_000));
    let headers = ring.old.1.headers();
    let put = ring.client().put_object().bucket(BUCKET).key(key);
    let first = put
        .body(body.clone().into())
        .content_type("text/x-thing; charset=utf-8")
        .metadata("owner", "somebody else")
        .tagging("a=1&b%20c=d%2Fe")
        .checksum_crc64_nvme(crc64(&body))
        .sse_customer_algorithm("AES256")
        .sse_customer_key(headers.expose_key())
        .sse_customer_key_md5(headers.md5().to_string())
        .send()
        .await
        .unwrap();
    let before = ring.head(key, &ring.old.1, None).await;
    let tags = ring.tags(key).await;

    let handled = renew(&ring, BUCKET, key, &first.version_id.clone().unwrap()).await;
    let made = rekeyed(std::slice::from_ref(&handled)).clone();
    assert_eq!(made.source_version, first.version_id);
    assert_ne!(made.version_id, first.version_id);
    assert!(handled.notes.is_empty(), "{:?}", handled.notes);

    let after = ring.head(key, &ring.old.1, None).await;
    assert_eq!(after.version_id, made.version_id);
    assert_eq!(after.content_type, before.content_type);
    assert_eq!(after.metadata, before.metadata);
    assert!(before.checksum_crc64_nvme.is_some());
    assert_eq!(after.checksum_crc64_nvme, before.checksum_crc64_nvme);
    // No tag is added, and none is lost.
    assert_eq!(ring.tags(key).await, tags);
    assert_eq!(ring.get(key, &ring.old.1).await.as_deref(), Ok(&*body));
    assert_eq!(ring.versions(key).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_and_the_tag_of_the_key_stay() {
    let ring = Ring::start().await;
    let (one, two) = (content(PART), content(1_000));
    let (sum, kind) = (ChecksumAlgorithm::Crc32, ChecksumType::FullObject);
    ring.put_parts("parts", &[&one, &two], sum, kind).await;
    let before = ring.head("parts", &ring.old.1, Some(1)).await;
    let tags = ring.tags("parts").await;

    let version = before.version_id.clone().unwrap();
    let handled = renew(&ring, BUCKET, "parts", &version).await;
    assert_eq!(rekeyed(std::slice::from_ref(&handled)).parts, Some(2));
    let after = ring.head("parts", &ring.old.1, Some(1)).await;
    assert_eq!(after.parts_count, Some(2));
    assert_eq!(after.content_length, before.content_length);
    assert_eq!(ring.tags("parts").await, tags);
    let whole = [one, two].concat();
    assert_eq!(ring.get("parts", &ring.old.1).await.as_deref(), Ok(&*whole));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_version_never_takes_the_place_of_a_newer_one() {
    let ring = Ring::start().await;
    let first = ring.put("twice", b"old").await;
    let second = ring.put("twice", b"new").await;
    let handled = renew(&ring, BUCKET, "twice", &first).await;
    match handled.outcome {
        Outcome::Already { version_id, .. } => assert_eq!(version_id, Some(second.clone())),
        other => panic!("{other:?}"),
    }
    assert_eq!(ring.versions("twice").await, [second, first]);
    assert_eq!(
        ring.get("twice", &ring.old.1).await.as_deref(),
        Ok(&b"new"[..])
    );

    // Nor does one that is under another key by now.
    let third = ring.put_under(&ring.new, "twice", b"other key").await;
    let handled = renew(&ring, BUCKET, "twice", &third).await;
    let left = matches!(handled.outcome, Outcome::Left(Left::UnknownKey { .. }));
    assert!(left, "{:?}", handled.outcome);
    assert_eq!(ring.versions("twice").await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn locks_stay() {
    let ring = ring_with_locks().await;
    let until = tomorrow();
    put_locked(&ring, "held", until).await;
    let head = || async {
        let headers = ring.old.1.headers();
        let head = ring.client().head_object().bucket(LOCKED).key("held");
        head.sse_customer_algorithm("AES256")
            .sse_customer_key(headers.expose_key())
            .sse_customer_key_md5(headers.md5().to_string())
            .send()
            .await
            .unwrap()
    };
    let before = head().await;
    let handled = renew(&ring, LOCKED, "held", before.version_id().unwrap()).await;
    rekeyed(std::slice::from_ref(&handled));
    let after = head().await;
    assert_ne!(after.version_id, before.version_id);
    assert_eq!(after.object_lock_mode, before.object_lock_mode);
    assert_eq!(after.object_lock_retain_until_date, Some(until));
    assert_eq!(
        after.object_lock_legal_hold_status,
        before.object_lock_legal_hold_status
    );
}
