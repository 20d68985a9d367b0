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
    /// none is given, in `*_ADDR`.
    ///
    /// # Errors
    /// [`VaultError::NoAddress`], [`VaultError::BadAddress`], [`VaultError::NoToken`],
    /// [`VaultError::TokenUnreadable`], [`VaultError::BadToken`].
    pub fn from_environment(address: Option<Address>) -> Result<Self, VaultError> {
        let address = match address {
            Some(address) => address,
            None => variable("ADDR").ok_or(VaultError::NoAddress)?.parse()?,
        };
        let token = match variable("TOKEN") {
            Some(token) => Token::new(token)?,
            None => token_file()?,
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

/// OpenBao's variable, or Vault's.
fn variable(name: &str) -> Option<String> {
    ["BAO", "VAULT"]
        .into_iter()
        .filter_map(|program| env::var(format!("{program}_{name}")).ok())
        .find(|value| !value.is_empty())
}

fn token_file() -> Result<Token, VaultError> {
    let home = env::var_os("HOME").ok_or(VaultError::NoToken)?;
    let path = Path::new(&home).join(TOKEN_FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => Token::new(text),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(VaultError::NoToken),
        Err(source) => Err(VaultError::TokenUnreadable { path, source }),
    }
}
