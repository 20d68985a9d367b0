//! STS: GetCallerIdentity and AssumeRole (`S3-STS-1`, `S3-STS-2`).

use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::endpoint::{Call, ServiceEndpoint};
use super::error::ApiError;
use super::query::{Answer, Parameters, result, timestamp};
use crate::authorization::Circumstances;
use crate::server::requester::Requester;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CallerIdentity<'a> {
    arn: String,
    user_id: String,
    account: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Assumed<'a> {
    assumed_role_user: AssumedRoleUser,
    credentials: SessionCredentials<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AssumedRoleUser {
    assumed_role_id: String,
    arn: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SessionCredentials<'a> {
    access_key_id: &'a str,
    secret_access_key: &'a str,
    session_token: &'a str,
    expiration: String,
}

/// Answers one call.
pub(super) fn call(
    endpoint: &ServiceEndpoint,
    call: &Call<'_>,
    action: &str,
    parameters: &Parameters,
) -> Result<Answer, ApiError> {
    match action {
        // Nobody needs a permission to learn who they are, and none can be taken away.
        "GetCallerIdentity" => result(
            action,
            &CallerIdentity {
                arn: call.requester.arn(),
                user_id: call.requester.user_id(),
                account: call.requester.account().unwrap_or_default(),
            },
        ),
        "AssumeRole" => assume_role(endpoint, call, parameters),
        _ => Err(ApiError::bad_request(
            "InvalidAction",
            format!("Could not find operation {action} for version 2011-06-15"),
        )),
    }
}

fn assume_role(
    endpoint: &ServiceEndpoint,
    call: &Call<'_>,
    parameters: &Parameters,
) -> Result<Answer, ApiError> {
    let arn = parameters.required("RoleArn")?;
    let session_name = parameters.required("RoleSessionName")?;
    let valid_name = (2..=64).contains(&session_name.len())
        && session_name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte));
    if !valid_name {
        return Err(ApiError::bad_request(
            "ValidationError",
            format!(
                "1 validation error detected: Value '{session_name}' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*"
            ),
        ));
    }
    if parameters.get("Policy").is_some() || !parameters.list("PolicyArns").is_empty() {
        // Ignoring them would give the session more than its maker meant.
        return Err(ApiError::bad_request(
            "ValidationError",
            "The lab has no session policies.",
        ));
    }
    let role = endpoint.store.role_by_arn(arn)?;
    let mut circumstances = Circumstances::of(call.transport, call.headers, call.region);
    circumstances.set("sts:RoleSessionName", session_name);
    if let Some(id) = parameters.get("ExternalId") {
        circumstances.set("sts:ExternalId", id);
    }
    // A role that does not exist looks as one that may not be assumed.
    let refused = || {
        ApiError::forbidden(
            "AccessDenied",
            format!(
                "User: {} is not authorized to perform: sts:AssumeRole on resource: {arn}",
                call.requester.arn()
            ),
        )
    };
    let role = role.ok_or_else(refused)?;
    endpoint
        .authorizer
        .may_assume(call.requester, &role, circumstances)?
        .map_err(|_| refused())?;
    let seconds = match parameters.get("DurationSeconds") {
        None => 3600,
        Some(text) => text
            .parse::<u32>()
            .ok()
            .filter(|seconds| (900..=role.max_session).contains(seconds))
            .ok_or_else(|| {
                ApiError::bad_request(
                    "ValidationError",
                    "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
                )
            })?,
    };
    let lifetime = Duration::from_secs(seconds.into());
    let session = Requester::Session {
        account: role.account.clone(),
        role_arn: role.arn(),
        role_id: role.id.clone(),
        role_name: role.name.clone(),
        session_name: session_name.to_owned(),
    };
    let credentials = endpoint
        .credentials
        .start_session(session.clone(), lifetime);
    result(
        "AssumeRole",
        &Assumed {
            assumed_role_user: AssumedRoleUser {
                assumed_role_id: session.user_id(),
                arn: session.arn(),
            },
            credentials: SessionCredentials {
                access_key_id: credentials.access_key_id(),
                secret_access_key: credentials.secret_access_key(),
                session_token: credentials.session_token().unwrap_or_default(),
                expiration: timestamp(SystemTime::now() + lifetime),
            },
        },
    )
}
