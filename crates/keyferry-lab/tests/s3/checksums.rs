//! Additional checksums: sent in headers and trailers, stored, given back, refused.

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedMultipartUpload, CompletedPart,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::support::{PART, World, answer, pattern, refused};

/// S3-SUM-1, S3-SUM-4: each algorithm, computed by the SDK and sent as a trailer, then checked
/// by the SDK when reading.
#[tokio::test]
async fn every_algorithm_round_trips() {
    let world = World::start().await;
    world.bucket("sums").await;
    let client = world.client();
    for algorithm in [
        ChecksumAlgorithm::Crc32,
        ChecksumAlgorithm::Crc32C,
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumAlgorithm::Sha1,
        ChecksumAlgorithm::Sha256,
    ] {
        let key = algorithm.as_str();
        let put = client
            .put_object()
            .bucket("sums")
            .key(key)
            .checksum_algorithm(algorithm.clone())
            .body(ByteStream::from_static(b"hello"))
            .send()
            .await
            .unwrap();
        assert_eq!(put.checksum_type, Some(ChecksumType::FullObject), "{key}");
        let sent = [
            put.checksum_crc32,
            put.checksum_crc32_c,
            put.checksum_crc64_nvme,
            put.checksum_sha1,
            put.checksum_sha256,
        ];
        assert_eq!(sent.iter().flatten().count(), 1, "{key}");
        let got = client
            .get_object()
            .bucket("sums")
            .key(key)
            .checksum_mode(ChecksumMode::Enabled)
            .send()
            .await
            .unwrap();
        let stored = [
            got.checksum_crc32.clone(),
            got.checksum_crc32_c.clone(),
            got.checksum_crc64_nvme.clone(),
            got.checksum_sha1.clone(),
            got.checksum_sha256.clone(),
        ];
        assert_eq!(sent, stored, "{key}");
        assert_eq!(got.body.collect().await.unwrap().to_vec(), b"hello");
    }
}

/// S3-SUM-2, S3-GET-3: CRC64NVME when none is sent; shown only when asked for.
#[tokio::test]
async fn crc64nvme_by_default() {
    let world = World::start().await;
    world.bucket("sums").await;
    let client = world.plain_client();
    let put = client
        .put_object()
        .bucket("sums")
        .key("a")
        .body(ByteStream::from_static(b"123456789"))
        .send()
        .await
        .unwrap();
    // The check value of CRC-64/NVME.
    let check = STANDARD.encode(0xae8b_1486_0a79_9888_u64.to_be_bytes());
    assert_eq!(put.checksum_crc64_nvme.as_deref(), Some(&*check));
    let head = client
        .head_object()
        .bucket("sums")
        .key("a")
        .send()
        .await
        .unwrap();
    assert_eq!(head.checksum_crc64_nvme, None);
    assert_eq!(head.checksum_type, None);
    let head = client
        .head_object()
        .bucket("sums")
        .key("a")
        .checksum_mode(ChecksumMode::Enabled)
        .send()
        .await
        .unwrap();
    assert_eq!(head.checksum_crc64_nvme.as_deref(), Some(&*check));
    assert_eq!(head.checksum_type, Some(ChecksumType::FullObject));
    let listed = client
        .list_objects_v2()
        .bucket("sums")
        .send()
        .await
        .unwrap();
    assert_eq!(
        listed.contents()[0].checksum_algorithm(),
        [ChecksumAlgorithm::Crc64Nvme]
    );
}

