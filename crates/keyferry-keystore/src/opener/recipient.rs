//! Public halves: age recipients, ssh public keys, recipients of plugins.

use std::collections::HashSet;
use std::sync::Arc;

use age::{EncryptError, x25519};
use age_core::format::{FileKey, Stanza};

use super::identities::Prompt;
use super::{OpenerKind, OpenerName};
use crate::Error;

/// Somebody that the store's identity is encrypted to. The private half is not here, so whether it
/// opens is only known once it did.
#[derive(Clone)]
pub struct Recipient {
    kind: OpenerKind,
    detail: String,
    /// Arguments of the stanza by which the opener is recognised, where the private half is kept in
    /// a place of its own.
    mark: Option<Vec<String>>,
    inner: Arc<dyn age::Recipient + Send + Sync>,
}

impl Recipient {
    /// Reads an age recipient: X25519, or one of a plugin, which is asked for when it is encrypted
    /// to.
    ///
    /// # Errors
    /// [`Error::RecipientUnusable`], [`Error::PluginMissing`].
    pub fn age(text: &str, prompt: &Arc<dyn Prompt>) -> Result<Self, Error> {
        if let Ok(recipient) = text.parse() {
            return Ok(Self::x25519(recipient));
        }
        if text.starts_with("AGE-SECRET-KEY-") || text.starts_with("AGE-PLUGIN-") {
            return Err(Error::RecipientUnusable {
                // What was given is a secret and is not repeated.
                text: "AGE-…".to_owned(),
                reason: "it is the private half".to_owned(),
                hint: "give the public half, `age1…`; consider the private one known to others",
            });
        }
        plugin(text, prompt)
    }

    pub(super) fn x25519(recipient: x25519::Recipient) -> Self {
        Self {
            kind: OpenerKind::Age,
            detail: recipient.to_string(),
            mark: None,
            inner: Arc::new(recipient),
        }
    }

    /// Reads a public ssh key, a line of `id_ed25519.pub` or `authorized_keys`.
    ///
    /// # Errors
    /// [`Error::RecipientUnusable`].
    #[cfg(feature = "ssh")]
    pub fn ssh(text: &str) -> Result<Self, Error> {
        use age::ssh::ParseRecipientKeyError;

        let line = text.trim();
        let parsed = line.parse::<age::ssh::Recipient>();
        let recipient = parsed.map_err(|error| Error::RecipientUnusable {
            text: line.split_whitespace().next().unwrap_or("").to_owned(),
            reason: match error {
                ParseRecipientKeyError::RsaModulusTooSmall => {
                    "RSA keys below 2048 bits are too weak".to_owned()
                }
                ParseRecipientKeyError::RsaModulusTooLarge => {
                    "RSA keys above 4096 bits are not supported".to_owned()
                }
                ParseRecipientKeyError::Unsupported(kind) => {
                    format!("`{kind}` keys cannot be encrypted to")
                }
                _ => "it is not a public ssh key".to_owned(),
            },
            hint: "give an ssh-ed25519 or ssh-rsa public key, one line, as in `id_ed25519.pub`",
        })?;
        Ok(Self {
            kind: OpenerKind::Ssh,
            detail: recipient.to_string(),
            mark: None,
            inner: Arc::new(recipient),
        })
    }

    /// Marks the private half as kept in a place where it is found by this label. Anything but
    /// printable ASCII without spaces makes encrypting fail.
    #[must_use]
    pub fn kept_in(self, kind: OpenerKind, label: &str) -> Self {
        Self {
            kind,
            detail: label.to_owned(),
            mark: Some(vec![label.to_owned()]),
            ..self
        }
    }

    /// The kind of opener it makes.
    #[must_use]
    pub fn kind(&self) -> OpenerKind {
        self.kind
    }

    /// What it is, as people know it.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl age::Recipient for Recipient {
    fn wrap_file_key(
        &self,
        file_key: &FileKey,
    ) -> Result<(Vec<Stanza>, HashSet<String>), EncryptError> {
        let (mut stanzas, labels) = self.inner.wrap_file_key(file_key)?;
        // Before the others, and ignored by `age`, which so opens the file with the private half.
        if let (Some(args), Some(tag)) = (&self.mark, self.kind.own_tag()) {
            if !args.iter().all(age_core::format::is_arbitrary_string) {
                let reason = "the label cannot be written into an age file";
                return Err(EncryptError::Io(std::io::Error::other(reason)));
            }
            let mark = Stanza {
                tag: tag.to_owned(),
                args: args.clone(),
                body: Vec::new(),
            };
            stanzas.insert(0, mark);
        }
        Ok((stanzas, labels))
    }
}

impl std::fmt::Debug for Recipient {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Recipient")
            .field("kind", &self.kind)
            .field("detail", &self.detail)
            .finish_non_exhaustive()
    }
}

/// The name that an opener of this kind gets if none is given.
impl From<OpenerKind> for OpenerName {
    fn from(kind: OpenerKind) -> Self {
        // Every kind's text is a name.
        kind.as_str()
            .parse()
            .unwrap_or_else(|_: Error| Self::passphrase())
    }
}

fn malformed(text: &str) -> Error {
    Error::RecipientUnusable {
        text: text.to_owned(),
        reason: "it is not an age recipient".to_owned(),
        hint: "an age recipient begins with `age1`; `age-keygen -y FILE` prints that of an identity",
    }
}

#[cfg(not(feature = "plugin"))]
fn plugin(text: &str, _: &Arc<dyn Prompt>) -> Result<Recipient, Error> {
    Err(malformed(text))
}

#[cfg(feature = "plugin")]
fn plugin(text: &str, prompt: &Arc<dyn Prompt>) -> Result<Recipient, Error> {
    use super::identities::Asking;

    let recipient: age::plugin::Recipient = text.parse().map_err(|_| malformed(text))?;
    let asking = Asking(Arc::clone(prompt));
    let name = recipient.plugin().to_owned();
    let inner = age::plugin::RecipientPluginV1::new(&name, &[recipient], &[], asking)
        .map_err(|error| plugin_missing(&error))?;
    Ok(Recipient {
        kind: OpenerKind::Plugin,
        detail: text.to_owned(),
        mark: None,
        inner: Arc::new(inner),
    })
}

#[cfg(feature = "plugin")]
pub(super) fn plugin_missing(error: &age::plugin::ResolveError) -> Error {
    use age::plugin::ResolveError;

    let binary = match error {
        ResolveError::MissingPlugin { binary_name } => binary_name.clone(),
        ResolveError::InvalidPluginName { name } => format!("age-plugin-{name}"),
        _ => "age-plugin-…".to_owned(),
    };
    Error::PluginMissing { binary }
}
