//! Versioning as reads and listings see it.

use aws_sdk_s3::types::BucketVersioningStatus;

use crate::support::{World, get, put, set_versioning};

/// S3-VER-1, S3-VER-2, S3-VER-4, S3-LIST-2: enabled, suspended, enabled again.
#[tokio::test]
async fn the_null_version() {
    let world = World::start().await;
    world.bucket("vvv").await;
    let client = world.client();
    let id = |body: &'static [u8]| {
        let client = client.clone();
        async move {
            client
                .put_object()
                .bucket("vvv")
                .key("a")
                .body(body.to_vec().into())
                .send()
                .await
                .unwrap()
                .version_id
        }
    };
    assert_eq!(id(b"before").await, None);
    set_versioning(&client, "vvv", BucketVersioningStatus::Enabled).await;
    let head = client
        .head_object()
        .bucket("vvv")
        .key("a")
        .send()
        .await
        .unwrap();
    assert_eq!(head.version_id.as_deref(), Some("null"));
    let first = id(b"first").await.unwrap();
    assert_eq!(first.len(), 32);
    set_versioning(&client, "vvv", BucketVersioningStatus::Suspended).await;
    assert_eq!(id(b"suspended").await.as_deref(), Some("null"));
    assert_eq!(id(b"suspended again").await.as_deref(), Some("null"));
    set_versioning(&client, "vvv", BucketVersioningStatus::Enabled).await;
    let last = id(b"last").await.unwrap();
    let listed = client
        .list_object_versions()
        .bucket("vvv")
        .send()
        .await
        .unwrap();
    let ids: Vec<(&str, Option<bool>)> = listed
        .versions()
        .iter()
        .map(|version| (version.version_id().unwrap(), version.is_latest))
        .collect();
    assert_eq!(
        ids,
        [
            (&*last, Some(true)),
            ("null", Some(false)),
            (&*first, Some(false))
        ]
    );
    let null = client
        .get_object()
        .bucket("vvv")
        .key("a")
        .version_id("null")
        .send()
        .await
        .unwrap();
    assert_eq!(
        null.body.collect().await.unwrap().to_vec(),
        b"suspended again"
    );
}

/// S3-LIST-2: versions and markers in pages, newest first, every page size the same.
#[tokio::test]
async fn versions_in_pages() {
    let world = World::start().await;
    world.versioned_bucket("vvv").await;
    let client = world.client();
    for key in ["a", "b", "a", "c/1", "c/2", "b"] {
        put(&client, "vvv", key, key.as_bytes()).await;
    }
    client
        .delete_object()
        .bucket("vvv")
        .key("a")
        .send()
        .await
        .unwrap();
    let mut lists = Vec::new();
    for size in 1..=8 {
        let mut seen = Vec::new();
        let (mut key, mut id) = (None, None);
        loop {
            let page = client
                .list_object_versions()
                .bucket("vvv")
                .max_keys(size)
                .set_key_marker(key)
                .set_version_id_marker(id)
                .send()
                .await
                .unwrap();
            seen.extend(
                page.versions()
                    .iter()
                    .map(|v| (v.key.clone(), v.version_id.clone())),
            );
            seen.extend(
                page.delete_markers()
                    .iter()
                    .map(|v| (v.key.clone(), v.version_id.clone())),
            );
            if page.is_truncated != Some(true) {
                break;
            }
            (key, id) = (page.next_key_marker, page.next_version_id_marker);
        }
        seen.sort();
        lists.push(seen);
    }
    assert_eq!(lists[0].len(), 7);
    assert!(lists.windows(2).all(|pair| pair[0] == pair[1]));
    let grouped = client
        .list_object_versions()
        .bucket("vvv")
        .delimiter("/")
        .prefix("c")
        .send()
        .await
        .unwrap();
    assert_eq!(grouped.common_prefixes()[0].prefix(), Some("c/"));
    assert_eq!(get(&client, "vvv", "b").await, b"b");
}
