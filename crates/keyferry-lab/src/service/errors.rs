//! S3's errors for what the store and the request's body can meet.
//!
//! Messages are S3's own, as AWS documents them or as recorded from it.

use std::error::Error as _;

use http::{HeaderMap, HeaderValue, StatusCode};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use super::body::BodyError;
use crate::encryption::UnlockError;
use crate::server::exchange::Exchange;
use crate::store::{BucketRecord, StoreError, WriteError};

/// An error with a code that `s3s` has no name for.
pub(super) fn custom(
    code: &'static str,
    status: StatusCode,
    message: impl Into<std::borrow::Cow<'static, str>>,
) -> S3Error {
    let mut error = S3Error::with_message(S3ErrorCode::Custom(code.into()), message);
    error.set_status_code(status);
    error
}

/// 400 InvalidArgument about a named argument.
pub(super) fn invalid_argument(
    exchange: &Exchange,
    name: &str,
    value: &str,
    message: impl Into<std::borrow::Cow<'static, str>>,
) -> S3Error {
    exchange.error_field("ArgumentName", name);
    exchange.error_field("ArgumentValue", value);
    S3Error::with_message(S3ErrorCode::InvalidArgument, message)
}

/// 501 for a header that S3 knows and the lab, or S3 for this operation, does not take.
pub(super) fn header_not_implemented(exchange: &Exchange, header: &str) -> S3Error {
    exchange.error_field("Header", header);
    s3_error!(
        NotImplemented,
        "A header you provided implies functionality that is not implemented"
    )
}

/// 400 MalformedXML.
pub(super) fn malformed_xml() -> S3Error {
    s3_error!(
        MalformedXML,
        "The XML you provided was not well-formed or did not validate against our published schema"
    )
}

/// 412, naming the condition that failed.
pub(super) fn precondition_failed(exchange: &Exchange, condition: &str) -> S3Error {
    exchange.error_field("Condition", condition);
    s3_error!(
        PreconditionFailed,
        "At least one of the pre-conditions you specified did not hold"
    )
}

/// 301 to another region (`S3-BUCKET-4`).
pub(super) fn permanent_redirect(region: &str) -> S3Error {
    let mut error = s3_error!(
        PermanentRedirect,
        "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint."
    );
    let mut headers = HeaderMap::new();
    if let Ok(region) = HeaderValue::from_str(region) {
        headers.insert("x-amz-bucket-region", region);
    }
    error.set_headers(headers);
    error
}

/// 403 when the bucket's owner is not the expected one (`S3-BUCKET-5`).
pub(super) fn expect_owner(bucket: &BucketRecord, expected: Option<&str>) -> S3Result<()> {
    match expected {
        Some(expected) if expected != bucket.owner => Err(s3_error!(AccessDenied, "Access Denied")),
        _ => Ok(()),
    }
}

/// 500, with the cause for the log and none for the client.
pub(super) fn internal<E>(cause: E) -> S3Error
where
    E: std::error::Error + Send + Sync + 'static,
{
    let mut error = s3_error!(
        InternalError,
        "We encountered an internal error. Please try again."
    );
    error.set_source(Box::new(cause));
    error
}

/// Turns an inner error into S3's, naming in the answer what it is about.
pub(super) trait OrS3<T> {
    /// See the trait.
    fn or_s3(self, exchange: &Exchange) -> S3Result<T>;
}

impl<T> OrS3<T> for Result<T, StoreError> {
    fn or_s3(self, exchange: &Exchange) -> S3Result<T> {
        self.map_err(|error| from_store(error, exchange))
    }
}

impl<T> OrS3<T> for Result<T, UnlockError> {
    fn or_s3(self, exchange: &Exchange) -> S3Result<T> {
        self.map_err(|error| from_unlock(error, exchange))
    }
}

impl<T> OrS3<T> for Result<T, WriteError<BodyError>> {
    fn or_s3(self, exchange: &Exchange) -> S3Result<T> {
        self.map_err(|error| match error {
            WriteError::Body(error) => error.to_s3(exchange),
            WriteError::Store(error) => from_store(error, exchange),
        })
    }
}

impl<T> OrS3<T> for Result<T, WriteError<StoreError>> {
    fn or_s3(self, exchange: &Exchange) -> S3Result<T> {
        self.map_err(|error| match error {
            WriteError::Body(error) | WriteError::Store(error) => from_store(error, exchange),
        })
    }
}

