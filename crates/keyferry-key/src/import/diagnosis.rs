//! What bytes that are no key look like.

use std::fmt;

use base64::prelude::{BASE64_STANDARD, Engine};

use super::{base64, hex, is_printable, strip_newline};

/// What refused bytes look like. Shows lengths and kinds, never content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Diagnosis {
    /// Nothing was given.
    Empty,
    /// 32 bytes and a line ending: raw key with a newline behind it, or something else?
    RawWithNewline {
        /// Whether the 32 bytes are printable.
        printable: bool,
    },
    /// Base64 of base64, or of hex.
    EncodedTwice,
    /// URL-safe base64.
    UrlSafeBase64,
    /// Base64 or hex of a key of another length.
    EncodedOtherLength {
        /// `hex` or `base64`.
        encoding: &'static str,
        /// Length of what it decodes to.
        bytes: usize,
    },
    /// Base64 whose unused bits are not zero: cut or mistyped.
    NonCanonicalBase64,
    /// Begins with a byte order mark.
    ByteOrderMark,
    /// PEM armour.
    Pem,
    /// An age identity or an age file.
    Age,
    /// White space or a second line around an otherwise readable key.
    StrayWhitespace,
    /// Some other number of bytes.
    OtherLength {
        /// How many.
        bytes: usize,
    },
}

impl Diagnosis {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let line = strip_newline(bytes);
        let trimmed = bytes.trim_ascii();
        if trimmed.is_empty() && bytes.len() != 32 {
            return Self::Empty;
        }
        if bytes.starts_with(b"\xef\xbb\xbf")
            || bytes.starts_with(b"\xff\xfe")
            || bytes.starts_with(b"\xfe\xff")
        {
            return Self::ByteOrderMark;
        }
        if trimmed.starts_with(b"AGE-SECRET-KEY-")
            || trimmed.starts_with(b"age-encryption.org/")
            || trimmed.starts_with(b"-----BEGIN AGE")
        {
            return Self::Age;
        }
        if trimmed.starts_with(b"-----BEGIN ") {
            return Self::Pem;
        }
        if let (33 | 34, Some(raw)) = (
            bytes.len(),
            bytes.strip_suffix(b"\n").and_then(|line| line.get(..32)),
        ) {
            return Self::RawWithNewline {
                printable: is_printable(raw),
            };
        }
        if trimmed.len() < line.len() && (hex(trimmed).is_some() || base64(trimmed).is_some()) {
            return Self::StrayWhitespace;
        }
        Self::of_encoding(trimmed).unwrap_or(Self::OtherLength { bytes: bytes.len() })
    }

    fn of_encoding(text: &[u8]) -> Option<Self> {
        if let Ok(decoded) = hex::decode(text) {
            return Some(Self::EncodedOtherLength {
                encoding: "hex",
                bytes: decoded.len(),
            });
        }
        if text.iter().any(|byte| b"-_".contains(byte)) {
            let standard: Vec<u8> = text
                .iter()
                .map(|byte| match byte {
                    b'-' => b'+',
                    b'_' => b'/',
                    other => *other,
                })
                .collect();
            return base64(&standard).map(|_| Self::UrlSafeBase64);
        }
        match BASE64_STANDARD.decode(text) {
            Ok(decoded) => {
                let inner = strip_newline(&decoded);
                if hex(inner).is_some() || base64(inner).is_some() {
                    Some(Self::EncodedTwice)
                } else {
                    Some(Self::EncodedOtherLength {
                        encoding: "base64",
                        bytes: decoded.len(),
                    })
                }
            }
            Err(base64::DecodeError::InvalidLastSymbol { .. }) => Some(Self::NonCanonicalBase64),
            Err(_) => None,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Empty => "check the file, or the command before the pipe".to_owned(),
            Self::RawWithNewline { printable: true } => {
                "if the newline does not belong to the key, give `--format ascii32-strip`"
                    .to_owned()
            }
            Self::RawWithNewline { printable: false } => {
                "write the key again without the newline: exactly 32 bytes".to_owned()
            }
            Self::EncodedTwice => "decode it once and give the result".to_owned(),
            Self::UrlSafeBase64 => {
                "write it in standard base64: `+` for `-`, `/` for `_`".to_owned()
            }
            Self::NonCanonicalBase64 => {
                "some characters are missing or mistyped: copy it again from its source".to_owned()
            }
            Self::ByteOrderMark => "save the file without a byte order mark".to_owned(),
            Self::Pem => "this is another kind of key: a customer key is 32 raw bytes".to_owned(),
            Self::Age => {
                "an age file must be decrypted first: `age -d FILE | keyferry key import ...`"
                    .to_owned()
            }
            Self::StrayWhitespace => "remove the white space around the key".to_owned(),
            Self::EncodedOtherLength { .. } | Self::OtherLength { .. } => {
                "a customer key is 32 raw bytes, 64 hex digits, or 44 characters of base64"
                    .to_owned()
            }
        }
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => formatter.write_str("nothing was given"),
            Self::RawWithNewline { .. } => {
                formatter.write_str("32 bytes and a newline, which can be read in two ways")
            }
            Self::EncodedTwice => formatter.write_str("it looks like a key encoded twice"),
            Self::UrlSafeBase64 => formatter.write_str("it is in the URL-safe alphabet of base64"),
            Self::EncodedOtherLength { encoding, bytes } => {
                write!(formatter, "it is {encoding} of {bytes} bytes, not of 32")
            }
            Self::NonCanonicalBase64 => {
                formatter.write_str("its last base64 character is impossible")
            }
            Self::ByteOrderMark => formatter.write_str("it begins with a byte order mark"),
            Self::Pem => formatter.write_str("it is a PEM file"),
            Self::Age => formatter.write_str("it is an age file or an age identity"),
            Self::StrayWhitespace => formatter.write_str("there is white space around it"),
            Self::OtherLength { bytes } => write!(formatter, "it has {bytes} bytes, not 32"),
        }
    }
}
