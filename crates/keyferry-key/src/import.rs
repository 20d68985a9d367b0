//! Keys that somebody already has: which 32 bytes are meant?
//!
//! The AWS CLI takes the bytes it is given as the raw key; other tools take base64 or hex; editors
//! and shells add newlines. A wrong guess stores data under a key that nobody has, so the rules here
//! are narrow, and what they do not cover is refused with a diagnosis:
//!
//! 1. Exactly 32 bytes are the raw key, never trimmed.
//! 2. Otherwise one trailing LF or CRLF is dropped; 64 hex digits are hex, and 43 or 44 characters
//!    of canonical base64 that decode to 32 bytes are base64.
//! 3. 32 bytes and a newline are refused, since either reading could be meant;
//!    [`Format::Ascii32Strip`] chooses.
//! 4. Anything else is refused, and so are constant keys and the sample keys of documentation.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{CustomerKey, KeyStrength};

mod diagnosis;

pub use diagnosis::Diagnosis;

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

/// A decoded key and what is known of it.
#[derive(Debug)]
pub struct Imported {
    /// The key.
    pub key: CustomerKey,
    /// How it was written; never [`Format::Auto`].
    pub format: Format,
    /// The most randomness its form allows. Below 256 bits, warn.
    pub strength: KeyStrength,
}

/// Why the bytes given are no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// No rule covers the bytes.
    #[error("not a customer key: {diagnosis}")]
    NotAKey {
        /// What they look like.
        diagnosis: Diagnosis,
    },
    /// The bytes do not fit the format asked for.
    #[error("not a customer key in format `{format}`: {diagnosis}")]
    NotInFormat {
        /// The format asked for.
        format: Format,
        /// What the bytes look like.
        diagnosis: Diagnosis,
    },
    /// All 32 bytes are the same.
    #[error("refused: all 32 bytes of the key are the same")]
    Constant,
    /// A key printed in somebody's documentation.
    #[error("refused: this key is printed in public documentation, so it protects nothing")]
    DocumentationSample,
}

impl ImportError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NotAKey { diagnosis } | Self::NotInFormat { diagnosis, .. } => diagnosis.hint(),
            Self::Constant | Self::DocumentationSample => {
                "make a key with `keyferry key new`, or `openssl rand -out FILE 32`".to_owned()
            }
        }
    }
}

/// Decodes what somebody calls a key.
///
/// # Errors
/// See [`ImportError`]; no message contains any of the bytes.
pub fn decode(bytes: &[u8], format: Format) -> Result<Imported, ImportError> {
    let line = strip_newline(bytes);
    let (read, format) = match format {
        Format::Auto => decode_any(bytes, line),
        Format::Raw => (raw(bytes), format),
        Format::Hex => (hex(line), format),
        Format::Base64 => (base64(line), format),
        Format::Ascii32Strip => (raw(line).filter(|_| is_printable(line)), format),
    };
    let key = read.map(CustomerKey::from).ok_or_else(|| {
        let diagnosis = Diagnosis::of(bytes);
        match format {
            Format::Auto => ImportError::NotAKey { diagnosis },
            format => ImportError::NotInFormat { format, diagnosis },
        }
    })?;
    if key.is_constant() {
        return Err(ImportError::Constant);
    }
    if is_documentation_sample(&key) {
        return Err(ImportError::DocumentationSample);
    }
    let strength = KeyStrength::of(key.expose());
    Ok(Imported {
        key,
        format,
        strength,
    })
}

type RawKey = Zeroizing<[u8; CustomerKey::LEN]>;

fn decode_any(bytes: &[u8], line: &[u8]) -> (Option<RawKey>, Format) {
    let readings = [
        (raw(bytes), Format::Raw),
        (hex(line), Format::Hex),
        (base64(line), Format::Base64),
    ];
    readings
        .into_iter()
        .find(|(key, _)| key.is_some())
        .unwrap_or((None, Format::Auto))
}

fn raw(bytes: &[u8]) -> Option<RawKey> {
    let key: &[u8; CustomerKey::LEN] = bytes.try_into().ok()?;
    Some(Zeroizing::new(*key))
}

fn hex(text: &[u8]) -> Option<RawKey> {
    let mut key = Zeroizing::new([0; CustomerKey::LEN]);
    hex::decode_to_slice(text, key.as_mut_slice()).ok()?;
    Some(key)
}

/// Canonical base64 of 32 bytes, with or without its one padding character.
fn base64(text: &[u8]) -> Option<RawKey> {
    const ANY_PADDING: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    // 44 characters may claim 33 bytes before the padding is looked at.
    let mut decoded = Zeroizing::new([0; CustomerKey::LEN + 1]);
    if text.len() > 44 {
        return None;
    }
    let length = ANY_PADDING
        .decode_slice(text, decoded.as_mut_slice())
        .ok()?;
    raw(decoded.get(..length)?)
}

fn strip_newline(bytes: &[u8]) -> &[u8] {
    let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    if line.len() < bytes.len() {
        line.strip_suffix(b"\r").unwrap_or(line)
    } else {
        bytes
    }
}

fn is_printable(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .all(|byte| byte.is_ascii_graphic() || *byte == b' ')
}

/// Keys that stand in tutorials and manuals, in raw form; and what AWS's reference prints.
fn is_documentation_sample(key: &CustomerKey) -> bool {
    const SAMPLES: [&[u8; 32]; 8] = [
        b"01234567890123456789012345678901",
        b"0123456789abcdef0123456789abcdef",
        b"0123456789ABCDEF0123456789ABCDEF",
        b"12345678901234567890123456789012",
        b"abcdefghijklmnopqrstuvwxyz123456",
        b"abcdefghijklmnopqrstuvwxyz012345",
        b"32byteslongsecretkeymustprovided",
        b"32characterslongpassphraseneeded",
    ];
    const AWS_REFERENCE: &[u8] = b"g0lCfA3Dv40jZz5SQJ1ZukLRFqtI5WorC/8SEEXAMPLE";
    let ascending: [u8; 32] = std::array::from_fn(|index| u8::try_from(index).unwrap_or(0));
    SAMPLES.iter().any(|sample| key.expose() == *sample)
        || *key.expose() == ascending
        || base64(AWS_REFERENCE).is_some_and(|sample| *sample == *key.expose())
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

#[cfg(test)]
mod tests;
