//! Storage classes (`S3-CLASS-1`, `S3-CLASS-2`), and RestoreObject (`S3-CLASS-3`).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use s3s::dto::{
    RestoreObjectInput, RestoreObjectOutput, RestoreRequest, StorageClass, Tier, Timestamp,
};
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};

use super::RegionService;
use super::conditions::http_date;
use super::errors::{OrS3 as _, invalid_argument, malformed_xml};
use crate::server::exchange::Exchange;
use crate::store::ObjectRecord;

/// The storage classes of general purpose buckets.
const STORAGE_CLASSES: [&str; 8] = [
    "STANDARD",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER",
    "GLACIER_IR",
    DEEP_ARCHIVE,
    "REDUCED_REDUNDANCY",
];
pub(super) const STANDARD: &str = "STANDARD";
const DEEP_ARCHIVE: &str = "DEEP_ARCHIVE";

const DAY: u64 = 24 * 60 * 60;
/// The lab's own limit, as that of retention.
const MAX_DAYS: i32 = 36_500;

/// `x-amz-storage-class` of a request.
pub(super) fn storage_class(class: Option<&StorageClass>) -> S3Result<String> {
    let class = class.map_or(STANDARD, StorageClass::as_str);
    if STORAGE_CLASSES.contains(&class) {
        Ok(class.to_owned())
    } else {
        Err(s3_error!(
            InvalidStorageClass,
            "The storage class you specified is not valid"
        ))
    }
}

/// Whether objects of this class must be restored before they can be read.
fn is_archived(storage_class: &str) -> bool {
    matches!(storage_class, "GLACIER" | DEEP_ARCHIVE)
}

/// Until when a restored copy of the object is there, if it is now.
fn restored_until(object: &ObjectRecord) -> Option<SystemTime> {
    object
        .restored_until
        .filter(|until| *until > SystemTime::now())
}

/// Refuses to read what is archived and not restored.
pub(super) fn check_readable(
    exchange: &Exchange,
    object: &ObjectRecord,
    message: &'static str,
) -> S3Result<()> {
    if !is_archived(&object.storage_class) || restored_until(object).is_some() {
        return Ok(());
    }
    Err(invalid_state(exchange, object, message))
}

fn invalid_state(exchange: &Exchange, object: &ObjectRecord, message: &'static str) -> S3Error {
    exchange.error_field("StorageClass", &object.storage_class);
    s3_error!(InvalidObjectState, "{message}")
}

/// `x-amz-restore` of an answer.
pub(super) fn restore_header(object: &ObjectRecord) -> Option<String> {
    let date = http_date(&Timestamp::from(restored_until(object)?))?;
    Some(format!("ongoing-request=\"false\", expiry-date=\"{date}\""))
}

impl RegionService {
    pub(super) async fn restore_object(
        &self,
        request: S3Request<RestoreObjectInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<RestoreObjectOutput>> {
        let input = request.input;
        let bucket = self.bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
        )?;
        let document = input
            .restore_request
            .ok_or_else(|| s3_error!(MissingRequestBodyError, "Request Body is empty"))?;
        let days = days(exchange, &document)?;
        let version_id = input.version_id.as_deref();
        let (version, object) = self.object_version(exchange, &bucket, &input.key, version_id)?;
        if !is_archived(&object.storage_class) {
            return Err(invalid_state(
                exchange,
                &object,
                "Restore is not allowed for the object's current storage class",
            ));
        }
        check_tier(exchange, &document, &object)?;
        // In the lab it takes no time.
        self.region
            .set_restored(
                &bucket.name,
                &input.key,
                &version.version_id,
                expiry(SystemTime::now(), days),
            )
            .await
            .or_s3(exchange)?;
        if restored_until(&object).is_none() {
            exchange.want_accepted();
        }
        Ok(S3Response::new(RestoreObjectOutput::default()))
    }
}

fn days(exchange: &Exchange, document: &RestoreRequest) -> S3Result<u64> {
    if document.type_.is_some()
        || document.select_parameters.is_some()
        || document.output_location.is_some()
    {
        return Err(s3_error!(NotImplemented, "The lab has no S3 Select."));
    }
    let days = document.days.ok_or_else(malformed_xml)?;
    u64::try_from(days)
        .ok()
        .filter(|_| (1..=MAX_DAYS).contains(&days))
        .ok_or_else(|| {
            invalid_argument(
                exchange,
                "Days",
                &days.to_string(),
                "Restoration days must be between 1 and 36500",
            )
        })
}

/// `Expedited` is not for the deep archive.
fn check_tier(
    exchange: &Exchange,
    document: &RestoreRequest,
    object: &ObjectRecord,
) -> S3Result<()> {
    let nested = document.glacier_job_parameters.as_ref();
    let tier = document.tier.as_ref().or(nested.map(|given| &given.tier));
    match tier.map(Tier::as_str) {
        None | Some(Tier::STANDARD | Tier::BULK) => Ok(()),
        Some(Tier::EXPEDITED) if object.storage_class != DEEP_ARCHIVE => Ok(()),
        Some(tier @ Tier::EXPEDITED) => Err(invalid_argument(
            exchange,
            "Tier",
            tier,
            "Retrieval option is not supported by this storage class",
        )),
        Some(_) => Err(malformed_xml()),
    }
}

/// The midnight after that many days.
fn expiry(now: SystemTime, days: u64) -> SystemTime {
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    UNIX_EPOCH + Duration::from_secs((seconds / DAY + days + 1) * DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_expire_at_midnight() {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(expiry(at(10 * DAY + 1), 2), at(13 * DAY));
        assert_eq!(expiry(at(11 * DAY - 1), 2), at(13 * DAY));
    }
}
