//! `keyferry sync`: what is copied, and what is not.

use std::os::unix::ffi::OsStrExt;

use aws_sdk_s3::types::EncryptionType;
use keyferry_key::{CustomerKey, KeyId};
use keyferry_tests::buckets::block;

use super::{documents, keys, put_plain, results, summary, write};
use crate::rekey::world::{Key, OSAKA, TOKYO, World, get, put};
use crate::running::{names, text};

const UP: [&str; 6] = [
    "sync",
    "d",
    "s3://lab-tokyo/p",
    "--key",
    "photos",
    "--output",
];

#[test]
fn only_what_differs_is_copied() {
    let world = World::start();
    let (user, key) = (&world.user, world.active());
    let up = |more: &[&str]| user.done(&[&UP[..], &["ndjson"], more].concat());
    // `a-b` comes before all in `a`, and `a0` after it.
    let files = [
        ("a-b", "1"),
        ("a/b", "2"),
        ("a/c/d e", "3"),
        ("a0", "4"),
        ("é", ""),
    ];
    write(&user.path("d"), &files);
    let planned = up(&["--dry-run"]);
    assert_eq!(summary(&planned)["transferred"], 5);
    assert_eq!(keys(&world, "s3://lab-tokyo").len(), 0);
    let sent = up(&[]);
    assert_eq!(summary(&sent)["transferred"], 5);
    assert_eq!(summary(&sent)["replicas"]["verified"], 5);
    assert_eq!(
        keys(&world, "s3://lab-tokyo"),
        ["p/a-b", "p/a/b", "p/a/c/d e", "p/a0", "p/é"]
    );
    assert_eq!(summary(&up(&[]))["unchanged"], 5);

    // The same size and another content; another size; and a time that says nothing.
    write(
        &user.path("d"),
        &[("a-b", "X"), ("a/b", "longer"), ("a0", "4")],
    );
    let changed = up(&["--no-wait"]);
    let reason = |name: &str| {
        let address = format!("s3://lab-tokyo/p/{name}");
        let documents = documents(&changed);
        let of = documents
            .iter()
            .find(|document| document["destination"] == address.as_str());
        of.unwrap()["reason"]["kind"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(
        (reason("a-b"), reason("a/b"), reason("a0")),
        ("content".into(), "size".into(), String::new())
    );

    // By size alone nothing is read, and by time what is newer here is sent.
    write(&user.path("d"), &[("a-b", "Y")]);
    assert_eq!(summary(&up(&["--size-only"]))["unchanged"], 5);
    let newer = up(&["--compare", "time", "--no-wait", "--include", "a-b"]);
    assert_eq!(summary(&newer)["transferred"], 1);

    // Down again, into a folder that is not there yet.
    let down = ["sync", "s3://lab-tokyo/p/", "e", "--output", "ndjson"];
    assert_eq!(summary(&user.done(&down))["transferred"], 5);
    assert_eq!(std::fs::read(user.path("e/a-b")).unwrap(), b"Y");
    assert_eq!(names(&user.path("e")), ["a", "a-b", "a0", "é"]);
    write(&user.path("e"), &[("a-b", "Z")]);
    let again = user.done(&down);
    assert_eq!(
        (
            summary(&again)["transferred"].as_u64(),
            summary(&again)["unchanged"].as_u64()
        ),
        (Some(1), Some(4))
    );

    // And across, under another key.
    let (_, new) = world.rotate();
    let across = [
        "sync",
        "s3://lab-tokyo/p",
        "s3://lab-osaka/q",
        "--key",
        "photos",
        "--no-wait",
        "--output",
        "ndjson",
    ];
    assert_eq!(summary(&user.done(&across))["transferred"], 5);
    assert_eq!(summary(&user.done(&across))["unchanged"], 5);
    let read = get(&world.osaka, OSAKA, "q/a-b", &new.key);
    assert_eq!(world.runtime.block_on(read).unwrap().0, b"Y");

    // An older key differs, as other keys do, and none.
    let foreign = Key {
        id: KeyId::generate().unwrap(),
        key: CustomerKey::generate().unwrap(),
    };
    world.runtime.block_on(async {
        put(&world.tokyo, &foreign, "p/a0", b"4".to_vec()).await;
        put_plain(&world.tokyo, TOKYO, "p/plain").await;
    });
    write(&user.path("d"), &[("plain", "plain")]);
    let again = up(&["--no-wait"]);
    let mut reasons: Vec<_> = documents(&again)
        .iter()
        .filter_map(|document| document["reason"]["kind"].as_str().map(str::to_owned))
        .collect();
    reasons.sort();
    assert_eq!(
        reasons,
        [
            "no-customer-key",
            "other-key",
            "other-key",
            "other-key",
            "other-key",
            "unknown-key"
        ]
    );
    assert_ne!(key.id, new.id);
}

#[test]
fn one_bad_name_is_said_and_the_others_come() {
    let world = World::start();
    let (user, key) = (&world.user, world.active());
    let foreign = Key {
        id: KeyId::generate().unwrap(),
        key: CustomerKey::generate().unwrap(),
    };
    world.runtime.block_on(async {
        for name in ["p/../out", "p//x", "p/good", "p/f", "p/f/x", "p/folder/"] {
            put(&world.tokyo, &key, name, b"1".to_vec()).await;
        }
        put(&world.tokyo, &foreign, "p/theirs", b"1".to_vec()).await;
        put_plain(&world.tokyo, TOKYO, "p/plain").await;
    });
    let down = ["sync", "s3://lab-tokyo/p", "e", "--output", "ndjson"];
    let output = user.run(&down);
    assert_eq!(output.status.code(), Some(1));
    let found = results(&text(&output.stdout), "source");
    let of = |name: &str| {
        let address = format!("s3://lab-tokyo/p/{name}");
        let result = found.iter().find(|(source, _)| *source == address);
        result.map(|(_, result)| result.as_str())
    };
    assert_eq!(of("good"), Some("transferred"));
    for bad in ["../out", "/x", "theirs", "plain"] {
        assert_eq!(of(bad), Some("failed"), "{bad}");
    }
    // Of a file and a folder of one name there can be only one.
    let results = [of("f"), of("f/x")];
    assert!(
        results.contains(&Some("transferred")) && results.contains(&Some("failed")),
        "{results:?}"
    );
    assert_eq!(of("folder/"), None);
    assert!(!user.path("out").exists());
    let stderr = text(&output.stderr);
    assert!(
        stderr.contains("no key of the store opens `s3://lab-tokyo/p/theirs`"),
        "{stderr}"
    );

    // It stops when as many failed as may.
    let stopped = user.run(&[&down[..], &["--max-errors", "1"]].concat());
    assert!(
        text(&stopped.stderr).contains("stopped, as "),
        "{}",
        text(&stopped.stderr)
    );

    // Names that are no text, links and pipes, on the way up.
    write(&user.path("d"), &[("good", "1")]);
    let odd = std::ffi::OsStr::from_bytes(b"odd\xff");
    std::fs::write(user.path("d").join(odd), "1").unwrap();
    std::os::unix::fs::symlink("good", user.path("d/link")).unwrap();
    let output = user.run(&[&UP[..], &["ndjson", "--no-wait"]].concat());
    assert_eq!(output.status.code(), Some(1));
    let counts = summary(&text(&output.stdout));
    let counts = ["failed", "skipped"].map(|name| counts[name].as_u64().unwrap());
    assert_eq!(counts, [1, 1]);
    std::fs::remove_file(user.path("d").join(odd)).unwrap();
    user.done(&[&UP[..], &["text", "--no-wait", "--follow-symlinks"]].concat());
    assert!(keys(&world, "s3://lab-tokyo/p").contains(&"p/link".to_owned()));
}

#[test]
fn usage_and_what_all_objects_would_meet() {
    let world = World::start();
    let user = &world.user;
    write(&user.path("d"), &[("a", "1"), ("b", "2")]);
    for (code, arguments, said) in [
        (2, &["sync", "d", "e"][..], "neither"),
        (
            2,
            &["sync", "d", "s3://lab-tokyo/p"],
            "no key to encrypt under",
        ),
        (
            2,
            &["sync", "d", "s3://lab-tokyo/p", "--key", "file:d/a"],
            "only a key of the store",
        ),
        (
            2,
            &[
                "sync",
                "s3://lab-tokyo",
                "s3://lab-tokyo/p",
                "--key",
                "photos",
            ],
            "a part of",
        ),
        (
            1,
            &["sync", "none", "s3://lab-tokyo/p", "--key", "photos"],
            "cannot be read",
        ),
        (
            1,
            &["sync", "d/a", "s3://lab-tokyo/p", "--key", "photos"],
            "not a folder",
        ),
        (
            1,
            &["sync", "d", "s3://lab-kyoto/p", "--key", "photos"],
            "there is no bucket",
        ),
    ] {
        let failed = user.fails(code, arguments);
        assert!(failed.contains(said), "{arguments:?}: {failed}");
    }
    // What a bucket that blocks customer keys says of one object holds for all.
    let block = block(&world.tokyo, TOKYO, EncryptionType::SseC);
    world.runtime.block_on(block).unwrap();
    let blocked = user.fails(1, &[&UP[..], &["text"]].concat());
    assert!(
        blocked.contains("blocks uploads under customer keys"),
        "{blocked}"
    );
    assert!(
        blocked.contains("the others would fail for the same reason"),
        "{blocked}"
    );
}
