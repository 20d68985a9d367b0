//! Customer managed policies and their versions.

use super::super::error::ApiError;
use super::super::query::{Answer, result};
use super::Iam;
use super::answers::{Policy, PolicyResult, Version, VersionResult};
use super::documents::check_managed;
use super::names::{
    already_exists, delete_conflict, limit_exceeded, merge_tags, name, no_such_entity,
    no_such_policy, path,
};
use crate::store::{ManagedPolicyRecord, PolicyVersion, now};

/// Versions of a policy.
const MAX_VERSIONS: usize = 5;

impl Iam<'_> {
    /// The policy that `PolicyArn` names, once the caller may do this to it.
    fn policy(&self) -> Result<ManagedPolicyRecord, ApiError> {
        let arn = self.parameters.required("PolicyArn")?;
        self.authorize(arn)?;
        match self.endpoint.store.policy_by_arn(arn)? {
            Some(policy) if policy.account == self.account => Ok(policy),
            _ => Err(no_such_policy(arn)),
        }
    }

    fn change_policy<T>(
        &self,
        policy: &ManagedPolicyRecord,
        change: impl FnOnce(&mut ManagedPolicyRecord) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        self.endpoint
            .store
            .change_policy(&policy.account, &policy.name, |record| match record {
                Some(record) => change(record),
                None => Err(no_such_policy(&policy.arn())),
            })
    }

    fn described(&self, policy: &ManagedPolicyRecord) -> Result<Policy, ApiError> {
        let arn = policy.arn();
        let roles = self.endpoint.store.roles(self.account)?;
        let attached = roles.iter().filter(|role| role.attached.contains(&arn));
        let bounding = roles
            .iter()
            .filter(|role| role.boundary.as_deref() == Some(arn.as_str()));
        Ok(Policy::new(policy, attached.count(), bounding.count()))
    }

    /// `VersionId`, as a number of a version that the policy has.
    fn version(&self, policy: &ManagedPolicyRecord) -> Result<u32, ApiError> {
        let id = self.parameters.required("VersionId")?;
        id.strip_prefix('v')
            .and_then(|number| number.parse().ok())
            .filter(|number| policy.versions.contains_key(number))
            .ok_or_else(|| {
                no_such_entity(format!(
                    "Policy {} version {id} does not exist or is not attachable.",
                    policy.arn()
                ))
            })
    }

    pub(super) fn create_policy(&self) -> Result<Answer, ApiError> {
        let name = name(self.parameters, "PolicyName", 128)?;
        let path = path(self.parameters)?;
        let document = self.parameters.required("PolicyDocument")?;
        let mut policy = ManagedPolicyRecord::new(self.account, path, name, document.to_owned());
        self.authorize(&policy.arn())?;
        check_managed(document)?;
        policy.description = self.parameters.get("Description").map(str::to_owned);
        merge_tags(&mut policy.tags, self.parameters)?;
        let answer = PolicyResult {
            policy: Policy::new(&policy, 0, 0),
        };
        self.endpoint
            .store
            .change_policy(self.account, name, |record| {
                if record.is_some() {
                    return Err(already_exists(format!(
                        "A policy called {name} already exists. Duplicate names are not allowed."
                    )));
                }
                *record = Some(policy);
                Ok(())
            })?;
        result(self.action, &answer)
    }

    pub(super) fn get_policy(&self) -> Result<Answer, ApiError> {
        let policy = self.described(&self.policy()?)?;
        result(self.action, &PolicyResult { policy })
    }

    pub(super) fn list_policies(&self) -> Result<Answer, ApiError> {
        self.authorize("*")?;
        let prefix = self.parameters.get("PathPrefix").unwrap_or("/");
        // The lab has no policies of AWS's own.
        let wanted = self.parameters.get("Scope") != Some("AWS");
        let policies = self.endpoint.store.policies(self.account)?;
        let listed = policies
            .iter()
            .filter(|policy| wanted && policy.path.starts_with(prefix))
            .map(|policy| self.described(policy))
            .collect::<Result<_, _>>()?;
        self.page("Policies", listed)
    }

    pub(super) fn delete_policy(&self) -> Result<Answer, ApiError> {
        let policy = self.policy()?;
        let arn = policy.arn();
        let roles = self.endpoint.store.roles(self.account)?;
        if roles.iter().any(|role| {
            role.attached.contains(&arn) || role.boundary.as_deref() == Some(arn.as_str())
        }) {
            return Err(delete_conflict(
                "Cannot delete a policy attached to entities.",
            ));
        }
        if policy.versions.len() > 1 {
            return Err(delete_conflict(
                "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.",
            ));
        }
        self.endpoint
            .store
            .change_policy(&policy.account, &policy.name, |record| {
                *record = None;
                Ok(None)
            })
    }

    pub(super) fn create_policy_version(&self) -> Result<Answer, ApiError> {
        let document = self.parameters.required("PolicyDocument")?;
        let policy = self.policy()?;
        check_managed(document)?;
        let becomes_default = self.parameters.get("SetAsDefault") == Some("true");
        let policy_version = self.change_policy(&policy, |policy| {
            if policy.versions.len() >= MAX_VERSIONS {
                return Err(limit_exceeded(format!(
                    "A managed policy can have up to {MAX_VERSIONS} versions. Before you create a new version, you must delete an existing version."
                )));
            }
            let number = policy.next_version;
            policy.next_version += 1;
            policy.updated = now();
            let version = PolicyVersion {
                document: document.to_owned(),
                created: policy.updated,
            };
            if becomes_default {
                policy.default_version = number;
            }
            let answer = Version::listed(policy, number, &version);
            policy.versions.insert(number, version);
            Ok(answer)
        })?;
        result(self.action, &VersionResult { policy_version })
    }

    pub(super) fn get_policy_version(&self) -> Result<Answer, ApiError> {
        let policy = self.policy()?;
        let number = self.version(&policy)?;
        let version = policy
            .versions
            .get(&number)
            .ok_or_else(|| no_such_policy(&policy.arn()))?;
        result(
            self.action,
            &VersionResult {
                policy_version: Version::new(&policy, number, version),
            },
        )
    }

    pub(super) fn list_policy_versions(&self) -> Result<Answer, ApiError> {
        let policy = self.policy()?;
        let newest_first = policy.versions.iter().rev();
        let listed =
            newest_first.map(|(number, version)| Version::listed(&policy, *number, version));
        self.page("Versions", listed.collect())
    }

    pub(super) fn delete_policy_version(&self) -> Result<Answer, ApiError> {
        let policy = self.policy()?;
        let number = self.version(&policy)?;
        self.change_policy(&policy, |policy| {
            if number == policy.default_version {
                return Err(delete_conflict(
                    "Cannot delete the default version of a policy.",
                ));
            }
            policy.versions.remove(&number);
            Ok(None)
        })
    }

    pub(super) fn set_default_policy_version(&self) -> Result<Answer, ApiError> {
        let policy = self.policy()?;
        let number = self.version(&policy)?;
        self.change_policy(&policy, |policy| {
            policy.default_version = number;
            policy.updated = now();
            Ok(None)
        })
    }
}
