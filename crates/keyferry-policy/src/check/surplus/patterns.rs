//! The actions that documents allow, as patterns: what matches none of them need not be asked about.

use crate::check::installed::Installed;
use crate::check::replications::Direction;
use crate::iam::{ActionElement, Effect, PrincipalElement, Principals, Statement};
use crate::{RoleArn, actions, glob};

/// Patterns of actions that some statement allows.
pub(super) struct Patterns(Vec<Pattern>);

/// What statements allow, as far as actions go.
enum Pattern {
    These(String),
    AllBut(Vec<String>),
}

impl Patterns {
    /// Those that the role's policies allow, and those of the resources by themselves.
    pub(super) fn of(arn: &RoleArn, directions: &[&Direction<'_>], installed: &Installed) -> Self {
        let mut statements: Vec<&Statement> = Vec::new();
        if let Some(role) = installed.role(arn) {
            let policies = role.policies.iter();
            let documents = policies.filter_map(|policy| policy.document.value());
            statements.extend(documents.flat_map(|document| &document.statements));
        }
        for direction in directions {
            for site in [direction.flow.source, direction.flow.destination] {
                let bucket = installed.bucket(&site.bucket);
                let bucket = bucket.and_then(|bucket| bucket.policy.value());
                let key = site.encryption.kms_key();
                let key = key.and_then(|key| installed.key(key));
                let key = key.and_then(|key| key.policy.value());
                let own = bucket.into_iter().chain(key);
                let own = own.flat_map(|document| document.statements.iter());
                statements.extend(own.filter(|statement| names(statement, arn)));
            }
        }
        let patterns = statements
            .into_iter()
            .filter(|statement| statement.effect == Effect::Allow)
            .flat_map(|statement| match &statement.action {
                ActionElement::Action(these) => these.iter().cloned().map(Pattern::These).collect(),
                ActionElement::NotAction(those) => vec![Pattern::AllBut(those.clone())],
            });
        Self(patterns.collect())
    }

    /// Whether an action may be allowed at all.
    pub(super) fn match_action(&self, action: &str) -> bool {
        self.0.iter().any(|pattern| match pattern {
            Pattern::These(pattern) => glob::matches_ignoring_case(pattern, action),
            Pattern::AllBut(patterns) => !patterns
                .iter()
                .any(|pattern| glob::matches_ignoring_case(pattern, action)),
        })
    }
}

/// Whether a statement is about the role itself, not only about its account.
fn names(statement: &Statement, role: &RoleArn) -> bool {
    match &statement.principal {
        Some(PrincipalElement::Principal(Principals::Listed { aws, .. })) => aws
            .iter()
            .any(|principal| principal == "*" || principal == role.as_str()),
        Some(PrincipalElement::Principal(Principals::Everyone))
        | Some(PrincipalElement::NotPrincipal(_)) => true,
        None => false,
    }
}

/// The actions of other services that a statement names; of `*`, one of each service.
pub(super) fn foreign_actions(statement: &Statement) -> Vec<String> {
    const KIN: [&str; 4] = ["s3", "kms", "iam", "sts"];
    let one_of_each = || {
        let others = actions::services().filter(|service| !KIN.contains(service));
        others.filter_map(|service| {
            let first = actions::names(service).iter().next()?;
            Some(format!("{service}:{first}"))
        })
    };
    match &statement.action {
        ActionElement::NotAction(_) => one_of_each().collect(),
        ActionElement::Action(patterns) => patterns
            .iter()
            .flat_map(|pattern| match pattern.split_once(':') {
                None => one_of_each().collect(),
                Some((service, _)) if KIN.contains(&service.to_ascii_lowercase().as_str()) => {
                    Vec::new()
                }
                Some(_) => actions::matching(pattern),
            })
            .collect(),
    }
}
