//! Names that AWS gives meaning to, parsed once at the edge.
//!
//! Buckets: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>.
//! ARNs: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>.

mod arn;

pub use arn::{KmsKeyArn, RoleArn};

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A name that AWS would not accept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {what}: {rule}")]
pub struct NameError {
    text: String,
    what: &'static str,
    rule: &'static str,
}

impl NameError {
    pub(crate) fn new(text: &str, what: &'static str, rule: &'static str) -> Self {
        Self {
            text: text.to_owned(),
            what,
            rule,
        }
    }
}

macro_rules! name {
    ($(#[$docs:meta])* $name:ident) => {
        $(#[$docs])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::check(text).map(|()| Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}

name! {
    /// Name of a general purpose bucket.
    BucketName
}

name! {
    /// Code of a region, such as `ap-northeast-1`.
    Region
}

name! {
    /// Twelve digits that name an AWS account.
    AccountId
}

name! {
    /// Name of an IAM role, without its path.
    RoleName
}

impl BucketName {
    fn check(text: &str) -> Result<(), NameError> {
        let error = |rule| Err(NameError::new(text, "a bucket name", rule));
        if !(3..=63).contains(&text.len()) {
            return error("it must have 3 to 63 characters");
        }
        let allowed =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
        if !text.bytes().all(allowed) {
            return error("only lower-case letters, digits, dots and hyphens are allowed");
        }
        let edge = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
        if !edge(text.bytes().next()) || !edge(text.bytes().last()) {
            return error("it must begin and end with a letter or digit");
        }
        if text.contains("..") {
            return error("two dots may not stand side by side");
        }
        if text.parse::<std::net::Ipv4Addr>().is_ok() {
            return error("it may not look like an IP address");
        }
        Ok(())
    }
}

impl Region {
    fn check(text: &str) -> Result<(), NameError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let numbered = text.rsplit_once('-').is_some_and(|(_, number)| {
            !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        });
        if text.len() <= 32 && text.bytes().all(allowed) && numbered && text.contains('-') {
            Ok(())
        } else {
            Err(NameError::new(
                text,
                "a region",
                "it must look like `ap-northeast-1`",
            ))
        }
    }

    /// The partition the region belongs to.
    #[must_use]
    pub fn partition(&self) -> Partition {
        if self.0.starts_with("cn-") {
            Partition::China
        } else if self.0.starts_with("us-gov-") {
            Partition::GovCloud
        } else {
            Partition::Standard
        }
    }
}

impl AccountId {
    fn check(text: &str) -> Result<(), NameError> {
        if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(())
        } else {
            Err(NameError::new(
                text,
                "an account id",
                "it must be twelve digits",
            ))
        }
    }
}

impl RoleName {
    fn check(text: &str) -> Result<(), NameError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
        if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(())
        } else {
            Err(NameError::new(
                text,
                "the name of a role",
                "it must have 1 to 64 letters, digits and `_+=,.@-`",
            ))
        }
    }
}

/// A group of regions with accounts and ARNs of its own. Replication never crosses partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Partition {
    /// `aws`
    Standard,
    /// `aws-cn`
    China,
    /// `aws-us-gov`
    GovCloud,
}

impl fmt::Display for Partition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Standard => "aws",
            Self::China => "aws-cn",
            Self::GovCloud => "aws-us-gov",
        })
    }
}

impl FromStr for Partition {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "aws" => Ok(Self::Standard),
            "aws-cn" => Ok(Self::China),
            "aws-us-gov" => Ok(Self::GovCloud),
            _ => Err(NameError::new(
                text,
                "a partition",
                "it must be `aws`, `aws-cn` or `aws-us-gov`",
            )),
        }
    }
}

impl Partition {
    /// What the host names of its services end in.
    #[must_use]
    pub fn dns_suffix(self) -> &'static str {
        match self {
            Self::Standard | Self::GovCloud => "amazonaws.com",
            Self::China => "amazonaws.com.cn",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_names_follow_the_rules() {
        for good in ["abc", "tokyo-data", "a.b.c", "1bucket", &"x".repeat(63)] {
            assert!(good.parse::<BucketName>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "ab",
            "Upper",
            "under_score",
            "-edge",
            "edge-",
            "a..b",
            "192.168.1.1",
            "a b",
            &"x".repeat(64),
            "日本",
        ] {
            assert!(bad.parse::<BucketName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn regions_know_their_partition() {
        let partition = |text: &str| text.parse::<Region>().map(|region| region.partition());
        assert_eq!(partition("ap-northeast-3"), Ok(Partition::Standard));
        assert_eq!(partition("cn-north-1"), Ok(Partition::China));
        assert_eq!(partition("us-gov-west-1"), Ok(Partition::GovCloud));
        assert!(partition("Tokyo").is_err());
        assert!(partition("ap-northeast3").is_err());
        assert!(partition("").is_err());
    }
}
