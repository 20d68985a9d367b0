//! What Object Lock demands of requests, and what it refuses.

use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::{
    ObjectLockLegalHoldStatus, ObjectLockMode, ObjectLockRetention, ObjectLockRetentionMode,
};

use crate::object_lock::{BUCKET, ahead, hold, locking_bucket, retention};
use crate::object_lock_buckets::{configure, default};
use crate::support::{World, answer, put, refusal, refused};

/// S3-LOCK-3, S3-LOCK-6, S3-LOCK-10: a bucket without Object Lock.
#[tokio::test]
async fn buckets_without_it() {
    let world = World::start().await;
    world.versioned_bucket("plain").await;
    let client = world.client();
    put(&client, "plain", "k", b"x").await;
    let missing = |(status, code, message): (u16, String, String)| {
        assert_eq!(
            (status, code.as_str()),
            (400, "InvalidRequest"),
            "{message}"
        );
        assert!(message.starts_with("Bucket is missing Object"), "{message}");
    };
    let until = ahead(60);
    missing(refusal(
        client
            .put_object()
            .bucket("plain")
            .key("k")
            .object_lock_mode(ObjectLockMode::Governance)
            .object_lock_retain_until_date(until)
            .send()
            .await,
    ));
    missing(refusal(
        client
            .copy_object()
            .bucket("plain")
            .key("j")
            .copy_source("plain/k")
            .object_lock_legal_hold_status(ObjectLockLegalHoldStatus::Off)
            .send()
            .await,
    ));
    missing(refusal(
        client
            .create_multipart_upload()
            .bucket("plain")
            .key("k")
            .object_lock_legal_hold_status(ObjectLockLegalHoldStatus::On)
            .send()
            .await,
    ));
    missing(refusal(
        client
            .get_object_retention()
            .bucket("plain")
            .key("k")
            .send()
            .await,
    ));
    missing(refusal(
        client
            .get_object_legal_hold()
            .bucket("plain")
            .key("k")
            .send()
            .await,
    ));
    missing(refusal(
        client
            .put_object_retention()
            .bucket("plain")
            .key("k")
            .retention(retention(ObjectLockRetentionMode::Governance, until))
            .send()
            .await,
    ));
    missing(refusal(
        client
            .put_object_legal_hold()
            .bucket("plain")
            .key("k")
            .legal_hold(hold(ObjectLockLegalHoldStatus::On))
            .send()
            .await,
    ));
    for value in [true, false] {
        let delete = client
            .delete_object()
            .bucket("plain")
            .key("k")
            .bypass_governance_retention(value)
            .send()
            .await;
        assert_eq!(refused(delete), answer(400, "InvalidArgument"));
    }
}

/// S3-LOCK-3: mode and date come together, are what they can be, and the date is ahead.
#[tokio::test]
async fn headers() {
    let world = World::start().await;
    let client = locking_bucket(&world).await;
    let put = || client.put_object().bucket(BUCKET).key("k");
    for (request, message) in [
        (
            put().object_lock_mode(ObjectLockMode::Governance),
            "must both be supplied",
        ),
        (
            put().object_lock_retain_until_date(ahead(60)),
            "must both be supplied",
        ),
        (
            put()
                .object_lock_mode("governance".into())
                .object_lock_retain_until_date(ahead(60)),
            "Unknown wormMode directive.",
        ),
        (
            put()
                .object_lock_mode(ObjectLockMode::Compliance)
                .object_lock_retain_until_date(DateTime::from_secs(1)),
            "The retain until date must be in the future!",
        ),
        (
            put().object_lock_legal_hold_status("on".into()),
            "Legal Hold must be either of 'ON' or 'OFF'",
        ),
    ] {
        let (status, code, told) = refusal(request.send().await);
        assert_eq!((status, code.as_str()), (400, "InvalidArgument"), "{told}");
        assert!(told.contains(message), "{told}");
    }
}

