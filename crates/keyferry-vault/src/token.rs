//! What a server knows its clients by.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use ureq::http::HeaderValue;

use crate::VaultError;

/// A token: wiped on drop, shown nowhere.
#[derive(Clone)]
pub struct Token(SecretString);

impl Token {
    /// Takes a token; white space around it is not part of it.
    ///
    /// # Errors
    /// [`VaultError::BadToken`] if it is empty or holds what no token can.
    pub fn new(text: String) -> Result<Self, VaultError> {
        // Wrapped first, so that it is wiped in every case.
        let given = SecretString::from(text);
        let text = given.expose_secret().trim();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(VaultError::BadToken);
        }
        Ok(Self(text.to_owned().into()))
    }

    /// The value of the header that carries it.
    pub(crate) fn header(&self) -> Result<HeaderValue, VaultError> {
        let mut value =
            HeaderValue::from_str(self.0.expose_secret()).map_err(|_| VaultError::BadToken)?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_nowhere() {
        let token = Token::new("hvs.secret\n".to_owned()).unwrap();
        assert_eq!(token.0.expose_secret(), "hvs.secret");
        let header = token.header().unwrap();
        assert!(!format!("{token:?} {header:?}").contains("secret"));
        for bad in ["", " \n", "two words", "ü"] {
            assert!(Token::new(bad.to_owned()).is_err(), "{bad:?}");
        }
    }
}
