//! One statement.

use std::collections::BTreeMap;

use super::error::{ParseError, ParseProblem};
use super::json::{Members, Node};
use crate::iam::document::{
    ActionElement, Conditions, Effect, PrincipalElement, Principals, ResourceElement, Statement,
};

const ELEMENTS: [&str; 9] = [
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

pub(super) fn read(node: &Node<'_>) -> Result<Statement, ParseError> {
    let mut members = node.object("a statement", &ELEMENTS)?;
    // What is there is read first: an error in it says more than that something else is missing.
    let sid = members
        .take("Sid")
        .map(|sid| sid.string("`Sid`"))
        .transpose()?;
    let effect = members
        .take("Effect")
        .map(|node| effect(&node))
        .transpose()?;
    let principal = either(&mut members, "Principal", "NotPrincipal")?
        .map(principal_element)
        .transpose()?;
    let action = match either(&mut members, "Action", "NotAction")? {
        None => None,
        Some(("Action", node)) => Some(ActionElement::Action(node.strings("`Action`")?)),
        Some((_, node)) => Some(ActionElement::NotAction(node.strings("`NotAction`")?)),
    };
    let resource = match either(&mut members, "Resource", "NotResource")? {
        None => None,
        Some(("Resource", node)) => Some(ResourceElement::Resource(node.strings("`Resource`")?)),
        Some((_, node)) => Some(ResourceElement::NotResource(node.strings("`NotResource`")?)),
    };
    let condition = match members.take("Condition") {
        None => Conditions::new(),
        Some(node) => conditions(&node)?,
    };
    let missing = |element| {
        node.error(ParseProblem::Missing {
            element,
            place: "the statement",
        })
    };
    Ok(Statement {
        sid,
        effect: effect.ok_or_else(|| missing("Effect"))?,
        principal,
        action: action.ok_or_else(|| missing("Action"))?,
        resource,
        condition,
    })
}

/// One of two elements that exclude each other, and which.
fn either<'a>(
    members: &mut Members<'a>,
    name: &'static str,
    negated: &'static str,
) -> Result<Option<(&'static str, Node<'a>)>, ParseError> {
    match (members.take_member(name), members.take_member(negated)) {
        (Some(first), Some(second)) => {
            // The later one is one too many.
            let later = if first.at.is_before(&second.at) {
                second
            } else {
                first
            };
            Err(later.at.error(ParseProblem::Both(name, negated)))
        }
        (Some(member), None) => Ok(Some((name, member.value))),
        (None, Some(member)) => Ok(Some((negated, member.value))),
        (None, None) => Ok(None),
    }
}

fn effect(node: &Node<'_>) -> Result<Effect, ParseError> {
    match node.string("`Effect`")?.as_str() {
        "Allow" => Ok(Effect::Allow),
        "Deny" => Ok(Effect::Deny),
        other => Err(node.error(ParseProblem::Effect(other.to_owned()))),
    }
}

fn principal_element(
    (name, node): (&'static str, Node<'_>),
) -> Result<PrincipalElement, ParseError> {
    let principals = principals(name, &node)?;
    Ok(match name {
        "Principal" => PrincipalElement::Principal(principals),
        _ => PrincipalElement::NotPrincipal(principals),
    })
}

fn principals(element: &'static str, node: &Node<'_>) -> Result<Principals, ParseError> {
    if node.is_string() {
        return match node.string(element)?.as_str() {
            "*" => Ok(Principals::Everyone),
            found => Err(node.error(ParseProblem::BarePrincipal {
                element,
                found: found.to_owned(),
            })),
        };
    }
    let mut members = node.object(
        "a principal",
        &["AWS", "Service", "Federated", "CanonicalUser"],
    )?;
    let mut take = |name: &str| match members.take(name) {
        None => Ok(Vec::new()),
        Some(node) => node.strings(&format!("`{name}`")),
    };
    Ok(Principals::Listed {
        aws: take("AWS")?,
        service: take("Service")?,
        federated: take("Federated")?,
        canonical_user: take("CanonicalUser")?,
    })
}

fn conditions(node: &Node<'_>) -> Result<Conditions, ParseError> {
    let mut conditions = Conditions::new();
    for operator in node.any_object("`Condition`")? {
        let mut keys = BTreeMap::new();
        for key in operator.value.any_object(&format!("`{}`", operator.name))? {
            let values = key.value.scalars(&format!("`{}`", key.name))?;
            keys.insert(key.name, values);
        }
        conditions.insert(operator.name, keys);
    }
    Ok(conditions)
}
