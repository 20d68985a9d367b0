//! What is still to be replicated. Rows in the source region's database make it survive a
//! restart; this is the part in memory.

use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};

use crate::store::Sequence;

/// One version to look at: its targets that are pending.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct QueueEntry {
    pub(crate) region: String,
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) version_id: String,
    /// Row of the queue table.
    pub(crate) row: Sequence,
}

/// Takes entries from commits and hands them to the replicator.
#[derive(Debug)]
pub(crate) struct ReplicationQueue {
    sender: mpsc::UnboundedSender<QueueEntry>,
    receiver: Mutex<Option<mpsc::UnboundedReceiver<QueueEntry>>>,
    open: watch::Sender<usize>,
}

impl Default for ReplicationQueue {
    fn default() -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self {
            sender,
            receiver: Mutex::new(Some(receiver)),
            open: watch::Sender::new(0),
        }
    }
}

impl ReplicationQueue {
    /// Adds an entry; called by the store after a commit that left a target pending.
    pub(crate) fn push(&self, entry: QueueEntry) {
        self.open.send_modify(|open| *open += 1);
        if self.sender.send(entry).is_err() {
            self.done();
        }
    }

    /// The receiving end, once.
    pub(super) fn take_receiver(&self) -> Option<mpsc::UnboundedReceiver<QueueEntry>> {
        self.receiver.lock().ok()?.take()
    }

    /// An entry is finished: its targets are completed or failed.
    pub(super) fn done(&self) {
        self.open.send_modify(|open| *open = open.saturating_sub(1));
    }

    /// Resolves when nothing is queued or being worked on.
    pub(crate) async fn idle(&self) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.open.subscribe().wait_for(|open| *open == 0).await;
    }
}
