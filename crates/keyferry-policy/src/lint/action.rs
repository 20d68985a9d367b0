//! Actions that do not exist.
//!
//! AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html>

use super::{Findings, LintRule};
use crate::actions;
use crate::iam::{ActionElement, Effect, Statement};

pub(super) fn check(statement: &Statement, findings: &mut Findings) {
    if statement.action.patterns().is_empty() {
        findings.error(
            LintRule::Element,
            "the statement names no action".to_owned(),
            "name the actions it is about".to_owned(),
        );
    }
    for pattern in statement.action.patterns() {
        if actions::matches_any(pattern) {
            continue;
        }
        let message = match pattern.split_once(':') {
            None => format!("`{pattern}` is no action: an action is `service:Name`, or `*`"),
            Some((service, _)) if actions::names(service).is_empty() => {
                format!("no service has the prefix `{service}` of `{pattern}`")
            }
            Some(_) if pattern.contains(['*', '?']) => format!("no action matches `{pattern}`"),
            Some(_) => format!("there is no action `{pattern}`"),
        };
        let fix = match actions::nearest(pattern) {
            Some(nearest) => format!("the nearest that exists is `{nearest}`"),
            None => "look the action up in the Service Authorization Reference".to_owned(),
        };
        // In a list of exceptions, a name that does not exist excepts nothing; so it does in a deny.
        findings.add(
            // AWS adds actions faster than any list: the document may be right, and the list old.
            super::Severity::Warning,
            LintRule::UnknownAction,
            match (statement.effect, &statement.action) {
                (Effect::Deny, ActionElement::Action(_)) => {
                    format!("{message}, so nothing is denied")
                }
                (Effect::Allow, ActionElement::NotAction(_)) => {
                    format!("{message}, so nothing is excepted")
                }
                _ => message,
            },
            fix,
        );
    }
}
