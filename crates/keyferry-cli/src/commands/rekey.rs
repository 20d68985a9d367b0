//! `keyferry rekey`

mod ask;
mod cost;
mod keys;
mod line;
mod old_versions;
mod recorder;
mod replicas;
mod report;
mod target;

use aws_sdk_s3::Client;
use keyferry_keystore::Store;
use keyferry_transfer::{
    Ended, LockState, Ownership, Rekey, Rekeyer, Totals, TransferError, UnfinishedUploads,
};
use tokio_util::sync::CancellationToken;

use super::Invocation;
use crate::args::RekeyArgs;
use crate::aws::Aws;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{interrupt, keys as store_keys};
use keys::StoreKeys;
pub(super) use line::note;
use recorder::Recorder;
use report::{Shown, Tally};
use target::Target;
pub(super) use target::record_place;

/// What the steps of a run share.
struct Course<'a> {
    invocation: &'a Invocation,
    arguments: &'a RekeyArgs,
    target: Target,
    aws: Aws,
    client: Client,
    rekey: Rekey,
    unfinished: UnfinishedUploads,
    cancel: CancellationToken,
}

pub(super) async fn run(invocation: &Invocation, arguments: RekeyArgs) -> Result<Exit, Failure> {
    let terminal = invocation.terminal;
    let target = Target::parse(&arguments.target)?;
    let mut store = store_keys::open_store(&invocation.settings, &terminal)?;
    let chosen = keys::chosen(&store, &arguments)?;
    if !arguments.dry_run
        && let Some(block) = store.write_block()
    {
        return Err(Failure::new(
            Exit::Store,
            format!("the key store cannot be written: {block}"),
        )
        .hint("which object is under which key is recorded in the store; see to it first"));
    }
    if !arguments.dry_run {
        crate::keys::require_escrow(
            &mut store,
            &terminal,
            &chosen.id,
            arguments.accept_loss_risk,
        )?;
    }
    let finder = StoreKeys::new(&store, target.bucket.as_str(), &chosen.ring, &terminal)?;
    let cancel = interrupt::token(terminal)?;
    let aws = Aws::connect(&invocation.settings).await?;
    let region = aws.bucket_region(&target.bucket).await?;
    let client = aws.client(&region)?;
    let unfinished = target::open_record(&invocation.settings, &target.bucket, &region)?;
    let mut rekey = Rekey::new(target.bucket.clone(), chosen.key, chosen.id);
    rekey.only_from = chosen.only_from;
    rekey.include_unencrypted = arguments.include_unencrypted;
    rekey.include_replicas = arguments.include_replicas;
    rekey.dry_run = arguments.dry_run;
    if let Some(concurrency) = arguments.concurrency {
        rekey.concurrency = concurrency;
    }
    let mut course = Course {
        invocation,
        arguments: &arguments,
        target,
        aws,
        client,
        rekey,
        unfinished,
        cancel,
    };
    course.target.settle(&course.client).await?;
    course.run(&mut store, &finder).await
}

