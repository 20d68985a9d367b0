//! How many requests are in flight, by what the server can take.
//!
//! Additive increase, multiplicative decrease: the limit is halved when the server asks to slow down,
//! lowered when connections break, and grows back while requests succeed. Requests that were sent
//! before the limit was lowered say nothing about the new one, so a burst of refusals lowers it once.
//!
//! Whoever asks first goes first. One request always may go, whatever it counts.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::TransferError;

/// What is left of the limit when the server asks to slow down.
const SLOWED: f64 = 0.5;
/// What is left of it when a connection breaks or stalls, which may have other causes.
const BROKEN: f64 = 0.75;
/// What a round of successes adds.
const GAIN: f64 = 2.0;

/// The limit that all requests of an engine share. Clones are handles on the same one.
#[derive(Debug, Clone)]
pub(crate) struct Pace(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    most: f64,
    limit: f64,
    in_flight: u64,
    /// How often the limit was lowered.
    lowered: u64,
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    cost: u32,
    go: oneshot::Sender<Permit>,
}

/// A request may be in flight while this is held.
#[derive(Debug)]
#[must_use]
pub(crate) struct Permit {
    pace: Pace,
    cost: u32,
    lowered: u64,
}

impl Pace {
    pub(crate) fn new(most: NonZeroUsize) -> Self {
        let most = most.get() as f64;
        Self(Arc::new(Mutex::new(State {
            most,
            limit: most,
            in_flight: 0,
            lowered: 0,
            waiting: VecDeque::new(),
        })))
    }

    /// Waits until one more request may go.
    pub(crate) async fn permit(&self, cost: u32) -> Permit {
        let waiting = {
            let mut state = self.lock();
            if state.waiting.is_empty() && state.has_room(cost) {
                return self.enter(&mut state, cost);
            }
            let (go, waiting) = oneshot::channel();
            state.waiting.push_back(Waiting { cost, go });
            waiting
        };
        match waiting.await {
            Ok(permit) => permit,
            // Never: what waits is dropped together with the last handle, and this is one.
            Err(_) => self.enter(&mut self.lock(), cost),
        }
    }

    /// A permit, if nobody has to wait for it.
    pub(crate) fn try_permit(&self, cost: u32) -> Option<Permit> {
        let mut state = self.lock();
        (state.waiting.is_empty() && state.has_room(cost)).then(|| self.enter(&mut state, cost))
    }

    fn enter(&self, state: &mut State, cost: u32) -> Permit {
        state.in_flight += u64::from(cost);
        Permit {
            pace: self.clone(),
            cost,
            lowered: state.lowered,
        }
    }

