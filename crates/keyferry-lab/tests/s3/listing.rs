//! ListObjectsV2, ListObjects: prefixes, delimiters, pages, encoding.

use aws_sdk_s3::types::EncodingType;

use crate::support::{World, answer, put, refused};

async fn world(keys: &[&str]) -> World {
    let world = World::start().await;
    world.bucket("listed").await;
    for key in keys {
        put(&world.client(), "listed", key, b"x").await;
    }
    world
}

/// S3-LIST-1, S3-LIST-5: every page size gives the same, in UTF-8 order.
#[tokio::test]
async fn pages() {
    let keys = ["a", "a/b", "a/c/d", "a0", "b/", "b/c", "ü", "鍵"];
    let world = world(&keys).await;
    let client = world.client();
    for size in 1..=keys.len() as i32 {
        for delimiter in [None, Some("/")] {
            let mut seen = Vec::new();
            let mut token = None;
            loop {
                let page = client
                    .list_objects_v2()
                    .bucket("listed")
                    .max_keys(size)
                    .set_delimiter(delimiter.map(str::to_owned))
                    .set_continuation_token(token)
                    .send()
                    .await
                    .unwrap();
                assert!(page.key_count.unwrap() <= size);
                seen.extend(
                    page.contents()
                        .iter()
                        .map(|object| object.key.clone().unwrap()),
                );
                seen.extend(
                    page.common_prefixes()
                        .iter()
                        .map(|prefix| prefix.prefix.clone().unwrap()),
                );
                token = page.next_continuation_token;
                if token.is_none() {
                    assert_eq!(page.is_truncated, Some(false));
                    break;
                }
            }
            seen.sort();
            let expected: &[&str] = match delimiter {
                None => &keys,
                Some(_) => &["a", "a/", "a0", "b/", "ü", "鍵"],
            };
            assert_eq!(seen, expected, "{size} {delimiter:?}");
        }
    }
    let zero = client
        .list_objects_v2()
        .bucket("listed")
        .max_keys(0)
        .send()
        .await
        .unwrap();
    assert_eq!((zero.key_count, zero.is_truncated), (Some(0), Some(false)));
    let negative = client
        .list_objects_v2()
        .bucket("listed")
        .max_keys(-1)
        .send()
        .await;
    assert_eq!(refused(negative), answer(400, "InvalidArgument"));
    let token = client
        .list_objects_v2()
        .bucket("listed")
        .continuation_token("nonsense")
        .send()
        .await;
    assert_eq!(refused(token), answer(400, "InvalidArgument"));
    let after = client
        .list_objects_v2()
        .bucket("listed")
        .start_after("b/")
        .prefix("b")
        .fetch_owner(true)
        .send()
        .await
        .unwrap();
    assert_eq!(after.contents()[0].key(), Some("b/c"));
    assert!(after.contents()[0].owner.is_some());
}

/// S3-LIST-6: markers of the first version of the call.
#[tokio::test]
async fn markers() {
    let world = world(&["a/1", "a/2", "b", "c"]).await;
    let client = world.client();
    let first = client
        .list_objects()
        .bucket("listed")
        .delimiter("/")
        .max_keys(1)
        .send()
        .await
        .unwrap();
    assert_eq!(first.common_prefixes()[0].prefix(), Some("a/"));
    assert_eq!(first.next_marker.as_deref(), Some("a/"));
    let second = client
        .list_objects()
        .bucket("listed")
        .delimiter("/")
        .marker("a/")
        .send()
        .await
        .unwrap();
    let keys: Vec<_> = second.contents().iter().map(|o| o.key().unwrap()).collect();
    assert_eq!(keys, ["b", "c"]);
    let plain = client
        .list_objects()
        .bucket("listed")
        .max_keys(1)
        .send()
        .await
        .unwrap();
    assert_eq!((plain.is_truncated, plain.next_marker), (Some(true), None));
}

/// S3-LIST-4.
#[tokio::test]
async fn encoded_names() {
    let world = world(&["a b", "dir+/ü&", "new\nline"]).await;
    let client = world.client();
    let listed = client
        .list_objects_v2()
        .bucket("listed")
        .encoding_type(EncodingType::Url)
        .delimiter("/")
        .send()
        .await
        .unwrap();
    let keys: Vec<_> = listed.contents().iter().map(|o| o.key().unwrap()).collect();
    assert_eq!(keys, ["a%20b", "new%0Aline"]);
    assert_eq!(listed.common_prefixes()[0].prefix(), Some("dir%2B/"));
}
