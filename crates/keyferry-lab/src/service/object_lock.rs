//! Put and GetObjectRetention, Put and GetObjectLegalHold.
//!
//! `S3-LOCK-4` what may be changed; `S3-LOCK-6` bypassing governance mode; `S3-LOCK-10` what
//! requests and answers look like.

use s3s::dto::{
    GetObjectLegalHoldInput, GetObjectLegalHoldOutput, GetObjectRetentionInput,
    GetObjectRetentionOutput, ObjectLockLegalHold, ObjectLockRetention, ObjectLockRetentionMode,
    PutObjectLegalHoldInput, PutObjectLegalHoldOutput, PutObjectRetentionInput,
    PutObjectRetentionOutput, Timestamp,
};
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};

use super::RegionService;
use super::checksums::expect_digest;
use super::errors::{OrS3 as _, malformed_xml};
use super::lock_headers::{
    bucket_without_lock, bypasses_governance, future, legal_hold_status, parse_legal_hold,
};
use super::versions::check_version_id;
use crate::authorization::{Circumstances, access_denied, request_circumstances};
use crate::server::exchange::Exchange;
use crate::store::{BucketRecord, LockChange, Retention, RetentionMode, StoreError};

/// The version that a request means.
struct Target<'a> {
    bucket: &'a BucketRecord,
    key: &'a str,
    version_id: Option<&'a str>,
}

impl RegionService {
    pub(super) async fn get_object_retention(
        &self,
        request: S3Request<GetObjectRetentionInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<GetObjectRetentionOutput>> {
        let input = request.input;
        let bucket = self.lock_bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
        )?;
        let (_, object) =
            self.object_version(exchange, &bucket, &input.key, input.version_id.as_deref())?;
        let retention = object.lock.retention.ok_or_else(no_configuration)?;
        Ok(S3Response::new(GetObjectRetentionOutput {
            retention: Some(ObjectLockRetention {
                mode: Some(ObjectLockRetentionMode::from_static(
                    retention.mode.as_str(),
                )),
                retain_until_date: Some(Timestamp::from(retention.until)),
            }),
        }))
    }

    pub(super) async fn put_object_retention(
        &self,
        request: S3Request<PutObjectRetentionInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<PutObjectRetentionOutput>> {
        let S3Request {
            input,
            headers,
            uri,
            ..
        } = request;
        let bucket = self.bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
        )?;
        expect_digest(&headers)?;
        let retention = wanted(exchange, input.retention)?;
        let target = Target {
            bucket: &bucket,
            key: &input.key,
            version_id: input.version_id.as_deref(),
        };
        let mut circumstances = request_circumstances(
            exchange,
            "PutObjectRetention",
            &headers,
            &uri,
            self.region.name(),
        );
        if let Some(retention) = retention {
            circumstances.set("s3:object-lock-mode", retention.mode.as_str());
            circumstances.set_retain_until(retention.until);
        }
        let mut actions = vec!["s3:PutObjectRetention"];
        if input.bypass_governance_retention == Some(true) {
            actions.push("s3:BypassGovernanceRetention");
        }
        self.authorise_lock(exchange, &target, &circumstances, &actions)?;
        if bucket.object_lock.is_none() {
            return Err(bucket_without_lock());
        }
        let change = LockChange::Retention {
            retention,
            bypass_governance: bypasses_governance(
                exchange,
                &bucket,
                input.bypass_governance_retention,
            )?,
        };
        self.change_lock(exchange, &target, change).await?;
        Ok(S3Response::new(PutObjectRetentionOutput::default()))
    }

    pub(super) async fn get_object_legal_hold(
        &self,
        request: S3Request<GetObjectLegalHoldInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<GetObjectLegalHoldOutput>> {
        let input = request.input;
        let bucket = self.lock_bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
        )?;
        let (_, object) =
            self.object_version(exchange, &bucket, &input.key, input.version_id.as_deref())?;
        let hold = object.lock.legal_hold.ok_or_else(no_configuration)?;
        Ok(S3Response::new(GetObjectLegalHoldOutput {
            legal_hold: Some(ObjectLockLegalHold {
                status: Some(legal_hold_status(hold)),
            }),
        }))
    }

