//! Why a service did not do what was asked.

use std::error::Error;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use keyferry_policy::AccountId;
use keyferry_transfer::{ConnectError, TransferError, without_answer};

/// Why a service did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// Nobody signs for this account.
    #[error("there are no credentials for account {account}")]
    NoCredentials {
        /// The account.
        account: AccountId,
    },
    /// There is no client.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The service answered, but did not do it.
    #[error(transparent)]
    Refused(Box<Refused>),
    /// No answer came.
    #[error(transparent)]
    NoAnswer(Box<TransferError>),
    /// The answer says something that is not known here.
    #[error("{what} cannot be read: {why}")]
    Unreadable {
        /// What was asked for.
        what: String,
        /// What is wrong with it.
        why: String,
    },
}

/// An answer that refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation} of {subject}: {code}{}", message.as_ref().map(|message| format!(": {message}")).unwrap_or_default())]
pub struct Refused {
    /// The operation as AWS writes it, with its service: `iam:GetRole`.
    pub operation: &'static str,
    /// The bucket, role or key.
    pub subject: String,
    /// HTTP status.
    pub status: u16,
    /// The error's code, or its status where the answer has none.
    pub code: String,
    /// What the service said about it.
    pub message: Option<String>,
}

impl ServiceError {
    /// What the SDK's error says.
    pub(crate) fn of<E>(
        operation: &'static str,
        subject: &str,
        error: &SdkError<E, HttpResponse>,
    ) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let (code, message) = match error {
            SdkError::ServiceError(service) => (service.err().code(), service.err().message()),
            _ => (None, None),
        };
        let Some(raw) = error.raw_response() else {
            let timed_out = matches!(error, SdkError::TimeoutError(_));
            return Self::NoAnswer(Box::new(without_answer(error, timed_out)));
        };
        let status = raw.status().as_u16();
        let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        Self::Refused(Box::new(Refused {
            operation,
            subject: subject.to_owned(),
            status,
            code: text(code).unwrap_or_else(|| format!("HTTP {status}")),
            message: text(message),
        }))
    }

    /// The answer, if there was one.
    #[must_use]
    pub fn refused(&self) -> Option<&Refused> {
        match self {
            Self::Refused(refused) => Some(refused),
            _ => None,
        }
    }

    /// Whether this is one of these answers.
    pub(crate) fn is_code(&self, codes: &[&str]) -> bool {
        self.refused()
            .is_some_and(|refused| codes.contains(&refused.code.as_str()))
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoCredentials { account } => Some(format!(
                "give the profile of account {account} with --profile or --destination-profile"
            )),
            Self::Connect(error) => error.hint(),
            Self::NoAnswer(error) => error.hint(),
            Self::Refused(refused) if refused.rejects_credentials() => Some(
                "the service does not accept these credentials: check the secret key, the session's end, and the clock"
                    .to_owned(),
            ),
            Self::Refused(refused) if refused.is_denied() => Some(format!(
                "the credentials need the permission `{}` on `{}`",
                refused.action(),
                refused.subject
            )),
            Self::Refused(_) | Self::Unreadable { .. } => None,
        }
    }
}

impl Refused {
    /// Whether a permission is missing.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        self.status == 403
            || ["AccessDenied", "AccessDeniedException"].contains(&self.code.as_str())
    }

    /// Whether the credentials themselves are not accepted, whatever they permit:
    /// <https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html>.
    #[must_use]
    pub fn rejects_credentials(&self) -> bool {
        [
            "ExpiredToken",
            "ExpiredTokenException",
            "IncompleteSignature",
            "InvalidAccessKeyId",
            "InvalidClientTokenId",
            "InvalidSignatureException",
            "InvalidToken",
            "RequestExpired",
            "RequestTimeTooSkewed",
            "SignatureDoesNotMatch",
            "UnrecognizedClientException",
        ]
        .contains(&self.code.as_str())
    }

    /// The action that permits the operation, where its name is another.
    fn action(&self) -> &'static str {
        match self.operation {
            "s3:HeadBucket" => "s3:ListBucket",
            "s3:GetBucketEncryption" => "s3:GetEncryptionConfiguration",
            "s3:PutBucketEncryption" => "s3:PutEncryptionConfiguration",
            "s3:GetBucketReplication" => "s3:GetReplicationConfiguration",
            "s3:PutBucketReplication" => "s3:PutReplicationConfiguration",
            "s3:GetObjectLockConfiguration" => "s3:GetBucketObjectLockConfiguration",
            "s3:GetPublicAccessBlock" => "s3:GetBucketPublicAccessBlock",
            other => other,
        }
    }
}

/// Names the operation and its subject in the SDK's errors.
pub(crate) trait Named<T> {
    /// `Err` says which operation on what failed.
    fn named(self, operation: &'static str, subject: &str) -> Result<T, ServiceError>;
}

impl<T, E> Named<T> for Result<T, SdkError<E, HttpResponse>>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    fn named(self, operation: &'static str, subject: &str) -> Result<T, ServiceError> {
        self.map_err(|error| ServiceError::of(operation, subject, &error))
    }
}

/// What is not there is no error.
pub(crate) trait OrAbsent<T> {
    /// `None` for these codes.
    fn or_absent(self, codes: &[&str]) -> Result<Option<T>, ServiceError>;
}

impl<T> OrAbsent<T> for Result<T, ServiceError> {
    fn or_absent(self, codes: &[&str]) -> Result<Option<T>, ServiceError> {
        match self {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is_code(codes) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
