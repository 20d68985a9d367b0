//! The replicator.

use std::sync::Arc;

use super::authority::ReplicationAuthority;
use crate::faults::Faults;
use crate::store::{Store, StoreError};

/// Replicates what commits queue, in the background.
#[derive(Debug)]
pub(crate) struct Replicator {}

impl Replicator {
    /// Starts replicating, first what a previous run left pending. Must be called once per
    /// store, within a runtime.
    pub(crate) fn start(
        store: Arc<Store>,
        faults: Faults,
        authority: Arc<dyn ReplicationAuthority>,
    ) -> Result<Self, StoreError> {
        todo!()
    }

    /// Resolves when nothing is queued or being worked on; stalled work counts.
    pub(crate) async fn idle(&self) {
        todo!()
    }

    /// Stops after the versions being copied; what is still pending is resumed by the next
    /// [`Replicator::start`] on the same store.
    pub(crate) async fn shutdown(self) {
        todo!()
    }
}
