//! The smallest change that lets a denied call through.
//!
//! Every change is tried out before it is proposed: the documents are evaluated with it.

use super::applying::{Answer, Applying};
use super::finding::Change;
use super::replications::Direction;
use crate::Documents;
use crate::calls::{Call, Gate};
use crate::documents::Kind;
use crate::iam::{
    ActionElement, Caller, ConditionMiss, Denial, Effect, Lacking, Mismatch, NearMiss,
    PolicyDocument, PrincipalElement, Principals, ResourceElement, Statement, StatementId,
};

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
                let change = Change::new(&candidate.document, candidate.action, statement);
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

    /// A statement that nearly allows, with the one element changed that keeps it from doing so.
    fn mended(&self, near: &NearMiss) -> Option<Candidate> {
        let index = near.statement.index;
        let mut after = self.document(&near.statement.document)?;
        let statement = after.statements.get_mut(index)?;
        let what = self.mend(statement, &near.but)?;
        Some(Candidate {
            document: near.statement.document.clone(),
            after,
            action: format!("{what} statement {}", index + 1),
            statement: index,
        })
    }

    fn mend(&self, statement: &mut Statement, but: &Mismatch) -> Option<String> {
        let request = &self.call.request;
        match but {
            Mismatch::Action { .. } => match &mut statement.action {
                ActionElement::Action(patterns) => {
                    patterns.push(request.action.clone());
                    Some(format!("add the action `{}` to", request.action))
                }
                ActionElement::NotAction(_) => None,
            },
            Mismatch::Resource { .. } => {
                let resource = self.model().map_or_else(
                    || vec![request.resource.clone()],
                    |model| resources(&model).to_vec(),
                );
                match &mut statement.resource {
                    Some(ResourceElement::Resource(patterns)) => {
                        patterns.extend(resource.iter().cloned());
                        Some(format!("add the resource `{}` to", resource.join("`, `")))
                    }
                    _ => None,
                }
            }
            Mismatch::Principal { .. } => {
                let Some(PrincipalElement::Principal(Principals::Listed { aws, service, .. })) =
                    &mut statement.principal
                else {
                    return None;
                };
                let name = match &request.caller {
                    Caller::Service(name) => {
                        service.push(name.clone());
                        name.clone()
                    }
                    _ => {
                        let role = self.direction.role.to_string();
                        aws.push(role.clone());
                        role
                    }
                };
                Some(format!("add the principal `{name}` to"))
            }
            Mismatch::Condition(misses) => {
                let steps: Vec<String> = misses
                    .iter()
                    .map(|miss| self.mend_condition(statement, miss))
                    .collect();
                Some(format!("{} in", steps.join(" and ")))
            }
            Mismatch::Malformed { .. } => None,
        }
    }

    /// A condition with the value that S3 asks with.
    fn mend_condition(&self, statement: &mut Statement, miss: &ConditionMiss) -> String {
        let ConditionMiss {
            operator,
            key,
            given,
            ..
        } = miss;
        let keys = statement.condition.entry(operator.clone()).or_default();
        let Some(given) = given else {
            keys.remove(key);
            statement.condition.retain(|_, keys| !keys.is_empty());
            return format!("drop the condition on `{key}`");
        };
        let model = self.model();
        let planned = model.as_ref().and_then(|model| {
            model
                .condition
                .values()
                .flat_map(|keys| keys.iter())
                .find(|(known, _)| known.eq_ignore_ascii_case(key))
                .map(|(_, values)| values.clone())
        });
        let values = planned.unwrap_or_else(|| given.clone());
        let wild = values.iter().any(|value| value.contains(['*', '?']));
        if wild && operator == "StringEquals" {
            // Equality knows no wildcards.
            let mut all = keys.remove(key).unwrap_or_default();
            extend(&mut all, &values);
            statement.condition.retain(|_, keys| !keys.is_empty());
            statement
                .condition
                .entry("StringLike".to_owned())
                .or_default()
                .insert(key.clone(), all);
        } else {
            extend(keys.entry(key.clone()).or_default(), &values);
        }
        format!("allow `{}` for `{key}`", values.join("`, `"))
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
                    after,
                    action: "add a statement".to_owned(),
                }
            })
            .collect()
    }

    /// The plan's own statement for this action, cut to it.
    fn model(&self) -> Option<Statement> {
        let bucket = &self.direction.flow.source.bucket;
        let kind = match self.call.gate {
            Gate::Trust => Kind::Trust,
            _ => Kind::Role,
        };
        let policy = self.documents.policy(kind, bucket)?;
        let mut fitting: Vec<Statement> = self.cut(policy).collect();
        fitting.sort_by_key(|statement| {
            !resources(statement)
                .iter()
                .any(|pattern| about(pattern, &self.call.request.resource))
        });
        fitting.into_iter().next()
    }

    /// The plan's own statements of the resource's policy.
    fn planned_resource_statements(&self) -> Vec<Statement> {
        let flow = self.direction.flow;
        let key_of = |site: &crate::Site| {
            let documents = self.documents.iter();
            documents
                .filter(|document| document.kind == Kind::KeyPolicy)
                .filter(|document| document.bucket == site.bucket)
                .find_map(|document| document.policy())
                .map(|policy| policy.document().clone())
        };
        let policy = match self.call.gate {
            Gate::Trust => self
                .documents
                .policy(Kind::Trust, &flow.source.bucket)
                .cloned(),
            Gate::SourceBucket => None,
            Gate::DestinationBucket => self
                .documents
                .policy(Kind::BucketPolicy, &flow.destination.bucket)
                .cloned(),
            Gate::SourceKey => key_of(flow.source),
            Gate::ReplicaKey => key_of(flow.destination),
        };
        let Some(policy) = policy else {
            return Vec::new();
        };
        let role = self.direction.role.to_string();
        let planned = flow.role_arn().to_string();
        self.cut(&policy)
            .map(|mut statement| {
                if let Some(PrincipalElement::Principal(Principals::Listed { aws, .. })) =
                    &mut statement.principal
                {
                    for arn in aws.iter_mut().filter(|arn| **arn == planned) {
                        arn.clone_from(&role);
                    }
                }
                statement
            })
            .collect()
    }

    /// The statements of a document that allow the action, cut to it; what allows all stays whole.
    fn cut<'b>(&'b self, policy: &'b PolicyDocument) -> impl Iterator<Item = Statement> + 'b {
        let action = &self.call.request.action;
        policy
            .statements
            .iter()
            .filter(|statement| statement.effect == Effect::Allow)
            .filter_map(move |statement| {
                let patterns = statement.action.patterns();
                if patterns.contains(action) {
                    let mut statement = statement.clone();
                    statement.action = ActionElement::Action(vec![action.clone()]);
                    return Some(statement);
                }
                patterns
                    .iter()
                    .any(|pattern| crate::glob::matches_ignoring_case(pattern, action))
                    .then(|| statement.clone())
            })
    }

    /// A statement made for just this call, where the plan has none.
    fn made(&self, with_principal: bool) -> Statement {
        let request = &self.call.request;
        let on_key = matches!(self.call.gate, Gate::SourceKey | Gate::ReplicaKey);
        let resource = match (on_key && with_principal, request.resource.rsplit_once('/')) {
            (true, _) => vec!["*".to_owned()],
            (false, Some((container, _))) if request.resource.contains(":s3:::") => {
                let prefix = &self.direction.flow.settings.prefix;
                let bucket = container.split('/').next().unwrap_or(container);
                vec![format!("{bucket}/{prefix}*")]
            }
            _ => vec![request.resource.clone()],
        };
        let resource = match self.call.gate {
            Gate::Trust => Vec::new(),
            _ => resource,
        };
        let mut statement = Statement::allow("Replication", &[&request.action], resource);
        for key in ["kms:ViaService", "kms:EncryptionContext:aws:s3:arn"] {
            if let Some(values) = request.context.get(key) {
                let values: Vec<String> = values.iter().map(|value| widened(value)).collect();
                let wild = values.iter().any(|value| value.ends_with('*'));
                let operator = if wild { "StringLike" } else { "StringEquals" };
                statement = statement.when(operator, key, values);
            }
        }
        if !with_principal {
            return statement;
        }
        statement.about(match &request.caller {
            Caller::Service(name) => Principals::service(name),
            _ => Principals::aws(vec![self.direction.role.to_string()]),
        })
    }
}

/// Any object instead of the one that was asked about.
fn widened(value: &str) -> String {
    match value.split_once(":::").and_then(|(start, path)| {
        let (bucket, _) = path.split_once('/')?;
        Some(format!("{start}:::{bucket}/*"))
    }) {
        Some(objects) => objects,
        None => value.to_owned(),
    }
}

fn resources(statement: &Statement) -> &[String] {
    match &statement.resource {
        Some(element) => element.patterns(),
        None => &[],
    }
}

fn about(pattern: &str, resource: &str) -> bool {
    crate::glob::matches_ignoring_case(pattern, resource)
}

fn extend(values: &mut Vec<String>, more: &[String]) {
    for value in more {
        if !values.contains(value) {
            values.push(value.clone());
        }
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
