//! Whether one statement applies to a request, element by element.

use super::condition::{self, Match};
use super::decision::{ConditionMiss, Mismatch};
use super::document::{
    ActionElement, Effect, LanguageVersion, PrincipalElement, ResourceElement, Statement,
};
use super::pattern::Pattern;
use super::principal::{self, Directness};
use super::request::{Context, Given, Request};
use super::variables::{Scope, expand};

/// Where a statement stands, which says what elements it must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// In a policy about its holder: it has no principal.
    Holder,
    /// In a policy of a resource.
    Resource,
    /// In a trust policy: it needs no resource.
    Trust,
    /// In a resource control policy.
    ResourceControl,
}

/// What statements are compared with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) request: &'a Request,
    /// The request's context, completed.
    pub(crate) context: &'a Context,
    /// Whether the caller has a permissions boundary.
    pub(crate) has_boundary: bool,
}

/// Whether a statement applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It does, and names the caller so directly.
    Applies(Directness),
    /// It does not.
    Not(Vec<Mismatch>),
    /// It depends.
    Unsure(Directness, String),
}

/// Whether a statement applies to the request.
pub(crate) fn outcome(
    statement: &Statement,
    language: LanguageVersion,
    role: Role,
    asked: &Asked<'_>,
) -> Outcome {
    let scope = Scope {
        context: asked.context,
        language,
    };
    let mut seen = Seen::default();
    let directness = principal(statement, role, asked, &mut seen);
    action(&statement.action, asked.request, &mut seen);
    resource(statement, role, asked.request, scope, &mut seen);
    conditions(statement, scope, &mut seen);
    seen.outcome(statement.effect, directness)
}

/// What was found while comparing the elements.
#[derive(Default)]
struct Seen {
    mismatches: Vec<Mismatch>,
    malformed: Vec<String>,
    unsure: Vec<String>,
}

impl Seen {
    fn note(&mut self, matched: Match, mismatch: impl FnOnce() -> Mismatch) {
        match matched {
            Match::Yes => {}
            Match::No => self.mismatches.push(mismatch()),
            Match::Unsure(why) => self.unsure.push(why),
            Match::Malformed(what) => self.malformed.push(what),
        }
    }

    /// What makes no sense never allows, and nobody can say whether it denies.
    fn outcome(self, effect: Effect, directness: Directness) -> Outcome {
        let Self {
            mut mismatches,
            malformed,
            mut unsure,
        } = self;
        let settled = !mismatches.is_empty();
        match effect {
            Effect::Allow => {
                let what = malformed
                    .into_iter()
                    .map(|what| Mismatch::Malformed { what });
                mismatches.extend(what);
            }
            Effect::Deny if !settled => unsure.extend(malformed),
            Effect::Deny => {}
        }
        if !mismatches.is_empty() {
            Outcome::Not(mismatches)
        } else if !unsure.is_empty() {
            Outcome::Unsure(directness, unsure.join(", and "))
        } else {
            Outcome::Applies(directness)
        }
    }
}

fn principal(statement: &Statement, role: Role, asked: &Asked<'_>, seen: &mut Seen) -> Directness {
    let caller = &asked.request.caller;
    let mut malformed = |what: &str| {
        seen.malformed.push(what.to_owned());
        Directness::Itself
    };
    match (&statement.principal, role) {
        (None, Role::Holder) => Directness::Itself,
        (Some(_), Role::Holder) => {
            malformed("a policy that is attached to no resource has no principal")
        }
        (None, _) => malformed("it names no principal"),
        (Some(PrincipalElement::NotPrincipal(_)), Role::Trust | Role::ResourceControl) => {
            malformed("`NotPrincipal` is not allowed in this kind of policy")
        }
        (Some(PrincipalElement::NotPrincipal(_)), _) if statement.effect == Effect::Allow => {
            malformed("`NotPrincipal` is not supported with `Allow`")
        }
        (Some(PrincipalElement::NotPrincipal(principals)), _) => {
            let denied = principal::denied_unless_named(principals, caller, asked.has_boundary);
            seen.note(denied, || Mismatch::Principal {
                caller: caller.to_string(),
            });
            Directness::Itself
        }
        (Some(PrincipalElement::Principal(principals)), _) => {
            let directness = principal::named(principals, caller);
            let matched = match statement.effect {
                Effect::Allow => Match::from(directness.is_some()),
                Effect::Deny => principal::denied(principals, caller),
            };
            seen.note(matched, || Mismatch::Principal {
                caller: caller.to_string(),
            });
            directness.unwrap_or(Directness::Account)
        }
    }
}

