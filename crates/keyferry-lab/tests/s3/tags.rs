//! Tags of objects.

use aws_sdk_s3::types::{Tag, Tagging};

use crate::support::{World, answer, put, refused};

fn tagging(tags: &[(&str, &str)]) -> Tagging {
    Tagging::builder()
        .set_tag_set(Some(
            tags.iter()
                .map(|(key, value)| Tag::builder().key(*key).value(*value).build().unwrap())
                .collect(),
        ))
        .build()
        .unwrap()
}

/// S3-TAG-1, S3-TAG-2.
#[tokio::test]
async fn tags_of_versions() {
    let world = World::start().await;
    world.versioned_bucket("tags").await;
    let client = world.client();
    let first = client
        .put_object()
        .bucket("tags")
        .key("a")
        .tagging("b=2&a=1%201")
        .send()
        .await
        .unwrap()
        .version_id
        .unwrap();
    put(&client, "tags", "a", b"x").await;
    let set = |tags: &[(&str, &str)]| {
        client
            .put_object_tagging()
            .bucket("tags")
            .key("a")
            .tagging(tagging(tags))
            .send()
    };
    set(&[("new", "鍵")]).await.unwrap();
    let get = |version: Option<String>| {
        client
            .get_object_tagging()
            .bucket("tags")
            .key("a")
            .set_version_id(version)
            .send()
    };
    assert_eq!(get(None).await.unwrap().tag_set[0].value, "鍵");
    let old = get(Some(first.clone())).await.unwrap();
    assert_eq!(old.version_id.as_deref(), Some(&*first));
    assert_eq!(old.tag_set.len(), 2);
    assert!(
        old.tag_set
            .iter()
            .any(|tag| tag.key == "a" && tag.value == "1 1")
    );
    let many: Vec<(String, &str)> = (0..11).map(|index| (format!("k{index}"), "v")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(key, value)| (&**key, *value)).collect();
    assert_eq!(refused(set(&many).await), answer(400, "BadRequest"));
    set(&many[..10]).await.unwrap();
    for bad in [
        &[("", "v")][..],
        &[("aws:a", "v")],
        &[("a", "1"), ("a", "2")],
    ] {
        assert_eq!(
            refused(set(bad).await),
            answer(400, "InvalidTag"),
            "{bad:?}"
        );
    }
    client
        .delete_object_tagging()
        .bucket("tags")
        .key("a")
        .send()
        .await
        .unwrap();
    assert!(get(None).await.unwrap().tag_set.is_empty());
    let marker = client
        .delete_object()
        .bucket("tags")
        .key("a")
        .send()
        .await
        .unwrap()
        .version_id;
    assert_eq!(refused(get(None).await), answer(404, "NoSuchKey"));
    assert_eq!(refused(get(marker).await), answer(405, "MethodNotAllowed"));
}
