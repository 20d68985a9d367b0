//! Why a file cannot become an object, or an object a file, for what it is called.

use std::path::PathBuf;

use super::KeyPathError;
use crate::ObjectAddress;

/// What is wrong with a name, or with what has it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalError {
    /// The name of a file or folder is not text.
    #[error("the name of `{}` is not UTF-8, as the keys of objects must be", path.display())]
    NotUtf8 {
        /// Where it is.
        path: PathBuf,
    },
    /// A link leads to a folder above itself, and there is no end to what is in it.
    #[error("`{}` is a link to `{}`, a folder above it", path.display(), above.display())]
    Loop {
        /// The link.
        path: PathBuf,
        /// What it leads to.
        above: PathBuf,
    },
    /// A path that is to be taken below a folder leads out of it.
    #[error("`{}` is not below `{}`", path.display(), folder.display())]
    NotBelow {
        /// The path.
        path: PathBuf,
        /// The folder.
        folder: PathBuf,
    },
    /// The key of an object is no path in a folder.
    #[error("`{address}` cannot become a file: {why}")]
    NoPath {
        /// The object.
        address: ObjectAddress,
        /// Why.
        why: KeyPathError,
    },
    /// Two keys, one file: this file system takes their names for the same.
    #[error("`{}` is already the file of another object in this download: the file system takes their names for the same", path.display())]
    SameFile {
        /// The file.
        path: PathBuf,
    },
    /// A file is where a folder has to be: one object is called `a`, and another `a/b`.
    #[error("`{}` cannot be written: `{}` is not a folder", path.display(), folder.display())]
    NotAFolder {
        /// The file that cannot be written.
        path: PathBuf,
        /// What is in its way.
        folder: PathBuf,
    },
    /// A link within the target folder leads out of it.
    #[error("`{}` is not written: a link on the way leads out of `{}`", path.display(), folder.display())]
    LeavesFolder {
        /// The file.
        path: PathBuf,
        /// The target folder.
        folder: PathBuf,
    },
}

impl LocalError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotUtf8 { .. } => "rename it, for example with `convmv`",
            Self::Loop { .. } => "leave the link out with `--exclude`",
            Self::NotBelow { .. } => {
                "name the folder that all paths lie in behind `--files-from FILE`"
            }
            Self::NoPath { .. } => {
                "download it by itself: `keyferry download s3://BUCKET/KEY FILE` takes any key"
            }
            Self::SameFile { .. } | Self::NotAFolder { .. } => {
                "download it by itself, to a file of another name"
            }
            Self::LeavesFolder { .. } => "remove the link, or download to where it leads",
        }
    }
}
