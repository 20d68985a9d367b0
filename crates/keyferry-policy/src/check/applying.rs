//! Which documents decide about a call, and what they say of it.
//!
//! A document that is not known is taken both ways: as one that allows everything, and as one that may
//! deny anything. So a denial is sure, and an allowance is one only if no document is unknown.

use std::sync::LazyLock;

use super::installed::{Installed, InstalledRole, Known, Origin};
use crate::calls::{Gate, Replication};
use crate::iam::{
    Attached, Decision, Denial, Policies, PolicyDocument, Principals, Request, ResourceKind,
    ResourcePolicy, Statement, StatementId, evaluate,
};
use crate::{BucketName, KmsKeyArn, RoleArn};

/// What stands for a document that is not known when a call is to be denied for sure.
static EVERYTHING: LazyLock<PolicyDocument> =
    LazyLock::new(|| PolicyDocument::new(vec![Statement::allow("", &["*"], vec!["*".to_owned()])]));
static EVERYTHING_FOR_EVERYONE: LazyLock<PolicyDocument> = LazyLock::new(|| {
    let resources = vec!["*".to_owned()];
    let statement = Statement::allow("", &["*"], resources).about(Principals::Everyone);
    PolicyDocument::new(vec![statement])
});
static EVERYONE_MAY_ASSUME: LazyLock<PolicyDocument> = LazyLock::new(|| {
    let statement = Statement::allow("", &["sts:*"], Vec::new()).about(Principals::Listed {
        aws: vec!["*".to_owned()],
        service: vec!["s3.amazonaws.com".to_owned()],
        federated: Vec::new(),
        canonical_user: Vec::new(),
    });
    PolicyDocument::new(vec![statement])
});

/// The answer to a call.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    /// Allowed by these.
    Allowed(Vec<StatementId>),
    /// Denied, whatever the documents say that are not known.
    Denied(Denial),
    /// It depends on something that AWS does not say.
    Undecided(String),
    /// It depends on documents that are not known: their names, and why not.
    Unknown(Vec<(String, String)>),
}

/// One document that takes part in decisions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Applied<'a> {
    pub(super) document: Option<&'a PolicyDocument>,
    pub(super) origin: Option<&'a Origin>,
    why_unknown: Option<&'a str>,
}

impl<'a> Applied<'a> {
    fn of(known: &'a Known<PolicyDocument>) -> Self {
        Self {
            document: known.value(),
            origin: known.given().map(|given| &given.origin),
            why_unknown: known.why_unknown(),
        }
    }

    fn unlisted(why: &'a str) -> Self {
        Self {
            document: None,
            origin: None,
            why_unknown: Some(why),
        }
    }

