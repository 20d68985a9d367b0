//! `keyferry cp`

use keyferry_key::{CustomerKey, KeyId};

use super::{documents, keys, put_plain, results, summary, write};
use crate::rekey::world::{Key, OSAKA, TOKYO, World, get, put, put_parts};
use crate::running::text;

#[test]
fn copies_are_under_the_new_key_and_otherwise_the_same() {
    let world = World::start();
    let (user, old) = (&world.user, world.active());
    let large = vec![7; (5 << 20) + 9];
    world.runtime.block_on(async {
        put(&world.tokyo, &old, "a/small", b"small".to_vec()).await;
        put(&world.tokyo, &old, "a/empty", Vec::new()).await;
        put_parts(&world.tokyo, &old, "a/large", &large, &[5 << 20, 9]).await;
        put_plain(&world.tokyo, TOKYO, "a/plain").await;
    });
    let (_, new) = world.rotate();
    let copied = user.done(&[
        "cp",
        "-r",
        "s3://lab-tokyo/a",
        "s3://lab-osaka/b",
        "--key",
        "photos",
        "--output",
        "ndjson",
    ]);
    assert_eq!(summary(&copied)["transferred"], 4);
    assert_eq!(
        keys(&world, "s3://lab-osaka/b"),
        ["b/empty", "b/large", "b/plain", "b/small"]
    );
    let read = |key: &str| {
        world
            .runtime
            .block_on(get(&world.osaka, OSAKA, key, &new.key))
    };
    assert_eq!(read("b/small").unwrap().0, b"small");
    let (content, _, in_parts) = read("b/large").unwrap();
    assert!(content == large && in_parts);
    assert_eq!(read("b/plain").unwrap().0, b"plain");
    // Metadata and tags come along, but for the tag that names the key.
    let listed = user.done(&["ls", "-rl", "s3://lab-osaka/b/small", "--output", "ndjson"]);
    assert_eq!(
        documents(&listed)[0]["encryption"]["key_id"],
        new.id.as_str()
    );
    world.runtime.block_on(async {
        let tags = world
            .osaka
            .get_object_tagging()
            .bucket(OSAKA)
            .key("b/small");
        let tags = tags.send().await.unwrap();
        let tags: Vec<_> = tags
            .tag_set()
            .iter()
            .map(|tag| (tag.key(), tag.value()))
            .collect();
        assert_eq!(tags, [("album", "1"), ("keyferry-key", new.id.as_str())]);
        let headers = new.key.headers();
        let head = world.osaka.head_object().bucket(OSAKA).key("b/small");
        let head = head
            .sse_customer_algorithm("AES256")
            .sse_customer_key(headers.expose_key())
            .sse_customer_key_md5(headers.md5().to_string())
            .send()
            .await
            .unwrap();
        assert_eq!(head.metadata().unwrap()["name"], "a/small");
    });
    // The store knows, so that a download finds the key; and the copies are replicated.
    let replicated = results(&copied, "address");
    let verified = replicated.iter().filter(|(_, status)| status == "verified");
    assert_eq!(verified.count(), 4, "{copied}");
    assert_eq!(summary(&copied)["replicas"]["verified"], 4);

    // Through this machine it comes to the same.
    let through = user.done(&[
        "cp",
        "-r",
        "s3://lab-tokyo/a/",
        "s3://lab-osaka/c/",
        "--key",
        "photos",
        "--no-wait",
        "--through-here",
        "--exclude",
        "plain",
        "--output",
        "ndjson",
    ]);
    assert!(
        through.contains("it went through this machine"),
        "{through}"
    );
    assert_eq!(read("c/small").unwrap().0, b"small");
    assert_eq!(read("c/large").unwrap().0, large);
    assert_eq!(read("c/empty").unwrap().0, b"");
}

