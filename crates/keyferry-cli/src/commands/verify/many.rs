//! A verification of many objects: below a prefix, or of a list of receipts.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use keyferry_key::CustomerKey;
use keyferry_policy::BucketName;
use keyferry_report::BrokenOff;
use keyferry_transfer::ObjectAddress;
use keyferry_verify::{
    CandidateKeys, Conclusion, Keys, Listed, Many, ManyOptions, Progress, ReplicaTarget, Scope,
    Silent, Summary, Verdict, VerifyError, What, verify_many,
};
use tokio_util::sync::CancellationToken;

use super::kept::Kept;
use super::named;
use super::output::Results;
use super::receipts::Receipts;
use super::results::ResultsFile;
use super::state::StateFile;
use crate::args::{KeySource, VerifyArgs};
use crate::aws::Aws;
use crate::commands::Invocation;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::store_keys::{Choice, Only, StoreKeys};
use crate::terminal::{self, printable};
use crate::{keys, replica};

/// How many keys are tried on an object that nothing leads to a key of.
const MOST_TRIALS: usize = 64;
/// How often progress is shown while nothing happens.
const TICK: Duration = Duration::from_millis(500);

/// What a run needs.
pub(super) struct Run<'a> {
    pub(super) invocation: &'a Invocation,
    pub(super) aws: &'a Aws,
    pub(super) arguments: &'a VerifyArgs,
    pub(super) cancel: CancellationToken,
    pub(super) kept: &'a mut Kept,
}

/// The keys that were asked for.
enum Chosen {
    One(CustomerKey),
    Store(Arc<StoreKeys>),
}

