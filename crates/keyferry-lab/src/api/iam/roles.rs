//! Roles: their trust, tags and boundary.

use super::super::error::ApiError;
use super::super::query::{Answer, result};
use super::Iam;
use super::answers::{Role, RoleResult, TagElement};
use super::documents::check_trust;
use super::names::{
    already_exists, delete_conflict, merge_tags, name, no_such_policy, no_such_role, path,
};
use crate::store::RoleRecord;

impl Iam<'_> {
    /// The caller's role of that name, once the caller may do this to it.
    pub(super) fn role(&self) -> Result<RoleRecord, ApiError> {
        let name = name(self.parameters, "RoleName", 64)?;
        let role = self.endpoint.store.role(self.account, name)?;
        // What is not there is refused to those who may not know, by the name it would have.
        let arn = role.as_ref().map_or_else(
            || format!("arn:aws:iam::{}:role/{name}", self.account),
            RoleRecord::arn,
        );
        self.authorize_with(&arn, |circumstances| {
            if let Some(role) = &role {
                circumstances.set_resource_tags("iam", &role.tags);
            }
        })?;
        role.ok_or_else(|| no_such_role(name))
    }

    /// Changes the role, which [`Iam::role`] found.
    pub(super) fn change_role<T>(
        &self,
        role: &RoleRecord,
        change: impl FnOnce(&mut RoleRecord) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        self.endpoint
            .store
            .change_role(&role.account, &role.name, |record| match record {
                Some(record) => change(record),
                None => Err(no_such_role(&role.name)),
            })
    }

    pub(super) fn create_role(&self) -> Result<Answer, ApiError> {
        let name = name(self.parameters, "RoleName", 64)?;
        let path = path(self.parameters)?;
        let trust = self.parameters.required("AssumeRolePolicyDocument")?;
        let mut role = RoleRecord::new(self.account, path, name, trust);
        let boundary = self.parameters.get("PermissionsBoundary");
        self.authorize_with(&role.arn(), |circumstances| {
            if let Some(boundary) = boundary {
                circumstances.set("iam:PermissionsBoundary", boundary);
            }
        })?;
        check_trust(&self.endpoint.store, trust)?;
        role.description = self
            .parameters
            .get("Description")
            .filter(|text| !text.is_empty())
            .map(str::to_owned);
        if let Some(seconds) = self.parameters.get("MaxSessionDuration") {
            role.max_session = seconds
                .parse()
                .ok()
                .filter(|seconds| (3600..=43_200).contains(seconds))
                .ok_or_else(|| {
                    ApiError::bad_request(
                        "ValidationError",
                        "MaxSessionDuration must be between 3600 and 43200 seconds.",
                    )
                })?;
        }
        merge_tags(&mut role.tags, self.parameters)?;
        if let Some(boundary) = boundary {
            self.check_boundary(boundary)?;
            role.boundary = Some(boundary.to_owned());
        }
        let answer = RoleResult {
            role: Role::new(&role),
        };
        self.endpoint
            .store
            .change_role(self.account, name, |record| {
                if record.is_some() {
                    return Err(already_exists(format!(
                        "Role with name {name} already exists."
                    )));
                }
                *record = Some(role);
                Ok(())
            })?;
        result(self.action, &answer)
    }

    pub(super) fn get_role(&self) -> Result<Answer, ApiError> {
        let role = Role::new(&self.role()?);
        result(self.action, &RoleResult { role })
    }

    pub(super) fn list_roles(&self) -> Result<Answer, ApiError> {
        let prefix = self.parameters.get("PathPrefix").unwrap_or("/");
        self.authorize(&format!("arn:aws:iam::{}:role{prefix}", self.account))?;
        let roles = self.endpoint.store.roles(self.account)?;
        let listed = roles
            .iter()
            .filter(|role| role.path.starts_with(prefix))
            .map(Role::listed);
        self.page("Roles", listed.collect())
    }

    pub(super) fn delete_role(&self) -> Result<Answer, ApiError> {
        let role = self.role()?;
        self.endpoint
            .store
            .change_role(&role.account, &role.name, |record| match record.take() {
                None => Err(no_such_role(&role.name)),
                Some(role) if !role.attached.is_empty() => Err(delete_conflict(
                    "Cannot delete entity, must detach all policies first.",
                )),
                Some(role) if !role.policies.is_empty() => Err(delete_conflict(
                    "Cannot delete entity, must delete policies first.",
                )),
                Some(_) => Ok(None),
            })
    }

    pub(super) fn update_assume_role_policy(&self) -> Result<Answer, ApiError> {
        let role = self.role()?;
        let document = self.parameters.required("PolicyDocument")?;
        check_trust(&self.endpoint.store, document)?;
        self.change_role(&role, |role| {
            document.clone_into(&mut role.trust_policy);
            Ok(None)
        })
    }

    pub(super) fn tag_role(&self) -> Result<Answer, ApiError> {
        let role = self.role()?;
        self.change_role(&role, |role| {
            merge_tags(&mut role.tags, self.parameters)?;
            Ok(None)
        })
    }

    pub(super) fn untag_role(&self) -> Result<Answer, ApiError> {
        let role = self.role()?;
        let keys = self.parameters.list("TagKeys");
        self.change_role(&role, |role| {
            role.tags
                .retain(|tag| !keys.iter().any(|key| tag.key.eq_ignore_ascii_case(key)));
            Ok(None)
        })
    }

    pub(super) fn list_role_tags(&self) -> Result<Answer, ApiError> {
        let tags = self.role()?.tags;
        self.page("Tags", tags.into_iter().map(TagElement::from).collect())
    }

    pub(super) fn put_role_permissions_boundary(&self) -> Result<Answer, ApiError> {
        let role = self.role()?;
        let arn = self.parameters.required("PermissionsBoundary")?;
        self.check_boundary(arn)?;
        self.change_role(&role, |role| {
            role.boundary = Some(arn.to_owned());
            Ok(None)
        })
    }

    pub(super) fn delete_role_permissions_boundary(&self) -> Result<Answer, ApiError> {
        let role = self.role()?;
        self.change_role(&role, |role| {
            role.boundary = None;
            Ok(None)
        })
    }

    /// No role of the lab is in an instance profile; deleting a role by Terraform asks.
    pub(super) fn list_instance_profiles_for_role(&self) -> Result<Answer, ApiError> {
        self.role()?;
        self.page::<()>("InstanceProfiles", Vec::new())
    }

    fn check_boundary(&self, arn: &str) -> Result<(), ApiError> {
        match self.endpoint.store.policy_by_arn(arn)? {
            Some(policy) if policy.account == self.account => Ok(()),
            _ => Err(no_such_policy(arn)),
        }
    }
}
