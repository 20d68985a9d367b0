//! Multipart uploads: numbers, sizes, order, replaced parts, listings, attributes.

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart, ObjectAttributes,
};

use crate::support::{PART, World, answer, get, pattern, refused};

async fn create(client: &Client, key: &str) -> String {
    client
        .create_multipart_upload()
        .bucket("parts")
        .key(key)
        .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
        .send()
        .await
        .unwrap()
        .upload_id
        .unwrap()
}

async fn upload(client: &Client, key: &str, id: &str, number: i32, body: &[u8]) -> CompletedPart {
    let part = client
        .upload_part()
        .bucket("parts")
        .key(key)
        .upload_id(id)
        .part_number(number)
        .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
        .body(ByteStream::from(body.to_vec()))
        .send()
        .await
        .unwrap();
    CompletedPart::builder()
        .part_number(number)
        .e_tag(part.e_tag.unwrap())
        .checksum_crc64_nvme(part.checksum_crc64_nvme.unwrap())
        .build()
}

fn completed(parts: &[CompletedPart]) -> CompletedMultipartUpload {
    CompletedMultipartUpload::builder()
        .set_parts(Some(parts.to_vec()))
        .build()
}

/// S3-MPU-2, S3-LIST-3, S3-ATTR-1, S3-ATTR-2, S3-GET-2.
#[tokio::test]
async fn from_create_to_attributes() {
    let world = World::start().await;
    world.bucket("parts").await;
    let client = world.client();
    let body = pattern(2 * PART + 1000, 5);
    let created = client
        .create_multipart_upload()
        .bucket("parts")
        .key("a")
        .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
        .metadata("kept", "yes")
        .tagging("a=b")
        .send()
        .await
        .unwrap();
    assert_eq!(
        created.checksum_algorithm,
        Some(ChecksumAlgorithm::Crc64Nvme)
    );
    assert_eq!(created.checksum_type, Some(ChecksumType::FullObject));
    let id = created.upload_id.unwrap();
    let uploads = client
        .list_multipart_uploads()
        .bucket("parts")
        .send()
        .await
        .unwrap();
    assert_eq!(uploads.uploads()[0].upload_id.as_deref(), Some(&*id));
    upload(&client, "a", &id, 2, b"replaced").await;
    let first = upload(&client, "a", &id, 1, &body[..PART]).await;
    let second = upload(&client, "a", &id, 2, &body[PART..2 * PART]).await;
    let third = upload(&client, "a", &id, 7, &body[2 * PART..]).await;
    upload(&client, "a", &id, 9, b"not completed").await;
    let page = client
        .list_parts()
        .bucket("parts")
        .key("a")
        .upload_id(&id)
        .max_parts(2)
        .send()
        .await
        .unwrap();
    assert_eq!(page.is_truncated, Some(true));
    assert_eq!(page.next_part_number_marker.as_deref(), Some("2"));
    let rest = client
        .list_parts()
        .bucket("parts")
        .key("a")
        .upload_id(&id)
        .part_number_marker("2")
        .send()
        .await
        .unwrap();
    let numbers: Vec<_> = rest
        .parts()
        .iter()
        .map(|part| part.part_number.unwrap())
        .collect();
    assert_eq!(numbers, [7, 9]);
    assert!(rest.parts()[0].checksum_crc64_nvme.is_some());

    let parts = [first, second, third];
    let done = client
        .complete_multipart_upload()
        .bucket("parts")
        .key("a")
        .upload_id(&id)
        .mpu_object_size(body.len() as i64)
        .checksum_type(ChecksumType::FullObject)
        .multipart_upload(completed(&parts))
        .send()
        .await
        .unwrap();
    assert!(done.e_tag.unwrap().ends_with("-3\""));
    assert_eq!(done.checksum_type, Some(ChecksumType::FullObject));
    assert!(done.location.unwrap().ends_with("/parts/a"));
    assert_eq!(get(&client, "parts", "a").await, body);
    let head = client
        .head_object()
        .bucket("parts")
        .key("a")
        .send()
        .await
        .unwrap();
    assert_eq!(head.metadata.unwrap()["kept"], "yes");
    assert_eq!(head.parts_count, None);
    let gone = client
        .list_parts()
        .bucket("parts")
        .key("a")
        .upload_id(&id)
        .send()
        .await;
    assert_eq!(refused(gone), answer(404, "NoSuchUpload"));

    let attributes = client
        .get_object_attributes()
        .bucket("parts")
        .key("a")
        .object_attributes(ObjectAttributes::Etag)
        .object_attributes(ObjectAttributes::Checksum)
        .object_attributes(ObjectAttributes::ObjectParts)
        .object_attributes(ObjectAttributes::ObjectSize)
        .object_attributes(ObjectAttributes::StorageClass)
        .max_parts(2)
        .send()
        .await
        .unwrap();
    assert_eq!(attributes.object_size, Some(body.len() as i64));
    assert_eq!(
        attributes.e_tag.map(|etag| format!("\"{etag}\"")),
        head.e_tag
    );
    let parts = attributes.object_parts.unwrap();
    assert_eq!(parts.total_parts_count, Some(3));
    assert_eq!(parts.is_truncated, Some(true));
    assert_eq!(parts.parts().len(), 2);
    assert_eq!(parts.parts()[1].size, Some(PART as i64));
    let last = client
        .get_object()
        .bucket("parts")
        .key("a")
        .part_number(7)
        .send()
        .await
        .unwrap();
    assert_eq!(last.parts_count, Some(3));
    assert_eq!(last.content_length, Some(1000));
    let none = client
        .get_object()
        .bucket("parts")
        .key("a")
        .part_number(8)
        .send()
        .await;
    assert_eq!(refused(none), answer(416, "InvalidPartNumber"));
    let both = client
        .get_object()
        .bucket("parts")
        .key("a")
        .part_number(1)
        .range("bytes=0-1")
        .send()
        .await;
    assert_eq!(refused(both), answer(400, "InvalidRequest"));
}

