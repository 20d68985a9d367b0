//! `s3://bucket/key` addresses.

use std::fmt;
use std::str::FromStr;

use keyferry_policy::{BucketName, NameError};
use serde::{Deserialize, Serialize};

/// Where an object is: a bucket and a key, taken literally.
///
/// Nothing is decoded: `%20`, `+`, `//`, `.` and `?` in a key are those characters. A key has 1 to
/// 1,024 bytes of UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ObjectAddress {
    /// The bucket.
    pub bucket: BucketName,
    /// The object key.
    pub key: String,
}

/// Text that is no object address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseAddressError {
    /// It does not begin with `s3://`.
    #[error("`{0}` is not an S3 address: it must look like `s3://bucket/key`")]
    NotS3(String),
    /// There is no bucket before the key.
    #[error("`{0}` names no bucket: it must look like `s3://bucket/key`")]
    NoBucket(String),
    /// The bucket part breaks the naming rules.
    #[error(transparent)]
    Bucket(#[from] NameError),
    /// There is no key behind the bucket.
    #[error("`{0}` names a bucket but no object: it must look like `s3://bucket/key`")]
    NoKey(String),
    /// The key is longer than S3 allows.
    #[error("the object key has {0} bytes, S3 allows 1,024")]
    KeyTooLong(usize),
}

impl ObjectAddress {
    /// Puts an address together.
    ///
    /// # Errors
    /// When the key is empty or longer than 1,024 bytes.
    pub fn new(bucket: BucketName, key: impl Into<String>) -> Result<Self, ParseAddressError> {
        let key = key.into();
        match key.len() {
            0 => Err(ParseAddressError::NoKey(format!("s3://{bucket}"))),
            1..=1024 => Ok(Self { bucket, key }),
            longer => Err(ParseAddressError::KeyTooLong(longer)),
        }
    }
}

impl fmt::Display for ObjectAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "s3://{}/{}", self.bucket, self.key)
    }
}

impl FromStr for ObjectAddress {
    type Err = ParseAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text
            .strip_prefix("s3://")
            .ok_or_else(|| ParseAddressError::NotS3(text.to_owned()))?;
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(ParseAddressError::NoBucket(text.to_owned()));
        }
        Self::new(bucket.parse()?, key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_taken_literally() {
        for text in [
            "s3://bucket/a b",
            "s3://bucket//lead/trail/",
            "s3://bucket/%2F+?versionId=1#x",
            "s3://bucket/日本/é",
            "s3://bucket/../x",
        ] {
            let address: ObjectAddress = text.parse().unwrap();
            assert_eq!(address.to_string(), text);
        }
    }

    #[test]
    fn others_are_refused() {
        for text in [
            "bucket/key",
            "s3://",
            "s3://bucket",
            "s3://bucket/",
            "s3://B/key",
        ] {
            assert!(text.parse::<ObjectAddress>().is_err(), "{text}");
        }
        for text in ["s3://", "s3:///key"] {
            let error = text.parse::<ObjectAddress>().unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("`{text}` names no bucket")),
                "{error}"
            );
        }
        let long = format!("s3://bucket/{}", "k".repeat(1025));
        assert_eq!(
            long.parse::<ObjectAddress>(),
            Err(ParseAddressError::KeyTooLong(1025))
        );
    }
}
