//! A new version of an object that is what the old one is, under the same key.
//!
//! Replication takes it up as it takes up an upload. By itself it never tries a version again that
//! failed, nor one that is older than the rule (S3-REPL-2). S3 copies the object onto itself and is given its key twice; the
//! course is that of re-encrypting, and so are its checks.

use super::facts::Facts;
use super::outcome::Handled;
use super::{ListedVersion, Rekeyer};
use crate::TransferError;

impl Rekeyer<'_> {
    /// Makes a new version of one object, from the version that is named; of [`Rekey::renewing`](super::Rekey::renewing).
    ///
    /// Only the current version is copied: a copy of an older one would take its place. When there is a
    /// newer one, the outcome is [`Outcome::Already`](super::Outcome::Already).
    ///
    /// # Cancellation
    /// Cancel the token and wait: a copy in one piece completes, one in parts is aborted.
    pub async fn renew(&self, version: ListedVersion) -> Handled {
        self.handle(version).await
    }

    /// Aborts multipart uploads that earlier runs had left and this one had no use for.
    ///
    /// # Errors
    /// When one cannot be aborted, or the record of them not be written.
    pub async fn finish(&self) -> Result<(), TransferError> {
        self.sweep().await
    }

    /// Whether a version is under the right key and is to be made anew all the same.
    pub(super) fn is_to_be_renewed(&self, listed: &ListedVersion, found: &Facts) -> bool {
        self.rekey.renew && found.version_id == listed.version_id
    }
}
