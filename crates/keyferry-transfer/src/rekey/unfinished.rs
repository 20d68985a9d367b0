//! A file that remembers multipart uploads that were begun.
//!
//! S3 keeps the parts of an upload that nobody completes, and no listing of objects shows them. So
//! before an upload is begun its intent is written down, then its id, and when it is over it is struck
//! out; each time the file is replaced as a whole and synced. A run that was killed leaves the entries
//! of what it had begun. The file holds names and ids only, nothing secret.
//!
//! A lock beside it makes sure that two runs do not take each other's uploads for left-overs.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use keyferry_key::{KeyId, KeyMd5};
use serde::{Deserialize, Serialize};

use crate::TransferError;

const FORMAT: u32 = 1;

/// The multipart uploads of one bucket that were begun by re-encrypting, on this machine.
#[derive(Debug)]
pub struct UnfinishedUploads {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    state: Mutex<State>,
    /// Held until this is dropped.
    _lock: File,
}

/// What is in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    format: u32,
    bucket: String,
    /// Runs that have not come to their end.
    #[serde(default)]
    runs: Vec<Run>,
    #[serde(default)]
    uploads: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Run {
    prefix: String,
    key_id: KeyId,
}

/// An upload that was begun, or was about to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Key of the object.
    pub(super) key: String,
    /// Version that is copied.
    pub(super) source_version: Option<String>,
    /// Its entity tag.
    pub(super) source_etag: String,
    /// The key it is encrypted under.
    pub(super) key_id: KeyId,
    pub(super) key_md5: KeyMd5,
    /// When the intent was written down, by this machine's clock.
    pub(super) begun: Timestamp,
    /// Absent until S3 has given it.
    #[serde(default)]
    pub(super) upload_id: Option<String>,
}

impl Entry {
    /// Whether it is an upload of the same version, under the same key.
    pub(super) fn is_of(&self, other: &Self) -> bool {
        self.key == other.key
            && self.source_version == other.source_version
            && self.source_etag == other.source_etag
            && self.key_md5 == other.key_md5
    }
}

impl UnfinishedUploads {
    /// Opens the record of a bucket in a folder, which is made if it is not there. `name` tells
    /// buckets of different services apart.
    ///
    /// # Errors
    /// [`TransferError::RekeyRecord`] when another run has it open, or it cannot be read or written.
    pub fn open(folder: &Path, name: &str, bucket: &str) -> Result<Self, TransferError> {
        let path = folder.join(format!("{name}.json"));
        let unusable = |error: &dyn std::fmt::Display| failure(&path, error);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|error| unusable(&error))?;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(folder.join(format!("{name}.lock")))
            .map_err(|error| unusable(&error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(unusable(&"another run is re-encrypting this bucket"));
            }
            Err(TryLockError::Error(error)) => return Err(unusable(&error)),
        }
        let new = State {
            format: FORMAT,
            bucket: bucket.to_owned(),
            runs: Vec::new(),
            uploads: Vec::new(),
        };
        let state = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| unusable(&error))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => new,
            Err(error) => return Err(unusable(&error)),
        };
        if state.format != FORMAT || state.bucket != bucket {
            return Err(unusable(&"it is of another bucket, or of a newer version"));
        }
        Ok(Self {
            shared: Arc::new(Shared {
                path,
                state: Mutex::new(state),
                _lock: lock,
            }),
        })
    }

    /// Notes that a run begins; whether an earlier one like it never came to its end.
    ///
    /// # Errors
    /// [`TransferError::RekeyRecord`] when it cannot be written.
    pub async fn begin_run(&self, prefix: &str, key_id: &KeyId) -> Result<bool, TransferError> {
        let run = Run {
            prefix: prefix.to_owned(),
            key_id: key_id.clone(),
        };
        if self.read(|state| state.runs.contains(&run)) {
            return Ok(true);
        }
        self.change(move |state| state.runs.push(run)).await?;
        Ok(false)
    }

    /// Notes that a run came to its end. The file goes when nothing is left in it.
    ///
    /// # Errors
    /// [`TransferError::RekeyRecord`] when it cannot be written.
    pub async fn end_run(&self, prefix: &str, key_id: &KeyId) -> Result<(), TransferError> {
        let run = Run {
            prefix: prefix.to_owned(),
            key_id: key_id.clone(),
        };
        self.change(move |state| state.runs.retain(|other| *other != run))
            .await
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        self.read(|state| state.uploads.clone())
    }

    pub(super) fn of(&self, key: &str) -> Vec<Entry> {
        let mut entries = self.entries();
        entries.retain(|entry| entry.key == key);
        entries
    }

    /// Writes down that an upload is about to be begun.
    pub(super) async fn intend(&self, entry: Entry) -> Result<(), TransferError> {
        self.change(move |state| state.uploads.push(entry)).await
    }

    /// Writes down the id that it got.
    pub(super) async fn begun(&self, intent: Entry, upload_id: &str) -> Result<(), TransferError> {
        let upload_id = upload_id.to_owned();
        self.change(move |state| {
            let found = state.uploads.iter_mut().find(|entry| **entry == intent);
            if let Some(entry) = found {
                entry.upload_id = Some(upload_id);
            }
        })
        .await
    }

    /// Strikes out an upload that is over.
    pub(super) async fn over(&self, entry: Entry) -> Result<(), TransferError> {
        self.change(move |state| state.uploads.retain(|other| *other != entry))
            .await
    }

    fn read<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(
            &self
                .shared
                .state
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    async fn change(
        &self,
        change: impl FnOnce(&mut State) + Send + 'static,
    ) -> Result<(), TransferError> {
        let shared = Arc::clone(&self.shared);
        tokio::task::spawn_blocking(move || shared.change(change)).await?
    }
}

