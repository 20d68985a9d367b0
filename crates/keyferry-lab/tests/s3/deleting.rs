//! DeleteObject and DeleteObjects.

use aws_sdk_s3::types::{Delete, ObjectIdentifier};

use crate::support::{World, answer, put, refused};

/// S3-DEL-1, S3-VER-3: what deleting does with versions, and without.
#[tokio::test]
async fn markers_and_versions() {
    let world = World::start().await;
    world.bucket("plain").await;
    world.versioned_bucket("kept").await;
    let client = world.client();
    put(&client, "plain", "a", b"x").await;
    let gone = client
        .delete_object()
        .bucket("plain")
        .key("a")
        .send()
        .await
        .unwrap();
    assert_eq!((gone.delete_marker, gone.version_id), (None, None));
    client
        .delete_object()
        .bucket("plain")
        .key("a")
        .send()
        .await
        .unwrap();

    put(&client, "kept", "a", b"x").await;
    let marked = client
        .delete_object()
        .bucket("kept")
        .key("a")
        .send()
        .await
        .unwrap();
    assert_eq!(marked.delete_marker, Some(true));
    let marker = marked.version_id.unwrap();
    let get = client
        .get_object()
        .bucket("kept")
        .key("a")
        .send()
        .await
        .unwrap_err();
    let raw = get.raw_response().unwrap();
    assert_eq!(raw.status().as_u16(), 404);
    assert_eq!(raw.headers().get("x-amz-delete-marker"), Some("true"));
    let by_id = client
        .get_object()
        .bucket("kept")
        .key("a")
        .version_id(&marker)
        .send()
        .await;
    assert_eq!(refused(by_id), answer(405, "MethodNotAllowed"));
    let undone = client
        .delete_object()
        .bucket("kept")
        .key("a")
        .version_id(&marker)
        .send()
        .await
        .unwrap();
    assert_eq!(undone.delete_marker, Some(true));
    assert_eq!(undone.version_id.as_deref(), Some(&*marker));
    client
        .get_object()
        .bucket("kept")
        .key("a")
        .send()
        .await
        .unwrap();
}

/// S3-DEL-2, S3-DEL-3.
#[tokio::test]
async fn many_at_once() {
    let world = World::start().await;
    world.versioned_bucket("many").await;
    let client = world.client();
    for key in ["a", "b", "c d+é"] {
        put(&client, "many", key, b"x").await;
    }
    let object = |key: &str| ObjectIdentifier::builder().key(key);
    let delete = |objects: Vec<ObjectIdentifier>, quiet: bool| {
        client
            .delete_objects()
            .bucket("many")
            .delete(
                Delete::builder()
                    .set_objects(Some(objects))
                    .quiet(quiet)
                    .build()
                    .unwrap(),
            )
            .send()
    };
    let done = delete(
        vec![
            object("a").build().unwrap(),
            object("b").e_tag("\"other\"").build().unwrap(),
            object("c d+é").build().unwrap(),
            object("absent").build().unwrap(),
        ],
        false,
    )
    .await
    .unwrap();
    let deleted: Vec<&str> = done
        .deleted()
        .iter()
        .map(|one| one.key().unwrap())
        .collect();
    assert_eq!(deleted, ["a", "c d+é", "absent"]);
    assert!(
        done.deleted()
            .iter()
            .all(|one| one.delete_marker == Some(true))
    );
    assert!(done.deleted()[0].delete_marker_version_id.is_some());
    assert_eq!(done.errors()[0].code(), Some("PreconditionFailed"));
    assert_eq!(done.errors()[0].key(), Some("b"));
    let quiet = delete(vec![object("b").build().unwrap()], true)
        .await
        .unwrap();
    assert!(quiet.deleted().is_empty());
    let many = (0..1001)
        .map(|index| object(&index.to_string()).build().unwrap())
        .collect();
    assert_eq!(
        refused(delete(many, false).await),
        answer(400, "MalformedXML")
    );
}

/// S3-DEL-4, S3-DEL-5: what cannot be a version id is an error of its own; a body that is not
/// what its digest says deletes nothing.
#[tokio::test]
async fn bad_ids_and_digests() {
    let world = World::start().await;
    world.bucket("digests").await;
    let client = world.client();
    put(&client, "digests", "a", b"x").await;
    put(&client, "digests", "b", b"x").await;
    let object = |key: &str| ObjectIdentifier::builder().key(key);
    let delete = |objects: Vec<ObjectIdentifier>| {
        client.delete_objects().bucket("digests").delete(
            Delete::builder()
                .set_objects(Some(objects))
                .build()
                .unwrap(),
        )
    };
    for (header, value) in [
        ("content-md5", "XUFAKrxLKna5cZ2REBfFkg=="),
        ("x-amz-checksum-crc32", "AAAAAA=="),
    ] {
        let wrong = delete(vec![object("a").build().unwrap()])
            .customize()
            .mutate_request(move |request| {
                request.headers_mut().insert(header, value);
            })
            .send()
            .await;
        assert_eq!(refused(wrong), answer(400, "BadDigest"), "{header}");
    }
    let done = delete(vec![
        object("a").version_id("no version id").build().unwrap(),
        object("b").build().unwrap(),
    ])
    .send()
    .await
    .unwrap();
    assert_eq!(done.deleted().len(), 1);
    assert_eq!(done.deleted()[0].key(), Some("b"));
    assert_eq!(done.errors()[0].code(), Some("NoSuchVersion"));
    assert_eq!(done.errors()[0].key(), Some("a"));
    assert_eq!(done.errors()[0].version_id(), Some("no version id"));
}
