//! What people hold to open a store: age identities, ssh keys, identities of age plugins.

use std::io::Read;
use std::iter;
use std::sync::Arc;

use age::secrecy::SecretString;
use age::{Decryptor, IdentityFile, scrypt, x25519};
use secrecy::ExposeSecret;
use zeroize::Zeroizing;

use super::Recipient;
use crate::identity::AGE_MAGIC;
use crate::{Error, Passphrase, WorkFactor};

/// How a person is asked, by an identity that has a passphrase or by a plugin.
pub trait Prompt: Send + Sync {
    /// Asks for a secret; `None` if there is nobody to ask.
    fn secret(&self, question: &str) -> Option<Passphrase>;
    /// Asks for something that may be seen.
    fn line(&self, question: &str) -> Option<String>;
    /// Asks to choose between two answers; true for the first.
    fn confirm(&self, question: &str, yes: &str, no: Option<&str>) -> Option<bool>;
    /// Tells something: to touch a key, for example.
    fn tell(&self, message: &str);
}

/// Nobody to ask.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoPrompt;

impl Prompt for NoPrompt {
    fn secret(&self, _: &str) -> Option<Passphrase> {
        None
    }

    fn line(&self, _: &str) -> Option<String> {
        None
    }

    fn confirm(&self, _: &str, _: &str, _: Option<&str>) -> Option<bool> {
        None
    }

    fn tell(&self, _: &str) {}
}

/// A [`Prompt`] as age wants it.
#[derive(Clone)]
pub(super) struct Asking(pub(super) Arc<dyn Prompt>);

impl age::Callbacks for Asking {
    fn display_message(&self, message: &str) {
        self.0.tell(message);
    }

    fn confirm(&self, message: &str, yes: &str, no: Option<&str>) -> Option<bool> {
        self.0.confirm(message, yes, no)
    }

    fn request_public_string(&self, description: &str) -> Option<String> {
        self.0.line(description)
    }

    fn request_passphrase(&self, description: &str) -> Option<SecretString> {
        self.0.secret(description).map(|given| given.secret())
    }
}

/// Identities that open age files: X25519, ssh keys, those of plugins. Shown nowhere.
#[derive(Clone)]
pub struct Identities(Arc<[Box<dyn age::Identity + Send + Sync>]>);

impl Identities {
    /// Reads an identity file of age, or a private ssh key. Either may be encrypted with a
    /// passphrase, which is asked for. `name` is what the file is called in messages.
    ///
    /// # Errors
    /// [`Error::IdentityUnusable`]; [`Error::IdentityLocked`] if nobody can be asked for its
    /// passphrase, [`Error::IdentityPassphrase`] if that is wrong; [`Error::PluginMissing`].
    pub fn parse(bytes: &[u8], name: &str, prompt: &Arc<dyn Prompt>) -> Result<Self, Error> {
        if bytes.starts_with(b"-----BEGIN ") {
            return ssh(bytes, name, prompt);
        }
        if bytes.starts_with(AGE_MAGIC) {
            return native(&decrypt(bytes, name, prompt)?, name, prompt);
        }
        native(bytes, name, prompt)
    }

    /// Makes a new X25519 identity: to use, to encrypt to, and as text to keep somewhere.
    #[must_use]
    pub fn generate() -> (Self, Recipient, Zeroizing<String>) {
        let identity = x25519::Identity::generate();
        let text = Zeroizing::new(identity.to_string().expose_secret().to_owned());
        let recipient = Recipient::x25519(identity.to_public());
        (Self::new(vec![Box::new(identity)]), recipient, text)
    }

    fn new(identities: Vec<Box<dyn age::Identity + Send + Sync>>) -> Self {
        Self(identities.into())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &dyn age::Identity> {
        self.0.iter().map(|identity| {
            let identity: &dyn age::Identity = &**identity;
            identity
        })
    }
}

impl std::fmt::Debug for Identities {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Identities({})", self.0.len())
    }
}

fn unusable(name: &str, reason: impl Into<String>, hint: &'static str) -> Error {
    Error::IdentityUnusable {
        file: name.to_owned(),
        reason: reason.into(),
        hint,
    }
}

/// Decrypts an identity file that `age -p` made.
fn decrypt(
    bytes: &[u8],
    name: &str,
    prompt: &Arc<dyn Prompt>,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let damaged = |_| unusable(name, "it is a damaged age file", "take a copy of it");
    let decryptor = Decryptor::new_buffered(bytes).map_err(damaged)?;
    if !decryptor.is_scrypt() {
        return Err(unusable(
            name,
            "it is an age file that is not encrypted with a passphrase",
            "give the identity file that opens it",
        ));
    }
    let passphrase = prompt
        .secret(&format!("Passphrase of `{name}`: "))
        .ok_or_else(|| Error::IdentityLocked {
            file: name.to_owned(),
        })?;
    let mut identity = scrypt::Identity::new(passphrase.secret());
    identity.set_max_work_factor(WorkFactor::MAX.log2());
    let identity: &dyn age::Identity = &identity;
    let mut text = Zeroizing::new(Vec::with_capacity(bytes.len()));
    decryptor
        .decrypt(iter::once(identity))
        .map_err(|_| Error::IdentityPassphrase {
            file: name.to_owned(),
        })?
        .read_to_end(&mut text)
        .map_err(|_| unusable(name, "it is a damaged age file", "take a copy of it"))?;
    Ok(text)
}

