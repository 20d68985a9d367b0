//! The smallest change that lets a denied call through.
//!
//! Every change is tried out before it is proposed: the documents are evaluated with it.

mod mend;
mod model;

use super::applying::{Answer, Applying};
use super::finding::{Change, Step};
use super::replications::Direction;
use crate::Documents;
use crate::calls::Call;
use crate::iam::{Denial, Lacking, Mismatch, NearMiss, PolicyDocument, StatementId};

/// The changes after which a call is no longer denied; none where none could be found.
pub(super) fn of(
    denial: &Denial,
    call: &Call,
    applying: &Applying<'_>,
    direction: &Direction<'_>,
    documents: &Documents,
) -> Vec<Change> {
    let mut work = Work {
        call,
        applying,
        direction,
        documents,
        changed: Vec::new(),
    };
    let mut changes = Vec::new();
    let mut denial = denial.clone();
    // Each round opens one gate; there are never more than a few.
    for _ in 0..6 {
        let Some((change, answer)) = work.step(&denial) else {
            return Vec::new();
        };
        changes.push(change);
        match answer {
            Answer::Denied(next) => denial = next,
            _ => return changes,
        }
    }
    Vec::new()
}

struct Work<'a> {
    call: &'a Call,
    applying: &'a Applying<'a>,
    direction: &'a Direction<'a>,
    documents: &'a Documents,
    changed: Vec<(String, PolicyDocument)>,
}

/// A way to change a document.
struct Candidate {
    document: String,
    after: PolicyDocument,
    action: String,
    statement: usize,
    /// Whether the statement is a new one.
    added: bool,
}

