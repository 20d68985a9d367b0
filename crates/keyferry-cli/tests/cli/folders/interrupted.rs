//! Ctrl-C in the middle of a folder, and the command that does the rest.

use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::{files, keys, user, write};
use crate::running::text;

#[test]
fn an_interrupted_folder_goes_on() {
    let user = user();
    for number in 0..300_usize {
        write(
            &user.path("source/small").join(number.to_string()),
            vec![1; 100 + number],
        );
    }
    for number in 0..6_u8 {
        write(
            &user.path("source").join(format!("large {number}")),
            vec![number; 24 << 20],
        );
    }
    let upload = [
        "upload",
        "-r",
        "source",
        "s3://lab-tokyo/i",
        "--key",
        "ring",
    ];
    let mut child = user
        .command(&[&upload[..], &["--no-wait", "--output", "ndjson"]].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Something has been stored.
    let begun = Instant::now();
    while keys(&user, "lab-tokyo").is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(60));
        assert!(child.try_wait().unwrap().is_none(), "it ended too early");
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    let again = "resume with: keyferry upload --resume -r source";
    assert!(stderr.contains(again), "{stderr}");
    let summary = super::lines(&stdout)
        .into_iter()
        .find(|line| line["action"] == "summary");
    let summary = &summary.unwrap()["summary"];
    assert_eq!(summary["complete"], false);
    // What is told to be stored is what is stored, and its key is recorded.
    let stored = keys(&user, "lab-tokyo").len();
    assert_eq!(summary["transferred"], stored);
    assert!(stored < 306);
    let log = user.done(&["key", "log", "--output", "ndjson"]);
    assert_eq!(
        log.matches("i/small/").count() + log.matches("i/large ").count(),
        stored
    );

    let rest = ["--resume", "--output", "ndjson"];
    let told = super::lines(&user.done(&[&upload[..], &rest].concat()));
    let summary = &told.last().unwrap()["summary"];
    let count = |name: &str| usize::try_from(summary[name].as_u64().unwrap()).unwrap();
    assert_eq!(count("transferred") + count("unchanged"), 306);
    assert_eq!(count("unchanged"), stored);
    user.done(&["download", "-r", "s3://lab-tokyo/i", "back"]);
    assert!(files(&user.path("back")) == files(&user.path("source")));
}
