//! Missing permissions, and buckets that take no customer keys.

use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumType};
use keyferry_transfer::{Ended, Note, Outcome, TransferError};

use super::ring::{BUCKET, Ring, only, rekeyed};
use crate::setup::{PART, content};

async fn failure(ring: &Ring) -> TransferError {
    let (mut handled, _) = ring.run_as(ring.client(), &ring.rekey()).await;
    match handled.pop().unwrap().outcome {
        Outcome::Failed(error) => error,
        other => panic!("{other:?}"),
    }
}

/// What a run needs, one by one.
#[tokio::test(flavor = "multi_thread")]
async fn missing_permissions_are_named() {
    for action in ["s3:PutObject", "s3:GetObjectVersion"] {
        let ring = Ring::start().await;
        ring.put("key", b"x").await;
        ring.policy(action).await;
        let error = failure(&ring).await;
        assert!(
            matches!(error, TransferError::AccessDenied { .. }),
            "{action}: {error:?}"
        );
        assert!(error.hint().is_some());
        assert_eq!(ring.versions("key").await.len(), 1);
        assert_eq!(ring.setup.open_uploads(BUCKET).await, 0);
    }
}

/// Tags that cannot be read would be lost.
#[tokio::test(flavor = "multi_thread")]
async fn tags_that_may_not_be_read() {
    let ring = Ring::start().await;
    ring.put("key", b"x").await;
    ring.policy("s3:GetObject*Tagging").await;
    let error = failure(&ring).await;
    assert!(
        matches!(error, TransferError::NotKept { what: "tags", .. }),
        "{error:?}"
    );
    assert!(error.hint().unwrap().contains("s3:GetObjectTagging"));
    assert_eq!(ring.versions("key").await.len(), 1);
}

/// The tag that names the key can be done without, other tags not.
#[tokio::test(flavor = "multi_thread")]
async fn tags_that_may_not_be_written() {
    let ring = Ring::start().await;
    ring.put("alone", b"x").await;
    let body = content(PART + 1);
    let cut = usize::try_from(PART).unwrap();
    ring.put_parts(
        "with others",
        &[&body[..cut], &body[cut..]],
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumType::FullObject,
    )
    .await;
    ring.policy("s3:PutObject*Tagging").await;
    let (handled, _) = ring.run_as(ring.client(), &ring.rekey()).await;
    assert!(
        matches!(handled[0].outcome, Outcome::Rekeyed(_)),
        "{handled:?}"
    );
    assert_eq!(handled[0].notes, [Note::TagDenied]);
    ring.is_under_new("alone", b"x").await;
    assert!(ring.tags("alone").await.is_empty());
    assert!(
        matches!(
            handled[1].outcome,
            Outcome::Failed(TransferError::AccessDenied { .. })
        ),
        "{handled:?}"
    );
    assert_eq!(ring.versions("with others").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn listing_that_is_denied() {
    let ring = Ring::start().await;
    ring.put("key", b"x").await;
    ring.policy("s3:ListBucketVersions").await;
    let (handled, ended) = ring.run_as(ring.client(), &ring.rekey()).await;
    assert!(handled.is_empty());
    assert!(
        matches!(ended, Ended::Stopped(TransferError::AccessDenied { .. })),
        "{ended:?}"
    );
}

/// Where permission is missing for everything, the rest is not tried.
#[tokio::test(flavor = "multi_thread")]
async fn denials_without_end_stop_the_run() {
    let ring = Ring::start().await;
    for number in 0..60 {
        ring.put(&format!("{number:02}"), b"x").await;
    }
    ring.policy("s3:PutObject").await;
    let (handled, ended) = ring.run_as(ring.client(), &ring.rekey()).await;
    assert!(matches!(ended, Ended::Hopeless), "{ended:?}");
    assert!((20..60).contains(&handled.len()), "{}", handled.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_blocks_customer_keys() {
    let ring = Ring::start().await;
    for number in 0..40 {
        ring.put(&format!("{number:02}"), b"x").await;
    }
    block_sse_c(&ring).await;
    let (handled, ended) = ring.run_as(ring.client(), &ring.rekey()).await;
    assert!(matches!(ended, Ended::Hopeless), "{ended:?}");
    assert!(handled.len() < 40, "{}", handled.len());
    for handled in &handled {
        let Outcome::Failed(error @ TransferError::SseCBlocked { .. }) = &handled.outcome else {
            panic!("{handled:?}");
        };
        assert!(error.hint().unwrap().contains("BlockedEncryptionTypes"));
    }
    ring.setup.allow_sse_c(BUCKET).await;
    assert_eq!(ring.run().await.len(), 40);
}

async fn block_sse_c(ring: &Ring) {
    use aws_sdk_s3::types::{
        BlockedEncryptionTypes, EncryptionType, ServerSideEncryption,
        ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
    };
    let by_default = ServerSideEncryptionByDefault::builder()
        .sse_algorithm(ServerSideEncryption::Aes256)
        .build()
        .unwrap();
    let blocked = BlockedEncryptionTypes::builder()
        .encryption_type(EncryptionType::SseC)
        .build();
    let rule = ServerSideEncryptionRule::builder()
        .apply_server_side_encryption_by_default(by_default)
        .blocked_encryption_types(blocked)
        .build();
    let configuration = ServerSideEncryptionConfiguration::builder()
        .rules(rule)
        .build()
        .unwrap();
    let put = ring.client().put_bucket_encryption().bucket(BUCKET);
    put.server_side_encryption_configuration(configuration)
        .send()
        .await
        .unwrap();
}

/// Without versioning the object is replaced in place.
#[tokio::test(flavor = "multi_thread")]
async fn buckets_without_versions() {
    let ring = Ring::start().await;
    ring.setup.bucket("flat", true, false).await;
    let headers = ring.old.1.headers();
    let put = ring.client().put_object().bucket("flat").key("key");
    put.body(b"flat".to_vec().into())
        .sse_customer_algorithm("AES256")
        .sse_customer_key(headers.expose_key())
        .sse_customer_key_md5(headers.md5().to_string())
        .send()
        .await
        .unwrap();
    let mut rekey = ring.rekey();
    rekey.bucket = "flat".parse().unwrap();
    let (handled, _) = ring.run_as(ring.client(), &rekey).await;
    let made = rekeyed(&handled);
    assert_eq!((&made.source_version, &made.version_id), (&None, &None));
    let (handled, _) = ring.run_as(ring.client(), &rekey).await;
    assert!(matches!(only(&handled).outcome, Outcome::Already { .. }));
}
