//! What opens a store.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use crate::{Error, Identities, KeyWrap};

/// A passphrase: wiped on drop, shown nowhere.
#[derive(Clone)]
pub struct Passphrase(SecretString);

impl Passphrase {
    /// Takes a passphrase exactly as given; removing the newline of a prompt is the caller's part.
    ///
    /// # Errors
    /// [`Error::EmptyPassphrase`].
    pub fn new(text: String) -> Result<Self, Error> {
        // Wrapped first, so that it is wiped in every case.
        let secret = SecretString::from(text);
        if secret.expose_secret().is_empty() {
            return Err(Error::EmptyPassphrase);
        }
        Ok(Self(secret))
    }

    pub(crate) fn secret(&self) -> SecretString {
        self.0.clone()
    }
}

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Passphrase(..)")
    }
}

/// What is given to open a store, or to protect a new one.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Unlock {
    /// A passphrase, through scrypt.
    Passphrase(Passphrase),
    /// Nothing: the identity lies in a file that only its owner can read. For machines that must
    /// start without a person, and only when chosen explicitly.
    Unprotected,
    /// Identities of age, ssh keys among them, for the openers that are encrypted to one of them.
    Identities(Identities),
    /// A key in a service, for the openers of its kind.
    Wrap(Arc<dyn KeyWrap>),
}

/// How much work a passphrase costs to try: scrypt with N = 2^this, r = 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WorkFactor(u8);

impl WorkFactor {
    /// 2^17: 128 MiB and well under a second for each try. Fixed rather than measured, so that a
    /// store made on a fast machine still opens on a small one.
    pub const DEFAULT: Self = Self(17);

    /// 2^22, 4 GiB: more than that in a file is taken for damage or an attack. `age` draws the
    /// line at the same place.
    pub const MAX: Self = Self(22);

    /// A work factor from 1 to [`Self::MAX`].
    #[must_use]
    pub fn new(log2: u8) -> Option<Self> {
        (1..=Self::MAX.0).contains(&log2).then_some(Self(log2))
    }

    /// The exponent.
    #[must_use]
    pub fn log2(self) -> u8 {
        self.0
    }
}

impl Default for WorkFactor {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_the_passphrase() {
        let unlock = Unlock::Passphrase(Passphrase::new("open sesame".to_owned()).unwrap());
        assert_eq!(format!("{unlock:?}"), "Passphrase(Passphrase(..))");
        assert!(matches!(
            Passphrase::new(String::new()),
            Err(Error::EmptyPassphrase)
        ));
    }
}
