//! Moving many objects: what `keyferry cp` and `sync` have in common.
//!
//! Whoever moves gives a stream of jobs. Here they are run, what becomes of each is told, the keys of
//! what was stored are recorded, and the replication of it is verified.

mod action;
mod copies;
mod key;
mod recorder;
mod replication;
mod tally;

use std::sync::Arc;

use futures::Stream;
use keyferry_policy::Region;
use keyferry_transfer::{Engine, EngineSettings, Job, Many, ManySettings, Stopped};
use tokio_util::sync::CancellationToken;

use super::Invocation;
use super::actions::Actions;
use crate::args::MovingArgs;
use crate::aws::Aws;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt;
use crate::terminal::ManyProgress;

pub(super) use action::{Done, Outcome, Reason, Trouble, What};
pub(super) use copies::{Copies, copy_job};
pub(super) use key::{Encrypting, all_keys};
pub(super) use tally::Tally;

use recorder::Recorder;
use replication::Sent;

/// What the steps of a run share.
pub(super) struct Moving<'a> {
    pub(super) invocation: &'a Invocation,
    pub(super) arguments: &'a MovingArgs,
    pub(super) aws: Aws,
    pub(super) keys: Arc<crate::store_keys::StoreKeys>,
    pub(super) engine: Engine,
    pub(super) cancel: CancellationToken,
    pub(super) progress: Arc<ManyProgress>,
}

/// Something to do, and what is known of it before it is done.
pub(super) type MovingJob = Job<What, Done, Trouble>;

impl<'a> Moving<'a> {
    /// Connects, with the keys of a store that is open.
    pub(super) async fn begin(
        invocation: &'a Invocation,
        arguments: &'a MovingArgs,
        keys: Arc<crate::store_keys::StoreKeys>,
    ) -> Result<Self, Failure> {
        let cancel = interrupt::token(invocation.terminal)?;
        let aws = Aws::connect(&invocation.settings).await?;
        let mut settings = EngineSettings::default();
        settings.memory = arguments.memory.as_u64();
        let what = match arguments.dry_run {
            true => "comparing",
            false => "copying",
        };
        Ok(Self {
            invocation,
            arguments,
            aws,
            keys,
            engine: Engine::new(settings),
            cancel,
            progress: Arc::new(ManyProgress::new(invocation.terminal, what)),
        })
    }

    /// Does all jobs, and tells what becomes of them. `to` is where what is stored goes, with its key;
    /// nothing is stored in S3 without.
    pub(super) async fn run(
        &self,
        jobs: impl Stream<Item = MovingJob> + Send + 'static,
        to: Option<(&Region, &Encrypting)>,
        actions: &mut Actions,
        tally: &mut Tally,
    ) -> Result<Option<Stopped>, Failure> {
        let mut settings = ManySettings::default();
        if let Some(slots) = self.arguments.concurrency {
            settings.slots = slots;
        }
        settings.max_errors = self.arguments.max_errors;
        let many = Many::new(self.engine.clone(), settings);
        let mut outcomes = many.run(jobs, self.cancel.clone());
        let mut recorder = Recorder::new(self.invocation, &self.keys);
        let mut sent = Vec::new();
        while let Some(outcome) = outcomes.next().await {
            if let Ok(done) = &outcome.result {
                recorder.take(&outcome.context, done);
                if let Some(object) = Sent::of(&outcome.context, done) {
                    sent.push(object);
                }
            }
            tally.count(&outcome.context, &outcome.result);
            action::tell(actions, &outcome.context, outcome.result)?;
            self.progress.ended();
        }
        recorder.flush();
        self.progress.finish();
        for finding in self.keys.store().catalogue_findings() {
            self.invocation.terminal.warn(finding);
        }
        let stopped = outcomes.stopped();
        if let Some((region, encrypting)) = to
            && !self.arguments.no_wait
            && !self.cancel.is_cancelled()
        {
            replication::verify(self, region, encrypting, sent, actions, tally).await?;
        }
        Ok(stopped)
    }

    /// What a run that stopped early ends with, and otherwise its exit code.
    pub(super) fn exit(&self, stopped: Option<Stopped>, tally: &Tally) -> Result<Exit, Failure> {
        match stopped {
            _ if self.cancel.is_cancelled() => Err(Failure::new(Exit::Interrupted, "interrupted")
                .hint(
                    "the same command does the rest; `keyferry sync` leaves alone what is there",
                )),
            Some(Stopped::TooManyErrors) => Err(Failure::new(
                tally.exit(),
                format!("stopped after {} errors", tally.failed()),
            )
            .hint("--max-errors allows more")),
            Some(Stopped::ConcernsAll) => Err(Failure::new(
                tally.exit(),
                "stopped, as every other object would fail alike",
            )),
            _ => Ok(tally.exit()),
        }
    }
}
