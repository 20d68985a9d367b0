//! Kinds of policy documents, and the elements that each has.
//!
//! Kinds: <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html>.
//! Service control policies: <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_syntax.html>.
//! Resource control policies: <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_syntax.html>.

use std::fmt;

use super::{Findings, LintRule, Severity};
use crate::iam::{ActionElement, Effect, PolicyDocument, PrincipalElement, Principals, Statement};

/// What a policy document is attached to, which decides what it may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DocumentKind {
    /// A permission policy of a user, group or role.
    Identity,
    /// A role's trust policy.
    Trust,
    /// A bucket policy.
    Bucket,
    /// A key policy.
    Key,
    /// A service control policy of an organisation.
    ServiceControl,
    /// A resource control policy of an organisation.
    ResourceControl,
    /// A permission boundary.
    Boundary,
}

impl fmt::Display for DocumentKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Identity => "permission policy",
            Self::Trust => "trust policy",
            Self::Bucket => "bucket policy",
            Self::Key => "key policy",
            Self::ServiceControl => "service control policy",
            Self::ResourceControl => "resource control policy",
            Self::Boundary => "permission boundary",
        })
    }
}

impl DocumentKind {
    /// The one service whose actions such a document may name, if there is just one.
    fn service(self) -> Option<&'static str> {
        match self {
            Self::Trust => Some("sts"),
            Self::Bucket => Some("s3"),
            Self::Key => Some("kms"),
            _ => None,
        }
    }

    /// Whether its statements name principals.
    fn names_principals(self) -> bool {
        matches!(
            self,
            Self::Trust | Self::Bucket | Self::Key | Self::ResourceControl
        )
    }
}

/// What kind of document this looks like, by its principals and actions. Permission policies, service
/// control policies and boundaries look alike: all are told to be [`DocumentKind::Identity`].
#[must_use]
pub fn recognise(document: &PolicyDocument) -> Option<DocumentKind> {
    let statements = &document.statements;
    if statements.is_empty() {
        return None;
    }
    if statements
        .iter()
        .all(|statement| statement.principal.is_none())
    {
        return Some(DocumentKind::Identity);
    }
    if !statements
        .iter()
        .all(|statement| statement.principal.is_some())
    {
        return None;
    }
    [DocumentKind::Trust, DocumentKind::Bucket, DocumentKind::Key]
        .into_iter()
        .find(|kind| {
            statements.iter().all(|statement| {
                let patterns = statement.action.patterns();
                !patterns.is_empty()
                    && patterns
                        .iter()
                        .all(|pattern| of_service(pattern, kind.service()))
                    && (*kind == DocumentKind::Trust) == statement.resource.is_none()
            })
        })
}

fn of_service(pattern: &str, service: Option<&str>) -> bool {
    let prefix = pattern.split(':').next().unwrap_or_default();
    service.is_some_and(|service| prefix.eq_ignore_ascii_case(service))
}

/// Whether the document is of the kind it is said to be, as far as can be seen; says so if not.
pub(super) fn check(
    document: &PolicyDocument,
    kind: DocumentKind,
    findings: &mut Findings,
) -> bool {
    let Some(looks) = recognise(document) else {
        return true;
    };
    let fits = match kind {
        DocumentKind::Identity | DocumentKind::ServiceControl | DocumentKind::Boundary => {
            looks == DocumentKind::Identity
        }
        // It names any service's actions, for everyone.
        DocumentKind::ResourceControl => {
            !matches!(looks, DocumentKind::Identity | DocumentKind::Trust)
        }
        _ => looks == kind,
    };
    if !fits {
        let action = document
            .statements
            .iter()
            .find_map(|statement| statement.action.patterns().first())
            .map_or("", String::as_str);
        let why = match looks {
            DocumentKind::Trust => format!("it has a Principal, `{action}` and no Resource"),
            DocumentKind::Identity => "it has no Principal".to_owned(),
            _ => format!("it has a Principal and `{action}`"),
        };
        let use_as = match looks {
            DocumentKind::Trust => {
                "give it to a role as its trust policy (`AssumeRolePolicyDocument`)"
            }
            DocumentKind::Bucket => "give it to a bucket (`PutBucketPolicy`)",
            DocumentKind::Key => "give it to a key (`PutKeyPolicy`)",
            _ => "give it to a user, group or role (`PutRolePolicy`)",
        };
        findings.document(
            Severity::Error,
            LintRule::WrongKind,
            format!("this looks like a {looks}, not a {kind}: {why}"),
            use_as.to_owned(),
        );
    }
    fits
}

