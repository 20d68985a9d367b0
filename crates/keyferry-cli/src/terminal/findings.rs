//! Findings for people: by level, the worst first.

use std::collections::BTreeSet;
use std::fmt::Write;

use keyferry_policy::check::{Change, Finding, Level, Place};

use super::paragraph;
use crate::args::FailOn;
use crate::exit::Exit;

/// The exit code that findings call for.
pub(crate) fn exit(findings: &[Finding], fail_on: FailOn) -> Exit {
    let least = match fail_on {
        FailOn::Error => Level::Error,
        FailOn::Warning => Level::Warning,
        FailOn::Note => Level::Note,
        FailOn::Never => return Exit::Done,
    };
    // Worse levels come first in order.
    if findings.iter().any(|finding| finding.level <= least) {
        Exit::Findings
    } else {
        Exit::Done
    }
}

/// All findings, and how many there are; `nothing` says what it means that there are none.
pub(crate) fn of(findings: &[Finding], width: usize, nothing: &str) -> String {
    let mut text = String::new();
    let mut told = BTreeSet::new();
    for finding in findings {
        one(&mut text, finding, width);
        commands(&mut text, finding, &mut told);
        text.push('\n');
    }
    text.push_str(&summary(findings, nothing));
    text
}

/// Commands in one line each, so that they can be copied; each once.
fn commands<'a>(text: &mut String, finding: &'a Finding, told: &mut BTreeSet<&'a str>) {
    for command in &finding.commands {
        // Writing to a string cannot fail.
        let _ = if told.insert(command) {
            writeln!(text, "    run: {command}")
        } else {
            writeln!(text, "    run: the same command as above")
        };
    }
}

fn one(text: &mut String, finding: &Finding, width: usize) {
    let style = match finding.level {
        Level::Error => anstyle::AnsiColor::Red,
        Level::Warning => anstyle::AnsiColor::Yellow,
        Level::Note => anstyle::AnsiColor::Cyan,
    };
    let style = style.on_default().bold();
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{style}{}{style:#}[{}] {}",
        finding.level.as_str(),
        finding.rule.name(),
        finding.subject
    );
    lines(text, &finding.message, width, 2);
    let place = finding.place.as_ref().map(place_of);
    let code = finding.failure_code.as_ref();
    for (label, value) in [
        ("where", place),
        (
            "why",
            Some(finding.why.clone()).filter(|why| !why.is_empty()),
        ),
        ("fails with", code.cloned()),
        (
            "fix",
            Some(finding.fix.clone()).filter(|fix| !fix.is_empty()),
        ),
        (
            "see",
            Some(finding.page.clone()).filter(|_| finding.level != Level::Note),
        ),
    ] {
        if let Some(value) = value {
            lines(text, &format!("{label}: {value}"), width, 4);
        }
    }
    // Where there is a command, it holds the whole document.
    if !finding.commands.is_empty() {
        return;
    }
    let several = finding.changes.len() > 1;
    for change in &finding.changes {
        changed(text, change, several, width);
    }
}

fn place_of(place: &Place) -> String {
    let mut text = place.origin.place.clone();
    if let Some(line) = place.line() {
        let _ = write!(text, ":{line}");
    }
    if let Some(statement) = place.statement {
        let what = if place.document.contains("configuration") {
            "rule"
        } else {
            "statement"
        };
        let _ = write!(text, ", {what} {}", statement + 1);
    }
    if let Some(sid) = &place.sid {
        let _ = write!(text, " `{sid}`");
    }
    text
}

/// A change; of several, each says where it belongs.
fn changed(text: &mut String, change: &Change, several: bool, width: usize) {
    if several {
        lines(
            text,
            &format!("{}: {}", change.document, change.action),
            width,
            4,
        );
    }
    for line in change.text().lines() {
        let _ = writeln!(text, "      {line}");
    }
}

fn lines(text: &mut String, what: &str, width: usize, indent: usize) {
    for line in paragraph(what, width, indent) {
        let _ = writeln!(text, "{line}");
    }
}

fn summary(findings: &[Finding], nothing: &str) -> String {
    if findings.is_empty() {
        return nothing.to_owned();
    }
    let count = |level, one: &str, many: &str| {
        let count = findings
            .iter()
            .filter(|finding| finding.level == level)
            .count();
        match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            count => Some(format!("{count} {many}")),
        }
    };
    [
        count(Level::Error, "error", "errors"),
        count(Level::Warning, "warning", "warnings"),
        count(Level::Note, "note", "notes"),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join(", ")
}
