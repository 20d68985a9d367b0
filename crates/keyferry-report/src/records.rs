//! What was found as data: one JSON document, or one a line.
//!
//! Written while the run goes on. Every document says by `type` what it is: `run`, `object`, `summary`.

use std::collections::BTreeMap;
use std::io::{self, Write};

use jiff::Timestamp;
use keyferry_verify::{Checked, Conclusion, Level, Summary};
use serde::Serialize;

use crate::Run;
use crate::entry::Entry;
use crate::run::Ending;
use crate::story;
use crate::wording::Repair;

/// The format of these documents. Names and meanings that are there stay; more may come.
const FORMAT: u32 = 1;

/// What a run was asked to do.
#[derive(Debug, Serialize)]
struct RunRecord<'a> {
    r#type: &'static str,
    format: u32,
    keyferry: &'a str,
    asked: &'a [String],
    level: Level,
    started: Timestamp,
    wait_seconds: u64,
}

/// What was found of one object, with the words that people are told.
#[derive(Debug, Serialize)]
struct ObjectRecord<'a> {
    r#type: &'static str,
    #[serde(flatten)]
    checked: &'a Checked,
    says: &'a str,
    because: &'a [String],
    repairs: &'a [Repair],
}

/// What all of it came to.
#[derive(Debug, Serialize)]
struct SummaryRecord<'a> {
    r#type: &'static str,
    conclusion: Conclusion,
    says: String,
    complete: bool,
    /// Why it was broken off.
    error: Option<ErrorRecord<'a>>,
    finished: Timestamp,
    /// Everything that was looked at: object versions, delete markers, and what could not be looked at.
    total: u64,
    /// How many mean what; `aside` needs no replica.
    conclusions: BTreeMap<&'static str, u64>,
    #[serde(flatten)]
    summary: &'a Summary,
}

/// Why a run was broken off.
#[derive(Debug, Serialize)]
struct ErrorRecord<'a> {
    message: &'a str,
    hint: Option<&'a str>,
}

/// One object's document.
pub(crate) fn object(checked: &Checked, entry: &Entry) -> io::Result<String> {
    let record = ObjectRecord {
        r#type: "object",
        checked,
        says: &entry.headline,
        because: &entry.because,
        repairs: &entry.repairs,
    };
    Ok(serde_json::to_string(&record)?)
}

/// Writes the document that comes first.
pub(crate) fn run(out: &mut dyn Write, run: &Run) -> io::Result<()> {
    let record = RunRecord {
        r#type: "run",
        format: FORMAT,
        keyferry: &run.version,
        asked: &run.asked,
        level: run.level,
        started: run.started,
        wait_seconds: run.wait.as_secs(),
    };
    Ok(serde_json::to_writer(out, &record)?)
}

/// Writes the document that comes last.
pub(crate) fn summary(out: &mut dyn Write, run: &Run, ending: &Ending<'_>) -> io::Result<()> {
    let told = story::tell(run.level, ending);
    let record = SummaryRecord {
        r#type: "summary",
        conclusion: told.conclusion,
        says: told.title,
        complete: ending.broken_off.is_none(),
        error: ending.broken_off.map(|why| ErrorRecord {
            message: &why.message,
            hint: why.hint.as_deref(),
        }),
        total: ending.summary.total(),
        conclusions: ending.summary.conclusions(),
        finished: ending.finished,
        summary: ending.summary,
    };
    Ok(serde_json::to_writer(out, &record)?)
}
