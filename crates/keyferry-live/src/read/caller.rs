//! The policies of whoever asks.

use aws_sdk_iam::Client;
use keyferry_policy::check::{Known, NamedPolicy, Origin};
use keyferry_policy::iam::{Caller, PolicyDocument};
use keyferry_policy::{Region, RoleArn};

use super::role::{self, decoded, managed};
use super::{known, parsed};
use crate::connections::Connections;
use crate::service_error::{Named as _, ServiceError};

/// The policies of a caller, as far as they could be read.
#[derive(Debug, Clone, PartialEq)]
pub struct CallerPolicies {
    /// Inline and attached policies, those of groups included.
    pub policies: Vec<NamedPolicy>,
    /// Why there may be others, if there may.
    pub unread: Option<String>,
    /// The permissions boundary.
    pub boundary: Known<PolicyDocument>,
}

/// Reads the policies of a caller. The root user of an account has none, and needs none.
pub async fn read_caller(
    caller: &Caller,
    near: &Region,
    connections: &Connections,
) -> CallerPolicies {
    let unknown = |why: String| CallerPolicies {
        policies: Vec::new(),
        boundary: Known::unknown(&*why),
        unread: Some(why),
    };
    match caller {
        Caller::Role { arn, .. } => match arn.parse::<RoleArn>() {
            Ok(arn) => {
                let role = Box::pin(role::read(arn, near.clone(), connections)).await;
                CallerPolicies {
                    policies: role.policies,
                    unread: match role.exists {
                        true => role.unread_policies,
                        false => Some("the role is not there to be read".to_owned()),
                    },
                    boundary: role.boundary,
                }
            }
            Err(error) => unknown(error.to_string()),
        },
        Caller::User { arn } => match Box::pin(user(arn, caller, near, connections)).await {
            Ok(policies) => policies,
            Err(error) => unknown(error.to_string()),
        },
        _ => CallerPolicies {
            policies: Vec::new(),
            unread: None,
            boundary: Known::Absent,
        },
    }
}

async fn user(
    arn: &str,
    caller: &Caller,
    near: &Region,
    connections: &Connections,
) -> Result<CallerPolicies, ServiceError> {
    let unreadable = || ServiceError::Unreadable {
        what: format!("user `{arn}`"),
        why: "it is in no account".to_owned(),
    };
    let account = caller.account().ok_or_else(unreadable)?;
    let client = connections.iam(&account, near)?;
    let name = arn.rsplit('/').next().unwrap_or(arn);
    let found = client
        .get_user()
        .user_name(name)
        .send()
        .await
        .named("iam:GetUser", arn)?;
    let boundary = found
        .user()
        .and_then(|user| user.permissions_boundary())
        .and_then(|boundary| boundary.permissions_boundary_arn());
    let boundary = match boundary {
        None => Known::Absent,
        Some(policy) => known(
            managed(&client, policy).await.map(Some),
            format!("permissions boundary of user `{name}`"),
        ),
    };
    let mut policies = inline_of_user(&client, arn, name).await?;
    policies.extend(attached_to_user(&client, arn, name).await?);
    let groups = client
        .list_groups_for_user()
        .user_name(name)
        .send()
        .await
        .named("iam:ListGroupsForUser", arn)?;
    for group in groups.groups() {
        policies.extend(of_group(&client, group.group_name()).await?);
    }
    Ok(CallerPolicies {
        policies,
        unread: None,
        boundary,
    })
}

async fn inline_of_user(
    client: &Client,
    arn: &str,
    name: &str,
) -> Result<Vec<NamedPolicy>, ServiceError> {
    let mut policies = Vec::new();
    let listed = client.list_user_policies().user_name(name);
    let mut pages = listed.into_paginator().send();
    while let Some(page) = pages.next().await {
        for policy in page.named("iam:ListUserPolicies", arn)?.policy_names() {
            let answer = client
                .get_user_policy()
                .user_name(name)
                .policy_name(policy)
                .send()
                .await
                .named("iam:GetUserPolicy", arn)?;
            let what = format!("the policy `{policy}` of user `{name}`");
            policies.push(inline(policy, &what, answer.policy_document()));
        }
    }
    Ok(policies)
}

async fn attached_to_user(
    client: &Client,
    arn: &str,
    name: &str,
) -> Result<Vec<NamedPolicy>, ServiceError> {
    let mut policies = Vec::new();
    let listed = client.list_attached_user_policies().user_name(name);
    let mut pages = listed.into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.named("iam:ListAttachedUserPolicies", arn)?;
        for policy in page.attached_policies() {
            policies.push(attached(client, policy.policy_arn().unwrap_or_default()).await);
        }
    }
    Ok(policies)
}

async fn of_group(client: &Client, group: &str) -> Result<Vec<NamedPolicy>, ServiceError> {
    let mut policies = Vec::new();
    let mut pages = client
        .list_group_policies()
        .group_name(group)
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        for policy in page.named("iam:ListGroupPolicies", group)?.policy_names() {
            let answer = client
                .get_group_policy()
                .group_name(group)
                .policy_name(policy)
                .send()
                .await
                .named("iam:GetGroupPolicy", group)?;
            let what = format!("the policy `{policy}` of group `{group}`");
            policies.push(inline(policy, &what, answer.policy_document()));
        }
    }
    let mut pages = client
        .list_attached_group_policies()
        .group_name(group)
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        let page = page.named("iam:ListAttachedGroupPolicies", group)?;
        for policy in page.attached_policies() {
            policies.push(attached(client, policy.policy_arn().unwrap_or_default()).await);
        }
    }
    Ok(policies)
}

fn inline(name: &str, what: &str, document: &str) -> NamedPolicy {
    NamedPolicy {
        name: name.to_owned(),
        document: known(parsed(what, &decoded(document)).map(Some), what.to_owned()),
    }
}

async fn attached(client: &Client, arn: &str) -> NamedPolicy {
    let document = match managed(client, arn).await {
        Ok(document) => Known::present(document, Origin::place(arn)),
        Err(error) => Known::unknown(error.to_string()),
    };
    NamedPolicy {
        name: arn.to_owned(),
        document,
    }
}
