//! A report of one object as people read it in a terminal.

use std::fmt::Write;

use keyferry_verify::{Outcome, Report};

use crate::wording::{because, evidence, headline, not_seen, reason, repair};

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
