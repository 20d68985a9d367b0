//! Every format, of runs with everything in them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use keyferry_verify::{Difference, Level, Outcome, Summary};
use proptest::prelude::*;
use quick_xml::events::Event;
use serde_json::Value;

use crate::samples::{self, HOSTILE};
use crate::{Format, ReportError, Reports, Run, printable};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("a report")
}

/// The pages that `tests/reports` shows to a browser.
#[test]
fn pages_for_the_browser_are_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/reports");
    fs::create_dir_all(&folder).expect("a folder");
    samples::mixed(&folder, "mixed");
    samples::verified(&folder, "verified");
    samples::broken_off(&folder, "broken-off");
    samples::pending(&folder, "pending");
    samples::empty(&folder, "empty");
    let left: Vec<_> = fs::read_dir(&folder)
        .expect("a folder")
        .filter_map(|file| file.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with(".keyferry-report"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

/// One test case of a JUnit document: the name, and what it came to.
struct Case {
    name: String,
    result: Option<(String, BTreeMap<String, String>)>,
}

fn attributes(start: &quick_xml::events::BytesStart<'_>) -> BTreeMap<String, String> {
    start
        .attributes()
        .map(|attribute| {
            let attribute = attribute.expect("an attribute");
            let key = attribute.key.as_ref().to_owned();
            let value = attribute
                .normalized_value(quick_xml::XmlVersion::default())
                .expect("a value");
            (key, value.into_owned())
        })
        .collect()
}

/// Reads a JUnit document with another piece of software than the one that wrote it would be better still:
/// `tests/reports` does.
fn junit(text: &str) -> (BTreeMap<String, String>, Vec<Case>) {
    let mut reader = quick_xml::Reader::from_str(text);
    reader.config_mut().check_end_names = true;
    let mut sums = BTreeMap::new();
    let mut cases: Vec<Case> = Vec::new();
    loop {
        match reader.read_event().expect("well-formed") {
            Event::Start(start) | Event::Empty(start) => match start.name().as_ref() {
                "testsuites" => sums = attributes(&start),
                "testcase" => cases.push(Case {
                    name: attributes(&start)["name"].clone(),
                    result: None,
                }),
                kind @ ("failure" | "error" | "skipped") => {
                    let kind = kind.to_owned();
                    cases.last_mut().expect("a case").result = Some((kind, attributes(&start)));
                }
                _ => {}
            },
            Event::Eof => return (sums, cases),
            _ => {}
        }
    }
}

#[test]
fn junit_counts_what_it_lists() {
    let folder = folder();
    samples::mixed(folder.path(), "run");
    let (sums, cases) = junit(&read(&folder.path().join("run.xml")));
    let count = |wanted: &str| {
        cases
            .iter()
            .filter(|case| matches!(&case.result, Some((kind, _)) if kind == wanted))
            .count()
            .to_string()
    };
    assert_eq!(sums["tests"], cases.len().to_string());
    assert_eq!(sums["failures"], count("failure"));
    assert_eq!(sums["errors"], count("error"));
    assert!(count("skipped") == "2" && count("error") == "6");
    let (_, failed) = cases
        .iter()
        .find(|case| case.name.contains("images.tar"))
        .and_then(|case| case.result.as_ref())
        .expect("a failure");
    assert_eq!(failed["type"], "differs");
    for name in HOSTILE {
        let shown = printable(name);
        let found = cases.iter().any(|case| case.name.contains(&*shown));
        assert!(found, "{shown}");
    }
}

#[test]
fn an_interrupted_run_never_passes() {
    let folder = folder();
    samples::broken_off(folder.path(), "run");
    let (sums, cases) = junit(&read(&folder.path().join("run.xml")));
    assert_eq!(sums["errors"], "1");
    assert_eq!(cases.len(), 13);
    let page = read(&folder.path().join("run.html"));
    assert!(page.contains("Broken off: 12 objects verified so far."));
    assert!(!page.contains("Verified: all"));
    let last: Value = read(&folder.path().join("run.ndjson"))
        .lines()
        .last()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .expect("a line");
    assert_eq!(last["complete"], false);
    assert_eq!(last["error"]["message"], "the run was interrupted");
    assert!(page.contains("the run was interrupted") && page.contains("goes on from where it was"));
    let text = read(&folder.path().join("run.txt"));
    assert!(text.contains("Why: the run was interrupted."), "{text}");
    let xml = read(&folder.path().join("run.xml"));
    assert!(xml.contains("the run was interrupted: the same command goes on"));
    assert_eq!(last["conclusion"], "undetermined");
}

#[test]
fn data_says_what_it_is_and_what_was_found() {
    let folder = folder();
    samples::mixed(folder.path(), "run");
    let lines: Vec<Value> = read(&folder.path().join("run.ndjson"))
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines[0]["type"], "run");
    assert_eq!(lines[0]["format"], 1);
    assert_eq!(lines[0]["level"], "equal");
    let last = &lines[lines.len() - 1];
    assert_eq!(last["type"], "summary");
    assert_eq!(last["conclusion"], "refuted");
    let objects = &lines[1..lines.len() - 1];
    assert!(objects.iter().all(|line| line["type"] == "object"));
    let failed = objects.iter().filter(|line| line["verdict"] == "failed");
    assert_eq!(failed.clone().count(), 31);
    assert_eq!(last["verdicts"]["failed"], 31);
    for line in failed {
        assert_eq!(line["conclusion"], "refuted");
        let command = line["repairs"][0]["command"].as_str().expect("a command");
        assert!(command.starts_with("aws s3api put-bucket-encryption --bucket amzn-s3-demo-osaka"));
        assert!(line["report"]["source"]["view"]["size"].is_u64());
    }
    let document: Value =
        serde_json::from_str(&read(&folder.path().join("run.json"))).expect("JSON");
    assert_eq!(document["run"], lines[0]);
    assert_eq!(document["summary"], *last);
    assert_eq!(
        document["objects"].as_array().map(Vec::len),
        Some(objects.len())
    );
    assert_eq!(document["objects"][0], objects[0]);
}

#[test]
fn the_verdict_is_the_worst_that_was_found() {
    let folder = folder();
    let title = |name: &str| {
        let page = read(&folder.path().join(name));
        let (_, rest) = page.split_once("<h1>").expect("a title");
        rest.split_once("</h1>").expect("a title").0.to_owned()
    };
    samples::mixed(folder.path(), "mixed");
    samples::verified(folder.path(), "verified");
    samples::pending(folder.path(), "pending");
    samples::empty(folder.path(), "empty");
    assert_eq!(
        title("mixed.html"),
        "Not verified: 51 of 1,197 objects are not as they should be."
    );
    assert_eq!(title("verified.html"), "Verified: all 240 objects arrived.");
    assert_eq!(
        title("pending.html"),
        "Not confirmed yet: the object is still replicating."
    );
    assert_eq!(
        title("empty.html"),
        "Nothing was verified: no object was found."
    );
}

#[test]
fn text_names_every_object_that_is_not_well() {
    let folder = folder();
    samples::mixed(folder.path(), "run");
    let text = read(&folder.path().join("run.txt"));
    assert!(text.starts_with("Not verified: "));
    for wanted in [
        "backups/2026-11-05/audit.log",
        "backups/open.csv",
        "invoice\\u{202e}fdp.exe",
        "`amzn-s3-demo-osaka` could not be listed (403 AccessDenied)",
        "half within",
    ] {
        assert!(text.contains(wanted), "{wanted}");
    }
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));
}

