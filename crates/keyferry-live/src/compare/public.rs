//! Whether a bucket policy lets anybody in.
//!
//! What S3 calls public:
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status>.
//! A grant to everybody is not public where a condition ties it to fixed values of certain keys.

use keyferry_policy::iam::{Effect, PolicyDocument, PrincipalElement, Principals, Statement};

/// Keys that tie a grant to somebody, in lower case.
const NARROWING: &[&str] = &[
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
];

/// The statement that lets anybody in, by name or number.
pub(super) fn opening(policy: &PolicyDocument) -> Option<String> {
    let mut numbered = policy.statements.iter().enumerate();
    let (index, statement) = numbered.find(|(_, statement)| lets_anybody_in(statement))?;
    Some(match &statement.sid {
        Some(sid) => format!("statement `{sid}`"),
        None => format!("statement {}", index + 1),
    })
}

fn lets_anybody_in(statement: &Statement) -> bool {
    statement.effect == Effect::Allow && is_about_everybody(statement) && !is_narrowed(statement)
}

fn is_about_everybody(statement: &Statement) -> bool {
    match &statement.principal {
        Some(PrincipalElement::Principal(Principals::Everyone)) => true,
        Some(PrincipalElement::Principal(Principals::Listed { aws, .. })) => {
            aws.iter().any(|principal| principal == "*")
        }
        // All but some are still anybody.
        Some(PrincipalElement::NotPrincipal(_)) => true,
        None => false,
    }
}

/// Whether all values of some narrowing key are fixed, under an operator that asks for equality.
fn is_narrowed(statement: &Statement) -> bool {
    statement.condition.iter().any(|(operator, keys)| {
        let operator = operator.to_ascii_lowercase();
        let asks_for_equality = !operator.contains("not")
            && !operator.ends_with("ifexists")
            && operator != "null"
            && !operator.starts_with("forallvalues:");
        asks_for_equality
            && keys.iter().any(|(key, values)| {
                NARROWING.contains(&key.to_ascii_lowercase().as_str())
                    && values.iter().all(|value| is_fixed(value))
            })
    })
}

/// Neither open at the beginning, nor filled in by the request, nor the whole Internet.
fn is_fixed(value: &str) -> bool {
    !value.is_empty()
        && !value.starts_with('*')
        && !value.contains("${")
        && !["0.0.0.0/0", "::/0"].contains(&value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened_by(statement: &str) -> Option<String> {
        let json = format!(r#"{{"Version": "2012-10-17", "Statement": [{statement}]}}"#);
        opening(&PolicyDocument::parse(&json).unwrap())
    }

    #[test]
    fn what_lets_anybody_in() {
        for statement in [
            r#"{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/*"}"#,
            r#"{"Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam::111122223333:root", "*"]}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/*"}"#,
            r#"{"Effect": "Allow", "NotPrincipal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/*"}"#,
            r#"{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/*", "Condition": {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "0.0.0.0/0"]}}}"#,
            r#"{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/*", "Condition": {"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}}"#,
            r#"{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/*", "Condition": {"StringEquals": {"aws:Referer": "x"}}}"#,
        ] {
            assert_eq!(
                opened_by(statement).as_deref(),
                Some("statement 1"),
                "{statement}"
            );
        }
    }

    #[test]
    fn what_does_not() {
        for statement in [
            r#"{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::a/*"}"#,
            r#"{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::444455556666:root"}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/*"}"#,
            r#"{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}"#,
            r#"{"Effect": "Allow", "Principal": {"Service": "logging.s3.amazonaws.com"}, "Action": "s3:PutObject", "Resource": "arn:aws:s3:::a/*"}"#,
        ] {
            assert_eq!(opened_by(statement), None, "{statement}");
        }
    }
}
