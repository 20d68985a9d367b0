//! Object Lock: what keeps versions, and what does not.

use std::time::{Duration, SystemTime};

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::{
    BucketLocationConstraint, CompletedMultipartUpload, CompletedPart, CreateBucketConfiguration,
    Delete, ObjectIdentifier, ObjectLockLegalHold, ObjectLockLegalHoldStatus, ObjectLockMode,
    ObjectLockRetention, ObjectLockRetentionMode,
};

use crate::support::{Key, World, allow_sse_c, answer, put, refusal, refused};
use crate::with_key;

pub(crate) const BUCKET: &str = "locked";
pub(crate) const PROTECTED: &str = "Access Denied because object protected by object lock.";
const DAY: u64 = 24 * 60 * 60;

/// A date that many seconds ahead, without their fraction, as headers carry it.
pub(crate) fn ahead(seconds: u64) -> DateTime {
    let time = SystemTime::now() + Duration::from_secs(seconds);
    DateTime::from_secs(DateTime::from(time).secs())
}

/// A bucket with Object Lock that takes customer keys.
pub(crate) async fn locking_bucket(world: &World) -> Client {
    let client = world.client();
    client
        .create_bucket()
        .bucket(BUCKET)
        .object_lock_enabled_for_bucket(true)
        .create_bucket_configuration(
            CreateBucketConfiguration::builder()
                .location_constraint(BucketLocationConstraint::from("ap-northeast-1"))
                .build(),
        )
        .send()
        .await
        .unwrap();
    allow_sse_c(&client, BUCKET).await;
    client
}

pub(crate) fn retention(mode: ObjectLockRetentionMode, until: DateTime) -> ObjectLockRetention {
    ObjectLockRetention::builder()
        .mode(mode)
        .retain_until_date(until)
        .build()
}

pub(crate) fn hold(status: ObjectLockLegalHoldStatus) -> ObjectLockLegalHold {
    ObjectLockLegalHold::builder().status(status).build()
}

/// Puts an object with that retention and gives its version id.
pub(crate) async fn put_retained(client: &Client, mode: ObjectLockMode, until: DateTime) -> String {
    client
        .put_object()
        .bucket(BUCKET)
        .key("k")
        .object_lock_mode(mode)
        .object_lock_retain_until_date(until)
        .body(ByteStream::from_static(b"kept"))
        .send()
        .await
        .unwrap()
        .version_id
        .unwrap()
}

async fn head(client: &Client, key: &str) -> HeadObjectOutput {
    client
        .head_object()
        .bucket(BUCKET)
        .key(key)
        .send()
        .await
        .unwrap()
}

/// S3-LOCK-5, S3-LOCK-6: only deleting a version for good is refused, and only governance mode is
/// bypassed.
#[tokio::test]
async fn locked_versions_cannot_be_deleted() {
    let world = World::start().await;
    let client = locking_bucket(&world).await;
    let delete = |id: &str, bypass: Option<bool>| {
        client
            .delete_object()
            .bucket(BUCKET)
            .key("k")
            .version_id(id)
            .set_bypass_governance_retention(bypass)
            .send()
    };
    let protected = (403, "AccessDenied".to_owned(), PROTECTED.to_owned());
    let governed = put_retained(&client, ObjectLockMode::Governance, ahead(DAY)).await;
    let complying = put_retained(&client, ObjectLockMode::Compliance, ahead(DAY)).await;
    for (id, bypass) in [
        (&governed, None),
        (&governed, Some(false)),
        (&complying, None),
        (&complying, Some(true)),
    ] {
        assert_eq!(refusal(delete(id, bypass).await), protected);
    }

    // Each key of a DeleteObjects has its own outcome, and its own say about bypassing.
    let delete_both = |bypass: bool| {
        let object = |id: &str| {
            ObjectIdentifier::builder()
                .key("k")
                .version_id(id)
                .build()
                .unwrap()
        };
        client
            .delete_objects()
            .bucket(BUCKET)
            .bypass_governance_retention(bypass)
            .delete(
                Delete::builder()
                    .objects(object(&governed))
                    .objects(object(&complying))
                    .build()
                    .unwrap(),
            )
            .send()
    };
    let both = delete_both(false).await.unwrap();
    assert_eq!((both.deleted().len(), both.errors().len()), (0, 2));
    let one = delete_both(true).await.unwrap();
    assert_eq!(
        one.deleted()[0].version_id.as_deref(),
        Some(governed.as_str())
    );
    assert_eq!(one.errors()[0].message.as_deref(), Some(PROTECTED));
    assert_eq!(one.errors()[0].code.as_deref(), Some("AccessDenied"));

    // New versions and delete markers come on top; markers are not protected.
    put(&client, BUCKET, "k", b"newer").await;
    let marker = client
        .delete_object()
        .bucket(BUCKET)
        .key("k")
        .send()
        .await
        .unwrap();
    assert_eq!(marker.delete_marker, Some(true));
    delete(&marker.version_id.unwrap(), None).await.unwrap();

    // A period that is over protects nothing.
    let brief = put_retained(&client, ObjectLockMode::Compliance, ahead(2)).await;
    assert_eq!(refusal(delete(&brief, None).await), protected);
    tokio::time::sleep(Duration::from_millis(2100)).await;
    delete(&brief, None).await.unwrap();
}

