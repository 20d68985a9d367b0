//! IAM policy documents.
//!
//! Grammar: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>.
//! One value may stand where a list is allowed; reading accepts both, writing always lists.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

/// A policy document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyDocument {
    /// Version of the policy language: `2012-10-17`.
    pub version: String,
    /// What is allowed and denied.
    #[serde(deserialize_with = "one_or_many")]
    pub statement: Vec<Statement>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Statement {
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Allow or deny.
    pub effect: Effect,
    /// Who; only in trust, key and bucket policies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<Principal>,
    /// May do what.
    #[serde(
        default,
        deserialize_with = "one_or_many",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub action: Vec<String>,
    /// To what; absent in trust policies.
    #[serde(
        default,
        deserialize_with = "one_or_many",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub resource: Vec<String>,
    /// On which conditions: operator, key, values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub condition: BTreeMap<String, serde_json::Value>,
}

/// Whether a statement allows or denies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// Allows.
    Allow,
    /// Denies, whatever else allows.
    Deny,
}

/// Whom a statement is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Principal {
    /// AWS services, by their service principal.
    #[serde(deserialize_with = "one_or_many")]
    Service(Vec<String>),
    /// Accounts, roles and users.
    #[serde(rename = "AWS", deserialize_with = "one_or_many")]
    Aws(Vec<String>),
}

impl PolicyDocument {
    pub(super) fn new(statement: Vec<Statement>) -> Self {
        Self {
            version: "2012-10-17".to_owned(),
            statement,
        }
    }

    /// Reads a document from JSON.
    ///
    /// # Errors
    /// When it is not JSON, or no policy document; the message has line and column.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Whether this trust policy lets a service assume the role. Conditions are not evaluated: a
    /// statement with conditions does not count as an allowance, and counts as a denial.
    #[must_use]
    pub fn lets_service_assume(&self, service: &str) -> bool {
        let concerns = |statement: &&Statement| {
            let principal = match &statement.principal {
                Some(Principal::Service(services)) => services.iter().any(|name| name == service),
                _ => false,
            };
            let action = statement.action.iter().any(|action| {
                ["sts:assumerole", "sts:*", "*"].contains(&action.to_ascii_lowercase().as_str())
            });
            principal && action
        };
        let mut concerning = self.statement.iter().filter(concerns).peekable();
        concerning.peek().is_some()
            && concerning.all(|statement| statement.effect == Effect::Allow)
            && self
                .statement
                .iter()
                .filter(concerns)
                .any(|statement| statement.condition.is_empty())
    }
}

impl Statement {
    pub(super) fn allow(sid: &str, actions: &[&str], resource: Vec<String>) -> Self {
        Self {
            sid: Some(sid.to_owned()),
            effect: Effect::Allow,
            principal: None,
            action: actions.iter().map(ToString::to_string).collect(),
            resource,
            condition: BTreeMap::new(),
        }
    }
}

fn one_or_many<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany<T> {
        Many(Vec<T>),
        One(T),
    }
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::Many(many) => many,
        OneOrMany::One(one) => vec![one],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trusts(json: &str) -> bool {
        PolicyDocument::from_json(json)
            .unwrap()
            .lets_service_assume("s3.amazonaws.com")
    }

    #[test]
    fn trust_is_read_in_both_spellings() {
        assert!(trusts(
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"sts:AssumeRole"}}"#
        ));
        assert!(trusts(
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["ec2.amazonaws.com","s3.amazonaws.com"]},"Action":["sts:AssumeRole"]}]}"#
        ));
    }

    #[test]
    fn others_are_not_trust() {
        for statement in [
            r#"{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}"#,
            r#"{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"sts:TagSession"}"#,
            r#"{"Effect":"Deny","Principal":{"Service":"s3.amazonaws.com"},"Action":"sts:AssumeRole"}"#,
            r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sts:AssumeRole"}"#,
        ] {
            let document = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
            assert!(!trusts(&document), "{statement}");
        }
    }
}
