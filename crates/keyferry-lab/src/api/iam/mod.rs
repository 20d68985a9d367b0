//! IAM: roles and customer managed policies (`S3-IAM-1` to `S3-IAM-5`).

mod answers;
mod documents;
mod managed_policies;
mod names;
mod role_policies;
mod roles;

use serde::Serialize;

use super::endpoint::{Call, ServiceEndpoint};
use super::error::ApiError;
use super::query::{Answer, Members, Parameters};
use crate::authorization::Circumstances;

/// One call of IAM: who asks for what, in whose account.
struct Iam<'a> {
    endpoint: &'a ServiceEndpoint,
    call: &'a Call<'a>,
    action: &'a str,
    parameters: &'a Parameters,
    account: &'a str,
}

/// Answers one call.
pub(super) fn call(
    endpoint: &ServiceEndpoint,
    call: &Call<'_>,
    action: &str,
    parameters: &Parameters,
) -> Result<Answer, ApiError> {
    let iam = Iam {
        endpoint,
        call,
        action,
        parameters,
        account: call.requester.account().unwrap_or_default(),
    };
    match action {
        "CreateRole" => iam.create_role(),
        "GetRole" => iam.get_role(),
        "ListRoles" => iam.list_roles(),
        "DeleteRole" => iam.delete_role(),
        "UpdateAssumeRolePolicy" => iam.update_assume_role_policy(),
        "TagRole" => iam.tag_role(),
        "UntagRole" => iam.untag_role(),
        "ListRoleTags" => iam.list_role_tags(),
        "PutRolePermissionsBoundary" => iam.put_role_permissions_boundary(),
        "DeleteRolePermissionsBoundary" => iam.delete_role_permissions_boundary(),
        "ListInstanceProfilesForRole" => iam.list_instance_profiles_for_role(),
        "PutRolePolicy" => iam.put_role_policy(),
        "GetRolePolicy" => iam.get_role_policy(),
        "ListRolePolicies" => iam.list_role_policies(),
        "DeleteRolePolicy" => iam.delete_role_policy(),
        "AttachRolePolicy" => iam.attach_role_policy(),
        "DetachRolePolicy" => iam.detach_role_policy(),
        "ListAttachedRolePolicies" => iam.list_attached_role_policies(),
        "CreatePolicy" => iam.create_policy(),
        "GetPolicy" => iam.get_policy(),
        "ListPolicies" => iam.list_policies(),
        "DeletePolicy" => iam.delete_policy(),
        "CreatePolicyVersion" => iam.create_policy_version(),
        "GetPolicyVersion" => iam.get_policy_version(),
        "ListPolicyVersions" => iam.list_policy_versions(),
        "DeletePolicyVersion" => iam.delete_policy_version(),
        "SetDefaultPolicyVersion" => iam.set_default_policy_version(),
        _ => Err(ApiError::bad_request(
            "InvalidAction",
            format!("Could not find operation {action} for version 2010-05-08"),
        )),
    }
}

/// One page of a list.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Page<T> {
    #[serde(rename = "List")]
    items: Members<T>,
    is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    marker: Option<String>,
}

impl Iam<'_> {
    /// Whether the caller may do this to `resource`.
    fn authorize(&self, resource: &str) -> Result<(), ApiError> {
        self.authorize_with(resource, |_| {})
    }

    /// The same with more about the request.
    fn authorize_with(
        &self,
        resource: &str,
        more: impl FnOnce(&mut Circumstances),
    ) -> Result<(), ApiError> {
        let mut circumstances =
            Circumstances::of(self.call.transport, self.call.headers, self.call.region);
        more(&mut circumstances);
        self.endpoint
            .authorizer
            .may_administer(
                self.call.requester,
                &format!("iam:{}", self.action),
                resource,
                circumstances,
            )?
            .map_err(|refusal| ApiError::forbidden("AccessDenied", refusal.message()))
    }

    /// The page that `Marker` and `MaxItems` ask for, its list element named `list`.
    fn page<T: Serialize>(&self, list: &str, items: Vec<T>) -> Result<Answer, ApiError> {
        let number = |name: &str, default: usize| match self.parameters.get(name) {
            None => Ok(default),
            Some(text) => text.parse::<usize>().map_err(|_| {
                ApiError::bad_request("ValidationError", format!("Invalid {name}: {text}"))
            }),
        };
        let start = number("Marker", 0)?;
        let length = number("MaxItems", 100)?.clamp(1, 1000);
        let total = items.len();
        let end = start.saturating_add(length).min(total);
        let page = Page {
            items: items.into_iter().skip(start).take(length).collect(),
            is_truncated: end < total,
            marker: (end < total).then(|| end.to_string()),
        };
        let answer = super::query::result(self.action, &page)?;
        Ok(answer.map(|xml| {
            xml.replacen("<List>", &format!("<{list}>"), 1)
                .replacen("<List/>", &format!("<{list}/>"), 1)
                .replacen("</List>", &format!("</{list}>"), 1)
        }))
    }
}
