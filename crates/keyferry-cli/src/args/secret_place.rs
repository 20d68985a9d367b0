//! Where a secret is read from. Never the secret itself: arguments are visible to everyone.

use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;

/// A place that holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SecretPlace {
    /// The first line of a file.
    File(PathBuf),
    /// A file descriptor.
    Descriptor(u32),
    /// An environment variable.
    Environment(String),
    /// What was given names no place. It is dropped at once: it may be the secret, and an error of
    /// the argument parser would print it.
    Nowhere,
}

impl FromStr for SecretPlace {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.split_once(':') {
            Some(("file", path)) if !path.is_empty() => Self::File(path.into()),
            Some(("env", name)) if !name.is_empty() => Self::Environment(name.to_owned()),
            Some(("fd", number)) => number.parse().map_or(Self::Nowhere, Self::Descriptor),
            _ => Self::Nowhere,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_parse_and_secrets_are_dropped() {
        for (text, place) in [
            ("file:/p", SecretPlace::File("/p".into())),
            ("fd:3", SecretPlace::Descriptor(3)),
            ("env:PIN", SecretPlace::Environment("PIN".into())),
            ("1234", SecretPlace::Nowhere),
            ("file:", SecretPlace::Nowhere),
            ("fd:x", SecretPlace::Nowhere),
            ("pin:1", SecretPlace::Nowhere),
        ] {
            assert_eq!(text.parse(), Ok(place), "{text}");
        }
    }
}
