//! The data files of a region: where they are, who reads them, which are to be removed.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::error::StoreError;
use super::identifiers::random_hex;

/// A request that looked up a record may take this long to open its files, though another
/// request has deleted the object.
const GRACE: Duration = Duration::from_secs(2);

/// The files of a region.
#[derive(Debug)]
pub(super) struct SegmentFiles {
    dir: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Readers per segment.
    leases: HashMap<String, usize>,
    /// Segments that no record refers to any more.
    freed: Vec<(String, Instant)>,
}

impl SegmentFiles {
    /// Opens or creates the folder.
    pub(super) fn open(dir: PathBuf) -> Result<Self, StoreError> {
        fs::create_dir_all(&dir).map_err(|error| StoreError::io("creating folder", &dir, error))?;
        Ok(Self {
            dir,
            state: Mutex::default(),
        })
    }

    /// The file of a segment.
    pub(super) fn path(&self, id: &str) -> PathBuf {
        self.dir.join(id.get(..2).unwrap_or("00")).join(id)
    }

    /// A new segment's place, emptied again unless [`StagedFile::keep`] is called.
    pub(super) fn stage(self: &Arc<Self>) -> StagedFile {
        StagedFile {
            files: Arc::clone(self),
            id: random_hex::<16>(),
            kept: false,
        }
    }

    /// Keeps segments from being removed while they are read.
    pub(super) fn lease(self: &Arc<Self>, ids: impl Iterator<Item = String>) -> Lease {
        let ids: Vec<_> = ids.collect();
        let mut state = self.lock();
        for id in &ids {
            *state.leases.entry(id.clone()).or_default() += 1;
        }
        drop(state);
        Lease {
            files: Arc::clone(self),
            ids,
        }
    }

    /// Marks segments for removal: the commit that dropped them is done, if not yet durable.
    pub(super) fn free(&self, ids: Vec<String>) {
        let now = Instant::now();
        self.lock()
            .freed
            .extend(ids.into_iter().map(|id| (id, now)));
    }

    /// What may be removed once everything committed so far is durable.
    pub(super) fn take_freed(&self, all: bool) -> Vec<(String, Instant)> {
        let now = Instant::now();
        let mut state = self.lock();
        let State { leases, freed } = &mut *state;
        freed
            .extract_if(.., |(id, since)| {
                !leases.contains_key(id) && (all || now.duration_since(*since) > GRACE)
            })
            .collect()
    }

    /// Removes files; those that cannot be removed are swept at the next start.
    pub(super) fn remove(&self, freed: Vec<(String, Instant)>) {
        for (id, _) in freed {
            if let Err(error) = fs::remove_file(self.path(&id)) {
                tracing::debug!(segment = id, %error, "cannot remove a freed segment");
            }
        }
    }

    /// Removes every file whose segment is not in `live`: what a killed process left behind.
    pub(super) fn sweep(&self, live: &HashSet<String>) -> Result<usize, StoreError> {
        let mut removed = 0;
        let read = |error| StoreError::io("reading folder", &self.dir, error);
        for shard in fs::read_dir(&self.dir).map_err(read)? {
            for entry in fs::read_dir(shard.map_err(read)?.path()).map_err(read)? {
                let entry = entry.map_err(read)?;
                if entry
                    .file_name()
                    .to_str()
                    .is_none_or(|id| !live.contains(id))
                {
                    let path = entry.path();
                    fs::remove_file(&path)
                        .map_err(|error| StoreError::io("removing", path, error))?;
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while holding the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A segment's file that nothing refers to yet.
#[derive(Debug)]
pub(super) struct StagedFile {
    files: Arc<SegmentFiles>,
    id: String,
    kept: bool,
}

impl StagedFile {
    /// The segment's id.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Where it is or will be.
    pub(super) fn path(&self) -> PathBuf {
        self.files.path(&self.id)
    }

    /// Creates the file, and its folder if it is the first there: making all folders at the
    /// start would slow that down.
    pub(super) fn create(&self) -> Result<File, StoreError> {
        let path = self.path();
        let create = || File::create_new(&path);
        create()
            .or_else(|error| {
                if error.kind() != std::io::ErrorKind::NotFound {
                    return Err(error);
                }
                path.parent().map_or(Ok(()), fs::create_dir_all)?;
                create()
            })
            .map_err(|error| StoreError::io("creating", &path, error))
    }

    /// A record refers to it now.
    pub(super) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        if !self.kept {
            // It may never have been created.
            let _ = fs::remove_file(self.path());
        }
    }
}

/// Segments being read.
#[derive(Debug)]
pub(super) struct Lease {
    files: Arc<SegmentFiles>,
    ids: Vec<String>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut state = self.files.lock();
        for id in &self.ids {
            if let Some(count) = state.leases.get_mut(id) {
                *count -= 1;
                if *count == 0 {
                    state.leases.remove(id);
                }
            }
        }
    }
}
