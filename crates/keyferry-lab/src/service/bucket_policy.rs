//! Bucket policies (`S3-POLICY-1`, `S3-POLICY-2`): kept and given back as they were put. What
//! they say is judged in [`crate::authorization`].

use http::HeaderValue;
use http::header::CONTENT_TYPE;
use keyferry_policy::iam::PolicyDocument;
use s3s::dto::{
    DeleteBucketPolicyInput, DeleteBucketPolicyOutput, GetBucketPolicyInput, GetBucketPolicyOutput,
    GetBucketPolicyStatusInput, GetBucketPolicyStatusOutput, PolicyStatus, PutBucketPolicyInput,
    PutBucketPolicyOutput,
};
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};

use super::RegionService;
use super::errors::OrS3 as _;
use super::limits::MAX_POLICY;
use crate::authorization::{is_public, unknown_principal};
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
        let document = check(&input.policy)?;
        if let Some(unknown) = unknown_principal(&self.store, &document).or_s3(exchange)? {
            exchange.error_field("Detail", unknown);
            return Err(malformed("Invalid principal in policy"));
        }
        let public = is_public(&document);
        let requester = exchange.requester().arn();
        self.change_bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
            move |bucket| {
                if public && bucket.public_access_block.is_some_and(|b| b.block_public_policy) {
                    return Err(s3_error!(
                        AccessDenied,
                        "User: {requester} is not authorized to perform: s3:PutBucketPolicy on resource: \"arn:aws:s3:::{}\" because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.",
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
                is_public: Some(check(&policy).is_ok_and(|document| is_public(&document))),
            }),
        }))
    }
}

/// What PutBucketPolicy refuses without evaluating the policy (`S3-POLICY-1`).
fn check(policy: &str) -> S3Result<PolicyDocument> {
    if policy.len() > MAX_POLICY {
        return Err(malformed(
            "Policy exceeds the maximum allowed document size.",
        ));
    }
    if !policy.starts_with('{') {
        return Err(malformed(
            "Policies must be valid JSON and the first byte must be '{'",
        ));
    }
    let document = PolicyDocument::parse(policy)
        .map_err(|error| malformed(format!("This policy contains invalid Json: {error}")))?;
    for statement in &document.statements {
        if statement.principal.is_none() {
            return Err(malformed("Missing required field Principal"));
        }
        if statement.resource.is_none() {
            return Err(malformed("Missing required field Resource"));
        }
    }
    Ok(document)
}

fn malformed(message: impl Into<std::borrow::Cow<'static, str>>) -> S3Error {
    S3Error::with_message(s3s::S3ErrorCode::MalformedPolicy, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_checked_for_shape() {
        let good =
            r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}}"#;
        assert!(is_public(&check(good).unwrap()));
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
