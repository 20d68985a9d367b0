//! What a scan covers: a bucket, or what lies below a prefix in it.

use std::fmt;
use std::str::FromStr;

use keyferry_policy::{BucketName, NameError};
use serde::{Serialize, Serializer};

/// A bucket and a prefix, which is taken literally and may be empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scope {
    /// The bucket.
    pub bucket: BucketName,
    /// What the keys of the objects begin with.
    pub prefix: String,
}

/// Text that is no `s3://bucket/prefix`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseScopeError {
    /// It does not begin with `s3://`, or no bucket follows.
    #[error("`{0}` must look like `s3://bucket` or `s3://bucket/prefix`")]
    NotS3(String),
    /// The bucket part breaks the naming rules.
    #[error(transparent)]
    Bucket(#[from] NameError),
}

impl Scope {
    /// For listing what it covers.
    #[must_use]
    pub fn listed(&self) -> keyferry_transfer::Scope {
        keyferry_transfer::Scope::Prefix(self.prefix.clone())
    }
}

impl FromStr for Scope {
    type Err = ParseScopeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let not_s3 = || ParseScopeError::NotS3(text.to_owned());
        let rest = text.strip_prefix("s3://").ok_or_else(not_s3)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(not_s3());
        }
        Ok(Self {
            bucket: bucket.parse()?,
            prefix: prefix.to_owned(),
        })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "s3://{}/{}", self.bucket, self.prefix)
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_and_prefixes_parse() {
        for (text, prefix) in [
            ("s3://bucket", ""),
            ("s3://bucket/", ""),
            ("s3://bucket/a b/", "a b/"),
            ("s3://bucket//x", "/x"),
        ] {
            let scope: Scope = text.parse().unwrap();
            assert_eq!(
                (scope.bucket.as_str(), scope.prefix.as_str()),
                ("bucket", prefix)
            );
        }
        for text in ["bucket", "s3://", "s3:///x", "s3://B"] {
            assert!(text.parse::<Scope>().is_err(), "{text}");
        }
    }
}