    fn either(&self, stand_in: &'a PolicyDocument) -> Option<&'a PolicyDocument> {
        match self.why_unknown {
            Some(_) => Some(stand_in),
            None => self.document,
        }
    }
}

/// All documents that decide about calls by one role on one resource, with their names.
#[derive(Debug, Clone)]
pub(super) struct Applying<'a> {
    pub(super) identity: Vec<(String, Applied<'a>)>,
    unread: Option<(String, &'a str)>,
    pub(super) boundary: (String, Applied<'a>),
    pub(super) resource: Option<(ResourceKind, String, Applied<'a>)>,
}

impl<'a> Applying<'a> {
    /// What decides about the calls of a replication behind a gate.
    pub(super) fn at(gate: Gate, replication: &Replication, installed: &'a Installed) -> Self {
        let resource = match (gate, &replication.kms) {
            (Gate::Trust, _) => Some(trust(&replication.role, installed)),
            (Gate::SourceBucket, _) => Some(bucket(&replication.source.bucket, installed)),
            (Gate::DestinationBucket, _) => {
                Some(bucket(&replication.destination.bucket, installed))
            }
            (Gate::SourceKey, Some(kms)) => Some(key(&kms.source_key, installed)),
            (Gate::ReplicaKey, Some(kms)) => Some(key(&kms.replica_key, installed)),
            (Gate::SourceKey | Gate::ReplicaKey, None) => None,
        };
        match gate {
            Gate::Trust => Self {
                resource,
                ..Self::nothing(&replication.role)
            },
            _ => Self::of_role(&replication.role, resource, installed),
        }
    }

    /// What decides about a role's calls on a resource with this policy.
    pub(super) fn of_role(
        role: &RoleArn,
        resource: Option<(ResourceKind, String, Applied<'a>)>,
        installed: &'a Installed,
    ) -> Self {
        let Some(installed) = installed.role(role) else {
            return Self {
                unread: Some((format!("the policies of `{}`", role.role_name()), NOT_GIVEN)),
                resource,
                ..Self::nothing(role)
            };
        };
        let names = installed.policies.iter().map(|policy| {
            (
                policy_name(installed, &policy.name),
                Applied::of(&policy.document),
            )
        });
        let unread = installed.unread_policies.as_deref();
        Self {
            identity: names.collect(),
            unread: unread.map(|why| (format!("the policies of `{}`", role.role_name()), why)),
            boundary: (boundary_name(role), Applied::of(&installed.boundary)),
            resource,
        }
    }

    fn nothing(role: &RoleArn) -> Self {
        Self {
            identity: Vec::new(),
            unread: None,
            boundary: (
                boundary_name(role),
                Applied {
                    document: None,
                    origin: None,
                    why_unknown: None,
                },
            ),
            resource: None,
        }
    }

    /// What the documents say of a call.
    pub(super) fn decide(&self, request: &Request) -> Answer {
        match evaluate(request, &self.policies()) {
            Decision::Denied(denial) => Answer::Denied(denial),
            Decision::Undecided { why } => Answer::Undecided(why),
            Decision::Allowed { by } => {
                let unknown = self.unknown();
                if unknown.is_empty() {
                    Answer::Allowed(by)
                } else {
                    Answer::Unknown(unknown)
                }
            }
        }
    }

    /// Whether what is known allows a call, for all that is not.
    pub(super) fn allowed_by_what_is_known(&self, request: &Request) -> Option<Vec<StatementId>> {
        let known = Self {
            identity: self.identity.clone(),
            unread: None,
            boundary: (self.boundary.0.clone(), self.boundary.1),
            resource: self.resource.clone(),
        };
        match evaluate(request, &known.known_policies()) {
            Decision::Allowed { by } => Some(by),
            Decision::Denied(_) | Decision::Undecided { .. } => None,
        }
    }

    fn policies(&self) -> Policies<'_> {
        let mut identity: Vec<Attached<'_>> = self
            .identity
            .iter()
            .filter_map(|(name, applied)| {
                let document = applied.either(&EVERYTHING)?;
                Some(Attached { name, document })
            })
            .collect();
        if let Some((name, _)) = &self.unread {
            identity.push(Attached {
                name,
                document: &EVERYTHING,
            });
        }
        self.assemble(identity, |kind, applied| {
            applied.either(match kind {
                Some(ResourceKind::RoleTrust) => &EVERYONE_MAY_ASSUME,
                Some(_) => &EVERYTHING_FOR_EVERYONE,
                None => &EVERYTHING,
            })
        })
    }

    fn known_policies(&self) -> Policies<'_> {
        let known = self.identity.iter();
        let identity = known
            .filter_map(|(name, applied)| {
                Some(Attached {
                    name,
                    document: applied.document?,
                })
            })
            .collect();
        self.assemble(identity, |_, applied| applied.document)
    }

    fn assemble<'b>(
        &'b self,
        identity: Vec<Attached<'b>>,
        document: impl Fn(Option<ResourceKind>, &Applied<'b>) -> Option<&'b PolicyDocument>,
    ) -> Policies<'b> {
        let (name, boundary) = &self.boundary;
        Policies {
            identity,
            boundary: document(None, boundary).map(|document| Attached { name, document }),
            resource: self.resource.as_ref().and_then(|(kind, name, applied)| {
                Some(ResourcePolicy {
                    kind: *kind,
                    name,
                    document: document(Some(*kind), applied)?,
                })
            }),
            ..Policies::default()
        }
    }

    /// The documents that are not known, and why.
    pub(super) fn unknown(&self) -> Vec<(String, String)> {
        let resource = self
            .resource
            .iter()
            .map(|(_, name, applied)| (name, applied));
        self.identity
            .iter()
            .map(|(name, applied)| (name, applied))
            .chain([(&self.boundary.0, &self.boundary.1)])
            .chain(resource)
            .filter_map(|(name, applied)| Some((name.clone(), applied.why_unknown?.to_owned())))
            .chain(
                self.unread
                    .iter()
                    .map(|(name, why)| (name.clone(), (*why).to_owned())),
            )
            .collect()
    }

    /// Where a document was found, by its name.
    pub(super) fn origin(&self, name: &str) -> Option<&'a Origin> {
        let resource = self
            .resource
            .iter()
            .map(|(_, name, applied)| (name, applied));
        self.identity
            .iter()
            .map(|(name, applied)| (name, applied))
            .chain([(&self.boundary.0, &self.boundary.1)])
            .chain(resource)
            .find(|(known, _)| *known == name)
            .and_then(|(_, applied)| applied.origin)
    }

    /// The same with one document replaced.
    pub(super) fn with<'b>(&self, name: &str, document: &'b PolicyDocument) -> Applying<'b>
    where
        'a: 'b,
    {
        let replaced = |known: &str, applied: &Applied<'a>| -> Applied<'b> {
            if known == name {
                Applied {
                    document: Some(document),
                    origin: applied.origin,
                    why_unknown: None,
                }
            } else {
                *applied
            }
        };
        let mut with = Applying {
            identity: self
                .identity
                .iter()
                .map(|(known, applied)| (known.clone(), replaced(known, applied)))
                .collect(),
            unread: self.unread.clone(),
            boundary: (
                self.boundary.0.clone(),
                replaced(&self.boundary.0, &self.boundary.1),
            ),
            resource: self
                .resource
                .as_ref()
                .map(|(kind, known, applied)| (*kind, known.clone(), replaced(known, applied))),
        };
        let known = with.identity.iter().any(|(known, _)| known == name)
            || with.boundary.0 == name
            || with.resource.iter().any(|(_, known, _)| known == name);
        if !known {
            with.identity.push((
                name.to_owned(),
                Applied {
                    document: Some(document),
                    origin: None,
                    why_unknown: None,
                },
            ));
        }
        with
    }
}

