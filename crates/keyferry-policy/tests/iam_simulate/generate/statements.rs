//! Random statements about what is asked for, or nearly.

use keyferry_policy::iam::{
    ActionElement, Caller, Conditions, Effect, PrincipalElement, Principals, ResourceElement,
    ResourceKind, Statement,
};
use rand::RngExt;

use super::{ELSEWHERE, HERE, Random, Subject, conditions, pick};

/// What the statements should be about.
pub(crate) struct About<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) action: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) caller: &'a Caller,
}

/// Which elements a statement has.
#[derive(Clone, Copy)]
pub(crate) struct Elements {
    pub(crate) principal: bool,
    pub(crate) resource: bool,
}

pub(crate) fn statement(
    random: &mut Random,
    about: &About<'_>,
    elements: Elements,
    index: usize,
) -> Statement {
    let effect = if random.random_bool(0.75) {
        Effect::Allow
    } else {
        Effect::Deny
    };
    let mut condition = Conditions::new();
    if random.random_bool(0.5) {
        for _ in 0..random.random_range(1..3) {
            conditions::add(random, &mut condition);
        }
    }
    Statement {
        sid: random.random_bool(0.3).then(|| format!("S{index}")),
        effect,
        principal: elements.principal.then(|| principal(random, about, effect)),
        action: action(random, about),
        resource: elements.resource.then(|| resource(random, about)),
        condition,
    }
}

/// What a resource control policy can say: denials, for everyone.
pub(crate) fn as_resource_control(statement: &mut Statement) {
    statement.effect = Effect::Deny;
    for_everyone(statement);
}

pub(crate) fn for_everyone(statement: &mut Statement) {
    statement.principal = Some(PrincipalElement::Principal(Principals::Everyone));
}

fn action(random: &mut Random, about: &About<'_>) -> ActionElement {
    let patterns = some(random, &mut |random| {
        if random.random_bool(0.45) {
            about.action.to_owned()
        } else if random.random_bool(0.75) {
            pick(random, about.subject.action_patterns).to_owned()
        } else {
            pick(random, about.subject.actions).to_owned()
        }
    });
    if random.random_bool(0.1) {
        ActionElement::NotAction(patterns)
    } else {
        ActionElement::Action(patterns)
    }
}

fn resource(random: &mut Random, about: &About<'_>) -> ResourceElement {
    let patterns = some(random, &mut |random| {
        if random.random_bool(0.2) && !about.resource.contains(['*', '$']) {
            about.resource.to_owned()
        } else if random.random_bool(0.4) {
            "*".to_owned()
        } else {
            pick(random, about.subject.resource_patterns).to_owned()
        }
    });
    if random.random_bool(0.1) {
        ResourceElement::NotResource(patterns)
    } else {
        ResourceElement::Resource(patterns)
    }
}

fn principal(random: &mut Random, about: &About<'_>, effect: Effect) -> PrincipalElement {
    // AWS forbids to allow everyone but some, and in trust policies to deny everyone but some.
    let trust = about.subject.kind == ResourceKind::RoleTrust;
    if effect == Effect::Deny && !trust && random.random_bool(0.2) {
        return PrincipalElement::NotPrincipal(listed(random, about));
    }
    if random.random_bool(0.12) {
        return PrincipalElement::Principal(Principals::Everyone);
    }
    PrincipalElement::Principal(listed(random, about))
}

fn listed(random: &mut Random, about: &About<'_>) -> Principals {
    let aws = |aws: Vec<String>| Principals::aws(aws);
    match about.caller {
        Caller::Service(name) if random.random_bool(0.7) => {
            return Principals::service(pick(random, &[name.as_str(), "ec2.amazonaws.com"]));
        }
        Caller::Anonymous if random.random_bool(0.5) => return aws(vec!["*".to_owned()]),
        _ => {}
    }
    let account = about
        .caller
        .account()
        .map_or(HERE.to_owned(), |account| account.to_string());
    let own = match about.caller {
        Caller::User { arn } | Caller::Role { arn, .. } => arn.clone(),
        _ => format!("arn:aws:iam::{account}:root"),
    };
    aws(some(
        random,
        &mut |random| match random.random_range(0..12) {
            0..5 => own.clone(),
            5..7 => format!("arn:aws:iam::{account}:root"),
            7 => account.clone(),
            8 => format!("arn:aws:sts::{account}:assumed-role/replication/s3"),
            9 => format!("arn:aws:iam::{}:user/bob", pick(random, &[HERE, ELSEWHERE])),
            10 => format!("arn:aws:iam::{}:root", pick(random, &[HERE, ELSEWHERE])),
            _ => "*".to_owned(),
        },
    ))
}

/// One, or two that differ.
fn some(random: &mut Random, one: &mut dyn FnMut(&mut Random) -> String) -> Vec<String> {
    let first = one(random);
    if random.random_bool(0.3) {
        let second = one(random);
        if second != first {
            return vec![first, second];
        }
    }
    vec![first]
}
