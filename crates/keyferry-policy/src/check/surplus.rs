//! What the role may do beyond what replication needs.
//!
//! Every action of S3, KMS, IAM and STS that a statement could allow is asked for, on the plan's own
//! buckets and keys, beside its prefixes, and on others; so are the actions of other services that
//! documents name. What is allowed and not needed is surplus.

mod keys;
mod patterns;
mod targets;

use std::collections::{BTreeMap, BTreeSet};

use super::applying::Applying;
use super::finding::{Change, Finding, Level, Place, Step, Surplus};
use super::installed::{Installed, Origin};
use super::replications::{Asked, Direction};
use super::rule::Rule;
use crate::documents::Kind;
use crate::iam::{
    ActionElement, Caller, Effect, PolicyDocument, Request, ResourceElement, Statement, StatementId,
};
use crate::{Documents, ReplicationPlan, RoleArn, actions, glob};

use patterns::{Patterns, foreign_actions};
use targets::Target;

pub(super) fn check(
    plan: &ReplicationPlan,
    directions: &[&Direction<'_>],
    installed: &Installed,
) -> Vec<Finding> {
    let documents = Documents::of(plan);
    let mut roles: Vec<&RoleArn> = directions.iter().map(|direction| &direction.role).collect();
    roles.sort();
    roles.dedup();
    roles
        .into_iter()
        .flat_map(|role| {
            let own: Vec<&Direction<'_>> = directions
                .iter()
                .copied()
                .filter(|direction| direction.role == *role)
                .collect();
            Role::new(role, own, installed).findings(&documents)
        })
        .collect()
}

/// A role, what it needs, and what it is found to be able to do.
struct Role<'a> {
    arn: &'a RoleArn,
    directions: Vec<&'a Direction<'a>>,
    installed: &'a Installed,
    /// The calls that replication makes as this role.
    needed: Vec<Asked>,
    /// The same as action, in lower case, and resource.
    pairs: BTreeSet<(String, String)>,
    /// Patterns of actions that some statement allows.
    patterns: Patterns,
    /// By document and statement: what it allows, in the order in which it was found.
    found: BTreeMap<(String, usize), Allowed>,
}

struct Allowed {
    statement: StatementId,
    more: Vec<Surplus>,
    unconditioned: Vec<Surplus>,
}

impl<'a> Role<'a> {
    fn new(arn: &'a RoleArn, directions: Vec<&'a Direction<'a>>, installed: &'a Installed) -> Self {
        let needed: Vec<Asked> = directions
            .iter()
            .flat_map(|direction| direction.asked())
            .collect();
        let pairs = needed
            .iter()
            .map(|asked| {
                let request = &asked.call.request;
                (
                    request.action.to_ascii_lowercase(),
                    request.resource.clone(),
                )
            })
            .collect();
        Self {
            arn,
            patterns: Patterns::of(arn, &directions, installed),
            directions,
            installed,
            needed,
            pairs,
            found: BTreeMap::new(),
        }
    }

    fn findings(mut self, documents: &Documents) -> Vec<Finding> {
        let targets = targets::of(self.arn, &self.directions, self.installed);
        for service in ["s3", "iam", "sts"] {
            self.probe(service, &targets);
        }
        keys::probe(&mut self, &targets);
        self.probe_other_services();
        let found = std::mem::take(&mut self.found);
        found
            .into_values()
            .flat_map(|allowed| self.finding(allowed, documents))
            .collect()
    }