/// S3-GET-2: a single PUT is one part.
#[tokio::test]
async fn a_single_put_is_part_one() {
    let world = World::start().await;
    world.bucket("parts").await;
    let client = world.client();
    crate::support::put(&client, "parts", "single", b"hello").await;
    let one = client
        .get_object()
        .bucket("parts")
        .key("single")
        .part_number(1)
        .send()
        .await
        .unwrap();
    assert_eq!(one.parts_count, None);
    assert_eq!(one.content_range.as_deref(), Some("bytes 0-4/5"));
    let two = client
        .get_object()
        .bucket("parts")
        .key("single")
        .part_number(2)
        .send()
        .await;
    assert_eq!(refused(two), answer(416, "InvalidPartNumber"));
}

/// S3-MPU-1, S3-MPU-3, S3-MPU-5: what completing refuses; the upload stays.
#[tokio::test]
async fn what_completing_refuses() {
    let world = World::start().await;
    world.bucket("parts").await;
    let client = world.client();
    let id = create(&client, "a").await;
    let small = upload(&client, "a", &id, 1, b"small").await;
    let last = upload(&client, "a", &id, 2, b"last").await;
    let complete = |parts: &[CompletedPart]| {
        client
            .complete_multipart_upload()
            .bucket("parts")
            .key("a")
            .upload_id(&id)
            .multipart_upload(completed(parts))
    };
    let too_small = complete(&[small.clone(), last.clone()]).send().await;
    assert_eq!(refused(too_small), answer(400, "EntityTooSmall"));
    let order = complete(&[last.clone(), small.clone()]).send().await;
    assert_eq!(refused(order), answer(400, "InvalidPartOrder"));
    let unknown = CompletedPart::builder()
        .part_number(3)
        .e_tag("\"x\"")
        .build();
    assert_eq!(
        refused(complete(&[unknown]).send().await),
        answer(400, "InvalidPart")
    );
    let other = CompletedPart::builder()
        .part_number(1)
        .e_tag("\"00000000000000000000000000000000\"")
        .build();
    assert_eq!(
        refused(complete(&[other]).send().await),
        answer(400, "InvalidPart")
    );
    assert_eq!(
        refused(complete(&[]).send().await),
        answer(400, "MalformedXML")
    );
    let size = complete(std::slice::from_ref(&small))
        .mpu_object_size(6)
        .send()
        .await;
    assert_eq!(refused(size), answer(400, "InvalidRequest"));
    let kind = complete(std::slice::from_ref(&small))
        .checksum_type(ChecksumType::Composite)
        .send()
        .await;
    assert_eq!(refused(kind), answer(400, "InvalidRequest"));
    let digest = complete(std::slice::from_ref(&small))
        .checksum_crc64_nvme("AAAAAAAAAAA=")
        .send()
        .await;
    assert_eq!(refused(digest), answer(400, "BadDigest"));
    for number in [0, 10_001] {
        let part = client
            .upload_part()
            .bucket("parts")
            .key("a")
            .upload_id(&id)
            .part_number(number)
            .body(ByteStream::from_static(b"x"))
            .send()
            .await;
        assert_eq!(refused(part), answer(400, "InvalidArgument"), "{number}");
    }
    complete(std::slice::from_ref(&small)).send().await.unwrap();
    assert_eq!(get(&client, "parts", "a").await, b"small");
}

/// S3-MPU-6: aborting.
#[tokio::test]
async fn aborting_forgets_the_upload() {
    let world = World::start().await;
    world.bucket("parts").await;
    let client = world.client();
    let id = create(&client, "a").await;
    upload(&client, "a", &id, 1, b"x").await;
    let abort = || {
        client
            .abort_multipart_upload()
            .bucket("parts")
            .key("a")
            .upload_id(&id)
            .send()
    };
    abort().await.unwrap();
    assert_eq!(refused(abort().await), answer(404, "NoSuchUpload"));
    let none = client.head_object().bucket("parts").key("a").send().await;
    assert_eq!(refused(none).0, 404);
}

/// S3-LIST-3: uploads in pages, with prefixes.
#[tokio::test]
async fn uploads_in_pages() {
    let world = World::start().await;
    world.bucket("parts").await;
    let client = world.client();
    for key in ["a/1", "a/2", "b", "c"] {
        create(&client, key).await;
    }
    let grouped = client
        .list_multipart_uploads()
        .bucket("parts")
        .delimiter("/")
        .send()
        .await
        .unwrap();
    assert_eq!(grouped.common_prefixes()[0].prefix.as_deref(), Some("a/"));
    assert_eq!(grouped.uploads().len(), 2);
    let mut seen = Vec::new();
    let (mut key, mut id) = (None, None);
    loop {
        let page = client
            .list_multipart_uploads()
            .bucket("parts")
            .max_uploads(1)
            .set_key_marker(key)
            .set_upload_id_marker(id)
            .send()
            .await
            .unwrap();
        seen.extend(
            page.uploads()
                .iter()
                .map(|upload| upload.key.clone().unwrap()),
        );
        if page.is_truncated != Some(true) {
            break;
        }
        (key, id) = (page.next_key_marker, page.next_upload_id_marker);
    }
    assert_eq!(seen, ["a/1", "a/2", "b", "c"]);
}
