//! What S3 asks for when it replicates, under the documents that keyferry emits for each cell of the
//! matrix, and under the same documents with one thing changed.

use keyferry_policy::calls::{Call, Gate, Payload, Replication};
use keyferry_policy::documents::{Documents, Kind};
use keyferry_policy::iam::{
    ActionElement, Effect, PolicyDocument, PrincipalElement, Principals, ResourceElement,
    ResourceKind, Statement,
};
use keyferry_policy::{Profile, ReplicationPlan};

use crate::case::{Case, Key};
use crate::cells;
use crate::generate::of_caller;

/// Every call of every cell, in both profiles.
pub(crate) fn as_emitted() -> Vec<(String, Case)> {
    let mut cases = Vec::new();
    for profile in [Profile::Minimal, Profile::Compatible] {
        for (cell, plan) in cells::cells(profile) {
            let documents = Documents::of(&plan);
            for payload in [Payload::Object, Payload::DeleteMarker, Payload::Metadata] {
                for flow in plan.flows() {
                    for replication in Replication::of_flow(&flow, payload) {
                        for call in replication.calls_for(profile) {
                            let name = format!(
                                "cell {cell}, {profile:?}, {payload:?} from {}: {}",
                                flow.source.bucket, call.request.action
                            );
                            let source = &flow.source.bucket;
                            let identity = documents.policy(Kind::Role, source).expect("a role");
                            let resource = resource_policy(&plan, &documents, &call, &replication);
                            cases.push((name, case(&call, identity, resource)));
                        }
                    }
                }
            }
        }
    }
    cases
}

fn resource_policy<'a>(
    plan: &ReplicationPlan,
    documents: &'a Documents,
    call: &Call,
    replication: &Replication,
) -> Option<(ResourceKind, &'a PolicyDocument)> {
    let (source, destination) = (&replication.source.bucket, &replication.destination.bucket);
    match call.gate {
        Gate::Trust => Some((
            ResourceKind::RoleTrust,
            documents.policy(Kind::Trust, source)?,
        )),
        Gate::SourceBucket => Some((
            ResourceKind::Bucket,
            documents.policy(Kind::BucketPolicy, source)?,
        )),
        Gate::DestinationBucket => Some((
            ResourceKind::Bucket,
            documents.policy(Kind::BucketPolicy, destination)?,
        )),
        Gate::SourceKey | Gate::ReplicaKey => {
            let key = call.request.resource.parse().expect("a key");
            Some((ResourceKind::KmsKey, documents.key_policy(plan, &key)?))
        }
    }
}

fn case(
    call: &Call,
    identity: &PolicyDocument,
    resource: Option<(ResourceKind, &PolicyDocument)>,
) -> Case {
    let request = &call.request;
    let account = request
        .resource_account
        .clone()
        .expect("every call says whose the resource is");
    let mut context = of_caller(&request.caller, account.as_str());
    for (name, values) in request.context.iter() {
        let values = values.expect("nothing is unknown").to_vec();
        let several = name.eq_ignore_ascii_case("kms:EncryptionContextKeys");
        context.push(Key {
            name: name.to_owned(),
            values,
            several,
        });
    }
    // A service has no policies of its own.
    let own = request.caller.account().is_some();
    Case {
        caller: request.caller.clone(),
        action: request.action.clone(),
        resource: request.resource.clone(),
        account,
        context,
        identity: if own {
            vec![identity.clone()]
        } else {
            Vec::new()
        },
        boundary: None,
        service_control: Vec::new(),
        resource_control: Vec::new(),
        resource_policy: resource.map(|(kind, document)| (kind, document.clone())),
    }
}

/// The case with one thing changed in one statement, for each statement and each thing.
pub(crate) fn changed(name: &str, case: &Case) -> Vec<(String, Case)> {
    let mut cases = Vec::new();
    let documents = case.documents().count();
    for at in 0..documents {
        let statements = case
            .documents()
            .nth(at)
            .map_or(0, |document| document.statements.len());
        for index in 0..statements {
            let mut push = |what: &str, change: &dyn Fn(&mut PolicyDocument) -> bool| {
                let mut other = case.clone();
                let document = other.documents_mut().nth(at).expect("it was counted");
                if change(document) {
                    cases.push((
                        format!("{name}; document {at}, statement {index}: {what}"),
                        other,
                    ));
                }
            };
            push("dropped", &|document| {
                document.statements.remove(index);
                !document.statements.is_empty()
            });
            let actions = case.documents().nth(at).map_or(0, |document| {
                document.statements[index].action.patterns().len()
            });
            for action in 0..actions {
                push(
                    "an action dropped",
                    &|document| match &mut document.statements[index].action {
                        ActionElement::Action(patterns) if patterns.len() > 1 => {
                            patterns.remove(action);
                            true
                        }
                        _ => false,
                    },
                );
            }
            for (what, change) in CHANGES {
                push(what, &|document| change(&mut document.statements[index]));
            }
        }
    }
    cases
}

type Change = fn(&mut Statement) -> bool;

const CHANGES: &[(&str, Change)] = &[
    ("denied", |statement| {
        statement.effect = Effect::Deny;
        true
    }),
    ("all actions but these", |statement| {
        let ActionElement::Action(patterns) = statement.action.clone() else {
            return false;
        };
        statement.action = ActionElement::NotAction(patterns);
        true
    }),
    ("all resources but these", |statement| {
        let Some(ResourceElement::Resource(patterns)) = statement.resource.clone() else {
            return false;
        };
        statement.resource = Some(ResourceElement::NotResource(patterns));
        true
    }),
    ("other resources", |statement| {
        statement.resource.is_some() && {
            statement.resource = Some(ResourceElement::Resource(vec![
                "arn:aws:s3:::elsewhere/*".to_owned(),
            ]));
            true
        }
    }),
    ("everyone", |statement| {
        statement.principal.is_some() && {
            statement.principal = Some(PrincipalElement::Principal(Principals::Everyone));
            true
        }
    }),
    ("another account", |statement| {
        statement.principal.is_some() && {
            let other = Principals::aws(vec!["arn:aws:iam::999999999999:root".to_owned()]);
            statement.principal = Some(PrincipalElement::Principal(other));
            true
        }
    }),
    ("without conditions", |statement| {
        let had = !statement.condition.is_empty();
        statement.condition.clear();
        had
    }),
    ("other values in its conditions", |statement| {
        let values = statement
            .condition
            .values_mut()
            .flat_map(|keys| keys.values_mut())
            .flatten();
        values.fold(false, |_, value| {
            match value.as_str() {
                "true" => "false".clone_into(value),
                "false" => "true".clone_into(value),
                _ => value.push_str("-other"),
            }
            true
        })
    }),
    ("its conditions with IfExists", |statement| {
        let had = statement
            .condition
            .keys()
            .any(|operator| operator != "Null");
        statement.condition = std::mem::take(&mut statement.condition)
            .into_iter()
            .map(|(operator, keys)| match operator.as_str() {
                "Null" => (operator, keys),
                _ => (format!("{operator}IfExists"), keys),
            })
            .collect();
        had
    }),
];
