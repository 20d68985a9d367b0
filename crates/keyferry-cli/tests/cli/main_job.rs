//! The main job through the real binary: key, upload, replicated, verified, downloaded.

use std::io::Write;
use std::process::Stdio;

use serde_json::Value;

use crate::running::{Running, text};

#[test]
fn file_goes_to_one_region_and_comes_back_from_the_other() {
    let user = Running::start(None);
    let key_id = user.done(&["key", "new", "photos"]);
    let content: Vec<u8> = (0..20_000_000_u32)
        .flat_map(|n| (n % 251) as u8..=(n % 251) as u8)
        .collect();
    std::fs::write(user.path("photo album.bin"), &content).unwrap();

    let uploaded = user.done(&[
        "upload",
        "photo album.bin",
        "s3://lab-tokyo/2026/",
        "--key",
        "photos",
        "--deep",
        "--metadata",
        "camera=x100",
        "--tag",
        "trip=osaka",
        "--receipt",
        "receipt.json",
    ]);
    assert!(uploaded.contains("verified (deep)"), "{uploaded}");

    user.done(&[
        "download",
        "s3://lab-tokyo/2026/photo album.bin",
        "copy",
        "--from",
        "replica",
    ]);
    assert!(std::fs::read(user.path("copy")).unwrap() == content);

    let report: Value = serde_json::from_str(&user.done(&[
        "verify",
        "--receipt",
        "receipt.json",
        "--output",
        "json",
    ]))
    .unwrap();
    assert_eq!(report["report"]["outcome"]["kind"], "verified");
    assert_eq!(report["receipt"]["key_id"], key_id.trim());

    // The other direction, through pipes.
    let mut upload = user
        .command(&[
            "upload",
            "-",
            "s3://lab-osaka/from a pipe",
            "--key",
            "photos",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    upload.stdin.take().unwrap().write_all(&content).unwrap();
    assert_eq!(upload.wait().unwrap().code(), Some(0));
    let piped = user.run(&[
        "download",
        "s3://lab-osaka/from a pipe",
        "-",
        "--from",
        "replica",
    ]);
    assert_eq!(piped.status.code(), Some(0), "{}", text(&piped.stderr));
    assert!(piped.stdout == content);

    user.stop();
}

#[test]
fn wrong_and_unknown_keys_have_their_exit_code() {
    let user = Running::start(None);
    user.done(&["key", "new", "one"]);
    user.done(&["key", "new", "two"]);
    std::fs::write(user.path("file"), "content").unwrap();
    user.done(&["upload", "file", "s3://lab-tokyo/file", "--key", "one"]);

    user.fails(
        5,
        &["download", "s3://lab-tokyo/file", "copy", "--key", "two"],
    );
    user.fails(5, &["verify", "s3://lab-tokyo/file", "--key", "two"]);
    let elsewhere = user.path("elsewhere");
    let elsewhere = elsewhere.to_str().unwrap();
    user.done(&["--store", elsewhere, "key", "init", "--no-passphrase"]);
    user.done(&["--store", elsewhere, "key", "new", "one"]);
    user.fails(
        5,
        &[
            "--store",
            elsewhere,
            "download",
            "s3://lab-tokyo/file",
            "copy",
        ],
    );
    assert!(!user.path("copy").exists());

    // A key that the store does not know opens what it encrypted.
    user.done(&["key", "export", "one", "one.key"]);
    user.done(&[
        "--store",
        elsewhere,
        "download",
        "s3://lab-tokyo/file",
        "copy",
        "--key",
        "file:one.key",
    ]);
    assert_eq!(std::fs::read(user.path("copy")).unwrap(), b"content");
}

#[test]
fn only_active_keys_encrypt() {
    let user = Running::start(None);
    let old = user.done(&["key", "new", "ring"]);
    let old = old.trim();
    std::fs::write(user.path("file"), "content").unwrap();
    user.done(&["upload", "file", "s3://lab-tokyo/old", "--key", old]);
    user.done(&["key", "rotate", "ring"]);
    let stderr = user.fails(5, &["upload", "file", "s3://lab-tokyo/new", "--key", old]);
    assert!(stderr.contains("decrypt-only"), "{stderr}");
    user.done(&["download", "s3://lab-tokyo/old", "copy", "--key", old]);
    user.done(&["upload", "file", "s3://lab-tokyo/new", "--key", "ring"]);
}

#[test]
fn bad_input_leaves_nothing_behind() {
    let user = Running::start(None);
    user.done(&["key", "new", "ring"]);
    std::fs::write(user.path("file"), "content").unwrap();
    let before = crate::running::names(&user.path(""));

    user.fails(
        1,
        &[
            "upload",
            "file",
            "s3://no-such-bucket-here/file",
            "--key",
            "ring",
        ],
    );
    user.fails(
        1,
        &[
            "upload",
            "no-such-file",
            "s3://lab-tokyo/file",
            "--key",
            "ring",
        ],
    );
    user.fails(1, &["download", "s3://lab-tokyo/no-such-object", "copy"]);
    user.fails(2, &["upload", "file", "s3://lab-tokyo/file"]);
    user.fails(
        5,
        &[
            "upload",
            "file",
            "s3://lab-tokyo/file",
            "--key",
            "kf-aaaaaaaaaaaaaaaaaaaaaaaaaa",
        ],
    );
    user.done(&["upload", "file", "s3://lab-tokyo/file", "--key", "ring"]);
    user.fails(
        1,
        &["download", "s3://lab-tokyo/file", "no/such/folder/copy"],
    );
    assert_eq!(crate::running::names(&user.path("")), before);
}

#[test]
fn odd_names_round_trip() {
    let user = Running::start(None);
    user.done(&["key", "new", "ring"]);
    for (number, name) in [
        "with space",
        "日本語/é.txt",
        "100%25",
        "a+b",
        "trailing/",
        "a//b",
        "?query#hash",
        "quote'\"&<>",
        "dots/../not-a-folder",
    ]
    .into_iter()
    .enumerate()
    {
        let content = format!("content {number}");
        std::fs::write(user.path("file"), &content).unwrap();
        let address = format!("s3://lab-tokyo/{name}");
        if name.ends_with('/') {
            // With a file this names a folder; from a pipe it is the key itself.
            let mut upload = user
                .command(&["upload", "-", &address, "--key", "ring"])
                .stdin(Stdio::piped())
                .spawn()
                .unwrap();
            upload
                .stdin
                .take()
                .unwrap()
                .write_all(content.as_bytes())
                .unwrap();
            assert_eq!(upload.wait().unwrap().code(), Some(0), "{name}");
        } else {
            user.done(&["upload", "file", &address, "--key", "ring"]);
        }
        user.done(&["download", &address, "copy", "--from", "replica"]);
        assert_eq!(
            std::fs::read_to_string(user.path("copy")).unwrap(),
            content,
            "{name}"
        );
    }
}
