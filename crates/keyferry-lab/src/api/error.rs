//! Errors of IAM, KMS and STS, in either protocol's form.

use http::StatusCode;

use crate::encryption::UnlockError;
use crate::store::StoreError;

/// A refusal with AWS's code.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {message}")]
pub(super) struct ApiError {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl ApiError {
    /// 400.
    pub(super) fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// Any status.
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    /// 403, for both protocols.
    pub(super) fn forbidden(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoSuchKmsKey(key) => Self::bad_request(
                "NotFoundException",
                match key.strip_prefix("alias/") {
                    Some(_) => format!("Alias {key} is not found."),
                    None => format!("Key '{key}' does not exist"),
                },
            ),
            StoreError::ShuttingDown => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "ServiceUnavailable",
                "The lab is shutting down.",
            ),
            error => {
                tracing::error!(%error, "the store failed");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "ServiceFailure",
                    "The request processing has failed because of an unknown error.",
                )
            }
        }
    }
}

impl From<UnlockError> for ApiError {
    fn from(error: UnlockError) -> Self {
        match error {
            UnlockError::KmsKeyDisabled(arn) => {
                Self::bad_request("DisabledException", format!("{arn} is disabled."))
            }
            UnlockError::KmsKeyPendingDeletion(arn) => Self::bad_request(
                "KMSInvalidStateException",
                format!("{arn} is pending deletion."),
            ),
            UnlockError::Store(StoreError::Cryptography(_))
            | UnlockError::KeyRequired
            | UnlockError::WrongKey
            | UnlockError::KeyNotApplicable => Self::bad_request("InvalidCiphertextException", ""),
            UnlockError::Store(error) => error.into(),
        }
    }
}