fn action(element: &ActionElement, request: &Request, seen: &mut Seen) {
    let given = request.action.to_ascii_lowercase();
    let named = element
        .patterns()
        .iter()
        .any(|pattern| Pattern::new(&pattern.to_ascii_lowercase()).matches(&given));
    let matched = match element {
        ActionElement::Action(_) => Match::from(named),
        ActionElement::NotAction(patterns) if patterns.is_empty() => {
            Match::Malformed("`NotAction` is empty".to_owned())
        }
        ActionElement::NotAction(_) => Match::from(!named),
    };
    seen.note(matched, || Mismatch::Action {
        wanted: element.patterns().to_vec(),
        given: request.action.clone(),
    });
}

fn resource(
    statement: &Statement,
    role: Role,
    request: &Request,
    scope: Scope<'_>,
    seen: &mut Seen,
) {
    let Some(element) = &statement.resource else {
        if role != Role::Trust {
            seen.malformed.push("it names no resource".to_owned());
        }
        return;
    };
    let named = Match::any(
        element
            .patterns()
            .iter()
            .map(|pattern| names_resource(pattern, &request.resource, scope)),
    );
    let matched = match (element, named) {
        (ResourceElement::Resource(_), named) => named,
        (ResourceElement::NotResource(patterns), _) if patterns.is_empty() => {
            Match::Malformed("`NotResource` is empty".to_owned())
        }
        (ResourceElement::NotResource(_), Match::Yes) => Match::No,
        (ResourceElement::NotResource(_), Match::No) => Match::Yes,
        (ResourceElement::NotResource(_), other) => other,
    };
    seen.note(matched, || Mismatch::Resource {
        wanted: element.patterns().to_vec(),
        given: request.resource.clone(),
    });
}

fn names_resource(pattern: &str, given: &str, scope: Scope<'_>) -> Match {
    // Variables stand in the last part of an ARN only.
    let early = pattern.split(':').take(5).any(|part| part.contains("${"));
    if early && scope.language == LanguageVersion::V2012 && pattern.starts_with("arn:") {
        return Match::Malformed(format!(
            "`{pattern}` has a variable before the last part of the ARN"
        ));
    }
    match expand(pattern, scope) {
        Ok(pieces) => Match::from(Pattern::of_resource(&pieces).matches(given)),
        Err(problem) => problem.in_resource(),
    }
}

fn conditions(statement: &Statement, scope: Scope<'_>, seen: &mut Seen) {
    let mut misses = Vec::new();
    for (operator, keys) in &statement.condition {
        for (key, wanted) in keys {
            match condition::test(operator, key, wanted, scope) {
                Match::Yes => {}
                Match::No => misses.push(ConditionMiss {
                    operator: operator.clone(),
                    key: key.clone(),
                    wanted: wanted.clone(),
                    given: match scope.context.given(key) {
                        Given::Values(values) => Some(values.to_vec()),
                        Given::Missing | Given::Unknown => None,
                    },
                }),
                Match::Unsure(why) => seen.unsure.push(why),
                Match::Malformed(what) => seen.malformed.push(what),
            }
        }
    }
    if !misses.is_empty() {
        seen.mismatches.push(Mismatch::Condition(misses));
    }
}
