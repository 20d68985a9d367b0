//! KMS keys in replication: what KMS is told, and keys that cannot be used.

use super::permissions::{allow, policy, put, reason, site};
use crate::encryption::EncryptionChoice;
use crate::faults::{Fault, FaultScope};
use crate::replication::ReplicationFailureReason as Reason;
use crate::store::StoreError;

/// What KMS is told of is the bucket under a Bucket Key, and the object otherwise.
#[tokio::test]
async fn bucket_keys_change_the_encryption_context() {
    let site = site("111122223333").await;
    let mut count = 0;
    let source_key = site.here().new_kms_key(None);
    let on = |context: &str, actions: &str, region: &str| {
        format!(
            r#"{{"Effect":"Allow","Action":[{actions}],"Resource":"*","Condition":{{"StringEquals":{{"kms:ViaService":"s3.{region}.amazonaws.com"}},"StringLike":{{"kms:EncryptionContext:aws:s3:arn":"{context}"}}}}}}"#
        )
    };
    let with = |source: &str, destination: &str, actions: &str| {
        let s3 = policy("")
            .replace("kms:Encrypt", "s3:None")
            .replace("kms:Decrypt", "s3:None");
        let statements = [
            on(source, r#""kms:Decrypt""#, "ap-northeast-1"),
            on(destination, actions, "ap-northeast-3"),
        ];
        s3.replace("]}", &format!(",{}]}}", statements.join(",")))
    };
    let objects = ("arn:aws:s3:::source/*", "arn:aws:s3:::destination/*");
    let buckets = ("arn:aws:s3:::source", "arn:aws:s3:::destination");
    let all = r#""kms:Encrypt","kms:GenerateDataKey","kms:Decrypt""#;
    let (source, destination) = (
        Some("SrcGetObjectNotPermitted"),
        Some("DstPutObjectNotPermitted"),
    );
    for (bucket_key, contexts, actions, code) in [
        (false, objects, r#""kms:Encrypt""#, None),
        (false, buckets, all, source),
        (false, (objects.0, buckets.1), all, destination),
        (true, buckets, all, None),
        (true, objects, all, source),
        (true, (buckets.0, objects.1), all, destination),
        // "Verifies the integrity of the Bucket Key".
        (
            true,
            buckets,
            r#""kms:Encrypt","kms:GenerateDataKey""#,
            destination,
        ),
        (true, buckets, r#""kms:Encrypt","kms:Decrypt""#, destination),
    ] {
        allow(&site, with(contexts.0, contexts.1, actions));
        let choice = EncryptionChoice::SseKms {
            key: Some(source_key.arn.clone()),
            bucket_key_enabled: bucket_key,
            context: None,
        };
        let version = put(&site, choice).await;
        let failure = reason(&site, &mut count).await;
        let found = failure.as_ref().and_then(Reason::code);
        assert_eq!(
            found, code,
            "{bucket_key} {contexts:?} {actions} {failure:?}"
        );
        if let Some(replica) = site.replica(&version) {
            let encryption = &replica.object().unwrap().encryption;
            assert_eq!(encryption.uses_bucket_key(), bucket_key);
        } else {
            assert!(code.is_some());
        }
    }
}

/// S3-REPL-13.
#[tokio::test]
async fn keys_that_cannot_be_used() {
    let site = site("111122223333").await;
    let mut count = 0;
    allow(&site, policy(""));
    let source_key = site.here().new_kms_key(None);
    let choice = || EncryptionChoice::SseKms {
        key: Some(source_key.arn.clone()),
        bucket_key_enabled: false,
        context: None,
    };
    let rule = site.here().bucket("source").unwrap().replication.unwrap();
    let set_key = |key: &str| {
        let mut configuration = rule.clone();
        configuration.rules[0].destination.replica_kms_key = Some(key.to_owned());
        site.here().update_bucket("source", |bucket| {
            bucket.replication = Some(configuration);
            Ok::<_, StoreError>(())
        })
    };
    // A key of another region is none of this one.
    set_key(&source_key.arn).await.unwrap();
    put(&site, choice()).await;
    let failure = reason(&site, &mut count).await.unwrap();
    assert_eq!(failure.code(), Some("DstKmsKeyNotFound"));
    let replica_key = site.there().new_kms_key(None);
    set_key(&replica_key.arn).await.unwrap();
    site.there().set_kms_key_enabled(&replica_key.arn, false);
    put(&site, choice()).await;
    let failure = reason(&site, &mut count).await.unwrap();
    assert_eq!(failure.code(), Some("DstKmsKeyInvalidState"));
    site.there().set_kms_key_enabled(&replica_key.arn, true);
    put(&site, choice()).await;
    assert_eq!(reason(&site, &mut count).await, None);
    site.faults.set(FaultScope::Everywhere, Fault::Stall);
    put(&site, choice()).await;
    site.here().set_kms_key_enabled(&source_key.arn, false);
    site.faults.clear_all();
    let failure = reason(&site, &mut count).await.unwrap();
    assert_eq!(failure.code(), Some("SrcKmsKeyInvalidState"));
}
