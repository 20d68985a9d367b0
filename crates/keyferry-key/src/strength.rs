//! How much randomness a key can hold.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The most randomness that a key's form allows.
///
/// `openssl rand -hex 16` prints 32 characters that S3 takes as a key, but each of them is one of
/// sixteen: 128 bits, not 256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyStrength {
    /// Any 32 bytes: up to 256 bits.
    Full,
    /// 32 characters of the base64 alphabet: at most 192 bits.
    AtMost192,
    /// 32 hexadecimal digits: at most 128 bits.
    AtMost128,
}

impl KeyStrength {
    /// What the form of the raw bytes allows.
    #[must_use]
    pub fn of(key: &[u8; 32]) -> Self {
        let base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(byte);
        if key.iter().all(u8::is_ascii_hexdigit) {
            Self::AtMost128
        } else if key.iter().all(base64) {
            Self::AtMost192
        } else {
            Self::Full
        }
    }

    /// The most bits of randomness that a key of this form can hold.
    #[must_use]
    pub fn bits(self) -> u16 {
        match self {
            Self::Full => 256,
            Self::AtMost192 => 192,
            Self::AtMost128 => 128,
        }
    }
}

impl fmt::Display for KeyStrength {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => write!(formatter, "256 bits"),
            weaker => write!(formatter, "at most {} bits", weaker.bits()),
        }
    }
}
