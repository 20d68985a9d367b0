//! The plainest model of IAM's decisions over the vocabulary of these tests.
//!
//! What is not known becomes a world in which it is so, and one in which it is not. Each world is
//! decided by itself; worlds that disagree leave it undecided.

use keyferry_policy::iam::{
    ActionElement, Caller, Effect, LanguageVersion, PolicyDocument, PrincipalElement, Principals,
    ResourceElement, ResourceKind, Statement,
};

use crate::generate::{Case, HOME};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    Allowed,
    Explicit,
    Implicit,
    Undecided,
}

/// Whether an element is met; nonsense is what cannot be judged at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tri {
    Yes,
    No,
    Unknown,
    Nonsense,
}

use Tri::{No, Nonsense, Unknown, Yes};

fn tri(truth: bool) -> Tri {
    if truth { Yes } else { No }
}

fn not(tri: Tri) -> Tri {
    match tri {
        Yes => No,
        No => Yes,
        other => other,
    }
}

/// The first of the ranks that occurs among all, else the fallback.
fn ranked(all: &[Tri], ranks: [Tri; 3], fallback: Tri) -> Tri {
    ranks
        .into_iter()
        .find(|rank| all.contains(rank))
        .unwrap_or(fallback)
}

fn any(all: &[Tri]) -> Tri {
    ranked(all, [Yes, Unknown, Nonsense], No)
}

fn every(all: &[Tri]) -> Tri {
    ranked(all, [No, Nonsense, Unknown], Yes)
}

pub(crate) fn is_entity(caller: &Caller) -> bool {
    matches!(caller, Caller::User { .. } | Caller::Role { .. })
}

