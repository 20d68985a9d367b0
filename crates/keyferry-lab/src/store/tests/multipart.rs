//! Multipart uploads.

use base64::prelude::{BASE64_STANDARD, Engine as _};

use super::bench::{Bench, TEST_KEY, customer_key};
use crate::encryption::{DataKey, EncryptionChoice};
use crate::store::version_record::PartRecord;
use crate::store::{
    ChecksumAlgorithm, ChecksumKind, CompletedPart, Completion, NewUpload, ObjectMetadata,
    RegionStore, StoreError, UploadRecord, Versioning,
};

const MIB: usize = 1 << 20;

fn data(length: usize, seed: u8) -> Vec<u8> {
    let mut pattern: Vec<u8> = (0..=255).map(|byte: u8| byte.wrapping_mul(seed)).collect();
    pattern.push(seed);
    pattern.repeat(length / pattern.len() + 1)[..length].to_vec()
}

async fn create(
    region: &RegionStore,
    choice: EncryptionChoice,
    checksum: Option<(ChecksumAlgorithm, ChecksumKind)>,
) -> (UploadRecord, DataKey) {
    let (encryption, key) = region.begin_encryption(&choice).unwrap();
    let upload = NewUpload {
        key: "k".to_owned(),
        owner: "111122223333".to_owned(),
        encryption,
        checksum,
        metadata: ObjectMetadata::default(),
        tags: Vec::new(),
        storage_class: "STANDARD".to_owned(),
        lock: crate::store::RequestedLock::default(),
    };
    (region.create_upload("b", upload).await.unwrap(), key)
}

async fn part(
    region: &RegionStore,
    (upload, key): &(UploadRecord, DataKey),
    number: u32,
    data: &[u8],
) -> PartRecord {
    let plan = RegionStore::plan(&upload.encryption, upload.checksum.map(|(a, _)| a));
    let segment = region.stage(key, plan, data).await;
    region
        .put_part("b", "k", &upload.upload_id, number, segment)
        .await
        .unwrap()
}

fn listed(parts: &[PartRecord]) -> Vec<CompletedPart> {
    parts
        .iter()
        .map(|part| CompletedPart {
            number: part.number,
            etag: part.etag.clone(),
            checksum: part.checksum.clone(),
        })
        .collect()
}

async fn complete(
    region: &RegionStore,
    upload: &UploadRecord,
    completion: Completion,
) -> Result<crate::store::VersionRecord, StoreError> {
    region
        .complete_upload("b", "k", &upload.upload_id, completion)
        .await
}

/// S3-MPU-2, S3-MPU-5.
#[tokio::test]
async fn parts_become_the_object() {
    let bench = Bench::new();
    let region = bench.here();
    bench.bucket(region, "b", Versioning::Unversioned).await;
    let upload = create(region, EncryptionChoice::SseS3, None).await;
    part(region, &upload, 2, &data(5 * MIB, 9)).await;
    let bodies = [data(5 * MIB, 3), data(5 * MIB + 1, 5), data(10, 7)];
    let mut parts = Vec::new();
    for (number, body) in [1, 2, 7].into_iter().zip(&bodies) {
        parts.push(part(region, &upload, number, body).await);
    }
    part(region, &upload, 9, b"not listed").await;
    let id = upload.0.upload_id.as_str();
    let page = region.list_parts("b", "k", id, 1, 2).unwrap();
    assert_eq!(page.parts, parts[1..]);
    assert_eq!(page.next, Some(7));

    let refused = async |parts: Vec<CompletedPart>, size| {
        let completion = Completion {
            parts,
            size,
            ..Completion::default()
        };
        complete(region, &upload.0, completion).await.unwrap_err()
    };
    let good = listed(&parts);
    let mut bad = good.clone();
    bad[1].etag = "0".repeat(32);
    assert!(matches!(
        refused(bad, None).await,
        StoreError::InvalidPart(2)
    ));
    let mut bad = good.clone();
    bad[2].number = 8;
    assert!(matches!(
        refused(bad, None).await,
        StoreError::InvalidPart(8)
    ));
    let mut bad = good.clone();
    bad.swap(0, 1);
    assert!(matches!(
        refused(bad, None).await,
        StoreError::InvalidPartOrder(1)
    ));
    let error = refused(good.clone(), Some(1)).await;
    assert!(matches!(
        error,
        StoreError::SizeMismatch { expected: 1, .. }
    ));

    let completion = Completion {
        parts: good,
        size: Some((10 * MIB + 11) as u64),
        ..Completion::default()
    };
    let version = complete(region, &upload.0, completion).await.unwrap();
    let object = version.object().unwrap();
    assert_eq!(object.part_count, Some(3));
    assert!(object.etag.ends_with("-3"));
    assert_eq!(version.sequence, upload.0.initiated);
    assert!(region.get("b", &version, None).await.unwrap() == bodies.concat());
    assert_eq!(region.layout("b", &version).unwrap().parts, parts);
    assert!(matches!(
        region.upload("b", "k", id),
        Err(StoreError::NoSuchUpload(_))
    ));
    bench.store.close().await.unwrap();
    assert_eq!(bench.data_files(), 3);
}

