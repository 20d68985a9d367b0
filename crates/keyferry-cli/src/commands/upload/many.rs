//! Folders, lists and several files: each becomes an object under one key.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use aws_sdk_s3::Client;
use futures::stream::StreamExt;
use keyferry_key::{CustomerKey, KeyId};
use keyferry_policy::Region;
use keyferry_transfer::{
    Event, Filter, Found, Job, LocalFile, Many, NoKeyTag, ObjectAddress, Observer, ResumePlace,
    Running, Special, Stopped, Upload, UploadSource, Uploaded, read_ahead,
};
use keyferry_verify::{ParseScopeError, Scope};
use serde_json::json;

use super::sources::Sources;
use super::taking::Taking;
use super::{Asked, upload_key};
use crate::args::UploadArgs;
use crate::aws::Aws;
use crate::commands::Invocation;
use crate::commands::actions::Actions;
use crate::commands::many::{JobFailure, engine, settings, stopped_early};
use crate::commands::replication::{Look, Replicas};
use crate::commands::sent::Sent;
use crate::commands::uses::Recorder;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::{ManyProgress, ObjectProgress, printable};
use crate::{interrupt, resume};

/// What an object is made from.
pub(super) struct Item {
    pub(super) path: PathBuf,
    /// Not known where the file's name cannot be part of a key.
    pub(super) address: Option<ObjectAddress>,
    pub(super) size: u64,
}

/// What came of it.
pub(super) enum Came {
    Uploaded(Box<Uploaded>, Option<NoKeyTag>),
    Special(Special),
}

type UploadJob = Job<Item, Came, JobFailure>;

pub(super) async fn run(
    invocation: &Invocation,
    arguments: &UploadArgs,
    sources: &[PathBuf],
    address: &str,
) -> Result<Exit, Failure> {
    let terminal = invocation.terminal;
    let target = target(address)?;
    let sources = Sources::new(arguments, sources)?;
    let filter = arguments.many.choice.filter.filter()?;
    if arguments.many.choice.dry_run {
        return dry_run(invocation, &target, &sources, &filter);
    }
    let files = sources.files()?;
    let receipts = match &arguments.receipt {
        None if arguments.no_wait => None,
        path => Some(Sent::begin(path.as_deref())?),
    };
    let (key, store) = upload_key(invocation, arguments, &target.bucket)?;
    let cancel = interrupt::token(terminal)?;
    let aws = Aws::connect(&invocation.settings).await?;
    let region = aws.bucket_region(&target.bucket).await?;
    let progress = ManyProgress::new(terminal, "uploading");
    let plan = Arc::new(Plan {
        client: aws.client(&region)?,
        place: resume::place(&invocation.settings, &region, arguments.resume),
        key: key.key.clone(),
        key_id: key.id.clone(),
        sha256: arguments.receipt.is_some() || !terminal.is_text(),
        asked: Asked::new(arguments)?,
        progress,
        target,
        filter,
        region,
    });
    if plan.progress.wants_totals() && sources.can_be_counted() {
        plan.count(sources.files()?);
    }
    let jobs = read_ahead(files).filter_map({
        let plan = Arc::clone(&plan);
        move |found| std::future::ready(plan.job(found))
    });
    let many = Many::new(
        engine(&arguments.many.choice, arguments.concurrency),
        settings(&arguments.many.choice, arguments.concurrency),
    );
    let recorder =
        store.map(|mut store| Recorder::start(move |id, objects| store.record_use(id, objects)));
    let mut taking = Taking::begin(terminal, &plan, recorder.transpose()?, receipts)?;
    let mut outcomes = many.run(jobs, cancel.clone());
    // Whatever stops the taking, what was stored is recorded.
    let taken = taking.all(&mut outcomes).await;
    let stopped = outcomes.stopped();
    drop(outcomes);
    let Taking {
        mut actions,
        mut tally,
        recorder,
        receipts,
        untagged,
        ..
    } = taking;
    tally.stop_watch();
    plan.progress.finish();
    if let Some(recorder) = recorder {
        recorder
            .finish()
            .await
            .warn(terminal, &plan.target.to_string());
    }
    taken?;
    if untagged > 0 {
        terminal.warn(format!(
            "{untagged} objects have no tag that names their key, only this store's catalogue does"
        ));
    }
    let mut replicas = None;
    if let Some(mut receipts) = receipts {
        receipts.close()?;
        if !arguments.no_wait && stopped != Some(Stopped::Interrupted) {
            let look = Look {
                invocation,
                aws: &aws,
                key: &key.key,
                options: &arguments.wait,
                cancel: &cancel,
            };
            replicas = Some(Replicas::verify(&look, receipts, &mut actions).await?);
        }
    }
    let mut text = tally.text(
        "uploaded",
        &format!(" to {} under key {}", plan.target, key.name()),
    );
    let mut summary = tally.json(stopped);
    if let Some(fields) = summary.as_object_mut() {
        fields.insert("key_id".to_owned(), json!(key.id));
        fields.insert("target".to_owned(), json!(plan.target));
    }
    if let Some(replicas) = &replicas {
        text.push_str(&replicas.text());
        if let Some(fields) = summary.as_object_mut() {
            fields.insert("replicas".to_owned(), json!(replicas));
        }
    }
    actions.end(&summary, text)?;
    stopped_early(&tally, stopped)?;
    let replicated = replicas.map_or(Exit::Done, |replicas| replicas.exit());
    if replicated == Exit::NotConfirmed && cancel.is_cancelled() {
        let what = "interrupted: all is uploaded, but not all replicas were looked at";
        return Err(Failure::new(Exit::Interrupted, what)
            .hint("the same command with `--overwrite if-different` looks at them again"));
    }
    Ok(match (tally.exit(stopped), replicated) {
        (_, Exit::Differs) => Exit::Differs,
        (Exit::Done, replicated) => replicated,
        (failed, _) => failed,
    })
}

