//! What bytes that are no key look like.

use std::fmt;

mod layers;
mod recognise;

pub(super) use layers::peel;

use super::Format;

/// What refused bytes look like. Shows lengths and kinds, never content.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Diagnosis {
    /// Nothing was given.
    Empty,
    /// More than any key.
    TooLong,
    /// 32 bytes and a line ending: raw key with a newline behind it, or something else?
    RawWithNewline {
        /// Whether the 32 bytes are printable.
        printable: bool,
    },
    /// Hex or base64 of 32 bytes and a line ending, as `echo KEY | base64` makes it.
    EncodedNewline {
        /// `hex` or `base64`.
        encoding: &'static str,
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
    /// An odd number of hex digits: one is missing, or one too many.
    OddHex {
        /// How many.
        digits: usize,
    },
    /// Base64 whose unused bits are not zero: cut or mistyped.
    NonCanonicalBase64,
    /// Begins with a byte order mark.
    ByteOrderMark,
    /// Text in UTF-16.
    Utf16,
    /// Zero bytes before or behind text.
    ZeroBytes,
    /// Quotation marks around an otherwise readable key.
    Quoted,
    /// A name before an otherwise readable key: `KEY=...`, or a header.
    Named,
    /// `0x` before hex digits.
    HexPrefix,
    /// Hex digits with colons, dashes or spaces between them.
    SeparatedHex,
    /// White space around an otherwise readable key.
    StrayWhitespace,
    /// An otherwise readable key in several lines.
    SeveralLines,
    /// PEM armour.
    Pem,
    /// An SSH key.
    Ssh,
    /// A PGP message or key.
    Pgp,
    /// An age identity or an age file.
    Age,
    /// A JSON document.
    Json,
    /// Of another format than the one asked for.
    OtherFormat {
        /// The format that it is in.
        format: Format,
    },
    /// Some other number of bytes.
    OtherLength {
        /// How many.
        bytes: usize,
    },
}

impl Diagnosis {
    pub(super) fn of(bytes: &[u8]) -> Self {
        recognise::recognise(bytes)
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Empty => "check the file, or the command before the pipe",
            Self::TooLong => "name the file that holds the key and nothing else",
            Self::RawWithNewline { printable: true } => {
                "if the newline does not belong to the key, give `--format ascii32-strip`"
            }
            Self::RawWithNewline { printable: false } => {
                "write the key again without the newline: exactly 32 bytes"
            }
            Self::EncodedNewline { .. } => {
                "encode the key again without the newline: `printf %s`, not `echo`"
            }
            Self::EncodedTwice => "decode it once and give the result",
            Self::UrlSafeBase64 => "write it in standard base64: `+` for `-`, `/` for `_`",
            Self::OddHex { .. } | Self::NonCanonicalBase64 => {
                "some characters are missing or mistyped: copy it again from its source"
            }
            Self::ByteOrderMark => "save the file without a byte order mark",
            Self::Utf16 => "save the file as plain ASCII",
            Self::ZeroBytes => "remove the zero bytes: they belong to no hex or base64",
            Self::Quoted => "remove the quotation marks",
            Self::Named => "leave the name out: the file must hold the value alone",
            Self::HexPrefix => "remove the `0x`",
            Self::SeparatedHex => "write the 64 hex digits without anything between them",
            Self::StrayWhitespace => "remove the white space around the key",
            Self::SeveralLines => "write the key in one line: `tr -d '\\n'`, or `base64 -w0`",
            Self::Pem | Self::Ssh | Self::Pgp => {
                "this is another kind of key: a customer key is 32 raw bytes"
            }
            Self::Age => {
                "an age file must be decrypted first: `age -d FILE | keyferry key import ...`"
            }
            Self::Json => {
                "take the value out first, for example with `jq -r .NAME`, and give that alone"
            }
            Self::OtherFormat { format } => {
                return format!("give `--format {format}`, or leave --format out");
            }
            Self::EncodedOtherLength { .. } | Self::OtherLength { .. } => {
                "a customer key is 32 raw bytes, 64 hex digits, or 44 characters of base64"
            }
        }
        .to_owned()
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Empty => "nothing was given",
            Self::TooLong => "it is longer than 64 KiB",
            Self::RawWithNewline { .. } => "32 bytes and a newline, which can be read in two ways",
            Self::EncodedNewline { encoding } => {
                return write!(
                    formatter,
                    "it is {encoding} of 32 bytes and a newline, which can be read in two ways"
                );
            }
            Self::EncodedTwice => "it looks like a key encoded twice",
            Self::UrlSafeBase64 => "it is in the URL-safe alphabet of base64",
            Self::EncodedOtherLength { encoding, bytes } => {
                return write!(formatter, "it is {encoding} of {bytes} bytes, not of 32");
            }
            Self::OddHex { digits } => {
                return write!(formatter, "it has {digits} hex digits, not 64");
            }
            Self::NonCanonicalBase64 => "its last base64 character is impossible",
            Self::ByteOrderMark => "it begins with a byte order mark",
            Self::Utf16 => "it is text in UTF-16",
            Self::ZeroBytes => "there are zero bytes around it",
            Self::Quoted => "there are quotation marks around it",
            Self::Named => "there is a name before it",
            Self::HexPrefix => "its hex digits begin with `0x`",
            Self::SeparatedHex => "its hex digits have something between them",
            Self::StrayWhitespace => "there is white space around it",
            Self::SeveralLines => "it is broken into several pieces",
            Self::Pem => "it is a PEM file",
            Self::Ssh => "it is an SSH key",
            Self::Pgp => "it is a PGP file",
            Self::Age => "it is an age file or an age identity",
            Self::Json => "it is a JSON document",
            Self::OtherFormat { format } => {
                return write!(formatter, "it reads as `{format}`");
            }
            Self::OtherLength { bytes: 1 } => "it has 1 byte, not 32",
            Self::OtherLength { bytes } => {
                return write!(formatter, "it has {bytes} bytes, not 32");
            }
        })
    }
}
