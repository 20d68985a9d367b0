//! Where a server is.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ureq::http::Uri;

use crate::VaultError;

/// Base URL of a server: `https://host:port`, as `VAULT_ADDR` has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    text: String,
    plaintext: bool,
    loopback: bool,
}

impl Address {
    /// The URL, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// True for `http://`.
    #[must_use]
    pub fn is_plaintext(&self) -> bool {
        self.plaintext
    }

    /// True when the host is this machine by address or is `localhost`.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.loopback
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl FromStr for Address {
    type Err = VaultError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // What stands before an `@` may be a password, and the whole text would be repeated.
        let shown = match text.rsplit_once('@') {
            Some((_, behind)) => format!("...@{behind}"),
            None => text.to_owned(),
        };
        let error = |rule| VaultError::BadAddress {
            text: shown.clone(),
            rule,
        };
        let bare = text.trim_end_matches('/');
        let uri: Uri = bare
            .parse()
            .map_err(|_| error("it must look like `https://host:port`"))?;
        let plaintext = match uri.scheme_str() {
            Some("https") => false,
            Some("http") => true,
            _ => return Err(error("it must begin with `https://`")),
        };
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(error("nothing may follow the host and port"));
        }
        let authority = uri
            .authority()
            .ok_or_else(|| error("it must look like `https://host:port`"))?;
        if authority.as_str().contains('@') {
            return Err(error("no user name may stand in it"));
        }
        let host = authority.host();
        let name = host.trim_start_matches('[').trim_end_matches(']');
        if name.is_empty() {
            return Err(error("it names no host"));
        }
        let loopback = match name.parse::<IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_) => name.eq_ignore_ascii_case("localhost"),
        };
        Ok(Self {
            text: bare.to_owned(),
            plaintext,
            loopback,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_parse() {
        let address: Address = "https://vault.example.org:8200/".parse().unwrap();
        assert_eq!(address.as_str(), "https://vault.example.org:8200");
        assert!(!address.is_plaintext() && !address.is_loopback());
        for loopback in [
            "http://127.0.0.1:8200",
            "http://[::1]:8200",
            "http://LOCALHOST",
        ] {
            let address: Address = loopback.parse().unwrap();
            assert!(address.is_plaintext() && address.is_loopback(), "{address}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_its_password() {
        for bad in [
            "",
            "vault.example.org:8200",
            "ftp://vault",
            "https://vault/v1",
            "https://vault?x",
            "https://",
        ] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
        let error = "https://user:hunter2@vault".parse::<Address>().unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