/// What a statement of such a document must have and must not.
pub(super) fn check_statement(statement: &Statement, kind: DocumentKind, findings: &mut Findings) {
    match (&statement.principal, kind.names_principals()) {
        (None, true) => findings.error(
            LintRule::Element,
            format!("a statement of a {kind} needs a `Principal`"),
            "say whom it is about".to_owned(),
        ),
        (Some(_), false) => findings.error(
            LintRule::Element,
            format!("a {kind} has no `Principal`: it is about whom it is attached to"),
            "leave the `Principal` out".to_owned(),
        ),
        (Some(PrincipalElement::NotPrincipal(_)), true) if statement.effect == Effect::Allow => {
            findings.error(
                LintRule::Element,
                "`NotPrincipal` with `Allow` allows everyone else, anonymous callers included"
                    .to_owned(),
                "name the principals in `Principal`".to_owned(),
            );
        }
        (Some(PrincipalElement::Principal(principals)), true) => {
            check_principals(principals, findings)
        }
        _ => {}
    }
    match (&statement.resource, kind) {
        (Some(_), DocumentKind::Trust) => findings.error(
            LintRule::Element,
            "a trust policy has no `Resource`: it is about its role".to_owned(),
            "leave the `Resource` out".to_owned(),
        ),
        (None, kind) if kind != DocumentKind::Trust => findings.error(
            LintRule::Element,
            format!("a statement of a {kind} needs a `Resource`"),
            match kind {
                DocumentKind::Key => "put `*`, which is the key itself".to_owned(),
                _ => "name the resources".to_owned(),
            },
        ),
        _ => {}
    }
    if let Some(service) = kind.service() {
        for pattern in statement.action.patterns() {
            if pattern != "*" && !of_service(pattern, Some(service)) {
                findings.error(
                    LintRule::Element,
                    format!("a {kind} takes actions of `{service}` only, not `{pattern}`"),
                    "leave it out, or put it into a permission policy".to_owned(),
                );
            }
        }
    }
    if kind == DocumentKind::ResourceControl {
        check_resource_control(statement, findings);
    }
}

fn check_principals(principals: &Principals, findings: &mut Findings) {
    let Principals::Listed {
        aws,
        service,
        federated,
        canonical_user,
    } = principals
    else {
        return;
    };
    if aws.len() + service.len() + federated.len() + canonical_user.len() == 0 {
        findings.error(
            LintRule::Element,
            "the `Principal` is empty".to_owned(),
            "say whom the statement is about".to_owned(),
        );
    }
    // `arn:aws:iam::111122223333:role/*` matches nobody: only `*` itself stands for several.
    for arn in aws
        .iter()
        .filter(|arn| *arn != "*" && arn.contains(['*', '?']))
    {
        findings.error(
            LintRule::Element,
            format!("`{arn}` is no principal: wildcards do not work within one"),
            "name each, or use the account and a condition on `aws:PrincipalArn`".to_owned(),
        );
    }
}

fn check_resource_control(statement: &Statement, findings: &mut Findings) {
    if statement.effect == Effect::Allow {
        findings.error(
            LintRule::Element,
            "a resource control policy can only deny".to_owned(),
            "turn the statement round: `Deny` what is not wanted".to_owned(),
        );
    }
    let everyone = match &statement.principal {
        Some(PrincipalElement::Principal(Principals::Everyone)) | None => true,
        Some(PrincipalElement::Principal(Principals::Listed { aws, .. })) => {
            aws.iter().any(|arn| arn == "*")
        }
        Some(PrincipalElement::NotPrincipal(_)) => false,
    };
    if !everyone {
        findings.error(
            LintRule::Element,
            "the `Principal` of a resource control policy can only be `*`".to_owned(),
            "put `*`, and a condition on `aws:PrincipalArn` or `aws:PrincipalOrgID`".to_owned(),
        );
    }
    match &statement.action {
        ActionElement::NotAction(_) => findings.error(
            LintRule::Element,
            "a resource control policy has no `NotAction`".to_owned(),
            "name the actions in `Action`".to_owned(),
        ),
        ActionElement::Action(patterns) if patterns.iter().any(|pattern| pattern == "*") => {
            findings.error(
                LintRule::Element,
                "the action `*` is AWS's own to use in a resource control policy".to_owned(),
                "name the services, as in `s3:*`".to_owned(),
            );
        }
        ActionElement::Action(_) => {}
    }
}