const NOT_GIVEN: &str = "they were not given";

fn boundary_name(role: &RoleArn) -> String {
    format!("the permissions boundary of `{}`", role.role_name())
}

/// How reports name a permission policy of a role: by its own name, where the role has several.
pub(super) fn policy_name(role: &InstalledRole, policy: &str) -> String {
    let role_name = role.arn.role_name();
    if role.policies.len() > 1 {
        format!("the permission policy `{policy}` of `{role_name}`")
    } else {
        format!("the permission policy of `{role_name}`")
    }
}

fn trust<'a>(role: &RoleArn, installed: &'a Installed) -> (ResourceKind, String, Applied<'a>) {
    let applied = installed
        .role(role)
        .map_or(Applied::unlisted("it was not given"), |role| {
            Applied::of(&role.trust)
        });
    let name = format!("the trust policy of `{}`", role.role_name());
    (ResourceKind::RoleTrust, name, applied)
}

pub(super) fn bucket<'a>(
    bucket: &BucketName,
    installed: &'a Installed,
) -> (ResourceKind, String, Applied<'a>) {
    let applied = installed
        .bucket(bucket)
        .map_or(Applied::unlisted("it was not given"), |bucket| {
            Applied::of(&bucket.policy)
        });
    let name = format!("the bucket policy of `{bucket}`");
    (ResourceKind::Bucket, name, applied)
}

pub(super) fn key<'a>(
    key: &KmsKeyArn,
    installed: &'a Installed,
) -> (ResourceKind, String, Applied<'a>) {
    let applied = installed
        .key(key)
        .map_or(Applied::unlisted("it was not given"), |key| {
            Applied::of(&key.policy)
        });
    let name = format!("the key policy of `{}` in {}", key.key_id(), key.region());
    (ResourceKind::KmsKey, name, applied)
}

/// A key with a policy that is not among what is installed.
pub(super) fn given_key<'a>(
    key: &KmsKeyArn,
    policy: &'a Known<PolicyDocument>,
) -> (ResourceKind, String, Applied<'a>) {
    let name = format!("the key policy of `{}`", key.key_id());
    (ResourceKind::KmsKey, name, Applied::of(policy))
}
