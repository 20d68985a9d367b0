//! A path in a KV version 2 mount of HashiCorp Vault or OpenBao.
//!
//! Each document is a secret with one field, `content`, in base64. `options.cas` is the compare-and-set:
//! <https://openbao.org/api-docs/secret/kv/kv-v2/>. A mount of version 1 has none, and would take a
//! request for version 2 as the name of a secret, so the mount is asked what it is before anything else.

use std::sync::OnceLock;

use base64::prelude::{BASE64_STANDARD, Engine};
use keyferry_keystore::{Document, Documents, DocumentsError, Expected, Revision};
use keyferry_vault::{Method, Vault, VaultError};
use serde_json::{Value, json};
use zeroize::Zeroizing;

const FIELD: &str = "content";

/// How deep names are nested at most, `keys/<ring>/<id>` and some.
const DEEPEST: usize = 8;

/// A path in a KV version 2 mount.
#[derive(Debug)]
pub struct VaultKv {
    vault: Vault,
    /// Mount and path together.
    path: String,
    place: String,
    mount: OnceLock<Mount>,
}

/// Where the mount ends in the path, and what follows.
#[derive(Debug, Clone)]
struct Mount {
    mount: String,
    below: String,
}

impl VaultKv {
    /// A path on a server: the mount and what follows it. Nothing is asked yet.
    #[must_use]
    pub fn new(vault: Vault, path: &str) -> Self {
        let address = vault.address().as_str();
        let at = match address.split_once("://") {
            Some(("http", host)) => format!("vault+http://{host}"),
            Some((_, host)) => format!("vault://{host}"),
            None => address.to_owned(),
        };
        let place = match vault.namespace() {
            Some(namespace) => format!("{at}/{path} (namespace {namespace})"),
            None => format!("{at}/{path}"),
        };
        Self {
            vault,
            path: path.to_owned(),
            place,
            mount: OnceLock::new(),
        }
    }

    fn error(&self, action: &'static str, name: &str, error: &VaultError) -> DocumentsError {
        let hint = error.hint();
        if error.is_unavailable() {
            return DocumentsError::Unreachable {
                place: self.place.clone(),
                reason: error.to_string(),
                hint,
            };
        }
        self.failed(action, name, error.to_string(), hint)
    }

    fn failed(
        &self,
        action: &'static str,
        name: &str,
        reason: String,
        hint: Option<String>,
    ) -> DocumentsError {
        DocumentsError::Failed {
            action,
            place: self.place.clone(),
            name: name.to_owned(),
            reason,
            hint,
        }
    }

    fn conflict(&self, name: &str) -> DocumentsError {
        DocumentsError::Conflict {
            place: self.place.clone(),
            name: name.to_owned(),
        }
    }

    /// Finds the mount and makes sure that it is one of KV version 2.
    fn mount(&self, action: &'static str, name: &str) -> Result<&Mount, DocumentsError> {
        if let Some(mount) = self.mount.get() {
            return Ok(mount);
        }
        let asked = format!("sys/internal/ui/mounts/{}", self.path);
        let answer = self.vault.call::<Value>(Method::Get, &asked, None::<&()>);
        let mount = match answer {
            Ok(answer) => self.judge_mount(action, name, &answer)?,
            Err(VaultError::Denied { .. }) => self.guess_mount(action, name)?,
            Err(error) => return Err(self.error(action, name, &error)),
        };
        Ok(self.mount.get_or_init(|| mount))
    }

