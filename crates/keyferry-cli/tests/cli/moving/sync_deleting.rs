//! `keyferry sync --delete`: nothing goes that should stay.

use super::{keys, results, summary, write};
use crate::rekey::world::{World, put};
use crate::running::{names, text};

const UP: [&str; 8] = [
    "sync",
    "d",
    "s3://lab-tokyo/p",
    "--key",
    "photos",
    "--no-wait",
    "--delete",
    "--output",
];

#[test]
fn surplus_objects_go_when_it_was_agreed_to() {
    let world = World::start();
    let (user, key) = (&world.user, world.active());
    world.runtime.block_on(async {
        for name in ["p/a-b", "p/keep", "p/x.log", "p/old/1", "other"] {
            put(&world.tokyo, &key, name, b"1".to_vec()).await;
        }
    });
    write(&user.path("d"), &[("keep", "1"), ("new", "1")]);
    let refused = user.fails(2, &[&UP[..], &["text"]].concat());
    assert!(refused.contains("--yes"), "{refused}");
    let planned = user.done(&[&UP[..], &["ndjson", "--dry-run"]].concat());
    assert_eq!(summary(&planned)["removed"], 3);
    assert_eq!(keys(&world, "s3://lab-tokyo").len(), 5);

    // What is excluded is left alone on both sides.
    let done = user.done(&[&UP[..], &["ndjson", "--yes", "--exclude", "*.log"]].concat());
    let removed: Vec<_> = results(&done, "destination")
        .into_iter()
        .filter(|(name, _)| ["a-b", "1"].iter().any(|end| name.ends_with(end)))
        .collect();
    let result = |name: &str| (format!("s3://lab-tokyo/p/{name}"), "removed".to_owned());
    assert_eq!(removed, [result("a-b"), result("old/1")]);
    assert_eq!(
        keys(&world, "s3://lab-tokyo"),
        ["other", "p/keep", "p/new", "p/x.log"]
    );
}

#[test]
fn surplus_files_go_and_nothing_outside() {
    let world = World::start();
    let (user, key) = (&world.user, world.active());
    world
        .runtime
        .block_on(put(&world.tokyo, &key, "p/a", b"1".to_vec()));
    write(
        &user.path("e"),
        &[("old", "1"), ("sub/old", "1"), (".a.keyferry-part", "1")],
    );
    write(&user.path("outside"), &[("file", "1")]);
    std::os::unix::fs::symlink(user.path("outside"), user.path("e/link")).unwrap();
    user.done(&["sync", "s3://lab-tokyo/p", "e", "--delete", "--yes"]);
    assert_eq!(
        names(&user.path("e")),
        [".a.keyferry-part", "a", "link", "sub"]
    );
    assert!(names(&user.path("e/sub")).is_empty());
    assert_eq!(names(&user.path("outside")), ["file"]);
}

#[test]
fn nothing_goes_when_the_source_is_not_whole() {
    let world = World::start();
    let (user, key) = (&world.user, world.active());
    world.runtime.block_on(async {
        for name in ["p/a", "p/b"] {
            put(&world.tokyo, &key, name, b"1".to_vec()).await;
        }
    });
    let stays = |why: &str, more: &[&str]| {
        let output = user.run(&[&UP[..], &["ndjson", "--yes"], more].concat());
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(
            stderr.contains("nothing was removed from the destination"),
            "{stderr}"
        );
        assert!(stderr.contains(why), "{stderr}");
        assert!(keys(&world, "s3://lab-tokyo").contains(&"p/b".to_owned()));
    };
    std::fs::create_dir(user.path("d")).unwrap();
    stays("the source has nothing at all", &[]);
    // A link that leads nowhere may have been a folder of many files.
    write(&user.path("d"), &[("a", "1")]);
    std::os::unix::fs::symlink("nowhere", user.path("d/b")).unwrap();
    stays(
        "a part of the source could not be looked at",
        &["--follow-symlinks"],
    );
    // Nor does an empty prefix empty a folder.
    write(&user.path("e"), &[("file", "1")]);
    let output = user.run(&["sync", "s3://lab-tokyo/none", "e", "--delete", "--yes"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(names(&user.path("e")), ["file"]);
}
