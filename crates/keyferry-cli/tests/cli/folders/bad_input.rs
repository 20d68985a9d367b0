//! What bad input gets: each object that cannot be transferred is named, and the others arrive.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;

use keyferry_key::CustomerKey;

use super::{files, keys, make_bucket, on, user, write};
use crate::running::{Running, names, text};

/// Puts objects under a key of our own, whatever their names.
fn put(user: &Running, bucket: &str, names: &[&str]) -> std::path::PathBuf {
    let key = CustomerKey::generate().unwrap();
    let path = user.path("a key");
    std::fs::write(&path, key.headers().expose_key()).unwrap();
    on(user, async |client| {
        for name in names {
            let headers = key.headers();
            let put = client.put_object().bucket(bucket).key(*name);
            put.sse_customer_algorithm(headers.algorithm())
                .sse_customer_key(headers.expose_key())
                .sse_customer_key_md5(headers.md5().to_string())
                .body(name.as_bytes().to_vec().into())
                .send()
                .await
                .unwrap();
        }
    });
    path
}

#[test]
fn what_cannot_be_uploaded_is_named() {
    let user = user();
    let source = user.path("source");
    write(&source.join("fine"), "fine");
    symlink("fine", source.join("link")).unwrap();
    symlink(&source, source.join("loop")).unwrap();
    symlink("nowhere", source.join("dangling")).unwrap();
    let odd = std::ffi::OsStr::from_bytes(b"odd-\xff");
    std::fs::write(source.join(odd), "odd").unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(source.join("pipe"))
        .status();
    assert!(made.unwrap().success());

    let upload = [
        "upload",
        "-r",
        "source",
        "s3://lab-tokyo/u",
        "--key",
        "ring",
        "--no-wait",
    ];
    let stderr = user.fails(1, &upload);
    assert!(stderr.contains("not UTF-8"), "{stderr}");
    for (name, what) in [
        ("pipe", "named pipe"),
        ("link", "symbolic link"),
        ("loop", "symbolic"),
    ] {
        let said = format!("warning: `source/{name}` is a {what}");
        assert!(stderr.contains(&said), "{stderr}");
    }
    assert_eq!(keys(&user, "lab-tokyo"), ["u/fine"]);

    let stderr = user.fails(1, &[&upload[..], &["--follow-symlinks"]].concat());
    assert!(stderr.contains("a folder above it"), "{stderr}");
    assert!(
        stderr.contains("`source/dangling` cannot be read"),
        "{stderr}"
    );
    assert_eq!(keys(&user, "lab-tokyo"), ["u/fine", "u/link"]);

    let long = format!("s3://lab-tokyo/{}", "p".repeat(1022));
    let too_long = [
        "upload",
        "-r",
        "source/fine",
        &long,
        "--key",
        "ring",
        "--no-wait",
    ];
    let stderr = user.fails(1, &too_long);
    assert!(stderr.contains("the object key has 1027 bytes"), "{stderr}");
}

/// As a user who may not read everything; a test that is root's becomes one.
#[test]
fn unreadable_files_and_folders() {
    let user = user();
    let home = user.path("");
    for path in [&home, &home.join("..")] {
        let mode = std::fs::metadata(path).unwrap().permissions().mode();
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode | 0o055)).unwrap();
    }
    for (name, mode) in [("secret", 0o000), ("fine", 0o644), ("closed/a", 0o644)] {
        let path = user.path("source").join(name);
        write(&path, name);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
    }
    let closed = user.path("source/closed");
    std::fs::set_permissions(&closed, PermissionsExt::from_mode(0o000)).unwrap();
    let ca = user.path("ca.pem");
    std::fs::copy(user.export("AWS_CA_BUNDLE"), &ca).unwrap();
    let key = put(&user, "lab-tokyo", &["other"]);
    for path in [&ca, &key] {
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o644)).unwrap();
    }
    let key = format!("file:{}", key.display());
    let mut command = user.command(&[
        "upload",
        "-r",
        "source",
        "s3://lab-tokyo/u",
        "--key",
        &key,
        "--no-wait",
    ]);
    command
        .env("AWS_CA_BUNDLE", &ca)
        .env("HOME", "/nonexistent");
    if rustix::process::geteuid().is_root() {
        command.uid(65534).gid(65534);
    }
    let output = command.output().unwrap();
    let stderr = text(&output.stderr);
    std::fs::set_permissions(&closed, PermissionsExt::from_mode(0o700)).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    for name in ["secret", "closed"] {
        let said = format!("`source/{name}` cannot be read");
        assert!(stderr.contains(&said), "{stderr}");
    }
    // What to do about it is said once.
    assert_eq!(
        stderr.matches("hint: this user may not read it").count(),
        1,
        "{stderr}"
    );
    assert_eq!(keys(&user, "lab-tokyo"), ["other", "u/fine"]);
}

#[test]
fn names_that_would_leave_the_folder() {
    let user = user();
    let long = format!("p/{}", "n".repeat(300));
    let bad = ["p/../evil", "p//abs", "p/a//b", "p/./dot", "p/x/..", &long];
    let good = ["p/fine", "p/back\\slash", "p/...", "other"];
    let key = put(
        &user,
        "lab-tokyo",
        &[&bad[..], &good, &["p/marker/"]].concat(),
    );
    let key = format!("file:{}", key.display());
    let output = user.run(&[
        "download",
        "-r",
        "s3://lab-tokyo/p",
        "inner/target",
        "--key",
        &key,
    ]);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    for name in bad {
        let said = format!("error: `s3://lab-tokyo/{name}` cannot become a file");
        assert!(stderr.contains(&said), "{name}: {stderr}");
    }
    assert!(
        stderr.contains("`s3://lab-tokyo/p/marker/` cannot become a file"),
        "{stderr}"
    );
    assert_eq!(names(&user.path("inner")), ["target"]);
    assert_eq!(
        names(&user.path("inner/target")),
        ["...", "back\\slash", "fine"]
    );
    assert!(!user.path("evil").exists() && !user.path("inner/evil").exists());
}