impl Shared {
    fn change(&self, change: impl FnOnce(&mut State)) -> Result<(), TransferError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = state.clone();
        change(&mut changed);
        self.write(&changed)
            .map_err(|error| failure(&self.path, &error))?;
        *state = changed;
        Ok(())
    }

    fn write(&self, state: &State) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        if state.runs.is_empty() && state.uploads.is_empty() {
            match fs::remove_file(&self.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => return File::open(folder)?.sync_all(),
            }
        }
        // Made with mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer(&mut file, state)?;
        file.flush()?;
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        File::open(folder)?.sync_all()
    }
}

fn failure(path: &Path, error: &dyn std::fmt::Display) -> TransferError {
    TransferError::RekeyRecord {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyferry_key::CustomerKey;
    use std::os::unix::fs::PermissionsExt;

    fn entry(key: &str) -> Entry {
        Entry {
            key: key.to_owned(),
            source_version: Some("v1".to_owned()),
            source_etag: "e".to_owned(),
            key_id: KeyId::generate().unwrap(),
            key_md5: CustomerKey::from_bytes([7; 32]).md5(),
            begun: Timestamp::now(),
            upload_id: None,
        }
    }

    #[tokio::test]
    async fn what_was_begun_is_there_after_a_kill() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("keyferry/rekey");
        let open = || UnfinishedUploads::open(&folder, "tokyo", "tokyo");
        let (first, second) = (entry("a"), entry("b"));
        let uploads = open().unwrap();
        uploads.intend(first.clone()).await.unwrap();
        uploads.intend(second.clone()).await.unwrap();
        uploads.begun(first, "u1").await.unwrap();
        let busy = open().unwrap_err().to_string();
        assert!(busy.contains("another run"), "{busy}");
        let path = folder.join("tokyo.json");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&folder)), (0o600, 0o700));
        drop(uploads);

        let uploads = open().unwrap();
        assert_eq!(uploads.of("a")[0].upload_id.as_deref(), Some("u1"));
        assert_eq!(uploads.of("b"), [second]);
        for entry in uploads.entries() {
            uploads.over(entry).await.unwrap();
        }
        assert!(!path.exists());
        let other = UnfinishedUploads::open(&folder, "osaka", "osaka").unwrap();
        drop((uploads, other));
        fs::write(&path, "{").unwrap();
        assert!(open().is_err());
    }

    #[tokio::test]
    async fn runs_that_did_not_end_are_known() {
        let folder = tempfile::tempdir().unwrap();
        let uploads = UnfinishedUploads::open(folder.path(), "n", "b").unwrap();
        let id = KeyId::generate().unwrap();
        assert!(!uploads.begin_run("p/", &id).await.unwrap());
        assert!(uploads.begin_run("p/", &id).await.unwrap());
        assert!(!uploads.begin_run("q/", &id).await.unwrap());
        uploads.end_run("p/", &id).await.unwrap();
        assert!(!uploads.begin_run("p/", &id).await.unwrap());
    }
}
