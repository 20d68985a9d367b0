//! A run: takes up items, lets so many be looked at at once, and hands out what became of them.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context as TaskContext, Poll};

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, FuturesUnordered, Stream, StreamExt};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::checked::{Checked, Verdict};
use super::context::Context;
use super::intake::Intake;
use super::ledger::{Ledger, Progress, State};
use super::object::{Parked, Worked, begin, go_on};
use super::opener::Opener;
use super::options::{Many, What};
use super::room::{Room, Waiting};
use super::summary::Summary;
use crate::VerifyError;
use crate::event::Observer;
use crate::regions::Regions;

/// A run under way: a stream of what became of each thing, in the order in which that is known.
///
/// An item that is an error is the end of the run: what is to be verified cannot be listed or read, or
/// the run was cancelled. What is wrong with a single object is a [`Checked`].
pub struct Run<'a> {
    results: BoxStream<'a, Result<Checked, VerifyError>>,
    ledger: Arc<Mutex<Ledger>>,
}

impl Run<'_> {
    /// What all that was handed out so far came to.
    #[must_use]
    pub fn summary(&self) -> Summary {
        self.ledger().summary.clone()
    }

    /// How far the run is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.ledger().progress()
    }

    /// From where another run could go on, if this one was asked to remember. What was handed out so far
    /// is not looked at again.
    #[must_use]
    pub fn state(&self) -> State {
        self.ledger().state()
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stream for Run<'_> {
    type Item = Result<Checked, VerifyError>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut TaskContext<'_>,
    ) -> Poll<Option<Self::Item>> {
        self.results.poll_next_unpin(context)
    }
}

/// Verifies many objects. Reads only.
///
/// Beside the permissions of [`verify`](crate::verify) it takes `s3:ListBucketVersions` on the source, or
/// for current versions `s3:ListBucket`. With `s3:ListBucketVersions` on the replica bucket versions that
/// only that one has are found; without, the summary says that they were not looked for.
///
/// Needs a tokio runtime: listings are read ahead.
///
/// # Cancellation
/// When `cancel` is cancelled the run ends with [`VerifyError::Interrupted`]. It may be dropped at any
/// time. Nothing is left behind.
pub fn verify_many<'a>(
    regions: &'a dyn Regions,
    many: Many<'a>,
    observer: &'a dyn Observer,
    cancel: CancellationToken,
) -> Run<'a> {
    let Many {
        what,
        keys,
        options,
        mut state,
    } = many;
    let books = Ledger::new(options.keep_state, state.as_ref());
    let ledger = Arc::new(Mutex::new(books));
    let listed = match &what {
        What::Listed(listed) => Some((listed.bucket.clone(), listed.region.clone())),
        What::Recorded(_) => None,
    };
    let context = Arc::new(Context::new(
        regions,
        options,
        Opener::new(keys),
        observer,
        listed,
        Arc::clone(&ledger),
    ));
    let results = stream::once(async move {
        let intake = match what {
            What::Listed(listed) => Intake::listed(&context, &listed, state.as_mut()).await,
            What::Recorded(stream) => Ok(Intake::recorded(stream, state.as_mut())),
        };
        match intake {
            Ok(intake) => Drive::new(context, intake, cancel).results().left_stream(),
            Err(error) => stream::iter([Err(error)]).right_stream(),
        }
    })
    .flatten()
    .boxed();
    Run { results, ledger }
}

type Work<'a> = BoxFuture<'a, (u64, bool, Result<Worked<'a>, VerifyError>)>;

/// A run's moving parts.
struct Drive<'a> {
    context: Arc<Context<'a>>,
    intake: Intake<'a>,
    intake_is_over: bool,
    /// What is being looked at.
    at_work: FuturesUnordered<Work<'a>>,
    room: Room<'a>,
    /// Whether something has waited in vain, and nothing was settled since.
    stands_still: bool,
    cancel: CancellationToken,
}

