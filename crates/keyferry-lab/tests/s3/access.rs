//! Who may do what with buckets: other accounts, sessions of roles, bucket policies.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketLocationConstraint, CreateBucketConfiguration, Delete, ObjectIdentifier,
    PublicAccessBlockConfiguration, ServerSideEncryption,
};
use keyferry_lab::{Lab, LabOptions};

use crate::support::{Key, World, answer, get, put, refusal, refused};
use crate::with_key;

const OWNER: &str = "111122223333";
const OTHER: &str = "444455556666";
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sts:AssumeRole"}]}"#;

/// A lab of two accounts.
async fn two_accounts() -> World {
    World {
        lab: Lab::start(LabOptions {
            other_accounts: vec![OTHER.to_owned()],
            ..LabOptions::default()
        })
        .await
        .unwrap(),
    }
}

/// The other account's client of the first region.
fn stranger(world: &World) -> Client {
    let credentials = world.lab.credentials_of(OTHER).unwrap();
    Client::from_conf(world.config(0, credentials).build())
}

/// A client that acts as a role with these permissions.
fn acting(world: &World, statements: &str) -> Client {
    let policy = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    let role = world.lab.put_role("reader", TRUST, &policy).unwrap();
    let session = world
        .lab
        .role_credentials(&role, Duration::from_secs(900))
        .unwrap();
    Client::from_conf(world.config(0, &session).build())
}

async fn set_policy(client: &Client, bucket: &str, statements: &str) {
    let policy = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    client
        .put_bucket_policy()
        .bucket(bucket)
        .policy(policy)
        .send()
        .await
        .unwrap();
}

/// S3-ACCESS-1, S3-ACCESS-3, S3-BUCKET-1, S3-ACL-2: buckets are their account's.
#[tokio::test]
async fn other_accounts_need_the_bucket_policy() {
    let world = two_accounts().await;
    world.bucket("owned").await;
    let (owner, other) = (world.client(), stranger(&world));
    put(&owner, "owned", "key", b"content").await;
    let read = || other.get_object().bucket("owned").key("key").send();
    assert_eq!(
        refusal(read().await),
        (403, "AccessDenied".to_owned(), "Access Denied".to_owned())
    );
    let create = other
        .create_bucket()
        .bucket("owned")
        .create_bucket_configuration(
            CreateBucketConfiguration::builder()
                .location_constraint(BucketLocationConstraint::from("ap-northeast-1"))
                .build(),
        )
        .send()
        .await;
    assert_eq!(refused(create), answer(409, "BucketAlreadyExists"));
    let listed = other.list_buckets().send().await.unwrap();
    assert!(listed.buckets().is_empty());
    let own = owner.list_buckets().send().await.unwrap();
    assert_ne!(own.owner.unwrap().id, listed.owner.unwrap().id);

    set_policy(
        &owner,
        "owned",
        &format!(
            r#"{{"Effect":"Allow","Principal":{{"AWS":"{OTHER}"}},"Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::owned/*"}}"#
        ),
    )
    .await;
    assert_eq!(get(&other, "owned", "key").await, b"content");
    put(&other, "owned", "theirs", b"x").await;
    // With ACLs off, what another account wrote is the bucket owner's.
    let owners = owner
        .list_objects_v2()
        .bucket("owned")
        .fetch_owner(true)
        .send()
        .await
        .unwrap();
    let ids: Vec<_> = owners
        .contents()
        .iter()
        .map(|object| object.owner().unwrap().id())
        .collect();
    assert_eq!(ids[0], ids[1]);
    let delete = other.delete_object().bucket("owned").key("key").send();
    assert_eq!(refused(delete.await), answer(403, "AccessDenied"));
    // S3-ACCESS-6.
    let policy = || other.get_bucket_policy().bucket("owned").send();
    assert_eq!(refused(policy().await), answer(403, "AccessDenied"));
    set_policy(
        &owner,
        "owned",
        &format!(
            r#"{{"Effect":"Allow","Principal":{{"AWS":"{OTHER}"}},"Action":"s3:*","Resource":"arn:aws:s3:::owned"}}"#
        ),
    )
    .await;
    assert_eq!(refused(policy().await), answer(405, "MethodNotAllowed"));
}

