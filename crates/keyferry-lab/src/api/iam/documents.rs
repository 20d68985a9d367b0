//! What IAM refuses of policy documents, and how it gives them back (`S3-IAM-3`, `S3-IAM-4`).

use keyferry_policy::iam::PolicyDocument;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::super::error::ApiError;
use super::names::limit_exceeded;
use crate::authorization::unknown_principal;
use crate::store::Store;

/// Documents come back percent-encoded as RFC 3986 has it.
const RFC_3986: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Characters of a trust policy.
const MAX_TRUST: usize = 2048;
/// Characters of all inline policies of a role.
pub(super) const MAX_INLINE: usize = 10_240;
/// Characters of a managed policy.
const MAX_MANAGED: usize = 6144;

/// A document as answers hold it.
pub(super) fn encoded(document: &str) -> String {
    utf8_percent_encode(document, RFC_3986).to_string()
}

/// Characters that count: white space does not.
pub(super) fn size(document: &str) -> usize {
    document.chars().filter(|c| !c.is_whitespace()).count()
}

/// A policy of a role: no principal, and resources.
pub(super) fn check_identity(document: &str) -> Result<(), ApiError> {
    for statement in &parse(document)?.statements {
        if statement.principal.is_some() {
            return Err(malformed("Policy document should not specify a principal."));
        }
        if statement.resource.is_none() {
            return Err(malformed("Policy statement must contain resources."));
        }
        let bare = statement.action.patterns().iter();
        if let Some(action) = bare
            .into_iter()
            .find(|action| !action.contains(':') && *action != "*")
        {
            return Err(malformed(format!(
                "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.: {action}"
            )));
        }
    }
    Ok(())
}

/// A managed policy: the same, and not too large.
pub(super) fn check_managed(document: &str) -> Result<(), ApiError> {
    if size(document) > MAX_MANAGED {
        return Err(limit_exceeded(format!(
            "Cannot exceed quota for PolicySize: {MAX_MANAGED}"
        )));
    }
    check_identity(document)
}

/// A trust policy: principals that exist, no resources, actions of STS.
pub(super) fn check_trust(store: &Store, document: &str) -> Result<(), ApiError> {
    if size(document) > MAX_TRUST {
        return Err(limit_exceeded(format!(
            "Cannot exceed quota for ACLSizePerRole: {MAX_TRUST}"
        )));
    }
    let parsed = parse(document)?;
    for statement in &parsed.statements {
        if statement.resource.is_some() {
            return Err(malformed("Has prohibited field Resource"));
        }
        if statement.principal.is_none() {
            return Err(malformed("Missing required field Principal"));
        }
        let of_sts = |action: &String| {
            action
                .get(..4)
                .is_some_and(|vendor| vendor.eq_ignore_ascii_case("sts:"))
        };
        if !statement.action.patterns().iter().all(of_sts) {
            return Err(malformed(
                "AssumeRole policy may only specify STS AssumeRole actions.",
            ));
        }
    }
    match unknown_principal(store, &parsed)? {
        None => Ok(()),
        Some(arn) => Err(malformed(format!(
            "Invalid principal in policy: \"AWS\":\"{arn}\""
        ))),
    }
}

fn parse(document: &str) -> Result<PolicyDocument, ApiError> {
    PolicyDocument::parse(document)
        .map_err(|error| malformed(format!("Syntax errors in policy: {error}.")))
}

fn malformed(message: impl Into<String>) -> ApiError {
    ApiError::bad_request("MalformedPolicyDocument", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_policies() {
        let good = r#"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;
        check_identity(good).unwrap();
        for bad in [
            "{}",
            "{",
            r#"{"Statement":{"Effect":"Allow","Action":"s3:*"}}"#,
            r#"{"Statement":{"Effect":"Allow","Action":"GetObject","Resource":"*"}}"#,
            r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}}"#,
        ] {
            let error = check_identity(bad).unwrap_err();
            assert_eq!(error.code, "MalformedPolicyDocument", "{bad}");
        }
        let large = format!("{good}{}", " ".repeat(MAX_MANAGED));
        check_managed(&large).unwrap();
    }

    #[test]
    fn documents_are_encoded() {
        assert_eq!(encoded("{\"a\": \"*\"}"), "%7B%22a%22%3A%20%22%2A%22%7D");
    }
}
