//! Who else may assume the role.

use super::finding::{Finding, Level, Place};
use super::installed::{Given, Installed};
use super::replications::Direction;
use super::rule::Rule;
use crate::RoleArn;
use crate::iam::{
    Attached, Caller, Effect, Policies, PolicyDocument, PrincipalElement, Principals, Request,
    ResourceKind, ResourcePolicy, Statement, evaluate,
};

pub(super) fn check(directions: &[&Direction<'_>], installed: &Installed) -> Vec<Finding> {
    let mut roles: Vec<&RoleArn> = directions.iter().map(|direction| &direction.role).collect();
    roles.sort();
    roles.dedup();
    roles
        .into_iter()
        .filter_map(|role| Some((role, installed.role(role)?.trust.given()?)))
        .flat_map(|(role, trust)| of_role(role, trust))
        .collect()
}

fn of_role(role: &RoleArn, trust: &Given<PolicyDocument>) -> Vec<Finding> {
    let name = format!("the trust policy of `{}`", role.role_name());
    let statements = trust.value.statements.iter().enumerate();
    statements
        .filter(|(_, statement)| statement.effect == Effect::Allow)
        .filter_map(|(index, statement)| {
            let who = strangers(statement, role, &name, &trust.value);
            (!who.is_empty()).then(|| {
                Finding::new(
                    Rule::TrustTooWide,
                    Level::Warning,
                    format!("role {}", role.role_name()),
                    format!("the role may also be assumed by {}", who.join(", ")),
                )
                .because("replication needs `s3.amazonaws.com` alone")
                .at(Some(Place {
                    statement: Some(index),
                    sid: statement.sid.clone(),
                    ..Place::document(&name, &trust.origin)
                }))
                .fix("name nobody else")
            })
        })
        .collect()
}

/// Whom a statement lets in beside S3, as far as the whole document allows it.
fn strangers(
    statement: &Statement,
    role: &RoleArn,
    name: &str,
    trust: &PolicyDocument,
) -> Vec<String> {
    let everyone = "everyone".to_owned();
    let (aws, service, federated) = match &statement.principal {
        Some(PrincipalElement::Principal(Principals::Everyone)) => {
            return vec![everyone];
        }
        Some(PrincipalElement::NotPrincipal(_)) => return vec!["all but the named".to_owned()],
        Some(PrincipalElement::Principal(Principals::Listed {
            aws,
            service,
            federated,
            ..
        })) => (aws, service, federated),
        None => return Vec::new(),
    };
    let services = service
        .iter()
        .filter(|service| *service != "s3.amazonaws.com")
        .filter(|service| may_assume(Caller::Service((*service).clone()), role, name, trust))
        .map(|service| format!("`{service}`"));
    let principals = aws.iter().filter_map(|arn| {
        if arn == "*" {
            return Some(everyone.clone());
        }
        let caller = caller_of(arn, role);
        may_assume(caller, role, name, trust).then(|| format!("`{arn}`"))
    });
    let federated = federated.iter().map(|provider| format!("`{provider}`"));
    services.chain(principals).chain(federated).collect()
}

/// Somebody whom a principal stands for.
fn caller_of(arn: &str, role: &RoleArn) -> Caller {
    let account = arn.split(':').nth(4).unwrap_or(arn);
    if arn.contains(":role/") {
        return Caller::Role {
            arn: arn.to_owned(),
            session: None,
        };
    }
    Caller::User {
        arn: if arn.contains(":user/") {
            arn.to_owned()
        } else {
            format!("arn:{}:iam::{account}:user/somebody", role.partition())
        },
    }
}

fn may_assume(caller: Caller, role: &RoleArn, name: &str, trust: &PolicyDocument) -> bool {
    let everything = PolicyDocument::new(vec![Statement::allow("", &["*"], vec!["*".to_owned()])]);
    let policies = Policies {
        identity: vec![Attached {
            name: "its own policy",
            document: &everything,
        }],
        resource: Some(ResourcePolicy {
            kind: ResourceKind::RoleTrust,
            name,
            document: trust,
        }),
        ..Policies::default()
    };
    let request =
        Request::new(caller, "sts:AssumeRole", role.as_str()).owned_by(role.account().clone());
    evaluate(&request, &policies).is_allowed()
}
