//! Arguments of `keyferry key import`.
//!
//! Whoever has a key at hand may paste it where something else is asked for. The parser's own errors
//! would print it, so what could be a key is taken in unjudged here and refused later, unseen.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use base64::prelude::{BASE64_STANDARD, Engine};
use clap::Args;
use keyferry_key::KeyMd5;
use keyferry_key::import::{self, Format};
use keyferry_transfer::{ObjectAddress, ParseAddressError};

/// `keyferry key import`
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Name of the ring to put it in.
    pub(crate) ring: String,
    /// File that holds it; `-` for standard input.
    #[arg(required_unless_present_any = ["fd", "env"])]
    pub(crate) file: Option<PathBuf>,
    /// Read the key from this file descriptor.
    #[arg(long, value_name = "N", conflicts_with = "file")]
    pub(crate) fd: Option<u32>,
    /// Read the key from the environment variable of this name.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["file", "fd"])]
    pub(crate) env: Option<String>,
    /// How it is written: auto, raw, hex, base64 or ascii32-strip.
    #[arg(long, default_value = "auto")]
    pub(crate) format: Format,
    /// Refuse the key unless this is its MD5: base64, as S3 shows it, or the digits of md5sum. With
    /// it, a key in a wrapping that is otherwise refused is taken, too.
    #[arg(long, value_name = "MD5")]
    pub(crate) md5: Option<Md5Argument>,
    /// Refuse the key unless it opens this object; `?versionId=ID` behind it names a version. With
    /// it, a key in a wrapping that is otherwise refused is taken, too.
    #[arg(long, value_name = "S3://BUCKET/KEY")]
    pub(crate) verify: Option<ObjectVersion>,
    /// Only read existing objects with it; new ones keep the ring's active key. This is what
    /// happens anyway when the ring has an active key.
    #[arg(long)]
    pub(crate) decrypt_only: bool,
}

/// Whether text is a key, or one in a wrapping.
pub(crate) fn looks_like_a_key(text: &str) -> bool {
    let bytes = text.as_bytes();
    import::decode(bytes, Format::Auto).is_ok() || import::likely(bytes).is_some()
}

/// What was given as a key's MD5.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Md5Argument {
    /// An MD5.
    Md5(KeyMd5),
    /// The digits of an MD5, in base64 once more.
    DigitsInBase64,
    /// What AWS's documentation prints.
    Sample,
    /// A key. It is dropped at once.
    LooksLikeAKey,
    /// Something else.
    Malformed,
}

impl FromStr for Md5Argument {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let digits = |text: &[u8]| -> Option<KeyMd5> {
            let mut md5 = [0; 16];
            let text = text.trim_ascii_end();
            data_encoding::HEXLOWER_PERMISSIVE
                .decode_mut(text, &mut md5)
                .ok()
                .filter(|_| text.len() == 32)
                .map(|_| KeyMd5::from_bytes(md5))
        };
        if let Some(md5) = text.parse().ok().or_else(|| digits(text.as_bytes())) {
            return Ok(Self::Md5(md5));
        }
        let decoded = BASE64_STANDARD.decode(text).unwrap_or_default();
        Ok(if digits(&decoded).is_some() {
            Self::DigitsInBase64
        } else if text.to_ascii_lowercase().ends_with("example") {
            Self::Sample
        } else if looks_like_a_key(text) {
            Self::LooksLikeAKey
        } else {
            Self::Malformed
        })
    }
}

impl fmt::Debug for Md5Argument {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Md5(md5) => md5.fmt(formatter),
            _ => formatter.write_str("Md5Argument(malformed)"),
        }
    }
}

/// An object, perhaps one version of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ObjectVersion {
    /// The object.
    pub(crate) address: ObjectAddress,
    /// Its version; the current one when it is left out.
    pub(crate) version_id: Option<String>,
}

impl FromStr for ObjectVersion {
    type Err = ParseAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // As S3 writes it in the header that names a copy's source.
        let (address, version_id) = match text.rsplit_once("?versionId=") {
            Some((address, id)) if !id.is_empty() => (address, Some(id.to_owned())),
            _ => (text, None),
        };
        Ok(Self {
            address: address.parse()?,
            version_id,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn md5s_parse_in_both_forms() {
        let parse = |text: &str| text.parse::<Md5Argument>().unwrap();
        let md5 = parse("hRasmdxgYDKV3nvbahU1MA==");
        assert!(matches!(md5, Md5Argument::Md5(_)));
        assert_eq!(parse("8516ac99dc60603295de7bdb6a153530"), md5);
        assert_eq!(
            parse("ODUxNmFjOTlkYzYwNjAzMjk1ZGU3YmRiNmExNTM1MzAK"),
            Md5Argument::DigitsInBase64
        );
        assert_eq!(parse("ZjQrne1X/iTcskbY2example"), Md5Argument::Sample);
        let key = "MTIzNDU2Nzg5MGFiY2RlZmdoaWprbG1ub3BxcnN0dXY=";
        assert_eq!(parse(key), Md5Argument::LooksLikeAKey);
        assert!(!format!("{:?}", parse(key)).contains(key));
        assert_eq!(parse("d41d8"), Md5Argument::Malformed);
        assert_eq!(parse(""), Md5Argument::Malformed);
    }

    #[test]
    fn versions_of_objects_parse() {
        let parse = |text: &str| text.parse::<ObjectVersion>().unwrap();
        let plain = parse("s3://bucket/key?query");
        assert_eq!(plain.address.key, "key?query");
        assert_eq!(plain.version_id, None);
        let version = parse("s3://bucket/a?b?versionId=3/L4k");
        assert_eq!(version.address.key, "a?b");
        assert_eq!(version.version_id.as_deref(), Some("3/L4k"));
    }
}
