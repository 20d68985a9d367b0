//! A second request for what takes much longer than the rest.
//!
//! Of many requests to S3 a few land on a slow server or a lossy path, and a transfer is as slow as the
//! slowest of them. Asking again is cheap when it is rare: it must take three times as long as others
//! of its size do, and a second longer, and what it sends twice is bounded.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How many durations are remembered for each size.
const REMEMBERED: usize = 32;
/// With fewer of them nothing is known.
const FEWEST: usize = 4;
/// Bytes that may go twice before any traffic has earned more.
const BEGINNING: u64 = 16 << 20;
/// Of so many bytes one may go twice.
const OF: u64 = 20;

/// How often to look while nothing is known.
const LOOK: Duration = Duration::from_secs(1);

/// How long requests take, and how much may be done twice.
#[derive(Debug)]
pub(crate) struct Hedging {
    on: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    moved: u64,
    twice: u64,
    /// By the logarithm of the size.
    took: BTreeMap<u32, Took>,
}

#[derive(Debug, Default)]
struct Took {
    last: Vec<Duration>,
    next: usize,
}

impl Hedging {
    pub(crate) fn new(on: bool) -> Self {
        Self {
            on,
            state: Mutex::default(),
        }
    }

    /// Says how long a request took that moved so many bytes.
    pub(crate) fn took(&self, bytes: u64, duration: Duration) {
        if !self.on {
            return;
        }
        let mut state = self.lock();
        state.moved += bytes;
        state.took.entry(class(bytes)).or_default().add(duration);
    }

    /// When a request for so many bytes is late; `None` while nothing is known or hedging is off.
    fn patience(&self, bytes: u64) -> Option<Duration> {
        if !self.on {
            return None;
        }
        let median = self.lock().took.get(&class(bytes))?.median()?;
        Some((median * 3).max(median + Duration::from_secs(1)))
    }

    /// When to look whether a request is late that began then: others of its size may have ended
    /// until then and say how long it should take. `None` when hedging is off.
    pub(crate) fn next_look(&self, bytes: u64, began: Instant) -> Option<Instant> {
        let due = self.patience(bytes).map(|patience| began + patience);
        let soon = Instant::now() + LOOK;
        self.on.then(|| due.unwrap_or(soon))
    }

    /// Whether a request is late that began then.
    pub(crate) fn is_late(&self, bytes: u64, began: Instant) -> bool {
        self.patience(bytes)
            .is_some_and(|patience| began.elapsed() >= patience)
    }

    /// Waits until a request is late that began then; for ever when hedging is off.
    pub(crate) async fn until_late(&self, bytes: u64, began: Instant) {
        while !self.is_late(bytes, began) {
            match self.next_look(bytes, began) {
                Some(look) => tokio::time::sleep_until(look).await,
                None => std::future::pending().await,
            }
        }
    }

    /// Whether so many bytes may go twice; they are counted then.
    pub(crate) fn may_repeat(&self, bytes: u64) -> bool {
        let mut state = self.lock();
        let may = self.on && state.twice + bytes <= BEGINNING + state.moved / OF;
        if may {
            state.twice += bytes;
        }
        may
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn class(bytes: u64) -> u32 {
    bytes.max(1).ilog2()
}

impl Took {
    fn add(&mut self, duration: Duration) {
        match self.last.get_mut(self.next) {
            Some(oldest) => *oldest = duration,
            None => self.last.push(duration),
        }
        self.next = (self.next + 1) % REMEMBERED;
    }

    fn median(&self) -> Option<Duration> {
        if self.last.len() < FEWEST {
            return None;
        }
        let mut sorted = self.last.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn late_is_three_times_the_median_and_a_second_behind() {
        let hedging = Hedging::new(true);
        for _ in 0..3 {
            hedging.took(8 << 20, 100 * MS);
            assert_eq!(hedging.patience(8 << 20), None);
        }
        hedging.took(8 << 20, 9000 * MS);
        assert_eq!(hedging.patience(8 << 20), Some(1100 * MS));
        assert_eq!(hedging.patience(16 << 10), None);
        for _ in 0..REMEMBERED {
            hedging.took(8 << 20, 2000 * MS);
        }
        assert_eq!(hedging.patience(8 << 20), Some(6000 * MS));
        assert_eq!(Hedging::new(false).patience(8 << 20), None);
    }

    proptest! {
        #[test]
        fn what_goes_twice_is_bounded(requests in prop::collection::vec((1_u64..64 << 20, any::<bool>()), 1..200)) {
            let hedging = Hedging::new(true);
            let (mut moved, mut twice) = (0, 0);
            for (bytes, is_late) in requests {
                if is_late && hedging.may_repeat(bytes) {
                    twice += bytes;
                }
                hedging.took(bytes, MS);
                moved += bytes;
                prop_assert!(twice <= BEGINNING + moved / OF);
            }
        }
    }
}