/// `S3-SSEC-3` to `S3-SSEC-5`: what a missing, wrong or superfluous key gets.
pub(super) fn from_unlock(error: UnlockError, exchange: &Exchange) -> S3Error {
    match error {
        UnlockError::KeyRequired => s3_error!(
            InvalidRequest,
            "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object."
        ),
        UnlockError::WrongKey => s3_error!(
            AccessDenied,
            "Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key."
        ),
        UnlockError::KeyNotApplicable => s3_error!(
            InvalidRequest,
            "The encryption parameters are not applicable to this object."
        ),
        UnlockError::KmsKeyDisabled(arn) => custom(
            "KMS.DisabledException",
            StatusCode::BAD_REQUEST,
            format!("{arn} is disabled."),
        ),
        UnlockError::KmsKeyPendingDeletion(arn) => custom(
            "KMS.KMSInvalidStateException",
            StatusCode::BAD_REQUEST,
            format!("{arn} is pending deletion."),
        ),
        UnlockError::Store(error) => from_store(error, exchange),
    }
}

/// S3's error for a store error.
pub(super) fn from_store(error: StoreError, exchange: &Exchange) -> S3Error {
    match error {
        StoreError::NoSuchBucket(name) => {
            exchange.error_field("BucketName", name);
            s3_error!(NoSuchBucket, "The specified bucket does not exist")
        }
        StoreError::BucketExists(bucket)
            if exchange.requester().account() != Some(bucket.owner.as_str()) =>
        {
            exchange.error_field("BucketName", &bucket.name);
            s3_error!(
                BucketAlreadyExists,
                "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again."
            )
        }
        StoreError::BucketExists(bucket) => {
            exchange.error_field("BucketName", &bucket.name);
            s3_error!(
                BucketAlreadyOwnedByYou,
                "Your previous request to create the named bucket succeeded and you already own it."
            )
        }
        StoreError::BucketNotEmpty(name) => {
            exchange.error_field("BucketName", name);
            s3_error!(
                BucketNotEmpty,
                "The bucket you tried to delete is not empty. You must delete all versions in the bucket."
            )
        }
        StoreError::NoSuchKey(key) => {
            exchange.error_field("Key", key);
            s3_error!(NoSuchKey, "The specified key does not exist.")
        }
        StoreError::NoSuchVersion { key, version_id } => {
            exchange.error_field("Key", key);
            exchange.error_field("VersionId", version_id);
            s3_error!(NoSuchVersion, "The specified version does not exist.")
        }
        StoreError::NoSuchUpload(upload_id) => {
            exchange.error_field("UploadId", upload_id);
            s3_error!(
                NoSuchUpload,
                "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."
            )
        }
        StoreError::PreconditionFailed => s3_error!(
            PreconditionFailed,
            "At least one of the pre-conditions you specified did not hold"
        ),
        StoreError::ObjectLocked => s3_error!(
            AccessDenied,
            "Access Denied because object protected by object lock."
        ),
        StoreError::DeleteMarker { .. } => {
            exchange.error_field("ResourceType", "DeleteMarker");
            s3_error!(
                MethodNotAllowed,
                "The specified method is not allowed against this resource."
            )
        }
        StoreError::InvalidPart(number) => {
            exchange.error_field("PartNumber", number.to_string());
            s3_error!(
                InvalidPart,
                "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag."
            )
        }
        StoreError::InvalidPartOrder(_) => s3_error!(
            InvalidPartOrder,
            "The list of parts was not in ascending order. Parts must be ordered by part number."
        ),
        StoreError::PartTooSmall { number, size } => {
            exchange.error_field("ProposedSize", size.to_string());
            exchange.error_field("MinSizeAllowed", (5 * 1024 * 1024).to_string());
            exchange.error_field("PartNumber", number.to_string());
            s3_error!(
                EntityTooSmall,
                "Your proposed upload is smaller than the minimum allowed size"
            )
        }
        StoreError::PartWithoutChecksum(number) => s3_error!(
            InvalidRequest,
            "The upload was created using a checksum. The complete request must include the checksum for each part. It was missing for part {number} in the request."
        ),
        StoreError::ChecksumMismatch { .. } => s3_error!(
            BadDigest,
            "The checksum you specified did not match the calculated checksum."
        ),
        StoreError::SizeMismatch { actual, expected } => s3_error!(
            InvalidRequest,
            "The provided 'x-amz-mp-object-size' header value {expected} does not match what was computed: {actual}"
        ),
        StoreError::NoSuchKmsKey(key) => custom(
            "KMS.NotFoundException",
            StatusCode::BAD_REQUEST,
            format!("Key '{key}' does not exist"),
        ),
        StoreError::InvalidRange { size, .. } => {
            exchange.error_field("ActualObjectSize", size.to_string());
            s3_error!(InvalidRange, "The requested range is not satisfiable")
        }
        StoreError::ShuttingDown => {
            s3_error!(ServiceUnavailable, "Please reduce your request rate.")
        }
        error @ (StoreError::Damaged { .. }
        | StoreError::Truncated { .. }
        | StoreError::NoSuchRegion(_)
        | StoreError::Cryptography(_)
        | StoreError::Io { .. }
        | StoreError::Database(_)
        | StoreError::Record(_)) => {
            let cause = error.source().map(ToString::to_string);
            tracing::error!(%error, cause, "the store failed");
            internal(error)
        }
    }
}
