//! Bucket policies (`S3-POLICY-1`): kept and given back as they were put.

use http::HeaderValue;
use http::header::CONTENT_TYPE;
use s3s::dto::{
    DeleteBucketPolicyInput, DeleteBucketPolicyOutput, GetBucketPolicyInput, GetBucketPolicyOutput,
    GetBucketPolicyStatusInput, GetBucketPolicyStatusOutput, PolicyStatus, PutBucketPolicyInput,
    PutBucketPolicyOutput,
};
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};
use serde_json::Value;

use super::RegionService;
use super::limits::MAX_POLICY;
use crate::server::exchange::Exchange;
use crate::store::BucketRecord;

impl RegionService {
    fn policy_of(
        &self,
        exchange: &Exchange,
        bucket: &str,
        expected_owner: Option<&str>,
    ) -> S3Result<String> {
        let BucketRecord { name, policy, .. } = self.bucket(exchange, bucket, expected_owner)?;
        policy.ok_or_else(|| {
            exchange.error_field("BucketName", name);
            s3_error!(NoSuchBucketPolicy, "The bucket policy does not exist")
        })
    }

    pub(super) async fn get_bucket_policy(
        &self,
        request: S3Request<GetBucketPolicyInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<GetBucketPolicyOutput>> {
        let input = request.input;
        let policy = self.policy_of(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
        )?;
        let mut response = S3Response::new(GetBucketPolicyOutput {
            policy: Some(policy),
        });
        response
            .headers
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(response)
    }

    pub(super) async fn put_bucket_policy(
        &self,
        request: S3Request<PutBucketPolicyInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<PutBucketPolicyOutput>> {
        let input = request.input;
        check(&input.policy)?;
        let public = is_public(&input.policy);
        self.change_bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
            move |bucket| {
                if public && bucket.public_access_block.is_some_and(|b| b.block_public_policy) {
                    return Err(s3_error!(
                        AccessDenied,
                        "User: arn:aws:iam::{}:root is not authorized to perform: s3:PutBucketPolicy on resource: \"arn:aws:s3:::{}\" because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.",
                        bucket.owner,
                        bucket.name
                    ));
                }
                bucket.policy = Some(input.policy);
                Ok(())
            },
        )
        .await?;
        Ok(S3Response::new(PutBucketPolicyOutput::default()))
    }

    pub(super) async fn delete_bucket_policy(
        &self,
        request: S3Request<DeleteBucketPolicyInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<DeleteBucketPolicyOutput>> {
        let input = request.input;
        self.change_bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
            |bucket| {
                bucket.policy = None;
                Ok(())
            },
        )
        .await?;
        Ok(S3Response::new(DeleteBucketPolicyOutput::default()))
    }

    pub(super) async fn get_bucket_policy_status(
        &self,
        request: S3Request<GetBucketPolicyStatusInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<GetBucketPolicyStatusOutput>> {
        let input = request.input;
        let policy = self.policy_of(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
        )?;
        Ok(S3Response::new(GetBucketPolicyStatusOutput {
            policy_status: Some(PolicyStatus {
                is_public: Some(is_public(&policy)),
            }),
        }))
    }
}

/// What PutBucketPolicy refuses without evaluating the policy.
fn check(policy: &str) -> S3Result<()> {
    let malformed = |message: &'static str| {
        Err(S3Error::with_message(
            s3s::S3ErrorCode::MalformedPolicy,
            message,
        ))
    };
    if policy.len() > MAX_POLICY {
        return malformed("Policy exceeds the maximum allowed document size.");
    }
    if !policy.starts_with('{') {
        return malformed("Policies must be valid JSON and the first byte must be '{'");
    }
    let Ok(document) = serde_json::from_str::<Value>(policy) else {
        return malformed("This policy contains invalid Json");
    };
    let statements = statements(&document);
    if statements.is_empty() {
        return malformed("Missing required field Statement");
    }
    for statement in statements {
        if !matches!(
            statement.get("Effect").and_then(Value::as_str),
            Some("Allow" | "Deny")
        ) {
            return malformed("Missing required field Effect");
        }
        for (one, other, message) in [
            (
                "Principal",
                "NotPrincipal",
                "Missing required field Principal",
            ),
            ("Action", "NotAction", "Missing required field Action"),
            ("Resource", "NotResource", "Missing required field Resource"),
        ] {
            if statement.get(one).is_none() && statement.get(other).is_none() {
                return malformed(message);
            }
        }
    }
    Ok(())
}

fn statements(document: &Value) -> Vec<&Value> {
    match document.get("Statement") {
        Some(Value::Array(statements)) => statements.iter().collect(),
        Some(statement @ Value::Object(_)) => vec![statement],
        _ => Vec::new(),
    }
}

/// Whether a policy allows everybody something without a condition.
fn is_public(policy: &str) -> bool {
    let Ok(document) = serde_json::from_str::<Value>(policy) else {
        return false;
    };
    statements(&document).into_iter().any(|statement| {
        statement.get("Effect").and_then(Value::as_str) == Some("Allow")
            && statement.get("Condition").is_none()
            && statement.get("Principal").is_some_and(|principal| {
                is_everybody(principal) || principal.get("AWS").is_some_and(is_everybody)
            })
    })
}

fn is_everybody(principal: &Value) -> bool {
    match principal {
        Value::String(text) => text == "*",
        Value::Array(list) => list.iter().any(is_everybody),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_checked_for_shape() {
        let good =
            r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}}"#;
        assert!(check(good).is_ok());
        assert!(is_public(good));
        for bad in [
            "",
            " {}",
            "{",
            "{}",
            r#"{"Statement":[]}"#,
            r#"{"Statement":[{"Effect":"Maybe"}]}"#,
            r#"{"Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*"}]}"#,
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
