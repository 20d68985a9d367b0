//! A policy that is live, with the plan's statements in it.
//!
//! A statement of the plan is known by its `Sid` and its principal; one that already stands there
//! under another name, or without one, is left where it is. All others are foreign and stay.

use keyferry_policy::KmsKeyArn;
use keyferry_policy::documents::GUARD_SIDS;
use keyferry_policy::iam::{
    Caller, Effect, Policies, PolicyDocument, PrincipalElement, Principals, Request, ResourceKind,
    ResourcePolicy, Statement, evaluate,
};

use crate::content::statements_agree;

/// What grants that a plan gives its roles are called, up to here.
const GRANTS: &str = "ReplicationRole";

/// The live policy with the plan's statements. `roles` are the ARNs of the plan's roles. `None` where
/// there is neither a policy nor anything to say.
pub(super) fn merged(
    live: Option<&PolicyDocument>,
    wanted: Option<&PolicyDocument>,
    roles: &[String],
) -> Option<PolicyDocument> {
    let Some(live) = live else {
        return wanted.cloned();
    };
    let wanted = wanted
        .map(|wanted| wanted.statements.as_slice())
        .unwrap_or_default();
    let mut places: Vec<Place> = live.statements.iter().map(Place::foreign).collect();
    let mut missing = Vec::new();
    for statement in wanted {
        let said =
            |place: &&mut Place| !place.taken && statements_agree(&place.statement, statement);
        match places.iter_mut().find(said) {
            Some(place) => place.taken = true,
            None => missing.push(statement),
        }
    }
    let mut new = Vec::new();
    for statement in missing {
        let ours = |place: &&mut Place| !place.taken && is_same_grant(&place.statement, statement);
        match places.iter_mut().find(ours) {
            Some(place) => place.replace(statement),
            None => new.push(statement.clone()),
        }
    }
    places.retain(|place| place.taken || !is_left_over(&place.statement, roles));
    let mut statements: Vec<Statement> = places.into_iter().map(|place| place.statement).collect();
    for mut statement in new {
        statement.sid = statement.sid.map(|sid| free_sid(&sid, &statements));
        statements.push(statement);
    }
    let mut merged = live.clone();
    merged.statements = statements;
    Some(merged)
}

/// A statement of the live policy.
struct Place {
    statement: Statement,
    /// Whether it says what the plan wants said.
    taken: bool,
}

impl Place {
    fn foreign(statement: &Statement) -> Self {
        Self {
            statement: statement.clone(),
            taken: false,
        }
    }

    fn replace(&mut self, statement: &Statement) {
        let sid = self.statement.sid.take();
        self.statement = Statement {
            sid,
            ..statement.clone()
        };
        self.taken = true;
    }
}

/// Whether both have the same name, but for a number, and are about the same principal.
fn is_same_grant(live: &Statement, wanted: &Statement) -> bool {
    let (Some(name), Some(wanted_name)) = (&live.sid, &wanted.sid) else {
        return false;
    };
    stem(name) == stem(wanted_name)
        && live.effect == wanted.effect
        && (live.principal == wanted.principal || is_about_nobody(live))
}

fn stem(sid: &str) -> &str {
    sid.trim_end_matches(|digit: char| digit.is_ascii_digit())
}

/// A grant of an earlier plan to roles of this one, which this one does not give; or its guard.
fn is_left_over(statement: &Statement, roles: &[String]) -> bool {
    let guard = statement.effect == Effect::Deny
        && statement.principal == Some(PrincipalElement::Principal(Principals::Everyone))
        && statement
            .sid
            .as_ref()
            .is_some_and(|sid| GUARD_SIDS.contains(&stem(sid)));
    if guard {
        return true;
    }
    let ours = statement.effect == Effect::Allow
        && statement
            .sid
            .as_ref()
            .is_some_and(|sid| sid.starts_with(GRANTS));
    ours && aws_principals(statement).is_some_and(|aws| {
        aws.iter()
            .all(|arn| roles.contains(arn) || is_unique_id(arn))
    })
}

/// The principals, where there are none but accounts, users and roles.
fn aws_principals(statement: &Statement) -> Option<&[String]> {
    match &statement.principal {
        Some(PrincipalElement::Principal(Principals::Listed {
            aws,
            service,
            federated,
            canonical_user,
        })) if service.is_empty() && federated.is_empty() && canonical_user.is_empty() => Some(aws),
        _ => None,
    }
}

/// Whether all principals are gone: AWS puts the unique id in the place of one that was deleted.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
fn is_about_nobody(statement: &Statement) -> bool {
    aws_principals(statement)
        .is_some_and(|aws| !aws.is_empty() && aws.iter().all(|id| is_unique_id(id)))
}

fn is_unique_id(principal: &str) -> bool {
    (principal.starts_with("AROA") || principal.starts_with("AIDA"))
        && principal.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// A name that no statement has: names are unique in a policy.
fn free_sid(sid: &str, statements: &[Statement]) -> String {
    let is_free = |name: &str| {
        !statements
            .iter()
            .any(|statement| statement.sid.as_deref() == Some(name))
    };
    if is_free(sid) {
        return sid.to_owned();
    }
    (2_usize..)
        .map(|number| format!("{}{number}", stem(sid)))
        .find(|name| is_free(name))
        .unwrap_or_default()
}

/// Whether a key policy lets its account go on changing it.
pub(super) fn keeps_account(policy: &PolicyDocument, key: &KmsKeyArn) -> bool {
    let root = Caller::Root {
        account: key.account().clone(),
        partition: key.partition(),
    };
    let request =
        Request::new(root, "kms:PutKeyPolicy", key.as_str()).owned_by(key.account().clone());
    let policies = Policies {
        resource: Some(ResourcePolicy {
            kind: ResourceKind::KmsKey,
            name: "the key",
            document: policy,
        }),
        ..Policies::default()
    };
    evaluate(&request, &policies).is_allowed()
}
