//! CreateBucket, HeadBucket, DeleteBucket, ListBuckets, GetBucketLocation.
//!
//! `S3-BUCKET-1` names are unique over all regions; `S3-BUCKET-2` the location constraint is
//! the endpoint's region.

use s3s::dto::{
    Bucket, BucketLocationConstraint, CreateBucketInput, CreateBucketOutput, DeleteBucketInput,
    DeleteBucketOutput, GetBucketLocationInput, GetBucketLocationOutput, HeadBucketInput,
    HeadBucketOutput, ListBucketsInput, ListBucketsOutput, Timestamp,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::RegionService;
use super::bucket_configuration::parse_ownership;
use super::errors::{OrS3 as _, header_not_implemented, invalid_argument};
use super::ownership::owner_element;
use crate::server::exchange::Exchange;
use crate::store::{BucketLock, BucketRecord, ObjectOwnership, Versioning};

/// The region whose buckets have no location constraint.
const CLASSIC_REGION: &str = "us-east-1";
const MAX_BUCKETS: usize = 10_000;

impl RegionService {
    pub(super) async fn create_bucket(
        &self,
        request: S3Request<CreateBucketInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        let input = request.input;
        let configuration = input.create_bucket_configuration.as_ref();
        if configuration.is_some_and(|given| given.bucket.is_some() || given.location.is_some()) {
            return Err(s3_error!(
                NotImplemented,
                "The lab has general purpose buckets only."
            ));
        }
        let constraint = configuration
            .and_then(|given| given.location_constraint.as_ref())
            .map(BucketLocationConstraint::as_str)
            .filter(|constraint| !constraint.is_empty());
        self.check_constraint(constraint)?;
        let ownership = input
            .object_ownership
            .as_ref()
            .map(|given| parse_ownership(given.as_str()))
            .transpose()?
            .unwrap_or(ObjectOwnership::BucketOwnerEnforced);
        let acl = input.acl.as_ref().map(|acl| acl.as_str());
        let has_grants = input.grant_full_control.is_some()
            || input.grant_read.is_some()
            || input.grant_read_acp.is_some()
            || input.grant_write.is_some()
            || input.grant_write_acp.is_some();
        if has_grants || !matches!(acl, None | Some("private")) {
            if ownership == ObjectOwnership::BucketOwnerEnforced {
                return Err(s3_error!(
                    InvalidBucketAclWithObjectOwnership,
                    "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"
                ));
            }
            return Err(header_not_implemented(exchange, "x-amz-acl"));
        }
        let owner = exchange
            .requester()
            .account()
            .unwrap_or(self.store.account_id());
        let mut bucket = BucketRecord::new(&input.bucket, self.region.name(), owner);
        bucket.ownership = Some(ownership);
        if input.object_lock_enabled_for_bucket == Some(true) {
            // Only versions can be locked (`S3-LOCK-1`).
            bucket.versioning = Versioning::Enabled;
            bucket.object_lock = Some(BucketLock::default());
        }
        self.store.create_bucket(bucket).await.or_s3(exchange)?;
        Ok(S3Response::new(CreateBucketOutput {
            location: Some(format!("/{}", input.bucket)),
        }))
    }

    fn check_constraint(&self, constraint: Option<&str>) -> S3Result<()> {
        let region = self.region.name();
        match constraint {
            None if region == CLASSIC_REGION => Ok(()),
            None => Err(s3_error!(
                IllegalLocationConstraintException,
                "The unspecified location constraint is incompatible for the region specific endpoint this request was sent to."
            )),
            Some(CLASSIC_REGION) if region == CLASSIC_REGION => Err(s3_error!(
                InvalidLocationConstraint,
                "The specified location-constraint is not valid"
            )),
            Some(given) if given == region => Ok(()),
            Some(given) => Err(s3_error!(
                IllegalLocationConstraintException,
                "The {given} location constraint is incompatible for the region specific endpoint this request was sent to."
            )),
        }
    }

    pub(super) async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        let input = request.input;
        let bucket = self.bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
        )?;
        Ok(S3Response::new(HeadBucketOutput {
            bucket_region: Some(bucket.region),
            access_point_alias: Some(false),
            ..HeadBucketOutput::default()
        }))
    }

    pub(super) async fn delete_bucket(
        &self,
        request: S3Request<DeleteBucketInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<DeleteBucketOutput>> {
        let input = request.input;
        self.bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
        )?;
        self.region
            .delete_bucket(&input.bucket)
            .await
            .or_s3(exchange)?;
        Ok(S3Response::new(DeleteBucketOutput::default()))
    }

    pub(super) async fn list_buckets(
        &self,
        request: S3Request<ListBucketsInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<ListBucketsOutput>> {
        let input = request.input;
        let max_buckets = match input.max_buckets {
            None => MAX_BUCKETS,
            Some(asked) => usize::try_from(asked)
                .ok()
                .filter(|asked| (1..=MAX_BUCKETS).contains(asked))
                .ok_or_else(|| {
                    invalid_argument(
                        exchange,
                        "max-buckets",
                        &asked.to_string(),
                        "Argument max-buckets must be an integer between 1 and 10000",
                    )
                })?,
        };
        let prefix = input.prefix.as_deref().unwrap_or_default();
        let after = input.continuation_token.as_deref().unwrap_or_default();
        let account = exchange.requester().account().unwrap_or_default();
        let mut matching = self
            .store
            .buckets()
            .or_s3(exchange)?
            .into_iter()
            .filter(|bucket| bucket.owner == account)
            .filter(|bucket| bucket.name.starts_with(prefix) && bucket.name.as_str() > after)
            .filter(|bucket| {
                input
                    .bucket_region
                    .as_ref()
                    .is_none_or(|region| region.as_str() == bucket.region)
            });
        let buckets: Vec<Bucket> = matching
            .by_ref()
            .take(max_buckets)
            .map(|bucket| Bucket {
                creation_date: Some(Timestamp::from(bucket.created.time())),
                name: Some(bucket.name),
                bucket_region: Some(bucket.region),
            })
            .collect();
        let continuation_token = matching
            .next()
            .and_then(|_| buckets.last().and_then(|bucket| bucket.name.clone()));
        Ok(S3Response::new(ListBucketsOutput {
            buckets: Some(buckets),
            continuation_token,
            owner: Some(owner_element(account)),
            prefix: input.prefix,
        }))
    }

    pub(super) async fn get_bucket_location(
        &self,
        request: S3Request<GetBucketLocationInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        let input = request.input;
        let bucket = self.bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
        )?;
        Ok(S3Response::new(GetBucketLocationOutput {
            location_constraint: (bucket.region != CLASSIC_REGION).then(|| bucket.region.into()),
        }))
    }
}
