//! Many objects in one run.
//!
//! A [`Many`] takes a stream of [`Job`]s and works on several at once. Jobs are taken from the stream
//! only when there is room for them, so a run over millions of objects holds no more of them than are
//! under way. What becomes of each comes back as an [`Outcome`], in the order in which they end.
//!
//! Room is counted in slots. A small object takes one; a large one takes more, up to as many as it
//! has parts in flight, so that 64 small objects are under way at once, or 8 large ones, or a mixture.
//!
//! One object's failure leaves the others alone. A run stops early when it is cancelled, when as many
//! objects failed as it may take, and at a failure that every object would meet
//! ([`TransferError::concerns_all`]): then nothing new is begun, small objects under way are finished,
//! and large ones are cancelled.

use std::fmt;
use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_sdk_s3::Client;
use futures::Stream;
use futures::future::BoxFuture;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{Download, Downloaded, Engine, Observer, TransferError, Upload, Uploaded};

mod course;
mod running;

use course::Course;
pub use running::Running;

/// How many objects at once, and when to give up.
#[derive(Debug, Clone)]
pub struct ManySettings {
    /// How many slots there are: as many small objects are under way at once.
    pub slots: NonZeroUsize,
    /// A run stops when so many objects have failed. Without it, failures stop nothing.
    pub max_errors: Option<NonZeroU64>,
    /// How long small objects under way may take to end once a run stops. They are cancelled then,
    /// too. Default 10 seconds.
    pub grace: Duration,
}

impl ManySettings {
    /// Slots where nothing else is asked for. More than this gains nothing against a server that is
    /// near, and covers the way to one that is far.
    pub const DEFAULT_SLOTS: NonZeroUsize = NonZeroUsize::new(64).unwrap();
}

impl Default for ManySettings {
    fn default() -> Self {
        Self {
            slots: Self::DEFAULT_SLOTS,
            max_errors: None,
            grace: Duration::from_secs(10),
        }
    }
}

/// What can go wrong with a job.
pub trait JobError: From<TransferError> + Send + 'static {
    /// True when every other job would fail in the same way, now.
    fn concerns_all(&self) -> bool;

    /// True when the job was stopped together with the run, and has not failed by itself.
    fn is_interruption(&self) -> bool;
}

impl JobError for TransferError {
    fn concerns_all(&self) -> bool {
        Self::concerns_all(self)
    }

    fn is_interruption(&self) -> bool {
        self.kind() == crate::ErrorKind::Interrupted
    }
}

type Work<D, E> = Box<dyn FnOnce(Running) -> BoxFuture<'static, Result<D, E>> + Send>;

/// Something to do with one object. `C` comes back with the outcome, `D` is what the work gives.
pub struct Job<C, D, E = TransferError> {
    context: C,
    size: u64,
    work: Work<D, E>,
}

impl<C: fmt::Debug, D, E> fmt::Debug for Job<C, D, E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Job")
            .field("context", &self.context)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

impl<C, D, E> Job<C, D, E> {
    /// Any work. `size` is how many bytes it moves through this machine; none for a deletion or a copy
    /// on the server.
    ///
    /// The work gets a [`Running`] to transfer with, and must end soon after its token is cancelled.
    pub fn new<W, F>(context: C, size: u64, work: W) -> Self
    where
        W: FnOnce(Running) -> F + Send + 'static,
        F: Future<Output = Result<D, E>> + Send + 'static,
    {
        Self {
            context,
            size,
            work: Box::new(|running| Box::pin(work(running))),
        }
    }
}

impl<C> Job<C, Uploaded> {
    /// Uploads a file of `size` bytes.
    pub fn upload(
        context: C,
        size: u64,
        client: Client,
        upload: Upload,
        events: Arc<dyn Observer>,
    ) -> Self {
        Self::new(context, size, move |running: Running| async move {
            running.upload(&client, upload, &*events).await
        })
    }
}

impl<C> Job<C, Downloaded> {
    /// Downloads an object of `size` bytes.
    pub fn download(
        context: C,
        size: u64,
        client: Client,
        download: Download,
        events: Arc<dyn Observer>,
    ) -> Self {
        Self::new(context, size, move |mut running: Running| async move {
            running.download(&client, download, &*events).await
        })
    }
}

/// What became of a job.
#[derive(Debug)]
pub struct Outcome<C, D, E = TransferError> {
    /// What the job came with.
    pub context: C,
    /// What the work gave, or why it failed.
    pub result: Result<D, E>,
}

/// Why a run stopped before all jobs were done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stopped {
    /// It was cancelled.
    Interrupted,
    /// As many objects failed as may.
    TooManyErrors,
    /// An object failed in a way that all others would, too.
    ConcernsAll,
}

/// Works on many objects.
#[derive(Debug, Clone, Default)]
pub struct Many {
    engine: Engine,
    settings: ManySettings,
}

impl Many {
    /// With these settings, on an engine that the transfers of all jobs share.
    #[must_use]
    pub fn new(engine: Engine, settings: ManySettings) -> Self {
        Self { engine, settings }
    }

    /// Begins to work. Must be called within a Tokio runtime.
    ///
    /// # Cancellation
    /// Cancel the token, and go on taking outcomes until there are no more: nothing new is begun, and
    /// what is under way ends cleanly. Dropping the outcomes stops everything where it is.
    pub fn run<C, D, E>(
        &self,
        jobs: impl Stream<Item = Job<C, D, E>> + Send + 'static,
        cancel: CancellationToken,
    ) -> Outcomes<C, D, E>
    where
        C: Send + 'static,
        D: Send + 'static,
        E: JobError,
    {
        // So that taking them in, which may mean to write them down, does not hold up the work.
        let (sender, outcomes) = mpsc::channel(256);
        let stopped = Arc::new(OnceLock::new());
        let course = Course::new(self, cancel, sender, Arc::clone(&stopped));
        let task = tokio::spawn(course.run(jobs));
        Outcomes {
            outcomes,
            stopped,
            _task: AbortOnDrop(task),
        }
    }
}

/// What becomes of the jobs of a run, in the order in which they end.
#[derive(Debug)]
pub struct Outcomes<C, D, E = TransferError> {
    outcomes: mpsc::Receiver<Outcome<C, D, E>>,
    stopped: Arc<OnceLock<Stopped>>,
    _task: AbortOnDrop,
}

impl<C, D, E> Outcomes<C, D, E> {
    /// The next one; `None` when the run is over.
    pub async fn next(&mut self) -> Option<Outcome<C, D, E>> {
        self.outcomes.recv().await
    }

    /// Why the run stopped, or is stopping, early.
    #[must_use]
    pub fn stopped(&self) -> Option<Stopped> {
        self.stopped.get().copied()
    }
}

/// A task that ends with its handle.
#[derive(Debug)]
struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests;
