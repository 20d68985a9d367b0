//! From statements to a decision.
//!
//! An explicit denial anywhere wins. Otherwise everything that limits must allow (service control
//! policies, resource control policies, boundary), and the caller's policies or the resource's policy,
//! or both, must grant:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html>,
//! across accounts
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html>,
//! for keys <https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html>.
//!
//! What is not known is taken both ways, once against the request and once for it. Only if both lead to
//! the same answer is it the answer.

use super::decision::{Decision, Denial, Lacking, NearMiss, StatementId};
use super::gathered::{Gathered, Granting};
use super::policies::{Policies, ResourceKind};
use super::principal::Directness;
use super::request::{Caller, Request};

/// Decides a request by the policies that apply to it.
#[must_use]
pub fn evaluate(request: &Request, policies: &Policies<'_>) -> Decision {
    let gathered = Gathered::new(request, policies);
    let decide = |reading| {
        Weighing {
            request,
            policies,
            gathered: &gathered,
            reading,
        }
        .decide()
    };
    let cautious = decide(Reading::Against);
    if cautious.is_allowed() {
        return cautious;
    }
    let hopeful = decide(Reading::For);
    if !hopeful.is_allowed() {
        return hopeful;
    }
    Decision::Undecided {
        why: why_unsure(request, policies, &gathered),
    }
}

/// How to take what is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Against the request.
    Against,
    /// For the request.
    For,
}

struct Weighing<'a> {
    request: &'a Request,
    policies: &'a Policies<'a>,
    gathered: &'a Gathered,
    reading: Reading,
}

