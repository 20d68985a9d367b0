//! A key's life through the real binary: rotated, retired, compromised, checked, destroyed.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::running::Running;

#[test]
fn a_key_is_destroyed_only_when_nothing_needs_it() {
    let user = Running::start(None);
    let first = user.done(&["key", "new", "photos"]);
    let first = first.trim();
    std::fs::write(user.path("a"), "under the first key").unwrap();
    user.done(&["upload", "a", "s3://lab-tokyo/album/a", "--key", "photos"]);

    // The active key of a ring is never destroyed.
    let refused = user.fails(2, &["key", "destroy", first, "--yes"]);
    assert!(refused.contains("rotate"), "{refused}");
    let second = user.done(&["key", "rotate", "photos"]);

    // The current version needs it, and so does its replica in the other region.
    let destroy = ["key", "destroy", first, "--after", "0s", "--yes"];
    let needed = user.run(&destroy);
    assert_eq!(needed.status.code(), Some(6));
    let listed = String::from_utf8(needed.stdout).unwrap();
    assert!(listed.contains("s3://lab-tokyo/album/a"), "{listed}");
    assert!(listed.contains("s3://lab-osaka/album/a"), "{listed}");
    assert_eq!(listed.matches("  current").count(), 2, "{listed}");

    // Overwritten under the new key, both old versions need it still.
    user.done(&["upload", "a", "s3://lab-tokyo/album/a", "--key", "photos"]);
    let json: Value = serde_json::from_slice(
        &user
            .run(&[&destroy[..], &["--output", "json"]].concat())
            .stdout,
    )
    .unwrap();
    let versions = json["needed_by"].as_array().unwrap();
    assert_eq!(versions.len(), 2);
    for version in versions {
        assert_eq!(version["is_latest"], false);
        let bucket = version["address"]["bucket"].as_str().unwrap();
        let region = match bucket {
            "lab-tokyo" => "ap-northeast-1",
            _ => "ap-northeast-3",
        };
        let key = version["address"]["key"].as_str().unwrap();
        let id = version["version_id"].as_str().unwrap();
        user.delete_version(region, bucket, key, id);
    }

    // Nothing needs it: it is scheduled first, and gone only when asked for once more.
    let scheduled = user.done(&["key", "destroy", first]);
    assert!(scheduled.contains("destroy-scheduled"), "{scheduled}");
    let early = user.fails(2, &["key", "destroy", first, "--yes"]);
    assert!(early.contains("not to be destroyed before"), "{early}");
    let kept = user.done(&["key", "destroy", first, "--cancel"]);
    assert!(kept.contains("decrypt-only"), "{kept}");
    let gone = user.done(&destroy);
    assert!(gone.contains("tombstone"), "{gone}");
    user.fails(5, &["key", "export", first, "copy.key"]);
    user.fails(5, &destroy);

    // The other key is untouched.
    user.done(&["download", "s3://lab-tokyo/album/a", "b"]);
    assert!(user.done(&["key", "list"]).contains(second.trim()));
}

#[test]
fn nobody_knows_where_an_imported_key_was_used() {
    let user = Running::start(None);
    let key: Vec<u8> = (1..=32_u8).map(|at| at.wrapping_mul(at)).collect();
    std::fs::write(user.path("old.key"), key).unwrap();
    user.done(&["key", "import", "old", "old.key", "--decrypt-only"]);
    let list: Value =
        serde_json::from_str(&user.done(&["key", "list", "--output", "json"])).unwrap();
    let id = list[0]["id"].as_str().unwrap();
    let refused = user.fails(2, &["key", "destroy", id]);
    assert!(refused.contains("--scan"), "{refused}");
    let scheduled = user.done(&["key", "destroy", id, "--scan", "s3://lab-tokyo"]);
    assert!(scheduled.contains("destroy-scheduled"), "{scheduled}");
}

#[test]
fn a_key_that_cannot_be_ruled_out_stays() {
    let user = Running::start(None);
    let first = user.done(&["key", "new", "photos"]);
    user.done(&["key", "rotate", "photos"]);
    let missing = user.run(&[
        "key",
        "destroy",
        first.trim(),
        "--scan",
        "s3://lab-tokyo",
        "--endpoint-url",
        "https://127.0.0.1:9",
        "--yes",
    ]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(user.done(&["key", "list"]).contains("decrypt-only"));
}

#[test]
fn states_and_what_check_says_of_them() {
    let user = Running::start(None);
    let pending = user.done(&["key", "new", "photos", "--pending"]);
    let pending = pending.trim();
    user.fails(5, &["key", "headers", "photos"]);
    let warned = user.run(&["key", "check"]);
    assert_eq!(warned.status.code(), Some(6));
    let report = String::from_utf8(warned.stdout).unwrap();
    assert!(report.contains("key activate"), "{report}");

    user.done(&["key", "activate", pending]);
    let marked = user.done(&[
        "key",
        "compromise",
        "photos",
        "--yes",
        "--reason",
        "in a mail",
    ]);
    assert!(marked.contains("compromised"), "{marked}");
    user.fails(5, &["key", "compromise", "photos", "--yes"]);
    user.done(&["key", "new", "photos"]);
    let retired = user.done(&["key", "retire", "photos"]);
    assert!(retired.contains("decrypt-only"), "{retired}");

    let items: Value =
        serde_json::from_slice(&user.run(&["key", "check", "--output", "json"]).stdout).unwrap();
    let faults: Vec<&Value> = items
        .as_array()
        .unwrap()
        .iter()
        .filter(|item| item["level"] != "sound")
        .collect();
    assert!(
        faults
            .iter()
            .any(|item| item["subject"] == "states" && item["key"] == pending),
        "{faults:?}"
    );

    // Open to others: refused, said how to mend it, mended.
    let journal = user.path(".local/share/keyferry/store/journal.jsonl");
    std::fs::set_permissions(&journal, std::fs::Permissions::from_mode(0o644)).unwrap();
    let refused = user.fails(7, &["key", "check"]);
    assert!(refused.contains("open to other users"), "{refused}");
    user.run(&["key", "check", "--fix-permissions"]);
    user.done(&["key", "list"]);
    assert_eq!(
        journal.metadata().unwrap().permissions().mode() & 0o777,
        0o600
    );

    // A damaged key is named, and it is the store that is wrong.
    let file = user.path(&format!(
        ".local/share/keyferry/store/keys/photos/{pending}.age"
    ));
    let mut bytes = std::fs::read(&file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let damaged = user.run(&["key", "check"]);
    assert_eq!(damaged.status.code(), Some(7));
    assert!(String::from_utf8(damaged.stdout).unwrap().contains(pending));
}
