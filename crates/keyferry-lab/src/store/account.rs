//! The whole store: both regions, the global bucket namespace, and the accounts' roles and
//! managed policies.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use redb::Database;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;

use super::bucket_record::BucketRecord;
use super::error::StoreError;
use super::iam_records::{POLICIES, ROLES};
use super::identifiers::{Sequence, SequenceClock};
use super::region::{RegionStore, Shared, blocking};
use crate::replication::{QueueEntry, ReplicationFailure, ReplicationQueue};

/// How long a commit may stay undurable.
const FLUSH_INTERVAL: Duration = Duration::from_millis(200);

/// Both regions.
pub(crate) struct Store {
    /// The first is the one that what names no other belongs to.
    accounts: Arc<[String]>,
    regions: [RegionStore; 2],
    identities: Database,
    queue: Arc<ReplicationQueue>,
    /// Held while a bucket is created: names are unique over both regions.
    creating: Mutex<()>,
    closed: watch::Sender<bool>,
    /// The task of [`Store::flush_regularly`].
    flusher: Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("accounts", &self.accounts)
            .field("regions", &self.regions)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Opens or creates the store under `dir`, which must exist: one folder per region, and the
    /// database of roles and policies. Removes data files that nothing refers to. Blocks.
    ///
    /// Starts no task; call [`Store::flush_regularly`] from within a runtime.
    pub(crate) fn open(
        dir: &Path,
        regions: &[String; 2],
        accounts: &[String],
    ) -> Result<Arc<Self>, StoreError> {
        let accounts: Arc<[String]> = accounts.into();
        let queue = Arc::new(ReplicationQueue::default());
        let clock = Arc::new(SequenceClock::after(Sequence(0)));
        let shared = Shared {
            accounts: Arc::clone(&accounts),
            clock: Arc::clone(&clock),
            queue: Arc::clone(&queue),
        };
        let identities = Database::create(dir.join("identities.redb"))?;
        let transaction = identities.begin_write()?;
        transaction.open_table(ROLES)?;
        transaction.open_table(POLICIES)?;
        transaction.commit()?;
        let [first, second] = regions;
        let open = |name: &String| {
            let region = RegionStore::open(&dir.join(name), name, &shared)?;
            clock.advance(region.last_sequence()?);
            Ok::<_, StoreError>(region)
        };
        Ok(Arc::new(Self {
            accounts,
            regions: [open(first)?, open(second)?],
            identities,
            queue,
            creating: Mutex::new(()),
            closed: watch::Sender::new(false),
            flusher: Mutex::new(None),
        }))
    }

    /// Makes what was committed durable every 200 ms, and removes freed data files, until
    /// [`Store::close`]. Spawns a task, which ends with the store as well.
    pub(crate) async fn flush_regularly(self: &Arc<Self>) {
        let mut closed = self.closed.subscribe();
        let store = Arc::downgrade(self);
        let flusher = tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = closed.wait_for(|closed| *closed) => return,
                    () = tokio::time::sleep(FLUSH_INTERVAL) => {}
                }
                let Some(store) = store.upgrade() else {
                    return;
                };
                if let Err(error) = store.flush(false).await {
                    tracing::warn!(%error, "cannot make the lab's metadata durable");
                }
            }
        });
        *self.flusher.lock().await = Some(flusher);
    }

    /// Makes everything durable and ends the task of [`Store::flush_regularly`]. The store can
    /// still be read and written.
    pub(crate) async fn close(&self) -> Result<(), StoreError> {
        self.closed.send_replace(true);
        if let Some(flusher) = self.flusher.lock().await.take() {
            // It holds the store while it flushes. It can only have ended early by a panic, which
            // is logged.
            let _ended = flusher.await;
        }
        self.flush(true).await
    }

    async fn flush(&self, all: bool) -> Result<(), StoreError> {
        for region in self.regions.clone() {
            blocking(tokio::task::spawn_blocking(move || region.flush(all))).await?;
        }
        Ok(())
    }

    /// The accounts, as given at [`Store::open`].
    pub(crate) fn accounts(&self) -> &[String] {
        &self.accounts
    }

    /// The first of them, to which belongs what names no other.
    pub(crate) fn account_id(&self) -> &str {
        self.accounts.first().map_or("", String::as_str)
    }

    /// Both regions, in the order given at [`Store::open`].
    pub(crate) fn regions(&self) -> &[RegionStore; 2] {
        &self.regions
    }

    /// The region of that name.
    pub(crate) fn region(&self, name: &str) -> Option<&RegionStore> {
        self.regions.iter().find(|region| region.name() == name)
    }

    /// A bucket in whichever region it lives: for redirects, and for replication.
    pub(crate) fn locate(&self, bucket: &str) -> Result<Option<BucketRecord>, StoreError> {
        for region in &self.regions {
            match region.bucket(bucket) {
                Err(StoreError::NoSuchBucket(_)) => {}
                found => return found.map(Some),
            }
        }
        Ok(None)
    }

    /// All buckets of both regions by name.
    pub(crate) fn buckets(&self) -> Result<Vec<BucketRecord>, StoreError> {
        let mut buckets = Vec::new();
        for region in &self.regions {
            buckets.extend(region.buckets()?);
        }
        buckets.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(buckets)
    }

    /// Creates a bucket in the region that the record names, with a creation time of now.
    ///
    /// # Errors
    /// [`StoreError::BucketExists`] with the record of the bucket that has the name, in
    /// whichever region. [`StoreError::NoSuchRegion`].
    pub(crate) async fn create_bucket(
        &self,
        mut bucket: BucketRecord,
    ) -> Result<BucketRecord, StoreError> {
        let _creating = self.creating.lock().await;
        if let Some(existing) = self.locate(&bucket.name)? {
            return Err(StoreError::BucketExists(Box::new(existing)));
        }
        let region = self
            .region(&bucket.region)
            .ok_or_else(|| StoreError::NoSuchRegion(bucket.region.clone()))?;
        bucket.created = region.next_sequence();
        region
            .write(move |transaction| {
                transaction.put_bucket(&bucket)?;
                Ok(bucket)
            })
            .await
    }

    /// The database of roles and managed policies.
    pub(super) fn identities(&self) -> &Database {
        &self.identities
    }

    /// Where commits leave what is to be replicated.
    pub(crate) fn replication_queue(&self) -> &ReplicationQueue {
        &self.queue
    }

    /// What an earlier run left to be replicated.
    pub(crate) fn queued_replications(&self) -> Result<Vec<QueueEntry>, StoreError> {
        let mut entries = Vec::new();
        for region in &self.regions {
            entries.extend(region.queued_replications()?);
        }
        entries.sort_by_key(|entry: &QueueEntry| entry.row);
        Ok(entries)
    }

    /// Every replication that ended as FAILED since the store was created, oldest first.
    pub(crate) fn replication_failures(&self) -> Result<Vec<ReplicationFailure>, StoreError> {
        let mut failures = Vec::new();
        for region in &self.regions {
            failures.extend(region.replication_failures()?);
        }
        failures.sort_by_key(|failure: &ReplicationFailure| failure.at);
        Ok(failures)
    }
}
