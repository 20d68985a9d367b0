//! Rings: named purposes for keys.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;

/// The name of a ring: 1 to 64 characters of `a-z 0-9 - _ .`, beginning with a letter or digit.
///
/// It names a folder of the store, so it has no upper case: some file systems do not tell
/// `Photos` from `photos`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RingName(String);

impl RingName {
    const MAX: usize = 64;

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a file or folder of the store can have this name, on every file system: at most `longest`
/// of `a-z 0-9 - _ .`, beginning with a letter or digit.
pub(crate) fn names_a_file(text: &str, longest: usize) -> bool {
    let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.len() <= longest
        && text.bytes().next().is_some_and(lower)
        && text
            .bytes()
            .all(|byte| lower(byte) || b"-_.".contains(&byte))
}

impl FromStr for RingName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if names_a_file(text, Self::MAX) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::InvalidRing {
                text: text.to_owned(),
            })
        }
    }
}

impl TryFrom<String> for RingName {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<RingName> for String {
    fn from(ring: RingName) -> Self {
        ring.0
    }
}

impl fmt::Display for RingName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for RingName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RingName({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_folder_names() {
        for good in ["photos", "a", "0", "db.backup-2026_11", &"x".repeat(64)] {
            assert_eq!(good.parse::<RingName>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            ".",
            "..",
            ".new",
            "-x",
            "Photos",
            "a/b",
            "a b",
            "ä",
            "a\0",
            &"x".repeat(65),
        ] {
            assert!(bad.parse::<RingName>().is_err(), "{bad:?}");
        }
    }
}
