//! A report of one object as people read it in a terminal.

use std::collections::BTreeSet;
use std::fmt::Write;

use keyferry_verify::{Checked, Outcome, Report};

use crate::entry::Entry;
use crate::printable;
use crate::wording::{Repair, because, cause, certainty, evidence, headline, not_seen, repair};

/// How many texts are remembered. What differs from object to object would be no end of them.
const MOST_TOLD: usize = 1000;

/// Tells of many things one after the other. What is the same for several is told once.
#[derive(Debug, Default)]
pub struct Telling {
    told: BTreeSet<String>,
}

impl Telling {
    /// What became of one thing: the verdict, why, and what to do.
    pub fn text(&mut self, checked: &Checked) -> String {
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
        let why: String = entry
            .because
            .iter()
            .map(|because| format!("\n  {:<10} {}", "because", printable(because)))
            .collect();
        let hints: String = entry.repairs.iter().map(hint).collect();
        match self.is_told(&why) {
            true => text.push_str("\n  because    as above"),
            false => text.push_str(&why),
        }
        if !self.is_told(&hints) {
            text.push_str(&hints);
        }
        text
    }

    /// Whether these lines were told, which they are from now on.
    fn is_told(&mut self, lines: &str) -> bool {
        if lines.is_empty() {
            return false;
        }
        if self.told.len() < MOST_TOLD {
            !self.told.insert(lines.to_owned())
        } else {
            self.told.contains(lines)
        }
    }
}

fn hint(repair: &Repair) -> String {
    let mut text = format!("\n  {:<10} {}", "hint", printable(&repair.words));
    if let Some(command) = &repair.command {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n  {:<10} {}", "mend", printable(command));
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
        let sure = certainty(perhaps.certainty);
        let _ = write!(text, "\n  {sure:<10} {}", cause(&perhaps.cause));
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
