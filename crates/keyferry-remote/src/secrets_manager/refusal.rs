//! What the service's errors mean.

use std::error::Error;

use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use keyferry_keystore::DocumentsError;
use keyferry_transfer::without_answer;

/// What was asked for, to be named.
pub(super) struct Asked<'a> {
    pub(super) action: &'static str,
    pub(super) operation: &'static str,
    pub(super) place: &'a str,
    pub(super) name: &'a str,
}

/// Why the service did not do it.
pub(super) enum Refusal {
    /// There is no such secret.
    NotFound,
    /// It was removed, and can still be brought back.
    Removed,
    /// The name is taken.
    Exists,
    /// A parameter is not as it should be.
    Invalid(DocumentsError),
    /// Anything else.
    Other(DocumentsError),
}

impl From<Refusal> for DocumentsError {
    fn from(refusal: Refusal) -> Self {
        let text = match refusal {
            Refusal::Invalid(error) | Refusal::Other(error) => return error,
            Refusal::NotFound => "there is no such secret",
            Refusal::Removed => "the secret was removed",
            Refusal::Exists => "the secret exists",
        };
        Self::Failed {
            action: "use",
            place: "AWS Secrets Manager".to_owned(),
            name: "a secret".to_owned(),
            reason: text.to_owned(),
            hint: None,
        }
    }
}

pub(super) fn refusal<E>(asked: &Asked<'_>, error: &SdkError<E, HttpResponse>) -> Refusal
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let unreachable = |reason: String, hint: Option<String>| {
        Refusal::Other(DocumentsError::Unreachable {
            place: asked.place.to_owned(),
            reason,
            hint,
        })
    };
    let failed = |reason: String, hint: Option<String>| DocumentsError::Failed {
        action: asked.action,
        place: asked.place.to_owned(),
        name: asked.name.to_owned(),
        reason,
        hint,
    };
    let Some(raw) = error.raw_response() else {
        let timed_out = matches!(error, SdkError::TimeoutError(_));
        let failure = without_answer(error, timed_out);
        return unreachable(failure.to_string(), failure.hint());
    };
    let status = raw.status().as_u16();
    let code = error.code().unwrap_or_default();
    let message = error.message().unwrap_or_default();
    let said = match (code, message) {
        ("", _) => format!("{}: HTTP {status}", asked.operation),
        (code, "") => format!("{}: {code}", asked.operation),
        (code, message) => format!("{}: {code}: {message}", asked.operation),
    };
    match code {
        "ResourceNotFoundException" => Refusal::NotFound,
        "ResourceExistsException" => Refusal::Exists,
        // The service has no code of its own for it.
        "InvalidRequestException" if message.to_ascii_lowercase().contains("delet") => {
            Refusal::Removed
        }
        "InvalidParameterException" => Refusal::Invalid(failed(said, None)),
        "AccessDeniedException" => Refusal::Other(failed(
            said,
            Some(format!(
                "the credentials need the permission `secretsmanager:{}` on the secrets of the store",
                asked.operation
            )),
        )),
        "ExpiredTokenException" | "UnrecognizedClientException" | "InvalidSignatureException" => {
            Refusal::Other(failed(
                said,
                Some("the service does not accept these credentials: check the secret key, the session's end, and the clock".to_owned()),
            ))
        }
        "LimitExceededException" => Refusal::Other(failed(
            said,
            Some("a secret keeps about 100 versions of the last 24 hours: write to the store less often, or wait".to_owned()),
        )),
        "ThrottlingException" | "TooManyRequestsException" => {
            unreachable(said, Some("try again later".to_owned()))
        }
        _ if status >= 500 => unreachable(said, Some("try again".to_owned())),
        _ => Refusal::Other(failed(said, None)),
    }
}
