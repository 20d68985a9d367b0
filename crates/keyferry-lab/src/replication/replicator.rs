//! The replicator: takes what commits queue and replicates it in the background.
//!
//! Replication is asynchronous and in no particular order, as S3's is (`S3-REPL-1`). What is
//! queued is in the database as well, so that it outlives a restart.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::authority::ReplicationAuthority;
use super::queue::QueueEntry;
use super::work::Workshop;
use crate::faults::{Fault, Faults};
use crate::store::{Store, StoreError};

/// Versions copied at the same time.
const CONCURRENCY: usize = 4;

/// Replicates what commits queue, in the background. Dropping it stops it, as
/// [`Replicator::shutdown`] does, without waiting.
#[derive(Debug)]
pub(crate) struct Replicator {
    store: Arc<Store>,
    stop: CancellationToken,
    dispatcher: JoinHandle<()>,
    workers: TaskTracker,
}

impl Replicator {
    /// Starts replicating, first what a previous run left pending. Must be called once per
    /// store, within a runtime.
    pub(crate) fn start(
        store: Arc<Store>,
        faults: Faults,
        authority: Arc<dyn ReplicationAuthority>,
    ) -> Result<Self, StoreError> {
        let queue = store.replication_queue();
        let receiver = queue.take_receiver().ok_or(StoreError::ShuttingDown)?;
        // Commits made since the store was opened are in the channel and in the table. Looking
        // at a version twice is harmless: the second time nothing of it is pending.
        for entry in store.queued_replications()? {
            queue.push(entry);
        }
        let stop = CancellationToken::new();
        let workers = TaskTracker::new();
        let shift = Arc::new(Shift {
            workshop: Workshop {
                store: Arc::clone(&store),
                authority,
            },
            faults,
            stop: stop.clone(),
            places: Semaphore::new(CONCURRENCY),
        });
        let dispatcher = tokio::spawn(dispatch(receiver, shift, workers.clone()));
        Ok(Self {
            store,
            stop,
            dispatcher,
            workers,
        })
    }

    /// Resolves when nothing is queued or being worked on; stalled work counts.
    pub(crate) async fn idle(&self) {
        self.store.replication_queue().idle().await;
    }

    /// Stops after the versions being copied; what is still pending is resumed by the next
    /// [`Replicator::start`] on the same folder.
    pub(crate) async fn shutdown(mut self) {
        self.stop.cancel();
        // It can only have ended early by a panic, which is logged.
        let _ = (&mut self.dispatcher).await;
        self.workers.close();
        self.workers.wait().await;
    }
}

impl Drop for Replicator {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// What all workers share.
struct Shift {
    workshop: Workshop,
    faults: Faults,
    stop: CancellationToken,
    places: Semaphore,
}

async fn dispatch(
    mut receiver: mpsc::UnboundedReceiver<QueueEntry>,
    shift: Arc<Shift>,
    workers: TaskTracker,
) {
    loop {
        tokio::select! {
            () = shift.stop.cancelled() => return,
            entry = receiver.recv() => match entry {
                Some(entry) => drop(workers.spawn(work(entry, Arc::clone(&shift)))),
                None => return,
            },
        }
    }
}

async fn work(entry: QueueEntry, shift: Arc<Shift>) {
    let turn = async {
        let fault = wait_for_turn(&entry.bucket, &shift.faults).await;
        (fault, shift.places.acquire().await)
    };
    let (fault, _place) = tokio::select! {
        () = shift.stop.cancelled() => return,
        (fault, Ok(place)) = turn => (fault, place),
        else => return,
    };
    let row = entry.row;
    if let Err(error) = shift.workshop.replicate(entry, fault).await {
        tracing::error!(?row, %error, "replication is left for the next start");
    }
    shift.workshop.store.replication_queue().done();
}

/// Waits as long as a `stall` or `delay` fault asks, and returns the fault in force then.
async fn wait_for_turn(bucket: &str, faults: &Faults) -> Option<Fault> {
    let queued = Instant::now();
    let mut changes = faults.changes();
    loop {
        let wait = match faults.for_source(bucket) {
            Some(Fault::Stall) => Duration::MAX,
            Some(Fault::Delay(delay)) if queued.elapsed() < delay => delay - queued.elapsed(),
            fault => return fault,
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            // The sender lives in `faults`.
            _ = changes.changed() => {}
        }
    }
}