/// S3-SUM-4: wrong values are refused and nothing is stored.
#[tokio::test]
async fn wrong_checksums() {
    let world = World::start().await;
    world.bucket("sums").await;
    let client = world.client();
    let put = || {
        client
            .put_object()
            .bucket("sums")
            .key("a")
            .body(ByteStream::from_static(b"hello"))
    };
    let sha = put().checksum_sha256(STANDARD.encode([0; 32])).send().await;
    assert_eq!(refused(sha), answer(400, "BadDigest"));
    let crc = put().checksum_crc32("AAAAAA==").send().await;
    assert_eq!(refused(crc), answer(400, "BadDigest"));
    let shape = put().checksum_crc32("AAAA").send().await;
    assert_eq!(refused(shape), answer(400, "InvalidRequest"));
    let md5 = put().content_md5(STANDARD.encode([0; 16])).send().await;
    assert_eq!(refused(md5), answer(400, "BadDigest"));
    let md5 = put().content_md5("abc").send().await;
    assert_eq!(refused(md5), answer(400, "InvalidDigest"));
    let none = client.head_object().bucket("sums").key("a").send().await;
    assert_eq!(refused(none).0, 404);
    let right = STANDARD.encode(Sha256::digest(b"hello"));
    put().checksum_sha256(&right).send().await.unwrap();
}

async fn upload(
    client: &Client,
    algorithm: ChecksumAlgorithm,
    kind: ChecksumType,
) -> aws_sdk_s3::operation::complete_multipart_upload::CompleteMultipartUploadOutput {
    let id = client
        .create_multipart_upload()
        .bucket("sums")
        .key("mpu")
        .checksum_algorithm(algorithm.clone())
        .checksum_type(kind.clone())
        .send()
        .await
        .unwrap()
        .upload_id
        .unwrap();
    let mut parts = Vec::new();
    for (number, body) in [(1, pattern(PART, 1)), (2, pattern(1000, 2))] {
        let part = client
            .upload_part()
            .bucket("sums")
            .key("mpu")
            .upload_id(&id)
            .part_number(number)
            .checksum_algorithm(algorithm.clone())
            .body(ByteStream::from(body))
            .send()
            .await
            .unwrap();
        parts.push(
            CompletedPart::builder()
                .part_number(number)
                .e_tag(part.e_tag.unwrap())
                .set_checksum_crc32(part.checksum_crc32)
                .set_checksum_crc32_c(part.checksum_crc32_c)
                .set_checksum_sha1(part.checksum_sha1)
                .set_checksum_sha256(part.checksum_sha256)
                .build(),
        );
    }
    client
        .complete_multipart_upload()
        .bucket("sums")
        .key("mpu")
        .upload_id(&id)
        .checksum_type(kind)
        .multipart_upload(
            CompletedMultipartUpload::builder()
                .set_parts(Some(parts))
                .build(),
        )
        .send()
        .await
        .unwrap()
}

/// S3-SUM-3, S3-SUM-5: composite checksums hash the parts' checksums; full-object ones are the
/// whole's.
#[tokio::test]
async fn composite_and_full_object() {
    let world = World::start().await;
    world.bucket("sums").await;
    let client = world.client();
    let composite = upload(&client, ChecksumAlgorithm::Sha256, ChecksumType::Composite).await;
    let mut digests = Sha256::digest(pattern(PART, 1)).to_vec();
    digests.extend_from_slice(&Sha256::digest(pattern(1000, 2)));
    assert_eq!(
        composite.checksum_sha256.unwrap(),
        format!("{}-2", STANDARD.encode(Sha256::digest(&digests)))
    );
    assert_eq!(composite.checksum_type, Some(ChecksumType::Composite));
    // The SDK compares what it reads with the part's checksum.
    let part = client
        .get_object()
        .bucket("sums")
        .key("mpu")
        .part_number(2)
        .checksum_mode(ChecksumMode::Enabled)
        .send()
        .await
        .unwrap();
    assert_eq!(
        part.checksum_sha256.as_deref(),
        Some(&*STANDARD.encode(Sha256::digest(pattern(1000, 2))))
    );
    part.body.collect().await.unwrap();

    let full = upload(&client, ChecksumAlgorithm::Crc32C, ChecksumType::FullObject).await;
    let single = client
        .put_object()
        .bucket("sums")
        .key("single")
        .checksum_algorithm(ChecksumAlgorithm::Crc32C)
        .body(ByteStream::from(
            [pattern(PART, 1), pattern(1000, 2)].concat(),
        ))
        .send()
        .await
        .unwrap();
    assert_eq!(full.checksum_crc32_c, single.checksum_crc32_c);
    let got = client
        .get_object()
        .bucket("sums")
        .key("mpu")
        .checksum_mode(ChecksumMode::Enabled)
        .send()
        .await
        .unwrap();
    assert_eq!(got.checksum_crc32_c, single.checksum_crc32_c);
    got.body.collect().await.unwrap();
}

