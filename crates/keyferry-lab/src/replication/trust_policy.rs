//! Reads of a role's trust policy only whether the S3 service may assume the role.

use serde_json::Value;

/// Whether some `Allow` statement lets `s3.amazonaws.com` call `sts:AssumeRole` and no `Deny`
/// statement takes it back. Statements with conditions count as met: this is a first check,
/// not policy evaluation.
pub(super) fn trusts_s3(trust_policy: &str) -> bool {
    let Ok(policy) = serde_json::from_str::<Value>(trust_policy) else {
        return false;
    };
    let statements = one_or_many(policy.get("Statement"));
    let matching = |effect: &str| {
        statements.iter().any(|statement| {
            statement.get("Effect").and_then(Value::as_str) == Some(effect)
                && assumes_role(statement)
                && names_s3(statement)
        })
    };
    matching("Allow") && !matching("Deny")
}

fn assumes_role(statement: &Value) -> bool {
    one_or_many(statement.get("Action")).iter().any(|action| {
        action.as_str().is_some_and(|action| {
            ["sts:assumerole", "sts:*", "*"].contains(&&*action.to_ascii_lowercase())
        })
    })
}

fn names_s3(statement: &Value) -> bool {
    let principal = statement.get("Principal");
    principal.and_then(Value::as_str) == Some("*")
        || one_or_many(principal.and_then(|p| p.get("Service")))
            .iter()
            .any(|service| service.as_str() == Some("s3.amazonaws.com"))
}

/// IAM allows a single element wherever it allows a list.
fn one_or_many(value: Option<&Value>) -> Vec<&Value> {
    match value {
        None => Vec::new(),
        Some(Value::Array(values)) => values.iter().collect(),
        Some(value) => vec![value],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_trust_policy() {
        assert!(trusts_s3(
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#
        ));
        assert!(trusts_s3(
            r#"{"Statement":{"Effect":"Allow","Principal":{"Service":["batchoperations.s3.amazonaws.com","s3.amazonaws.com"]},"Action":["sts:AssumeRole"]}}"#
        ));
    }

    #[test]
    fn other_principals_actions_and_denials_do_not() {
        for policy in [
            "",
            "{}",
            r#"{"Statement":{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}}"#,
            r#"{"Statement":{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"sts:TagSession"}}"#,
            r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"},{"Effect":"Deny","Principal":{"Service":"s3.amazonaws.com"},"Action":"sts:*"}]}"#,
        ] {
            assert!(!trusts_s3(policy), "{policy}");
        }
    }
}
