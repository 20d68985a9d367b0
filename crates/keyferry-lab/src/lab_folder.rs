//! The lab's folder: certificates, credentials and the store.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use crate::lab_error::LabError;
use crate::server::certificates::Authority;
use crate::server::credentials::CredentialStore;
use crate::store::Store;

/// Where the lab keeps everything.
pub(crate) enum Folder {
    Kept(PathBuf),
    Temporary(TempDir),
}

impl Folder {
    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Temporary(dir) => dir.path(),
        }
    }
}

/// What is in the lab's folder.
pub(crate) struct Opened {
    pub(crate) folder: Folder,
    pub(crate) authority: Arc<Authority>,
    pub(crate) credentials: Arc<CredentialStore>,
    pub(crate) store: Arc<Store>,
}

impl Opened {
    /// Opens what is there, and makes what is not. Blocks.
    pub(crate) fn open(
        dir: Option<PathBuf>,
        regions: &[String; 2],
        accounts: &[String],
    ) -> Result<Self, LabError> {
        let folder = match dir {
            Some(path) => {
                std::fs::create_dir_all(&path)
                    .map_err(|error| LabError::io("create", &path, error))?;
                Folder::Kept(path)
            }
            None => Folder::Temporary(
                tempfile::Builder::new()
                    .prefix("keyferry-lab-")
                    .tempdir()
                    .map_err(|error| LabError::io("create", std::env::temp_dir(), error))?,
            ),
        };
        let path = folder.path();
        Ok(Self {
            store: Store::open(path, regions, accounts)?,
            authority: Arc::new(Authority::open(path)?),
            credentials: Arc::new(CredentialStore::open(path, accounts)?),
            folder,
        })
    }
}