    pub(super) async fn put_object_legal_hold(
        &self,
        request: S3Request<PutObjectLegalHoldInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<PutObjectLegalHoldOutput>> {
        let S3Request {
            input,
            headers,
            uri,
            ..
        } = request;
        let bucket = self.bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
        )?;
        expect_digest(&headers)?;
        let hold = input
            .legal_hold
            .and_then(|hold| hold.status)
            .and_then(|status| parse_legal_hold(status.as_str()))
            .ok_or_else(malformed_xml)?;
        let target = Target {
            bucket: &bucket,
            key: &input.key,
            version_id: input.version_id.as_deref(),
        };
        let mut circumstances = request_circumstances(
            exchange,
            "PutObjectLegalHold",
            &headers,
            &uri,
            self.region.name(),
        );
        let status = legal_hold_status(hold);
        circumstances.set("s3:object-lock-legal-hold", status.as_str());
        let actions = ["s3:PutObjectLegalHold"];
        self.authorise_lock(exchange, &target, &circumstances, &actions)?;
        if bucket.object_lock.is_none() {
            return Err(bucket_without_lock());
        }
        self.change_lock(exchange, &target, LockChange::LegalHold(hold))
            .await?;
        Ok(S3Response::new(PutObjectLegalHoldOutput::default()))
    }

    /// A bucket that must have Object Lock.
    fn lock_bucket(
        &self,
        exchange: &Exchange,
        name: &str,
        expected_owner: Option<&str>,
    ) -> S3Result<BucketRecord> {
        let bucket = self.bucket(exchange, name, expected_owner)?;
        match bucket.object_lock {
            Some(_) => Ok(bucket),
            None => Err(bucket_without_lock()),
        }
    }

    async fn change_lock(
        &self,
        exchange: &Exchange,
        target: &Target<'_>,
        change: LockChange,
    ) -> S3Result<()> {
        check_version_id(exchange, target.version_id)?;
        let changed = self
            .region
            .change_lock(&target.bucket.name, target.key, target.version_id, change)
            .await;
        match changed {
            Ok(_) => Ok(()),
            // A current delete marker is no object at all.
            Err(StoreError::DeleteMarker { key, .. }) if target.version_id.is_none() => {
                Err(StoreError::NoSuchKey(key)).or_s3(exchange)
            }
            Err(error) => Err(error).or_s3(exchange),
        }
    }

    /// Policies may set limits to what a document asks for, so they are judged once it is read.
    fn authorise_lock(
        &self,
        exchange: &Exchange,
        target: &Target<'_>,
        circumstances: &Circumstances,
        actions: &[&str],
    ) -> S3Result<()> {
        let arn = format!("arn:aws:s3:::{}/{}", target.bucket.name, target.key);
        for action in actions {
            self.authorizer
                .may_use_bucket(
                    exchange.requester(),
                    action,
                    &arn,
                    target.bucket,
                    circumstances.clone(),
                )
                .or_s3(exchange)?
                .map_err(|refusal| access_denied(&refusal))?;
        }
        Ok(())
    }
}

/// Mode and date, or neither: that takes the retention away.
fn wanted(
    exchange: &Exchange,
    document: Option<ObjectLockRetention>,
) -> S3Result<Option<Retention>> {
    let document = document.ok_or_else(malformed_xml)?;
    match (document.mode, document.retain_until_date) {
        (None, None) => Ok(None),
        (Some(mode), Some(until)) => Ok(Some(Retention {
            mode: RetentionMode::parse(mode.as_str()).ok_or_else(malformed_xml)?,
            until: future(exchange, "RetainUntilDate", &until)?,
        })),
        _ => Err(malformed_xml()),
    }
}

fn no_configuration() -> S3Error {
    s3_error!(
        NoSuchObjectLockConfiguration,
        "The specified object does not have a ObjectLock configuration",
    )
}
