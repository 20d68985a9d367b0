//! What `--store` names.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sha2::{Digest, Sha256};

const SECRETS_MANAGER: &str = "aws-secretsmanager:";

/// Where a key store is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreAddress {
    /// In a folder.
    Folder(PathBuf),
    /// In HashiCorp Vault or OpenBao: `vault://host:port/mount/path`, or `vault:mount/path` on the server
    /// that `VAULT_ADDR` names.
    Vault(VaultLocation),
    /// In AWS Secrets Manager: `aws-secretsmanager:PREFIX`, what the names of its secrets begin with.
    SecretsManager {
        /// Without a slash at its end.
        prefix: String,
    },
}

/// A path on a Vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultLocation {
    /// The server, as `https://host:port`, if the address names one.
    pub server: Option<String>,
    /// The mount and the path in it. Where one ends and the other begins, the server knows.
    pub path: String,
}

/// Text that names no place for a store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not the address of a key store: {rule}")]
pub struct ParseAddressError {
    text: String,
    rule: &'static str,
}

impl StoreAddress {
    /// Where the working copy of a place lies in the folder for caches. The place's name, which may tell
    /// too much for a folder's name, is in it as a hash only.
    #[must_use]
    pub fn working_copy(caches: &Path, place: &str) -> PathBuf {
        let hash = Sha256::digest(place.as_bytes());
        let name: String = hash
            .iter()
            .take(16)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        caches.join("stores").join(name)
    }
}

impl fmt::Display for StoreAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => path.display().fmt(formatter),
            Self::Vault(VaultLocation { server: None, path }) => write!(formatter, "vault:{path}"),
            Self::Vault(VaultLocation {
                server: Some(server),
                path,
            }) => match server.split_once("://") {
                Some(("http", host)) => write!(formatter, "vault+http://{host}/{path}"),
                Some((_, host)) => write!(formatter, "vault://{host}/{path}"),
                None => write!(formatter, "vault://{server}/{path}"),
            },
            Self::SecretsManager { prefix } => write!(formatter, "{SECRETS_MANAGER}{prefix}"),
        }
    }
}

impl FromStr for StoreAddress {
    type Err = ParseAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |rule| ParseAddressError {
            text: text.to_owned(),
            rule,
        };
        if let Some(prefix) = text.strip_prefix(SECRETS_MANAGER) {
            let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
            // What names of secrets may be made of; what follows the prefix is at most 140 characters.
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+=.@-".contains(&byte);
            if !prefix.bytes().all(allowed) || prefix.len() > 300 {
                return Err(error(
                    "the prefix is up to 300 of letters, digits and `/_+=.@-`",
                ));
            }
            let prefix = segments(prefix)
                .ok_or_else(|| error("a prefix for names must follow, such as `keyferry/prod`"))?;
            return Ok(Self::SecretsManager { prefix });
        }
        for (scheme, http) in [("vault://", "https"), ("vault+http://", "http")] {
            let Some(rest) = text.strip_prefix(scheme) else {
                continue;
            };
            let (host, path) = rest
                .split_once('/')
                .ok_or_else(|| error("a mount and a path must follow the host"))?;
            if host.is_empty() || host.contains('@') {
                return Err(error("it must look like `vault://host:port/mount/path`"));
            }
            return Ok(Self::Vault(VaultLocation {
                server: Some(format!("{http}://{}", host.to_ascii_lowercase())),
                path: vault_path(path).ok_or_else(|| error(VAULT_PATH))?,
            }));
        }
        if let Some(path) = text.strip_prefix("vault:") {
            return Ok(Self::Vault(VaultLocation {
                server: None,
                path: vault_path(path).ok_or_else(|| error(VAULT_PATH))?,
            }));
        }
        if text.is_empty() {
            return Err(error("it is empty"));
        }
        // A scheme that is mistyped or of another program would become a folder of that name.
        let scheme = text.split_once(':').map(|(scheme, _)| scheme);
        let is_scheme = |scheme: &str| {
            !scheme.is_empty()
                && scheme
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        };
        if scheme.is_some_and(is_scheme) && !Path::new(text).exists() {
            return Err(error(
                "the places known are a folder, `vault://host:port/mount/path`, `vault:mount/path` and `aws-secretsmanager:PREFIX`; for a folder of this name write `./` before it",
            ));
        }
        Ok(Self::Folder(text.into()))
    }
}

const VAULT_PATH: &str = "a mount and at least one name in it must be given, such as `secret/keyferry`, of letters, digits and `-_.`";

/// A path of names, at least two: a store lies in a mount and is not one.
fn vault_path(path: &str) -> Option<String> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte);
    let sound = path.bytes().all(allowed) && path.contains('/');
    segments(path).filter(|_| sound)
}

/// A path none of whose names is empty or leads elsewhere.
fn segments(path: &str) -> Option<String> {
    path.split('/')
        .all(|name| !matches!(name, "" | "." | ".."))
        .then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_parse_and_are_written_back() {
        let vault = |server: Option<&str>, path: &str| {
            StoreAddress::Vault(VaultLocation {
                server: server.map(str::to_owned),
                path: path.to_owned(),
            })
        };
        for (text, expected) in [
            (
                "vault://Vault.example.org:8200/secret/keyferry",
                vault(Some("https://vault.example.org:8200"), "secret/keyferry"),
            ),
            (
                "vault+http://127.0.0.1:8200/secret/a/b/",
                vault(Some("http://127.0.0.1:8200"), "secret/a/b"),
            ),
            ("vault:secret/keyferry", vault(None, "secret/keyferry")),
            (
                "aws-secretsmanager:keyferry/prod/",
                StoreAddress::SecretsManager {
                    prefix: "keyferry/prod".to_owned(),
                },
            ),
            ("/srv/keys", StoreAddress::Folder("/srv/keys".into())),
            ("./vault:x/y", StoreAddress::Folder("./vault:x/y".into())),
        ] {
            let parsed: StoreAddress = text.parse().unwrap();
            assert_eq!(parsed, expected, "{text}");
            assert_eq!(parsed.to_string().parse(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_names_no_place_is_refused() {
        for text in [
            "",
            "vault:",
            "vault:secret",
            "vault:secret/",
            "vault:secret/../sys",
            "vault:secret//x",
            "vault:secret/a b",
            "vault://",
            "vault://host",
            "vault:///secret/x",
            "vault://user@host/secret/x",
            "aws-secretsmanager:",
            "aws-secretsmanager:a b",
            "aws-secretsmanager:/x",
            "s3://bucket/prefix",
            "openbao:secret/x",
            "vualt:secret/x",
        ] {
            assert!(text.parse::<StoreAddress>().is_err(), "{text}");
        }
    }

    #[test]
    fn each_place_has_a_working_copy_of_its_own() {
        let caches = Path::new("/home/x/.cache/keyferry");
        let one = StoreAddress::working_copy(caches, "vault://a/secret/x");
        let two = StoreAddress::working_copy(caches, "vault://b/secret/x");
        assert_ne!(one, two);
        assert!(one.starts_with(caches.join("stores")));
        assert_eq!(one.file_name().unwrap().len(), 32);
    }
}
