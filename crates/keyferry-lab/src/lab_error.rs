//! Why the lab could not do something for the program that runs it. Clients of the endpoints
//! get S3's errors instead.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::store::StoreError;

/// An error of the lab.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// An option makes no sense.
    #[error("{0}")]
    InvalidOption(String),
    /// A port is taken or not allowed.
    #[error("cannot listen on {address}")]
    Bind {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// A file of the lab's folder cannot be read or written.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A file of the lab's folder does not hold what it should.
    #[error("`{}` is damaged: {reason}", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// In which way.
        reason: String,
    },
    /// A region that the lab does not have.
    #[error("the lab has no region `{0}`")]
    NoSuchRegion(String),
    /// A bucket that the lab does not have.
    #[error("the lab has no bucket `{0}`")]
    NoSuchBucket(String),
    /// A policy document that is not one.
    #[error("the {document} of role `{role}` is not valid: {reason}")]
    InvalidPolicy {
        /// Role name.
        role: String,
        /// `trust policy` or `permission policy`.
        document: &'static str,
        /// Why.
        reason: String,
    },
    /// A certificate could not be made.
    #[error("cannot make a certificate")]
    Certificate(#[from] rcgen::Error),
    /// TLS could not be set up.
    #[error("cannot set up TLS")]
    Tls(#[from] rustls::Error),
    /// The store failed.
    #[error("{0}")]
    Store(String),
}

impl LabError {
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
        source: std::io::Error,
    ) -> Self {
        Self::Io {
            action,
            path: path.into(),
            source,
        }
    }
}

impl From<StoreError> for LabError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Io {
                action,
                path,
                source,
            } => Self::Io {
                action,
                path,
                source,
            },
            error => {
                let mut text = error.to_string();
                let mut cause = std::error::Error::source(&error);
                while let Some(error) = cause {
                    text = format!("{text}: {error}");
                    cause = error.source();
                }
                Self::Store(text)
            }
        }
    }
}