/// S3-LOCK-10: documents, and versions that are none.
#[tokio::test]
async fn documents() {
    let world = World::start().await;
    let client = locking_bucket(&world).await;
    put(&client, BUCKET, "k", b"x").await;
    let set = |to: ObjectLockRetention| {
        client
            .put_object_retention()
            .bucket(BUCKET)
            .key("k")
            .retention(to)
            .send()
    };
    let part = ObjectLockRetention::builder;
    for (bad, code) in [
        (
            part().mode(ObjectLockRetentionMode::Governance).build(),
            "MalformedXML",
        ),
        (part().retain_until_date(ahead(60)).build(), "MalformedXML"),
        (retention("none".into(), ahead(60)), "MalformedXML"),
        (
            retention(ObjectLockRetentionMode::Governance, DateTime::from_secs(1)),
            "InvalidArgument",
        ),
    ] {
        assert_eq!(refused(set(bad).await), answer(400, code));
    }
    let hold_bad = client
        .put_object_legal_hold()
        .bucket(BUCKET)
        .key("k")
        .legal_hold(hold("on".into()))
        .send()
        .await;
    assert_eq!(refused(hold_bad), answer(400, "MalformedXML"));
    for key in ["k", "none"] {
        let code = match key {
            "k" => "NoSuchObjectLockConfiguration",
            _ => "NoSuchKey",
        };
        let read = client
            .get_object_legal_hold()
            .bucket(BUCKET)
            .key(key)
            .send()
            .await;
        assert_eq!(refused(read), answer(404, code));
    }
    let marker = client
        .delete_object()
        .bucket(BUCKET)
        .key("k")
        .send()
        .await
        .unwrap();
    let read = client
        .get_object_retention()
        .bucket(BUCKET)
        .key("k")
        .version_id(marker.version_id.unwrap())
        .send()
        .await;
    assert_eq!(refused(read), answer(405, "MethodNotAllowed"));
}

/// S3-LOCK-7: what is to be locked comes with a digest, each part of it too.
#[tokio::test]
async fn digests() {
    let world = World::start().await;
    let client = locking_bucket(&world).await;
    let plain = world.plain_client();
    let put_plain = || {
        plain
            .put_object()
            .bucket(BUCKET)
            .key("k")
            .body(ByteStream::from_static(b"x"))
    };
    let create = async || {
        let created = plain.create_multipart_upload().bucket(BUCKET).key("m");
        created.send().await.unwrap().upload_id.unwrap()
    };
    let part = |id: &str| {
        plain
            .upload_part()
            .bucket(BUCKET)
            .key("m")
            .upload_id(id)
            .part_number(1)
            .body(ByteStream::from_static(b"x"))
    };
    let missing = |(status, code, message): (u16, String, String), what: &str| {
        assert_eq!((status, code.as_str()), (400, "InvalidRequest"));
        assert_eq!(
            message,
            format!(
                "Content-MD5 OR x-amz-checksum- HTTP header is required for {what} requests with Object Lock parameters"
            )
        );
    };
    // Without default, only what is asked to be locked.
    put_plain().send().await.unwrap();
    let unlocked = create().await;
    part(&unlocked).send().await.unwrap();
    let held = put_plain().object_lock_legal_hold_status(ObjectLockLegalHoldStatus::On);
    missing(refusal(held.send().await), "Put Object");
    let locked = plain
        .create_multipart_upload()
        .bucket(BUCKET)
        .key("m")
        .object_lock_mode(ObjectLockMode::Governance)
        .object_lock_retain_until_date(ahead(60))
        .send()
        .await
        .unwrap()
        .upload_id
        .unwrap();
    missing(refusal(part(&locked).send().await), "Put Part");
    part(&locked)
        .content_md5("nd/geuS3eGYGZndKV0XkZg==")
        .send()
        .await
        .map_or_else(
            |error| assert!(format!("{error:?}").contains("BadDigest"), "{error:?}"),
            |_| panic!("not the MD5 of the part"),
        );
    part(&locked)
        .checksum_crc32("jNwWgw==")
        .send()
        .await
        .unwrap();

    let rule = default(Some(ObjectLockRetentionMode::Governance), Some(1), None);
    assert_eq!(configure(&client, BUCKET, rule).await, (200, None));
    missing(refusal(put_plain().send().await), "Put Object");
    missing(refusal(part(&unlocked).send().await), "Put Part");
    put_plain().checksum_crc32("jNwWgw==").send().await.unwrap();
    // A copy has no body.
    plain
        .copy_object()
        .bucket(BUCKET)
        .key("copy")
        .copy_source(format!("{BUCKET}/k"))
        .send()
        .await
        .unwrap();
}