    fn judge_mount(
        &self,
        action: &'static str,
        name: &str,
        answer: &Value,
    ) -> Result<Mount, DocumentsError> {
        let text = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str);
        let mount = text("/data/path").unwrap_or_default();
        let kind = text("/data/type").unwrap_or_default();
        let version = text("/data/options/version");
        let mount_name = mount.trim_end_matches('/');
        if !matches!(kind, "kv" | "generic") {
            return Err(self.failed(
                action,
                name,
                format!("the mount `{mount_name}` is one of `{kind}` and keeps no secrets"),
                Some(
                    "name a mount of the key/value engine: `vault secrets list` shows the mounts"
                        .to_owned(),
                ),
            ));
        }
        if version != Some("2") {
            return Err(self.failed(
                action,
                name,
                format!("the mount `{mount_name}` is one of KV version 1, in which writers overwrite each other"),
                Some(format!(
                    "`vault kv enable-versioning {mount_name}` makes it one of version 2; or name another mount"
                )),
            ));
        }
        match self.path.strip_prefix(mount) {
            Some(below) if !below.is_empty() => Ok(Mount {
                mount: mount_name.to_owned(),
                below: below.to_owned(),
            }),
            _ => Err(self.failed(
                action,
                name,
                format!("`{}` is a mount, and a store lies in one", self.path),
                Some(format!(
                    "name a path in it, such as `{}/keyferry`",
                    self.path
                )),
            )),
        }
    }

    /// The server does not tell of the mount: it is not there, or the token may not see it.
    fn guess_mount(&self, action: &'static str, name: &str) -> Result<Mount, DocumentsError> {
        let (mount, below) = self.path.split_once('/').unwrap_or((&self.path, ""));
        let probe = format!("{mount}/data/{below}/store.toml");
        let error = match self
            .vault
            .call::<Value>(Method::Get, &probe, None::<&()>)
        {
            Ok(answer) if answer.pointer("/data/metadata/version").is_some() => {
                return Ok(Mount {
                    mount: mount.to_owned(),
                    below: below.to_owned(),
                });
            }
            Ok(_) => self.failed(
                action,
                name,
                format!("the mount `{mount}` is not one of KV version 2"),
                None,
            ),
            Err(VaultError::NotFound { errors, .. })
                if errors.iter().any(|error| error.contains("route")) =>
            {
                self.failed(
                    action,
                    name,
                    format!("there is no mount `{mount}`"),
                    Some(format!(
                        "`vault secrets list` shows the mounts; `vault secrets enable -path={mount} kv-v2` makes this one"
                    )),
                )
            }
            Err(error) => self.error(action, name, &error),
        };
        Err(error)
    }

    fn data(&self, mount: &Mount, name: &str) -> String {
        format!("{}/data/{}/{name}", mount.mount, mount.below)
    }

    fn metadata(&self, mount: &Mount, name: &str) -> String {
        format!("{}/metadata/{}/{name}", mount.mount, mount.below)
    }

    /// The version of a document whose content somebody deleted; a new one can only follow it.
    fn deleted_version(&self, mount: &Mount, name: &str) -> Result<Option<u64>, DocumentsError> {
        let path = self.data(mount, name);
        match self.vault.call::<Value>(Method::Get, &path, None::<&()>) {
            Err(VaultError::NotFound { body, .. }) => Ok(body
                .pointer("/data/metadata/version")
                .and_then(Value::as_u64)),
            Err(error) => Err(self.error("write", name, &error)),
            Ok(_) => Ok(None),
        }
    }

    fn write_at(
        &self,
        mount: &Mount,
        name: &str,
        bytes: &[u8],
        version: u64,
    ) -> Result<Revision, DocumentsError> {
        let body = json!({
            "options": {"cas": version},
            "data": {FIELD: BASE64_STANDARD.encode(bytes)},
        });
        let path = self.data(mount, name);
        let answer: Value = match self.vault.call(Method::Post, &path, Some(&body)) {
            Err(VaultError::Refused {
                status: 400,
                errors,
                ..
            }) if errors.iter().any(|error| error.contains("check-and-set")) => {
                return Err(self.conflict(name));
            }
            Err(error) => return Err(self.error("write", name, &error)),
            Ok(answer) => answer,
        };
        let version = answer.pointer("/data/version").and_then(Value::as_u64);
        version
            .map(|version| Revision(version.to_string()))
            .ok_or_else(|| self.unreadable("write", name))
    }

    fn unreadable(&self, action: &'static str, name: &str) -> DocumentsError {
        let reason = "the answer is not one of KV version 2".to_owned();
        self.failed(action, name, reason, None)
    }

    fn names_below(
        &self,
        mount: &Mount,
        folder: &str,
        depth: usize,
        names: &mut Vec<String>,
    ) -> Result<(), DocumentsError> {
        let path = self.metadata(mount, folder);
        let path = path.trim_end_matches('/');
        let answer: Value = match self.vault.call(Method::List, path, None::<&()>) {
            Err(VaultError::NotFound { errors, .. }) if errors.is_empty() => return Ok(()),
            Err(error) => return Err(self.error("list", folder, &error)),
            Ok(answer) => answer,
        };
        let listed = answer.pointer("/data/keys").and_then(Value::as_array);
        for name in listed.into_iter().flatten().filter_map(Value::as_str) {
            let name = format!("{folder}{name}");
            if !name.ends_with('/') {
                names.push(name);
            } else if depth < DEEPEST {
                self.names_below(mount, &name, depth + 1, names)?;
            }
        }
        Ok(())
    }
}

