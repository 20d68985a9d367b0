//! Why a server did not do what was asked, and what to do about it.

use std::io;
use std::path::PathBuf;

use crate::Address;

/// Any failure of the client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are what the messages name")]
pub enum VaultError {
    /// Nothing says where the server is.
    #[error("it is not known where Vault is")]
    NoAddress,
    /// Text that is no address.
    #[error("`{text}` is not the address of a Vault: {rule}")]
    BadAddress { text: String, rule: &'static str },
    /// The address is not TLS.
    #[error("`{address}` is refused: tokens and keys travel over TLS only")]
    Plaintext { address: Address },
    /// Nobody to ask as.
    #[error("there is no token for Vault")]
    NoToken,
    /// The token's file cannot be read.
    #[error("cannot read the token in `{}`", path.display())]
    TokenUnreadable { path: PathBuf, source: io::Error },
    /// What was given as a token is none.
    #[error("the token for Vault is empty or has characters that no token has")]
    BadToken,
    /// The certificates to trust are unusable.
    #[error("the certificates to trust Vault by are unusable{}: {reason}", .path.as_ref().map(|path| format!(" (`{}`)", path.display())).unwrap_or_default())]
    Authorities {
        path: Option<PathBuf>,
        reason: String,
    },
    /// No answer came.
    #[error("`{address}` cannot be reached: {reason}")]
    Unreachable { address: Address, reason: String },
    /// Its certificate is not one to trust.
    #[error("the certificate of `{address}` is not trusted: {reason}")]
    Untrusted { address: Address, reason: String },
    /// The server is sealed or was never initialised.
    #[error("the Vault at `{address}` is sealed")]
    Sealed { address: Address },
    /// The server cannot answer at present.
    #[error("the Vault at `{address}` is not able to answer (HTTP {status}){}", said(.errors))]
    Unavailable {
        address: Address,
        status: u16,
        errors: Vec<String>,
    },
    /// The token does not allow it, or is not valid.
    #[error("Vault refuses access to `{path}`{}", said(.errors))]
    Denied { path: String, errors: Vec<String> },
    /// Nothing there: neither this, nor perhaps the mount.
    #[error("Vault has nothing at `{path}`{}", said(.errors))]
    NotFound {
        path: String,
        errors: Vec<String>,
        /// What the answer says besides.
        body: Box<serde_json::Value>,
    },
    /// The server sends elsewhere.
    #[error("the Vault at `{address}` redirects to another address{}", .location.as_ref().map(|location| format!(", `{location}`")).unwrap_or_default())]
    Redirected {
        address: Address,
        location: Option<String>,
    },
    /// The server answered, but did not do it.
    #[error("Vault did not accept the request to `{path}` (HTTP {status}){}", said(.errors))]
    Refused {
        path: String,
        status: u16,
        errors: Vec<String>,
    },
    /// The answer is not one that Vault gives.
    #[error("the answer to the request to `{path}` cannot be read: {reason}")]
    Unreadable { path: String, reason: String },
}

/// One line, and not a page of a proxy that was mistaken for Vault.
fn on_one_line(errors: &[String]) -> String {
    let text = errors.join("; ");
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(300).collect()
}

fn said(errors: &[String]) -> String {
    match on_one_line(errors) {
        none if none.is_empty() => none,
        text => format!(": {text}"),
    }
}

impl VaultError {
    /// What the server itself said is wrong, if it said anything.
    #[must_use]
    pub fn said(&self) -> String {
        match self {
            Self::Unavailable { errors, .. }
            | Self::Denied { errors, .. }
            | Self::NotFound { errors, .. }
            | Self::Refused { errors, .. } => on_one_line(errors),
            _ => String::new(),
        }
    }

    /// Whether the server, and not the request, stood in the way: it may work later.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::Sealed { .. } | Self::Unavailable { .. }
        )
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoAddress => "set VAULT_ADDR (or BAO_ADDR) to `https://HOST:PORT`",
            Self::BadAddress { .. } => return None,
            Self::Plaintext { address } if address.is_loopback() => {
                "use `https://`, or `--allow-plaintext-loopback` for a server on this machine"
            }
            Self::Plaintext { .. } => "use `https://`",
            Self::NoToken | Self::BadToken => {
                "set VAULT_TOKEN, or log in with `vault login` or `bao login`"
            }
            Self::TokenUnreadable { .. } => "it must be a file that this user may read",
            Self::Authorities { path: Some(_), .. } => {
                "check VAULT_CACERT: it must name a PEM file with certificates"
            }
            Self::Authorities { path: None, .. } => {
                "install the system's CA certificates, or set VAULT_CACERT"
            }
            Self::Unreachable { .. } => {
                "check that the server runs and that the address (VAULT_ADDR) is right"
            }
            Self::Untrusted { .. } => {
                "if the server has a private authority, set VAULT_CACERT to its certificate; the name in the address must be one in the server's certificate"
            }
            Self::Sealed { .. } => {
                "unseal it with `vault operator unseal` or `bao operator unseal`, then try again"
            }
            Self::Unavailable { .. } => "try again; `vault status` or `bao status` tells its state",
            Self::Denied { errors, .. }
                if errors.iter().any(|error| error.contains("invalid token")) =>
            {
                "the token is not valid any more: log in again with `vault login` or `bao login`"
            }
            Self::Denied { .. } => {
                "the token may have ended, or its policy does not allow this path: `vault token lookup` and `vault token capabilities PATH` tell"
            }
            Self::NotFound { .. } => {
                "check the mount and the name: `vault secrets list` shows the mounts"
            }
            Self::Redirected { .. } => {
                "a token is not sent on: set VAULT_ADDR to the server that does the work"
            }
            Self::Refused { status: 429, .. } => {
                "the server limits the number of requests: try again later"
            }
            Self::Refused { .. } => return None,
            Self::Unreadable { .. } => "check that the address is that of a Vault or OpenBao",
        };
        Some(hint.to_owned())
    }
}