#[test]
fn one_object_one_version_and_files() {
    let world = World::start();
    let (user, key) = (&world.user, world.active());
    world.runtime.block_on(async {
        put(&world.tokyo, &key, "a", b"first".to_vec()).await;
        put(&world.tokyo, &key, "a", b"second".to_vec()).await;
    });
    let versions = user.done(&["ls", "--versions", "s3://lab-tokyo/a", "--output", "ndjson"]);
    let first = documents(&versions)[1]["version_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let cp = |arguments: &[&str]| {
        let all = [&["cp", "--key", "photos", "--no-wait"], arguments].concat();
        user.done(&all)
    };
    cp(&["s3://lab-tokyo/a", "s3://lab-tokyo/folder/"]);
    cp(&[
        "s3://lab-tokyo/a",
        "s3://lab-tokyo/first",
        "--version-id",
        &first,
    ]);
    let planned = cp(&["s3://lab-tokyo/a", "s3://lab-tokyo/never", "--dry-run"]);
    assert!(planned.contains("would copy s3://lab-tokyo/a"), "{planned}");
    assert_eq!(keys(&world, "s3://lab-tokyo"), ["a", "first", "folder/a"]);
    write(&user.path(""), &[("here", "local")]);
    cp(&["here", "s3://lab-tokyo/there"]);
    user.done(&["cp", "s3://lab-tokyo/there", "back"]);
    user.done(&["cp", "s3://lab-tokyo/first", "first"]);
    assert_eq!(std::fs::read(user.path("back")).unwrap(), b"local");
    assert_eq!(std::fs::read(user.path("first")).unwrap(), b"first");
}

#[test]
fn what_cannot_be_copied_is_said_and_stops_nothing() {
    let world = World::start();
    let (user, key) = (&world.user, world.active());
    let foreign = Key {
        id: KeyId::generate().unwrap(),
        key: CustomerKey::generate().unwrap(),
    };
    world.runtime.block_on(async {
        put(&world.tokyo, &key, "a/ours", b"1".to_vec()).await;
        put(&world.tokyo, &foreign, "a/theirs", b"1".to_vec()).await;
    });
    let output = user.run(&[
        "cp",
        "-r",
        "s3://lab-tokyo/a",
        "s3://lab-tokyo/b",
        "--key",
        "photos",
        "--no-wait",
    ]);
    assert_eq!(output.status.code(), Some(5));
    let stderr = text(&output.stderr);
    assert!(
        stderr.contains("no key of the store opens `s3://lab-tokyo/a/theirs`"),
        "{stderr}"
    );
    assert_eq!(keys(&world, "s3://lab-tokyo/b"), ["b/ours"]);

    for (code, source, destination, said) in [
        (
            1,
            "s3://lab-tokyo/c",
            "s3://lab-tokyo/d",
            "there is no object",
        ),
        (
            1,
            "s3://lab-kyoto/c",
            "s3://lab-tokyo/d",
            "there is no bucket `lab-kyoto`",
        ),
        (
            1,
            "s3://lab-tokyo/c",
            "s3://lab-kyoto/d",
            "there is no bucket `lab-kyoto`",
        ),
        (
            2,
            "s3://lab-tokyo/a/ours",
            "s3://lab-tokyo/a/ours",
            "onto itself",
        ),
        (
            2,
            "s3://lab-tokyo/a/",
            "s3://lab-tokyo/d",
            "names no object",
        ),
        (2, "here", "there", "neither"),
    ] {
        let failed = user.fails(code, &["cp", "--key", "photos", source, destination]);
        assert!(failed.contains(said), "{failed}");
    }
    let endless = [
        "cp",
        "-r",
        "--key",
        "photos",
        "s3://lab-tokyo/a",
        "s3://lab-tokyo/a/b",
    ];
    assert!(user.fails(2, &endless).contains("copied again"));
    let nothing = [
        "cp",
        "-r",
        "--key",
        "photos",
        "s3://lab-tokyo/x",
        "s3://lab-tokyo/y",
    ];
    assert!(user.fails(1, &nothing).contains("nothing was copied"));
}