/// Wildcards by trying everything.
fn like(pattern: &[char], text: &[char]) -> bool {
    match pattern.first() {
        None => text.is_empty(),
        Some('*') => (0..=text.len()).any(|taken| like(&pattern[1..], &text[taken..])),
        Some('?') => !text.is_empty() && like(&pattern[1..], &text[1..]),
        Some(wanted) => text.first() == Some(wanted) && like(&pattern[1..], &text[1..]),
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    let chars = |text: &str| text.chars().collect::<Vec<_>>();
    like(&chars(pattern), &chars(text))
}

/// A value of a condition or resource with its variables replaced; nothing if one has no value.
fn replaced(case: &Case, language: LanguageVersion, text: &str) -> Option<String> {
    if language == LanguageVersion::V2008 {
        return Some(text.to_owned());
    }
    let mut text = text.replace("${k:missing, 'x'}", "x");
    if let Caller::User { .. } = case.request.caller {
        text = text.replace("${aws:username}", "alice");
    }
    (!text.contains("${")).then_some(text)
}

fn condition(
    case: &Case,
    language: LanguageVersion,
    operator: &str,
    key: &str,
    wanted: &[String],
) -> Tri {
    if operator == "StringEqual" || wanted.is_empty() {
        return Nonsense;
    }
    let key = key.to_lowercase();
    let unknown = case
        .request
        .context
        .iter()
        .any(|(name, values)| name == key && values.is_none());
    let given = case.request.context.get(&key).unwrap_or_default();
    let missing = given.is_empty() && !unknown;
    if operator == "Null" {
        let each: Vec<Tri> = wanted
            .iter()
            .map(|wanted| match wanted.as_str() {
                "true" => tri(missing),
                "false" => tri(!missing),
                _ => Nonsense,
            })
            .collect();
        return any(&each);
    }
    if unknown {
        return Unknown;
    }
    let sets = operator.contains(':');
    if missing || (sets && given.iter().all(|given| given.is_empty())) {
        return tri(operator.ends_with("IfExists")
            || operator.starts_with("ForAllValues")
            || operator == "StringNotEquals");
    }
    if !sets && given.len() > 1 {
        return Nonsense;
    }
    let negated = operator.contains("Not");
    let each: Vec<Tri> = given
        .iter()
        .map(|given| {
            let one: Vec<Tri> = wanted
                .iter()
                .map(|wanted| {
                    if operator == "NumericLessThan" {
                        return match (given.parse::<i32>(), wanted.parse::<i32>()) {
                            (Ok(given), Ok(wanted)) => tri(given < wanted),
                            _ => Nonsense,
                        };
                    }
                    // Nothing is equal to or like a variable without a value.
                    let Some(wanted) = replaced(case, language, wanted) else {
                        return tri(false);
                    };
                    if operator == "Bool" {
                        let truth = ["true", "false"];
                        if truth.contains(&given.as_str()) && truth.contains(&wanted.as_str()) {
                            tri(*given == wanted)
                        } else {
                            Nonsense
                        }
                    } else if operator.contains("Like") {
                        tri(matches(&wanted, given))
                    } else {
                        tri(*given == wanted)
                    }
                })
                .collect();
            if negated { not(any(&one)) } else { any(&one) }
        })
        .collect();
    if operator.starts_with("ForAllValues") {
        every(&each)
    } else {
        any(&each)
    }
}

/// Which principals name the caller: everyone, the service, the account, the role, or exactly it.
#[derive(Debug, Clone, Copy, Default)]
struct Names {
    everyone: bool,
    service: bool,
    account: bool,
    role: bool,
    exactly: bool,
    canonical: bool,
}

fn names(principals: &Principals, caller: &Caller) -> Names {
    let Principals::Listed {
        aws,
        service,
        canonical_user,
        ..
    } = principals
    else {
        return Names {
            everyone: true,
            ..Names::default()
        };
    };
    let has = |wanted: String| aws.contains(&wanted);
    let of_home = caller.account().is_some();
    let (role, exactly) = match caller {
        Caller::User { arn } => (false, has(arn.clone())),
        Caller::Role { arn, session } => (
            has(arn.clone()),
            arn.ends_with("/r")
                && session.is_some()
                && has(format!("arn:aws:sts::{HOME}:assumed-role/r/s")),
        ),
        _ => (false, false),
    };
    Names {
        everyone: has("*".to_owned()),
        service: matches!(caller, Caller::Service(name) if service.contains(name)),
        account: of_home && (has(HOME.to_owned()) || has(format!("arn:aws:iam::{HOME}:root"))),
        role,
        exactly,
        canonical: !canonical_user.is_empty() && of_home,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Caller,
    Resource,
    Rcp,
}

fn principal(case: &Case, statement: &Statement, place: Place) -> Tri {
    let caller = &case.request.caller;
    let allow = statement.effect == Effect::Allow;
    match (&statement.principal, place) {
        (None, Place::Caller) => Yes,
        (Some(_), Place::Caller) | (None, _) => Nonsense,
        (Some(PrincipalElement::Principal(principals)), _) => {
            let names = names(principals, caller);
            if names.everyone || names.service || names.account || names.role || names.exactly {
                Yes
            } else if names.canonical && !allow {
                Unknown
            } else {
                No
            }
        }
        (Some(PrincipalElement::NotPrincipal(principals)), _) => {
            if allow || place == Place::Rcp || case.kind == ResourceKind::RoleTrust {
                return Nonsense;
            }
            if is_entity(caller) && case.boundary.is_some() {
                return Yes;
            }
            let names = names(principals, caller);
            if names.everyone {
                return No;
            }
            let needed = match caller {
                Caller::Anonymous => return Yes,
                Caller::Service(_) => return tri(!names.service),
                Caller::Root { .. } => vec![names.account],
                Caller::User { .. } => vec![names.account, names.exactly],
                Caller::Role { session: None, .. } => vec![names.account, names.role],
                Caller::Role { .. } => vec![names.account, names.role, names.exactly],
            };
            if needed.iter().all(|named| *named) {
                No
            } else if needed.contains(&true) || names.canonical {
                Unknown
            } else {
                Yes
            }
        }
    }
}

fn resource(case: &Case, language: LanguageVersion, statement: &Statement, place: Place) -> Tri {
    let matching = |patterns: &[String]| {
        let each: Vec<Tri> = patterns
            .iter()
            .map(|pattern| match replaced(case, language, pattern) {
                Some(pattern) => tri(matches(&pattern, &case.request.resource)),
                None => Nonsense,
            })
            .collect();
        any(&each)
    };
    match &statement.resource {
        Some(ResourceElement::Resource(patterns)) => matching(patterns),
        Some(ResourceElement::NotResource(patterns)) if patterns.is_empty() => Nonsense,
        Some(ResourceElement::NotResource(patterns)) => not(matching(patterns)),
        None => {
            if place == Place::Resource && case.kind == ResourceKind::RoleTrust {
                Yes
            } else {
                Nonsense
            }
        }
    }
}

/// Whether a statement applies; nothing if it may or may not.
fn applies(
    case: &Case,
    language: LanguageVersion,
    statement: &Statement,
    place: Place,
) -> Option<bool> {
    let given = case.request.action.to_lowercase();
    let has = |patterns: &[String]| {
        patterns
            .iter()
            .any(|pattern| matches(&pattern.to_lowercase(), &given))
    };
    let mut all = vec![
        match &statement.action {
            ActionElement::Action(patterns) => tri(has(patterns)),
            ActionElement::NotAction(patterns) if patterns.is_empty() => Nonsense,
            ActionElement::NotAction(patterns) => tri(!has(patterns)),
        },
        principal(case, statement, place),
        resource(case, language, statement, place),
    ];
    for (operator, keys) in &statement.condition {
        for (key, wanted) in keys {
            all.push(condition(case, language, operator, key, wanted));
        }
    }
    if all.contains(&No) {
        Some(false)
    } else if all.contains(&Nonsense) {
        // An allowance that makes no sense allows nothing; a denial might be meant.
        if statement.effect == Effect::Allow {
            Some(false)
        } else {
            None
        }
    } else if all.contains(&Unknown) {
        None
    } else {
        Some(true)
    }
}

/// A statement in one world.
#[derive(Debug, Clone)]
struct Applied {
    source: Source,
    effect: Effect,
    names: Names,
    applies: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Identity,
    Boundary,
    Scp(usize),
    Rcp(usize),
    Resource,
}

pub(crate) fn decide(case: &Case) -> Verdict {
    let caller = &case.request.caller;
    let linked = matches!(caller, Caller::Role { arn, .. } if arn.contains("aws-service-role"));
    let mut all = Vec::new();
    let mut add = |document: &PolicyDocument, source, place| {
        for statement in &document.statements {
            let names = match &statement.principal {
                Some(PrincipalElement::Principal(principals)) => names(principals, caller),
                _ => Names::default(),
            };
            let applies = applies(case, document.version, statement, place);
            let effect = statement.effect;
            all.push(Applied {
                source,
                effect,
                names,
                applies,
            });
        }
    };
    if is_entity(caller) {
        case.identity
            .iter()
            .for_each(|document| add(document, Source::Identity, Place::Caller));
        case.boundary
            .iter()
            .for_each(|document| add(document, Source::Boundary, Place::Caller));
    }
    if caller.account().is_some() && !linked {
        for (level, document) in case.scp.iter().enumerate() {
            add(document, Source::Scp(level), Place::Caller);
        }
    }
    if !linked {
        for (level, document) in case.rcp.iter().enumerate() {
            add(document, Source::Rcp(level), Place::Rcp);
        }
    }
    case.resource
        .iter()
        .for_each(|document| add(document, Source::Resource, Place::Resource));

    let unsure: Vec<usize> = (0..all.len())
        .filter(|at| all[*at].applies.is_none())
        .collect();
    let owned_at_home = case
        .request
        .resource_account
        .as_ref()
        .map(|owner| owner.as_str() == HOME);
    // The queue's owner is in its ARN.
    let owned_at_home = owned_at_home.or_else(|| {
        (case.kind == ResourceKind::Other).then(|| case.request.resource.contains(HOME))
    });
    let strict = matches!(case.kind, ResourceKind::KmsKey | ResourceKind::RoleTrust);
    let mut verdicts = Vec::new();
    for world in 0..1_u32 << unsure.len() {
        let mut statements = all.clone();
        for (bit, at) in unsure.iter().enumerate() {
            statements[*at].applies = Some(world >> bit & 1 == 1);
        }
        for inside in [true, false] {
            if owned_at_home.is_some_and(|home| home != inside) {
                continue;
            }
            // A policy that must exist and is not given may say anything.
            let unseen = if strict && case.resource.is_none() {
                vec![false, true]
            } else {
                vec![false]
            };
            for unseen_allows in unseen {
                verdicts.push(decide_world(
                    case,
                    &statements,
                    linked,
                    inside,
                    strict,
                    unseen_allows,
                ));
            }
        }
    }
    if verdicts.iter().all(|verdict| *verdict == Verdict::Allowed) {
        Verdict::Allowed
    } else if verdicts.contains(&Verdict::Allowed) {
        Verdict::Undecided
    } else if verdicts.iter().all(|verdict| *verdict == Verdict::Explicit) {
        Verdict::Explicit
    } else {
        Verdict::Implicit
    }
}

fn decide_world(
    case: &Case,
    all: &[Applied],
    linked: bool,
    inside: bool,
    strict: bool,
    unseen_allows: bool,
) -> Verdict {
    let caller = &case.request.caller;
    let applied = |effect| {
        all.iter()
            .filter(move |statement| statement.effect == effect && statement.applies == Some(true))
    };
    if applied(Effect::Deny).next().is_some() {
        return Verdict::Explicit;
    }
    let allows = |source| applied(Effect::Allow).any(|statement| statement.source == source);
    let limited = caller.account().is_some() && !linked;
    let scp = !limited || (0..case.scp.len()).all(|level| allows(Source::Scp(level)));
    let rcp = linked || (0..case.rcp.len()).all(|level| allows(Source::Rcp(level)));
    let by_resource = |wanted: fn(&Names) -> bool| {
        applied(Effect::Allow)
            .any(|statement| statement.source == Source::Resource && wanted(&statement.names))
    };
    let root = matches!(caller, Caller::Root { .. });
    let resource = allows(Source::Resource) || unseen_allows;
    let identity = root || allows(Source::Identity);
    let boundary = !is_entity(caller) || case.boundary.is_none() || allows(Source::Boundary);
    let granted = match caller {
        Caller::Service(_) | Caller::Anonymous => resource,
        Caller::Root { .. } if case.kind == ResourceKind::RoleTrust => false,
        Caller::Root { .. } if inside && strict => resource,
        _ if !inside => resource && identity && boundary,
        _ if by_resource(|names| names.everyone || names.exactly) || unseen_allows => true,
        _ if by_resource(|names| names.role) => boundary,
        _ if strict => resource && identity && boundary,
        _ => identity && boundary,
    };
    if scp && rcp && granted {
        Verdict::Allowed
    } else {
        Verdict::Implicit
    }
}
