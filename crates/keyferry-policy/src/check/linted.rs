//! What is wrong with the installed documents whatever the plan: see [`crate::lint`].

use super::applying::policy_name;
use super::finding::{Finding, Level, Place};
use super::installed::{Installed, Known};
use super::rule::Rule;
use crate::iam::PolicyDocument;
use crate::lint::{DocumentKind, LintFinding, LintRule, Severity, lint};

/// What is wrong, and what is installed without the documents that are of another kind than they are
/// used as: nobody knows what the right ones would say.
pub(super) fn check(installed: &Installed) -> (Vec<Finding>, Installed) {
    let mut findings = Vec::new();
    let mut sound = installed.clone();
    each(&mut sound, |subject, name, kind, known| {
        let Known::Present(given) = known else {
            return;
        };
        let found = lint(&given.value, kind);
        let wrong = found.iter().any(|found| found.rule == LintRule::WrongKind);
        findings.extend(found.into_iter().map(|found| {
            let place = Place::document(name, &given.origin);
            finding(subject, place, found)
        }));
        if wrong {
            *known = Known::unknown("what was given is another kind of document");
        }
    });
    (findings, sound)
}

fn finding(subject: &str, place: Place, found: LintFinding) -> Finding {
    let level = match found.severity {
        Severity::Error => Level::Error,
        Severity::Warning => Level::Warning,
    };
    let place = match &found.statement {
        Some(statement) => Place {
            statement: Some(statement.index),
            sid: statement.sid.clone(),
            ..place
        },
        None => place,
    };
    Finding::new(Rule::Lint(found.rule), level, subject, found.message)
        .because(Rule::Lint(found.rule).summary())
        .at(Some(place))
        .fix(found.fix)
}

/// Every policy document, with what it is about, its name and its kind.
fn each(
    installed: &mut Installed,
    mut take: impl FnMut(&str, &str, DocumentKind, &mut Known<PolicyDocument>),
) {
    for role in &mut installed.roles {
        let role_name = role.arn.role_name().to_owned();
        let subject = format!("role {role_name}");
        let trust = format!("the trust policy of `{role_name}`");
        take(&subject, &trust, DocumentKind::Trust, &mut role.trust);
        let names: Vec<String> = role
            .policies
            .iter()
            .map(|policy| policy_name(role, &policy.name))
            .collect();
        for (policy, name) in role.policies.iter_mut().zip(names) {
            take(
                &subject,
                &name,
                DocumentKind::Identity,
                &mut policy.document,
            );
        }
        let boundary = format!("the permissions boundary of `{role_name}`");
        take(
            &subject,
            &boundary,
            DocumentKind::Boundary,
            &mut role.boundary,
        );
    }
    for bucket in &mut installed.buckets {
        let subject = format!("bucket {}", bucket.name);
        let name = format!("the bucket policy of `{}`", bucket.name);
        take(&subject, &name, DocumentKind::Bucket, &mut bucket.policy);
    }
    for key in &mut installed.keys {
        let subject = format!("key {}", key.arn.key_id());
        let name = format!(
            "the key policy of `{}` in {}",
            key.arn.key_id(),
            key.arn.region()
        );
        take(&subject, &name, DocumentKind::Key, &mut key.policy);
    }
}
