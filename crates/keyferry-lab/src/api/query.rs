//! AWS's Query protocol: a form of parameters in, XML out.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/programming.html>

use std::fmt::Write as _;
use std::time::SystemTime;

use http::StatusCode;
use quick_xml::escape::escape;
use serde::Serialize;
use time::OffsetDateTime;

use super::error::ApiError;

/// The parameters of a call.
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// From a form.
    pub(super) fn parse(form: &[u8]) -> Self {
        Self(form_urlencoded::parse(form).into_owned().collect())
    }

    /// A parameter, if it was given.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut found = self.0.iter().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value.as_str())
    }

    /// A parameter that a call cannot do without.
    pub(super) fn required(&self, name: &str) -> Result<&str, ApiError> {
        self.get(name).ok_or_else(|| {
            let member = name
                .char_indices()
                .map(|(index, c)| {
                    if index == 0 {
                        c.to_ascii_lowercase()
                    } else {
                        c
                    }
                })
                .collect::<String>();
            ApiError::bad_request(
                "ValidationError",
                format!(
                    "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
                ),
            )
        })
    }

    /// Pairs such as `Tags.member.1.Key` and `Tags.member.1.Value`, in order.
    pub(super) fn pairs(&self, list: &str, first: &str, second: &str) -> Vec<(&str, &str)> {
        let value = |index: usize, field: &str| self.get(&format!("{list}.member.{index}.{field}"));
        (1..)
            .map_while(|index| {
                let key = value(index, first)?;
                Some((key, value(index, second).unwrap_or_default()))
            })
            .collect()
    }

    /// Values such as `TagKeys.member.1`, in order.
    pub(super) fn list(&self, list: &str) -> Vec<&str> {
        (1..)
            .map_while(|index| self.get(&format!("{list}.member.{index}")))
            .collect()
    }
}

/// A list, as the protocol writes one.
#[derive(Debug, Default, Serialize)]
pub(super) struct Members<T> {
    member: Vec<T>,
}

impl<T> FromIterator<T> for Members<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self {
            member: items.into_iter().collect(),
        }
    }
}

/// What a call gives back: the inside of its result element, or nothing.
pub(super) type Answer = Option<String>;

/// A result from its fields.
pub(super) fn result<T: Serialize>(action: &str, fields: &T) -> Result<Answer, ApiError> {
    quick_xml::se::to_string_with_root(&format!("{action}Result"), fields)
        .map(Some)
        .map_err(|error| {
            tracing::error!(%error, "cannot write an answer");
            ApiError::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "ServiceFailure",
                "The request processing has failed because of an unknown error.",
            )
        })
}

/// The whole answer of a call.
pub(super) fn write_answer(
    namespace: &str,
    action: &str,
    answer: Answer,
    request_id: &str,
) -> String {
    let result = answer.unwrap_or_default();
    format!(
        "<{action}Response xmlns=\"{namespace}\">{result}<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{action}Response>"
    )
}

/// The whole answer of a refused call.
pub(super) fn write_error(namespace: &str, error: &ApiError, request_id: &str) -> String {
    let kind = if error.status.is_server_error() {
        "Receiver"
    } else {
        "Sender"
    };
    let mut xml = format!("<ErrorResponse xmlns=\"{namespace}\"><Error><Type>{kind}</Type>");
    // Writing to a String cannot fail.
    let _infallible = write!(
        xml,
        "<Code>{}</Code><Message>{}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
        error.code,
        escape(&error.message)
    );
    xml
}

/// A time as the protocol writes it: `2026-04-01T12:00:00Z`.
pub(super) fn timestamp(time: SystemTime) -> String {
    let time = OffsetDateTime::from(time);
    let time = time.replace_nanosecond(0).unwrap_or(time);
    time.format(&time::format_description::well_known::Rfc3339)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_pairs() {
        let form = b"Action=TagRole&Tags.member.1.Key=a%20b&Tags.member.1.Value=1&Tags.member.2.Key=c&TagKeys.member.1=x";
        let parameters = Parameters::parse(form);
        assert_eq!(
            parameters.pairs("Tags", "Key", "Value"),
            [("a b", "1"), ("c", "")]
        );
        assert_eq!(parameters.list("TagKeys"), ["x"]);
        let missing = parameters.required("RoleName").unwrap_err();
        assert!(missing.message.contains("'roleName'"), "{missing}");
    }

    #[test]
    fn times_have_whole_seconds() {
        let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(1_500);
        assert_eq!(timestamp(time), "1970-01-01T00:00:01Z");
    }
}
