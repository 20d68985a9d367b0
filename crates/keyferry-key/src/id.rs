//! Names of keys.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE32_NOPAD;
use rand::TryRng;
use rand::rngs::SysRng;
use serde::{Deserialize, Serialize};

use crate::GenerateError;

/// A key's name: `kf-` and 26 characters of lower-case base32, 128 random bits.
///
/// It is never derived from the key, so it may stand in tags, file names and logs. As an object tag
/// (`keyferry-key`) it is a hint where to look, never a proof.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId(String);

/// Text that is not a key id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a key id: it must be `kf-` and 26 characters of a-z and 2-7")]
pub struct ParseKeyIdError(String);

impl KeyId {
    /// What every key id begins with.
    pub const PREFIX: &'static str = "kf-";
    const RANDOM_BYTES: usize = 16;

    /// Makes a random key id.
    ///
    /// # Errors
    /// When the operating system's generator fails.
    pub fn generate() -> Result<Self, GenerateError> {
        let mut bytes = [0; Self::RANDOM_BYTES];
        SysRng.try_fill_bytes(&mut bytes).map_err(GenerateError)?;
        let name = BASE32_NOPAD.encode(&bytes).to_ascii_lowercase();
        Ok(Self(format!("{}{name}", Self::PREFIX)))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "KeyId({})", self.0)
    }
}

impl FromStr for KeyId {
    type Err = ParseKeyIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let canonical = text.strip_prefix(Self::PREFIX).is_some_and(|name| {
            !name.bytes().any(|byte| byte.is_ascii_uppercase())
                && BASE32_NOPAD
                    .decode(name.to_ascii_uppercase().as_bytes())
                    .is_ok_and(|bytes| bytes.len() == Self::RANDOM_BYTES)
        });
        if canonical {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseKeyIdError(text.to_owned()))
        }
    }
}

impl TryFrom<String> for KeyId {
    type Error = ParseKeyIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_ids_parse_back() -> Result<(), Box<dyn std::error::Error>> {
        let id = KeyId::generate()?;
        assert_eq!(id.as_str().len(), 29);
        assert_eq!(id.as_str().parse::<KeyId>()?, id);
        assert_ne!(id, KeyId::generate()?);
        Ok(())
    }

    #[test]
    fn other_text_is_refused() {
        for text in [
            "",
            "kf-",
            "kf-aaaaaaaaaaaaaaaaaaaaaaaaa",
            "kf-AAAAAAAAAAAAAAAAAAAAAAAAAA",
            "kf-aaaaaaaaaaaaaaaaaaaaaaaaa1",
            "aaaaaaaaaaaaaaaaaaaaaaaaaa",
            "kf-../../../../../etc/passwd",
        ] {
            assert!(text.parse::<KeyId>().is_err(), "{text}");
        }
    }
}
