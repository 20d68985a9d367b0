//! `keyferry upload -r` and `download -r`: many objects through the real binary.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod bad_input;
mod interrupted;
mod keys;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use aws_sdk_s3::Client;
use keyferry_tests::buckets;
use serde_json::Value;

use crate::running::{Running, text};

const REGION: &str = "ap-northeast-1";

/// A user with a ring.
fn user() -> Running {
    let user = Running::start(None);
    user.done(&["key", "new", "ring"]);
    user
}

fn write(path: &Path, content: impl AsRef<[u8]>) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

/// All files below a folder, with their content.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let entry = entry.unwrap();
            let path = entry.path();
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else if entry.file_type().unwrap().is_file() {
                let name = path.strip_prefix(folder).unwrap().to_owned();
                files.insert(name, std::fs::read(path).unwrap());
            }
        }
    }
    files
}

/// One document a line.
fn lines(output: &str) -> Vec<Value> {
    let lines = output.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn on(user: &Running, work: impl AsyncFnOnce(Client)) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(work(user.client(REGION)));
}

/// The keys of a bucket.
fn keys(user: &Running, bucket: &str) -> Vec<String> {
    let mut keys = Vec::new();
    on(user, async |client| {
        let list = client.list_objects_v2().bucket(bucket).send().await;
        let found = list.unwrap().contents.unwrap_or_default();
        keys.extend(found.into_iter().filter_map(|object| object.key));
    });
    keys
}

/// A bucket without versions; new buckets refuse customer keys until they are told not to.
fn make_bucket(user: &Running, name: &str, takes_sse_c: bool) {
    on(user, async |client| {
        let made = match takes_sse_c {
            true => buckets::make_for_customer_keys(&client, name).await,
            false => buckets::make(&client, name).await,
        };
        made.unwrap();
    });
}

#[test]
fn a_folder_goes_there_and_back() {
    let user = user();
    let source = user.path("my source");
    for number in 0..40 {
        let name = format!("sub {}/{number}.txt", number % 3);
        write(&source.join(name), format!("content {number}"));
    }
    write(&source.join(".hidden/日本"), vec![7; 9 << 20]);
    write(&source.join("empty file"), "");
    std::fs::create_dir(source.join("empty folder")).unwrap();

    let upload = [
        "upload",
        "-r",
        "my source",
        "s3://lab-tokyo/there",
        "--key",
        "ring",
        "--receipt",
        "receipts",
        "--output",
        "json",
    ];
    let told: Value = serde_json::from_str(&user.done(&upload)).unwrap();
    assert_eq!(told["summary"]["transferred"], 42);
    assert_eq!(told["summary"]["replicas"]["verified"], 42);
    assert_eq!(told["summary"]["complete"], true);
    let actions = told["actions"].as_array().unwrap();
    assert_eq!(actions.len(), 84);
    let receipts = lines(&std::fs::read_to_string(user.path("receipts")).unwrap());
    assert_eq!(receipts.len(), 42);
    assert!(receipts.iter().all(|receipt| receipt["sha256"].is_string()));
    // The receipts prove an earlier upload.
    let stderr = user.fails(2, &upload);
    assert!(stderr.contains("is not overwritten"), "{stderr}");

    // The journal has all uses in one entry, not one entry for each.
    let log = user.done(&["key", "log", "--output", "ndjson"]);
    assert_eq!(log.matches("sub 1/1.txt").count(), 1, "{log}");
    assert!(lines(&log).len() < 10, "{log}");

    let said = user.done(&["download", "-r", "s3://lab-tokyo/there/", "back/again"]);
    assert!(
        said.starts_with("downloaded 42 objects, 9.0 MiB from"),
        "{said}"
    );
    assert!(files(&user.path("back/again")) == files(&source));
    // From the other region, too.
    let from_replica = [
        "download",
        "-r",
        "s3://lab-tokyo/there",
        "far",
        "--from",
        "replica",
    ];
    user.done(&from_replica);
    assert!(files(&user.path("far")) == files(&source));
}

#[test]
fn sources_keep_their_names_beside_each_other() {
    let user = user();
    write(&user.path("one/a"), "1");
    write(&user.path("two/deep/a"), "2");
    write(&user.path("file"), "3");
    let upload = |arguments: &[&str]| {
        let fixed = ["--key", "ring", "--no-wait"];
        user.done(&[&["upload"], arguments, &fixed].concat())
    };
    upload(&["-r", "one", "two/deep", "file", "s3://lab-tokyo/several"]);
    upload(&["one/a", "file", "s3://lab-tokyo/files/"]);
    upload(&["-r", "file", "s3://lab-tokyo/single"]);
    write(&user.path("list"), "one/a\n./two//deep/a\n\nfile\n");
    upload(&["--files-from", "list", "s3://lab-tokyo/list"]);
    write(&user.path("zeros"), "deep\0");
    let zeros = [
        "-r",
        "-0",
        "--files-from",
        "zeros",
        "two",
        "s3://lab-tokyo/zeros",
    ];
    upload(&zeros);
    assert_eq!(
        keys(&user, "lab-tokyo"),
        [
            "files/a",
            "files/file",
            "list/file",
            "list/one/a",
            "list/two/deep/a",
            "several/deep/a",
            "several/file",
            "several/one/a",
            "single/file",
            "zeros/deep/a",
        ]
    );
}

