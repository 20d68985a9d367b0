//! The key's MD5, as S3 computes and echoes it.

use std::fmt;
use std::str::FromStr;

use base64::prelude::{BASE64_STANDARD, Engine};
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

/// MD5 of the 32 raw bytes of a customer key; `Display` is base64, as in the header.
///
/// S3 uses it against transmission errors only. It is public: 256 bits of randomness cannot be
/// searched, so it recognises a key without revealing it. (For a key of low entropy, such as a
/// passphrase typed as 32 characters, it would help a guesser, which is one reason to refuse those.)
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyMd5([u8; 16]);

/// Text that is not the base64 of 16 bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a key MD5: it must be the base64 of 16 bytes, 24 characters")]
pub struct ParseKeyMd5Error(String);

impl KeyMd5 {
    pub(crate) fn of(key: &[u8; 32]) -> Self {
        Self(Md5::digest(key).into())
    }

    /// An MD5 that somebody wrote in some other way than base64.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for KeyMd5 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&BASE64_STANDARD.encode(self.0))
    }
}

impl fmt::Debug for KeyMd5 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "KeyMd5({self})")
    }
}

impl FromStr for KeyMd5 {
    type Err = ParseKeyMd5Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        BASE64_STANDARD
            .decode(text)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or_else(|| ParseKeyMd5Error(text.to_owned()))
    }
}

impl TryFrom<String> for KeyMd5 {
    type Error = ParseKeyMd5Error;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<KeyMd5> for String {
    fn from(md5: KeyMd5) -> Self {
        md5.to_string()
    }
}