/// A bucket, and a prefix that ends in a slash.
fn target(address: &str) -> Result<Scope, Failure> {
    let mut target: Scope = address.parse().map_err(|error: ParseScopeError| {
        Failure::from_error(Exit::Usage, &error).hint(
            "the address to upload to comes last: `keyferry upload -r FOLDER s3://BUCKET/PREFIX`",
        )
    })?;
    if !target.prefix.is_empty() && !target.prefix.ends_with('/') {
        target.prefix.push('/');
    }
    Ok(target)
}

/// What all uploads of a run have in common.
pub(super) struct Plan {
    client: Client,
    region: Region,
    target: Scope,
    filter: Filter,
    key: CustomerKey,
    key_id: Option<KeyId>,
    place: Option<ResumePlace>,
    sha256: bool,
    asked: Asked,
    pub(super) progress: ManyProgress,
}

impl Plan {
    /// What is to be done with what was found; nothing where it was not asked for.
    fn job(self: &Arc<Self>, found: Found) -> Option<UploadJob> {
        match found {
            Found::File(LocalFile { ref name, .. }) | Found::Special { ref name, .. }
                if !self.filter.takes(name) =>
            {
                None
            }
            Found::File(file) => Some(self.upload(file)),
            Found::Special { path, what, .. } => {
                let item = Item {
                    path,
                    address: None,
                    size: 0,
                };
                Some(Job::new(item, 0, async move |_| Ok(Came::Special(what))))
            }
            Found::Failed(error) => {
                let item = Item {
                    path: PathBuf::new(),
                    address: None,
                    size: 0,
                };
                Some(Job::new(item, 0, async move |_| Err(error.into())))
            }
        }
    }

