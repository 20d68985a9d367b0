//! Storage classes: where they come from, where they are told, what archives refuse.

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    GlacierJobParameters, ObjectAttributes, ObjectStorageClass, ObjectVersionStorageClass,
    RestoreRequest, StorageClass, Tier,
};

use crate::support::{Key, World, answer, put, refused};
use crate::with_key;

const BUCKET: &str = "classes";

async fn put_as(client: &Client, key: &str, class: StorageClass) {
    client
        .put_object()
        .bucket(BUCKET)
        .key(key)
        .storage_class(class)
        .body(ByteStream::from_static(b"content"))
        .send()
        .await
        .unwrap();
}

async fn class_of(client: &Client, key: &str) -> Option<StorageClass> {
    client
        .head_object()
        .bucket(BUCKET)
        .key(key)
        .send()
        .await
        .unwrap()
        .storage_class
}

/// S3-CLASS-1: kept as given and told everywhere; the standard one is not told by HEAD and GET.
#[tokio::test]
async fn classes_are_told() {
    let world = World::start().await;
    world.versioned_bucket(BUCKET).await;
    let client = world.client();
    for class in [
        StorageClass::StandardIa,
        StorageClass::OnezoneIa,
        StorageClass::IntelligentTiering,
        StorageClass::GlacierIr,
        StorageClass::ReducedRedundancy,
        StorageClass::Glacier,
        StorageClass::DeepArchive,
    ] {
        put_as(&client, class.as_str(), class.clone()).await;
        assert_eq!(class_of(&client, class.as_str()).await, Some(class));
    }
    put_as(&client, "STANDARD", StorageClass::Standard).await;
    assert_eq!(class_of(&client, "STANDARD").await, None);
    for none in ["OUTPOSTS", "SNOW", "EXPRESS_ONEZONE", "standard"] {
        let put = client
            .put_object()
            .bucket(BUCKET)
            .key("k")
            .storage_class(none.into())
            .send()
            .await;
        assert_eq!(refused(put), answer(400, "InvalidStorageClass"), "{none}");
    }

    let listed = client
        .list_objects_v2()
        .bucket(BUCKET)
        .send()
        .await
        .unwrap();
    assert_eq!(listed.contents().len(), 8);
    for object in listed.contents() {
        let class = object.storage_class().map(ObjectStorageClass::as_str);
        assert_eq!(class, object.key());
    }
    let versions = client
        .list_object_versions()
        .bucket(BUCKET)
        .send()
        .await
        .unwrap();
    for version in versions.versions() {
        let class = version
            .storage_class()
            .map(ObjectVersionStorageClass::as_str);
        assert_eq!(class, version.key());
    }
    for key in ["STANDARD", "DEEP_ARCHIVE"] {
        let attributes = client
            .get_object_attributes()
            .bucket(BUCKET)
            .key(key)
            .object_attributes(ObjectAttributes::StorageClass)
            .send()
            .await
            .unwrap();
        assert_eq!(attributes.storage_class.unwrap().as_str(), key);
    }
}

/// S3-CLASS-1, S3-COPY-4: copies and uploads in parts have the class they ask for.
#[tokio::test]
async fn copies_and_uploads() {
    let world = World::start().await;
    world.bucket(BUCKET).await;
    let client = world.client();
    put_as(&client, "a", StorageClass::StandardIa).await;
    let copy = |key: &str, class: Option<StorageClass>| {
        client
            .copy_object()
            .bucket(BUCKET)
            .key(key)
            .copy_source(format!("{BUCKET}/a"))
            .set_storage_class(class)
            .send()
    };
    copy("b", None).await.unwrap();
    assert_eq!(class_of(&client, "b").await, None, "not the source's");
    copy("c", Some(StorageClass::GlacierIr)).await.unwrap();
    assert_eq!(class_of(&client, "c").await, Some(StorageClass::GlacierIr));
    // Onto itself: another class is a change.
    copy("a", Some(StorageClass::OnezoneIa)).await.unwrap();
    assert_eq!(class_of(&client, "a").await, Some(StorageClass::OnezoneIa));

    let id = client
        .create_multipart_upload()
        .bucket(BUCKET)
        .key("m")
        .storage_class(StorageClass::IntelligentTiering)
        .send()
        .await
        .unwrap()
        .upload_id
        .unwrap();
    let uploads = client
        .list_multipart_uploads()
        .bucket(BUCKET)
        .send()
        .await
        .unwrap();
    let class = uploads.uploads()[0].storage_class();
    assert_eq!(class, Some(&StorageClass::IntelligentTiering));
    let parts = client
        .list_parts()
        .bucket(BUCKET)
        .key("m")
        .upload_id(&id)
        .send()
        .await
        .unwrap();
    assert_eq!(parts.storage_class, Some(StorageClass::IntelligentTiering));
    let bad = client
        .create_multipart_upload()
        .bucket(BUCKET)
        .key("m")
        .storage_class("SNOW".into())
        .send()
        .await;
    assert_eq!(refused(bad), answer(400, "InvalidStorageClass"));
}

