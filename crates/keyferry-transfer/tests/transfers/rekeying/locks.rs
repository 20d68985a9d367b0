//! Legal hold and retention, which no copy takes over.

use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{
    BucketLocationConstraint, ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload,
    CompletedPart, CreateBucketConfiguration, ObjectLockLegalHoldStatus, ObjectLockMode,
};
use keyferry_transfer::{Handled, LockState, Outcome, Rekeyer, Silent, TransferError};
use tokio_util::sync::CancellationToken;

use super::ring::{BUCKET, Ring, only, rekeyed};
use crate::setup::{PART, content};

pub(super) const LOCKED: &str = "locked";

/// A ring, and a bucket with Object Lock.
pub(super) async fn ring_with_locks() -> Ring {
    let ring = Ring::start().await;
    let location = BucketLocationConstraint::from(ring.setup.region.as_str());
    let configuration = CreateBucketConfiguration::builder().location_constraint(location);
    let create = ring.client().create_bucket().bucket(LOCKED);
    create
        .create_bucket_configuration(configuration.build())
        .object_lock_enabled_for_bucket(true)
        .send()
        .await
        .unwrap();
    ring.setup.allow_sse_c(LOCKED).await;
    ring
}

/// A whole second, a day from now.
pub(super) fn tomorrow() -> DateTime {
    DateTime::from_secs(jiff::Timestamp::now().as_second() + 86_400)
}

async fn run(ring: &Ring) -> Vec<Handled> {
    let mut rekey = ring.rekey();
    rekey.bucket = LOCKED.parse().unwrap();
    ring.run_as(ring.client(), &rekey).await.0
}

pub(super) async fn put_locked(ring: &Ring, key: &str, until: DateTime) {
    let headers = ring.old.1.headers();
    let put = ring.client().put_object().bucket(LOCKED).key(key);
    put.body(b"content".to_vec().into())
        .checksum_crc64_nvme(crc64(b"content"))
        .object_lock_mode(ObjectLockMode::Governance)
        .object_lock_retain_until_date(until)
        .object_lock_legal_hold_status(ObjectLockLegalHoldStatus::On)
        .sse_customer_algorithm("AES256")
        .sse_customer_key(headers.expose_key())
        .sse_customer_key_md5(headers.md5().to_string())
        .send()
        .await
        .unwrap();
}

pub(super) fn crc64(content: &[u8]) -> String {
    use base64::Engine;
    let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Nvme, content);
    base64::prelude::BASE64_STANDARD.encode(crc.to_be_bytes())
}

async fn put_locked_parts(ring: &Ring, key: &str, parts: [&[u8]; 2], until: DateTime) {
    let headers = ring.old.1.headers();
    let create = ring.client().create_multipart_upload().bucket(LOCKED);
    let id = create
        .key(key)
        .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
        .checksum_type(ChecksumType::FullObject)
        .object_lock_mode(ObjectLockMode::Compliance)
        .object_lock_retain_until_date(until)
        .object_lock_legal_hold_status(ObjectLockLegalHoldStatus::On)
        .sse_customer_algorithm("AES256")
        .sse_customer_key(headers.expose_key())
        .sse_customer_key_md5(headers.md5().to_string())
        .send()
        .await
        .unwrap()
        .upload_id
        .unwrap();
    let mut completed = Vec::new();
    for (part, number) in parts.into_iter().zip(1..) {
        let upload = ring.client().upload_part().bucket(LOCKED).key(key);
        let answer = upload
            .upload_id(&id)
            .part_number(number)
            .body(part.to_vec().into())
            .checksum_crc64_nvme(crc64(part))
            .sse_customer_algorithm("AES256")
            .sse_customer_key(headers.expose_key())
            .sse_customer_key_md5(headers.md5().to_string())
            .send()
            .await
            .unwrap();
        let part = CompletedPart::builder().part_number(number);
        completed.push(part.e_tag(answer.e_tag.unwrap()).build());
    }
    let list = CompletedMultipartUpload::builder().set_parts(Some(completed));
    let complete = ring.client().complete_multipart_upload().bucket(LOCKED);
    complete
        .key(key)
        .upload_id(id)
        .multipart_upload(list.build())
        .sse_customer_algorithm("AES256")
        .sse_customer_key(headers.expose_key())
        .sse_customer_key_md5(headers.md5().to_string())
        .send()
        .await
        .unwrap();
}

