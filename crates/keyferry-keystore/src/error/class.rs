//! What an error is about.

use crate::Error;

/// What an error is about, for exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorClass {
    /// What was asked for makes no sense here.
    Usage,
    /// The key asked for is not to be had.
    UnknownKey,
    /// The store does not open with what was given.
    Locked,
    /// The store is damaged, read-only or not safe to use.
    Damaged,
    /// Something has to be settled first.
    Preflight,
    /// The machine failed: disk, randomness, locks.
    Failure,
}

impl Error {
    /// What the error is about.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::StoreExists { .. }
            | Self::NotEmpty { .. }
            | Self::BadPath { .. }
            | Self::EmptyPassphrase
            | Self::NotProtected { .. }
            | Self::InvalidRing { .. }
            | Self::InvalidOpenerName { .. }
            | Self::OpenerExists { .. }
            | Self::UnknownOpener { .. }
            | Self::LastOpener { .. }
            | Self::RingHasActive { .. }
            | Self::Transition { .. }
            | Self::NotScheduled { .. }
            | Self::NotDue { .. }
            | Self::InOtherRing { .. }
            | Self::SheetNeedsPassphrase
            | Self::IsWorkingCopy { .. }
            | Self::OtherPlace { .. }
            | Self::WorkingCopyLeft { .. }
            | Self::PlaceNotEmpty { .. }
            | Self::Unprotected { .. }
            | Self::ExportExists { .. } => ErrorClass::Usage,
            Self::Backup(error) => error.class(),
            Self::Shares(error) => error.class(),
            Self::NotEscrowed(_) => ErrorClass::Preflight,
            Self::UnknownKey { .. } | Self::NoActiveKey { .. } | Self::Destroyed { .. } => {
                ErrorClass::UnknownKey
            }
            Self::NoStore { .. }
            | Self::WrongPassphrase { .. }
            | Self::PassphraseNeeded { .. }
            | Self::Place(_)
            | Self::Overtaken { .. }
            | Self::KeptOvertaken { .. }
            | Self::OpenerNotProven { .. }
            | Self::ProofFailed { .. }
            | Self::OpenerFailed { .. }
            | Self::NoOpenerFits { .. }
            | Self::RecipientUnusable { .. }
            | Self::IdentityUnusable { .. }
            | Self::IdentityLocked { .. }
            | Self::IdentityPassphrase { .. }
            | Self::PluginMissing { .. }
            | Self::Busy { .. } => ErrorClass::Locked,
            Self::Permissions(_)
            | Self::IdentityDamaged { .. }
            | Self::ManifestDamaged { .. }
            | Self::OpenerDamaged { .. }
            | Self::NewerFormat { .. }
            | Self::ReadOnly { .. }
            | Self::OtherStore { .. }
            | Self::Unfinished { .. }
            | Self::KeyFileMissing { .. }
            | Self::KeyFileDamaged { .. }
            | Self::Md5Collision { .. } => ErrorClass::Damaged,
            Self::NoLocks { .. }
            | Self::Io { .. }
            | Self::Generate(_)
            | Self::Unwritable { .. }
            | Self::ReadBack { .. } => ErrorClass::Failure,
        }
    }
}
