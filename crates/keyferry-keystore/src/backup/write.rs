//! Backing up.

use keyferry_key::KeyId;

use super::TarDocuments;
use super::protection::BackupProtection;
use super::work::{Snapshot, Work};
use crate::journal::Event;
use crate::{Documents, Error, Store, WorkFactor};

/// How to back up.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct BackupOptions {
    /// What opens the backup, in place of what opens the store. Needed once by a store without
    /// passphrase.
    pub protection: Option<BackupProtection>,
    /// The work factor of a passphrase given so.
    pub work: WorkFactor,
}

/// What a backup did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackupReport {
    /// Where it is.
    pub place: String,
    /// How many of the store's keys it holds.
    pub keys: u32,
    /// Up to which line of the journal.
    pub line: u64,
    /// Documents that were sent.
    pub sent: u32,
    /// Documents that were there already.
    pub kept: u32,
    /// Keys that do not open in the store and so could not be backed up. If an earlier backup in
    /// this place holds one, it still does.
    pub unsound: Vec<UnsoundKey>,
    /// Documents that are no longer needed and could not be removed.
    pub left_over: Vec<String>,
}

/// A key that could not be backed up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsoundKey {
    /// The key.
    pub id: KeyId,
    /// Why, in a line.
    pub reason: String,
}

impl Store {
    /// Copies the store to a place, reads the copy back, and records it in the journal.
    ///
    /// # Errors
    /// [`BackupError`](super::BackupError); [`DocumentsError`](crate::DocumentsError) if the place
    /// fails; [`Error::ReadOnly`] for a store that may not be written; [`Error::Busy`],
    /// [`Error::Io`]. The backup in the place is then what it was before.
    pub fn back_up(
        &mut self,
        to: &dyn Documents,
        options: &BackupOptions,
    ) -> Result<BackupReport, Error> {
        self.back_up_and(to, options, || Ok(()))
    }

    /// The same into one tar file, which is replaced in one step.
    ///
    /// # Errors
    /// As for [`Self::back_up`].
    pub fn back_up_to_tar(
        &mut self,
        path: &std::path::Path,
        options: &BackupOptions,
    ) -> Result<BackupReport, Error> {
        let tar = TarDocuments::open_or_new(path)?;
        self.back_up_and(&tar, options, || tar.commit())
    }

    fn back_up_and(
        &mut self,
        to: &dyn Documents,
        options: &BackupOptions,
        commit: impl FnOnce() -> Result<(), Error>,
    ) -> Result<BackupReport, Error> {
        // The lock is held for a moment only: key files never change, and the journal only grows.
        let snapshot = {
            let _lock = self.begin_write()?;
            Snapshot::take(self)?
        };
        let mut work = Work::begin(self, to, &snapshot)?;
        work.documents(options)?;
        let mut report = work.finish()?;
        commit()?;
        let lock = self.begin_write()?;
        self.record(
            &lock,
            Event::BackedUp {
                to: report.place.clone(),
                keys: report.keys,
                seq: Some(report.line),
            },
        )?;
        report.left_over.sort_unstable();
        Ok(report)
    }
}
