//! From what the SDK says to what the user can act on.
//!
//! S3's codes (S3-XFER-14): <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>.
//! Other servers answer the same situations with other codes, so messages and the request's context count as well.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::error::display::DisplayErrorContext;
use keyferry_policy::BucketName;

use super::connection::{ConnectionFailure, innermost, links};
use super::{ServiceAnswer, TransferError};
use crate::ObjectAddress;

/// What a request asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) operation: &'static str,
    pub(crate) client: &'a Client,
    pub(crate) bucket: &'a BucketName,
    pub(crate) object: Option<&'a ObjectAddress>,
    pub(crate) version_id: Option<&'a str>,
}

impl<'a> Asked<'a> {
    pub(crate) fn of_object(
        operation: &'static str,
        client: &'a Client,
        object: &'a ObjectAddress,
    ) -> Self {
        Self {
            operation,
            client,
            bucket: &object.bucket,
            object: Some(object),
            version_id: None,
        }
    }

    pub(crate) fn version(self, version_id: Option<&'a str>) -> Self {
        Self { version_id, ..self }
    }

    fn region(&self) -> String {
        self.client
            .config()
            .region()
            .map_or_else(|| "unknown".to_owned(), ToString::to_string)
    }
}

/// True when the server answered with this HTTP status.
pub(crate) fn is_status<E>(error: &SdkError<E, HttpResponse>, status: u16) -> bool {
    error
        .raw_response()
        .is_some_and(|response| response.status().as_u16() == status)
}

/// What the error means to the user.
pub(crate) fn classify<E>(error: SdkError<E, HttpResponse>, asked: &Asked<'_>) -> TransferError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    match &error {
        SdkError::ServiceError(service) => from_answer(
            answer_of(service.err(), service.raw()),
            service.raw(),
            asked,
        ),
        SdkError::ResponseError(response) => TransferError::UnexpectedAnswer {
            operation: asked.operation,
            what: format!(
                "HTTP {}, {}",
                response.raw().status().as_u16(),
                DisplayErrorContext(&error)
            ),
        },
        SdkError::TimeoutError(_) => without_answer(&error, true),
        _ => without_answer(&error, false),
    }
}

/// The same for a request that concerns no bucket.
pub(crate) fn classify_of_account<E>(
    operation: &'static str,
    error: SdkError<E, HttpResponse>,
) -> TransferError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    match &error {
        SdkError::ServiceError(service) => {
            match of_caller(answer_of(service.err(), service.raw())) {
                Ok(error) => error,
                Err(answer) if matches!(answer.status, 401 | 403) => TransferError::AccessDenied {
                    target: operation.to_owned(),
                    answer,
                },
                Err(answer) => TransferError::Service { operation, answer },
            }
        }
        SdkError::ResponseError(response) => TransferError::UnexpectedAnswer {
            operation,
            what: format!(
                "HTTP {}, {}",
                response.raw().status().as_u16(),
                DisplayErrorContext(&error)
            ),
        },
        SdkError::TimeoutError(_) => without_answer(&error, true),
        _ => without_answer(&error, false),
    }
}

fn answer_of(error: &impl ProvideErrorMetadata, raw: &HttpResponse) -> Box<ServiceAnswer> {
    let header = |name| raw.headers().get(name).map(str::to_owned);
    let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    Box::new(ServiceAnswer {
        status: raw.status().as_u16(),
        code: text(error.code()),
        message: text(error.message()),
        request_id: header("x-amz-request-id"),
    })
}

/// What is wrong with who asks, or when, whatever was asked for; the answer if nothing is.
fn of_caller(answer: Box<ServiceAnswer>) -> Result<TransferError, Box<ServiceAnswer>> {
    Ok(
        match (answer.status, answer.code.as_deref().unwrap_or_default()) {
            (
                _,
                "ExpiredToken"
                | "TokenRefreshRequired"
                | "RequestExpired"
                | "ExpiredTokenException",
            ) => TransferError::ExpiredCredentials {
                answer: Some(answer),
            },
            (
                _,
                "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken" | "InvalidSecurity",
            ) => TransferError::RefusedCredentials { answer },
            (_, "RequestTimeTooSkewed") => TransferError::ClockSkewed { answer },
            (_, "SlowDown" | "ThrottlingException" | "TooManyRequestsException")
            | (429 | 503, _) => TransferError::Throttled { answer },
            (_, "RequestTimeout") => TransferError::TimedOut {
                endpoint: None,
                reason: answer.to_string(),
            },
            _ => return Err(answer),
        },
    )
}