impl Documents for VaultKv {
    fn place(&self) -> String {
        self.place.clone()
    }

    fn names(&self, prefix: &str) -> Result<Vec<String>, DocumentsError> {
        let mount = self.mount("list", prefix)?;
        // What is listed is a folder; a prefix may end within a name.
        let folder = prefix
            .rfind('/')
            .map_or("", |end| prefix.get(..=end).unwrap_or_default());
        let mut names = Vec::new();
        self.names_below(mount, folder, 0, &mut names)?;
        names.retain(|name| name.starts_with(prefix));
        names.sort_unstable();
        Ok(names)
    }

    fn read(&self, name: &str) -> Result<Option<Document>, DocumentsError> {
        let mount = self.mount("read", name)?;
        let path = self.data(mount, name);
        let answer: Value = match self.vault.call(Method::Get, &path, None::<&()>) {
            // With errors, it is the mount that is not there.
            Err(VaultError::NotFound { errors, .. }) if errors.is_empty() => return Ok(None),
            Err(error) => return Err(self.error("read", name, &error)),
            Ok(answer) => answer,
        };
        let content = answer
            .pointer(&format!("/data/data/{FIELD}"))
            .and_then(Value::as_str);
        let version = answer
            .pointer("/data/metadata/version")
            .and_then(Value::as_u64);
        let bytes = content.and_then(|content| BASE64_STANDARD.decode(content).ok());
        match (bytes, version) {
            (Some(bytes), Some(version)) => Ok(Some(Document {
                bytes: Zeroizing::new(bytes),
                revision: Revision(version.to_string()),
            })),
            _ => Err(self.failed(
                "read",
                name,
                format!("its field `{FIELD}` is missing or not base64: something else wrote it"),
                Some("name another path; a store needs one of its own".to_owned()),
            )),
        }
    }

    fn write(
        &self,
        name: &str,
        bytes: &[u8],
        expected: Expected,
    ) -> Result<Revision, DocumentsError> {
        let mount = self.mount("write", name)?;
        match expected {
            Expected::At(Revision(version)) => {
                let version = version.parse().map_err(|_| self.conflict(name))?;
                self.write_at(mount, name, bytes, version)
            }
            Expected::Absent => match self.write_at(mount, name, bytes, 0) {
                Err(DocumentsError::Conflict { .. }) => match self.deleted_version(mount, name)? {
                    Some(version) => self.write_at(mount, name, bytes, version),
                    None => Err(self.conflict(name)),
                },
                written => written,
            },
        }
    }

    fn remove(&self, name: &str) -> Result<(), DocumentsError> {
        let mount = self.mount("remove", name)?;
        let path = self.metadata(mount, name);
        match self.vault.call::<Value>(Method::Delete, &path, None::<&()>) {
            Err(VaultError::NotFound { errors, .. }) if errors.is_empty() => Ok(()),
            Err(error) => Err(self.error("remove", name, &error)),
            Ok(_) => Ok(()),
        }
    }
}
