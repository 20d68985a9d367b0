//! `keyferry rm`

mod items;
mod report;

use aws_sdk_s3::Client;
use aws_sdk_s3::types::BucketVersioningStatus;
use futures::stream::{self, StreamExt, TryStreamExt};
use keyferry_transfer::{
    Deleted, Deletion, Filter, MAX_DELETIONS, ObjectAddress, TransferError, delete,
};
use keyferry_verify::{ParseScopeError, Scope};
use tokio_util::sync::CancellationToken;

use super::Invocation;
use super::actions::Actions;
use crate::args::RmArgs;
use crate::aws::Aws;
use crate::confirm::confirmed;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt;
use crate::terminal::{human_bytes, printable};
use items::Item;
use report::Tally;

/// How many requests, of up to 1,000 objects each, are under way at once.
const AT_ONCE: usize = 4;

/// What the steps of a run share.
struct Course<'a> {
    invocation: &'a Invocation,
    arguments: &'a RmArgs,
    client: Client,
    scope: Scope,
    filter: Filter,
    /// Whether the bucket keeps versions; `None` where it may not be asked.
    versioned: Option<bool>,
    cancel: CancellationToken,
}

pub(super) async fn run(invocation: &Invocation, arguments: RmArgs) -> Result<Exit, Failure> {
    let scope: Scope = arguments
        .address
        .parse()
        .map_err(|error: ParseScopeError| Failure::from_error(Exit::Usage, &error))?;
    if scope.prefix.is_empty() && !arguments.recursive {
        return Err(Failure::new(
            Exit::Usage,
            format!("`{}` names a bucket but no object", arguments.address),
        )
        .hint("--recursive removes all objects of a bucket"));
    }
    let filter = arguments.filter.filter()?;
    if !arguments.recursive && !filter.takes_all() {
        return Err(Failure::new(
            Exit::Usage,
            "--include and --exclude choose among many objects, and only one is named",
        )
        .hint("--recursive removes all objects whose keys begin so"));
    }
    let cancel = interrupt::token(invocation.terminal)?;
    let aws = Aws::connect(&invocation.settings).await?;
    let region = aws.bucket_region(&scope.bucket).await?;
    let client = aws.client(&region)?;
    let course = Course {
        versioned: is_versioned(&client, &scope).await,
        invocation,
        arguments: &arguments,
        client,
        scope,
        filter,
        cancel,
    };
    course.run().await
}

/// Whether anything that is removed leaves its versions behind.
async fn is_versioned(client: &Client, scope: &Scope) -> Option<bool> {
    let answer = client
        .get_bucket_versioning()
        .bucket(scope.bucket.as_str())
        .send()
        .await
        .ok()?;
    Some(answer.status() == Some(&BucketVersioningStatus::Enabled))
}

