//! Moving many objects: what `keyferry cp` and `sync` have in common.
//!
//! Whoever moves gives a stream of jobs. Here they are run, what becomes of each is told, the keys of
//! what was stored are recorded, and the replication of it is verified.

mod action;
mod copies;
mod key;

use std::sync::Arc;

use futures::Stream;
use keyferry_keystore::ObjectUse;
use keyferry_policy::Region;
use keyferry_transfer::{Engine, Job, Many, Stopped};
use keyferry_verify::Subject;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::Invocation;
use super::actions::Actions;
use super::many::{self, Done, JobFailure, Skips, Tally};
use super::replication::{Look, Replicas};
use super::sent::Sent;
use super::uses::Recorder;
use crate::args::MovingArgs;
use crate::aws::Aws;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt;
use crate::store_keys::StoreKeys;
use crate::terminal::{ManyProgress, printable};

pub(super) use action::{Came, Reason, What};
pub(super) use copies::{Copies, copy_job};
pub(super) use key::{Encrypting, all_keys};

/// Something to do, and what is known of it before it is done.
pub(super) type MovingJob = Job<What, Came, JobFailure>;

/// What the steps of a run share.
pub(super) struct Moving<'a> {
    pub(super) invocation: &'a Invocation,
    pub(super) arguments: &'a MovingArgs,
    pub(super) aws: Aws,
    pub(super) keys: Arc<StoreKeys>,
    pub(super) engine: Engine,
    pub(super) cancel: CancellationToken,
    pub(super) progress: Arc<ManyProgress>,
}

/// What a run came to.
pub(super) struct Moved {
    pub(super) actions: Actions,
    pub(super) tally: Tally,
    pub(super) stopped: Option<Stopped>,
    sent: Option<Sent<Subject>>,
    replicas: Option<Replicas>,
}

impl<'a> Moving<'a> {
    /// Connects, with the keys of a store that is open.
    pub(super) async fn begin(
        invocation: &'a Invocation,
        arguments: &'a MovingArgs,
        keys: Arc<StoreKeys>,
    ) -> Result<Self, Failure> {
        let cancel = interrupt::token(invocation.terminal)?;
        let aws = Aws::connect(&invocation.settings).await?;
        let what = match arguments.choice.dry_run {
            true => "comparing",
            false => "copying",
        };
        Ok(Self {
            invocation,
            arguments,
            aws,
            keys,
            engine: many::engine(&arguments.choice, arguments.concurrency),
            cancel,
            progress: Arc::new(ManyProgress::new(invocation.terminal, what)),
        })
    }

    /// Does all jobs, and tells what becomes of them. `to` is where what is stored goes, with its key;
    /// without, nothing is stored in S3. `address` is what all of it is about.
    pub(super) async fn run(
        &self,
        jobs: impl Stream<Item = MovingJob> + Send + 'static,
        to: Option<(&Region, &Encrypting)>,
        address: &str,
    ) -> Result<Moved, Failure> {
        let dry_run = self.arguments.choice.dry_run;
        let settings = many::settings(&self.arguments.choice, self.arguments.concurrency);
        let keys = Arc::clone(&self.keys);
        let stores = to.is_some();
        let recorder = Recorder::start(move |id, objects| match stores {
            true => keys.store().record_use(id, objects),
            false => keys.store().record_found(id, objects),
        })?;
        let mut moved = Moved {
            actions: Actions::begin(self.invocation.terminal, dry_run)?,
            tally: match dry_run {
                true => Tally::new().of_plan(),
                false => Tally::new(),
            },
            stopped: None,
            sent: match to {
                Some(_) if !dry_run && !self.arguments.no_wait => Some(Sent::begin(None)?),
                _ => None,
            },
            replicas: None,
        };
        let many = Many::new(self.engine.clone(), settings);
        let mut outcomes = many.run(jobs, self.cancel.clone());
        let mut skips = Skips::default();
        let take = |what: What, result| match result {
            Ok(came) => self.came(&mut moved, &what, came, to, &recorder, &mut skips),
            Err(failure) => failed(&mut moved, &what, failure),
        };
        let taken = many::take_all(&mut outcomes, &self.progress, take).await;
        moved.stopped = outcomes.stopped();
        drop(outcomes);
        // Whatever stops the taking, what was stored is recorded.
        recorder
            .finish()
            .await
            .warn(self.invocation.terminal, address);
        moved.tally.stop_watch();
        self.progress.finish();
        for finding in self.keys.store().catalogue_findings() {
            self.invocation.terminal.warn(finding);
        }
        taken.map(|()| moved)
    }