#[test]
fn files_are_whole_or_not_there() {
    let folder = folder();
    let run = || Run {
        asked: Vec::new(),
        level: Level::Equal,
        started: jiff::Timestamp::UNIX_EPOCH,
        wait: std::time::Duration::ZERO,
        version: String::new(),
    };
    let path = folder.path().join("run.html");
    fs::write(&path, "older").expect("written");
    let reports = Reports::create(std::slice::from_ref(&path), run()).expect("reports");
    assert_eq!(read(&path), "older");
    drop(reports);
    assert_eq!(read(&path), "older");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    let new = folder.path().join("new.html");
    let mut reports = Reports::create(&[path.clone(), new.clone()], run()).expect("reports");
    assert_eq!(reports.keep_older(), std::slice::from_ref(&path));
    let written = reports.finish(&Summary::default(), None).expect("written");
    assert_eq!(written, std::slice::from_ref(&new));
    assert_eq!(read(&path), "older");
    fs::remove_file(&new).expect("removed");
    let reports = Reports::create(std::slice::from_ref(&path), run()).expect("reports");
    reports.finish(&Summary::default(), None).expect("written");
    assert!(read(&path).starts_with("<!DOCTYPE html>"));

    let refused = |paths: &[PathBuf]| Reports::create(paths, run()).expect_err("refused");
    let twice = refused(&[path.clone(), path.clone()]);
    assert!(matches!(twice, ReportError::Twice { .. }));
    let unknown = refused(&[folder.path().join("run.pdf")]);
    assert!(matches!(unknown, ReportError::Format { .. }));
    assert!(unknown.hint().is_some_and(|hint| hint.contains(".ndjson")));
    let nowhere = refused(&[folder.path().join("no/such/folder/run.xml")]);
    assert!(matches!(nowhere, ReportError::Create { .. }));
    assert!(nowhere.hint().is_some());
    assert_eq!(Format::of(&path).ok(), Some(Format::Html));
}