impl Run<'_> {
    /// Verifies what is in a bucket.
    pub(super) async fn listed(mut self, shown: &Scope, listed: Listed) -> Result<Exit, Failure> {
        let place = self.place().await?;
        let replicas = self.replicas(&place, [&listed.bucket]);
        let asked = format!(
            "{shown} {} {}",
            match listed.scope {
                keyferry_transfer::Scope::Object(_) => "object",
                keyferry_transfer::Scope::Prefix(_) => "prefix",
            },
            match self.arguments.all_versions {
                true => "all versions",
                false => "current versions",
            },
        );
        let summary = self
            .verify(&place, What::Listed(listed), (replicas, asked), None)
            .await?;
        if summary.total() == 0 {
            return Err(Failure::new(
                Exit::Failure,
                format!("there is nothing below `{}`", printable(&shown.to_string())),
            )
            .hint("keys are taken literally, with every space, `%`, `+` and `/`; --all-versions looks at what was deleted, too"));
        }
        Ok(self.exit(&summary))
    }

    /// Verifies what receipts name.
    pub(super) async fn receipts(mut self, receipts: Receipts) -> Result<Exit, Failure> {
        for bucket in receipts.buckets() {
            self.arguments.wait.replica.is_not(bucket)?;
        }
        let place = self.place().await?;
        let replicas = self.replicas(&place, receipts.buckets());
        let asked = format!("receipts in {}", named(&self.arguments.receipt));
        let total = receipts.count();
        let what = What::Recorded(futures::stream::iter(receipts.recorded()).boxed());
        let summary = self
            .verify(&place, what, (replicas, asked), Some(total))
            .await?;
        if summary.contradicting_receipts > 0 {
            self.invocation.terminal.warn(format!(
                "{} receipts contradict another one of the same version",
                summary.contradicting_receipts
            ));
        }
        Ok(self.exit(&summary))
    }

    async fn place(&self) -> Result<replica::Place, Failure> {
        let wait = &self.arguments.wait;
        let place = replica::Place::connect(self.invocation, self.aws, &wait.replica).await?;
        Ok(place.hearing(wait.events.as_ref()))
    }

    fn replicas<'b>(
        &self,
        place: &replica::Place,
        buckets: impl IntoIterator<Item = &'b BucketName>,
    ) -> BTreeMap<BucketName, Vec<ReplicaTarget>> {
        buckets
            .into_iter()
            .filter_map(|bucket| {
                let any = ObjectAddress {
                    bucket: bucket.clone(),
                    key: String::new(),
                };
                let given = place.given(self.invocation, &any)?;
                Some((bucket.clone(), vec![given]))
            })
            .collect()
    }

    async fn verify(
        &mut self,
        place: &replica::Place,
        what: What<'_>,
        (replicas, asked): (BTreeMap<BucketName, Vec<ReplicaTarget>>, String),
        total: Option<u64>,
    ) -> Result<Summary, Failure> {
        let arguments = self.arguments;
        let options = ManyOptions {
            level: arguments.wait.level(),
            read: arguments.read.into(),
            probe: arguments.wait.probe(),
            wait: arguments.wait.wait,
            both_ways: arguments.both_ways,
            extras: !arguments.ignore_extra,
            concurrency: arguments.concurrency,
            keep_state: arguments.state.is_some(),
            replicas,
        };
        let asked = format!(
            "{asked}, level {:?}, replicas {:?}, both ways {}, extra versions {}",
            options.level,
            options
                .replicas
                .values()
                .flatten()
                .map(|at| at.bucket.as_str())
                .collect::<Vec<_>>(),
            options.both_ways,
            options.extras
        );
        let (mut file, state) = match &arguments.state {
            Some(path) => {
                let (file, state) = StateFile::open(path, asked)?;
                (Some(file), state)
            }
            None => (None, None),
        };
        let chosen = self.keys()?;
        let state = match (&arguments.state, state) {
            (None, _) => None,
            (Some(path), None) => {
                self.kept
                    .go_on(ResultsFile::create(path)?, Summary::default())?;
                None
            }
            (Some(path), Some((state, results))) => {
                let results = ResultsFile::go_on(path, results)?;
                self.kept.go_on(results, state.summary.clone())?;
                self.invocation.terminal.say(format!(
                    "going on with an earlier run: {} were looked at",
                    state.summary.total()
                ));
                Some(state)
            }
        };
        let keys = match &chosen {
            None => Keys::None,
            Some(Chosen::One(key)) => Keys::One(key),
            Some(Chosen::Store(store)) => Keys::Store(&**store as &dyn CandidateKeys),
        };
        let terminal = self.invocation.terminal;
        let progress = terminal.progress("verifying");
        let many = Many {
            what,
            keys,
            options,
            state,
        };
        let mut results = Results::begin(terminal)?;
        let mut run = pin!(verify_many(
            place.regions(),
            many,
            &Silent,
            self.cancel.clone()
        ));
        let mut ticks = tokio::time::interval(TICK);
        let mut failed = None;
        loop {
            tokio::select! {
                biased;
                _ = ticks.tick() => {
                    show(&progress, run.progress(), total);
                    if let Some(file) = file.as_mut().filter(|file| file.is_due()) {
                        file.write(run.state(), self.kept.settled()?)?;
                    }
                }
                next = run.next() => match next {
                    None => break,
                    Some(Ok(checked)) => {
                        results.add(&checked)?;
                        self.kept.add(&checked)?;
                    }
                    Some(Err(error)) => {
                        failed = Some(error);
                        break;
                    }
                },
            }
        }
        progress.finish();
        let summary = run.summary();
        results.end(arguments.wait.level(), &summary, failed.is_none())?;
        let failed = failed.map(|error| match file {
            Some(_) => {
                Failure::from(error).hint("the same command goes on from where this run was")
            }
            None => broken_off(error),
        });
        match (&failed, summary.total()) {
            // Whether there is a report to write is for the caller to see.
            (Some(_), 0) => {}
            (failure, _) => {
                let broken_off = failure.as_ref().map(BrokenOff::from);
                self.kept.end(terminal, &summary, broken_off.as_ref())?;
            }
        }
        if let Some(Chosen::Store(store)) = &chosen {
            for finding in store.store().catalogue_findings() {
                terminal.warn(finding);
            }
        }
        match (failed, file) {
            (None, file) => {
                file.map_or(Ok(()), StateFile::remove)?;
                self.kept.forget_results()?;
                Ok(summary)
            }
            (Some(failure), file) => {
                if let Some(mut file) = file {
                    file.write(run.state(), self.kept.settled()?)?;
                }
                Err(failure)
            }
        }
    }

    /// How the run ends. Without a key store, objects under customer keys are not a matter of which key.
    fn exit(&self, summary: &Summary) -> Exit {
        let settings = &self.invocation.settings;
        let exit = exit(summary);
        let unopened = summary.count(Verdict::WrongKey);
        if unopened == 0 || self.arguments.key.is_some() || keys::has_store(settings) {
            return exit;
        }
        let objects = if unopened == 1 {
            "object is"
        } else {
            "objects are"
        };
        self.invocation.terminal.warn(format!(
            "there is no key store in `{}`, and {unopened} {objects} under customer keys",
            settings.store
        ));
        self.invocation
            .terminal
            .hint("say where the key store is: --store; or give the key: --key");
        match exit {
            Exit::Key => Exit::Store,
            other => other,
        }
    }

    /// Where the keys come from; nowhere where there is no store and none was asked for.
    fn keys(&self) -> Result<Option<Chosen>, Failure> {
        let settings = &self.invocation.settings;
        let terminal = &self.invocation.terminal;
        let only = match &self.arguments.key {
            None => None,
            Some(KeySource::Store(name)) => Some(name),
            Some(source) => {
                let chosen = keys::choose(settings, terminal, source)?;
                return Ok(Some(Chosen::One(chosen.key)));
            }
        };
        if only.is_none() && !keys::has_store(settings) {
            return Ok(None);
        }
        let store = keys::open_store(settings, terminal)?;
        let only = only
            .map(|name| keys::named(store.list(), name))
            .transpose()?
            .map(Only::from);
        let choice = Choice {
            only,
            expected: None,
            most: MOST_TRIALS,
        };
        Ok(Some(Chosen::Store(Arc::new(StoreKeys::new(store, choice)))))
    }
}

fn show(progress: &terminal::Progress, run: Progress, total: Option<u64>) {
    let total = total.or_else(|| run.complete.then_some(run.taken));
    let message = match run.waiting {
        0 => String::new(),
        waiting => format!("{waiting} waiting for replication"),
    };
    progress.counted(run.done, total, &message);
}

fn broken_off(error: VerifyError) -> Failure {
    let failure = Failure::from(error);
    match failure.exit() {
        Exit::Interrupted => failure.hint("with --state FILE a later run goes on from here"),
        _ => failure,
    }
}

/// How a run ends: what is refuted outweighs what could not be found out.
fn exit(summary: &Summary) -> Exit {
    if summary.concluded(Conclusion::Refuted) > 0 {
        Exit::Differs
    } else if summary.count(Verdict::WrongKey) > 0 {
        Exit::Key
    } else if summary.count(Verdict::Error) > 0 {
        Exit::Failure
    } else {
        match summary.conclusion() {
            Conclusion::Verified => Exit::Done,
            _ => Exit::NotConfirmed,
        }
    }
}
