//! Object names that paths, URLs and XML could damage (S3-KEY-1).

use crate::support::{World, answer, get, put, refused};

const NAMES: [&str; 22] = [
    "plain",
    "with space",
    " leading",
    "trailing ",
    "plus+plus",
    "percent%",
    "percent%20encoded",
    "%2F",
    "ünïcödé",
    "鍵/日本語",
    "emoji🔑",
    "trailing/",
    "/leading",
    "a//b",
    "//",
    "a/./b",
    "a/../b",
    "..",
    ".",
    "amp&lt;<>\"'",
    "colon:semi;equals=question?hash#",
    "back\\slash|{}[]^`~*()!$,@",
];

#[tokio::test]
async fn names_round_trip() {
    let world = World::start().await;
    world.bucket("names").await;
    let client = world.client();
    for name in NAMES {
        put(&client, "names", name, name.as_bytes()).await;
    }
    let listed = client
        .list_objects_v2()
        .bucket("names")
        .send()
        .await
        .unwrap();
    let mut listed: Vec<&str> = listed.contents().iter().map(|o| o.key().unwrap()).collect();
    let mut expected = NAMES.to_vec();
    listed.sort_unstable();
    expected.sort_unstable();
    assert_eq!(listed, expected);
    for name in NAMES {
        assert_eq!(
            get(&client, "names", name).await,
            name.as_bytes(),
            "{name:?}"
        );
        client
            .head_object()
            .bucket("names")
            .key(name)
            .send()
            .await
            .unwrap_or_else(|error| panic!("{name:?}: {error:?}"));
        client
            .delete_object()
            .bucket("names")
            .key(name)
            .send()
            .await
            .unwrap();
    }
    let left = client
        .list_objects_v2()
        .bucket("names")
        .send()
        .await
        .unwrap();
    assert_eq!(left.key_count, Some(0));
}

/// S3-KEY-2: 1024 bytes of UTF-8.
#[tokio::test]
async fn long_names() {
    let world = World::start().await;
    world.bucket("names").await;
    let client = world.client();
    let longest = format!("{}x", "鍵".repeat(341));
    assert_eq!(longest.len(), 1024);
    put(&client, "names", &longest, b"x").await;
    assert_eq!(get(&client, "names", &longest).await, b"x");
    let longer = client
        .put_object()
        .bucket("names")
        .key(format!("{longest}y"))
        .send()
        .await;
    assert_eq!(refused(longer), answer(400, "KeyTooLongError"));
}
