//! `keyferry ls`

use keyferry_key::{CustomerKey, KeyId};

use super::{documents, put_plain};
use crate::rekey::world::{Key, TOKYO, World, put};
use crate::running::text;

#[test]
fn buckets_prefixes_objects_and_versions() {
    let world = World::start();
    let (user, key) = (&world.user, world.active());
    world.runtime.block_on(async {
        for name in ["a/1", "a/b/2", "a-b", "top", "top", "e\u{1b}[2J"] {
            put(&world.tokyo, &key, name, name.into()).await;
        }
    });
    user.done(&["rm", "s3://lab-tokyo/a-b"]);

    let buckets = user.done(&["ls"]);
    let names: Vec<&str> = buckets
        .lines()
        .filter_map(|line| line.split(' ').next_back())
        .collect();
    assert_eq!(names, ["lab-osaka", "lab-tokyo"]);

    let listed = |arguments: &[&str]| {
        let all = [&["ls"], arguments].concat();
        let shown = user.done(&all);
        shown.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let top = listed(&["s3://lab-tokyo"]);
    assert_eq!(top[0].trim(), "PRE a/");
    // A name gives a terminal no orders.
    assert!(top[1].ends_with("         5 e\\u{1b}[2J"), "{top:?}");
    assert!(top[2].ends_with("         3 top"), "{top:?}");
    assert_eq!(top.len(), 3);
    let below = listed(&["s3://lab-tokyo/a/"]);
    assert!(
        below[0].ends_with(" 1") && below[1].ends_with("PRE b/"),
        "{below:?}"
    );
    let all = listed(&["-r", "s3://lab-tokyo/a", "--summarize", "--human-readable"]);
    assert!(all[0].ends_with("       3 B a/1"), "{all:?}");
    assert_eq!(all[3], "objects: 2 (8 B)");

    let versions = documents(&user.done(&[
        "ls",
        "-r",
        "--versions",
        "s3://lab-tokyo/",
        "--output",
        "ndjson",
    ]));
    let versions: Vec<_> = versions
        .iter()
        .map(|version| {
            let text = |name: &str| version[name].as_str().unwrap();
            (text("type"), text("key"), version["is_latest"] == true)
        })
        .collect();
    assert_eq!(
        versions,
        [
            ("delete-marker", "a-b", true),
            ("object", "a-b", false),
            ("object", "a/1", true),
            ("object", "a/b/2", true),
            ("object", "e\u{1b}[2J", true),
            ("object", "top", true),
            ("object", "top", false),
        ]
    );

    let nothing = user.fails(1, &["ls", "s3://lab-tokyo/b"]);
    assert!(
        nothing.contains("there is nothing below `s3://lab-tokyo/b`"),
        "{nothing}"
    );
    let missing = user.fails(1, &["ls", "s3://lab-kyoto"]);
    assert!(
        missing.contains("there is no bucket `lab-kyoto`"),
        "{missing}"
    );
    user.fails(2, &["ls", "s3:///x"]);
    // A bucket may be empty.
    user.done(&["rm", "-r", "--versions", "--yes", "s3://lab-tokyo"]);
    assert_eq!(user.done(&["ls", "s3://lab-tokyo"]), "");
}

#[test]
fn keys_and_replication_as_far_as_they_are_known() {
    let world = World::start();
    let (user, key) = (&world.user, world.active());
    let foreign = Key {
        id: KeyId::generate().unwrap(),
        key: CustomerKey::generate().unwrap(),
    };
    world.runtime.block_on(async {
        put(&world.tokyo, &key, "ours", b"1".to_vec()).await;
        put(&world.tokyo, &foreign, "theirs", b"1".to_vec()).await;
        put_plain(&world.tokyo, TOKYO, "plain").await;
        // A tag that lies: the key that it names does not open the object.
        let lying = Key {
            id: key.id.clone(),
            key: foreign.key.clone(),
        };
        put(&world.tokyo, &lying, "wrong tag", b"1".to_vec()).await;
    });
    let shown = || {
        let listed = user.done(&["ls", "-rl", "s3://lab-tokyo", "--output", "ndjson"]);
        documents(&listed)
            .iter()
            .map(|object| {
                let encryption = &object["encryption"];
                (
                    object["key"].as_str().unwrap().to_owned(),
                    encryption["kind"].as_str().unwrap().to_owned(),
                    encryption["key_id"].as_str().unwrap_or_default().to_owned(),
                    encryption["proven"] == true,
                    object["replication_known"] == true,
                )
            })
            .collect::<Vec<_>>()
    };
    let expected = |name: &str, kind: &str, id: &str, proven: bool, known: bool| {
        (
            name.to_owned(),
            kind.to_owned(),
            id.to_owned(),
            proven,
            known,
        )
    };
    let (ours, theirs) = (key.id.as_str(), foreign.id.as_str());
    assert_eq!(
        shown(),
        [
            expected("ours", "customer-key", ours, true, true),
            expected("plain", "no-customer-key", "", false, true),
            expected("theirs", "customer-key", theirs, false, false),
            expected("wrong tag", "customer-key", ours, false, false),
        ]
    );

    // For people: a question mark where nothing is proven, and on narrow terminals lines of their own.
    let mut command = user.command(&["ls", "-rl", "s3://lab-tokyo"]);
    let wide = text(&command.env("COLUMNS", "200").output().unwrap().stdout);
    let line = |name: &str| wide.lines().find(|line| line.ends_with(name)).unwrap();
    assert!(line("ours").contains(&format!(" {ours}  ")), "{wide}");
    assert!(
        line("theirs").contains(&format!(" ?           {theirs}? ")),
        "{wide}"
    );
    assert!(line("plain").contains(" no customer key "), "{wide}");
    let mut command = user.command(&["ls", "-l", "s3://lab-tokyo/ours"]);
    let narrow = text(&command.env("COLUMNS", "80").output().unwrap().stdout);
    let lines: Vec<&str> = narrow.lines().collect();
    assert_eq!(lines[0], "ours");
    assert!(
        lines[2].starts_with(&format!("    key {ours}, version ")),
        "{narrow}"
    );

    // Without the store tags still tell, and nothing is proven.
    let mut command = user.command(&["ls", "-l", "s3://lab-tokyo/", "--output", "ndjson"]);
    let output = command
        .env("KEYFERRY_STORE", user.path("none"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stderr).contains("no key can be proven"));
    let first = &documents(&text(&output.stdout))[0];
    assert_eq!(first["encryption"]["key_id"], ours);
    assert_eq!(first["encryption"]["proven"], false);
}
