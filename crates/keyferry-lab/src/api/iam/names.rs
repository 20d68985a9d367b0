//! Names, paths and tags as IAM takes them, and its errors about them (`S3-IAM-2`).
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>

use http::StatusCode;

use super::super::error::ApiError;
use super::super::query::Parameters;
use crate::store::Tag;

/// A resource has at most this many tags.
const MAX_TAGS: usize = 50;

/// A name that [`Parameters`] must have: letters, digits and `+=,.@_-`.
pub(super) fn name<'a>(
    parameters: &'a Parameters,
    parameter: &str,
    longest: usize,
) -> Result<&'a str, ApiError> {
    let name = parameters.required(parameter)?;
    let valid = (1..=longest).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte));
    if valid {
        Ok(name)
    } else {
        Err(ApiError::bad_request(
            "ValidationError",
            format!(
                "The specified value for {parameter} is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_- and have at most {longest} of them"
            ),
        ))
    }
}

/// `Path`: `/` unless given.
pub(super) fn path(parameters: &Parameters) -> Result<&str, ApiError> {
    let path = parameters.get("Path").unwrap_or("/");
    let valid = path.len() <= 512
        && path.starts_with('/')
        && path.ends_with('/')
        && path.bytes().all(|byte| byte.is_ascii_graphic());
    if valid {
        Ok(path)
    } else {
        Err(ApiError::bad_request(
            "ValidationError",
            "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.",
        ))
    }
}

/// Puts the tags of `Tags.member.N` among those that are there.
pub(super) fn merge_tags(tags: &mut Vec<Tag>, parameters: &Parameters) -> Result<(), ApiError> {
    for (key, value) in parameters.pairs("Tags", "Key", "Value") {
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
            return Err(ApiError::bad_request(
                "ValidationError",
                "A tag's key has 1 to 128 characters, its value at most 256.",
            ));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(ApiError::bad_request(
                "InvalidInput",
                "Tag keys must not begin with aws:.",
            ));
        }
        // Keys are the same whatever their case.
        tags.retain(|tag| !tag.key.eq_ignore_ascii_case(key));
        tags.push(Tag {
            key: key.to_owned(),
            value: value.to_owned(),
        });
    }
    if tags.len() > MAX_TAGS {
        return Err(limit_exceeded(format!(
            "The number of tags has reached the maximum limit of {MAX_TAGS}."
        )));
    }
    Ok(())
}

/// 404.
pub(super) fn no_such_entity(message: impl Into<String>) -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "NoSuchEntity", message)
}

/// 404 for a role.
pub(super) fn no_such_role(name: &str) -> ApiError {
    no_such_entity(format!("The role with name {name} cannot be found."))
}

/// 404 for a managed policy.
pub(super) fn no_such_policy(arn: &str) -> ApiError {
    no_such_entity(format!("Policy {arn} does not exist or is not attachable."))
}

/// 409.
pub(super) fn already_exists(message: impl Into<String>) -> ApiError {
    ApiError::new(StatusCode::CONFLICT, "EntityAlreadyExists", message)
}

/// 409.
pub(super) fn limit_exceeded(message: impl Into<String>) -> ApiError {
    ApiError::new(StatusCode::CONFLICT, "LimitExceeded", message)
}

/// 409: something still hangs on it.
pub(super) fn delete_conflict(message: impl Into<String>) -> ApiError {
    ApiError::new(StatusCode::CONFLICT, "DeleteConflict", message)
}
