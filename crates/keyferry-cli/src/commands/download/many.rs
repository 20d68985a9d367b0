//! All objects below a prefix, to a folder.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_s3::Client;
use futures::Stream;
use futures::stream::StreamExt;
use keyferry_key::KeyId;
use keyferry_transfer::{
    Download, DownloadTarget, Downloaded, ErrorKind, Filter, Job, KeyPath, KeyPathError,
    ListedVersion, Listing, LocalError, Many, ObjectAddress, Overwrite, Resume, Running,
    TargetFolder, TransferError,
};
use keyferry_verify::{ParseScopeError, Scope};
use serde_json::json;

use super::object_keys::{Candidate, ObjectKeys};
use super::taking::Taking;
use crate::args::DownloadArgs;
use crate::aws::Aws;
use crate::commands::Invocation;
use crate::commands::actions::Actions;
use crate::commands::many::{JobFailure, engine, objects, settings, stopped_early};
use crate::commands::uses::Recorder;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::{ManyProgress, human_bytes, printable};
use crate::{interrupt, replica, resume};

/// An object, and the file that it becomes.
pub(super) struct Item {
    pub(super) address: ObjectAddress,
    pub(super) path: Option<KeyPath>,
    pub(super) size: u64,
}

/// What came of it.
pub(super) enum Came {
    Downloaded(Box<Downloaded>, Option<KeyId>),
    /// A marker of a folder, as consoles make them.
    Marker,
}

type DownloadJob = Job<Item, Came, JobFailure>;

pub(super) async fn run(
    invocation: &Invocation,
    arguments: &DownloadArgs,
) -> Result<Exit, Failure> {
    let terminal = invocation.terminal;
    let asked = scope(arguments)?;
    let filter = arguments.many.choice.filter.filter()?;
    let cancel = interrupt::token(terminal)?;
    let aws = Aws::connect(&invocation.settings).await?;
    let prefix = ObjectAddress {
        bucket: asked.bucket,
        key: asked.prefix,
    };
    let side = replica::side(invocation, &aws, &prefix, arguments).await?;
    let client = side.aws.client(&side.region)?;
    let region = side.region;
    let source = Scope {
        bucket: side.address.bucket,
        prefix: side.address.key,
    };
    if arguments.many.choice.dry_run {
        return dry_run(invocation, arguments, &client, &source, &filter).await;
    }
    let keys = ObjectKeys::open(invocation, arguments.key.as_ref(), &source.bucket)?;
    let folder = TargetFolder::open(&arguments.destination).await?;
    let plan = Arc::new(Plan {
        progress: ManyProgress::new(terminal, "downloading"),
        folder: Arc::new(folder),
        listed: AtomicU64::new(0),
        overwrite: resume::overwrite(arguments.overwrite, arguments.resume),
        concurrency: arguments.concurrency,
        resume: resume::asked(arguments.resume),
        client,
        source,
        filter,
        keys,
    });
    if plan.progress.has_bars() {
        plan.count();
    }
    let jobs = plan.listing().filter_map({
        let plan = Arc::clone(&plan);
        move |listed| std::future::ready(plan.job(listed))
    });
    let recorder = plan.keys.store().map(|keys| {
        let keys = Arc::clone(keys);
        Recorder::start(move |id, objects| keys.record_found(id, objects))
    });
    let mut taking = Taking::begin(terminal, &plan, recorder.transpose()?)?;
    let many = Many::new(
        engine(&arguments.many.choice, arguments.concurrency),
        settings(&arguments.many.choice, arguments.concurrency),
    );
    let mut outcomes = many.run(jobs, cancel);
    let taken = taking.all(&mut outcomes).await;
    let stopped = outcomes.stopped();
    drop(outcomes);
    // Only now what was said to be downloaded survives a power failure.
    let settled = plan.folder.settle().await;
    let Taking {
        actions,
        mut tally,
        recorder,
        unverified,
        ..
    } = taking;
    tally.stop_watch();
    plan.progress.finish();
    if let Some(recorder) = recorder {
        let recorded = recorder.finish().await;
        recorded.warn(terminal, &plan.source.to_string());
    }
    taken?;
    settled?;
    if unverified > 0 {
        terminal.warn(format!(
            "{unverified} objects have no checksum that could be verified"
        ));
    }
    if plan.listed.load(Ordering::Relaxed) == 0 && tally.is_empty() && stopped.is_none() {
        return Err(nothing_there(&plan.source));
    }
    let mut summary = tally.json(stopped);
    if let Some(fields) = summary.as_object_mut() {
        fields.insert("source".to_owned(), json!(plan.source));
        fields.insert("region".to_owned(), json!(region));
        fields.insert("folder".to_owned(), json!(plan.folder.path()));
        fields.insert("unverified".to_owned(), unverified.into());
    }
    let from_to = format!(" from {} to {}", plan.source, plan.folder.path().display());
    actions.end(&summary, tally.text("downloaded", &from_to))?;
    stopped_early(&tally, stopped)?;
    Ok(tally.exit(stopped))
}

