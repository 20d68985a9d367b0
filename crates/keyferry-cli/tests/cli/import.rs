//! `keyferry key import` as a table: what is given, and what is said of it. The tables are golden
//! files below `tests/golden/import`; `TRYCMD=overwrite` writes them anew.
//!
//! What is accepted is read back, byte for byte. No answer shows anything of a key.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may fail by panicking, and say why"
)]

mod cases;

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use base64::prelude::{BASE64_STANDARD_NO_PAD, Engine};
use tempfile::TempDir;

use crate::running::{keyferry, text};
use cases::{Case, Given};

#[test]
fn raw_bytes() {
    compare("raw", &cases::raw());
}

#[test]
fn hex_digits() {
    compare("hex", &cases::hex());
}

#[test]
fn base64_text() {
    compare("base64", &cases::base64());
}

#[test]
fn wrappings() {
    compare("wrapped", &cases::wrapped());
}

#[test]
fn other_things() {
    compare("no-keys", &cases::no_keys());
}

#[test]
fn sources() {
    compare("sources", &cases::sources());
}

#[test]
fn proof_by_md5() {
    compare("md5", &cases::md5());
}

#[test]
fn formats() {
    compare("formats", &cases::formats());
}

#[test]
fn what_the_store_has() {
    compare("store", &cases::store());
}

#[test]
fn the_tables_are_complete() {
    let tables = [
        cases::raw(),
        cases::hex(),
        cases::base64(),
        cases::wrapped(),
        cases::no_keys(),
        cases::sources(),
        cases::md5(),
        cases::formats(),
        cases::store(),
    ];
    let inputs: usize = tables.iter().map(Vec::len).sum();
    assert!(inputs >= 120, "{inputs}");
}

