//! One region's store.

use std::collections::HashSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use redb::{Database, Durability, ReadTransaction, ReadableDatabase as _, ReadableTable as _};
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use super::database::{self, LAST_SEQUENCE, LAYOUTS, NUMBERS, PARTS, decode};
use super::error::StoreError;
use super::identifiers::{Sequence, SequenceClock};
use super::segment_files::{SegmentFiles, StagedFile};
use super::transaction::Transaction;
use super::version_record::{Layout, PartRecord};
use crate::encryption::RegionKeys;
use crate::replication::ReplicationQueue;

/// One region: a cheap handle. Reads are quick and block only for them; writes run on the
/// blocking pool and are atomic.
///
/// Methods are in the modules of their subjects: `buckets`, `objects`, `delete`, `multipart`,
/// `complete`, `list_*`, `segment_writer`, `object_reader`, `kms`, `replica`.
#[derive(Clone)]
pub(crate) struct RegionStore(Arc<Inner>);

struct Inner {
    name: String,
    accounts: Arc<[String]>,
    database: Database,
    files: Arc<SegmentFiles>,
    keys: RegionKeys,
    clock: Arc<SequenceClock>,
    queue: Arc<ReplicationQueue>,
    /// Something was committed that is not durable yet.
    dirty: AtomicBool,
}

impl std::fmt::Debug for RegionStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("RegionStore").field(&self.0.name).finish()
    }
}

/// What both regions share.
pub(super) struct Shared {
    pub(super) accounts: Arc<[String]>,
    pub(super) clock: Arc<SequenceClock>,
    pub(super) queue: Arc<ReplicationQueue>,
}

impl RegionStore {
    /// Opens or creates the region's folder.
    pub(super) fn open(dir: &Path, name: &str, shared: &Shared) -> Result<Self, StoreError> {
        fs::create_dir_all(dir).map_err(|error| StoreError::io("creating folder", dir, error))?;
        let keys = RegionKeys::new(region_key(&dir.join("region.key"))?);
        let database = database::open(&dir.join("metadata.redb"))?;
        let files = Arc::new(SegmentFiles::open(dir.join("data"))?);
        let region = Self(Arc::new(Inner {
            name: name.to_owned(),
            accounts: Arc::clone(&shared.accounts),
            database,
            files,
            keys,
            clock: Arc::clone(&shared.clock),
            queue: Arc::clone(&shared.queue),
            dirty: AtomicBool::new(false),
        }));
        let removed = region.0.files.sweep(&region.live_segments()?)?;
        if removed > 0 {
            tracing::debug!(region = name, removed, "swept data files of an earlier run");
        }
        Ok(region)
    }

    /// Its name, as `ap-northeast-1`.
    pub(crate) fn name(&self) -> &str {
        &self.0.name
    }

    /// The account that what names no other belongs to.
    pub(super) fn account_id(&self) -> &str {
        self.0.accounts.first().map_or("", String::as_str)
    }

    /// Whether the lab has that account.
    pub(super) fn has_account(&self, account: &str) -> bool {
        self.0.accounts.iter().any(|known| known == account)
    }

    /// The next sequence.
    pub(super) fn next_sequence(&self) -> Sequence {
        self.0.clock.next()
    }

    pub(super) fn files(&self) -> &Arc<SegmentFiles> {
        &self.0.files
    }

    pub(super) fn keys(&self) -> &RegionKeys {
        &self.0.keys
    }

    /// The newest sequence that an earlier run gave out.
    pub(super) fn last_sequence(&self) -> Result<Sequence, StoreError> {
        let numbers = self.reading()?.open_table(NUMBERS)?;
        let last = numbers.get(LAST_SEQUENCE)?.map_or(0, |last| last.value());
        Ok(Sequence(last))
    }

    /// A snapshot to read from.
    pub(super) fn reading(&self) -> Result<ReadTransaction, StoreError> {
        Ok(self.0.database.begin_read()?)
    }

    /// Runs `change` in one transaction on the blocking pool. An error undoes it.
    pub(super) async fn write<T, E, F>(&self, change: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut Transaction<'_>) -> Result<T, E> + Send + 'static,
    {
        let region = self.clone();
        tokio::task::spawn_blocking(move || region.write_now(change))
            .await
            .unwrap_or_else(|_| Err(StoreError::ShuttingDown.into()))
    }

    /// The same on this thread.
    pub(super) fn write_now<T, E, F>(&self, change: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnOnce(&mut Transaction<'_>) -> Result<T, E>,
    {
        let writing = self.begin(Durability::None)?;
        let mut transaction = Transaction::new(&self.0.name, &self.0.clock, &writing);
        let result = change(&mut transaction)?;
        let effects = transaction.finish()?;
        writing.commit().map_err(StoreError::from)?;
        // Here and not after awaiting, where a request given up by its client would skip it.
        effects.adopted.into_iter().for_each(StagedFile::keep);
        self.0.dirty.store(true, Ordering::Release);
        self.0.files.free(effects.freed);
        for entry in effects.queued {
            self.0.queue.push(entry);
        }
        Ok(result)
    }

    fn begin(&self, durability: Durability) -> Result<redb::WriteTransaction, StoreError> {
        let mut writing = self.0.database.begin_write()?;
        writing.set_durability(durability)?;
        Ok(writing)
    }

    /// Makes everything committed so far durable, then removes data files it freed; with `all`,
    /// those too that a request might be about to open. Blocks.
    pub(super) fn flush(&self, all: bool) -> Result<(), StoreError> {
        let freed = self.0.files.take_freed(all);
        if self.0.dirty.swap(false, Ordering::AcqRel)
            && let Err(error) = self
                .begin(Durability::Immediate)
                .and_then(|writing| Ok(writing.commit()?))
        {
            self.0.dirty.store(true, Ordering::Release);
            self.0
                .files
                .free(freed.into_iter().map(|(id, _)| id).collect());
            return Err(error);
        }
        self.0.files.remove(freed);
        Ok(())
    }

    /// Every segment that a record refers to.
    fn live_segments(&self) -> Result<HashSet<String>, StoreError> {
        let reading = self.reading()?;
        let mut live = HashSet::new();
        for entry in reading.open_table(LAYOUTS)?.iter()? {
            let layout: Layout = decode(entry?.1.value())?;
            live.extend(layout.parts.into_iter().map(|part| part.segment.id));
        }
        for entry in reading.open_table(PARTS)?.iter()? {
            let part: PartRecord = decode(entry?.1.value())?;
            live.insert(part.segment.id);
        }
        Ok(live)
    }
}

/// Awaits work on the blocking pool.
pub(super) async fn blocking<T>(work: JoinHandle<Result<T, StoreError>>) -> Result<T, StoreError> {
    work.await.unwrap_or(Err(StoreError::ShuttingDown))
}

/// Reads the region's key, or makes it.
fn region_key(path: &Path) -> Result<Zeroizing<[u8; 32]>, StoreError> {
    match fs::read(path).map(Zeroizing::new) {
        Ok(bytes) => {
            let key = bytes.as_slice().try_into();
            key.map(Zeroizing::new)
                .map_err(|_| StoreError::Cryptography("reading the region's key file"))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = Zeroizing::new(rand::random::<[u8; 32]>());
            create_private(path)
                .and_then(|mut file| {
                    file.write_all(key.as_slice())?;
                    file.sync_all()
                })
                .map_err(|error| StoreError::io("creating", path, error))?;
            Ok(key)
        }
        Err(error) => Err(StoreError::io("reading", path, error)),
    }
}

fn create_private(path: &Path) -> std::io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
