//! What keeps a report from being written.

use std::io;
use std::path::PathBuf;

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The name does not say which format is meant.
    #[error("`{}` does not say which format the report is to have", .path.display())]
    Format {
        /// The file.
        path: PathBuf,
    },
    /// Two reports would be written to one file.
    #[error("two reports are to be written to `{}`", .path.display())]
    Twice {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be made.
    #[error("cannot create the report `{}`: {source}", .path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write the report `{}`: {source}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What was found cannot be kept until the reports are written.
    #[error("cannot keep what was found in a temporary file: {source}")]
    Spool {
        /// Why.
        source: io::Error,
    },
}

impl ReportError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Format { .. } => {
                "let the name end in .html, .xml (JUnit), .ndjson, .json or .txt".to_owned()
            }
            Self::Twice { .. } => "name each report once".to_owned(),
            Self::Create { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "the folder does not exist: create it first".to_owned()
            }
            Self::Create { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "choose a folder that you may write to".to_owned()
            }
            Self::Write { source, .. } | Self::Spool { source }
                if source.kind() == io::ErrorKind::StorageFull =>
            {
                "make room on that disk; TMPDIR says where temporary files go".to_owned()
            }
            _ => return None,
        })
    }
}
