//! Version ids in requests and responses, and answers about delete markers (`S3-VER-4`,
//! `S3-VER-5`).

use http::header::{ALLOW, LAST_MODIFIED};
use http::{HeaderMap, HeaderValue};
use s3s::dto::Timestamp;
use s3s::{S3Error, S3Result, s3_error};

use super::RegionService;
use super::conditions::http_date;
use super::errors::{OrS3 as _, invalid_argument};
use crate::server::exchange::Exchange;
use crate::store::{BucketRecord, NULL_VERSION, ObjectRecord, VersionRecord, Versioning};

/// `x-amz-version-id`: absent while versioning was never enabled (`S3-VER-4`).
pub(super) fn version_header(bucket: &BucketRecord, version: &VersionRecord) -> Option<String> {
    (bucket.versioning != Versioning::Unversioned).then(|| version.version_id.clone())
}

/// Refuses what cannot be a version id: S3 answers 400 to those, 404 to unknown ones.
pub(super) fn check_version_id(exchange: &Exchange, version_id: Option<&str>) -> S3Result<()> {
    match version_id {
        None | Some(NULL_VERSION) => Ok(()),
        Some("") => Err(invalid_argument(
            exchange,
            "versionId",
            "",
            "Version id cannot be the empty string",
        )),
        Some(id)
            if id.len() == 32
                && id
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) =>
        {
            Ok(())
        }
        Some(id) => Err(invalid_argument(
            exchange,
            "versionId",
            id,
            "Invalid version id specified",
        )),
    }
}

impl RegionService {
    /// The object version a read means.
    ///
    /// # Errors
    /// 404 for a current delete marker and 405 for one named by id, both with
    /// `x-amz-delete-marker` (`S3-VER-5`).
    pub(super) fn object_version(
        &self,
        exchange: &Exchange,
        bucket: &BucketRecord,
        key: &str,
        version_id: Option<&str>,
    ) -> S3Result<(VersionRecord, ObjectRecord)> {
        check_version_id(exchange, version_id)?;
        let version = self
            .region
            .version(&bucket.name, key, version_id)
            .or_s3(exchange)?;
        match version.object().cloned() {
            Some(object) => Ok((version, object)),
            None => Err(delete_marker(exchange, &version, version_id.is_some())),
        }
    }
}

fn delete_marker(exchange: &Exchange, version: &VersionRecord, by_id: bool) -> S3Error {
    let mut headers = HeaderMap::new();
    headers.insert("x-amz-delete-marker", HeaderValue::from_static("true"));
    if let Ok(id) = HeaderValue::from_str(&version.version_id) {
        headers.insert("x-amz-version-id", id);
    }
    exchange.error_field("Key", &version.key);
    let mut error = if by_id {
        headers.insert(ALLOW, HeaderValue::from_static("DELETE"));
        let date = http_date(&Timestamp::from(version.sequence.time()));
        if let Some(date) = date.and_then(|date| HeaderValue::from_str(&date).ok()) {
            headers.insert(LAST_MODIFIED, date);
        }
        exchange.error_field("ResourceType", "DeleteMarker");
        s3_error!(
            MethodNotAllowed,
            "The specified method is not allowed against this resource."
        )
    } else {
        s3_error!(NoSuchKey, "The specified key does not exist.")
    };
    error.set_headers(headers);
    error
}
