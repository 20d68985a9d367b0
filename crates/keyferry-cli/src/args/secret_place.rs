//! Where a secret is read from. Never the secret itself: arguments are visible to everyone.

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
}

/// Text that names no place. What was given is not repeated: it may be the secret.
#[derive(Debug, thiserror::Error)]
#[error("it must be `file:PATH`, `fd:N` or `env:NAME`")]
pub(crate) struct ParseSecretPlaceError;

impl FromStr for SecretPlace {
    type Err = ParseSecretPlaceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            Some(("env", name)) if !name.is_empty() => Ok(Self::Environment(name.to_owned())),
            Some(("fd", number)) => number
                .parse()
                .map(Self::Descriptor)
                .map_err(|_| ParseSecretPlaceError),
            _ => Err(ParseSecretPlaceError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_parse_and_secrets_do_not() {
        let parse = |text: &str| text.parse::<SecretPlace>().ok();
        assert_eq!(parse("file:/p"), Some(SecretPlace::File("/p".into())));
        assert_eq!(parse("fd:3"), Some(SecretPlace::Descriptor(3)));
        assert_eq!(
            parse("env:PIN"),
            Some(SecretPlace::Environment("PIN".into()))
        );
        for bad in ["1234", "file:", "env:", "fd:x", "pin:1"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