/// S3-CLASS-2, S3-CLASS-3: archives answer HEAD only, until they are restored.
#[tokio::test]
async fn archives_are_restored_first() {
    let world = World::start().await;
    world.versioned_bucket(BUCKET).await;
    let client = world.client();
    let (old, new) = (Key::new(1), Key::new(2));
    with_key!(client.put_object().bucket(BUCKET).key("a"), old)
        .storage_class(StorageClass::DeepArchive)
        .body(ByteStream::from_static(b"content"))
        .send()
        .await
        .unwrap();
    let get = || with_key!(client.get_object().bucket(BUCKET).key("a"), old).send();
    let copy = || {
        with_key!(
            client
                .copy_object()
                .bucket(BUCKET)
                .key("b")
                .copy_source(format!("{BUCKET}/a"))
                .copy_source_sse_customer_algorithm("AES256")
                .copy_source_sse_customer_key(old.base64())
                .copy_source_sse_customer_key_md5(old.md5()),
            new
        )
        .send()
    };
    let id = with_key!(
        client.create_multipart_upload().bucket(BUCKET).key("m"),
        new
    )
    .send()
    .await
    .unwrap()
    .upload_id
    .unwrap();
    let part = || {
        with_key!(
            client
                .upload_part_copy()
                .bucket(BUCKET)
                .key("m")
                .upload_id(&id)
                .part_number(1)
                .copy_source(format!("{BUCKET}/a"))
                .copy_source_sse_customer_algorithm("AES256")
                .copy_source_sse_customer_key(old.base64())
                .copy_source_sse_customer_key_md5(old.md5()),
            new
        )
        .send()
    };
    let archived = answer(403, "InvalidObjectState");
    assert_eq!(refused(get().await), archived);
    assert_eq!(refused(copy().await), archived);
    assert_eq!(refused(part().await), archived);
    let head = async || {
        with_key!(client.head_object().bucket(BUCKET).key("a"), old)
            .send()
            .await
            .unwrap()
    };
    assert_eq!(head().await.restore, None);

    let restore = |key: &str, days: Option<i32>, tier: Option<Tier>| {
        let parameters =
            tier.map(|tier| GlacierJobParameters::builder().tier(tier).build().unwrap());
        client
            .restore_object()
            .bucket(BUCKET)
            .key(key)
            .restore_request(
                RestoreRequest::builder()
                    .set_days(days)
                    .set_glacier_job_parameters(parameters)
                    .build(),
            )
            .send()
    };
    put(&client, BUCKET, "standard", b"x").await;
    for (key, days, tier, status, code) in [
        ("standard", Some(1), None, 403, "InvalidObjectState"),
        ("a", None, None, 400, "MalformedXML"),
        ("a", Some(0), None, 400, "InvalidArgument"),
        ("a", Some(1), Some(Tier::Expedited), 400, "InvalidArgument"),
        ("a", Some(1), Some("Fast".into()), 400, "MalformedXML"),
        ("none", Some(1), None, 404, "NoSuchKey"),
    ] {
        let refusal = refused(restore(key, days, tier.clone()).await);
        assert_eq!(refusal, answer(status, code), "{key} {days:?} {tier:?}");
    }
    restore("a", Some(2), Some(Tier::Bulk)).await.unwrap();
    let restored = head().await;
    let told = restored.restore.unwrap();
    assert!(
        told.starts_with("ongoing-request=\"false\", expiry-date=\"")
            && told.ends_with(" 00:00:00 GMT\""),
        "{told}"
    );
    assert_eq!(restored.storage_class, Some(StorageClass::DeepArchive));
    get().await.unwrap();
    copy().await.unwrap();
    part().await.unwrap();
    let copied = with_key!(client.head_object().bucket(BUCKET).key("b"), new)
        .send()
        .await
        .unwrap();
    assert_eq!((copied.storage_class, copied.restore), (None, None));
}
