//! Counts bytes as they leave.
//!
//! Request bodies outlive the borrow of the observer, so they count into shared numbers, which the
//! upload's own task reads a few times per second.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::{Event, Observer};

/// How often progress is told.
pub(super) const INTERVAL: Duration = Duration::from_millis(100);

/// Bytes sent, over all requests of an upload.
#[derive(Default)]
pub(super) struct Meter {
    told: AtomicU64,
    sent: Arc<AtomicU64>,
}

/// The count of one part. A second attempt takes back what the first one counted.
#[derive(Clone, Default)]
pub(super) struct PartMeter {
    all: Arc<AtomicU64>,
    part: Arc<AtomicU64>,
}

impl Meter {
    pub(super) fn part(&self) -> PartMeter {
        PartMeter {
            all: Arc::clone(&self.sent),
            ..PartMeter::default()
        }
    }

    /// Tells how many more bytes were sent; a retry makes it wait until it has caught up.
    pub(super) fn tell(&self, events: &dyn Observer) {
        let sent = self.sent.load(Ordering::Relaxed);
        let told = self.told.fetch_max(sent, Ordering::Relaxed);
        if sent > told {
            events.on(Event::Advanced { bytes: sent - told });
        }
    }
}

impl PartMeter {
    pub(super) fn begin_attempt(&self) {
        let counted = self.part.swap(0, Ordering::Relaxed);
        self.all.fetch_sub(counted, Ordering::Relaxed);
    }

    pub(super) fn count(&self, bytes: u64) {
        self.part.fetch_add(bytes, Ordering::Relaxed);
        self.all.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Bytes that this attempt has sent.
    pub(super) fn sent(&self) -> u64 {
        self.part.load(Ordering::Relaxed)
    }

    /// Says that the part is stored, by whichever of two requests.
    pub(super) fn complete(&self, bytes: u64) {
        let counted = self.part.swap(bytes, Ordering::Relaxed);
        self.all.fetch_add(bytes, Ordering::Relaxed);
        self.all.fetch_sub(counted, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[derive(Default)]
    struct Sum(Mutex<u64>);

    impl Observer for Sum {
        fn on(&self, event: Event) {
            if let Event::Advanced { bytes } = event {
                *self.0.lock().unwrap() += bytes;
            }
        }
    }

    #[test]
    fn retries_are_not_counted_twice() {
        let (meter, sum) = (Meter::default(), Sum::default());
        let (first, second) = (meter.part(), meter.part());
        first.begin_attempt();
        first.count(70);
        second.begin_attempt();
        second.count(100);
        meter.tell(&sum);
        first.begin_attempt();
        meter.tell(&sum);
        first.count(100);
        meter.tell(&sum);
        assert_eq!(*sum.0.lock().unwrap(), 200);
        assert_eq!((first.sent(), second.sent()), (100, 100));
        second.begin_attempt();
        second.count(30);
        second.complete(100);
        meter.tell(&sum);
        assert_eq!(*sum.0.lock().unwrap(), 200);
    }
}