#[tokio::test]
async fn small_parts_are_refused_and_abort_leaves_nothing() {
    let bench = Bench::new();
    let region = bench.here();
    bench.bucket(region, "b", Versioning::Unversioned).await;
    let upload = create(region, EncryptionChoice::SseS3, None).await;
    let parts = [
        part(region, &upload, 1, b"small").await,
        part(region, &upload, 2, b"last").await,
    ];
    let completion = Completion {
        parts: listed(&parts),
        ..Completion::default()
    };
    assert!(matches!(
        complete(region, &upload.0, completion).await,
        Err(StoreError::PartTooSmall { number: 1, size: 5 })
    ));
    let id = upload.0.upload_id.as_str();
    assert!(region.abort_upload("b", "other", id).await.is_err());
    region.abort_upload("b", "k", id).await.unwrap();
    assert!(region.list_parts("b", "k", id, 0, 10).is_err());
    bench.store.close().await.unwrap();
    assert_eq!(bench.data_files(), 0);
}

/// S3-SUM-3.
#[tokio::test]
async fn checksums_of_objects_in_parts() {
    let bench = Bench::new();
    let region = bench.here();
    bench.bucket(region, "b", Versioning::Enabled).await;
    let bodies = [data(5 * MIB, 3), data(5 * MIB + 77, 11), data(123, 5)];
    for algorithm in [
        ChecksumAlgorithm::Crc32,
        ChecksumAlgorithm::Crc32c,
        ChecksumAlgorithm::Crc64Nvme,
    ] {
        let kind = ChecksumKind::FullObject;
        let upload = create(region, EncryptionChoice::SseS3, Some((algorithm, kind))).await;
        let mut parts = Vec::new();
        for (number, body) in (1..).zip(&bodies) {
            parts.push(part(region, &upload, number, body).await);
        }
        let direct = region
            .stage(
                &upload.1,
                RegionStore::plan(&upload.0.encryption, [algorithm]),
                &bodies.concat(),
            )
            .await;
        let expected = direct.digests().base64(algorithm).unwrap();
        let mut completion = Completion {
            parts: listed(&parts),
            checksum: Some("AAAAAA==".to_owned()),
            ..Completion::default()
        };
        assert!(matches!(
            complete(region, &upload.0, completion.clone()).await,
            Err(StoreError::ChecksumMismatch { .. })
        ));
        completion.checksum = Some(expected.clone());
        let version = complete(region, &upload.0, completion).await.unwrap();
        let checksum = version.object().unwrap().checksum.clone().unwrap();
        assert_eq!((checksum.kind, checksum.value), (kind, expected));
    }

    let algorithm = ChecksumAlgorithm::Sha256;
    let kind = ChecksumKind::Composite;
    let upload = create(region, EncryptionChoice::SseS3, Some((algorithm, kind))).await;
    let mut parts = Vec::new();
    for (number, body) in (1..).zip(&bodies) {
        parts.push(part(region, &upload, number, body).await);
    }
    let digests: Vec<_> = bodies
        .iter()
        .map(|body| aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body))
        .collect();
    let joined: Vec<u8> = digests.iter().flat_map(|d| d.as_ref().to_vec()).collect();
    let whole = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &joined);
    let completion = Completion {
        parts: listed(&parts),
        checksum: Some(BASE64_STANDARD.encode(whole.as_ref())),
        ..Completion::default()
    };
    let version = complete(region, &upload.0, completion).await.unwrap();
    let checksum = version.object().unwrap().checksum.clone().unwrap();
    assert_eq!(
        checksum.value,
        format!("{}-3", BASE64_STANDARD.encode(whole.as_ref()))
    );
}

#[tokio::test]
async fn every_part_of_an_sse_c_upload_has_its_own_etag() {
    let bench = Bench::new();
    let region = bench.here();
    bench.bucket(region, "b", Versioning::Unversioned).await;
    let key = customer_key(TEST_KEY);
    let upload = create(region, EncryptionChoice::SseC(key.clone()), None).await;
    // What a later request does.
    let data_key = region.unlock(&upload.0.encryption, Some(&key)).unwrap();
    let upload = (upload.0, data_key);
    let body = data(5 * MIB, 3);
    let parts = [
        part(region, &upload, 1, &body).await,
        part(region, &upload, 2, &body).await,
    ];
    assert_ne!(parts[0].etag, parts[1].etag);
    assert_ne!(parts[0].segment.salt, parts[1].segment.salt);
    let completion = Completion {
        parts: listed(&parts),
        ..Completion::default()
    };
    let version = complete(region, &upload.0, completion).await.unwrap();
    assert!(region.get("b", &version, Some(&key)).await.unwrap() == body.repeat(2));
}

/// S3-MPU-4.
#[tokio::test]
async fn the_upload_created_last_wins_in_a_versioned_bucket() {
    let bench = Bench::new();
    let region = bench.here();
    bench.bucket(region, "b", Versioning::Enabled).await;
    let early = create(region, EncryptionChoice::SseS3, None).await;
    let late = create(region, EncryptionChoice::SseS3, None).await;
    for upload in [&late, &early] {
        let parts = [part(region, upload, 1, b"x").await];
        let completion = Completion {
            parts: listed(&parts),
            ..Completion::default()
        };
        complete(region, &upload.0, completion).await.unwrap();
    }
    let current = region.version("b", "k", None).unwrap();
    assert_eq!(current.sequence, late.0.initiated);
}
