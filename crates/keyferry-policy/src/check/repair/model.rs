//! Statements that would allow a call: the plan's own, or one made for it.

use super::Work;
use crate::calls::Gate;
use crate::documents::Kind;
use crate::iam::{
    ActionElement, Caller, Effect, PolicyDocument, PrincipalElement, Principals, Statement,
};

impl Work<'_> {
    /// The plan's own statement for this action, cut to it.
    pub(super) fn model(&self) -> Option<Statement> {
        let bucket = &self.direction.flow.source.bucket;
        let kind = match self.call.gate {
            Gate::Trust => Kind::Trust,
            _ => Kind::Role,
        };
        let policy = self.documents.policy(kind, bucket)?;
        let mut fitting: Vec<Statement> = self.cut(policy).collect();
        fitting.sort_by_key(|statement| {
            !resources(statement)
                .iter()
                .any(|pattern| about(pattern, &self.call.request.resource))
        });
        fitting.into_iter().next()
    }

    /// The plan's own statements of the resource's policy.
    pub(super) fn planned_resource_statements(&self) -> Vec<Statement> {
        let flow = self.direction.flow;
        let key_of = |site: &crate::Site| {
            let documents = self.documents.iter();
            documents
                .filter(|document| document.kind == Kind::KeyPolicy)
                .filter(|document| document.bucket == site.bucket)
                .find_map(|document| document.policy())
                .map(|policy| policy.document().clone())
        };
        let policy = match self.call.gate {
            Gate::Trust => self
                .documents
                .policy(Kind::Trust, &flow.source.bucket)
                .cloned(),
            Gate::SourceBucket => None,
            Gate::DestinationBucket => self
                .documents
                .policy(Kind::BucketPolicy, &flow.destination.bucket)
                .cloned(),
            Gate::SourceKey => key_of(flow.source),
            Gate::ReplicaKey => key_of(flow.destination),
        };
        let Some(policy) = policy else {
            return Vec::new();
        };
        let role = self.direction.role.to_string();
        let planned = flow.role_arn().to_string();
        self.cut(&policy)
            .map(|mut statement| {
                if let Some(PrincipalElement::Principal(Principals::Listed { aws, .. })) =
                    &mut statement.principal
                {
                    for arn in aws.iter_mut().filter(|arn| **arn == planned) {
                        arn.clone_from(&role);
                    }
                }
                statement
            })
            .collect()
    }

    /// The statements of a document that allow the action, cut to it; what allows all stays whole.
    fn cut<'b>(&'b self, policy: &'b PolicyDocument) -> impl Iterator<Item = Statement> + 'b {
        let action = &self.call.request.action;
        policy
            .statements
            .iter()
            .filter(|statement| statement.effect == Effect::Allow)
            .filter_map(move |statement| {
                let patterns = statement.action.patterns();
                if patterns.contains(action) {
                    let mut statement = statement.clone();
                    statement.action = ActionElement::Action(vec![action.clone()]);
                    return Some(statement);
                }
                patterns
                    .iter()
                    .any(|pattern| crate::glob::matches_ignoring_case(pattern, action))
                    .then(|| statement.clone())
            })
    }

    /// A statement made for just this call, where the plan has none.
    pub(super) fn made(&self, with_principal: bool) -> Statement {
        let request = &self.call.request;
        let on_key = matches!(self.call.gate, Gate::SourceKey | Gate::ReplicaKey);
        let resource = match (on_key && with_principal, request.resource.rsplit_once('/')) {
            (true, _) => vec!["*".to_owned()],
            (false, Some((container, _))) if request.resource.contains(":s3:::") => {
                let prefix = &self.direction.flow.settings.prefix;
                let bucket = container.split('/').next().unwrap_or(container);
                vec![format!("{bucket}/{prefix}*")]
            }
            _ => vec![request.resource.clone()],
        };
        let resource = match self.call.gate {
            Gate::Trust => Vec::new(),
            _ => resource,
        };
        let mut statement = Statement::allow("Replication", &[&request.action], resource);
        for key in ["kms:ViaService", "kms:EncryptionContext:aws:s3:arn"] {
            if let Some(values) = request.context.get(key) {
                let values: Vec<String> = values.iter().map(|value| widened(value)).collect();
                let wild = values.iter().any(|value| value.ends_with('*'));
                let operator = if wild { "StringLike" } else { "StringEquals" };
                statement = statement.when(operator, key, values);
            }
        }
        if !with_principal {
            return statement;
        }
        statement.about(match &request.caller {
            Caller::Service(name) => Principals::service(name),
            _ => Principals::aws(vec![self.direction.role.to_string()]),
        })
    }
}

/// Any object instead of the one that was asked about.
fn widened(value: &str) -> String {
    match value.split_once(":::").and_then(|(start, path)| {
        let (bucket, _) = path.split_once('/')?;
        Some(format!("{start}:::{bucket}/*"))
    }) {
        Some(objects) => objects,
        None => value.to_owned(),
    }
}

pub(super) fn resources(statement: &Statement) -> &[String] {
    match &statement.resource {
        Some(element) => element.patterns(),
        None => &[],
    }
}

fn about(pattern: &str, resource: &str) -> bool {
    crate::glob::matches_ignoring_case(pattern, resource)
}