async fn is_locked(ring: &Ring, key: &str, mode: &ObjectLockMode, until: DateTime) {
    let headers = ring.new.1.headers();
    let head = ring.client().head_object().bucket(LOCKED).key(key);
    let head = head
        .sse_customer_algorithm("AES256")
        .sse_customer_key(headers.expose_key())
        .sse_customer_key_md5(headers.md5().to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(head.object_lock_mode.as_ref(), Some(mode));
    assert_eq!(
        head.object_lock_retain_until_date.unwrap().secs(),
        until.secs()
    );
    assert_eq!(
        head.object_lock_legal_hold_status,
        Some(ObjectLockLegalHoldStatus::On)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_object_lock_nothing_is_asked() {
    let ring = Ring::start().await;
    let (rekey, finder, unfinished) = (ring.rekey(), ring.finder(), ring.unfinished());
    let cancel = CancellationToken::new();
    let client = ring.client();
    let rekeyer = Rekeyer::new(client, &rekey, &finder, &unfinished, &Silent, &cancel)
        .await
        .unwrap();
    assert_eq!(rekey.bucket.as_str(), BUCKET);
    assert_eq!(rekeyer.bucket().lock, LockState::Off);
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_and_retention_stay() {
    let ring = ring_with_locks().await;
    let until = tomorrow();
    let body = content(PART + 10);
    let cut = usize::try_from(PART).unwrap();
    put_locked(&ring, "whole", until).await;
    put_locked_parts(&ring, "in parts", [&body[..cut], &body[cut..]], until).await;
    let handled = run(&ring).await;
    for handled in &handled {
        assert!(
            matches!(handled.outcome, Outcome::Rekeyed(_)),
            "{handled:?}"
        );
    }
    is_locked(&ring, "whole", &ObjectLockMode::Governance, until).await;
    is_locked(&ring, "in parts", &ObjectLockMode::Compliance, until).await;
}

/// S3 takes no date that has passed, and there is nothing to keep of it.
#[tokio::test(flavor = "multi_thread")]
async fn retention_that_is_over() {
    let ring = ring_with_locks().await;
    let soon = DateTime::from_secs(jiff::Timestamp::now().as_second() + 2);
    put_locked(&ring, "key", soon).await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    rekeyed(&run(&ring).await);
    let headers = ring.new.1.headers();
    let head = ring.client().head_object().bucket(LOCKED).key("key");
    let head = head
        .sse_customer_algorithm("AES256")
        .sse_customer_key(headers.expose_key())
        .sse_customer_key_md5(headers.md5().to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(head.object_lock_mode, None);
    assert_eq!(
        head.object_lock_legal_hold_status,
        Some(ObjectLockLegalHoldStatus::On)
    );
}

/// HEAD hides a lock from those who may not read it: it must not be lost for that.
#[tokio::test(flavor = "multi_thread")]
async fn locks_that_may_not_be_read() {
    for (action, what) in [
        ("s3:GetObjectRetention", "retention"),
        ("s3:GetObjectLegalHold", "legal hold"),
    ] {
        let ring = ring_with_locks().await;
        put_locked(&ring, "key", tomorrow()).await;
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Principal":"*","Action":"{action}",
            "Resource":"arn:aws:s3:::{LOCKED}/*"}}]}}"#
        );
        let put = ring.client().put_bucket_policy().bucket(LOCKED);
        put.policy(policy).send().await.unwrap();
        let handled = run(&ring).await;
        let Outcome::Failed(error @ TransferError::NotKept { what: found, .. }) =
            &only(&handled).outcome
        else {
            panic!("{handled:?}");
        };
        assert_eq!(*found, what);
        assert!(error.hint().unwrap().contains(action));
    }
}