impl Work<'_> {
    /// The first change that gets further than a denial.
    fn step(&mut self, denial: &Denial) -> Option<(Change, Answer)> {
        for candidate in self.candidates(denial) {
            let mut changed = self.changed.clone();
            changed.retain(|(name, _)| *name != candidate.document);
            changed.push((candidate.document.clone(), candidate.after.clone()));
            let answer = self.answer(&changed);
            let further = match (&answer, denial) {
                (Answer::Denied(now), before) => opened(before, now),
                _ => true,
            };
            if further {
                self.changed = changed;
                let statement = candidate.after.statements.get(candidate.statement)?;
                let step = if candidate.added {
                    Step::AddStatement
                } else {
                    Step::Statement(candidate.statement)
                };
                let change = Change::new(&candidate.document, candidate.action, step, statement);
                return Some((change, answer));
            }
        }
        None
    }

    fn answer(&self, changed: &[(String, PolicyDocument)]) -> Answer {
        let mut applying = self.applying.clone();
        for (name, document) in changed {
            applying = applying.with(name, document);
        }
        applying.decide(&self.call.request)
    }

    fn candidates(&self, denial: &Denial) -> Vec<Candidate> {
        match denial {
            Denial::Explicit { by } => self.exempt(by).into_iter().collect(),
            Denial::Implicit {
                lacking, nearly, ..
            } => {
                let mut nearly: Vec<&NearMiss> = nearly.iter().collect();
                nearly.sort_by_key(|near| order(&near.but));
                let here = |near: &&NearMiss| self.is_at(*lacking, &near.statement.document);
                let mut candidates: Vec<Candidate> = nearly
                    .into_iter()
                    .filter(here)
                    .flat_map(|near| self.mended(near))
                    .collect();
                candidates.extend(self.added(*lacking));
                candidates
            }
        }
    }

    /// The statement that denies, with an exception for the role.
    fn exempt(&self, by: &StatementId) -> Option<Candidate> {
        let role = self.direction.role.to_string();
        let mut after = self.document(&by.document)?;
        let statement = after.statements.get_mut(by.index)?;
        statement
            .condition
            .entry("ArnNotEquals".to_owned())
            .or_default()
            .entry("aws:PrincipalArn".to_owned())
            .or_default()
            .push(role.clone());
        Some(Candidate {
            document: by.document.clone(),
            after,
            action: format!("except `{role}` from statement {}", by.index + 1),
            statement: by.index,
            added: false,
        })
    }

    fn is_at(&self, lacking: Lacking, name: &str) -> bool {
        match lacking {
            Lacking::Identity => self
                .applying
                .identity
                .iter()
                .any(|(known, _)| known == name),
            Lacking::Boundary => self.applying.boundary.0 == name,
            Lacking::Resource(_) | Lacking::Delegation(_) => {
                let resource = &self.applying.resource;
                resource.as_ref().is_some_and(|(_, known, _)| known == name)
            }
            Lacking::ServiceControl { .. }
            | Lacking::ResourceControl { .. }
            | Lacking::RootAssumesNoRole => false,
        }
    }

    /// A document as it is now, with the changes so far.
    fn document(&self, name: &str) -> Option<PolicyDocument> {
        let changed = self.changed.iter().find(|(known, _)| known == name);
        if let Some((_, document)) = changed {
            return Some(document.clone());
        }
        let resource = self.applying.resource.iter();
        let resource = resource.map(|(_, name, applied)| (name, applied));
        self.applying
            .identity
            .iter()
            .map(|(name, applied)| (name, applied))
            .chain([(&self.applying.boundary.0, &self.applying.boundary.1)])
            .chain(resource)
            .find(|(known, _)| *known == name)
            .and_then(|(_, applied)| applied.document.cloned())
    }

    /// A new statement where one lacks.
    fn added(&self, lacking: Lacking) -> Vec<Candidate> {
        let name = match lacking {
            Lacking::Identity => self.applying.identity.first().map_or_else(
                || {
                    let role = self.direction.role.role_name();
                    format!("the permission policy of `{role}`")
                },
                |(name, _)| name.clone(),
            ),
            Lacking::Boundary => self.applying.boundary.0.clone(),
            Lacking::Resource(_) | Lacking::Delegation(_) => match &self.applying.resource {
                Some((_, name, _)) => name.clone(),
                None => return Vec::new(),
            },
            Lacking::ServiceControl { .. }
            | Lacking::ResourceControl { .. }
            | Lacking::RootAssumesNoRole => return Vec::new(),
        };
        let with_principal = matches!(lacking, Lacking::Resource(_) | Lacking::Delegation(_));
        let planned = if with_principal {
            self.planned_resource_statements()
        } else {
            self.model().into_iter().collect()
        };
        let made = self.made(with_principal);
        let base = self
            .document(&name)
            .unwrap_or_else(|| PolicyDocument::new(Vec::new()));
        planned
            .into_iter()
            .chain([made])
            .map(|statement| {
                let mut after = base.clone();
                after.statements.push(statement);
                Candidate {
                    document: name.clone(),
                    statement: after.statements.len() - 1,
                    added: true,
                    after,
                    action: "add a statement".to_owned(),
                }
            })
            .collect()
    }
}

/// What to try first: a value, then an action, then a resource.
pub(super) fn order(but: &Mismatch) -> u8 {
    match but {
        Mismatch::Condition(_) => 0,
        Mismatch::Action { .. } => 1,
        Mismatch::Resource { .. } => 2,
        Mismatch::Principal { .. } => 3,
        Mismatch::Malformed { .. } => 4,
    }
}

/// Whether a gate that was shut before is open now.
fn opened(before: &Denial, now: &Denial) -> bool {
    match (before, now) {
        (Denial::Explicit { by }, Denial::Explicit { by: other }) => by != other,
        (Denial::Explicit { .. }, Denial::Implicit { .. }) => true,
        (Denial::Implicit { .. }, Denial::Explicit { .. }) => false,
        (
            Denial::Implicit { lacking, .. },
            Denial::Implicit {
                lacking: now, also, ..
            },
        ) => lacking != now && !also.contains(lacking),
    }
}
