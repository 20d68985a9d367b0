//! Policy documents as data.
//!
//! Grammar: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>.
//! Where the grammar allows one value or a list, the data is a list, and writing always lists.

use std::collections::BTreeMap;

use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

/// A policy document of any kind: identity, trust, bucket, key, boundary, SCP or RCP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyDocument {
    /// Which version of the policy language.
    pub version: LanguageVersion,
    /// Its name, as key policies often have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What is allowed and denied.
    #[serde(rename = "Statement")]
    pub statements: Vec<Statement>,
}

/// Version of the policy language. Variables such as `${aws:username}` exist in the later one only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum LanguageVersion {
    /// What a document without `Version` is written in.
    #[serde(rename = "2008-10-17")]
    V2008,
    /// The current one.
    #[default]
    #[serde(rename = "2012-10-17")]
    V2012,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Its name.
    pub sid: Option<String>,
    /// Allow or deny.
    pub effect: Effect,
    /// Who; only in trust, key, bucket and resource control policies.
    pub principal: Option<PrincipalElement>,
    /// May do what.
    pub action: ActionElement,
    /// To what; absent in trust policies.
    pub resource: Option<ResourceElement>,
    /// On which conditions: operator, then key, then values.
    pub condition: Conditions,
}

/// Conditions by operator and key, as written: `StringLike` → `aws:PrincipalArn` → values.
pub type Conditions = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// Whether a statement allows or denies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Effect {
    /// Allows.
    Allow,
    /// Denies, whatever else allows.
    Deny,
}

/// `Principal` or `NotPrincipal`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrincipalElement {
    /// These.
    Principal(Principals),
    /// All but these.
    NotPrincipal(Principals),
}

/// Whom a statement is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principals {
    /// `"*"`
    Everyone,
    /// By kind.
    Listed {
        /// Accounts, users, roles and sessions; `*` is everyone.
        aws: Vec<String>,
        /// Services, by service principal such as `s3.amazonaws.com`.
        service: Vec<String>,
        /// Identity providers.
        federated: Vec<String>,
        /// Accounts, by S3's canonical user id.
        canonical_user: Vec<String>,
    },
}

/// `Action` or `NotAction`: patterns such as `s3:Get*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActionElement {
    /// These.
    Action(Vec<String>),
    /// All but these.
    NotAction(Vec<String>),
}

/// `Resource` or `NotResource`: patterns of ARNs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResourceElement {
    /// These.
    Resource(Vec<String>),
    /// All but these.
    NotResource(Vec<String>),
}

impl PolicyDocument {
    /// A document in the current version of the language.
    #[must_use]
    pub fn new(statements: Vec<Statement>) -> Self {
        Self {
            version: LanguageVersion::V2012,
            id: None,
            statements,
        }
    }

    /// The document as indented JSON, as the AWS CLI takes it.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings, lists and maps with string keys: nothing in it can fail to serialise.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

impl Statement {
    /// A statement that allows actions on resources; no resources where the kind of document has none.
    #[must_use]
    pub fn allow(sid: &str, actions: &[&str], resources: Vec<String>) -> Self {
        Self::new(sid, Effect::Allow, actions, resources)
    }

    /// A statement that denies actions on resources.
    #[must_use]
    pub fn deny(sid: &str, actions: &[&str], resources: Vec<String>) -> Self {
        Self::new(sid, Effect::Deny, actions, resources)
    }

    fn new(sid: &str, effect: Effect, actions: &[&str], resources: Vec<String>) -> Self {
        Self {
            sid: Some(sid.to_owned()),
            effect,
            principal: None,
            action: ActionElement::Action(actions.iter().map(ToString::to_string).collect()),
            resource: (!resources.is_empty()).then_some(ResourceElement::Resource(resources)),
            condition: Conditions::new(),
        }
    }

    /// The same statement about a principal.
    #[must_use]
    pub fn about(mut self, principals: Principals) -> Self {
        self.principal = Some(PrincipalElement::Principal(principals));
        self
    }

    /// The same statement under one more condition.
    #[must_use]
    pub fn when(mut self, operator: &str, key: &str, values: Vec<String>) -> Self {
        self.condition
            .entry(operator.to_owned())
            .or_default()
            .insert(key.to_owned(), values);
        self
    }
}

impl Principals {
    /// Accounts, users, roles or sessions by ARN.
    #[must_use]
    pub fn aws(arns: Vec<String>) -> Self {
        Self::Listed {
            aws: arns,
            service: Vec::new(),
            federated: Vec::new(),
            canonical_user: Vec::new(),
        }
    }

    /// A service by its service principal.
    #[must_use]
    pub fn service(name: &str) -> Self {
        Self::Listed {
            aws: Vec::new(),
            service: vec![name.to_owned()],
            federated: Vec::new(),
            canonical_user: Vec::new(),
        }
    }
}

impl ActionElement {
    /// The patterns, whichever way they count.
    #[must_use]
    pub fn patterns(&self) -> &[String] {
        match self {
            Self::Action(patterns) | Self::NotAction(patterns) => patterns,
        }
    }
}

impl ResourceElement {
    /// The patterns, whichever way they count.
    #[must_use]
    pub fn patterns(&self) -> &[String] {
        match self {
            Self::Resource(patterns) | Self::NotResource(patterns) => patterns,
        }
    }
}

impl Serialize for Statement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(sid) = &self.sid {
            map.serialize_entry("Sid", sid)?;
        }
        map.serialize_entry("Effect", &self.effect)?;
        match &self.principal {
            Some(PrincipalElement::Principal(principals)) => {
                map.serialize_entry("Principal", principals)?;
            }
            Some(PrincipalElement::NotPrincipal(principals)) => {
                map.serialize_entry("NotPrincipal", principals)?;
            }
            None => {}
        }
        match &self.action {
            ActionElement::Action(patterns) => map.serialize_entry("Action", patterns)?,
            ActionElement::NotAction(patterns) => map.serialize_entry("NotAction", patterns)?,
        }
        match &self.resource {
            Some(ResourceElement::Resource(patterns)) => {
                map.serialize_entry("Resource", patterns)?;
            }
            Some(ResourceElement::NotResource(patterns)) => {
                map.serialize_entry("NotResource", patterns)?;
            }
            None => {}
        }
        if !self.condition.is_empty() {
            map.serialize_entry("Condition", &self.condition)?;
        }
        map.end()
    }
}

impl Serialize for Principals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self::Listed {
            aws,
            service,
            federated,
            canonical_user,
        } = self
        else {
            return serializer.serialize_str("*");
        };
        let mut map = serializer.serialize_map(None)?;
        for (name, values) in [
            ("AWS", aws),
            ("Service", service),
            ("Federated", federated),
            ("CanonicalUser", canonical_user),
        ] {
            if !values.is_empty() {
                map.serialize_entry(name, values)?;
            }
        }
        map.end()
    }
}
