//! `keyferry verify` of many objects: prefixes, lists of receipts, runs that go on.

#![expect(
    clippy::unwrap_used,
    reason = "only tests come here, and a test fails by panicking"
)]

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use serde_json::Value;

use crate::running::{Running, text};

const ADDRESS: &str = "s3://lab-tokyo/many/";

/// A lab whose source bucket has twelve replicated objects, and the file with their receipts.
fn with_objects() -> Running {
    let running = Running::start(None);
    running.done(&["key", "new", "photos"]);
    let folder = running.path("folder");
    fs::create_dir(&folder).unwrap();
    for number in 0..12 {
        fs::write(folder.join(format!("{number:02}.txt")), vec![number; 5000]).unwrap();
    }
    running.done(&[
        "upload",
        "-r",
        "folder",
        ADDRESS,
        "--key",
        "photos",
        "--receipt",
        "receipts.ndjson",
    ]);
    running
}

fn documents(output: &str) -> Vec<Value> {
    output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn prefixes_and_lists_are_verified() {
    let running = with_objects();
    let all = documents(&running.done(&["verify", ADDRESS, "--output", "ndjson"]));
    assert_eq!(all.len(), 13);
    assert!(all[..12].iter().all(|one| one["verdict"] == "verified"));
    let summary = &all[12]["summary"];
    assert_eq!(summary["verdicts"]["verified"], 12);
    assert_eq!(summary["level"], "equal");
    assert_eq!(summary["conclusion"], "verified");
    assert_eq!(summary["complete"], true);
    assert_eq!(summary["encryption"]["SSE-C"], 12);

    let said = running.done(&["verify", "-r", "s3://lab-tokyo/many/0", "--level", "sample"]);
    assert!(said.contains("all 10 objects arrived"), "{said}");

    let receipts = [
        "verify",
        "--receipt",
        "receipts.ndjson",
        "--deep",
        "--read",
        "replica",
        "--output",
        "ndjson",
    ];
    let all = documents(&running.done(&receipts));
    assert_eq!(all.len(), 13);
    for one in &all[..12] {
        let content = &one["report"]["replicas"][0]["content"];
        assert_eq!(content["read"], "replica", "{one}");
        assert_eq!(content["receipt"], true, "{one}");
    }
    let version = all[0]["version_id"].as_str().unwrap();
    let key = all[0]["address"]["key"].as_str().unwrap();
    running.delete_version("ap-northeast-3", "lab-osaka", key, version);
    let output = running.run(&["verify", ADDRESS, "--output", "json"]);
    assert_eq!(output.status.code(), Some(4));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["objects"].as_array().unwrap().len(), 1);
    assert_eq!(document["objects"][0]["verdict"], "replica-missing");
    assert_eq!(document["summary"]["verdicts"]["verified"], 11);
    let output = running.run(&["verify", ADDRESS]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(4));
    assert!(said.contains(key) && said.contains("hint"), "{said}");
    running.stop();
}

#[test]
fn what_makes_no_sense_is_said() {
    let running = with_objects();
    running.fails(1, &["verify", "s3://lab-tokyo/nothing/here/"]);
    let said = running.run(&["verify", ADDRESS, "--version-id", "x"]);
    assert_eq!(said.status.code(), Some(2));
    let receipts = fs::read_to_string(running.path("receipts.ndjson")).unwrap();
    fs::write(running.path("cut.ndjson"), &receipts[..receipts.len() - 40]).unwrap();
    let said = running.fails(2, &["verify", "--receipt", "cut.ndjson"]);
    assert!(said.contains("line 12"), "{said}");
    fs::write(running.path("empty.ndjson"), "").unwrap();
    running.fails(2, &["verify", "--receipt", "empty.ndjson"]);

    let edited = receipts.replacen("\"size\":5000", "\"size\":5001", 1);
    fs::write(running.path("edited.ndjson"), edited).unwrap();
    let output = running.run(&["verify", "--receipt", "edited.ndjson"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(text(&output.stdout).contains("receipt"));
    // Of the two, the one that was edited is the wrong one.
    let both = [
        "verify",
        "--receipt",
        "receipts.ndjson",
        "--receipt",
        "edited.ndjson",
        "--output",
        "ndjson",
    ];
    let output = running.run(&both);
    assert_eq!(output.status.code(), Some(4));
    let all = documents(&text(&output.stdout));
    let summary = &all.last().unwrap()["summary"];
    assert_eq!(summary["contradicting_receipts"], 1);
    assert_eq!(summary["repeated_receipts"], 11);
    assert_eq!(summary["verdicts"]["verified"], 12);
    running.stop();
}

#[test]
fn an_interrupted_run_goes_on_where_it_was() {
    let running = with_objects();
    let fault = |arguments: &[&str]| {
        let mut all = vec!["lab", "fault"];
        all.extend(arguments);
        running.done(&all);
    };
    fault(&["stall"]);
    fs::write(running.path("late"), "late").unwrap();
    let late = "s3://lab-tokyo/many/late";
    running.done(&["upload", "late", late, "--key", "photos", "--no-wait"]);
    let arguments = ["verify", ADDRESS, "--state", "state.json", "--wait", "10m"];
    let state = running.path("state.json");
    let mut child = running.command(&arguments).spawn().unwrap();
    // It is written while the last object waits.
    let begun = Instant::now();
    while !state.exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "no state");
        std::thread::sleep(Duration::from_millis(50));
    }
    rustix::process::kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let kept: Value = serde_json::from_str(&fs::read_to_string(&state).unwrap()).unwrap();
    assert_eq!(kept["state"]["summary"]["verdicts"]["verified"], 12);
    assert_eq!(kept["state"]["unfinished"][0]["key"], "many/late");

    let other = ["verify", "s3://lab-tokyo/", "--state", "state.json"];
    let said = running.fails(2, &other);
    assert!(said.contains("another verification"), "{said}");
    fault(&["clear"]);
    let said = running.done(&arguments);
    assert!(said.contains("13 objects arrived"), "{said}");
    assert!(!state.exists());
    running.stop();
}
