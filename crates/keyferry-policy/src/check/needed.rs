//! The calls that S3 makes, put to the installed documents.

use std::collections::BTreeMap;

use super::applying::{Answer, Applying};
use super::finding::{Finding, Level, Place};
use super::installed::Installed;
use super::repair;
use super::replications::Direction;
use super::rule::Rule;
use crate::calls::Call;
use crate::iam::Denial;
use crate::matrix::Matrix;
use crate::{Documents, ReplicationPlan};

pub(super) fn check(
    plan: &ReplicationPlan,
    directions: &[&Direction<'_>],
    installed: &Installed,
) -> Vec<Finding> {
    let documents = Documents::of(plan);
    let mut gathered = Gathered::default();
    for direction in directions {
        let asked = direction.asked().into_iter();
        for asked in asked.filter(|asked| !asked.disputed || direction.wants_disputed()) {
            let call = &asked.call;
            let applying = Applying::at(call.gate, &asked.replication, installed);
            match applying.decide(&call.request) {
                Answer::Allowed(_) => {}
                Answer::Unknown(unknown) => gathered.unknown(direction, call, unknown),
                Answer::Undecided(why) => gathered.add(call, || undecided(direction, call, why)),
                Answer::Denied(denial) => {
                    let changes = repair::of(&denial, call, &applying, direction, &documents);
                    gathered.add(call, || {
                        denied(direction, call, &denial, &applying, asked.disputed)
                    });
                    gathered.repair(call, changes);
                }
            }
        }
    }
    gathered.finish()
}

fn undecided(direction: &Direction<'_>, call: &Call, why: String) -> Finding {
    Finding::new(
        Rule::NeededCallUndecided,
        Level::Warning,
        direction.subject(),
        format!("whether {} is allowed cannot be decided", title(call)),
    )
    .because(why)
    .fix("make the condition one that does not depend on this")
}

/// What was found, one finding for each action on each resource.
#[derive(Default)]
struct Gathered {
    found: Vec<(String, Finding)>,
    unknown: BTreeMap<String, (String, Vec<String>, String)>,
}

impl Gathered {
    fn add(&mut self, call: &Call, finding: impl FnOnce() -> Finding) {
        let key = identity(call);
        if !self.found.iter().any(|(known, _)| *known == key) {
            self.found.push((key, finding()));
        }
    }

    /// Adds what repairs a call to its finding.
    fn repair(&mut self, call: &Call, changes: Vec<super::finding::Change>) {
        let key = identity(call);
        let Some((_, finding)) = self.found.iter_mut().find(|(known, _)| *known == key) else {
            return;
        };
        for change in changes {
            let known = finding
                .changes
                .iter()
                .any(|known| known.document == change.document && known.json == change.json);
            if !known {
                finding.changes.push(change);
            }
        }
    }

    fn unknown(
        &mut self,
        direction: &Direction<'_>,
        call: &Call,
        documents: Vec<(String, String)>,
    ) {
        for (name, why) in documents {
            let entry = self
                .unknown
                .entry(name)
                .or_insert_with(|| (why, Vec::new(), direction.subject()));
            let action = call.request.action.clone();
            if !entry.1.contains(&action) {
                entry.1.push(action);
            }
        }
    }

    fn finish(self) -> Vec<Finding> {
        let unknown = self
            .unknown
            .into_iter()
            .map(|(name, (why, actions, subject))| {
                Finding::new(
                    Rule::DocumentUnknown,
                    Level::Note,
                    subject,
                    format!("not known: {name}; {why}"),
                )
                .because(format!("it has a say in {}", listed(&actions)))
            });
        let mut findings: Vec<Finding> = self
            .found
            .into_iter()
            .map(|(_, finding)| with_fix(finding))
            .collect();
        findings.extend(unknown);
        findings
    }
}

/// Calls with the same name are one finding, whatever their context.
fn identity(call: &Call) -> String {
    format!(
        "{} {} {:?}",
        call.request.action, call.request.resource, call.gate
    )
}

fn with_fix(finding: Finding) -> Finding {
    if finding.changes.is_empty() || !finding.fix.is_empty() {
        return finding;
    }
    let steps: Vec<String> = finding
        .changes
        .iter()
        .map(|change| format!("{}: {}", change.document, change.action))
        .collect();
    finding.fix(steps.join("; "))
}

fn denied(
    direction: &Direction<'_>,
    call: &Call,
    denial: &Denial,
    applying: &Applying<'_>,
    disputed: bool,
) -> Finding {
    let explicit = matches!(denial, Denial::Explicit { .. });
    let (rule, level) = match (disputed, explicit) {
        (true, _) => (Rule::DisputedCallDenied, Level::Warning),
        (false, true) => (Rule::NeededCallExplicitlyDenied, Level::Error),
        (false, false) => (Rule::NeededCallDenied, Level::Error),
    };
    let statement = match denial {
        Denial::Explicit { by } => Some(by),
        Denial::Implicit { nearly, .. } => nearly
            .iter()
            .min_by_key(|near| repair::order(&near.but))
            .map(|near| &near.statement),
    };
    let place = match statement {
        Some(statement) => applying
            .origin(&statement.document)
            .map(|origin| Place::statement(statement, origin)),
        None => whole_document(applying),
    };
    let ending = if disputed {
        "; AWS's pages disagree whether it is needed"
    } else {
        ""
    };
    let mut finding = Finding::new(
        rule,
        level,
        direction.subject(),
        format!("{} is denied{ending}", title(call)),
    )
    .because(denial.to_string())
    .at(place)
    .code(call.failure_code);
    let matrix = Matrix::carried();
    let pages = matrix.row(call.row).map(|row| matrix.pages(&row.sources));
    if let Some(page) = pages.and_then(|mut pages| pages.next())
        && !explicit
    {
        finding.page.clone_from(&page.url);
    }
    finding
}

/// Where there is no statement to point to: the document that would have to have one.
fn whole_document(applying: &Applying<'_>) -> Option<Place> {
    let identity = applying
        .identity
        .iter()
        .map(|(name, applied)| (name, applied));
    let resource = applying
        .resource
        .iter()
        .map(|(_, name, applied)| (name, applied));
    identity
        .chain(resource)
        .find_map(|(name, applied)| Some(Place::document(name, applied.origin?)))
}

/// `kms:Decrypt on arn:…`
fn title(call: &Call) -> String {
    format!("`{}` on `{}`", call.request.action, call.request.resource)
}

fn listed(actions: &[String]) -> String {
    let quoted: Vec<String> = actions.iter().map(|action| format!("`{action}`")).collect();
    quoted.join(", ")
}
