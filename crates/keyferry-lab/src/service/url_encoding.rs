//! `encoding-type=url` of listings (`S3-LIST-4`): names that XML cannot hold come encoded.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::EncodingType;
use s3s::{S3Result, s3_error};

/// Everything but unreserved characters and the slash. Spaces become `%20`, which clients that
/// read `+` as a space and clients that do not both understand.
const NAME: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'*')
    .remove(b'/');

/// How names are written in one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameEncoding {
    /// As they are.
    Plain,
    /// Percent-encoded.
    Url,
}

impl NameEncoding {
    /// `encoding-type` of a request.
    pub(super) fn parse(encoding: Option<&EncodingType>) -> S3Result<Self> {
        match encoding.map(EncodingType::as_str) {
            None => Ok(Self::Plain),
            Some("url") => Ok(Self::Url),
            Some(_) => Err(s3_error!(
                InvalidArgument,
                "Invalid Encoding Method specified in Request"
            )),
        }
    }

    /// Writes a name.
    pub(super) fn name(self, name: &str) -> String {
        match self {
            Self::Plain => name.to_owned(),
            Self::Url => utf8_percent_encode(name, NAME).to_string(),
        }
    }

    /// Writes a name that may be absent.
    pub(super) fn optional(self, name: Option<&str>) -> Option<String> {
        name.map(|name| self.name(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_encoded_but_for_slashes() {
        assert_eq!(
            NameEncoding::Url.name("a b/ü+%\u{1}*~"),
            "a%20b/%C3%BC%2B%25%01*~"
        );
        assert_eq!(NameEncoding::Plain.name("a b+"), "a b+");
    }
}
