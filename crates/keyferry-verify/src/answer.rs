//! What came instead of what was asked for: a refusal by the server, or no answer at all.
//!
//! The two must never be mixed up. A refusal says something about the object, the key or a
//! permission; a broken connection says nothing. Of refusals, only 404 and 405 say that nothing is
//! there (S3-VERIFY-9).

use std::error::Error;
use std::fmt;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use serde::Serialize;

/// The server answered, with an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// S3's error code. HEAD answers have no body and so mostly none.
    pub code: Option<String>,
    /// S3's message.
    pub message: Option<String>,
}

impl Refusal {
    /// True for 404 and, on a version that is a delete marker, 405. Never for 403 or 400: those hide
    /// whether something is there.
    #[must_use]
    pub fn is_absence(&self) -> bool {
        matches!(self.status, 404 | 405)
    }

    /// True for 400 and 403: the ways in which S3 turns away a wrong key, a missing key and a
    /// missing permission.
    #[must_use]
    pub fn is_denial(&self) -> bool {
        matches!(self.status, 400 | 401 | 403)
    }

    /// Whether this is what a bucket in another region gets, among other things.
    pub(crate) fn may_be_elsewhere(&self) -> bool {
        matches!(self.status, 301 | 302 | 307 | 308 | 400)
    }

    /// Whether a 400 is about the customer key, by its own words. Without any it is not known to be.
    pub(crate) fn is_about_a_key(&self) -> bool {
        let is_of_parameters = matches!(
            self.code.as_deref(),
            Some("InvalidRequest" | "InvalidArgument" | "AccessDenied")
        );
        let is_of_another = [
            "version id",
            "versionid",
            "region",
            "signature",
            "authorization",
        ]
        .iter()
        .any(|word| self.says(word));
        self.speaks_of_a_key() || is_of_parameters && !is_of_another
    }

    /// Whether the message is about the key of an encrypted object.
    pub(crate) fn speaks_of_a_key(&self) -> bool {
        self.says("encryption") && (self.says("secret key") || self.says("server side"))
    }

    /// Whether a version id is refused because it cannot be one.
    pub(crate) fn names_no_version(&self) -> bool {
        self.status == 400 && (self.says("version id") || self.says("versionid"))
    }

    fn says(&self, word: &str) -> bool {
        let message = self.message.as_deref();
        message.is_some_and(|message| message.to_ascii_lowercase().contains(word))
    }

    pub(crate) fn has_code(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.status)?;
        if let Some(code) = &self.code {
            write!(formatter, " {code}")?;
        }
        if let Some(message) = &self.message {
            write!(formatter, ": {message}")?;
        }
        Ok(())
    }
}

/// Why a request gave nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The server answered with an error.
    Refused(Refusal),
    /// No usable answer: connection, time, TLS, credentials, or a response that makes no sense.
    Unreachable(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => write!(formatter, "refused with {refusal}"),
            Self::Unreachable(detail) => write!(formatter, "no answer: {detail}"),
        }
    }
}

impl Trouble {
    /// Keeps no SDK error: its `Debug` shows response headers, and some servers echo the key there.
    pub(crate) fn of<E>(error: SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let status = error.raw_response().map(|raw| raw.status().as_u16());
        match status {
            Some(status) if status >= 300 => Self::Refused(Refusal {
                status,
                code: error.code().map(str::to_owned),
                message: error.message().map(str::to_owned),
            }),
            _ => Self::Unreachable(chain(&error)),
        }
    }
}

/// The `Display` texts of an error and its sources, each once, without the `Debug` that the SDK offers.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(code: &str, message: &str) -> Refusal {
        Refusal {
            status: 400,
            code: Some(code.to_owned()),
            message: Some(message.to_owned()),
        }
    }

    #[test]
    fn only_words_about_the_key_tell_of_a_key() {
        let of_a_key = [
            refusal(
                "InvalidRequest",
                "The object was stored using a form of Server Side Encryption.",
            ),
            refusal(
                "AccessDenied",
                "must provide the correct secret key for encryption",
            ),
            refusal(
                "InvalidArgument",
                "The calculated MD5 hash of the key did not match.",
            ),
        ];
        for refusal in of_a_key {
            assert!(refusal.is_about_a_key(), "{refusal}");
        }
        let of_another = [
            refusal(
                "AuthorizationHeaderMalformed",
                "the region 'ap-northeast-3' is wrong; expecting 'ap-northeast-1'",
            ),
            refusal("InvalidArgument", "Invalid version id specified"),
            refusal(
                "InvalidRequest",
                "The authorization mechanism is not supported.",
            ),
            refusal("ExpiredToken", "The provided token has expired."),
            Refusal {
                status: 400,
                code: None,
                message: None,
            },
        ];
        for refusal in of_another {
            assert!(!refusal.is_about_a_key(), "{refusal}");
        }
        assert!(refusal("InvalidArgument", "Invalid version id specified").names_no_version());
    }
}