/// What happened.
enum Happened<'a> {
    Taken(Result<Option<(super::item::Item, bool)>, VerifyError>),
    Worked(u64, bool, Result<Worked<'a>, VerifyError>),
    Due,
    Cancelled,
}

impl<'a> Drive<'a> {
    fn new(context: Arc<Context<'a>>, intake: Intake<'a>, cancel: CancellationToken) -> Self {
        Self {
            context,
            intake,
            intake_is_over: false,
            at_work: FuturesUnordered::new(),
            room: Room::default(),
            stands_still: false,
            cancel,
        }
    }

    fn results(self) -> impl Stream<Item = Result<Checked, VerifyError>> + Send + 'a {
        stream::unfold(Some(self), async |drive| {
            let mut drive = drive?;
            match drive.next().await {
                Ok(checked) => checked.map(|checked| (Ok(checked), Some(drive))),
                Err(error) => Some((Err(error), None)),
            }
        })
    }

    /// The next result.
    async fn next(&mut self) -> Result<Option<Checked>, VerifyError> {
        loop {
            let has_room = self.at_work.len() < self.context.options.concurrency.get();
            if has_room && let Some(waiting) = self.room.due(Instant::now()) {
                self.look_again(waiting.ticket, waiting.parked);
                continue;
            }
            let takes =
                has_room && !self.intake_is_over && (self.stands_still || !self.room.is_full());
            let next_due = self.room.next_due().filter(|_| has_room);
            if !takes && self.at_work.is_empty() && next_due.is_none() {
                return Ok(None);
            }
            let happened = tokio::select! {
                biased;
                () = self.cancel.cancelled() => Happened::Cancelled,
                Some((ticket, waited, worked)) = self.at_work.next() => {
                    Happened::Worked(ticket, waited, worked)
                }
                taken = self.intake.next(&self.context), if takes => Happened::Taken(taken),
                () = until(next_due), if next_due.is_some() => Happened::Due,
            };
            match happened {
                Happened::Cancelled => return Err(VerifyError::Interrupted),
                Happened::Due => {}
                Happened::Taken(taken) => match taken? {
                    None => {
                        self.intake_is_over = true;
                        self.context.ledger().complete = true;
                    }
                    Some((item, is_new)) => {
                        let ticket = self.context.ledger().take_up(&item, is_new);
                        let context = Arc::clone(&self.context);
                        self.at_work.push(Box::pin(async move {
                            (ticket, false, begin(context, item).await)
                        }));
                    }
                },
                Happened::Worked(ticket, waited, worked) => {
                    if let Some(checked) = self.worked(ticket, waited, worked?) {
                        return Ok(Some(checked));
                    }
                }
            }
        }
    }

    /// Takes in what work on an item came to.
    fn worked(&mut self, ticket: u64, waited: bool, worked: Worked<'a>) -> Option<Checked> {
        match worked {
            Worked::Again(mut parked, _) if self.stands_still && self.room.is_full() => {
                parked.give_up_waiting();
                self.look_again(ticket, parked);
                None
            }
            Worked::Again(parked, after) => {
                self.room.enter(Waiting {
                    due: Instant::now() + after,
                    ticket,
                    parked,
                });
                self.context.ledger().waiting = self.room.len() as u64;
                None
            }
            Worked::Done(checked) => {
                if waited {
                    let verdict = checked.as_ref().map(Checked::verdict);
                    self.stands_still = verdict == Some(Verdict::Pending);
                }
                let mut ledger = self.context.ledger();
                ledger.waiting = self.room.len() as u64;
                ledger.finish(ticket);
                if let Some(checked) = &checked {
                    ledger.summary.take_in(checked);
                }
                checked
            }
        }
    }

    fn look_again(&mut self, ticket: u64, parked: Parked<'a>) {
        let context = Arc::clone(&self.context);
        self.at_work.push(Box::pin(async move {
            (ticket, true, go_on(context, parked).await)
        }));
    }
}

async fn until(due: Option<Instant>) {
    if let Some(due) = due {
        tokio::time::sleep_until(due).await;
    }
}
