//! Versioning, ownership controls, tags and public access block of a bucket.
//!
//! `S3-BUCKET-6` versioning can be suspended, never taken back, and not while the bucket
//! replicates, nor with Object Lock (`S3-LOCK-1`); `S3-BUCKET-7` ownership; `S3-BUCKET-8` public access block.

use http::StatusCode;
use s3s::dto::{
    BucketVersioningStatus, DeleteBucketOwnershipControlsInput,
    DeleteBucketOwnershipControlsOutput, DeleteBucketTaggingInput, DeleteBucketTaggingOutput,
    DeletePublicAccessBlockInput, DeletePublicAccessBlockOutput, GetBucketOwnershipControlsInput,
    GetBucketOwnershipControlsOutput, GetBucketTaggingInput, GetBucketTaggingOutput,
    GetBucketVersioningInput, GetBucketVersioningOutput, GetPublicAccessBlockInput,
    GetPublicAccessBlockOutput, OwnershipControls, OwnershipControlsRule,
    PublicAccessBlockConfiguration, PutBucketOwnershipControlsInput,
    PutBucketOwnershipControlsOutput, PutBucketTaggingInput, PutBucketTaggingOutput,
    PutBucketVersioningInput, PutBucketVersioningOutput, PutPublicAccessBlockInput,
    PutPublicAccessBlockOutput,
};
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};

use super::RegionService;
use super::errors::{custom, from_store, malformed_xml};
use super::limits::MAX_BUCKET_TAGS;
use super::tagging::{from_tag_set, to_tag_set};
use crate::server::exchange::Exchange;
use crate::store::{BucketRecord, ObjectOwnership, PublicAccessBlock, StoreError, Versioning};

/// An error of a change to a bucket: of the store, or the change's own.
pub(super) enum ChangeError {
    Store(StoreError),
    Refused(S3Error),
}

impl From<StoreError> for ChangeError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<S3Error> for ChangeError {
    fn from(error: S3Error) -> Self {
        Self::Refused(error)
    }
}

/// The ownership of that name.
pub(super) fn parse_ownership(name: &str) -> S3Result<ObjectOwnership> {
    match name {
        "BucketOwnerEnforced" => Ok(ObjectOwnership::BucketOwnerEnforced),
        "BucketOwnerPreferred" => Ok(ObjectOwnership::BucketOwnerPreferred),
        "ObjectWriter" => Ok(ObjectOwnership::ObjectWriter),
        _ => Err(malformed_xml()),
    }
}

fn ownership_name(ownership: ObjectOwnership) -> &'static str {
    match ownership {
        ObjectOwnership::BucketOwnerEnforced => "BucketOwnerEnforced",
        ObjectOwnership::BucketOwnerPreferred => "BucketOwnerPreferred",
        ObjectOwnership::ObjectWriter => "ObjectWriter",
    }
}

impl RegionService {
    /// Changes a bucket of this region in one step.
    pub(super) async fn change_bucket<F>(
        &self,
        exchange: &Exchange,
        name: &str,
        expected_owner: Option<&str>,
        change: F,
    ) -> S3Result<BucketRecord>
    where
        F: FnOnce(&mut BucketRecord) -> S3Result<()> + Send + 'static,
    {
        self.bucket(exchange, name, expected_owner)?;
        self.region
            .update_bucket(name, move |bucket| {
                change(bucket).map_err(ChangeError::from)
            })
            .await
            .map_err(|error| match error {
                ChangeError::Store(error) => from_store(error, exchange),
                ChangeError::Refused(error) => error,
            })
    }

    pub(super) async fn get_bucket_versioning(
        &self,
        request: S3Request<GetBucketVersioningInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<GetBucketVersioningOutput>> {
        let input = request.input;
        let bucket = self.bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
        )?;
        let status = match bucket.versioning {
            Versioning::Unversioned => None,
            Versioning::Enabled => Some(BucketVersioningStatus::ENABLED),
            Versioning::Suspended => Some(BucketVersioningStatus::SUSPENDED),
        };
        Ok(S3Response::new(GetBucketVersioningOutput {
            status: status.map(BucketVersioningStatus::from_static),
            ..GetBucketVersioningOutput::default()
        }))
    }

    pub(super) async fn put_bucket_versioning(
        &self,
        request: S3Request<PutBucketVersioningInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<PutBucketVersioningOutput>> {
        let input = request.input;
        let configuration = input.versioning_configuration;
        if configuration
            .mfa_delete
            .as_ref()
            .is_some_and(|mfa| mfa.as_str() == "Enabled")
        {
            return Err(s3_error!(
                NotImplemented,
                "The lab has no MFA devices for MFA delete."
            ));
        }
        let versioning = match configuration
            .status
            .as_ref()
            .map(BucketVersioningStatus::as_str)
        {
            Some(BucketVersioningStatus::ENABLED) => Versioning::Enabled,
            Some(BucketVersioningStatus::SUSPENDED) => Versioning::Suspended,
            _ => {
                return Err(s3_error!(
                    IllegalVersioningConfigurationException,
                    "The Versioning element must be specified"
                ));
            }
        };
        self.change_bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
            move |bucket| {
                if versioning == Versioning::Suspended && bucket.replication.is_some() {
                    return Err(s3_error!(
                        InvalidBucketState,
                        "A replication configuration is present on this bucket, so the versioning state cannot be changed."
                    ));
                }
                if versioning == Versioning::Suspended && bucket.object_lock.is_some() {
                    return Err(s3_error!(
                        InvalidBucketState,
                        "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed."
                    ));
                }
                bucket.versioning = versioning;
                Ok(())
            },
        )
        .await?;
        Ok(S3Response::new(PutBucketVersioningOutput::default()))
    }

