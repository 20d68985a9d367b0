//! Kinds of openers, and how an age file shows which it is for.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What it takes to open a store in one of its ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum OpenerKind {
    /// A passphrase, through scrypt.
    Passphrase,
    /// Nothing but access to the file.
    Unprotected,
    /// An age identity (X25519).
    Age,
    /// An ssh key.
    Ssh,
    /// An age plugin, and what it asks for.
    Plugin,
    /// A key of AWS KMS.
    Kms,
    /// A transit key of HashiCorp Vault or OpenBao.
    Vault,
    /// A key on a PKCS#11 token.
    Pkcs11,
    /// An age identity in the secret service of the desktop session.
    SecretService,
}

impl OpenerKind {
    /// The kind as the journal and lists have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passphrase => "passphrase",
            Self::Unprotected => "unprotected",
            Self::Age => "age",
            Self::Ssh => "ssh",
            Self::Plugin => "plugin",
            Self::Kms => "kms",
            Self::Vault => "vault",
            Self::Pkcs11 => "pkcs11",
            Self::SecretService => "secret-service",
        }
    }

    /// The tag of the stanza that keyferry itself writes for this kind.
    pub(crate) fn own_tag(self) -> Option<&'static str> {
        Some(match self {
            Self::Kms => "keyferry-kms",
            Self::Vault => "keyferry-vault",
            Self::Pkcs11 => "keyferry-pkcs11",
            Self::SecretService => "keyferry-secret-service",
            _ => return None,
        })
    }

    /// The kind that a stanza's tag stands for, if it is none of a plugin.
    pub(crate) fn of_tag(tag: &str) -> Option<Self> {
        let own = [Self::SecretService, Self::Kms, Self::Vault, Self::Pkcs11]
            .into_iter()
            .find(|kind| kind.own_tag() == Some(tag));
        own.or(match tag {
            "scrypt" => Some(Self::Passphrase),
            "X25519" => Some(Self::Age),
            "ssh-ed25519" | "ssh-rsa" => Some(Self::Ssh),
            _ => None,
        })
    }
}

impl fmt::Display for OpenerKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}
