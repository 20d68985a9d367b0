//! Faults of replication, set and cleared while the lab runs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "time", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Fault {
    /// Each version waits this long before it is replicated; it stays PENDING meanwhile.
    Delay(Duration),
    /// Replication ends as FAILED.
    Fail,
    /// Replicas get wrong bytes; size, ETag, checksums and version id stay what they were.
    /// The source is untouched.
    Corrupt,
    /// Nothing is replicated and everything stays PENDING until this is cleared.
    Stall,
}

/// Where a fault applies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FaultScope {
    /// Every source bucket that has no fault of its own.
    Everywhere,
    /// One source bucket.
    SourceBucket(String),
}

/// A fault and where it applies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveFault {
    /// Where.
    pub scope: FaultScope,
    /// What goes wrong there.
    pub fault: Fault,
}

/// The faults in force; a cheap handle on one shared set.
#[derive(Clone, Debug)]
pub struct Faults {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    active: Mutex<BTreeMap<FaultScope, Fault>>,
    /// Counts changes, so that stalled work notices them.
    changes: watch::Sender<u64>,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            inner: Arc::new(Inner {
                active: Mutex::new(BTreeMap::new()),
                changes: watch::Sender::new(0),
            }),
        }
    }
}

impl Faults {
    /// Sets the fault of a scope in place of the one it had. Work already waiting follows the
    /// new setting at once; replicas already written stay as they are.
    pub fn set(&self, scope: FaultScope, fault: Fault) {
        self.lock().insert(scope, fault);
        self.changed();
    }

    /// Clears the fault of a scope, if it has one.
    pub fn clear(&self, scope: &FaultScope) {
        self.lock().remove(scope);
        self.changed();
    }

    /// Clears every fault.
    pub fn clear_all(&self) {
        self.lock().clear();
        self.changed();
    }

    /// The faults in force.
    pub fn active(&self) -> Vec<(FaultScope, Fault)> {
        self.lock()
            .iter()
            .map(|(scope, fault)| (scope.clone(), *fault))
            .collect()
    }

    /// The fault for versions of a source bucket: its own, or the one that is everywhere.
    pub(crate) fn for_source(&self, bucket: &str) -> Option<Fault> {
        let active = self.lock();
        active
            .get(&FaultScope::SourceBucket(bucket.to_owned()))
            .or_else(|| active.get(&FaultScope::Everywhere))
            .copied()
    }

    /// Notices changes made after this call.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changes.subscribe()
    }

    fn changed(&self) {
        self.inner.changes.send_modify(|count| *count += 1);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<FaultScope, Fault>> {
        // A panic while holding the lock leaves the map whole.
        self.inner
            .active
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_of_its_own_comes_before_everywhere() {
        let faults = Faults::default();
        faults.set(FaultScope::Everywhere, Fault::Fail);
        faults.set(FaultScope::SourceBucket("a".into()), Fault::Stall);
        assert_eq!(faults.for_source("a"), Some(Fault::Stall));
        assert_eq!(faults.for_source("b"), Some(Fault::Fail));
        faults.clear(&FaultScope::Everywhere);
        assert_eq!(faults.for_source("b"), None);
        faults.clear_all();
        assert!(faults.active().is_empty());
    }
}
