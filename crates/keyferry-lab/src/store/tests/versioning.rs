//! Versions, delete markers, preconditions, tags.

use super::bench::{Bench, tag};
use crate::encryption::EncryptionChoice;
use crate::store::{
    BucketRecord, DeleteRequest, NULL_VERSION, Precondition, RegionStore, StoreError, VersionQuery,
    Versioning,
};

async fn set_versioning(region: &RegionStore, versioning: Versioning) {
    region
        .update_bucket("b", move |bucket| {
            bucket.versioning = versioning;
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
}

fn ids(region: &RegionStore) -> Vec<(String, bool)> {
    let query = VersionQuery {
        max_keys: 100,
        ..VersionQuery::default()
    };
    let page = region.list_versions("b", query).unwrap();
    page.entries
        .into_iter()
        .map(|entry| {
            let marker = entry.version.is_delete_marker();
            (entry.version.version_id, marker)
        })
        .collect()
}

/// S3-VER-1, S3-VER-2, S3-VER-3.
#[tokio::test]
async fn versioning_states() {
    let bench = Bench::new();
    let region = bench.here();
    bench.bucket(region, "b", Versioning::Unversioned).await;
    let put = async |data: &[u8]| region.put("b", "k", data, EncryptionChoice::SseS3).await;

    let first = put(b"one").await;
    let second = put(b"two").await;
    assert_eq!(
        (first.version_id.as_str(), second.version_id.as_str()),
        ("null", "null")
    );
    assert_eq!(ids(region), [("null".to_owned(), false)]);

    set_versioning(region, Versioning::Enabled).await;
    let third = put(b"three").await;
    assert_ne!(third.version_id, NULL_VERSION);
    let marker = region.delete_one("b", "k", None).await;
    assert!(marker.delete_marker);
    let marker_id = marker.version_id.unwrap();
    assert!(region.version("b", "k", None).unwrap().is_delete_marker());
    let old = region.version("b", "k", Some(NULL_VERSION)).unwrap();
    assert_eq!(region.get("b", &old, None).await.unwrap(), b"two");

    set_versioning(region, Versioning::Suspended).await;
    let fourth = put(b"four").await;
    assert_eq!(fourth.version_id, NULL_VERSION);
    let kept = [
        ("null", false),
        (&marker_id, true),
        (&third.version_id, false),
    ];
    assert_eq!(
        ids(region),
        kept.map(|(id, marker)| (id.to_owned(), marker))
    );
    let marker = region.delete_one("b", "k", None).await;
    assert_eq!(
        (marker.version_id.as_deref(), marker.delete_marker),
        (Some("null"), true)
    );
    let kept = [
        ("null", true),
        (&marker_id, true),
        (&third.version_id, false),
    ];
    assert_eq!(
        ids(region),
        kept.map(|(id, marker)| (id.to_owned(), marker))
    );

    let gone = region.delete_one("b", "k", Some(NULL_VERSION)).await;
    assert!(gone.delete_marker);
    let gone = region.delete_one("b", "k", Some(&third.version_id)).await;
    assert!(!gone.delete_marker);
    let gone = region
        .delete_one("b", "k", Some("00000000000000000000000000000000"))
        .await;
    assert!(
        !gone.delete_marker,
        "what does not exist is deleted all the same"
    );
    assert!(matches!(
        region.delete_bucket("b").await,
        Err(StoreError::BucketNotEmpty(_))
    ));
    region.delete_one("b", "k", Some(&marker_id)).await;
    assert!(matches!(
        region.version("b", "k", None),
        Err(StoreError::NoSuchKey(_))
    ));
    region.delete_bucket("b").await.unwrap();
    assert!(matches!(
        region.version("b", "k", None),
        Err(StoreError::NoSuchBucket(_))
    ));
    bench.store.close().await.unwrap();
    assert_eq!(bench.data_files(), 0);
}

/// S3-COND-1.
#[tokio::test]
async fn preconditions() {
    let bench = Bench::new();
    let region = bench.here();
    bench.bucket(region, "b", Versioning::Enabled).await;
    let put = async |precondition| {
        let object = region
            .new_object("k", b"x", EncryptionChoice::SseS3, Vec::new())
            .await;
        region.put_object("b", object, precondition).await
    };
    let matches = |etag: &str| Precondition::Matches(etag.to_owned());
    assert!(matches!(
        put(matches("*")).await,
        Err(StoreError::NoSuchKey(_))
    ));
    let version = put(Precondition::Absent).await.unwrap();
    let etag = version.object().unwrap().etag.clone();
    assert_eq!(etag, "9dd4e461268c8034f5c8564e155c67a6");
    assert!(matches!(
        put(Precondition::Absent).await,
        Err(StoreError::PreconditionFailed)
    ));
    assert!(matches!(
        put(matches("other")).await,
        Err(StoreError::PreconditionFailed)
    ));
    put(matches(&etag)).await.unwrap();

    let delete = async |etag: &str| {
        let request = DeleteRequest {
            key: "k".to_owned(),
            version_id: None,
            precondition: matches(etag),
            bypass_governance: false,
        };
        region
            .delete("b", "", vec![request])
            .await
            .unwrap()
            .remove(0)
    };
    assert!(matches!(
        delete("other").await,
        Err(StoreError::PreconditionFailed)
    ));
    delete(&etag).await.unwrap();
    put(Precondition::Absent).await.unwrap();
    // Nothing of the refused writes stays behind.
    bench.store.close().await.unwrap();
    assert_eq!(bench.data_files(), 3);
}

#[tokio::test]
async fn tags_belong_to_a_version() {
    let bench = Bench::new();
    let region = bench.here();
    bench.bucket(region, "b", Versioning::Enabled).await;
    let first = region.put("b", "k", b"", EncryptionChoice::SseS3).await;
    let second = region.put("b", "k", b"", EncryptionChoice::SseS3).await;
    let tags = vec![tag("a", "1")];
    let id = Some(first.version_id.as_str());
    region.set_tags("b", "k", id, tags.clone()).await.unwrap();
    let of = |version| {
        let record = region.version("b", "k", version).unwrap();
        record.object().unwrap().tags.clone()
    };
    assert_eq!(of(id), tags);
    assert_eq!(of(Some(second.version_id.as_str())), []);
    let marker = region.delete_one("b", "k", None).await.version_id;
    assert!(matches!(
        region
            .set_tags("b", "k", marker.as_deref(), tags.clone())
            .await,
        Err(StoreError::DeleteMarker { .. })
    ));
    assert!(matches!(
        region.set_tags("b", "k", None, tags).await,
        Err(StoreError::NoSuchKey(_))
    ));
}

#[tokio::test]
async fn bucket_names_are_global() {
    let bench = Bench::new();
    bench
        .bucket(bench.here(), "b", Versioning::Unversioned)
        .await;
    let twin = BucketRecord::new("b", bench.there().name(), "111122223333");
    assert!(matches!(
        bench.store.create_bucket(twin).await,
        Err(StoreError::BucketExists(existing)) if existing.region == "ap-northeast-1"
    ));
    assert!(matches!(
        bench.there().bucket("b"),
        Err(StoreError::NoSuchBucket(_))
    ));
    let found = bench.store.locate("b").unwrap().unwrap();
    assert_eq!(found.region, "ap-northeast-1");
}
