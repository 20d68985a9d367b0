//! Asking [`evaluate`] about a request, with every policy that applies to it.

use std::sync::Arc;

use keyferry_policy::iam::{
    Caller, Decision, Effect, Policies, PolicyDocument, Request, ResourceKind, ResourcePolicy,
    evaluate,
};
use keyferry_policy::{AccountId, Partition};

use super::circumstances::Circumstances;
use super::identity::{Identity, Named, Unreadable};
use super::public_access::is_public;
use super::refusal::Refusal;
use crate::encryption::KmsKeyRecord;
use crate::server::requester::Requester;
use crate::store::{BucketRecord, RoleRecord, Store, StoreError};

/// Yes, or why not.
pub(crate) type Judgement = Result<(), Box<Refusal>>;

/// Judges requests by the policies in a store. A cheap handle.
#[derive(Clone)]
pub(crate) struct Authorizer {
    store: Arc<Store>,
}

/// One question.
struct Question<'a> {
    caller: Caller,
    /// ARN of who asks, for refusals.
    asker: String,
    action: &'a str,
    resource: &'a str,
    owner: Option<&'a str>,
    circumstances: Circumstances,
}

impl Authorizer {
    /// Judges by `store`.
    pub(crate) fn new(store: Arc<Store>) -> Self {
        Self { store }
    }

    /// Whether `requester` may do what concerns its own account, or no policy but its own.
    pub(crate) fn may_administer(
        &self,
        requester: &Requester,
        action: &str,
        resource: &str,
        circumstances: Circumstances,
    ) -> Result<Judgement, StoreError> {
        let question = Question {
            owner: requester.account(),
            ..Question::of(requester, action, resource, circumstances)
        };
        let identity = Identity::of(&self.store, requester)?;
        Ok(question.judge(identity, None))
    }

    /// Whether `requester` may assume a role: its trust policy says who.
    ///
    /// AWS lets no root user assume roles; an account's credentials of the lab act as an
    /// administrator of it here (`S3-STS-2`).
    pub(crate) fn may_assume(
        &self,
        requester: &Requester,
        role: &RoleRecord,
        circumstances: Circumstances,
    ) -> Result<Judgement, StoreError> {
        let arn = role.arn();
        let mut question = Question {
            owner: Some(&role.account),
            ..Question::of(requester, "sts:AssumeRole", &arn, circumstances)
        };
        if let Requester::Root { account } = requester {
            question.caller = Caller::User {
                arn: format!("arn:aws:iam::{account}:user/administrator"),
            };
        }
        let identity = Identity::of(&self.store, requester)?;
        let name = format!("the trust policy of `{arn}`");
        Ok(question.judge_with(identity, ResourceKind::RoleTrust, name, &role.trust_policy))
    }

    /// Whether a service may assume a role: its trust policy alone decides.
    pub(crate) fn service_may_assume(
        &self,
        service: &str,
        role: &RoleRecord,
        circumstances: Circumstances,
    ) -> Judgement {
        let arn = role.arn();
        let question = Question {
            caller: Caller::Service(service.to_owned()),
            asker: service.to_owned(),
            action: "sts:AssumeRole",
            resource: &arn,
            owner: Some(&role.account),
            circumstances,
        };
        let name = format!("the trust policy of `{arn}`");
        let nothing = Ok(Identity::default());
        question.judge_with(nothing, ResourceKind::RoleTrust, name, &role.trust_policy)
    }

    /// Whether `requester` may do this with a KMS key.
    pub(crate) fn may_use_key(
        &self,
        requester: &Requester,
        action: &str,
        key: &KmsKeyRecord,
        circumstances: Circumstances,
    ) -> Result<Judgement, StoreError> {
        let question = Question {
            owner: Some(&key.account),
            ..Question::of(requester, action, &key.arn, circumstances)
        };
        let identity = Identity::of(&self.store, requester)?;
        let name = format!("the key policy of `{}`", key.arn);
        Ok(question.judge_with(identity, ResourceKind::KmsKey, name, &key.policy))
    }

    /// Whether `requester` may do this with a bucket or an object in it.
    pub(crate) fn may_use_bucket(
        &self,
        requester: &Requester,
        action: &str,
        resource: &str,
        bucket: &BucketRecord,
        circumstances: Circumstances,
    ) -> Result<Judgement, StoreError> {
        let question = Question {
            owner: Some(&bucket.owner),
            ..Question::of(requester, action, resource, circumstances)
        };
        let identity = Identity::of(&self.store, requester)?;
        Ok(question.judge_bucket(identity, bucket))
    }

