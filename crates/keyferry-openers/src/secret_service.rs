//! The secret service of the desktop session: GNOME Keyring, KWallet, KeePassXC.
//!
//! It keeps an age identity, and the opener's file is encrypted to that: `age` opens the file with
//! what `secret-tool lookup service keyferry username LABEL` prints. The session unlocks the service,
//! and asks the person to if it must.

use std::collections::HashMap;
use std::sync::mpsc;
use std::time::Duration;

use keyferry_keystore::{StoreId, WrapError};
use keyring_core::api::CredentialStoreApi;
use keyring_core::{Entry, Error};
use zbus_secret_service_keyring_store::Store;
use zeroize::Zeroizing;

const SERVICE: &str = "the secret service";

/// What the secrets' attribute `service` says.
const APPLICATION: &str = "keyferry";

/// How long a person may take to unlock it.
const PATIENCE: Duration = Duration::from_secs(120);

/// An identity's place in the secret service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretService {
    label: String,
}

impl SecretService {
    /// The place of an identity for a store; `recipient` is the identity's, so that no two share one.
    #[must_use]
    pub fn for_identity(store: &StoreId, recipient: &str) -> Self {
        Self {
            label: format!("{store}/{recipient}"),
        }
    }

    /// The place with this label, as an opener's file names it.
    #[must_use]
    pub fn labelled(label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
        }
    }

    /// The label.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Keeps an identity there, and makes sure that it is.
    ///
    /// # Errors
    /// [`WrapError`].
    pub fn keep(&self, identity: &Zeroizing<String>) -> Result<(), WrapError> {
        let identity = identity.clone();
        self.run(move |entry| {
            entry.set_password(&identity)?;
            let kept = Zeroizing::new(entry.get_password()?);
            Ok(*kept == *identity)
        })?
        .then_some(())
        .ok_or_else(|| WrapError::Malformed {
            service: SERVICE.to_owned(),
            reason: "it does not give back what it was given".to_owned(),
        })
    }

    /// The identity that it keeps.
    ///
    /// # Errors
    /// [`WrapError`].
    pub fn fetch(&self) -> Result<Zeroizing<String>, WrapError> {
        self.run(|entry| entry.get_password().map(Zeroizing::new))
    }

    /// Removes the identity.
    ///
    /// # Errors
    /// [`WrapError`].
    pub fn forget(&self) -> Result<(), WrapError> {
        self.run(|entry| entry.delete_credential())
    }

    /// Does something with the place, on a thread of its own: this one may be serving an async
    /// runtime, which must not block, and the service may never answer.
    fn run<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Entry) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, WrapError> {
        let (done, answer) = mpsc::channel();
        let label = self.label.clone();
        let worker = move || {
            let result = Store::new().and_then(|store| {
                let shown = format!("keyferry: opens key store {label}");
                let look = HashMap::from([("label", shown.as_str())]);
                act(&store.build(APPLICATION, &label, Some(&look))?)
            });
            // Nobody waits any more: the time was up.
            let _ = done.send(result);
        };
        let spawned = std::thread::Builder::new().spawn(worker);
        let unavailable = |reason: String| {
            WrapError::Unavailable {
            service: SERVICE.to_owned(),
            reason,
            hint: "run it in the desktop session whose keyring holds it, with the keyring unlocked; or open the store by another opener".to_owned(),
        }
        };
        spawned.map_err(|error| unavailable(error.to_string()))?;
        match answer.recv_timeout(PATIENCE) {
            Ok(result) => result.map_err(|error| failed(error, unavailable)),
            Err(_) => Err(unavailable("it does not answer".to_owned())),
        }
    }
}

fn failed(error: Error, unavailable: impl Fn(String) -> WrapError) -> WrapError {
    let refused = |reason: &str, hint: &str| WrapError::Refused {
        service: SERVICE.to_owned(),
        reason: reason.to_owned(),
        hint: hint.to_owned(),
    };
    match error {
        Error::NoEntry => refused(
            "it does not hold the identity",
            "run it in the session of the user who added this opener; if the keyring was made anew, add the opener again with `--replace`",
        ),
        Error::NoStorageAccess(_) => refused(
            "the keyring is locked",
            "unlock it, by logging in or when asked, and try again",
        ),
        Error::Ambiguous(_) => refused(
            "it holds several identities for this opener",
            "remove the surplus ones with the keyring's own program",
        ),
        // These hold the secret itself, so they are not repeated.
        Error::BadEncoding(_) | Error::BadDataFormat(..) => refused(
            "what it holds is no identity",
            "add the opener again with `--replace`",
        ),
        other => unavailable(other.to_string()),
    }
}