fn nothing_there(source: &Scope) -> Failure {
    let what = format!("there is no object below `{source}`");
    Failure::new(Exit::Failure, what)
        .hint("prefixes are taken literally, up to a slash; `keyferry ls` shows what is there")
}

/// A bucket, and a prefix that ends in a slash.
fn scope(arguments: &DownloadArgs) -> Result<Scope, Failure> {
    let usage = |what: &str, hint: &str| Err(Failure::new(Exit::Usage, what).hint(hint));
    if arguments.destination.as_os_str() == "-" {
        return usage(
            "several objects cannot go to standard output",
            "name a folder, or one object without -r",
        );
    }
    if arguments.version_id.is_some() {
        return usage(
            "--version-id names a version of one object",
            "leave out -r, and give the object's whole key",
        );
    }
    let mut scope: Scope = arguments
        .source
        .parse()
        .map_err(|error: ParseScopeError| Failure::from_error(Exit::Usage, &error))?;
    if !scope.prefix.is_empty() && !scope.prefix.ends_with('/') {
        scope.prefix.push('/');
    }
    Ok(scope)
}

/// What all objects of a run have in common.
pub(super) struct Plan {
    client: Client,
    source: Scope,
    filter: Filter,
    keys: ObjectKeys,
    pub(super) folder: Arc<TargetFolder>,
    overwrite: Overwrite,
    concurrency: Option<NonZeroUsize>,
    resume: Resume,
    pub(super) progress: ManyProgress,
    listed: AtomicU64,
}

impl Plan {
    fn listing(&self) -> impl Stream<Item = Result<ListedVersion, TransferError>> + Send + use<> {
        let scope = self.source.listed();
        Listing::new(&self.client, &self.source.bucket, scope).objects()
    }