    fn came(
        &self,
        moved: &mut Moved,
        what: &What,
        came: Came,
        to: Option<(&Region, &Encrypting)>,
        recorder: &Recorder,
        skips: &mut Skips,
    ) -> Result<(), Failure> {
        if let (Done::Transferred, Some(id), Some(object)) = (came.done, &came.key_id, &what.object)
        {
            let version = came.version_id.as_deref();
            let used = ObjectUse::new(object.bucket.as_str(), &*object.key, version);
            recorder.uses(id, used);
            if let (Some(sent), Some((region, encrypting)), true) =
                (&mut moved.sent, to, came.differences.is_empty())
            {
                sent.add(&subject(what, &came, region, encrypting, object.clone()))?;
            }
        }
        let action = came.json(what);
        if let Some(why) = &came.left_out {
            moved.tally.done(Done::Skipped, 0);
            let said = format!("`{}` {why}, and is skipped", printable(&what.source));
            skips.say(self.invocation.terminal, &said);
            return moved.actions.silent(&action);
        }
        if !came.differences.is_empty() {
            let failure = Failure::new(
                Exit::Differs,
                format!(
                    "the copy `{}` is not what `{}` is: {}",
                    printable(&what.destination),
                    printable(&what.source),
                    came.differences.join("; ")
                ),
            )
            .hint("both are there: compare them before either is removed");
            return failed(moved, what, failure.into());
        }
        moved.tally.done(came.done, what.size);
        match came.done {
            Done::Unchanged if self.arguments.choice.dry_run => moved.actions.silent(&action),
            _ => moved.actions.done(&action, || came.text(what)),
        }
    }

    /// Verifies the replication of what was sent, and ends with what all came to.
    pub(super) async fn end(
        &self,
        mut moved: Moved,
        encrypting: Option<&Encrypting>,
    ) -> Result<Exit, Failure> {
        if let (Some(mut sent), Some(encrypting)) = (moved.sent.take(), encrypting)
            && moved.stopped != Some(Stopped::Interrupted)
        {
            sent.close()?;
            let look = Look {
                invocation: self.invocation,
                aws: &self.aws,
                key: &encrypting.key,
                options: &self.arguments.wait,
                cancel: &self.cancel,
            };
            moved.replicas = Some(Replicas::verify(&look, sent, &mut moved.actions).await?);
        }
        let Moved {
            actions,
            tally,
            stopped,
            replicas,
            ..
        } = moved;
        let verb = match self.arguments.choice.dry_run {
            true => "would copy",
            false => "copied",
        };
        let under = encrypting.map_or_else(String::new, |key| format!(" under key {}", key.id));
        let mut text = tally.text(verb, &under);
        let mut summary = tally.json(stopped);
        if let Some(fields) = summary.as_object_mut()
            && let Some(encrypting) = encrypting
        {
            fields.insert("key_id".to_owned(), json!(encrypting.id));
        }
        if let Some(replicas) = &replicas {
            text.push_str(&replicas.text());
            if let Some(fields) = summary.as_object_mut() {
                fields.insert("replicas".to_owned(), json!(replicas));
            }
        }
        actions.end(&summary, text)?;
        many::stopped_early(&tally, stopped)?;
        let replicated = replicas.map_or(Exit::Done, |replicas| replicas.exit());
        Ok(match (tally.exit(stopped), replicated) {
            (_, Exit::Differs) => Exit::Differs,
            (Exit::Done, replicated) => replicated,
            (failed, _) => failed,
        })
    }
}

fn failed(moved: &mut Moved, what: &What, failure: JobFailure) -> Result<(), Failure> {
    moved.tally.failed(&failure);
    failure.tell(what.json(), &printable(&what.source), &mut moved.actions)
}

/// What verification needs to know of an object that was sent.
fn subject(
    what: &What,
    came: &Came,
    region: &Region,
    encrypting: &Encrypting,
    source: keyferry_transfer::ObjectAddress,
) -> Subject {
    Subject {
        source,
        region: region.clone(),
        version_id: came.version_id.clone(),
        size: what.size,
        etag: None,
        parts: None,
        checksum: None,
        sha256: None,
        key_id: Some(encrypting.id.clone()),
        key_md5: Some(encrypting.key.md5()),
        uploaded: None,
        from_receipt: false,
        receipt: None,
    }
}
