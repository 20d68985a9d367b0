//! Closing, opening, and being killed.

use std::path::Path;

use super::bench::{Bench, TEST_KEY, customer_key};
use crate::encryption::EncryptionChoice;
use crate::store::{RoleRecord, Store, StoreError, Versioning};

#[tokio::test]
async fn a_closed_store_comes_back_whole() {
    let bench = Bench::new();
    bench.bucket(bench.here(), "b", Versioning::Enabled).await;
    let key = customer_key(TEST_KEY);
    let choice = EncryptionChoice::SseC(key.clone());
    let version = bench.here().put("b", "k", b"content", choice).await;
    let kms = bench.there().new_kms_key(None);
    let mut role = RoleRecord::new("111122223333", "/", "r", "{}");
    role.policies = [("inline".to_owned(), "{}".to_owned())].into();
    let made = role.clone();
    bench
        .store
        .change_role("111122223333", "r", |record| {
            *record = Some(made);
            Ok::<_, StoreError>(())
        })
        .unwrap();

    let bench = bench.reopen().await;
    let again = bench.here().version("b", "k", None).unwrap();
    assert_eq!(again, version);
    let content = bench.here().get("b", &again, Some(&key)).await.unwrap();
    assert_eq!(content, b"content");
    assert_eq!(bench.there().kms_key(&kms.arn).unwrap(), kms);
    assert_eq!(bench.store.role_by_arn(&role.arn()).unwrap(), Some(role));
    let newer = bench
        .here()
        .put("b", "k", b"", EncryptionChoice::SseS3)
        .await;
    assert!(newer.sequence > version.sequence);
}

/// A copy of the folder of a running store is what a killed process leaves behind.
#[tokio::test]
async fn a_killed_store_opens_with_what_was_durable() {
    let bench = Bench::new();
    bench
        .bucket(bench.here(), "b", Versioning::Unversioned)
        .await;
    let region = bench.here();
    region
        .put("b", "kept", b"kept", EncryptionChoice::SseS3)
        .await;
    bench.store.close().await.unwrap();
    // Not durable yet when the process dies.
    region
        .put("b", "lost", b"lost", EncryptionChoice::SseS3)
        .await;
    region
        .put("b", "kept", b"newer", EncryptionChoice::SseS3)
        .await;
    region.flush(false).unwrap();
    let remains = tempfile::tempdir().unwrap();
    region
        .put("b", "orphan", b"orphan", EncryptionChoice::SseS3)
        .await;
    copy(bench.dir.path(), remains.path());

    let regions = ["ap-northeast-1", "ap-northeast-3"].map(str::to_owned);
    let store = Store::open(remains.path(), &regions, &["111122223333".to_owned()]).unwrap();
    let region = &store.regions()[0];
    let version = region.version("b", "kept", None).unwrap();
    assert_eq!(region.get("b", &version, None).await.unwrap(), b"newer");
    assert!(region.version("b", "lost", None).is_ok());
    assert!(region.version("b", "orphan", None).is_err());
    let data = remains.path().join("ap-northeast-1/data");
    let files: usize = std::fs::read_dir(data)
        .unwrap()
        .map(|shard| std::fs::read_dir(shard.unwrap().path()).unwrap().count())
        .sum();
    assert_eq!(files, 2, "the orphan and the replaced object are swept");
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}