    /// The object's name below the prefix, if it was asked for.
    fn name<'a>(&self, object: &'a ListedVersion) -> Option<&'a str> {
        let name = object.key.strip_prefix(&self.source.prefix)?;
        self.filter.takes(name).then_some(name)
    }

    fn job(self: &Arc<Self>, listed: Result<ListedVersion, TransferError>) -> Option<DownloadJob> {
        let object = match listed {
            Ok(object) => object,
            Err(error) => {
                let item = Item {
                    address: self.address(self.source.prefix.clone()),
                    path: None,
                    size: 0,
                };
                return Some(Job::new(item, 0, async move |_| Err(error.into())));
            }
        };
        self.listed.fetch_add(1, Ordering::Relaxed);
        let path = KeyPath::new(self.name(&object)?);
        let address = self.address(object.key);
        let size = object.size;
        let item = Item {
            address: address.clone(),
            path: path.as_ref().ok().cloned(),
            size,
        };
        let plan = Arc::clone(self);
        Some(Job::new(
            item,
            size,
            async move |running: Running| match path {
                Ok(path) => plan.download(running, address, path, size).await,
                Err(KeyPathError::Folder) if size == 0 => Ok(Came::Marker),
                Err(why) => Err(TransferError::from(LocalError::NoPath { address, why }).into()),
            },
        ))
    }

    fn address(&self, key: String) -> ObjectAddress {
        ObjectAddress {
            bucket: self.source.bucket.clone(),
            key,
        }
    }

    async fn download(
        &self,
        mut running: Running,
        address: ObjectAddress,
        path: KeyPath,
        size: u64,
    ) -> Result<Came, JobFailure> {
        let progress = self.progress.object(path.as_str());
        let mut refused = None;
        if let Some(likely) = self.keys.likely(&address) {
            let id = likely.id.clone();
            let request = self.request(&address, &path, size, likely);
            match running.download(&self.client, request, &*progress).await {
                Ok(downloaded) => return Ok(self.came(downloaded, id)),
                Err(error) if error.kind() == ErrorKind::Key => refused = Some(error.into()),
                Err(error) => return Err(error.into()),
            }
        }
        let found = Box::pin(self.keys.find(&self.client, &address, refused)).await?;
        let id = found.id.clone();
        let request = self.request(&address, &path, size, found);
        let downloaded = running.download(&self.client, request, &*progress).await?;
        Ok(self.came(downloaded, id))
    }

    fn request(
        &self,
        address: &ObjectAddress,
        path: &KeyPath,
        size: u64,
        candidate: Candidate,
    ) -> Download {
        let target = DownloadTarget::Within {
            folder: Arc::clone(&self.folder),
            path: path.clone(),
            size,
        };
        let mut request = Download::new(address.clone(), candidate.key, target);
        request.version_id = candidate.version_id;
        request.overwrite = self.overwrite;
        request.resume = Some(self.resume);
        if let Some(concurrency) = self.concurrency {
            request.concurrency = concurrency;
        }
        request
    }

    fn came(&self, downloaded: Downloaded, id: Option<KeyId>) -> Came {
        self.keys.opened(id.as_ref());
        Came::Downloaded(Box::new(downloaded), id)
    }

    /// Counts what there is to do, beside doing it.
    fn count(self: &Arc<Self>) {
        let tell = self.progress.totals();
        let (listing, plan) = (self.listing(), Arc::downgrade(self));
        tokio::spawn(async move {
            let mut listing = std::pin::pin!(listing);
            let (mut objects, mut bytes) = (0_u64, 0);
            // What keeps it from being listed is told by the run itself.
            while let Some(Ok(object)) = listing.next().await {
                // The run may be over before.
                let Some(plan) = plan.upgrade() else {
                    return;
                };
                if plan.name(&object).is_some() {
                    objects += 1;
                    bytes += object.size;
                    if objects.is_multiple_of(1000) {
                        tell(objects, bytes);
                    }
                }
            }
            tell(objects, bytes);
        });
    }
}

/// Says what would be downloaded. What may be the same already is not asked for.
async fn dry_run(
    invocation: &Invocation,
    arguments: &DownloadArgs,
    client: &Client,
    source: &Scope,
    filter: &Filter,
) -> Result<Exit, Failure> {
    let mut actions = Actions::begin(invocation.terminal, true)?;
    let (mut count, mut bytes, mut listed) = (0_u64, 0, 0_u64);
    let listing = Listing::new(client, &source.bucket, source.listed()).objects();
    let mut listing = std::pin::pin!(listing);
    while let Some(object) = listing.next().await {
        let object = object?;
        listed += 1;
        let name = object.key.strip_prefix(&source.prefix).unwrap_or_default();
        let path = match KeyPath::new(name) {
            Ok(path) if filter.takes(name) => path,
            _ => continue,
        };
        count += 1;
        bytes += object.size;
        let address = format!("s3://{}/{}", source.bucket, object.key);
        let file = arguments.destination.join(path.as_path());
        let action = json!({
            "action": "download",
            "status": "would",
            "address": address,
            "file": file,
            "size": object.size,
        });
        actions.done(&action, || {
            let file = file.to_string_lossy();
            format!(
                "would download {} to {}",
                printable(&address),
                printable(&file)
            )
        })?;
    }
    if listed == 0 {
        return Err(nothing_there(source));
    }
    let summary = json!({"dry_run": true, "objects": count, "bytes": bytes});
    let text = format!("would download {}, {}", objects(count), human_bytes(bytes));
    actions.end(&summary, text)?;
    Ok(Exit::Done)
}
