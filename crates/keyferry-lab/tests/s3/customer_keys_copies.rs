//! Customer keys of copies, and of versions (S3-SSEC-4, S3-SSEC-11).

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::CompletedPart;

use crate::customer_keys_multipart::{completed, create};
use crate::support::{Key, World, answer, pattern, put, refused};
use crate::with_key;

/// S3-SSEC-11: re-keying by CopyObject and UploadPartCopy, with one key for each side.
#[tokio::test]
async fn copies_between_keys() {
    let world = World::start().await;
    world.bucket("mpu").await;
    let client = world.client();
    let (old, new) = (Key::new(5), Key::new(6));
    let body = pattern(150_000, 4);
    with_key!(client.put_object().bucket("mpu").key("old"), old)
        .body(ByteStream::from(body.clone()))
        .send()
        .await
        .unwrap();
    let copy = || {
        client
            .copy_object()
            .bucket("mpu")
            .key("new")
            .copy_source("mpu/old")
            .copy_source_sse_customer_algorithm("AES256")
    };
    let swapped = with_key!(copy(), old)
        .copy_source_sse_customer_key(new.base64())
        .copy_source_sse_customer_key_md5(new.md5())
        .send()
        .await;
    assert_eq!(refused(swapped), answer(403, "AccessDenied"));
    let done = with_key!(copy(), new)
        .copy_source_sse_customer_key(old.base64())
        .copy_source_sse_customer_key_md5(old.md5())
        .send()
        .await
        .unwrap();
    assert_eq!(done.sse_customer_key_md5.as_deref(), Some(&*new.md5()));
    let got = with_key!(client.get_object().bucket("mpu").key("new"), new)
        .send()
        .await
        .unwrap();
    assert_eq!(got.body.collect().await.unwrap().to_vec(), body);
    // Onto itself is allowed: the key is the change.
    with_key!(
        client
            .copy_object()
            .bucket("mpu")
            .key("old")
            .copy_source("mpu/old")
            .copy_source_sse_customer_algorithm("AES256")
            .copy_source_sse_customer_key(old.base64())
            .copy_source_sse_customer_key_md5(old.md5()),
        new
    )
    .send()
    .await
    .unwrap();
    // From a key to none.
    client
        .copy_object()
        .bucket("mpu")
        .key("plain")
        .copy_source("mpu/new")
        .copy_source_sse_customer_algorithm("AES256")
        .copy_source_sse_customer_key(new.base64())
        .copy_source_sse_customer_key_md5(new.md5())
        .send()
        .await
        .unwrap();
    assert_eq!(crate::support::get(&client, "mpu", "plain").await, body);

    let id = create(&client, &old).await;
    let part = || {
        client
            .upload_part_copy()
            .bucket("mpu")
            .key("a")
            .upload_id(&id)
            .part_number(1)
            .copy_source("mpu/new")
            .copy_source_range("bytes=100-149999")
    };
    let from = |builder: aws_sdk_s3::operation::upload_part_copy::builders::UploadPartCopyFluentBuilder,
                key: &Key| {
        builder
            .copy_source_sse_customer_algorithm("AES256")
            .copy_source_sse_customer_key(key.base64())
            .copy_source_sse_customer_key_md5(key.md5())
    };
    assert_eq!(
        refused(with_key!(part(), old).send().await),
        answer(400, "InvalidRequest"),
        "no key for the source"
    );
    assert_eq!(
        refused(from(part(), &new).send().await),
        answer(400, "InvalidRequest"),
        "no key for the upload"
    );
    assert_eq!(
        refused(from(with_key!(part(), old), &old).send().await),
        answer(403, "AccessDenied"),
        "another key for the source"
    );
    assert_eq!(
        refused(from(with_key!(part(), new), &new).send().await),
        answer(400, "InvalidRequest"),
        "another key for the upload"
    );
    let copied = from(with_key!(part(), old), &new).send().await.unwrap();
    let result = copied.copy_part_result.unwrap();
    with_key!(
        client.complete_multipart_upload().bucket("mpu").key("a"),
        old
    )
    .upload_id(&id)
    .multipart_upload(completed(vec![
        CompletedPart::builder()
            .part_number(1)
            .e_tag(result.e_tag.unwrap())
            .set_checksum_crc32(result.checksum_crc32)
            .build(),
    ]))
    .send()
    .await
    .unwrap();
    let got = with_key!(client.get_object().bucket("mpu").key("a"), old)
        .send()
        .await
        .unwrap();
    assert_eq!(got.body.collect().await.unwrap().to_vec(), body[100..]);
}

/// S3-SSEC-4: each version has its own key.
#[tokio::test]
async fn versions_under_different_keys() {
    let world = World::start().await;
    world.versioned_bucket("mpu").await;
    let client = world.client();
    let mut versions = Vec::new();
    for seed in 1..=3 {
        let key = Key::new(seed);
        let put = with_key!(client.put_object().bucket("mpu").key("v"), key)
            .body(ByteStream::from(vec![seed; 10]))
            .send()
            .await
            .unwrap();
        versions.push((put.version_id.unwrap(), key, seed));
    }
    for (id, key, seed) in &versions {
        let got = with_key!(
            client.get_object().bucket("mpu").key("v").version_id(id),
            key
        )
        .send()
        .await
        .unwrap();
        assert_eq!(got.body.collect().await.unwrap().to_vec(), vec![*seed; 10]);
    }
    let first = with_key!(
        client
            .get_object()
            .bucket("mpu")
            .key("v")
            .version_id(&versions[0].0),
        versions[1].1
    )
    .send()
    .await;
    assert_eq!(refused(first), answer(403, "AccessDenied"));
    put(&client, "mpu", "v", b"no key").await;
}
