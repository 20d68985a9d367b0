//! A report of one object as people read it in a terminal.

use std::fmt::Write;

use keyferry_verify::{Checked, Outcome, Report};

use crate::entry::Entry;
use crate::printable;
use crate::wording::{because, evidence, headline, not_seen, reason, repair};

/// What became of one thing of many: the verdict, why, and what to do.
#[must_use]
pub fn checked_text(checked: &Checked) -> String {
    let entry = Entry::from(checked);
    let version = match &entry.version_id {
        Some(id) => format!(" version {}", printable(id)),
        None => String::new(),
    };
    let mut text = format!(
        "{}: {}{version}",
        printable(&entry.headline),
        printable(&entry.address())
    );
    for because in &entry.because {
        let _ = write!(text, "\n  {:<10} {}", "because", printable(because));
    }
    for repair in &entry.repairs {
        let _ = write!(text, "\n  {:<10} {}", "hint", printable(&repair.words));
    }
    text
}

/// The whole report: verdict first, then what led to it.
#[must_use]
pub fn text(report: &Report) -> String {
    let version = report
        .subject
        .version_id
        .as_ref()
        .map(|id| format!(" version {id}"))
        .unwrap_or_default();
    let mut text = format!(
        "{}: {}{version}",
        headline(&report.outcome),
        report.subject.source
    );
    for (name, line) in evidence(report) {
        let _ = write!(text, "\n  {name:<10} {line}");
    }
    for detail in because(&report.outcome) {
        let _ = write!(text, "\n  {:<10} {detail}", "because");
    }
    for perhaps in &report.reasons {
        let _ = write!(text, "\n  {:<10} {}", "perhaps", reason(perhaps));
    }
    for command in mending(report) {
        let _ = write!(text, "\n  {:<10} {command}", "mend");
    }
    for unseen in &report.unseen {
        let _ = write!(text, "\n  {:<10} {}", "unseen", not_seen(unseen));
    }
    if report.key_echoed() {
        text.push_str("\n  warning    the server echoed the customer key in a response: treat the key as leaked");
    }
    text
}

/// Commands that remove what is known to be in the way; each once.
fn mending(report: &Report) -> Vec<String> {
    let of_outcome = match &report.outcome {
        Outcome::Failed { reasons } => reasons.as_slice(),
        _ => &[],
    };
    let mut commands: Vec<String> = Vec::new();
    for reason in of_outcome.iter().chain(&report.reasons) {
        let command = repair(&reason.cause).and_then(|repair| repair.command);
        commands.extend(command.filter(|command| !commands.contains(command)));
    }
    commands
}
