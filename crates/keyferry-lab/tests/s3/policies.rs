//! Bucket policies and replication configurations as documents.

use crate::support::{World, answer, refused};

/// S3-POLICY-1, S3-BUCKET-8.
#[tokio::test]
async fn policies_are_given_back_as_they_were_put() {
    let world = World::start().await;
    world.new_bucket_in(0, "policy").await;
    let client = world.client();
    let get = || client.get_bucket_policy().bucket("policy").send();
    let put = |policy: &str| {
        client
            .put_bucket_policy()
            .bucket("policy")
            .policy(policy)
            .send()
    };
    assert_eq!(refused(get().await), answer(404, "NoSuchBucketPolicy"));
    let policy = r#"{ "Version":"2012-10-17",  "Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::policy","arn:aws:s3:::policy/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}"#;
    put(policy).await.unwrap();
    assert_eq!(get().await.unwrap().policy.as_deref(), Some(policy));
    let status = client
        .get_bucket_policy_status()
        .bucket("policy")
        .send()
        .await
        .unwrap();
    assert_eq!(status.policy_status.unwrap().is_public, Some(false));
    for bad in ["nonsense", "{", "{}"] {
        assert_eq!(
            refused(put(bad).await),
            answer(400, "MalformedPolicy"),
            "{bad}"
        );
    }
    let public = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::policy/*"}]}"#;
    assert_eq!(refused(put(public).await), answer(403, "AccessDenied"));
    client
        .delete_public_access_block()
        .bucket("policy")
        .send()
        .await
        .unwrap();
    put(public).await.unwrap();
    let status = client
        .get_bucket_policy_status()
        .bucket("policy")
        .send()
        .await
        .unwrap();
    assert_eq!(status.policy_status.unwrap().is_public, Some(true));
    client
        .delete_bucket_policy()
        .bucket("policy")
        .send()
        .await
        .unwrap();
    assert_eq!(refused(get().await), answer(404, "NoSuchBucketPolicy"));
}