    fn upload(self: &Arc<Self>, file: LocalFile) -> UploadJob {
        let key = format!("{}{}", self.target.prefix, file.name);
        let address = ObjectAddress::new(self.target.bucket.clone(), key);
        let size = file.size;
        let item = Item {
            path: file.path.clone(),
            address: address.as_ref().ok().cloned(),
            size,
        };
        let plan = Arc::clone(self);
        Job::new(item, size, async move |running: Running| {
            let address = address.map_err(|error| {
                Failure::from_error(Exit::Failure, &error)
                    .hint("choose a shorter prefix, or rename the file")
            })?;
            let events = Watched {
                progress: plan.progress.object(&file.name),
                no_key_tag: OnceLock::new(),
            };
            let request = plan.request(file, address);
            let uploaded = running.upload(&plan.client, request, &events).await?;
            let no_key_tag = events.no_key_tag.get().copied();
            Ok(Came::Uploaded(Box::new(uploaded), no_key_tag))
        })
    }

    fn request(&self, file: LocalFile, address: ObjectAddress) -> Upload {
        let source = UploadSource::File(file.path);
        let mut upload = Upload::new(source, address, self.region.clone(), self.key.clone());
        upload.key_id.clone_from(&self.key_id);
        self.asked.of(&mut upload);
        upload.resume.clone_from(&self.place);
        upload.sha256 = self.sha256;
        upload
    }

    /// Counts what there is to do, beside doing it.
    fn count(self: &Arc<Self>, files: super::sources::Files) {
        let (tell, plan) = (self.progress.totals(), Arc::downgrade(self));
        tokio::task::spawn_blocking(move || {
            let (mut objects, mut bytes) = (0, 0);
            for found in files {
                // The run may be over before.
                let Some(plan) = plan.upgrade() else {
                    return;
                };
                if let Found::File(file) = found
                    && plan.filter.takes(&file.name)
                {
                    objects += 1;
                    bytes += file.size;
                    if objects % 1000 == 0 {
                        tell(objects, bytes);
                    }
                }
            }
            tell(objects, bytes);
        });
    }
}

/// Passes progress on, and remembers whether the object got its tag.
struct Watched {
    progress: Arc<ObjectProgress>,
    no_key_tag: OnceLock<NoKeyTag>,
}

impl Observer for Watched {
    fn on(&self, event: Event) {
        if let Event::KeyTagLeftOut { reason } = event {
            let _only_once = self.no_key_tag.set(reason);
        }
        self.progress.on(event);
    }
}

/// Says what would be uploaded. What may be the same already is not asked for.
fn dry_run(
    invocation: &Invocation,
    target: &Scope,
    sources: &Sources,
    filter: &Filter,
) -> Result<Exit, Failure> {
    let mut actions = Actions::begin(invocation.terminal, true)?;
    let (mut objects, mut bytes, mut failed) = (0_u64, 0, 0_u64);
    for found in sources.files()? {
        match found {
            Found::File(LocalFile { ref name, .. }) | Found::Special { ref name, .. }
                if !filter.takes(name) => {}
            Found::File(file) => {
                objects += 1;
                bytes += file.size;
                let address = format!("{target}{}", file.name);
                let action = json!({
                    "action": "upload",
                    "status": "would",
                    "file": file.path,
                    "address": address,
                    "size": file.size,
                });
                actions.done(&action, || {
                    let path = file.path.to_string_lossy();
                    format!(
                        "would upload {} to {}",
                        printable(&path),
                        printable(&address)
                    )
                })?;
            }
            Found::Special { path, what, .. } => invocation
                .terminal
                .warn(format!("`{}` is {what}, and is skipped", path.display())),
            Found::Failed(error) => {
                failed += 1;
                let action = json!({"action": "upload", "status": "failed"});
                actions.failed(&action, Failure::from(error))?;
            }
        }
    }
    let summary = json!({"dry_run": true, "objects": objects, "bytes": bytes, "failed": failed});
    let text = format!(
        "would upload {}, {}",
        crate::commands::many::objects(objects),
        crate::terminal::human_bytes(bytes)
    );
    actions.end(&summary, text)?;
    Ok(if failed > 0 {
        Exit::Failure
    } else {
        Exit::Done
    })
}
