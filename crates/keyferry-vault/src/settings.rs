//! Which server, and as whom: from the variables and files that `vault` and `bao` use.

use std::env;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::{Address, Token, VaultError};

const TOKEN_FILE: &str = ".vault-token";

/// Everything that a client is made from.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the server is.
    pub address: Address,
    /// Who asks.
    pub token: Token,
    /// The namespace that all paths are in.
    pub namespace: Option<String>,
    /// PEM file with the only authorities to trust, instead of the system's.
    pub authorities: Option<PathBuf>,
    /// Allows `http://` to loopback addresses. The token then travels unencrypted on this machine.
    pub allow_plaintext_loopback: bool,
}

impl Settings {
    /// Settings as `bao` and `vault` find them: the token in `BAO_TOKEN`, `VAULT_TOKEN` or
    /// `~/.vault-token`, authorities in `*_CACERT`, the namespace in `*_NAMESPACE`, and the address, if
    /// none is given, in `*_ADDR`. OpenBao's variables win, as they do for `bao`.
    ///
    /// # Errors
    /// [`VaultError::NoAddress`], [`VaultError::BadAddress`], [`VaultError::NoToken`],
    /// [`VaultError::TokenUnreadable`], [`VaultError::BadToken`].
    pub fn from_environment(address: Option<Address>) -> Result<Self, VaultError> {
        Self::from_variables(address, |name| env::var(name).ok())
    }

    fn from_variables(
        address: Option<Address>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, VaultError> {
        let variable = |name: &str| {
            ["BAO", "VAULT"]
                .into_iter()
                .filter_map(|program| environment(&format!("{program}_{name}")))
                .find(|value| !value.is_empty())
        };
        let address = match address {
            Some(address) => address,
            None => variable("ADDR").ok_or(VaultError::NoAddress)?.parse()?,
        };
        let token = match variable("TOKEN") {
            Some(token) => Token::new(token)?,
            None => token_file(environment("HOME"))?,
        };
        Ok(Self {
            address,
            token,
            namespace: variable("NAMESPACE"),
            authorities: variable("CACERT").map(PathBuf::from),
            allow_plaintext_loopback: false,
        })
    }
}

fn token_file(home: Option<String>) -> Result<Token, VaultError> {
    let path = Path::new(&home.ok_or(VaultError::NoToken)?).join(TOKEN_FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => Token::new(text),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(VaultError::NoToken),
        Err(source) => Err(VaultError::TokenUnreadable { path, source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(pairs: &[(&str, &str)]) -> Result<Settings, VaultError> {
        Settings::from_variables(None, |name| {
            let found = pairs.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_variables_of_bao_win() {
        let vault = [
            ("VAULT_ADDR", "https://vault"),
            ("VAULT_TOKEN", "t"),
            ("VAULT_NAMESPACE", "of-vault"),
            ("VAULT_CACERT", "vault.pem"),
        ];
        let settings = given(&vault).unwrap();
        assert_eq!(settings.address.as_str(), "https://vault");
        assert_eq!(settings.namespace.as_deref(), Some("of-vault"));

        let bao = [
            ("BAO_ADDR", "https://bao"),
            ("BAO_NAMESPACE", "of-bao"),
            // Set to nothing is not set.
            ("BAO_CACERT", ""),
        ];
        let settings = given(&[&vault[..], &bao].concat()).unwrap();
        assert_eq!(settings.address.as_str(), "https://bao");
        assert_eq!(settings.namespace.as_deref(), Some("of-bao"));
        assert_eq!(settings.authorities, Some("vault.pem".into()));
    }

    #[test]
    fn neither_address_nor_token_has_a_default() {
        let home = tempfile::tempdir().unwrap();
        let at = home.path().to_str().unwrap();
        let none = given(&[("VAULT_TOKEN", "t")]);
        assert!(matches!(none, Err(VaultError::NoAddress)), "{none:?}");
        let variables = [("VAULT_ADDR", "https://vault"), ("HOME", at)];
        for none in [given(&variables), given(&variables[..1])] {
            assert!(matches!(none, Err(VaultError::NoToken)), "{none:?}");
        }
        std::fs::write(home.path().join(TOKEN_FILE), "s.kept\n").unwrap();
        given(&variables).unwrap();
    }
}
