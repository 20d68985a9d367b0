//! Customer keys: recognised, never stored (`S3-SSEC-1`).

use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, Engine as _};

use super::bench::{Bench, SECOND_KEY, TEST_KEY, customer_key};
use crate::encryption::{EncryptionChoice, UnlockError};
use crate::store::{CompletedPart, Completion, DigestPlan, NewUpload, ObjectMetadata, Versioning};

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

#[tokio::test]
async fn no_file_holds_a_customer_key() {
    let bench = Bench::new();
    let region = bench.here();
    bench.bucket(region, "b", Versioning::Enabled).await;
    let key = customer_key(TEST_KEY);
    let choice = EncryptionChoice::SseC(key.clone());
    region
        .put("b", "single", b"secret content", choice.clone())
        .await;
    let (encryption, data_key) = region.begin_encryption(&choice).unwrap();
    let upload = region
        .create_upload(
            "b",
            NewUpload {
                key: "multi".to_owned(),
                owner: String::new(),
                encryption,
                checksum: None,
                metadata: ObjectMetadata::default(),
                tags: Vec::new(),
                storage_class: "STANDARD".to_owned(),
                lock: crate::store::RequestedLock::default(),
            },
        )
        .await
        .unwrap();
    let segment = region
        .stage(&data_key, DigestPlan::default(), b"more secret content")
        .await;
    let id = upload.upload_id.as_str();
    let part = region.put_part("b", "multi", id, 1, segment).await.unwrap();
    let completion = Completion {
        parts: vec![CompletedPart {
            number: 1,
            etag: part.etag,
            checksum: None,
        }],
        ..Completion::default()
    };
    region
        .complete_upload("b", "multi", id, completion)
        .await
        .unwrap();
    bench.store.close().await.unwrap();

    let md5 = key.md5_base64();
    let needles = [
        TEST_KEY.to_vec(),
        hex::encode(TEST_KEY).into_bytes(),
        hex::encode_upper(TEST_KEY).into_bytes(),
        BASE64_STANDARD.encode(TEST_KEY).into_bytes(),
        BASE64_STANDARD_NO_PAD.encode(TEST_KEY).into_bytes(),
        serde_json::to_vec(&TEST_KEY).unwrap(),
        // Nor what would let a guess at the key be checked without the salt.
        md5.as_bytes().to_vec(),
        BASE64_STANDARD.decode(&md5).unwrap(),
        b"secret content".to_vec(),
    ];
    let mut files = 0;
    for path in bench.files() {
        let content = std::fs::read(&path).unwrap();
        for needle in &needles {
            assert!(!contains(&content, needle), "{}", path.display());
        }
        files += 1;
    }
    assert!(files >= 7, "two objects, three databases, two region keys");
    // The search does find what is there.
    let version = region.version("b", "single", None).unwrap();
    let found = bench.files().iter().any(|path| {
        let content = std::fs::read(path).unwrap();
        contains(&content, version.object().unwrap().etag.as_bytes())
    });
    assert!(found);
}

#[tokio::test]
async fn keys_are_told_apart() {
    let bench = Bench::new();
    let region = bench.here();
    bench.bucket(region, "b", Versioning::Unversioned).await;
    let (one, two) = (customer_key(TEST_KEY), customer_key(SECOND_KEY));
    let version = region
        .put(
            "b",
            "c",
            b"under a customer key",
            EncryptionChoice::SseC(one.clone()),
        )
        .await;
    let encryption = &version.object().unwrap().encryption;
    assert!(matches!(
        region.unlock(encryption, None),
        Err(UnlockError::KeyRequired)
    ));
    assert!(matches!(
        region.unlock(encryption, Some(&two)),
        Err(UnlockError::WrongKey)
    ));
    assert!(matches!(
        region.unlock_lab_held(encryption),
        Err(UnlockError::KeyRequired)
    ));
    assert_eq!(
        region.get("b", &version, Some(&one)).await.unwrap(),
        b"under a customer key"
    );
    let plain = region
        .put("b", "s", b"under the lab's", EncryptionChoice::SseS3)
        .await;
    assert!(matches!(
        region.unlock(&plain.object().unwrap().encryption, Some(&one)),
        Err(UnlockError::KeyNotApplicable)
    ));
}

#[tokio::test]
async fn kms_keys_are_found_by_every_name_and_can_be_disabled() {
    let bench = Bench::new();
    let region = bench.here();
    bench.bucket(region, "b", Versioning::Unversioned).await;
    let key = region.new_kms_key(Some("alias/mine"));
    for name in [
        key.key_id.clone(),
        key.arn.clone(),
        "alias/mine".to_owned(),
        "arn:aws:kms:ap-northeast-1:111122223333:alias/mine".to_owned(),
    ] {
        assert_eq!(region.kms_key(&name).unwrap(), key, "{name}");
    }
    assert!(bench.there().kms_key(&key.arn).is_err());
    for layers in ["SSE-KMS", "DSSE-KMS"] {
        let context = Some("eyJhIjoiYiJ9".to_owned());
        let name = Some("alias/mine".to_owned());
        let choice = match layers {
            "SSE-KMS" => EncryptionChoice::SseKms {
                key: name,
                bucket_key_enabled: true,
                context,
            },
            _ => EncryptionChoice::DsseKms { key: name, context },
        };
        let version = region.put("b", layers, b"content", choice.clone()).await;
        let encryption = &version.object().unwrap().encryption;
        assert_eq!(encryption.kms_key_arn(), Some(key.arn.as_str()));
        assert_eq!(region.get("b", &version, None).await.unwrap(), b"content");
        region.set_kms_key_enabled("alias/mine", false);
        assert!(matches!(
            region.unlock(encryption, None),
            Err(UnlockError::KmsKeyDisabled(arn)) if arn == key.arn
        ));
        assert!(matches!(
            region.begin_encryption(&choice),
            Err(UnlockError::KmsKeyDisabled(_))
        ));
        region.set_kms_key_enabled("alias/mine", true);
    }
}

#[test]
fn secrets_print_their_type_only() {
    let key = customer_key(TEST_KEY);
    assert_eq!(format!("{key:?}"), "CustomerKey");
    let choice = EncryptionChoice::SseC(key);
    assert_eq!(format!("{choice:?}"), "SseC(CustomerKey)");
    let bench = Bench::new();
    let (_, data_key) = bench.here().begin_encryption(&choice).unwrap();
    assert_eq!(format!("{data_key:?}"), "DataKey");
}
