//! Customer keys in multipart uploads (S3-SSEC-12).

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart, EncryptionType,
};

use crate::support::{Key, PART, World, answer, encryption, pattern, refusal, refused};
use crate::with_key;

pub(crate) async fn create(client: &Client, key: &Key) -> String {
    with_key!(client.create_multipart_upload().bucket("mpu").key("a"), key)
        .send()
        .await
        .unwrap()
        .upload_id
        .unwrap()
}

pub(crate) fn completed(parts: Vec<CompletedPart>) -> CompletedMultipartUpload {
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