impl Course<'_> {
    async fn run(&self) -> Result<Exit, Failure> {
        let arguments = self.arguments;
        if !arguments.recursive && !arguments.versions && arguments.version_id.is_none() {
            self.must_exist().await?;
        }
        let destroys = arguments.versions || arguments.version_id.is_some();
        if (arguments.recursive || destroys) && !arguments.yes && !arguments.dry_run {
            self.ask().await?;
        }
        let mut actions = Actions::begin(self.invocation.terminal, arguments.dry_run)?;
        let mut tally = Tally::default();
        let ended = match arguments.dry_run {
            true => self.look(&mut actions, &mut tally).await,
            false => self.remove(&mut actions, &mut tally).await,
        };
        report::end(self, actions, &tally)?;
        ended?;
        if self.cancel.is_cancelled() {
            return Err(Failure::new(Exit::Interrupted, "interrupted")
                .hint("the same command removes the rest"));
        }
        Ok(tally.exit())
    }

    /// S3 says of an object that was never there that it was deleted: a mistyped key would go
    /// unnoticed. A HEAD needs no customer key for this, as only 404 counts.
    async fn must_exist(&self) -> Result<(), Failure> {
        let head = self
            .client
            .head_object()
            .bucket(self.scope.bucket.as_str())
            .key(&self.scope.prefix)
            .send()
            .await;
        let gone = head.is_err_and(|error| {
            error
                .raw_response()
                .is_some_and(|answer| answer.status().as_u16() == 404)
        });
        if !gone {
            return Ok(());
        }
        let address = ObjectAddress {
            bucket: self.scope.bucket.clone(),
            key: self.scope.prefix.clone(),
        };
        let error = TransferError::NoSuchObject {
            address,
            version_id: None,
        };
        Err(Failure::from(error).hint(
            "keys are taken literally; --recursive removes what begins so, --versions what is below a delete marker",
        ))
    }

    async fn ask(&self) -> Result<(), Failure> {
        let (mut objects, mut bytes) = (0_u64, 0_u64);
        let mut items = std::pin::pin!(self.items());
        while let Some(item) = items.try_next().await? {
            objects += 1;
            bytes += item.size;
        }
        if objects == 0 {
            return Ok(());
        }
        let arguments = self.arguments;
        let destroys = arguments.versions || arguments.version_id.is_some();
        let things = match (destroys, objects) {
            (true, 1) => "version or delete marker",
            (true, _) => "versions and delete markers",
            (false, 1) => "object",
            (false, _) => "objects",
        };
        let what = format!(
            "remove {objects} {things} ({}) of `{}`{}",
            human_bytes(bytes),
            printable(&self.scope.to_string()),
            match (destroys, self.versioned) {
                (true, _) | (_, Some(false)) => " for good",
                (false, Some(true)) => "; their versions stay",
                (false, None) => "",
            }
        );
        let nobody = || {
            Failure::new(
                Exit::Usage,
                format!("nothing was removed: nobody is there to ask whether to {what}"),
            )
            .hint("--yes does it without asking, --dry-run only looks")
        };
        match confirmed(format!("{what}?"), &self.cancel, nobody).await? {
            true => Ok(()),
            false => Err(Failure::new(Exit::Failure, "nothing was removed")),
        }
    }

    /// Says what would be removed.
    async fn look(&self, actions: &mut Actions, tally: &mut Tally) -> Result<(), Failure> {
        let mut items = std::pin::pin!(self.items());
        while let Some(item) = items.try_next().await? {
            report::planned(self, actions, tally, &item)?;
            if self.cancel.is_cancelled() {
                break;
            }
        }
        Ok(())
    }

    /// Removes, some batches at once.
    async fn remove(&self, actions: &mut Actions, tally: &mut Tally) -> Result<(), Failure> {
        let mut listed = Ok(());
        // What was listed before the listing failed is still removed: it was asked for.
        let items =
            self.items()
                .take_until(self.cancel.cancelled())
                .scan(&mut listed, |listed, item| {
                    std::future::ready(match item {
                        Ok(item) => Some(item),
                        Err(error) => {
                            **listed = Err(error);
                            None
                        }
                    })
                });
        let batches = items.chunks(MAX_DELETIONS).map(|items| self.batch(items));
        let mut batches = Box::pin(batches.buffer_unordered(AT_ONCE));
        let mut first_failure = None;
        while let Some(batch) = batches.next().await {
            match batch {
                Ok(deleted) => {
                    for (item, deleted) in deleted {
                        report::handled(self, actions, tally, &item, deleted)?;
                    }
                }
                // What concerns a whole request concerns the next one, too.
                Err(error) => {
                    first_failure = Some(error);
                    break;
                }
            }
        }
        drop(batches);
        match first_failure {
            Some(error) => Err(error.into()),
            None => listed.map_err(Failure::from),
        }
    }

    async fn batch(&self, items: Vec<Item>) -> Result<Vec<(Item, Deleted)>, TransferError> {
        let deletions: Vec<Deletion> = items.iter().map(|item| item.deletion.clone()).collect();
        let bypass = self.arguments.bypass_governance;
        let deleted = delete(&self.client, &self.scope.bucket, deletions, bypass).await?;
        let mut by_name: std::collections::HashMap<Deletion, Item> = items
            .into_iter()
            .map(|item| (item.deletion.clone(), item))
            .collect();
        Ok(deleted
            .into_iter()
            .filter_map(|deleted| Some((by_name.remove(&deleted.deletion)?, deleted)))
            .collect())
    }

    /// What is to be removed.
    fn items(&self) -> stream::BoxStream<'_, Result<Item, TransferError>> {
        items::of(self)
    }
}
