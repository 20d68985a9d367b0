//! The other evaluator's process.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::case::Outcome;

/// Its answers, in the order of the questions.
pub(crate) fn ask(questions: impl Iterator<Item = Value>) -> Vec<Outcome> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/iam-simulate");
    assert!(
        folder.join("node_modules").is_dir(),
        "the oracle is not installed: run `npm ci --prefix tests/iam-simulate`"
    );
    let lines: Vec<String> = questions.map(|question| question.to_string()).collect();
    let count = lines.len();
    let mut node = Command::new("node")
        .arg(folder.join("oracle.mjs"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node starts");
    let mut input = node.stdin.take().expect("piped");
    // A thread of its own: the answers must be read while questions are still being written.
    let writer = std::thread::spawn(move || {
        for line in lines {
            writeln!(input, "{line}").expect("the oracle reads");
        }
    });
    let output = BufReader::new(node.stdout.take().expect("piped"));
    let answers: Vec<Outcome> = output
        .lines()
        .map(|line| read(&line.expect("text")))
        .collect();
    writer.join().expect("all questions were written");
    assert!(node.wait().expect("node ends").success());
    assert_eq!(answers.len(), count);
    answers
}

fn read(line: &str) -> Outcome {
    let answer: Value = serde_json::from_str(line).expect("the oracle answers in JSON");
    match answer["result"].as_str() {
        Some("Allowed") => Outcome::Allowed,
        Some("ExplicitlyDenied") => Outcome::Explicit,
        Some("ImplicitlyDenied") => Outcome::Implicit,
        _ => panic!("the oracle failed: {line}"),
    }
}