fn from_answer(answer: Box<ServiceAnswer>, raw: &HttpResponse, asked: &Asked<'_>) -> TransferError {
    let answer = match of_caller(answer) {
        Ok(error) => return error,
        Err(answer) => answer,
    };
    let code = answer.code.as_deref().unwrap_or_default();
    let message = answer.message.as_deref().unwrap_or_default();
    match (answer.status, code) {
        (_, "NoSuchBucket") => TransferError::NoSuchBucket {
            bucket: asked.bucket.clone(),
        },
        (
            _,
            "PermanentRedirect"
            | "AuthorizationHeaderMalformed"
            | "IllegalLocationConstraintException",
        )
        | (301, _) => region_mismatch(&answer, raw, asked),
        (
            _,
            "BadDigest"
            | "InvalidDigest"
            | "XAmzContentChecksumMismatch"
            | "XAmzContentSHA256Mismatch",
        ) => TransferError::DamagedOnTheWay { answer },
        _ if says_wrong_key(message) => {
            with_object(asked, answer, |address, version_id, answer| {
                TransferError::WrongKey {
                    address,
                    version_id,
                    answer,
                }
            })
        }
        _ if says_blocked(message) => TransferError::SseCBlocked {
            bucket: asked.bucket.clone(),
            answer,
        },
        _ if message.contains("The encryption parameters are not applicable") => {
            with_object(asked, answer, |address, version_id, _| {
                TransferError::NotCustomerEncrypted {
                    address,
                    version_id,
                }
            })
        }
        _ if message.contains("was stored using a form of Server Side Encryption") => {
            with_object(asked, answer, |address, version_id, _| {
                TransferError::MissingKey {
                    address,
                    version_id,
                }
            })
        }
        // Uploads ask for nothing but that there be no object.
        (412, _) if matches!(asked.operation, "PutObject" | "CompleteMultipartUpload") => {
            with_object(asked, answer, |address, _, _| TransferError::ObjectExists {
                address,
            })
        }
        (412, _) => with_object(asked, answer, |address, _, _| {
            TransferError::ChangedDuringDownload { address }
        }),
        // An archived object: a 403, but no permission is missing.
        (403, "InvalidObjectState") => TransferError::Service {
            operation: asked.operation,
            answer,
        },
        (401 | 403, _) => TransferError::AccessDenied {
            target: asked
                .object
                .map_or_else(|| asked.bucket.to_string(), ToString::to_string),
            answer,
        },
        (404, "NoSuchUpload") => TransferError::Service {
            operation: asked.operation,
            answer,
        },
        (404 | 405, _) => match asked.object {
            Some(_) => with_object(asked, answer, |address, version_id, _| {
                TransferError::NoSuchObject {
                    address,
                    version_id,
                }
            }),
            None => TransferError::NoSuchBucket {
                bucket: asked.bucket.clone(),
            },
        },
        (400, "NoSuchVersion" | "InvalidArgument") if message.contains("version id") => {
            with_object(asked, answer, |address, version_id, _| {
                TransferError::NoSuchObject {
                    address,
                    version_id,
                }
            })
        }
        _ => TransferError::Service {
            operation: asked.operation,
            answer,
        },
    }
}

/// S3 says "must provide the correct secret key"; SeaweedFS and others say it in their own words.
fn says_wrong_key(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("correct secret key")
        || (message.contains("key") && message.contains("does not match"))
        || message.contains("key mismatch")
}

/// S3's text names both; the code is a plain `AccessDenied`.
fn says_blocked(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("block") && (message.contains("sse-c") || message.contains("customer"))
}

fn with_object(
    asked: &Asked<'_>,
    answer: Box<ServiceAnswer>,
    error: impl FnOnce(ObjectAddress, Option<String>, Box<ServiceAnswer>) -> TransferError,
) -> TransferError {
    match asked.object {
        Some(object) => error(object.clone(), asked.version_id.map(str::to_owned), answer),
        None => TransferError::Service {
            operation: asked.operation,
            answer,
        },
    }
}

fn region_mismatch(answer: &ServiceAnswer, raw: &HttpResponse, asked: &Asked<'_>) -> TransferError {
    let body = raw.body().bytes().map(String::from_utf8_lossy);
    let element = |name: &str| {
        let body = body.as_deref()?;
        let (_, rest) = body.split_once(&format!("<{name}>"))?;
        let (value, _) = rest.split_once('<')?;
        Some(value.to_owned())
    };
    let right = raw
        .headers()
        .get("x-amz-bucket-region")
        .map(str::to_owned)
        .or_else(|| element("Region"))
        .or_else(|| quoted_region(answer.message.as_deref()?));
    TransferError::RegionMismatch {
        bucket: asked.bucket.clone(),
        asked: asked.region(),
        right,
    }
}

/// "the region 'us-east-1' is wrong; expecting 'eu-west-1'".
fn quoted_region(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("expecting '")?;
    rest.split_once('\'').map(|(region, _)| region.to_owned())
}

/// Errors before any answer came: credentials, DNS, TCP, TLS.
/// What a failure to which no server's answer belongs means to the user: no credentials, no
/// connection, no time left. For clients of any AWS service.
#[must_use]
pub fn without_answer(error: &(dyn Error + 'static), timed_out: bool) -> TransferError {
    for link in links(error) {
        if let Some(credentials) = link.downcast_ref::<CredentialsError>() {
            return from_credentials(credentials);
        }
        if let Some(failure) = link.downcast_ref::<ConnectionFailure>() {
            return failure.into();
        }
    }
    (&ConnectionFailure::of(error, timed_out, None)).into()
}

fn from_credentials(error: &CredentialsError) -> TransferError {
    let text = DisplayErrorContext(error).to_string().to_ascii_lowercase();
    if text.contains("expired") {
        return TransferError::ExpiredCredentials { answer: None };
    }
    // The last one asked is the service of EC2 instances. What it says is of no use elsewhere.
    let nowhere =
        matches!(error, CredentialsError::CredentialsNotLoaded(_)) || text.contains("imds");
    TransferError::NoCredentials {
        reason: if nowhere {
            "neither the environment nor a profile has any, and this machine gives none".to_owned()
        } else {
            innermost(error)
        },
    }
}