/// S3-SUM-2, S3-SUM-6: an upload that names no algorithm takes parts with any and ends with
/// CRC64NVME.
#[tokio::test]
async fn uploads_that_name_no_algorithm() {
    let world = World::start().await;
    world.bucket("sums").await;
    let client = world.client();
    let created = client
        .create_multipart_upload()
        .bucket("sums")
        .key("a")
        .send()
        .await
        .unwrap();
    assert_eq!(created.checksum_algorithm, None);
    let id = created.upload_id.unwrap();
    let part = client
        .upload_part()
        .bucket("sums")
        .key("a")
        .upload_id(&id)
        .part_number(1)
        .body(ByteStream::from_static(b"123456789"))
        .send()
        .await
        .unwrap();
    assert!(part.checksum_crc32.is_some());
    let done = client
        .complete_multipart_upload()
        .bucket("sums")
        .key("a")
        .upload_id(&id)
        .multipart_upload(
            CompletedMultipartUpload::builder()
                .parts(
                    CompletedPart::builder()
                        .part_number(1)
                        .e_tag(part.e_tag.unwrap())
                        .set_checksum_crc32(part.checksum_crc32)
                        .build(),
                )
                .build(),
        )
        .send()
        .await
        .unwrap();
    let check = STANDARD.encode(0xae8b_1486_0a79_9888_u64.to_be_bytes());
    assert_eq!(done.checksum_crc64_nvme.as_deref(), Some(&*check));
}

/// S3-SUM-5, S3-SUM-6.
#[tokio::test]
async fn algorithms_and_types_that_do_not_fit() {
    let world = World::start().await;
    world.bucket("sums").await;
    let client = world.plain_client();
    let create = || client.create_multipart_upload().bucket("sums").key("a");
    for (algorithm, kind) in [
        (ChecksumAlgorithm::Crc64Nvme, ChecksumType::Composite),
        (ChecksumAlgorithm::Sha256, ChecksumType::FullObject),
    ] {
        let refusal = create()
            .checksum_algorithm(algorithm)
            .checksum_type(kind)
            .send()
            .await;
        assert_eq!(refused(refusal), answer(400, "InvalidRequest"));
    }
    let id = create()
        .checksum_algorithm(ChecksumAlgorithm::Sha256)
        .send()
        .await
        .unwrap()
        .upload_id
        .unwrap();
    let part = client
        .upload_part()
        .bucket("sums")
        .key("a")
        .upload_id(&id)
        .part_number(1)
        .checksum_crc32("AAAAAA==")
        .body(ByteStream::from_static(b"x"))
        .send()
        .await;
    assert_eq!(refused(part), answer(400, "InvalidRequest"));
    let part = client
        .upload_part()
        .bucket("sums")
        .key("a")
        .upload_id(&id)
        .part_number(1)
        .body(ByteStream::from_static(b"x"))
        .send()
        .await
        .unwrap();
    // Composite: each part's checksum has to be listed.
    let without = client
        .complete_multipart_upload()
        .bucket("sums")
        .key("a")
        .upload_id(&id)
        .multipart_upload(
            CompletedMultipartUpload::builder()
                .parts(
                    CompletedPart::builder()
                        .part_number(1)
                        .e_tag(part.e_tag.unwrap())
                        .build(),
                )
                .build(),
        )
        .send()
        .await;
    assert_eq!(refused(without), answer(400, "InvalidRequest"));
}
