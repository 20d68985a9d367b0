//! How names are written in an answer (S3-LIST-4).

use aws_sdk_s3::types::EncodingType;
use percent_encoding::percent_decode_str;

use crate::TransferError;

/// How names are written in one answer.
#[derive(Debug, Clone, Copy)]
pub(super) enum Names {
    Plain,
    Url,
}

impl Names {
    /// By what the answer says, not by what was asked for: not every server knows the encoding.
    pub(super) fn of(encoding: Option<&EncodingType>) -> Self {
        match encoding {
            Some(EncodingType::Url) => Self::Url,
            _ => Self::Plain,
        }
    }

    pub(super) fn read(
        self,
        operation: &'static str,
        name: Option<&str>,
    ) -> Result<String, TransferError> {
        let broken = |what: &str| TransferError::UnexpectedAnswer {
            operation,
            what: what.to_owned(),
        };
        let name = name
            .filter(|name| !name.is_empty())
            .ok_or_else(|| broken("an entry has no name"))?;
        match self {
            Self::Plain => Ok(name.to_owned()),
            // As in HTML forms: a plus is a space.
            Self::Url => percent_decode_str(&name.replace('+', " "))
                .decode_utf8()
                .map(|name| name.into_owned())
                .map_err(|_| broken("a name is not UTF-8")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_were_written() {
        let url = |name| Names::Url.read("List", Some(name)).unwrap();
        assert_eq!(url("a%2Bb+c%20d/%E6%97%A5%00"), "a+b c d/日\0");
        let plain = Names::Plain.read("List", Some("a+b%20")).unwrap();
        assert_eq!(plain, "a+b%20");
        for unreadable in [None, Some(""), Some("%FF")] {
            assert!(Names::Url.read("List", unreadable).is_err());
        }
    }
}