#[test]
fn filters_and_what_would_be_done() {
    let user = user();
    for name in ["a.jpg", "b/c.jpg", "b/d.txt", "logs/x.log"] {
        write(&user.path("source").join(name), name);
    }
    let to = [
        "-r",
        "source",
        "s3://lab-tokyo/f",
        "--key",
        "ring",
        "--no-wait",
    ];
    let upload = |arguments: &[&str]| user.done(&[&["upload"], &to[..], arguments].concat());
    let said = upload(&["--dry-run", "--exclude", "*.txt"]);
    assert!(said.contains("would upload source/b/c.jpg to s3://lab-tokyo/f/b/c.jpg"));
    assert!(said.contains("would upload 3 objects"), "{said}");
    assert!(keys(&user, "lab-tokyo").is_empty());

    upload(&["--include", "*.jpg", "--exclude", "b/*"]);
    assert_eq!(keys(&user, "lab-tokyo"), ["f/a.jpg"]);
    let told = lines(&upload(&["--output", "ndjson", "--exclude", "logs/*"]));
    assert_eq!(told.len(), 4);
    assert!(
        told.iter()
            .take(3)
            .all(|line| line["status"] == "transferred"
                && line["receipt"]["version_id"].is_string()
                && line["action"] == "upload")
    );
    assert_eq!(told[3]["summary"]["transferred"], 3);

    let said = user.done(&["download", "-r", "s3://lab-tokyo/f", "out", "--dry-run"]);
    assert!(said.contains("would download s3://lab-tokyo/f/b/d.txt to out/b/d.txt"));
    assert!(!user.path("out").exists());
    let filtered = [
        "download",
        "-r",
        "s3://lab-tokyo/f",
        "out",
        "--exclude",
        "*",
        "--include",
        "b/*",
    ];
    user.done(&filtered);
    assert_eq!(files(&user.path("out")).len(), 2);
    let told = lines(&user.done(&[
        "download",
        "-r",
        "s3://lab-tokyo",
        "all",
        "--output",
        "ndjson",
    ]));
    assert_eq!(told.len(), 4);
    assert!(told.iter().take(3).all(|line| line["verified"] == true));
}

#[test]
fn what_is_there_is_overwritten_as_asked() {
    let user = user();
    for name in ["a", "b"] {
        write(&user.path("source").join(name), name);
    }
    let summary = |arguments: &[&str]| {
        let told = user.done(&[arguments, &["--output", "ndjson"]].concat());
        let last = lines(&told).pop().unwrap();
        let count = |name: &str| last["summary"][name].as_u64().unwrap();
        (count("transferred"), count("unchanged"), count("existing"))
    };
    let up = |overwrite: &str| {
        let to = [
            "upload",
            "-r",
            "source",
            "s3://lab-tokyo/o",
            "--key",
            "ring",
        ];
        summary(&[&to[..], &["--no-wait", "--overwrite", overwrite]].concat())
    };
    let down = |overwrite: &str| {
        let to = ["download", "-r", "s3://lab-tokyo/o", "target"];
        summary(&[&to[..], &["--overwrite", overwrite]].concat())
    };
    assert_eq!(up("if-different"), (2, 0, 0));
    assert_eq!(up("if-different"), (0, 2, 0));
    assert_eq!(up("never"), (0, 0, 2));
    write(&user.path("source/b"), "B");
    assert_eq!(up("if-different"), (1, 1, 0));
    assert_eq!(up("always"), (2, 0, 0));
    assert_eq!(down("never"), (2, 0, 0));
    write(&user.path("target/a"), "mine");
    assert_eq!(down("never"), (0, 0, 2));
    assert_eq!(std::fs::read(user.path("target/a")).unwrap(), b"mine");
    assert_eq!(down("if-different"), (1, 1, 0));
    assert!(files(&user.path("target")) == files(&user.path("source")));
}

#[test]
fn verbose_runs_name_every_object() {
    let user = user();
    write(&user.path("source/a\u{1b}[2J"), "a");
    let to = [
        "upload",
        "-r",
        "-v",
        "source",
        "s3://lab-tokyo/v",
        "--key",
        "ring",
    ];
    let output = user.run(&[&to[..], &["--no-wait"]].concat());
    let said = text(&output.stdout);
    assert!(
        said.starts_with("uploaded source/a\\u{1b}[2J to s3://"),
        "{said}"
    );
    let quiet = user.run(&["download", "-r", "-q", "s3://lab-tokyo/v", "out"]);
    assert_eq!(text(&quiet.stderr), "");
}