/// S3-LOCK-4, S3-LOCK-5: a legal hold protects until it is taken off, whatever the retention.
#[tokio::test]
async fn legal_holds() {
    let world = World::start().await;
    let client = locking_bucket(&world).await;
    let id = client
        .put_object()
        .bucket(BUCKET)
        .key("k")
        .object_lock_legal_hold_status(ObjectLockLegalHoldStatus::On)
        .body(ByteStream::from_static(b"x"))
        .send()
        .await
        .unwrap()
        .version_id
        .unwrap();
    let delete = || {
        client
            .delete_object()
            .bucket(BUCKET)
            .key("k")
            .version_id(&id)
            .bypass_governance_retention(true)
            .send()
    };
    let set = |status| {
        client
            .put_object_legal_hold()
            .bucket(BUCKET)
            .key("k")
            .version_id(&id)
            .legal_hold(hold(status))
            .send()
    };
    assert_eq!(refusal(delete().await).2, PROTECTED);
    set(ObjectLockLegalHoldStatus::Off).await.unwrap();
    let read = client
        .get_object_legal_hold()
        .bucket(BUCKET)
        .key("k")
        .send()
        .await
        .unwrap();
    assert_eq!(
        read.legal_hold.unwrap().status,
        Some(ObjectLockLegalHoldStatus::Off)
    );
    assert_eq!(
        head(&client, "k").await.object_lock_legal_hold_status,
        Some(ObjectLockLegalHoldStatus::Off)
    );
    set(ObjectLockLegalHoldStatus::On).await.unwrap();
    assert_eq!(refusal(delete().await).2, PROTECTED);
    set(ObjectLockLegalHoldStatus::Off).await.unwrap();
    delete().await.unwrap();
    assert_eq!(
        refused(set(ObjectLockLegalHoldStatus::On).await),
        answer(404, "NoSuchVersion")
    );
}

/// S3-LOCK-4, S3-LOCK-6: a running period is extended by anyone, and else changed only by whoever
/// bypasses governance mode.
#[tokio::test]
async fn changing_retention() {
    use ObjectLockRetentionMode::{Compliance, Governance};
    let world = World::start().await;
    let client = locking_bucket(&world).await;
    let set = |to: ObjectLockRetention, bypass: bool| {
        client
            .put_object_retention()
            .bucket(BUCKET)
            .key("k")
            .retention(to)
            .set_bypass_governance_retention(bypass.then_some(true))
            .send()
    };
    let none = || ObjectLockRetention::builder().build();
    let protected = (403, "AccessDenied".to_owned(), PROTECTED.to_owned());

    put_retained(&client, ObjectLockMode::Governance, ahead(DAY)).await;
    set(retention(Governance, ahead(2 * DAY)), false)
        .await
        .unwrap();
    for to in [
        retention(Governance, ahead(DAY)),
        retention(Compliance, ahead(3 * DAY)),
        none(),
    ] {
        assert_eq!(refusal(set(to, false).await), protected);
    }
    set(retention(Governance, ahead(DAY)), true).await.unwrap();
    set(none(), true).await.unwrap();
    let read = client
        .get_object_retention()
        .bucket(BUCKET)
        .key("k")
        .send()
        .await;
    assert_eq!(
        refusal(read),
        (
            404,
            "NoSuchObjectLockConfiguration".to_owned(),
            "The specified object does not have a ObjectLock configuration".to_owned()
        )
    );
    // What has none takes any.
    let until = ahead(DAY);
    set(retention(Compliance, until), false).await.unwrap();
    let read = client
        .get_object_retention()
        .bucket(BUCKET)
        .key("k")
        .send()
        .await
        .unwrap();
    assert_eq!(read.retention, Some(retention(Compliance, until)));
    set(retention(Compliance, ahead(2 * DAY)), false)
        .await
        .unwrap();
    for to in [
        retention(Compliance, ahead(DAY)),
        retention(Governance, ahead(3 * DAY)),
        none(),
    ] {
        assert_eq!(refusal(set(to, true).await), protected);
    }
}