/// S3-ACCESS-1, S3-ACCESS-3: a role's session has what its policies give.
#[tokio::test]
async fn sessions_have_their_roles_permissions() {
    let world = World::start().await;
    world.versioned_bucket("bucket").await;
    let owner = world.client();
    let version = owner
        .put_object()
        .bucket("bucket")
        .key("in/key")
        .body(ByteStream::from_static(b"content"))
        .send()
        .await
        .unwrap()
        .version_id
        .unwrap();
    put(&owner, "bucket", "out", b"x").await;
    let role = acting(
        &world,
        r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/in/*"}"#,
    );
    assert_eq!(get(&role, "bucket", "in/key").await, b"content");
    let out = role.get_object().bucket("bucket").key("out").send().await;
    let (status, code, message) = refusal(out);
    assert_eq!((status, code.as_str()), (403, "AccessDenied"));
    assert!(
        message.starts_with("User: arn:aws:sts::111122223333:assumed-role/reader/")
            && message.contains(
                "is not authorized to perform: s3:GetObject on resource: \"arn:aws:s3:::bucket/out\" because no identity-based policy allows the s3:GetObject action"
            ),
        "{message}"
    );
    // S3-ACCESS-2: versions are another action.
    let by_version = role
        .get_object()
        .bucket("bucket")
        .key("in/key")
        .version_id(&version)
        .send()
        .await;
    assert!(refusal(by_version).2.contains("s3:GetObjectVersion "));
    let listing = role.list_objects_v2().bucket("bucket").send().await;
    assert!(refusal(listing).2.contains("s3:ListBucket"));
    let buckets = role.list_buckets().send().await;
    assert_eq!(refused(buckets), answer(403, "AccessDenied"));
}

/// S3-ACCESS-4: who may not list does not learn what is not there.
#[tokio::test]
async fn absence_is_hidden() {
    let world = World::start().await;
    world.bucket("bucket").await;
    let owner = world.client();
    put(&owner, "bucket", "key", b"x").await;
    let read = r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*"}"#;
    let role = acting(&world, read);
    let absent = |client: &Client| client.get_object().bucket("bucket").key("absent").send();
    assert_eq!(refused(absent(&role).await), answer(403, "AccessDenied"));
    let head = role.head_object().bucket("bucket").key("absent").send();
    assert_eq!(refused(head.await).0, 403);
    assert_eq!(refused(absent(&owner).await), answer(404, "NoSuchKey"));
    let lists = r#"{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::bucket"}"#;
    let role = acting(&world, &format!("{read},{lists}"));
    assert_eq!(refused(absent(&role).await), answer(404, "NoSuchKey"));
    assert_eq!(get(&role, "bucket", "key").await, b"x");
}

/// S3-ACCESS-1, S3-ACCESS-6: a Deny hits the owner too, but not for the policy itself.
#[tokio::test]
async fn guards_hit_everybody() {
    let world = World::start().await;
    world.bucket("guarded").await;
    let client = world.client();
    set_policy(
        &client,
        "guarded",
        r#"{"Sid":"CustomerKeysOnly","Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::guarded/*","Condition":{"Null":{"s3:x-amz-server-side-encryption-customer-algorithm":"true"}}},
           {"Sid":"TlsOnly","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::guarded","arn:aws:s3:::guarded/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}"#,
    )
    .await;
    let plain = client
        .put_object()
        .bucket("guarded")
        .key("a")
        .body(ByteStream::from_static(b"x"))
        .send()
        .await;
    let (status, code, message) = refusal(plain);
    assert_eq!((status, code.as_str()), (403, "AccessDenied"));
    assert!(
        message.ends_with("with an explicit deny in a resource-based policy"),
        "{message}"
    );
    let key = Key::new(51);
    with_key!(client.put_object().bucket("guarded").key("a"), key)
        .body(ByteStream::from_static(b"x"))
        .send()
        .await
        .unwrap();
    let http = world.http_client();
    let listing = http.list_objects_v2().bucket("guarded").send().await;
    assert_eq!(refused(listing), answer(403, "AccessDenied"));

    set_policy(
        &client,
        "guarded",
        r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::guarded","arn:aws:s3:::guarded/*"]}"#,
    )
    .await;
    let listing = client.list_objects_v2().bucket("guarded").send().await;
    assert_eq!(refused(listing), answer(403, "AccessDenied"));
    client
        .delete_bucket_policy()
        .bucket("guarded")
        .send()
        .await
        .unwrap();
    client
        .list_objects_v2()
        .bucket("guarded")
        .send()
        .await
        .unwrap();
}

/// S3-ACCESS-2: DeleteObjects is judged key by key.
#[tokio::test]
async fn deletes_are_judged_one_by_one() {
    let world = World::start().await;
    world.bucket("bucket").await;
    let owner = world.client();
    put(&owner, "bucket", "mine/a", b"x").await;
    put(&owner, "bucket", "b", b"x").await;
    let role = acting(
        &world,
        r#"{"Effect":"Allow","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::bucket/mine/*"}"#,
    );
    let named = |key: &str| ObjectIdentifier::builder().key(key).build().unwrap();
    let deleted = role
        .delete_objects()
        .bucket("bucket")
        .delete(
            Delete::builder()
                .objects(named("mine/a"))
                .objects(named("b"))
                .build()
                .unwrap(),
        )
        .send()
        .await
        .unwrap();
    assert_eq!(deleted.deleted()[0].key(), Some("mine/a"));
    assert_eq!(deleted.errors()[0].key(), Some("b"));
    assert_eq!(deleted.errors()[0].code(), Some("AccessDenied"));
    assert_eq!(get(&owner, "bucket", "b").await, b"x");
}

/// S3-ACCESS-2: a copy needs both sides, and its tags.
#[tokio::test]
async fn copies_read_and_write() {
    let world = World::start().await;
    world.bucket("origin").await;
    world.bucket("target").await;
    let owner = world.client();
    owner
        .put_object()
        .bucket("origin")
        .key("key")
        .tagging("a=b")
        .body(ByteStream::from_static(b"content"))
        .send()
        .await
        .unwrap();
    let statement = |actions: &str, bucket: &str| {
        format!(r#"{{"Effect":"Allow","Action":[{actions}],"Resource":"arn:aws:s3:::{bucket}/*"}}"#)
    };
    for (reads, writes, lacking) in [
        (
            r#""s3:GetObject""#,
            r#""s3:GetObject""#,
            Some("s3:PutObject "),
        ),
        (
            r#""s3:PutObject""#,
            r#""s3:PutObject""#,
            Some("s3:GetObject "),
        ),
        (
            r#""s3:GetObject""#,
            r#""s3:PutObject""#,
            Some("s3:GetObjectTagging "),
        ),
        (
            r#""s3:GetObject","s3:GetObjectTagging""#,
            r#""s3:PutObject""#,
            Some("s3:PutObjectTagging "),
        ),
        (
            r#""s3:GetObject","s3:GetObjectTagging""#,
            r#""s3:PutObject","s3:PutObjectTagging""#,
            None,
        ),
    ] {
        let role = acting(
            &world,
            &format!(
                "{},{}",
                statement(reads, "origin"),
                statement(writes, "target")
            ),
        );
        let copied = role
            .copy_object()
            .bucket("target")
            .key("key")
            .copy_source("origin/key")
            .send()
            .await;
        match lacking {
            None => drop(copied.unwrap()),
            Some(action) => {
                let message = refusal(copied).2;
                assert!(message.contains(action), "{message}");
            }
        }
    }
}

/// S3-ACCESS-5: what a public policy gives counts only where it is not blocked.
#[tokio::test]
async fn public_policies() {
    let world = two_accounts().await;
    world.new_bucket_in(0, "public").await;
    let owner = world.client();
    put(&owner, "public", "key", b"content").await;
    let block = |restrict: bool| {
        owner
            .put_public_access_block()
            .bucket("public")
            .public_access_block_configuration(
                PublicAccessBlockConfiguration::builder()
                    .block_public_policy(false)
                    .restrict_public_buckets(restrict)
                    .build(),
            )
            .send()
    };
    block(true).await.unwrap();
    set_policy(
        &owner,
        "public",
        r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::public/*"}"#,
    )
    .await;
    let url = format!("{}/public/key", world.lab.regions()[0].endpoint_url());
    let other = stranger(&world);
    let read = || other.get_object().bucket("public").key("key").send();
    assert_eq!(refused(read().await), answer(403, "AccessDenied"));
    assert_eq!(crate::raw::get(&world, &url).await.0, 403);
    block(false).await.unwrap();
    read().await.unwrap();
    let (status, body) = crate::raw::get(&world, &url).await;
    assert_eq!((status, body.as_str()), (200, "content"));
}

/// S3-POLICY-2.
#[tokio::test]
async fn principals_must_exist() {
    let world = World::start().await;
    world.bucket("bucket").await;
    let client = world.client();
    let put = |principal: &str| {
        client
            .put_bucket_policy()
            .bucket("bucket")
            .policy(format!(
                r#"{{"Statement":{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*"}}}}"#
            ))
            .send()
    };
    let role = format!("arn:aws:iam::{OWNER}:role/reader");
    assert_eq!(refused(put(&role).await), answer(400, "MalformedPolicy"));
    world.lab.put_role("reader", TRUST, "{}").unwrap();
    put(&role).await.unwrap();
    put("arn:aws:iam::999999999999:role/elsewhere")
        .await
        .unwrap();
    assert_eq!(refused(put("reader").await), answer(400, "MalformedPolicy"));
}

/// S3-KMS-6: keys are used in the caller's name.
#[tokio::test]
async fn kms_keys_take_permissions() {
    let world = World::start().await;
    world.bucket("sealed").await;
    let kms = world.lab.create_kms_key("ap-northeast-1").unwrap();
    let objects = r#"{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::sealed/*"}"#;
    let keys = |actions: &str, context: &str| {
        format!(
            r#"{objects},{{"Effect":"Allow","Action":[{actions}],"Resource":"{kms}","Condition":{{"StringEquals":{{"kms:ViaService":"s3.ap-northeast-1.amazonaws.com","kms:EncryptionContext:aws:s3:arn":"{context}"}}}}}}"#
        )
    };
    let write = |client: Client, bucket_key: bool| {
        let kms = kms.clone();
        async move {
            client
                .put_object()
                .bucket("sealed")
                .key("key")
                .server_side_encryption(ServerSideEncryption::AwsKms)
                .ssekms_key_id(kms)
                .bucket_key_enabled(bucket_key)
                .body(ByteStream::from_static(b"content"))
                .send()
                .await
        }
    };
    let denied = refusal(write(acting(&world, objects), false).await);
    assert_eq!((denied.0, denied.1.as_str()), (403, "AccessDenied"));
    assert!(denied.2.contains("kms:GenerateDataKey"), "{}", denied.2);
    let object = "arn:aws:s3:::sealed/key";
    let writes = r#""kms:GenerateDataKey""#;
    let on_object = || acting(&world, &keys(writes, object));
    write(on_object(), false).await.unwrap();
    assert_eq!(refused(write(on_object(), true).await).0, 403);
    let on_bucket = acting(&world, &keys(writes, "arn:aws:s3:::sealed"));
    write(on_bucket, true).await.unwrap();
    let writer = acting(&world, &keys(writes, object));
    write(writer.clone(), false).await.unwrap();
    let read = writer.get_object().bucket("sealed").key("key").send().await;
    assert!(refusal(read).2.contains("kms:Decrypt"));
    // Properties are not sealed.
    let head = writer.head_object().bucket("sealed").key("key").send();
    head.await.unwrap();
    let reader = acting(&world, &keys(r#""kms:Decrypt""#, object));
    assert_eq!(get(&reader, "sealed", "key").await, b"content");
}
