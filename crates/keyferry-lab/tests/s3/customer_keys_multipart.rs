//! Customer keys in multipart uploads, copies and part copies (S3-SSEC-11, S3-SSEC-12).

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart, EncryptionType,
};

use crate::support::{Key, PART, World, answer, encryption, pattern, put, refusal, refused};
use crate::with_key;

async fn create(client: &Client, key: &Key) -> String {
    with_key!(client.create_multipart_upload().bucket("mpu").key("a"), key)
        .send()
        .await
        .unwrap()
        .upload_id
        .unwrap()
}

fn completed(parts: Vec<CompletedPart>) -> CompletedMultipartUpload {
    CompletedMultipartUpload::builder()
        .set_parts(Some(parts))
        .build()
}

/// S3-SSEC-12: parts under the upload's key; the whole, ranges and parts come back.
#[tokio::test]
async fn parts_under_one_key() {
    let world = World::start().await;
    world.bucket("mpu").await;
    let client = world.client();
    let key = Key::new(3);
    let body = pattern(PART + 100_000, 3);
    let id = create(&client, &key).await;
    let mut parts = Vec::new();
    for (number, bytes) in [(1, &body[..PART]), (2, &body[PART..])] {
        let part = with_key!(
            client
                .upload_part()
                .bucket("mpu")
                .key("a")
                .upload_id(&id)
                .part_number(number),
            key
        )
        .body(ByteStream::from(bytes.to_vec()))
        .send()
        .await
        .unwrap();
        assert_eq!(part.sse_customer_key_md5.as_deref(), Some(&*key.md5()));
        parts.push(
            CompletedPart::builder()
                .part_number(number)
                .e_tag(part.e_tag.unwrap())
                .set_checksum_crc32(part.checksum_crc32)
                .build(),
        );
    }
    with_key!(
        client
            .complete_multipart_upload()
            .bucket("mpu")
            .key("a")
            .upload_id(&id)
            .multipart_upload(completed(parts)),
        key
    )
    .send()
    .await
    .unwrap();
    let got = with_key!(client.get_object().bucket("mpu").key("a"), key)
        .send()
        .await
        .unwrap();
    assert_eq!(got.body.collect().await.unwrap().to_vec(), body);
    let across = with_key!(client.get_object().bucket("mpu").key("a"), key)
        .range(format!("bytes={}-{}", PART - 5, PART + 4))
        .send()
        .await
        .unwrap();
    assert_eq!(
        across.body.collect().await.unwrap().to_vec(),
        body[PART - 5..PART + 5]
    );
    let second = with_key!(client.get_object().bucket("mpu").key("a"), key)
        .part_number(2)
        .send()
        .await
        .unwrap();
    assert_eq!(second.parts_count, Some(2));
    assert_eq!(second.body.collect().await.unwrap().to_vec(), body[PART..]);
}

