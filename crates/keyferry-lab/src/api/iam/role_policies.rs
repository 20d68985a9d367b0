//! What a role may do: inline policies, and managed policies attached to it.

use super::super::error::ApiError;
use super::super::query::{Answer, result};
use super::Iam;
use super::answers::{AttachedPolicy, InlinePolicy};
use super::documents::{MAX_INLINE, check_identity, encoded, size};
use super::names::{limit_exceeded, name, no_such_entity, no_such_policy};

/// Managed policies of a role.
const MAX_ATTACHED: usize = 10;

impl Iam<'_> {
    pub(super) fn put_role_policy(&self) -> Result<Answer, ApiError> {
        let policy = name(self.parameters, "PolicyName", 128)?;
        let document = self.parameters.required("PolicyDocument")?;
        let role = self.role()?;
        check_identity(document)?;
        self.change_role(&role, |role| {
            role.policies.insert(policy.to_owned(), document.to_owned());
            let total: usize = role.policies.values().map(|document| size(document)).sum();
            if total > MAX_INLINE {
                return Err(limit_exceeded(format!(
                    "Maximum policy size of {MAX_INLINE} bytes exceeded for role {}",
                    role.name
                )));
            }
            Ok(None)
        })
    }

    pub(super) fn get_role_policy(&self) -> Result<Answer, ApiError> {
        let policy = name(self.parameters, "PolicyName", 128)?;
        let role = self.role()?;
        let document = role
            .policies
            .get(policy)
            .ok_or_else(|| no_such_inline(policy))?;
        result(
            self.action,
            &InlinePolicy {
                role_name: &role.name,
                policy_name: policy,
                policy_document: encoded(document),
            },
        )
    }

    pub(super) fn list_role_policies(&self) -> Result<Answer, ApiError> {
        let role = self.role()?;
        self.page("PolicyNames", role.policies.into_keys().collect())
    }

    pub(super) fn delete_role_policy(&self) -> Result<Answer, ApiError> {
        let policy = name(self.parameters, "PolicyName", 128)?;
        let role = self.role()?;
        self.change_role(&role, |role| match role.policies.remove(policy) {
            Some(_) => Ok(None),
            None => Err(no_such_inline(policy)),
        })
    }

    pub(super) fn attach_role_policy(&self) -> Result<Answer, ApiError> {
        let arn = self.parameters.required("PolicyArn")?;
        let role = self.role()?;
        match self.endpoint.store.policy_by_arn(arn)? {
            Some(policy) if policy.account == self.account => {}
            _ => return Err(no_such_policy(arn)),
        }
        self.change_role(&role, |role| {
            role.attached.insert(arn.to_owned());
            if role.attached.len() > MAX_ATTACHED {
                return Err(limit_exceeded(format!(
                    "Cannot exceed quota for PoliciesPerRole: {MAX_ATTACHED}"
                )));
            }
            Ok(None)
        })
    }

    pub(super) fn detach_role_policy(&self) -> Result<Answer, ApiError> {
        let arn = self.parameters.required("PolicyArn")?;
        let role = self.role()?;
        self.change_role(&role, |role| {
            if role.attached.remove(arn) {
                Ok(None)
            } else {
                Err(no_such_entity(format!("Policy {arn} was not found.")))
            }
        })
    }

    pub(super) fn list_attached_role_policies(&self) -> Result<Answer, ApiError> {
        let role = self.role()?;
        let attached = role.attached.into_iter().map(|arn| AttachedPolicy {
            policy_name: arn.rsplit('/').next().unwrap_or_default().to_owned(),
            policy_arn: arn,
        });
        self.page("AttachedPolicies", attached.collect())
    }
}

fn no_such_inline(policy: &str) -> ApiError {
    no_such_entity(format!(
        "The role policy with name {policy} cannot be found."
    ))
}