fn native(bytes: &[u8], name: &str, prompt: &Arc<dyn Prompt>) -> Result<Identities, Error> {
    const HINT: &str = "give a file that `age-keygen` or a plugin made, or a private ssh key";
    let is_plugin = bytes
        .split(|byte| *byte == b'\n')
        .any(|line| line.starts_with(b"AGE-PLUGIN-"));
    if is_plugin && !cfg!(feature = "plugin") {
        return Err(unusable(
            name,
            "it is for an age plugin, and this keyferry was built without them",
            "build keyferry with the feature `plugin`",
        ));
    }
    // The message names a line, never its content.
    let file = IdentityFile::from_buffer(bytes)
        .map_err(|_| unusable(name, "it holds something else than age identities", HINT))?;
    let identities = file
        .with_callbacks(Asking(Arc::clone(prompt)))
        .into_identities()
        .map_err(|error| match error {
            #[cfg(feature = "plugin")]
            age::DecryptError::PluginResolve(error) => super::recipient::plugin_missing(&error),
            _ => unusable(name, "its identities cannot be used", HINT),
        })?;
    if identities.is_empty() {
        return Err(unusable(name, "it holds no identity", HINT));
    }
    Ok(Identities::new(identities))
}

#[cfg(not(feature = "ssh"))]
fn ssh(_: &[u8], name: &str, _: &Arc<dyn Prompt>) -> Result<Identities, Error> {
    Err(unusable(
        name,
        "it looks like an ssh key, and this keyferry was built without them",
        "build keyferry with the feature `ssh`",
    ))
}

#[cfg(feature = "ssh")]
fn ssh(bytes: &[u8], name: &str, prompt: &Arc<dyn Prompt>) -> Result<Identities, Error> {
    use age::ssh::{Identity, UnsupportedKey};

    let identity = Identity::from_buffer(bytes, None).map_err(|_| {
        unusable(
            name,
            "it is not a private ssh key that can be read",
            "give the private half of an ssh-ed25519 or ssh-rsa key",
        )
    })?;
    let identity = match identity {
        Identity::Unencrypted(_) => identity,
        Identity::Encrypted(encrypted) => {
            let passphrase = prompt
                .secret(&format!("Passphrase of the ssh key `{name}`: "))
                .ok_or_else(|| Error::IdentityLocked {
                    file: name.to_owned(),
                })?;
            let decrypted = encrypted.decrypt(passphrase.secret());
            Identity::from(decrypted.map_err(|_| Error::IdentityPassphrase {
                file: name.to_owned(),
            })?)
        }
        Identity::Unsupported(key) => {
            let (reason, hint) = match key {
                UnsupportedKey::EncryptedPem => (
                    "it has the old format, whose encryption is weak".to_owned(),
                    "`ssh-keygen -o -p -f FILE` gives it the new one",
                ),
                UnsupportedKey::EncryptedSsh(cipher) => (
                    format!("it is encrypted with `{cipher}`, which is not known here"),
                    "`ssh-keygen -p -Z aes256-ctr -f FILE` encrypts it otherwise",
                ),
                UnsupportedKey::Hardware(kind) => (
                    format!("`{kind}` keys live in a security key, which only signs"),
                    "use a plugin such as age-plugin-yubikey or age-plugin-fido2-hmac",
                ),
                UnsupportedKey::Type(kind) => (
                    format!("`{kind}` keys cannot decrypt"),
                    "use an ssh-ed25519 or ssh-rsa key",
                ),
            };
            return Err(unusable(name, reason, hint));
        }
    };
    Ok(Identities::new(vec![Box::new(identity)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Identities, Error> {
        let nobody: Arc<dyn Prompt> = Arc::new(NoPrompt);
        Identities::parse(text.as_bytes(), "file", &nobody)
    }

    #[test]
    fn identity_files_are_read_and_shown_nowhere() {
        let (_, _, text) = Identities::generate();
        let read = parse(&format!("# a comment\n{}\n", *text)).unwrap();
        assert_eq!(format!("{read:?}"), "Identities(1)");
        for bad in [
            "",
            "# nothing\n",
            "age1notanidentity\n",
            "-----BEGIN X-----\n",
        ] {
            let error = parse(bad).unwrap_err();
            assert!(matches!(error, Error::IdentityUnusable { .. }), "{bad:?}");
        }
        let error = parse(&format!("{}\nsecret stuff", *text)).unwrap_err();
        assert!(!error.to_string().contains("stuff"), "{error}");
    }
}