#[test]
fn nothing_to_do() {
    let user = user();
    let stderr = user.fails(1, &["download", "-r", "s3://lab-tokyo/nothing", "out"]);
    assert!(stderr.contains("there is no object below `s3://lab-tokyo/nothing/`"));
    std::fs::create_dir_all(user.path("empty/folders")).unwrap();
    let upload = ["upload", "-r", "empty", "s3://lab-tokyo", "--key", "ring"];
    let said = user.done(&upload);
    assert!(said.starts_with("uploaded 0 objects"), "{said}");
}

#[test]
fn command_lines_that_make_no_sense() {
    let user = user();
    write(&user.path("a/x"), "x");
    write(&user.path("b/a/x"), "x");
    for (arguments, said) in [
        (&["upload", "-r", "a"][..], "must look like `s3://bucket`"),
        (
            &["upload", "-r", "a", "b/a", "s3://lab-tokyo"],
            "have the same keys",
        ),
        (&["upload", "a", "b", "s3://lab-tokyo"], "is a folder"),
        (&["upload", "-r", "-", "s3://lab-tokyo"], "standard input"),
        (
            &["upload", "a/x", "s3://lab-tokyo", "--include", "x"],
            "many objects",
        ),
        (
            &["upload", "a/x", "s3://lab-tokyo", "--max-errors", "2"],
            "many objects",
        ),
        (
            &["upload", "-r", "a", "s3://lab-tokyo", "--exclude", "[z-a]"],
            "no pattern",
        ),
        (
            &["upload", "--files-from", "a/x", "b/a/x", "s3://lab-tokyo"],
            "not a folder",
        ),
        (&["upload", "-0", "a/x", "s3://lab-tokyo"], "--files-from"),
        (
            &["download", "-r", "s3://lab-tokyo/a", "-"],
            "standard output",
        ),
        (
            &["download", "s3://lab-tokyo/", "out"],
            "names a bucket but no object",
        ),
        (
            &[
                "download",
                "-r",
                "s3://lab-tokyo/a",
                "o",
                "--version-id",
                "v",
            ],
            "--version-id",
        ),
    ] {
        let output = user.run(arguments);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains(said), "{arguments:?}: {stderr}");
    }
    let stderr = user.fails(1, &["upload", "-r", "missing", "s3://lab-tokyo"]);
    assert!(stderr.contains("`missing` cannot be read"), "{stderr}");
    let stderr = user.fails(1, &["upload", "--files-from", "missing", "s3://lab-tokyo"]);
    assert!(stderr.contains("`missing`"), "{stderr}");
    let stderr = user.fails(1, &["download", "-r", "s3://lab-tokyo/a", "a/x/y"]);
    assert!(stderr.contains("cannot be written"), "{stderr}");
}

#[test]
fn so_many_errors_stop_a_run() {
    let user = user();
    let list: String = (0..2000)
        .map(|number| format!("missing-{number}\n"))
        .collect();
    write(&user.path("list"), list);
    let upload = [
        "upload",
        "--files-from",
        "list",
        "s3://lab-tokyo/m",
        "--key",
        "ring",
        "--max-errors",
        "5",
        "--output",
        "ndjson",
    ];
    let output = user.run(&upload);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("error: stopped, as "), "{stderr}");
    assert!(
        stderr.contains("resume with: keyferry upload --resume --files-from list"),
        "{stderr}"
    );
    let failed = stderr.matches("cannot be read").count();
    assert!((5..1000).contains(&failed), "{failed}");
}

/// What every object would meet is said once, and the run stops.
#[test]
fn buckets_that_take_nothing() {
    let user = user();
    make_bucket(&user, "blocking", false);
    for number in 0..300 {
        write(&user.path("source").join(number.to_string()), "content");
    }
    for (bucket, said) in [
        ("blocking", "blocks uploads under customer keys"),
        ("missing-bucket", "there is no bucket `missing-bucket`"),
    ] {
        let to = format!("s3://{bucket}/x");
        let stderr = user.fails(1, &["upload", "-r", "source", &to, "--key", "ring"]);
        assert_eq!(stderr.matches(said).count(), 1, "{stderr}");
    }
    assert!(keys(&user, "blocking").is_empty());
}

#[test]
fn a_bucket_without_versions() {
    let user = user();
    make_bucket(&user, "plain", true);
    for number in 0..5 {
        write(&user.path("source").join(number.to_string()), "content");
    }
    let upload = ["upload", "-r", "source", "s3://plain/x", "--key", "ring"];
    let output = user.run(&upload);
    let (said, stderr) = (text(&output.stdout), text(&output.stderr));
    // Stored, but nothing that could be confirmed.
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(
        said.contains("replicas    5 not covered by any rule"),
        "{said}"
    );
    assert!(stderr.contains("or give --no-wait"), "{stderr}");
    user.done(&[&upload[..], &["--no-wait"]].concat());
    user.done(&["download", "-r", "s3://plain/x", "out"]);
    assert!(files(&user.path("out")) == files(&user.path("source")));
}