/// Runs a table and compares it with its golden file.
fn compare(table: &str, cases: &[Case]) {
    let template = tempfile::tempdir().unwrap();
    let made = command(template.path(), &["key", "init", "--no-passphrase"]).output();
    assert!(made.unwrap().status.success());
    let mut shown = String::new();
    for case in cases {
        shown.push_str(&run(case, template.path()));
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/import")
        .join(format!("{table}.txt"));
    if std::env::var("TRYCMD").is_ok_and(|mode| mode == "overwrite") {
        std::fs::create_dir_all(golden.parent().unwrap()).unwrap();
        std::fs::write(&golden, &shown).unwrap();
    }
    let expected = std::fs::read_to_string(&golden).unwrap_or_default();
    for (expected, shown) in expected.split("\n\n").zip(shown.split("\n\n")) {
        assert_eq!(expected, shown, "{table}");
    }
    assert_eq!(expected, shown, "{table}");
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = keyferry();
    command
        .args(arguments)
        .env("KEYFERRY_STORE", "store")
        .env("HOME", folder)
        .env("COLUMNS", "100")
        .current_dir(folder);
    command
}

fn run(case: &Case, template: &Path) -> String {
    let folder = tempfile::tempdir().unwrap();
    copy(&template.join("store"), &folder.path().join("store"));
    let mut shown = format!("## {}\n", case.what);
    for earlier in &case.before {
        let output = import(case, &folder, earlier);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let _ = writeln!(shown, "$ keyferry {}", words(earlier));
    }
    let output = import(case, &folder, &case.arguments);
    let _ = writeln!(shown, "$ keyferry {}", words(&case.arguments));
    let _ = writeln!(shown, "exit {}", output.status.code().unwrap());
    for (stream, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        for line in text(bytes).lines() {
            let _ = writeln!(shown, "{stream}: {}", without_ids(line));
        }
    }
    shown.push('\n');
    assert!(
        !shown.contains("panicked") && !shown.contains("defect"),
        "{shown}"
    );
    hides(case, &shown, &output);

    let stored = command(folder.path(), &["key", "list", "--output", "json"]).output();
    let stored: serde_json::Value = serde_json::from_slice(&stored.unwrap().stdout).unwrap();
    let newest = stored.as_array().unwrap().last();
    match (&case.key, newest) {
        (Some(key), Some(entry)) => {
            assert_eq!(output.status.code(), Some(0), "{shown}");
            let id = entry["id"].as_str().unwrap();
            let exported = command(folder.path(), &["key", "export", id, "-"]).output();
            assert_eq!(exported.unwrap().stdout, key, "{shown}");
        }
        (None, _) => {
            assert_ne!(output.status.code(), Some(0), "{shown}");
            assert!(
                shown.contains("hint:") || shown.contains("--help"),
                "{shown}"
            );
            let before = stored.as_array().unwrap().len();
            assert_eq!(before, case.before.len(), "{shown}");
        }
        (Some(_), None) => panic!("nothing was stored: {shown}"),
    }
    shown
}

/// Neither the key nor what was given can be seen in an answer.
fn hides(case: &Case, shown: &str, output: &Output) {
    let mut printed = output.stdout.clone();
    printed.extend(&output.stderr);
    let mut secrets: Vec<Vec<u8>> = case
        .input
        .split(|byte| b"\r\n\0\"'= ".contains(byte))
        .filter(|piece| piece.len() >= 24)
        .map(<[u8]>::to_vec)
        .collect();
    if let Some(key) = &case.key {
        secrets.push(hex::encode(key).into());
        secrets.push(hex::encode_upper(key).into());
        secrets.push(BASE64_STANDARD_NO_PAD.encode(key).into());
        secrets.push(key.to_vec());
    }
    for secret in secrets {
        let seen = memchr::memmem::find(&printed, &secret).is_some();
        assert!(!seen, "{}: the answer shows the key: {shown}", case.what);
    }
}

/// Gives a case's input in the way that it asks for.
fn import(case: &Case, folder: &TempDir, arguments: &[String]) -> Output {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let path = folder.path().join("key");
    let mut command = command(folder.path(), &arguments);
    match case.given {
        Given::File => std::fs::write(&path, &case.input).unwrap(),
        Given::Nothing => {}
        Given::Stdin => {
            let mut child = command
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            child.stdin.take().unwrap().write_all(&case.input).unwrap();
            return child.wait_with_output().unwrap();
        }
        Given::Descriptor => {
            std::fs::write(&path, &case.input).unwrap();
            let mut shell = Command::new("/bin/sh");
            shell
                .args(["-c", "exec \"$@\" 7< key", "sh"])
                .arg(command.get_program())
                .args(command.get_args())
                .env("KEYFERRY_STORE", "store")
                .env("HOME", folder.path())
                .env("COLUMNS", "100")
                .current_dir(folder.path())
                .stdin(Stdio::null());
            return shell.output().unwrap();
        }
        Given::Environment => {
            command.env("MY_KEY", text(&case.input));
        }
        Given::Fifo => {
            let made = Command::new("mkfifo").arg(&path).status().unwrap();
            assert!(made.success());
            let input = case.input.clone();
            let writer = std::thread::spawn(move || std::fs::write(&path, input));
            let output = command.output().unwrap();
            writer.join().unwrap().unwrap();
            return output;
        }
        Given::Folder => std::fs::create_dir_all(&path).unwrap(),
        Given::Unreadable => {
            std::fs::write(&path, &case.input).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o000)).unwrap();
            if rustix::process::geteuid().is_root() {
                // Nothing is unreadable for root.
                std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
                command.uid(65534).gid(65534);
            }
        }
    }
    command.output().unwrap()
}

fn words(arguments: &[String]) -> String {
    shlex::try_join(arguments.iter().map(String::as_str)).unwrap()
}

/// Ids and times differ from run to run.
fn without_ids(line: &str) -> String {
    let mut shown = line.to_owned();
    for prefix in ["kf-", "ks-"] {
        let mut from = 0;
        while let Some(at) = shown[from..]
            .find(prefix)
            .map(|at| from + at + prefix.len())
        {
            let end = at
                + shown[at..]
                    .bytes()
                    .take_while(u8::is_ascii_alphanumeric)
                    .count();
            if end - at == 26 {
                shown.replace_range(at..end, "[..]");
            }
            from = at;
        }
    }
    match shown.split_once("\"created\": \"") {
        Some((before, _)) => format!("{before}\"created\": \"[..]\","),
        None => shown,
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    let mode = std::fs::metadata(from).unwrap().permissions();
    std::fs::set_permissions(to, mode).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}
