//! Statements that nearly allow a call, changed in the one element that keeps them from it.

use super::model::resources;
use super::{Candidate, Work};
use crate::actions;
use crate::iam::{
    ActionElement, Caller, ConditionMiss, Mismatch, NearMiss, PrincipalElement, Principals,
    ResourceElement, Statement,
};
use crate::lint::looks_like_arn;

impl Work<'_> {
    /// A statement that nearly allows, with the one element changed that keeps it from doing so.
    pub(super) fn mended(&self, near: &NearMiss) -> Option<Candidate> {
        let index = near.statement.index;
        let mut after = self.document(&near.statement.document)?;
        let statement = after.statements.get_mut(index)?;
        let what = self.mend(statement, &near.but)?;
        Some(Candidate {
            document: near.statement.document.clone(),
            after,
            action: format!("{what} statement {}", index + 1),
            statement: index,
            added: false,
        })
    }

    fn mend(&self, statement: &mut Statement, but: &Mismatch) -> Option<String> {
        let request = &self.call.request;
        match but {
            Mismatch::Action { .. } => match &mut statement.action {
                ActionElement::Action(patterns) if is_narrow(statement.resource.as_ref()) => {
                    // A slip of the pen is put right, not kept beside what was meant.
                    patterns.retain(|pattern| {
                        actions::matches_any(pattern)
                            || actions::nearest(pattern).as_deref() != Some(&request.action)
                    });
                    patterns.push(request.action.clone());
                    Some(format!("add the action `{}` to", request.action))
                }
                ActionElement::Action(_) | ActionElement::NotAction(_) => None,
            },
            // Every action of the statement would be allowed there.
            Mismatch::Resource { .. } if has_wildcard(&statement.action) => None,
            Mismatch::Resource { .. } => {
                let resource = self.model().map_or_else(
                    || vec![request.resource.clone()],
                    |model| resources(&model).to_vec(),
                );
                match &mut statement.resource {
                    Some(ResourceElement::Resource(patterns)) => {
                        patterns.retain(|pattern| pattern == "*" || looks_like_arn(pattern));
                        patterns.extend(resource.iter().cloned());
                        Some(format!("add the resource `{}` to", resource.join("`, `")))
                    }
                    _ => None,
                }
            }
            Mismatch::Principal { .. } => {
                let Some(PrincipalElement::Principal(Principals::Listed { aws, service, .. })) =
                    &mut statement.principal
                else {
                    return None;
                };
                let name = match &request.caller {
                    Caller::Service(name) => {
                        service.push(name.clone());
                        name.clone()
                    }
                    _ => {
                        let role = self.direction.role.to_string();
                        aws.push(role.clone());
                        role
                    }
                };
                Some(format!("add the principal `{name}` to"))
            }
            Mismatch::Condition(misses) => {
                let steps: Vec<String> = misses
                    .iter()
                    .map(|miss| self.mend_condition(statement, miss))
                    .collect();
                Some(format!("{} in", steps.join(" and ")))
            }
            Mismatch::Malformed { .. } => None,
        }
    }

    /// A condition with the value that S3 asks with.
    fn mend_condition(&self, statement: &mut Statement, miss: &ConditionMiss) -> String {
        let ConditionMiss {
            operator,
            key,
            given,
            ..
        } = miss;
        let keys = statement.condition.entry(operator.clone()).or_default();
        let Some(given) = given else {
            keys.remove(key);
            statement.condition.retain(|_, keys| !keys.is_empty());
            return format!("drop the condition on `{key}`");
        };
        let model = self.model();
        let planned = model.as_ref().and_then(|model| {
            model
                .condition
                .values()
                .flat_map(|keys| keys.iter())
                .find(|(known, _)| known.eq_ignore_ascii_case(key))
                .map(|(_, values)| values.clone())
        });
        let values = planned.unwrap_or_else(|| given.clone());
        let wild = values.iter().any(|value| value.contains(['*', '?']));
        if wild && operator == "StringEquals" {
            // Equality knows no wildcards.
            let mut all = keys.remove(key).unwrap_or_default();
            extend(&mut all, &values);
            statement.condition.retain(|_, keys| !keys.is_empty());
            statement
                .condition
                .entry("StringLike".to_owned())
                .or_default()
                .insert(key.clone(), all);
        } else {
            extend(keys.entry(key.clone()).or_default(), &values);
        }
        format!("allow `{}` for `{key}`", values.join("`, `"))
    }
}

/// Whether the resources are in no more than the buckets and keys that are named in full.
fn is_narrow(resource: Option<&ResourceElement>) -> bool {
    let narrow = |pattern: &String| {
        let holder = pattern
            .split_once('/')
            .map_or(pattern.as_str(), |(holder, _)| holder);
        !holder.contains(['*', '?'])
    };
    match resource {
        None => true,
        Some(ResourceElement::Resource(patterns)) => patterns.iter().all(narrow),
        Some(ResourceElement::NotResource(_)) => false,
    }
}

fn has_wildcard(action: &ActionElement) -> bool {
    match action {
        ActionElement::Action(patterns) => {
            patterns.iter().any(|pattern| pattern.contains(['*', '?']))
        }
        ActionElement::NotAction(_) => true,
    }
}

fn extend(values: &mut Vec<String>, more: &[String]) {
    for value in more {
        if !values.contains(value) {
            values.push(value.clone());
        }
    }
}
