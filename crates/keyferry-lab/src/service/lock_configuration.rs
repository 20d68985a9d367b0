//! Put and GetObjectLockConfiguration (`S3-LOCK-1`, `S3-LOCK-2`).

use s3s::dto::{
    DefaultRetention as RetentionElement, GetObjectLockConfigurationInput,
    GetObjectLockConfigurationOutput, ObjectLockConfiguration, ObjectLockEnabled,
    ObjectLockRetentionMode, ObjectLockRule, PutObjectLockConfigurationInput,
    PutObjectLockConfigurationOutput,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::RegionService;
use super::checksums::expect_digest;
use super::errors::{invalid_argument, malformed_xml};
use crate::server::exchange::Exchange;
use crate::store::{BucketLock, DefaultRetention, RetentionMode, RetentionPeriod, Versioning};

/// A hundred years.
const MAX_DAYS: u32 = 36_500;
const MAX_YEARS: u32 = 100;

impl RegionService {
    pub(super) async fn get_object_lock_configuration(
        &self,
        request: S3Request<GetObjectLockConfigurationInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<GetObjectLockConfigurationOutput>> {
        let input = request.input;
        let bucket = self.bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
        )?;
        let Some(lock) = bucket.object_lock else {
            exchange.error_field("BucketName", bucket.name);
            return Err(s3_error!(
                ObjectLockConfigurationNotFoundError,
                "Object Lock configuration does not exist for this bucket"
            ));
        };
        Ok(S3Response::new(GetObjectLockConfigurationOutput {
            object_lock_configuration: Some(ObjectLockConfiguration {
                object_lock_enabled: Some(ObjectLockEnabled::from_static(
                    ObjectLockEnabled::ENABLED,
                )),
                rule: lock.default_retention.map(|default| ObjectLockRule {
                    default_retention: Some(element(default)),
                }),
            }),
        }))
    }

    pub(super) async fn put_object_lock_configuration(
        &self,
        request: S3Request<PutObjectLockConfigurationInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<PutObjectLockConfigurationOutput>> {
        let S3Request { input, headers, .. } = request;
        expect_digest(&headers)?;
        let document = input
            .object_lock_configuration
            .ok_or_else(|| s3_error!(MissingRequestBodyError, "Request Body is empty"))?;
        let lock = configuration(exchange, document)?;
        self.change_bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
            move |bucket| {
                if bucket.versioning != Versioning::Enabled {
                    return Err(s3_error!(
                        InvalidBucketState,
                        "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
                    ));
                }
                bucket.object_lock = Some(lock);
                Ok(())
            },
        )
        .await?;
        Ok(S3Response::new(PutObjectLockConfigurationOutput::default()))
    }
}

fn configuration(exchange: &Exchange, document: ObjectLockConfiguration) -> S3Result<BucketLock> {
    let enabled = document.object_lock_enabled;
    if enabled.as_ref().map(ObjectLockEnabled::as_str) != Some(ObjectLockEnabled::ENABLED) {
        return Err(malformed_xml());
    }
    let default_retention = document
        .rule
        .map(|rule| rule.default_retention.ok_or_else(malformed_xml))
        .transpose()?
        .map(|element| default_retention(exchange, &element))
        .transpose()?;
    Ok(BucketLock { default_retention })
}

fn default_retention(
    exchange: &Exchange,
    element: &RetentionElement,
) -> S3Result<DefaultRetention> {
    let mode = element
        .mode
        .as_ref()
        .and_then(|mode| RetentionMode::parse(mode.as_str()))
        .ok_or_else(malformed_xml)?;
    let period = match (element.days, element.years) {
        (Some(days), None) => RetentionPeriod::Days(count(exchange, "Days", days, MAX_DAYS)?),
        (None, Some(years)) => RetentionPeriod::Years(count(exchange, "Years", years, MAX_YEARS)?),
        _ => return Err(malformed_xml()),
    };
    Ok(DefaultRetention { mode, period })
}

fn count(exchange: &Exchange, name: &str, value: i32, most: u32) -> S3Result<u32> {
    let refuse = |message| invalid_argument(exchange, name, &value.to_string(), message);
    match u32::try_from(value) {
        Err(_) | Ok(0) => Err(refuse(
            "Default retention period must be a positive integer value.",
        )),
        Ok(count) if count > most => Err(refuse("Default retention period too large.")),
        Ok(count) => Ok(count),
    }
}

fn element(default: DefaultRetention) -> RetentionElement {
    let number = |count: u32| i32::try_from(count).ok();
    let (days, years) = match default.period {
        RetentionPeriod::Days(days) => (number(days), None),
        RetentionPeriod::Years(years) => (None, number(years)),
    };
    RetentionElement {
        days,
        mode: Some(ObjectLockRetentionMode::from_static(default.mode.as_str())),
        years,
    }
}
