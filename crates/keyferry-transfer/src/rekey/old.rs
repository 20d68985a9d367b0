//! Versions that are not current. None can be re-encrypted in place: a version never changes, and a
//! copy of one would become the current version of its object.

use std::future::ready;

use futures::stream::StreamExt;
use keyferry_key::KeyId;

use super::Rekeyer;
use super::look::Look;
use crate::{ListedVersion, Listing, Scope, TransferError};

/// A version that is not current.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldVersion {
    /// The version.
    pub version: ListedVersion,
    /// What it is under.
    pub under: Under,
}

/// What a version is under.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Under {
    /// This key, which HEAD proved.
    Key(KeyId),
    /// A customer key that is none of those that were tried.
    UnknownKey,
    /// No customer key.
    NoKey,
    /// It could not be found out, because of this.
    Unclear(String),
}

impl Rekeyer<'_> {
    /// Finds out what each version in a scope is under that is not current. Reads only; two or more
    /// requests a version.
    ///
    /// # Errors
    /// When the versions cannot be listed, and when the token is cancelled.
    pub async fn old_versions(
        &self,
        scope: &Scope,
        mut each: impl FnMut(OldVersion),
    ) -> Result<(), TransferError> {
        let listing = Listing::new(self.client, &self.rekey.bucket, scope.clone())
            .versions()
            .filter(|version| ready(version.as_ref().map_or(true, |version| !version.is_latest)))
            .map(|version| async move {
                let version = version?;
                let under = self.under(&version).await;
                Ok::<_, TransferError>(under.map(|under| OldVersion { version, under }))
            })
            .buffered(self.rekey.concurrency.get());
        let mut listing = std::pin::pin!(listing);
        while let Some(version) = self
            .cancel
            .run_until_cancelled(listing.next())
            .await
            .ok_or(TransferError::Interrupted)?
        {
            if let Some(version) = version? {
                each(version);
            }
        }
        Ok(())
    }

    /// What a version is under; `None` if it is gone.
    async fn under(&self, version: &ListedVersion) -> Option<Under> {
        match self.look(version, version.version_id.as_deref()).await {
            Ok(Look::Found(found)) => {
                Some(found.key_id().cloned().map_or(Under::NoKey, Under::Key))
            }
            Ok(Look::UnknownKey { .. }) => Some(Under::UnknownKey),
            Ok(Look::Gone) => None,
            Err(error) => Some(Under::Unclear(error.to_string())),
        }
    }
}