/// S3-SSEC-12: what parts, listing and completing get with other keys or none.
#[tokio::test]
async fn parts_under_other_keys() {
    let world = World::start().await;
    world.bucket("mpu").await;
    let client = world.client();
    let (key, other) = (Key::new(3), Key::new(4));
    let id = create(&client, &key).await;
    let part = || {
        client
            .upload_part()
            .bucket("mpu")
            .key("a")
            .upload_id(&id)
            .part_number(1)
            .body(ByteStream::from_static(b"part"))
    };
    let missing = refusal(part().send().await);
    assert_eq!((missing.0, &*missing.1), (400, "InvalidRequest"));
    assert_eq!(
        missing.2,
        "The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters."
    );
    let wrong = refusal(with_key!(part(), other).send().await);
    assert_eq!((wrong.0, &*wrong.1), (400, "InvalidRequest"));
    assert_eq!(
        wrong.2,
        "The provided encryption parameters did not match the ones used originally."
    );
    let done = with_key!(part(), key).send().await.unwrap();
    let http = world.http_client();
    let plain = with_key!(
        http.upload_part()
            .bucket("mpu")
            .key("a")
            .upload_id(&id)
            .part_number(1)
            .body(ByteStream::from_static(b"part")),
        key
    )
    .send()
    .await;
    assert!(refusal(plain).2.contains("secure connection"));

    let list = || client.list_parts().bucket("mpu").key("a").upload_id(&id);
    let listed = with_key!(list(), key).send().await.unwrap();
    assert_eq!(listed.parts().len(), 1);
    assert_eq!(
        refused(with_key!(list(), other).send().await),
        answer(400, "InvalidRequest")
    );
    let complete = || {
        client
            .complete_multipart_upload()
            .bucket("mpu")
            .key("a")
            .upload_id(&id)
            .multipart_upload(completed(vec![
                CompletedPart::builder()
                    .part_number(1)
                    .e_tag(done.e_tag.clone().unwrap())
                    .set_checksum_crc32(done.checksum_crc32.clone())
                    .build(),
            ]))
    };
    assert_eq!(
        refused(with_key!(complete(), other).send().await),
        answer(400, "InvalidRequest")
    );
    with_key!(complete(), key).send().await.unwrap();

    // A key for an upload that has none.
    let plain = client
        .create_multipart_upload()
        .bucket("mpu")
        .key("b")
        .send()
        .await
        .unwrap()
        .upload_id
        .unwrap();
    let superfluous = with_key!(
        client
            .upload_part()
            .bucket("mpu")
            .key("b")
            .upload_id(plain)
            .part_number(1),
        key
    )
    .send()
    .await;
    assert_eq!(refused(superfluous), answer(400, "InvalidRequest"));
}

/// S3-SSEC-12: with a checksum algorithm, completing and listing need the key.
#[tokio::test]
async fn checksummed_uploads_need_the_key_to_the_end() {
    let world = World::start().await;
    world.bucket("mpu").await;
    let client = world.client();
    let key = Key::new(3);
    let id = with_key!(client.create_multipart_upload().bucket("mpu").key("a"), key)
        .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
        .send()
        .await
        .unwrap()
        .upload_id
        .unwrap();
    let part = with_key!(client.upload_part().bucket("mpu").key("a"), key)
        .upload_id(&id)
        .part_number(1)
        .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
        .body(ByteStream::from_static(b"part"))
        .send()
        .await
        .unwrap();
    let parts = completed(vec![
        CompletedPart::builder()
            .part_number(1)
            .e_tag(part.e_tag.unwrap())
            .build(),
    ]);
    let list = client
        .list_parts()
        .bucket("mpu")
        .key("a")
        .upload_id(&id)
        .send()
        .await;
    assert_eq!(refused(list), answer(400, "InvalidRequest"));
    let complete = client
        .complete_multipart_upload()
        .bucket("mpu")
        .key("a")
        .upload_id(&id)
        .multipart_upload(parts.clone())
        .send()
        .await;
    assert_eq!(refused(complete), answer(400, "InvalidRequest"));
    with_key!(
        client.complete_multipart_upload().bucket("mpu").key("a"),
        key
    )
    .upload_id(&id)
    .multipart_upload(parts)
    .send()
    .await
    .unwrap();
}

/// S3-SSEC-20: blocking stops parts as well.
#[tokio::test]
async fn blocking_stops_parts() {
    let world = World::start().await;
    world.bucket("mpu").await;
    let client = world.client();
    let key = Key::new(3);
    let id = create(&client, &key).await;
    client
        .put_bucket_encryption()
        .bucket("mpu")
        .server_side_encryption_configuration(encryption(Some(EncryptionType::SseC)))
        .send()
        .await
        .unwrap();
    let part = with_key!(client.upload_part().bucket("mpu").key("a"), key)
        .upload_id(&id)
        .part_number(1)
        .body(ByteStream::from_static(b"part"))
        .send()
        .await;
    assert_eq!(refused(part), answer(403, "AccessDenied"));
    // S3-SSEC-13: aborting needs no key.
    client
        .abort_multipart_upload()
        .bucket("mpu")
        .key("a")
        .upload_id(&id)
        .send()
        .await
        .unwrap();
}

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
