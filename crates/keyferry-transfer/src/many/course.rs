//! The course of one run: begin, collect, stop.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use futures::{Stream, StreamExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Job, JobError, Many, Outcome, Running, Stopped};
use crate::{Engine, TransferError};

/// An object takes a slot for each of these bytes, and a large one no more than it has parts in flight.
const BYTES_PER_SLOT: u64 = 1 << 20;
const MOST_SLOTS: u64 = 8;

/// How many slots an object takes.
pub(super) fn slots_of(size: u64, available: u32) -> u32 {
    let slots = size.div_ceil(BYTES_PER_SLOT).clamp(1, MOST_SLOTS);
    u32::try_from(slots).unwrap_or(1).min(available)
}

pub(super) struct Course<C, D, E> {
    engine: Engine,
    slots: Arc<Semaphore>,
    all_slots: u32,
    most_errors: u64,
    outcomes: mpsc::Sender<Outcome<C, D, E>>,
    stopped: Arc<OnceLock<Stopped>>,
    /// Cancelled by the user.
    cancel: CancellationToken,
    /// Cancelled when the run stops, whatever for.
    stop: CancellationToken,
    /// Cancelled a while later.
    stop_small: CancellationToken,
    /// Ends the task that cancels the one after the other.
    _over: DropGuard,
}

impl<C, D, E> Course<C, D, E>
where
    C: Send + 'static,
    D: Send + 'static,
    E: JobError,
{
    pub(super) fn new(
        many: &Many,
        cancel: CancellationToken,
        outcomes: mpsc::Sender<Outcome<C, D, E>>,
        stopped: Arc<OnceLock<Stopped>>,
    ) -> Self {
        let settings = &many.settings;
        let all_slots = u32::try_from(settings.slots.get()).unwrap_or(u32::MAX);
        let stop = cancel.child_token();
        let stop_small = CancellationToken::new();
        let over = CancellationToken::new();
        tokio::spawn(over.clone().run_until_cancelled_owned({
            let (stop, stop_small, grace) = (stop.clone(), stop_small.clone(), settings.grace);
            async move {
                stop.cancelled().await;
                tokio::time::sleep(grace).await;
                stop_small.cancel();
            }
        }));
        Self {
            engine: many.engine.clone(),
            slots: Arc::new(Semaphore::new(all_slots as usize)),
            all_slots,
            most_errors: settings.max_errors.map_or(u64::MAX, |most| most.get()),
            outcomes,
            stopped,
            cancel,
            stop,
            stop_small,
            _over: over.drop_guard(),
        }
    }

    pub(super) async fn run(self, jobs: impl Stream<Item = Job<C, D, E>> + Send + 'static) {
        let mut jobs = std::pin::pin!(jobs);
        let mut waiting = None;
        let mut more = true;
        let mut failed = 0;
        let mut tasks = JoinSet::new();
        // Kept here, so that a task that panics has a name.
        let mut contexts: HashMap<Id, C> = HashMap::new();
        loop {
            let next = async {
                if waiting.is_none() {
                    waiting = jobs.next().await;
                }
                let size = waiting.as_ref()?.size;
                let slots = slots_of(size, self.all_slots);
                let slots = Arc::clone(&self.slots)
                    .acquire_many_owned(slots)
                    .await
                    .ok()?;
                waiting.take().map(|job| (job, slots))
            };
            tokio::select! {
                biased;
                () = self.stop.cancelled(), if more => {
                    more = false;
                    // Nothing to do when it was this run that stopped itself.
                    let _ = self.stopped.set(Stopped::Interrupted);
                }
                Some(joined) = tasks.join_next_with_id(), if !tasks.is_empty() => {
                    let Some(outcome) = outcome(joined, &mut contexts) else {
                        continue;
                    };
                    self.judge(&outcome, &mut failed);
                    if self.outcomes.send(outcome).await.is_err() {
                        // Nobody listens any more.
                        return;
                    }
                }
                next = next, if more => match next {
                    Some((job, slots)) => {
                        let Job { context, size, work } = job;
                        let running = self.begin(size, slots);
                        let id = tasks.spawn(work(running)).id();
                        contexts.insert(id, context);
                    }
                    None => more = false,
                },
                else => return,
            }
        }
    }

    fn begin(&self, size: u64, slots: OwnedSemaphorePermit) -> Running {
        let cancel = match size {
            ..=BYTES_PER_SLOT => self.stop_small.child_token(),
            _ => self.stop.child_token(),
        };
        Running::new(self.engine.clone(), cancel, slots)
    }

    /// Stops the run where an outcome says so.
    fn judge(&self, outcome: &Outcome<C, D, E>, failed: &mut u64) {
        let Err(error) = &outcome.result else {
            return;
        };
        if error.is_interruption() {
            if self.cancel.is_cancelled() {
                // There may have been nothing more to begin.
                let _ = self.stopped.set(Stopped::Interrupted);
            }
            return;
        }
        *failed += 1;
        let why = if error.concerns_all() {
            Stopped::ConcernsAll
        } else if *failed >= self.most_errors {
            Stopped::TooManyErrors
        } else {
            return;
        };
        if !self.cancel.is_cancelled() {
            // The first reason stands.
            let _ = self.stopped.set(why);
        }
        self.stop.cancel();
    }
}

/// What a task that ended says of its job.
fn outcome<C, D, E: JobError>(
    joined: Result<(Id, Result<D, E>), JoinError>,
    contexts: &mut HashMap<Id, C>,
) -> Option<Outcome<C, D, E>> {
    let (id, result) = match joined {
        Ok((id, result)) => (id, result),
        Err(error) => (error.id(), Err(TransferError::from(error).into())),
    };
    let context = contexts.remove(&id)?;
    Some(Outcome { context, result })
}