    pub(super) async fn get_bucket_ownership_controls(
        &self,
        request: S3Request<GetBucketOwnershipControlsInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<GetBucketOwnershipControlsOutput>> {
        let input = request.input;
        let bucket = self.bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
        )?;
        let Some(ownership) = bucket.ownership else {
            exchange.error_field("BucketName", bucket.name);
            return Err(s3_error!(
                OwnershipControlsNotFoundError,
                "The bucket ownership controls were not found"
            ));
        };
        Ok(S3Response::new(GetBucketOwnershipControlsOutput {
            ownership_controls: Some(OwnershipControls {
                rules: vec![OwnershipControlsRule {
                    object_ownership: ownership_name(ownership).to_owned().into(),
                }],
            }),
        }))
    }

    pub(super) async fn put_bucket_ownership_controls(
        &self,
        request: S3Request<PutBucketOwnershipControlsInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<PutBucketOwnershipControlsOutput>> {
        let input = request.input;
        let [rule] = input.ownership_controls.rules.as_slice() else {
            return Err(malformed_xml());
        };
        let ownership = parse_ownership(rule.object_ownership.as_str())?;
        self.change_bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
            move |bucket| {
                bucket.ownership = Some(ownership);
                Ok(())
            },
        )
        .await?;
        Ok(S3Response::new(PutBucketOwnershipControlsOutput::default()))
    }

    pub(super) async fn delete_bucket_ownership_controls(
        &self,
        request: S3Request<DeleteBucketOwnershipControlsInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<DeleteBucketOwnershipControlsOutput>> {
        let input = request.input;
        self.change_bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
            |bucket| {
                bucket.ownership = None;
                Ok(())
            },
        )
        .await?;
        Ok(S3Response::new(
            DeleteBucketOwnershipControlsOutput::default(),
        ))
    }

    pub(super) async fn get_bucket_tagging(
        &self,
        request: S3Request<GetBucketTaggingInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<GetBucketTaggingOutput>> {
        let input = request.input;
        let bucket = self.bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
        )?;
        if bucket.tags.is_empty() {
            exchange.error_field("BucketName", bucket.name);
            return Err(s3_error!(NoSuchTagSet, "The TagSet does not exist"));
        }
        Ok(S3Response::new(GetBucketTaggingOutput {
            tag_set: to_tag_set(bucket.tags),
        }))
    }

    pub(super) async fn put_bucket_tagging(
        &self,
        request: S3Request<PutBucketTaggingInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<PutBucketTaggingOutput>> {
        let input = request.input;
        let tags = from_tag_set(input.tagging.tag_set, MAX_BUCKET_TAGS, "Bucket")?;
        self.change_bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
            move |bucket| {
                bucket.tags = tags;
                Ok(())
            },
        )
        .await?;
        let mut response = S3Response::new(PutBucketTaggingOutput::default());
        response.status = Some(StatusCode::NO_CONTENT);
        Ok(response)
    }

    pub(super) async fn delete_bucket_tagging(
        &self,
        request: S3Request<DeleteBucketTaggingInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<DeleteBucketTaggingOutput>> {
        let input = request.input;
        self.change_bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
            |bucket| {
                bucket.tags.clear();
                Ok(())
            },
        )
        .await?;
        Ok(S3Response::new(DeleteBucketTaggingOutput::default()))
    }

    pub(super) async fn get_public_access_block(
        &self,
        request: S3Request<GetPublicAccessBlockInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<GetPublicAccessBlockOutput>> {
        let input = request.input;
        let bucket = self.bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
        )?;
        let Some(block) = bucket.public_access_block else {
            exchange.error_field("BucketName", bucket.name);
            return Err(custom(
                "NoSuchPublicAccessBlockConfiguration",
                StatusCode::NOT_FOUND,
                "The public access block configuration was not found",
            ));
        };
        Ok(S3Response::new(GetPublicAccessBlockOutput {
            public_access_block_configuration: Some(PublicAccessBlockConfiguration {
                block_public_acls: Some(block.block_public_acls),
                ignore_public_acls: Some(block.ignore_public_acls),
                block_public_policy: Some(block.block_public_policy),
                restrict_public_buckets: Some(block.restrict_public_buckets),
            }),
        }))
    }

    pub(super) async fn put_public_access_block(
        &self,
        request: S3Request<PutPublicAccessBlockInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<PutPublicAccessBlockOutput>> {
        let input = request.input;
        let given = input.public_access_block_configuration;
        let block = PublicAccessBlock {
            block_public_acls: given.block_public_acls.unwrap_or(false),
            ignore_public_acls: given.ignore_public_acls.unwrap_or(false),
            block_public_policy: given.block_public_policy.unwrap_or(false),
            restrict_public_buckets: given.restrict_public_buckets.unwrap_or(false),
        };
        self.change_bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
            move |bucket| {
                bucket.public_access_block = Some(block);
                Ok(())
            },
        )
        .await?;
        Ok(S3Response::new(PutPublicAccessBlockOutput::default()))
    }

    pub(super) async fn delete_public_access_block(
        &self,
        request: S3Request<DeletePublicAccessBlockInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<DeletePublicAccessBlockOutput>> {
        let input = request.input;
        self.change_bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
            |bucket| {
                bucket.public_access_block = None;
                Ok(())
            },
        )
        .await?;
        Ok(S3Response::new(DeletePublicAccessBlockOutput::default()))
    }
}