    /// Whether a session that S3 has of a role may make a call of a replication.
    pub(crate) fn role_may_call(
        &self,
        role: &RoleRecord,
        action: &str,
        resource: &str,
        target: &CallTarget<'_>,
        circumstances: Circumstances,
    ) -> Result<Judgement, StoreError> {
        let question = Question {
            caller: Caller::Role {
                arn: role.arn(),
                session: Some(REPLICATION_SESSION.to_owned()),
            },
            asker: format!(
                "arn:aws:sts::{}:assumed-role/{}/{REPLICATION_SESSION}",
                role.account, role.name
            ),
            action,
            resource,
            owner: Some(match target {
                CallTarget::Bucket(bucket) => &bucket.owner,
                CallTarget::Key(key) => &key.account,
            }),
            circumstances,
        };
        let identity = Identity::of_role(&self.store, role)?;
        Ok(match target {
            CallTarget::Bucket(bucket) => question.judge_bucket(identity, bucket),
            CallTarget::Key(key) => {
                let name = format!("the key policy of `{}`", key.arn);
                question.judge_with(identity, ResourceKind::KmsKey, name, &key.policy)
            }
        })
    }
}

/// The name S3 gives its sessions of replication roles.
const REPLICATION_SESSION: &str = "s3-replication";

/// What a call of a replication is about.
pub(crate) enum CallTarget<'a> {
    Bucket(&'a BucketRecord),
    Key(&'a KmsKeyRecord),
}

impl<'a> Question<'a> {
    fn of(
        requester: &Requester,
        action: &'a str,
        resource: &'a str,
        mut circumstances: Circumstances,
    ) -> Self {
        let caller = match requester {
            Requester::Anonymous => Caller::Anonymous,
            Requester::Root { account } => match account_id(account) {
                Some(account) => Caller::Root {
                    account,
                    partition: Partition::Standard,
                },
                None => Caller::Anonymous,
            },
            Requester::Session {
                role_arn,
                session_name,
                ..
            } => {
                circumstances.set("aws:userid", &requester.user_id());
                circumstances.set("aws:MultiFactorAuthPresent", "false");
                Caller::Role {
                    arn: role_arn.clone(),
                    session: Some(session_name.clone()),
                }
            }
        };
        Self {
            caller,
            asker: requester.arn(),
            action,
            resource,
            owner: None,
            circumstances,
        }
    }

    fn judge_bucket(
        self,
        identity: Result<Identity, Unreadable>,
        bucket: &BucketRecord,
    ) -> Judgement {
        let name = format!("the bucket policy of `{}`", bucket.name);
        let policy = match &bucket.policy {
            None => None,
            Some(json) => match Named::parse(name, json) {
                Ok(policy) => Some(policy),
                Err(unreadable) => return self.judge(Err(unreadable), None),
            },
        };
        let outsider = self
            .caller
            .account()
            .is_none_or(|account| account.as_str() != bucket.owner);
        if let Some(policy) = &policy
            && outsider
            && !matches!(self.caller, Caller::Service(_))
            && bucket
                .public_access_block
                .is_some_and(|block| block.restrict_public_buckets)
            && is_public(&policy.document)
        {
            // What a public policy gives to others does not count (`S3-ACCESS-5`).
            let statements = policy.document.statements.iter();
            let denials = PolicyDocument {
                statements: statements
                    .filter(|statement| statement.effect == Effect::Deny)
                    .cloned()
                    .collect(),
                ..policy.document.clone()
            };
            let narrowed = Named {
                name: policy.name.clone(),
                document: denials,
            };
            return self.judge(identity, Some((ResourceKind::Bucket, &narrowed)));
        }
        self.judge(
            identity,
            policy.as_ref().map(|policy| (ResourceKind::Bucket, policy)),
        )
    }

    fn judge_with(
        self,
        identity: Result<Identity, Unreadable>,
        kind: ResourceKind,
        name: String,
        json: &str,
    ) -> Judgement {
        match Named::parse(name, json) {
            Ok(policy) => self.judge(identity, Some((kind, &policy))),
            Err(unreadable) => self.judge(Err(unreadable), None),
        }
    }

    fn judge(
        self,
        identity: Result<Identity, Unreadable>,
        resource_policy: Option<(ResourceKind, &Named)>,
    ) -> Judgement {
        let same_account = self
            .caller
            .account()
            .is_some_and(|account| Some(account.as_str()) == self.owner);
        let request = Request {
            caller: self.caller,
            action: self.action.to_owned(),
            resource: self.resource.to_owned(),
            resource_account: self.owner.and_then(account_id),
            context: self.circumstances.into_context(),
        };
        let decision = match &identity {
            Err(Unreadable(why)) => Decision::Undecided { why: why.clone() },
            Ok(identity) => {
                let policies = Policies {
                    identity: identity.policies.iter().map(Named::attached).collect(),
                    boundary: identity.boundary.as_ref().map(Named::attached),
                    resource: resource_policy.map(|(kind, policy)| ResourcePolicy {
                        kind,
                        name: &policy.name,
                        document: &policy.document,
                    }),
                    ..Policies::default()
                };
                evaluate(&request, &policies)
            }
        };
        if decision.is_allowed() {
            return Ok(());
        }
        tracing::debug!(
            caller = %request.caller,
            action = %request.action,
            resource = %request.resource,
            %decision,
            "not authorised"
        );
        Err(Box::new(Refusal {
            requester: self.asker,
            action: request.action,
            resource: request.resource,
            same_account,
            decision,
        }))
    }
}

fn account_id(account: &str) -> Option<AccountId> {
    account.parse().ok()
}
