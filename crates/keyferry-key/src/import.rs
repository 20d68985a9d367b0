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
//!
//! What [`decode`] refuses can often be guessed all the same. [`likely`] does so, for callers who
//! have the means to prove the guess: the key's MD5, or an object that only the right key opens.

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use crate::{CustomerKey, KeyStrength};

mod caution;
mod diagnosis;
mod format;
mod samples;

pub use caution::Caution;
pub use diagnosis::Diagnosis;
pub use format::{Format, ParseFormatError};

/// Nothing that is a key, in whatever wrapping, is longer.
pub const LONGEST: usize = 64 * 1024;

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
    let read = match format {
        Format::Auto => decode_any(bytes),
        Format::Raw => raw(bytes).map(|key| (key, format)),
        Format::Hex => hex(line).map(|key| (key, format)),
        Format::Base64 => base64(line).map(|key| (key, format)),
        Format::Ascii32Strip => raw(line)
            .filter(|_| is_printable(line))
            .map(|key| (key, format)),
    };
    match read {
        Some((key, format)) => accept(key, format),
        None if samples::is_sample_text(bytes) => Err(ImportError::DocumentationSample),
        None => Err(match format {
            Format::Auto => ImportError::NotAKey {
                diagnosis: Diagnosis::of(bytes),
            },
            format => ImportError::NotInFormat {
                format,
                diagnosis: match decode_any(bytes) {
                    Some((_, other)) => Diagnosis::OtherFormat { format: other },
                    None => Diagnosis::of(bytes),
                },
            },
        }),
    }
}

/// The key that is probably meant by bytes that [`decode`] refuses: without the newline at their
/// end, the quotes around them, the second layer of base64. Never to be stored before something else
/// proves that it is right.
#[must_use]
pub fn likely(bytes: &[u8]) -> Option<Imported> {
    let (_, key, format) = diagnosis::peel(bytes)?;
    accept(key, format).ok()
}

type RawKey = Zeroizing<[u8; CustomerKey::LEN]>;

fn accept(key: RawKey, format: Format) -> Result<Imported, ImportError> {
    let key = CustomerKey::from(key);
    if key.is_constant() {
        return Err(ImportError::Constant);
    }
    if samples::is_sample(&key) {
        return Err(ImportError::DocumentationSample);
    }
    let strength = KeyStrength::of(key.expose());
    Ok(Imported {
        key,
        format,
        strength,
    })
}

/// By rules 1 and 2.
fn decode_any(bytes: &[u8]) -> Option<(RawKey, Format)> {
    match raw(bytes) {
        Some(key) => Some((key, Format::Raw)),
        None => decode_text(strip_newline(bytes)),
    }
}

/// By rule 2, without a newline.
fn decode_text(line: &[u8]) -> Option<(RawKey, Format)> {
    let hex = hex(line).map(|key| (key, Format::Hex));
    hex.or_else(|| base64(line).map(|key| (key, Format::Base64)))
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

#[cfg(test)]
mod tests;