    /// Lets those go for whom there is room.
    fn let_go(&self) {
        loop {
            let (go, permit) = {
                let mut state = self.lock();
                let Some(first) = state.waiting.front() else {
                    return;
                };
                if !first.go.is_closed() && !state.has_room(first.cost) {
                    return;
                }
                let Some(first) = state.waiting.pop_front() else {
                    return;
                };
                if first.go.is_closed() {
                    continue;
                }
                (first.go, self.enter(&mut state, first.cost))
            };
            // Whoever gave up meanwhile gives the permit back, which lets the next one go.
            drop(go.send(permit));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(crate) fn limit(&self) -> f64 {
        self.lock().limit
    }
}

impl State {
    fn has_room(&self, cost: u32) -> bool {
        let then = (self.in_flight + u64::from(cost)) as f64;
        self.in_flight == 0 || then <= self.limit
    }

    fn lower(&mut self, seen: u64, to: f64) {
        if seen == self.lowered {
            self.limit = (self.limit * to).max(1.0);
            self.lowered += 1;
        }
    }
}

impl Permit {
    /// The request turned out to be larger. What goes beyond the limit keeps others waiting.
    pub(crate) fn grow_to(&mut self, cost: u32) {
        let more = cost.saturating_sub(self.cost);
        self.pace.lock().in_flight += u64::from(more);
        self.cost += more;
    }

    /// The request is over, and well.
    pub(crate) fn succeeded(self) {
        let mut state = self.pace.lock();
        state.limit = (state.limit + f64::from(self.cost) * GAIN / state.limit).min(state.most);
    }

    /// The request is over; what that says about the pace.
    pub(crate) fn failed(self, error: &TransferError) {
        let to = match error {
            TransferError::Throttled { .. } => SLOWED,
            TransferError::ConnectionLost { .. } | TransferError::TimedOut { .. } => BROKEN,
            _ => return,
        };
        let limit = {
            let mut state = self.pace.lock();
            state.lower(self.lowered, to);
            state.limit
        };
        tracing::debug!(limit, %error, "fewer requests in flight");
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.pace.lock().in_flight -= u64::from(self.cost);
        self.pace.let_go();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;
    use proptest::prelude::*;

    fn throttled() -> TransferError {
        TransferError::Throttled {
            answer: Box::new(crate::ServiceAnswer {
                status: 503,
                code: Some("SlowDown".to_owned()),
                message: None,
                request_id: None,
            }),
        }
    }

    fn pace(most: usize) -> Pace {
        Pace::new(NonZeroUsize::new(most).unwrap())
    }

    fn take(pace: &Pace, cost: u32) -> Vec<Permit> {
        std::iter::from_fn(|| pace.try_permit(cost)).collect()
    }

    #[test]
    fn a_burst_of_refusals_counts_once_and_successes_make_up_for_it() {
        let pace = pace(64);
        let permits = take(&pace, 1);
        assert_eq!(permits.len(), 64);
        for permit in permits {
            permit.failed(&throttled());
        }
        let permits = take(&pace, 1);
        assert_eq!(permits.len(), 32);
        drop(permits);
        for _ in 0..20 {
            for permit in take(&pace, 1) {
                permit.succeeded();
            }
        }
        assert_eq!(take(&pace, 8).len(), 8);
        assert!((pace.limit() - 64.0).abs() < f64::EPSILON);
    }

    #[test]
    fn one_may_always_go() {
        let pace = pace(64);
        for _ in 0..20 {
            pace.try_permit(8).unwrap().failed(&throttled());
        }
        assert!((pace.limit() - 1.0).abs() < f64::EPSILON);
        let one = pace.try_permit(8).unwrap();
        assert!(pace.try_permit(1).is_none());
        drop(one);
    }

    #[tokio::test]
    async fn whoever_asks_first_goes_first() {
        let pace = pace(8);
        let all = pace.permit(8).await;
        let mut large = Box::pin(pace.permit(8));
        let mut small = Box::pin(pace.permit(1));
        let mut given_up = Box::pin(pace.permit(1));
        for waiting in [&mut large, &mut small, &mut given_up] {
            assert!(waiting.as_mut().now_or_never().is_none());
        }
        drop(given_up);
        assert!(pace.try_permit(1).is_none());
        drop(all);
        let large = large.await;
        assert!(small.as_mut().now_or_never().is_none());
        drop(large);
        drop(small.await);
        assert_eq!(pace.lock().in_flight, 0);
        assert!(pace.lock().waiting.is_empty());
    }

    proptest! {
        /// Against the definition, whatever happens: never more in flight than the limit allows,
        /// and nobody waits while nothing is in flight.
        #[test]
        fn the_limit_holds(steps in prop::collection::vec((1_u32..20, 0_u8..5, any::<prop::sample::Index>()), 1..200)) {
            let pace = pace(32);
            let mut held: Vec<Permit> = Vec::new();
            let mut waiting = Vec::new();
            for (cost, what, index) in steps {
                match what {
                    0 | 1 => waiting.push(Box::pin({
                        let pace = pace.clone();
                        async move { pace.permit(cost).await }
                    })),
                    _ if held.is_empty() => {}
                    2 => held.swap_remove(index.index(held.len())).failed(&throttled()),
                    3 => held.swap_remove(index.index(held.len())).succeeded(),
                    _ => drop(held.swap_remove(index.index(held.len()))),
                }
                let before = held.len();
                let limit_before = pace.limit();
                waiting.retain_mut(|permit| match permit.as_mut().now_or_never() {
                    Some(permit) => {
                        held.push(permit);
                        false
                    }
                    None => true,
                });
                let in_flight: u32 = held.iter().map(|permit| permit.cost).sum();
                prop_assert_eq!(pace.lock().in_flight, u64::from(in_flight));
                prop_assert!(waiting.is_empty() || !held.is_empty());
                if held.len() > before && held.len() > 1 {
                    prop_assert!(f64::from(in_flight) <= limit_before);
                }
            }
        }
    }
}
