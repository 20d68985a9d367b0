//! Block Public Access: which bucket policies are public (`S3-ACCESS-5`).
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>

use keyferry_policy::iam::{Effect, PolicyDocument, PrincipalElement, Principals, Statement};

/// Keys that name who asks or from where: with fixed values for one of them, a statement about
/// everybody is not public.
const NARROWING: [&str; 12] = [
    "aws:sourceip",
    "aws:sourcearn",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:sourceowner",
    "aws:sourceaccount",
    "aws:userid",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principalaccount",
    "aws:principalarn",
    "s3:dataaccesspointaccount",
];

/// Whether a policy gives something to everybody.
pub(crate) fn is_public(policy: &PolicyDocument) -> bool {
    policy.statements.iter().any(|statement| {
        statement.effect == Effect::Allow
            && is_about_everybody(statement)
            && !is_narrowed(statement)
    })
}

fn is_about_everybody(statement: &Statement) -> bool {
    match &statement.principal {
        Some(PrincipalElement::Principal(Principals::Everyone)) => true,
        Some(PrincipalElement::Principal(Principals::Listed { aws, .. })) => {
            aws.iter().any(|name| name == "*")
        }
        // All but some are the public.
        Some(PrincipalElement::NotPrincipal(_)) => true,
        None => false,
    }
}

fn is_narrowed(statement: &Statement) -> bool {
    statement.condition.iter().any(|(operator, keys)| {
        // An operator that holds when the key is missing narrows nothing.
        let positive = !operator.contains("Not")
            && !operator.ends_with("IfExists")
            && !operator.starts_with("ForAllValues:")
            && operator != "Null";
        positive
            && keys.iter().any(|(key, values)| {
                let key = key.to_ascii_lowercase();
                NARROWING.contains(&key.as_str())
                    && values.iter().all(|value| is_fixed(&key, value))
            })
    })
}

fn is_fixed(key: &str, value: &str) -> bool {
    match key {
        // A range that is not much of the Internet.
        "aws:sourceip" => {
            let (address, bits) = value.split_once('/').unwrap_or((value, "128"));
            let bits: u8 = bits.parse().unwrap_or(0);
            if address.contains(':') {
                bits >= 32
            } else {
                bits >= 8
            }
        }
        // The account is in the ARN, and has to be there.
        "aws:principalarn" | "aws:sourcearn" => value
            .split(':')
            .nth(4)
            .is_some_and(|account| !account.is_empty() && !account.contains(['*', '?', '$'])),
        _ => !value.contains(['*', '?', '$']),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(rest: &str) -> bool {
        let json = format!(
            r#"{{"Statement":{{"Effect":"Allow","Action":"s3:GetObject","Resource":"*",{rest}}}}}"#
        );
        is_public(&PolicyDocument::parse(&json).unwrap())
    }

    #[test]
    fn everybody_without_narrowing_is_public() {
        for (rest, public) in [
            (r#""Principal":"*""#, true),
            (r#""Principal":{"AWS":["*"]}"#, true),
            (r#""Principal":{"AWS":"111122223333"}"#, false),
            (r#""NotPrincipal":{"AWS":"111122223333"}"#, true),
            (
                r#""Principal":"*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-abc"}}"#,
                false,
            ),
            (
                r#""Principal":"*","Condition":{"StringLike":{"aws:PrincipalOrgID":"o-*"}}"#,
                true,
            ),
            (
                r#""Principal":"*","Condition":{"StringEqualsIfExists":{"aws:SourceVpc":"vpc-1"}}"#,
                true,
            ),
            (
                r#""Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#,
                false,
            ),
            (
                r#""Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":"0.0.0.0/1"}}"#,
                true,
            ),
            (
                r#""Principal":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}"#,
                true,
            ),
        ] {
            assert_eq!(statement(rest), public, "{rest}");
        }
    }
}
