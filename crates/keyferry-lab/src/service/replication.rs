//! PutBucketReplication, GetBucketReplication, DeleteBucketReplication (`S3-REPL-20`).

use http::StatusCode;
use s3s::dto::{
    DeleteBucketReplicationInput, DeleteBucketReplicationOutput, GetBucketReplicationInput,
    GetBucketReplicationOutput, PutBucketReplicationInput, PutBucketReplicationOutput,
};
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};

use super::RegionService;
use super::errors::{OrS3 as _, custom};
use crate::authorization::{Circumstances, access_denied};
use crate::replication::{ConfigurationError, ReplicationConfiguration};
use crate::server::exchange::Exchange;

impl RegionService {
    pub(super) async fn get_bucket_replication(
        &self,
        request: S3Request<GetBucketReplicationInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<GetBucketReplicationOutput>> {
        let input = request.input;
        let bucket = self.bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
        )?;
        let Some(configuration) = bucket.replication else {
            exchange.error_field("BucketName", bucket.name);
            return Err(s3_error!(
                ReplicationConfigurationNotFoundError,
                "The replication configuration was not found"
            ));
        };
        Ok(S3Response::new(GetBucketReplicationOutput {
            replication_configuration: Some(configuration.to_dto()),
        }))
    }

    pub(super) async fn put_bucket_replication(
        &self,
        request: S3Request<PutBucketReplicationInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<PutBucketReplicationOutput>> {
        let input = request.input;
        let bucket = self.bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
        )?;
        let configuration = ReplicationConfiguration::from_dto(&input.replication_configuration)
            .map_err(refused)?;
        let mut circumstances =
            Circumstances::of(exchange.transport(), &request.headers, self.region.name());
        circumstances.set("iam:PassedToService", "s3.amazonaws.com");
        self.authorizer
            .may_administer(
                exchange.requester(),
                "iam:PassRole",
                &configuration.role,
                circumstances,
            )
            .or_s3(exchange)?
            .map_err(|refusal| access_denied(&refusal))?;
        configuration
            .validate(&self.store, &bucket)
            .or_s3(exchange)?
            .map_err(refused)?;
        self.change_bucket(exchange, &input.bucket, None, move |bucket| {
            bucket.replication = Some(configuration);
            Ok(())
        })
        .await?;
        Ok(S3Response::new(PutBucketReplicationOutput::default()))
    }

    pub(super) async fn delete_bucket_replication(
        &self,
        request: S3Request<DeleteBucketReplicationInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<DeleteBucketReplicationOutput>> {
        let input = request.input;
        self.change_bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
            |bucket| {
                bucket.replication = None;
                Ok(())
            },
        )
        .await?;
        Ok(S3Response::new(DeleteBucketReplicationOutput::default()))
    }
}

fn refused(error: ConfigurationError) -> S3Error {
    let status = if error.code == "InvalidBucketState" {
        StatusCode::CONFLICT
    } else {
        StatusCode::BAD_REQUEST
    };
    custom(error.code, status, error.message)
}