/// S3-LOCK-3, S3-COPY-4: copies get what the request or the bucket says, never the source's lock.
#[tokio::test]
async fn copies_do_not_inherit() {
    let world = World::start().await;
    let client = locking_bucket(&world).await;
    let (old, new) = (Key::new(1), Key::new(2));
    let locked = with_key!(client.put_object().bucket(BUCKET).key("k"), old)
        .object_lock_mode(ObjectLockMode::Governance)
        .object_lock_retain_until_date(ahead(DAY))
        .object_lock_legal_hold_status(ObjectLockLegalHoldStatus::On)
        .body(ByteStream::from_static(b"secret"))
        .send()
        .await
        .unwrap();
    let copy = || {
        with_key!(
            client
                .copy_object()
                .bucket(BUCKET)
                .key("k")
                .copy_source(format!("{BUCKET}/k"))
                .copy_source_sse_customer_algorithm("AES256")
                .copy_source_sse_customer_key(old.base64())
                .copy_source_sse_customer_key_md5(old.md5()),
            new
        )
    };
    let until = ahead(2 * DAY);
    copy()
        .object_lock_mode(ObjectLockMode::Compliance)
        .object_lock_retain_until_date(until)
        .send()
        .await
        .unwrap();
    let kept = with_key!(client.head_object().bucket(BUCKET).key("k"), new)
        .send()
        .await
        .unwrap();
    assert_eq!(kept.object_lock_mode, Some(ObjectLockMode::Compliance));
    assert_eq!(kept.object_lock_retain_until_date, Some(until));
    assert_eq!(kept.object_lock_legal_hold_status, None);
    // The version before is as it was, under its own key.
    let before = with_key!(client.head_object().bucket(BUCKET).key("k"), old)
        .version_id(locked.version_id.unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(before.object_lock_mode, Some(ObjectLockMode::Governance));
    assert_eq!(
        before.object_lock_legal_hold_status,
        Some(ObjectLockLegalHoldStatus::On)
    );

    client
        .copy_object()
        .bucket(BUCKET)
        .key("free")
        .copy_source(format!("{BUCKET}/k"))
        .copy_source_sse_customer_algorithm("AES256")
        .copy_source_sse_customer_key(new.base64())
        .copy_source_sse_customer_key_md5(new.md5())
        .send()
        .await
        .unwrap();
    let free = head(&client, "free").await;
    assert_eq!(free.object_lock_mode, None);
    assert_eq!(free.object_lock_legal_hold_status, None);
}

/// S3-LOCK-3: an upload in parts is locked as its creation says.
#[tokio::test]
async fn uploads_in_parts() {
    let world = World::start().await;
    let client = locking_bucket(&world).await;
    let until = ahead(DAY);
    let id = client
        .create_multipart_upload()
        .bucket(BUCKET)
        .key("k")
        .object_lock_mode(ObjectLockMode::Governance)
        .object_lock_retain_until_date(until)
        .object_lock_legal_hold_status(ObjectLockLegalHoldStatus::On)
        .send()
        .await
        .unwrap()
        .upload_id
        .unwrap();
    let part = client
        .upload_part()
        .bucket(BUCKET)
        .key("k")
        .upload_id(&id)
        .part_number(1)
        .body(ByteStream::from_static(b"part"))
        .send()
        .await
        .unwrap();
    client
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key("k")
        .upload_id(&id)
        .multipart_upload(
            CompletedMultipartUpload::builder()
                .parts(
                    CompletedPart::builder()
                        .part_number(1)
                        .e_tag(part.e_tag.unwrap())
                        .set_checksum_crc32(part.checksum_crc32)
                        .build(),
                )
                .build(),
        )
        .send()
        .await
        .unwrap();
    let made = head(&client, "k").await;
    assert_eq!(made.object_lock_mode, Some(ObjectLockMode::Governance));
    assert_eq!(made.object_lock_retain_until_date, Some(until));
    assert_eq!(
        made.object_lock_legal_hold_status,
        Some(ObjectLockLegalHoldStatus::On)
    );
}
