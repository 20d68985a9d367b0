//! The elements of IAM's answers.

use serde::Serialize;

use super::super::query::{Members, timestamp};
use super::documents::encoded;
use crate::store::{ManagedPolicyRecord, PolicyVersion, RoleRecord, Tag};

/// `Role`
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Role {
    path: String,
    role_name: String,
    role_id: String,
    arn: String,
    create_date: String,
    assume_role_policy_document: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    max_session_duration: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions_boundary: Option<Boundary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Members<TagElement>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Boundary {
    permissions_boundary_type: &'static str,
    permissions_boundary_arn: String,
}

/// `Tag`
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TagElement {
    key: String,
    value: String,
}

impl From<Tag> for TagElement {
    fn from(tag: Tag) -> Self {
        Self {
            key: tag.key,
            value: tag.value,
        }
    }
}

impl Role {
    /// As GetRole gives it.
    pub(super) fn new(record: &RoleRecord) -> Self {
        let tags: Members<_> = record.tags.iter().cloned().map(TagElement::from).collect();
        Self {
            tags: (!record.tags.is_empty()).then_some(tags),
            permissions_boundary: record.boundary.clone().map(|arn| Boundary {
                permissions_boundary_type: "Policy",
                permissions_boundary_arn: arn,
            }),
            ..Self::listed(record)
        }
    }

    /// As ListRoles gives it: without boundary and tags.
    pub(super) fn listed(record: &RoleRecord) -> Self {
        Self {
            path: record.path.clone(),
            role_name: record.name.clone(),
            role_id: record.id.clone(),
            arn: record.arn(),
            create_date: timestamp(record.created),
            assume_role_policy_document: encoded(&record.trust_policy),
            description: record.description.clone(),
            max_session_duration: record.max_session,
            permissions_boundary: None,
            tags: None,
        }
    }
}

/// The result of CreateRole and GetRole.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RoleResult {
    pub(super) role: Role,
}

/// The result of GetRolePolicy.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct InlinePolicy<'a> {
    pub(super) role_name: &'a str,
    pub(super) policy_name: &'a str,
    pub(super) policy_document: String,
}

/// `AttachedPolicy`
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AttachedPolicy {
    pub(super) policy_name: String,
    pub(super) policy_arn: String,
}

/// `Policy`
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Policy {
    policy_name: String,
    policy_id: String,
    arn: String,
    path: String,
    default_version_id: String,
    attachment_count: usize,
    permissions_boundary_usage_count: usize,
    is_attachable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    create_date: String,
    update_date: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Members<TagElement>>,
}

impl Policy {
    /// A policy that `attached` roles have, and that bounds `bounding`.
    pub(super) fn new(record: &ManagedPolicyRecord, attached: usize, bounding: usize) -> Self {
        let tags: Members<_> = record.tags.iter().cloned().map(TagElement::from).collect();
        Self {
            policy_name: record.name.clone(),
            policy_id: record.id.clone(),
            arn: record.arn(),
            path: record.path.clone(),
            default_version_id: version_id(record.default_version),
            attachment_count: attached,
            permissions_boundary_usage_count: bounding,
            is_attachable: true,
            description: record.description.clone(),
            create_date: timestamp(record.created),
            update_date: timestamp(record.updated),
            tags: (!record.tags.is_empty()).then_some(tags),
        }
    }
}

/// The result of CreatePolicy and GetPolicy.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PolicyResult {
    pub(super) policy: Policy,
}

/// `PolicyVersion`
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Version {
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<String>,
    version_id: String,
    is_default_version: bool,
    create_date: String,
}

impl Version {
    /// Version `number` of a policy, without its document.
    pub(super) fn listed(
        policy: &ManagedPolicyRecord,
        number: u32,
        version: &PolicyVersion,
    ) -> Self {
        Self {
            document: None,
            version_id: version_id(number),
            is_default_version: number == policy.default_version,
            create_date: timestamp(version.created),
        }
    }

    /// The same with it.
    pub(super) fn new(policy: &ManagedPolicyRecord, number: u32, version: &PolicyVersion) -> Self {
        Self {
            document: Some(encoded(&version.document)),
            ..Self::listed(policy, number, version)
        }
    }
}

/// The result of CreatePolicyVersion and GetPolicyVersion.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct VersionResult {
    pub(super) policy_version: Version,
}

fn version_id(number: u32) -> String {
    format!("v{number}")
}