impl Weighing<'_> {
    fn decide(&self) -> Decision {
        if let Some(by) = self
            .gathered
            .denial(self.reading, self.root_may_mend_policy())
        {
            return Decision::Denied(Denial::Explicit { by });
        }
        let mut lacking = self.limits();
        let mut by = Vec::new();
        match self.granted() {
            Ok(statements) => by.extend(statements),
            Err(lacks) => lacking.extend(lacks),
        }
        let mut lacking = lacking.into_iter();
        match lacking.next() {
            None => Decision::Allowed { by },
            Some(first) => {
                let also: Vec<_> = lacking.collect();
                Decision::Denied(Denial::Implicit {
                    lacking: first,
                    nearly: self.nearly(first, &also),
                    also,
                })
            }
        }
    }

    /// The levels of organisation policies that do not allow.
    fn limits(&self) -> Vec<Lacking> {
        let silent = |levels: &[Granting]| -> Vec<usize> {
            let levels = levels.iter().enumerate();
            levels
                .filter(|(_, level)| !level.grants(self.reading))
                .map(|(level, _)| level)
                .collect()
        };
        let service = silent(&self.gathered.service_control).into_iter();
        let resource = silent(&self.gathered.resource_control).into_iter();
        service
            .map(|level| Lacking::ServiceControl { level })
            .chain(resource.map(|level| Lacking::ResourceControl { level }))
            .collect()
    }

    /// What grants the request, or whatever would have to.
    fn granted(&self) -> Result<Vec<StatementId>, Vec<Lacking>> {
        let kind = self.kind();
        let from_resource = self.resource_directness();
        let resource = |least| self.gathered.resource.statements(self.reading, least);
        match &self.request.caller {
            Caller::Service(_) | Caller::Anonymous => {
                return match from_resource {
                    Some(_) => Ok(resource(Directness::Itself)),
                    None => Err(vec![Lacking::Resource(kind)]),
                };
            }
            Caller::Root { .. } if kind == ResourceKind::RoleTrust => {
                return Err(vec![Lacking::RootAssumesNoRole]);
            }
            Caller::Root { .. } | Caller::User { .. } | Caller::Role { .. } => {}
        }
        let inside = self.same_account();
        let bounded = self.bounded();
        match from_resource {
            Some(Directness::Itself) if inside => return Ok(resource(Directness::Itself)),
            Some(Directness::Role) if inside && bounded => return Err(vec![Lacking::Boundary]),
            Some(Directness::Role) if inside => return Ok(resource(Directness::Role)),
            _ => {}
        }
        let identity = self.has_identity_grant();
        let needs_resource = !inside || kind.must_allow();
        let mut lacking = Vec::new();
        if needs_resource && from_resource.is_none() {
            lacking.push(if inside && identity {
                Lacking::Delegation(kind)
            } else {
                Lacking::Resource(kind)
            });
        }
        if !identity {
            lacking.push(Lacking::Identity);
        }
        if bounded {
            lacking.push(Lacking::Boundary);
        }
        if !lacking.is_empty() {
            return Err(lacking);
        }
        let own = &self.gathered.identity;
        let mut by = own.statements(self.reading, Directness::Account);
        if needs_resource {
            by.extend(resource(Directness::Account));
        }
        Ok(by)
    }

    /// How directly the resource's policy grants the request.
    fn resource_directness(&self) -> Option<Directness> {
        // Every key and every role has a policy. One that was not given may say anything.
        if self.reading == Reading::For && policy_not_given(self.request, self.policies) {
            return Some(Directness::Itself);
        }
        self.gathered.resource.directness(self.reading)
    }

    fn kind(&self) -> ResourceKind {
        self.policies
            .resource
            .map_or_else(|| kind_of(self.request), |policy| policy.kind)
    }

    fn same_account(&self) -> bool {
        if self.request.resource == "*" {
            return true;
        }
        match (self.request.owner(), self.request.caller.account()) {
            (Some(owner), Some(caller)) => owner == caller,
            _ => self.reading == Reading::For,
        }
    }

    /// The root user of an account may do in it what no policy denies.
    fn has_identity_grant(&self) -> bool {
        matches!(self.request.caller, Caller::Root { .. })
            || self.gathered.identity.grants(self.reading)
    }

    /// Whether a boundary keeps the caller from it.
    fn bounded(&self) -> bool {
        match (&self.request.caller, &self.gathered.boundary) {
            (Caller::User { .. } | Caller::Role { .. }, Some(boundary)) => {
                !boundary.grants(self.reading)
            }
            _ => false,
        }
    }

    /// Whether this is the root user of a bucket's account about the bucket's policy, which may always
    /// mend it: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html>.
    fn root_may_mend_policy(&self) -> bool {
        matches!(self.request.caller, Caller::Root { .. })
            && self.kind() == ResourceKind::Bucket
            && self.same_account()
            && [
                "s3:GetBucketPolicy",
                "s3:PutBucketPolicy",
                "s3:DeleteBucketPolicy",
            ]
            .iter()
            .any(|action| action.eq_ignore_ascii_case(&self.request.action))
    }

    fn nearly(&self, first: Lacking, also: &[Lacking]) -> Vec<NearMiss> {
        let gathered = self.gathered;
        let mut nearly = Vec::new();
        let mut identity_seen = false;
        for lacking in [first].iter().chain(also) {
            match lacking {
                Lacking::ServiceControl { level } => {
                    nearly.extend(gathered.service_control.get(*level).map(Granting::near));
                }
                Lacking::ResourceControl { level } => {
                    nearly.extend(gathered.resource_control.get(*level).map(Granting::near));
                }
                Lacking::Resource(_) | Lacking::Delegation(_) => {
                    nearly.push(gathered.resource.near());
                }
                Lacking::Identity => {
                    identity_seen = true;
                    nearly.push(gathered.identity.near());
                }
                Lacking::Boundary => nearly.extend(gathered.boundary.as_ref().map(Granting::near)),
                Lacking::RootAssumesNoRole => {}
            }
        }
        // Where either policy would do, both may have come near.
        if identity_seen && !self.kind().must_allow() && self.same_account() {
            nearly.push(gathered.resource.near());
        }
        let mut nearly: Vec<NearMiss> = nearly.into_iter().flatten().cloned().collect();
        nearly.sort_by_key(|near| near.but.distance());
        nearly
    }
}

fn kind_of(request: &Request) -> ResourceKind {
    if is_key(&request.resource) {
        ResourceKind::KmsKey
    } else if assumes_role(request) {
        ResourceKind::RoleTrust
    } else if request.resource.starts_with("arn:") && request.resource.contains(":s3:") {
        ResourceKind::Bucket
    } else {
        ResourceKind::Other
    }
}

fn is_key(resource: &str) -> bool {
    let mut parts = resource.splitn(6, ':');
    parts.nth(2) == Some("kms") && parts.nth(2).is_some_and(|rest| rest.starts_with("key/"))
}

fn assumes_role(request: &Request) -> bool {
    let assumes = "sts:assumerole";
    let start = request.action.get(..assumes.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(assumes))
        && request.resource.contains(":role/")
}

fn policy_not_given(request: &Request, policies: &Policies<'_>) -> bool {
    policies.resource.is_none() && kind_of(request).must_allow()
}

fn why_unsure(request: &Request, policies: &Policies<'_>, gathered: &Gathered) -> String {
    let mut reasons = gathered.unsure();
    if policy_not_given(request, policies) {
        reasons.push(format!("the {} is not given", kind_of(request)));
    }
    if request.resource != "*" && request.owner().is_none() {
        reasons.push(format!(
            "the account that owns `{}` is not known",
            request.resource
        ));
    }
    reasons.join("; ")
}

#[cfg(test)]
mod tests;
