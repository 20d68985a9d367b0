//! Names of openers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::ring::names_a_file;

/// The name of a way to open a store: 1 to 64 characters of `a-z 0-9 - _ .`, beginning with a letter
/// or digit. It names a file of the store.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OpenerName(String);

impl OpenerName {
    const MAX: usize = 64;
    const PASSPHRASE: &str = "passphrase";
    const UNPROTECTED: &str = "unprotected";

    /// The passphrase in `identity.age`.
    #[must_use]
    pub fn passphrase() -> Self {
        Self(Self::PASSPHRASE.to_owned())
    }

    /// The identity that lies in `identity.age` without protection.
    #[must_use]
    pub fn unprotected() -> Self {
        Self(Self::UNPROTECTED.to_owned())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the opener's file is `identity.age`.
    pub(crate) fn is_in_identity_file(&self) -> bool {
        matches!(self.as_str(), Self::PASSPHRASE | Self::UNPROTECTED)
    }
}

impl FromStr for OpenerName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if names_a_file(text, Self::MAX) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::InvalidOpenerName {
                text: text.to_owned(),
            })
        }
    }
}

impl TryFrom<String> for OpenerName {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<OpenerName> for String {
    fn from(name: OpenerName) -> Self {
        name.0
    }
}

impl fmt::Display for OpenerName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl fmt::Debug for OpenerName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "OpenerName({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_file_names() {
        for good in ["kms", "hsm-2", "0", "a.b_c"] {
            assert_eq!(good.parse::<OpenerName>().unwrap().as_str(), good);
        }
        for bad in ["", ".", "..", ".new-x", "A", "a/b", "a b", &"x".repeat(65)] {
            assert!(bad.parse::<OpenerName>().is_err(), "{bad:?}");
        }
    }
}