    /// Asks for every action of a service on every target that it works on.
    fn probe(&mut self, service: &str, targets: &[Target<'a>]) {
        let Some(service) = actions::service(service) else {
            return;
        };
        for action in &service.actions {
            let name = format!("{}:{}", service.name, action.name);
            if !self.patterns.match_action(&name) {
                continue;
            }
            for target in targets {
                let fits = if action.resources.is_empty() {
                    target.kind == "*"
                } else {
                    action.resources.contains(&target.kind) && target.service == service.name
                };
                let pair = (name.to_ascii_lowercase(), target.resource.clone());
                if !fits || self.pairs.contains(&pair) {
                    continue;
                }
                let request = self.request(&name, target);
                self.ask(&request, target);
            }
        }
    }

    fn ask(&mut self, request: &Request, target: &Target<'a>) {
        let applying = Applying::of_role(self.arn, target.policy.clone(), self.installed);
        if let Some(by) = applying.allowed_by_what_is_known(request) {
            for statement in responsible(&applying, by) {
                self.note(statement, &target.on, &request.action, None);
            }
        }
    }

    fn request(&self, action: &str, target: &Target<'_>) -> Request {
        let caller = Caller::Role {
            arn: self.arn.to_string(),
            session: None,
        };
        Request::new(caller, action, &target.resource)
            .owned_by(target.account.clone())
            .with("aws:SecureTransport", "true")
    }

    /// What documents allow of services that replication has nothing to do with.
    fn probe_other_services(&mut self) {
        let Some(role) = self.installed.role(self.arn) else {
            return;
        };
        let documents: Vec<&PolicyDocument> = role
            .policies
            .iter()
            .filter_map(|policy| policy.document.value())
            .collect();
        for document in documents {
            for statement in &document.statements {
                if statement.effect == Effect::Deny {
                    continue;
                }
                let on = targets::of_statement(statement, self.arn);
                for action in foreign_actions(statement) {
                    for target in &on {
                        let request = self.request(&action, target);
                        self.ask(&request, target);
                    }
                }
            }
        }
    }

    fn note(&mut self, statement: StatementId, on: &str, action: &str, without: Option<&str>) {
        let key = (statement.document.clone(), statement.index);
        let allowed = self.found.entry(key).or_insert_with(|| Allowed {
            statement,
            more: Vec::new(),
            unconditioned: Vec::new(),
        });
        let list = if without.is_some() {
            &mut allowed.unconditioned
        } else {
            &mut allowed.more
        };
        let known = list
            .iter_mut()
            .find(|surplus| surplus.on == on && surplus.without.as_deref() == without);
        match known {
            Some(surplus) => {
                if !surplus.actions.iter().any(|known| known == action) {
                    surplus.actions.push(action.to_owned());
                }
            }
            None => list.push(Surplus {
                on: on.to_owned(),
                actions: vec![action.to_owned()],
                without: without.map(ToOwned::to_owned),
            }),
        }
    }

    fn finding(&self, allowed: Allowed, documents: &Documents) -> Vec<Finding> {
        let Allowed {
            statement,
            more,
            unconditioned,
        } = allowed;
        let more = targets::without_repetition(more);
        let subject = format!("role {}", self.arn.role_name());
        let mut findings = Vec::new();
        if !more.is_empty() {
            findings.push(
                Finding::new(
                    Rule::SurplusAllowed,
                    Level::Warning,
                    &subject,
                    format!("the role may also {}", sentence(&more)),
                )
                .because("replication needs none of it"),
            );
        }
        if !unconditioned.is_empty() {
            findings.push(
                Finding::new(
                    Rule::KmsConditionsMissing,
                    Level::Warning,
                    &subject,
                    format!("the role may {}", sentence(&unconditioned)),
                )
                .because(
                    "S3 asks KMS by its own endpoint and for the objects of one bucket; AWS \
                     recommends to allow just that",
                ),
            );
        }
        let mut lists = [more, unconditioned]
            .into_iter()
            .filter(|list| !list.is_empty());
        for finding in &mut findings {
            finding.surplus = lists.next().unwrap_or_default();
            finding.place = self
                .origin(&statement.document)
                .map(|origin| Place::statement(&statement, &origin));
            self.narrow(finding, &statement, documents);
        }
        findings
    }

    /// Where a document was found that is the role's, or one of the plan's resources'.
    fn origin(&self, document: &str) -> Option<Origin> {
        self.needed
            .iter()
            .map(|asked| Applying::at(asked.call.gate, &asked.replication, self.installed))
            .find_map(|applying| applying.origin(document).cloned())
    }

    /// The statement as it would do, if it does anything that is needed.
    fn narrow(&self, finding: &mut Finding, statement: &StatementId, documents: &Documents) {
        let used: Vec<&Request> = self
            .needed
            .iter()
            .filter(|asked| {
                let applying = Applying::at(asked.call.gate, &asked.replication, self.installed);
                let by = applying.allowed_by_what_is_known(&asked.call.request);
                by.is_some_and(|by| by.contains(statement))
            })
            .map(|asked| &asked.call.request)
            .collect();
        let place = format!(
            "statement {} of {}",
            statement.index + 1,
            statement.document
        );
        if used.is_empty() {
            finding.fix = format!("remove {place}");
            return;
        }
        let mut narrow: Vec<Statement> = Vec::new();
        for direction in &self.directions {
            let planned = documents.policy(Kind::Role, &direction.flow.source.bucket);
            let planned = planned.into_iter().flat_map(|planned| &planned.statements);
            for planned in planned.filter_map(|own| cut(own, &used)) {
                if !narrow.contains(&planned) {
                    narrow.push(planned);
                }
            }
        }
        let mut actions: Vec<String> = Vec::new();
        for request in used {
            if !actions.contains(&request.action) {
                actions.push(request.action.clone());
            }
        }
        finding.fix = format!("narrow {place} to {}", quoted(&actions, usize::MAX));
        let becomes = format!("statement {} becomes", statement.index + 1);
        finding.changes = match narrow.as_slice() {
            [] => Vec::new(),
            [one] => vec![Change::new(
                &statement.document,
                becomes,
                Step::Described,
                one,
            )],
            several => vec![Change::new(
                &statement.document,
                becomes,
                Step::Described,
                &several,
            )],
        };
    }
}

/// A statement with those of its actions that are used on its resources.
fn cut(statement: &Statement, used: &[&Request]) -> Option<Statement> {
    let Some(ResourceElement::Resource(resources)) = &statement.resource else {
        return None;
    };
    let here = |action: &&String| {
        used.iter().any(|request| {
            let about = |pattern: &String| {
                glob::matches_ignoring_case(pattern, &request.resource) || pattern.contains("${")
            };
            request.action == **action && resources.iter().any(about)
        })
    };
    let patterns = statement.action.patterns().iter();
    let kept: Vec<String> = patterns.filter(here).cloned().collect();
    (!kept.is_empty()).then(|| Statement {
        action: ActionElement::Action(kept),
        ..statement.clone()
    })
}

/// The statements to blame: the role's own, or those of the resource that do without them.
fn responsible(applying: &Applying<'_>, by: Vec<StatementId>) -> Vec<StatementId> {
    let own = |statement: &StatementId| {
        let mut identity = applying.identity.iter();
        identity.any(|(name, _)| *name == statement.document)
    };
    let (mine, others): (Vec<_>, Vec<_>) = by.into_iter().partition(own);
    if mine.is_empty() { others } else { mine }
}

fn sentence(surplus: &[Surplus]) -> String {
    let parts: Vec<String> = surplus
        .iter()
        .map(|surplus| {
            let without = surplus.without.as_deref().unwrap_or_default();
            let space = if without.is_empty() { "" } else { " " };
            format!(
                "{} on {}{space}{without}",
                quoted(&surplus.actions, 4),
                surplus.on
            )
        })
        .collect();
    parts.join("; ")
}

/// The first of these, and how many more.
fn quoted(actions: &[String], most: usize) -> String {
    let shown: Vec<String> = actions
        .iter()
        .take(if actions.len() > most { most - 1 } else { most })
        .map(|action| format!("`{action}`"))
        .collect();
    let more = actions.len() - shown.len();
    match more {
        0 => shown.join(", "),
        more => format!("{} and {more} more actions", shown.join(", ")),
    }
}
