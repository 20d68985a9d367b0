//! One request with all that applies to it, as both evaluators take it.

use keyferry_policy::AccountId;
use keyferry_policy::iam::{
    Attached, Caller, Context, Decision, Denial, Policies, PolicyDocument, Request, ResourceKind,
    ResourcePolicy, Statement, evaluate,
};
use serde_json::{Map, Value, json};

/// What an evaluator says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    Allowed,
    Explicit,
    Implicit,
    Undecided,
}

#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) caller: Caller,
    pub(crate) action: String,
    pub(crate) resource: String,
    /// Whose the resource is.
    pub(crate) account: AccountId,
    /// Complete: it has what follows from the caller, too, which the other evaluator does not add.
    pub(crate) context: Vec<Key>,
    pub(crate) identity: Vec<PolicyDocument>,
    pub(crate) boundary: Option<PolicyDocument>,
    pub(crate) service_control: Vec<Vec<PolicyDocument>>,
    pub(crate) resource_control: Vec<Vec<PolicyDocument>>,
    pub(crate) resource_policy: Option<(ResourceKind, PolicyDocument)>,
}

#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) values: Vec<String>,
    /// Whether it can have several values; the other evaluator tells the kinds of keys apart by it.
    pub(crate) several: bool,
}

impl Case {
    /// Our decision and its reason. The documents go through their text, so reading is tested, too.
    pub(crate) fn ours(&self) -> (Outcome, String) {
        let read = |document: &PolicyDocument| -> PolicyDocument {
            let again =
                PolicyDocument::parse(&document.to_json()).expect("what we write can be read");
            assert_eq!(&again, document);
            again
        };
        let identity: Vec<_> = self.identity.iter().map(read).collect();
        let boundary = self.boundary.as_ref().map(read);
        let levels = |levels: &[Vec<PolicyDocument>]| -> Vec<Vec<PolicyDocument>> {
            levels
                .iter()
                .map(|level| level.iter().map(read).collect())
                .collect()
        };
        let service_control = levels(&self.service_control);
        let resource_control = levels(&self.resource_control);
        let resource = self
            .resource_policy
            .as_ref()
            .map(|(kind, document)| (*kind, read(document)));
        let policies = Policies {
            identity: attached("the caller's policy", &identity),
            boundary: boundary.as_ref().map(|document| Attached {
                name: "the boundary",
                document,
            }),
            service_control: service_control
                .iter()
                .map(|level| attached("the SCP", level))
                .collect(),
            resource_control: resource_control
                .iter()
                .map(|level| attached("the RCP", level))
                .collect(),
            resource: resource.as_ref().map(|(kind, document)| ResourcePolicy {
                kind: *kind,
                name: "the resource's policy",
                document,
            }),
        };
        let request = Request {
            caller: self.caller.clone(),
            action: self.action.clone(),
            resource: self.resource.clone(),
            resource_account: Some(self.account.clone()),
            context: self
                .context
                .iter()
                .map(|key| (key.name.clone(), key.values.clone()))
                .collect::<Context>(),
        };
        let decision = evaluate(&request, &policies);
        let outcome = match &decision {
            Decision::Allowed { .. } => Outcome::Allowed,
            Decision::Denied(Denial::Explicit { .. }) => Outcome::Explicit,
            Decision::Denied(Denial::Implicit { .. }) => Outcome::Implicit,
            Decision::Undecided { .. } => Outcome::Undecided,
        };
        (outcome, decision.to_string())
    }

    /// The case as the oracle's script takes it.
    pub(crate) fn question(&self) -> Value {
        let context: Map<String, Value> = self
            .context
            .iter()
            .map(|key| {
                let value = match key.values.as_slice() {
                    [one] if !key.several => json!(one),
                    values => json!(values),
                };
                (key.name.clone(), value)
            })
            .collect();
        // iam-simulate takes the root user for a user without policies. What AWS lets it do is what a
        // policy that allows everything lets a user do.
        let identity = match &self.caller {
            Caller::Root { .. } => vec![everything()],
            _ => self.identity.clone(),
        };
        json!({
            "principal": self.principal(),
            "action": self.action,
            "resource": self.resource,
            "account": self.account,
            "context": context,
            "identity": identity,
            "boundary": self.boundary,
            "serviceControl": self.service_control,
            "resourceControl": self.resource_control,
            "resourcePolicy": self.resource_policy.as_ref().map(|(_, document)| document),
        })
    }

    /// How the oracle names the caller; nothing for an unsigned request.
    fn principal(&self) -> Option<String> {
        match &self.caller {
            Caller::Service(name) => Some(name.clone()),
            Caller::Root { account, partition } => {
                Some(format!("arn:{partition}:iam::{account}:root"))
            }
            Caller::User { arn } => Some(arn.clone()),
            Caller::Role { arn, session: None } => Some(arn.clone()),
            Caller::Role {
                arn,
                session: Some(session),
            } => {
                let account = self.caller.account().expect("roles have accounts");
                let name = arn.rsplit('/').next().expect("roles have names");
                Some(format!(
                    "arn:aws:sts::{account}:assumed-role/{name}/{session}"
                ))
            }
            Caller::Anonymous => None,
        }
    }

    /// Every document that applies.
    pub(crate) fn documents(&self) -> impl Iterator<Item = &PolicyDocument> {
        self.identity
            .iter()
            .chain(&self.boundary)
            .chain(self.service_control.iter().flatten())
            .chain(self.resource_control.iter().flatten())
            .chain(self.resource_policy.as_ref().map(|(_, document)| document))
    }

    /// The same, to be changed.
    pub(crate) fn documents_mut(&mut self) -> impl Iterator<Item = &mut PolicyDocument> {
        self.identity
            .iter_mut()
            .chain(&mut self.boundary)
            .chain(self.service_control.iter_mut().flatten())
            .chain(self.resource_control.iter_mut().flatten())
            .chain(self.resource_policy.as_mut().map(|(_, document)| document))
    }

    /// A context key.
    pub(crate) fn key(&self, name: &str) -> Option<&Key> {
        self.context
            .iter()
            .find(|key| key.name.eq_ignore_ascii_case(name))
    }
}

fn attached<'a>(name: &'a str, documents: &'a [PolicyDocument]) -> Vec<Attached<'a>> {
    documents
        .iter()
        .map(|document| Attached { name, document })
        .collect()
}

/// A policy that allows everything, as AWS attaches to each level of an organisation.
pub(crate) fn everything() -> PolicyDocument {
    PolicyDocument::new(vec![Statement::allow(
        "Everything",
        &["*"],
        vec!["*".to_owned()],
    )])
}
