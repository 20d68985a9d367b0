//! What an error means for what is done next.

use crate::TransferError;

/// What of an error decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The transfer failed.
    Failure,
    /// The key is wrong, missing or not the one the object needs.
    Key,
    /// The transfer was interrupted.
    Interrupted,
}

impl TransferError {
    /// What decides the exit code.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::WrongKey { .. } | Self::MissingKey { .. } | Self::NotCustomerEncrypted { .. } => {
                ErrorKind::Key
            }
            Self::Interrupted => ErrorKind::Interrupted,
            Self::LeftBehind { cause, .. } | Self::Resumable { cause, .. } => cause.kind(),
            _ => ErrorKind::Failure,
        }
    }

    /// True when the same would happen to every object of the bucket, now.
    #[must_use]
    pub fn concerns_all(&self) -> bool {
        if let Self::Resumable { cause, .. } = self {
            return cause.concerns_all();
        }
        self.is_about_credentials()
            || matches!(
                self,
                Self::NoSuchBucket { .. }
                    | Self::RegionMismatch { .. }
                    | Self::UntrustedCertificate { .. }
                    | Self::ConnectionRefused { .. }
                    | Self::HostNotFound { .. }
                    | Self::SseCBlocked { .. }
                    | Self::SseCNotConfirmed { .. }
                    | Self::RekeyRecord { .. }
            )
    }

    /// True when the trouble may be over when the same is asked again, so that what was transferred
    /// is worth keeping.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Service { answer, .. } => answer.status >= 500,
            Self::Interrupted
            | Self::ConnectionLost { .. }
            | Self::ConnectionRefused { .. }
            | Self::HostNotFound { .. }
            | Self::TimedOut { .. }
            | Self::Throttled { .. } => true,
            other => other.is_about_credentials(),
        }
    }

    /// True when nothing is wrong with what was asked, but with who asks, or when.
    pub(crate) fn is_about_credentials(&self) -> bool {
        matches!(
            self,
            Self::NoCredentials { .. }
                | Self::ExpiredCredentials { .. }
                | Self::RefusedCredentials { .. }
                | Self::ClockSkewed { .. }
        )
    }
}
