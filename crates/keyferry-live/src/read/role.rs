//! One role, with all of its policies.

use aws_sdk_iam::Client;
use keyferry_policy::check::{InstalledRole, Known, NamedPolicy, Origin};
use keyferry_policy::iam::PolicyDocument;
use keyferry_policy::{Region, RoleArn};
use percent_encoding::percent_decode_str;

use super::{known, parsed};
use crate::connections::Connections;
use crate::service_error::{Named as _, OrAbsent as _, ServiceError};

const NO_SUCH: &[&str] = &["NoSuchEntity"];

/// Reads a role. `near` says at which endpoint IAM is asked, where it has several.
pub(super) async fn read(arn: RoleArn, near: Region, connections: &Connections) -> InstalledRole {
    let mut role = InstalledRole::new(arn.clone());
    let unknown = |mut role: InstalledRole, why: String| {
        role.trust = Known::Unknown(why.clone());
        role.boundary = Known::Unknown(why.clone());
        role.unread_policies = Some(why);
        role
    };
    let client = match connections.iam(arn.account(), &near) {
        Ok(client) => client,
        Err(error) => return unknown(role, error.to_string()),
    };
    let found = match get(&client, &arn).await {
        Ok(Some(found)) => found,
        Ok(None) => {
            role.exists = false;
            role.trust = Known::Absent;
            role.boundary = Known::Absent;
            role.unread_policies = None;
            return role;
        }
        Err(error) => return unknown(role, error.to_string()),
    };
    let place = |what: &str| format!("{what} of role `{}`", arn.role_name());
    role.trust = known(trust_of(&arn, &found).map(Some), place("trust policy"));
    let boundary = found
        .permissions_boundary()
        .and_then(|boundary| boundary.permissions_boundary_arn());
    role.boundary = match boundary {
        None => Known::Absent,
        Some(policy) => known(
            managed(&client, policy).await.map(Some),
            place("permissions boundary"),
        ),
    };
    match permissions(&client, &arn).await {
        Ok(policies) => {
            role.policies = policies;
            role.unread_policies = None;
        }
        Err(error) => role.unread_policies = Some(error.to_string()),
    }
    role
}

/// The role of this name. One with another ARN, which a path makes, is none.
async fn get(
    client: &Client,
    arn: &RoleArn,
) -> Result<Option<aws_sdk_iam::types::Role>, ServiceError> {
    let answer = client
        .get_role()
        .role_name(arn.role_name())
        .send()
        .await
        .named("iam:GetRole", arn.as_str())
        .or_absent(NO_SUCH)?;
    let Some(role) = answer.and_then(|answer| answer.role) else {
        return Ok(None);
    };
    if role.arn() == arn.as_str() {
        Ok(Some(role))
    } else {
        Err(ServiceError::Unreadable {
            what: format!("role `{arn}`"),
            why: format!(
                "the role of this name is `{}`, and a name can be had once",
                role.arn()
            ),
        })
    }
}

fn trust_of(
    arn: &RoleArn,
    role: &aws_sdk_iam::types::Role,
) -> Result<PolicyDocument, ServiceError> {
    let text = role.assume_role_policy_document().unwrap_or_default();
    parsed(&format!("the trust policy of role `{arn}`"), &decoded(text))
}

/// The trust policy; `None` where there is no such role.
pub(crate) async fn trust(
    client: &Client,
    arn: &RoleArn,
) -> Result<Option<PolicyDocument>, ServiceError> {
    let role = get(client, arn).await?;
    role.map(|role| trust_of(arn, &role)).transpose()
}

/// An inline policy; `None` where there is none of this name.
pub(crate) async fn inline(
    client: &Client,
    arn: &RoleArn,
    name: &str,
) -> Result<Option<PolicyDocument>, ServiceError> {
    let answer = client
        .get_role_policy()
        .role_name(arn.role_name())
        .policy_name(name)
        .send()
        .await
        .named("iam:GetRolePolicy", arn.as_str())
        .or_absent(NO_SUCH)?;
    answer
        .map(|answer| {
            parsed(
                &format!("the policy `{name}` of role `{arn}`"),
                &decoded(answer.policy_document()),
            )
        })
        .transpose()
}

async fn permissions(client: &Client, arn: &RoleArn) -> Result<Vec<NamedPolicy>, ServiceError> {
    let mut policies = Vec::new();
    let mut pages = client
        .list_role_policies()
        .role_name(arn.role_name())
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        let page = page.named("iam:ListRolePolicies", arn.as_str())?;
        for name in page.policy_names() {
            let place = format!("policy `{name}` of role `{}`", arn.role_name());
            policies.push(NamedPolicy {
                name: name.clone(),
                document: known(inline(client, arn, name).await, place),
            });
        }
    }
    let mut pages = client
        .list_attached_role_policies()
        .role_name(arn.role_name())
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        let page = page.named("iam:ListAttachedRolePolicies", arn.as_str())?;
        for attached in page.attached_policies() {
            let policy = attached.policy_arn().unwrap_or_default();
            let document = match managed(client, policy).await {
                Ok(document) => Known::present(document, Origin::place(policy)),
                Err(error) => Known::unknown(error.to_string()),
            };
            policies.push(NamedPolicy {
                name: policy.to_owned(),
                document,
            });
        }
    }
    Ok(policies)
}

/// The default version of a managed policy.
pub(super) async fn managed(client: &Client, policy: &str) -> Result<PolicyDocument, ServiceError> {
    let found = client
        .get_policy()
        .policy_arn(policy)
        .send()
        .await
        .named("iam:GetPolicy", policy)?;
    let version = found
        .policy()
        .and_then(|policy| policy.default_version_id());
    let answer = client
        .get_policy_version()
        .policy_arn(policy)
        .version_id(version.unwrap_or_default())
        .send()
        .await
        .named("iam:GetPolicyVersion", policy)?;
    let document = answer
        .policy_version()
        .and_then(|version| version.document());
    parsed(
        &format!("the policy `{policy}`"),
        &decoded(document.unwrap_or_default()),
    )
}

/// IAM gives documents URL-encoded.
pub(super) fn decoded(document: &str) -> String {
    percent_decode_str(document)
        .decode_utf8_lossy()
        .into_owned()
}