/// The text between two tags, the first time.
fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let (_, rest) = text.split_once(from).expect("begins");
    rest.split_once(to).expect("ends").0
}

#[test]
fn the_page_allows_its_own_style_and_script_and_nothing_else() {
    use base64::Engine;
    use sha2::Digest;

    let folder = folder();
    samples::mixed(folder.path(), "run");
    let page = read(&folder.path().join("run.html"));
    let policy = between(
        &page,
        "http-equiv=\"Content-Security-Policy\" content=\"",
        "\"",
    );
    let digest = |text: &str| {
        let digest = sha2::Sha256::digest(text);
        format!(
            "sha256-{}",
            base64::engine::general_purpose::STANDARD.encode(digest)
        )
    };
    let style = digest(between(&page, "<style>", "</style>"));
    let script = digest(between(&page, "<script>", "</script>"));
    assert_eq!(
        policy,
        format!(
            "default-src 'none'; style-src '{style}'; script-src '{script}'; img-src data:; \
             base-uri 'none'; form-action 'none'"
        )
    );
    assert_eq!(page.matches("<script").count(), 1);
    assert_eq!(page.matches(" style=").count(), 0);
    for outside in ["src=\"http", "href=\"http", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever an object is called, and whatever a server answers, it stays text.
    #[test]
    fn names_stay_text(key in "\\PC{1,60}|[<>&\"'/ a-z=\\x00-\\x1f-]{1,60}", detail in "\\PC{0,60}") {
        // Backticks around a word make it code.
        let detail = detail.replace('`', "'");
        let folder = folder();
        let mut sample = samples::Sample::begin(folder.path(), "run", Level::Equal);
        sample.object(&key, 1, Outcome::Differs(vec![Difference::Unreadable {
            side: keyferry_verify::Side::Source,
            offset: 0,
            part: None,
            detail,
        }]));
        sample.end(true);
        let page = read(&folder.path().join("run.html"));
        prop_assert_eq!(page.matches("<script").count(), 1);
        // As many tags as a page with a harmless name has.
        let harmless = {
            let mut sample = samples::Sample::begin(folder.path(), "other", Level::Equal);
            sample.object("name", 1, Outcome::Differs(vec![Difference::Unreadable {
                side: keyferry_verify::Side::Source,
                offset: 0,
                part: None,
                detail: "detail".to_owned(),
            }]));
            sample.end(true);
            read(&folder.path().join("other.html"))
        };
        let tags = |page: &str| page.matches('<').count();
        prop_assert_eq!(tags(&page), tags(&harmless));
        let (_, cases) = junit(&read(&folder.path().join("run.xml")));
        prop_assert_eq!(cases.len(), 1);
        prop_assert!(cases[0].name.starts_with(&*printable(&key)));
    }
}
