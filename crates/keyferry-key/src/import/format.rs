//! How a key is written.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How the bytes given are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// By the rules of this module.
    #[default]
    Auto,
    /// Exactly 32 bytes.
    Raw,
    /// 64 hex digits, perhaps with a newline behind them.
    Hex,
    /// 43 or 44 characters of base64, perhaps with a newline behind them.
    Base64,
    /// 32 printable characters and a newline that does not belong to the key.
    Ascii32Strip,
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Auto => "auto",
            Self::Raw => "raw",
            Self::Hex => "hex",
            Self::Base64 => "base64",
            Self::Ascii32Strip => "ascii32-strip",
        })
    }
}

/// Text that names no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a key format: one of auto, raw, hex, base64, ascii32-strip")]
pub struct ParseFormatError(String);

impl FromStr for Format {
    type Err = ParseFormatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [
            Self::Auto,
            Self::Raw,
            Self::Hex,
            Self::Base64,
            Self::Ascii32Strip,
        ]
        .into_iter()
        .find(|format| format.to_string() == text)
        .ok_or_else(|| ParseFormatError(text.to_owned()))
    }
}
