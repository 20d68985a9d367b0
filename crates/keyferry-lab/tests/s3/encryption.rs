//! Encryption under keys the lab holds, and bucket defaults.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BlockedEncryptionTypes, EncryptionType, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
};

use crate::support::{World, answer, get, pattern, refused};

/// S3-SSE-1, S3-SSE-3: every type stores and gives back.
#[tokio::test]
async fn types_of_encryption() {
    let world = World::start().await;
    world.bucket("types").await;
    let client = world.client();
    let kms = world.lab.create_kms_key("ap-northeast-1").unwrap();
    let body = pattern(100_000, 7);
    for sse in [
        ServerSideEncryption::Aes256,
        ServerSideEncryption::AwsKms,
        ServerSideEncryption::AwsKmsDsse,
    ] {
        let is_kms = sse != ServerSideEncryption::Aes256;
        let put = client
            .put_object()
            .bucket("types")
            .key("a")
            .server_side_encryption(sse.clone())
            .set_ssekms_key_id(is_kms.then(|| kms.clone()))
            .body(ByteStream::from(body.clone()))
            .send()
            .await
            .unwrap();
        assert_eq!(put.server_side_encryption, Some(sse.clone()));
        assert_eq!(put.ssekms_key_id, is_kms.then(|| kms.clone()));
        let head = client
            .head_object()
            .bucket("types")
            .key("a")
            .send()
            .await
            .unwrap();
        assert_eq!(head.server_side_encryption, Some(sse));
        assert_eq!(get(&client, "types", "a").await, body);
    }
}

/// S3-SSE-2, S3-SSE-4.
#[tokio::test]
async fn kms_keys_have_to_fit() {
    let world = World::start().await;
    world.bucket("types").await;
    let client = world.client();
    let put = || client.put_object().bucket("types").key("a");
    let unknown = put()
        .server_side_encryption(ServerSideEncryption::AwsKms)
        .ssekms_key_id("arn:aws:kms:ap-northeast-1:111122223333:key/none")
        .send()
        .await;
    assert_eq!(refused(unknown), answer(400, "KMS.NotFoundException"));
    let unasked = put().ssekms_key_id("alias/aws/s3").send().await;
    assert_eq!(refused(unasked), answer(400, "InvalidArgument"));
    let context = put()
        .server_side_encryption(ServerSideEncryption::AwsKms)
        .ssekms_encryption_context("no base64")
        .send()
        .await;
    assert_eq!(refused(context), answer(400, "InvalidArgument"));
    let unnamed = put()
        .server_side_encryption(ServerSideEncryption::AwsKms)
        .send()
        .await
        .unwrap();
    assert!(
        unnamed
            .ssekms_key_id
            .unwrap()
            .starts_with("arn:aws:kms:ap-northeast-1:")
    );
}

/// S3-ENC-1 to S3-ENC-3.
#[tokio::test]
async fn bucket_defaults() {
    let world = World::start().await;
    world.bucket("defaults").await;
    let client = world.client();
    let kms = world.lab.create_kms_key("ap-northeast-1").unwrap();
    let rule = |sse, key: Option<&str>, blocked: Option<EncryptionType>| {
        ServerSideEncryptionRule::builder()
            .apply_server_side_encryption_by_default(
                ServerSideEncryptionByDefault::builder()
                    .sse_algorithm(sse)
                    .set_kms_master_key_id(key.map(str::to_owned))
                    .build()
                    .unwrap(),
            )
            .bucket_key_enabled(true)
            .set_blocked_encryption_types(blocked.map(|blocked| {
                BlockedEncryptionTypes::builder()
                    .encryption_type(blocked)
                    .build()
            }))
            .build()
    };
    let set = |rule| {
        client
            .put_bucket_encryption()
            .bucket("defaults")
            .server_side_encryption_configuration(
                ServerSideEncryptionConfiguration::builder()
                    .rules(rule)
                    .build()
                    .unwrap(),
            )
            .send()
    };
    let read = || async {
        let answer = client
            .get_bucket_encryption()
            .bucket("defaults")
            .send()
            .await
            .unwrap();
        let rule = answer
            .server_side_encryption_configuration
            .unwrap()
            .rules
            .remove(0);
        (
            rule.apply_server_side_encryption_by_default.unwrap(),
            rule.bucket_key_enabled,
            rule.blocked_encryption_types
                .unwrap()
                .encryption_type()
                .to_vec(),
        )
    };
    set(rule(ServerSideEncryption::AwsKms, Some(&kms), None))
        .await
        .unwrap();
    let (default, bucket_key, blocked) = read().await;
    assert_eq!(default.sse_algorithm, ServerSideEncryption::AwsKms);
    assert_eq!(default.kms_master_key_id.as_deref(), Some(&*kms));
    assert_eq!(bucket_key, Some(true));
    assert_eq!(blocked, [EncryptionType::None]);
    let put = client
        .put_object()
        .bucket("defaults")
        .key("a")
        .send()
        .await
        .unwrap();
    assert_eq!(put.ssekms_key_id.as_deref(), Some(&*kms));
    assert_eq!(put.bucket_key_enabled, Some(true));
    let wrong = set(rule(ServerSideEncryption::Aes256, Some(&kms), None)).await;
    assert_eq!(refused(wrong), answer(400, "InvalidArgument"));
    set(rule(
        ServerSideEncryption::AwsKmsDsse,
        None,
        Some(EncryptionType::SseC),
    ))
    .await
    .unwrap();
    client
        .delete_bucket_encryption()
        .bucket("defaults")
        .send()
        .await
        .unwrap();
    let (default, bucket_key, blocked) = read().await;
    assert_eq!(default.sse_algorithm, ServerSideEncryption::Aes256);
    assert_eq!(bucket_key, Some(false));
    assert_eq!(blocked, [EncryptionType::SseC]);
    let none = client
        .get_bucket_encryption()
        .bucket("nobucket")
        .send()
        .await;
    assert_eq!(refused(none), answer(404, "NoSuchBucket"));
}
