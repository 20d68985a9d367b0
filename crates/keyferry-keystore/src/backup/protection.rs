//! How the identity is kept in a backup: never in the clear.

use age::x25519;

use super::BackupError;
use crate::identity::StoreIdentity;
use crate::{Error, Passphrase, StoreId, WorkFactor};

/// A public age key that a backup is made for.
#[derive(Clone)]
pub struct BackupRecipient(x25519::Recipient);

impl std::str::FromStr for BackupRecipient {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self).map_err(|_| {
            // A secret key given by mistake must not be shown again.
            let text = match text.to_ascii_uppercase().contains("SECRET") {
                true => "AGE-SECRET-KEY-...".to_owned(),
                false => text.to_owned(),
            };
            BackupError::InvalidRecipient { text }.into()
        })
    }
}

impl std::fmt::Display for BackupRecipient {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(formatter)
    }
}

impl std::fmt::Debug for BackupRecipient {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "BackupRecipient({})", self.0)
    }
}

/// What opens the identity in a backup, other than what opens it in the store.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum BackupProtection {
    /// A passphrase.
    Passphrase(Passphrase),
    /// Any of these age identities.
    Recipients(Vec<BackupRecipient>),
}

impl BackupProtection {
    /// The identity, protected so.
    pub(super) fn apply(
        &self,
        identity: &StoreIdentity,
        store: &StoreId,
        work: WorkFactor,
    ) -> Result<Vec<u8>, age::EncryptError> {
        match self {
            Self::Passphrase(passphrase) => identity.behind_passphrase(store, passphrase, work),
            Self::Recipients(recipients) => {
                let recipients: Vec<_> = recipients.iter().map(|each| each.0.clone()).collect();
                identity.to_recipients(store, &recipients)
            }
        }
    }
}