impl Course<'_> {
    async fn run(&self, store: &mut Store, finder: &StoreKeys) -> Result<Exit, Failure> {
        let terminal = self.invocation.terminal;
        let progress = terminal.progress("re-encrypting");
        let rekeyer = Rekeyer::new(
            &self.client,
            &self.rekey,
            finder,
            &self.unfinished,
            &progress,
            &self.cancel,
        )
        .await?;
        let scope = &self.target.scope;
        let totals = rekeyer.totals(scope).await?;
        if self.arguments.dry_run {
            let mut recorder = Recorder::new(self, None, finder, &progress, totals);
            let ended = rekeyer.run(scope, &mut recorder).await;
            progress.finish();
            self.ended(ended, &recorder.tally)?;
            let plan = cost::show(self, &recorder, totals)?;
            let (tally, lines) = recorder.close()?;
            let shown = Shown {
                tally,
                lines,
                totals,
                plan,
                old: None,
            };
            return self.finish(&rekeyer, shown).await;
        }
        self.say_of_the_bucket(&rekeyer, totals);
        if !self.arguments.yes && totals.objects > 0 {
            ask::confirm(self, totals).await?;
        }
        let prefix = scope.prefix();
        let resumed = self
            .unfinished
            .begin_run(prefix, &self.rekey.key_id)
            .await?;
        if resumed {
            terminal.say("going on where an earlier run stopped");
        }
        let mut recorder = Recorder::new(self, Some(&mut *store), finder, &progress, totals);
        recorder.resumed = resumed;
        let ended = rekeyer.run(scope, &mut recorder).await;
        progress.finish();
        let (tally, lines) = recorder.close()?;
        if let Err(failure) = self.ended(ended, &tally) {
            report::stopped(self, &Shown::new(tally, lines, totals))?;
            return Err(failure);
        }
        let mut shown = Shown::new(tally, lines, totals);
        if !self.arguments.no_wait {
            let lines = std::mem::take(&mut shown.lines);
            shown.lines = replicas::verify(self, lines, &mut shown.tally).await?;
        }
        if self.cancel.is_cancelled() {
            report::stopped(self, &shown)?;
            return Err(self.interrupted());
        }
        let under_key = shown.tally.rekeyed + shown.tally.already;
        if shown.tally.rekeyed > 0 || (resumed && under_key > 0) {
            let (id, bucket) = (&self.rekey.key_id, self.target.bucket.as_str());
            store.record_rekeyed(id, bucket, prefix, under_key)?;
        }
        if shown.tally.is_clean() {
            self.unfinished.end_run(prefix, &self.rekey.key_id).await?;
        }
        self.finish(&rekeyer, shown).await
    }

    async fn finish(&self, rekeyer: &Rekeyer<'_>, mut shown: Shown) -> Result<Exit, Failure> {
        if self.arguments.all_versions {
            shown.old = Some(old_versions::list(self, rekeyer).await?);
        }
        report::summary(self, &shown)?;
        Ok(shown.tally.exit())
    }

    /// Turns the end of a run into a failure, unless it is complete.
    fn ended(&self, ended: Ended<Failure>, tally: &Tally) -> Result<(), Failure> {
        match ended {
            Ended::Complete => Ok(()),
            Ended::Interrupted | Ended::Stopped(TransferError::Interrupted) => {
                Err(self.interrupted())
            }
            Ended::Stopped(error) => Err(error.into()),
            Ended::ByReceiver(failure) => Err(failure),
            Ended::Hopeless => {
                let (message, hint) = tally.last_failure.clone().unwrap_or_default();
                Err(Failure::new(
                    Exit::Failure,
                    format!("stopped, as every object would fail alike: {message}"),
                )
                .maybe_hint(hint))
            }
        }
    }

    fn interrupted(&self) -> Failure {
        let again = target::command(self.arguments);
        Failure::new(Exit::Interrupted, "interrupted").hint(format!("go on with `{again}`"))
    }

    /// What people should know of a bucket before its objects are copied onto themselves.
    fn say_of_the_bucket(&self, rekeyer: &Rekeyer<'_>, totals: Totals) {
        let terminal = self.invocation.terminal;
        let (bucket, name) = (rekeyer.bucket(), &self.target.bucket);
        if totals.objects == 0 {
            return;
        }
        if bucket.versioned == Some(false) {
            terminal.warn(format!(
                "`{name}` keeps no versions: each object is replaced, and the old one is gone"
            ));
        }
        if bucket.lock == LockState::Unknown {
            terminal.warn(format!(
                "whether `{name}` has Object Lock may not be asked (s3:GetBucketObjectLockConfiguration): locks are kept only as far as they are shown"
            ));
        }
        if bucket.ownership == Ownership::Unknown {
            terminal.warn(format!(
                "whether objects in `{name}` have access control lists may not be asked (s3:GetBucketOwnershipControls): each object is asked"
            ));
        }
    }
}
