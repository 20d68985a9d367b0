//! `keyferry demo`: the whole job in the embedded lab, told in about a screen.
//!
//! Nothing is staged: every step runs the code that the other commands run, and the demo fails at
//! the first step that does not do what it says.

mod content;
mod permissions;
mod preflight;
mod story;

use std::path::Path;
use std::time::{Duration, Instant};

use aws_sdk_s3::Client;
use keyferry_key::{CustomerKey, KeyId};
use keyferry_keystore::{
    BackupKey, BackupOptions, BackupProtection, LockedBackup, LockedStore, Passphrase, Store,
    Succession, TarDocuments, Unlock,
};
use keyferry_lab::{Lab, LabOptions};
use keyferry_policy::{PlannedFlow, Region};
use keyferry_transfer::{
    Download, DownloadTarget, ObjectAddress, Receipt, Silent, Upload, UploadSource, download,
    upload,
};
use keyferry_verify::{Level, Outcome, ReadSides, Report, Subject, Verification};
use tokio_util::sync::CancellationToken;

use super::{Invocation, lab, upload as upload_command};
use crate::args::{DemoArgs, StoryArg};
use crate::aws::Aws;
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::terminal::human_bytes;
use crate::{interrupt, live};
use preflight::Preflight;
use story::Story;

const BUCKETS: [&str; 2] = ["demo-tokyo", "demo-osaka"];
const RING: &str = "demo";

pub(super) async fn run(invocation: &Invocation, arguments: DemoArgs) -> Result<Exit, Failure> {
    let cancel = interrupt::token(invocation.terminal)?;
    let folder = tempfile::tempdir().context("make", "a temporary folder")?;
    let story = Story::new(invocation.terminal);
    if arguments.story == StoryArg::Permissions {
        let lab = Lab::start(LabOptions {
            dir: Some(folder.path().join("lab")),
            ..LabOptions::default()
        })
        .await?;
        let told = permissions::tell(&story, &lab, &cancel).await;
        lab.shutdown().await;
        return told;
    }
    arguments
        .file
        .as_deref()
        .map_or(Ok(()), upload_command::check_source)?;
    let file = content::source(arguments.file, arguments.size, folder.path())?;
    let lab = Lab::start(LabOptions {
        dir: Some(folder.path().join("lab")),
        ..LabOptions::default()
    })
    .await?;
    let told = tell(invocation, &story, &lab, folder.path(), &file, &cancel).await;
    lab.shutdown().await;
    told
}

async fn tell(
    invocation: &Invocation,
    story: &Story,
    lab: &Lab,
    folder: &Path,
    file: &content::Source,
    cancel: &CancellationToken,
) -> Result<Exit, Failure> {
    story.title("keyferry demo: two regions of S3 on this machine, nothing outside it")?;
    for region in lab.regions() {
        story.step(
            "region",
            format!("{}  {}", region.name(), region.endpoint_url()),
        )?;
    }
    let aws = lab::connect(lab)?;
    let plan = lab::plan(lab, BUCKETS)?;
    live::install(&aws, &plan).await?;
    story.step(
        "buckets",
        format!(
            "{} <-> {}, versioned, SSE-C allowed, one role each way",
            BUCKETS[0], BUCKETS[1]
        ),
    )?;

    let mut store = make_store(&folder.join("store"))?;
    let (entry, key) = store.active(&RING.parse()?)?;
    story.step(
        "key",
        format!("{} in ring `{RING}`, {}", entry.id, entry.strength),
    )?;
    let tested = back_up(&mut store, &folder.join("backup.tar"))?;
    // As an upload asks: no object before its key could not be lost.
    store.refresh()?;
    store.require_escrow(&entry.id)?;
    story.step(
        "backup",
        format!("{tested} key in an encrypted tar file, restored as a test"),
    )?;

    let flows = plan.flows();
    let Some(
        flow @ PlannedFlow {
            source: tokyo,
            destination: osaka,
            ..
        },
    ) = flows.first()
    else {
        return Err(claim_broken("the plan of the demo has no flow"));
    };
    let preflight = Preflight {
        aws: &aws,
        plan: &plan,
        flow,
        cancel,
    };
    preflight.all_is_well(story).await?;
    let source = ObjectAddress::new(tokyo.bucket.clone(), file.name.clone())
        .map_err(|error| Failure::from_error(Exit::Usage, &error))?;
    let mut request = Upload::new(
        UploadSource::File(file.path.clone()),
        source.clone(),
        tokyo.region.clone(),
        key.clone(),
    );
    request.key_id = Some(entry.id.clone());
    let began = Instant::now();
    let progress = invocation.terminal.progress("uploading");
    let receipt = upload(
        &aws.client(&tokyo.region)?,
        request,
        &progress,
        cancel.clone(),
    )
    .await?
    .receipt;
    drop(progress);
    story.step("upload", uploaded(&receipt, began.elapsed()))?;

    let report = verify(invocation, &aws, &receipt, &key, cancel).await?;
    tell_report(story, &report)?;

    let copy = folder.join("from-the-other-region");
    let replica = ObjectAddress {
        bucket: osaka.bucket.clone(),
        key: source.key.clone(),
    };
    let progress = invocation.terminal.progress("downloading");
    let mut request = Download::new(
        replica.clone(),
        key.clone(),
        DownloadTarget::File(copy.clone()),
    );
    request.version_id = receipt.version_id.clone();
    download(
        &aws.client(&osaka.region)?,
        request,
        &progress,
        cancel.clone(),
    )
    .await?;
    drop(progress);
    if !content::identical(&file.path, &copy)? {
        return Err(claim_broken(
            "the file from the other region differs from the one uploaded",
        ));
    }
    story.step(
        "download",
        format!(
            "{replica} from {}: byte for byte the file uploaded",
            osaka.region
        ),
    )?;

    for (address, region) in [(&source, &tokyo.region), (&replica, &osaka.region)] {
        refusals(story, &aws.client(region)?, address, region).await?;
    }

    preflight.without_a_permission(story).await?;
    let request = Upload::new(
        UploadSource::Reader(Box::new(std::io::Cursor::new(b"next".to_vec()))),
        ObjectAddress::new(tokyo.bucket.clone(), "next".to_owned())
            .map_err(|error| Failure::from_error(Exit::Usage, &error))?,
        tokyo.region.clone(),
        key.clone(),
    );
    let client = aws.client(&tokyo.region)?;
    let next = upload(&client, request, &Silent, cancel.clone())
        .await?
        .receipt;
    let report = verify(invocation, &aws, &next, &key, cancel).await?;
    Preflight::failed(story, &report)?;
    story.end("done: the key, the object and its replica went with the lab")?;
    Ok(Exit::Done)
}

fn make_store(store: &Path) -> Result<Store, Failure> {
    // The store lives as long as the demo, in a folder that only its owner can read.
    let mut store = Store::init(store, &Unlock::Unprotected)?;
    store.create(&RING.parse()?, Succession::FirstOnly)?;
    Ok(store)
}

/// Backs the store up under a passphrase that nobody has to remember, and opens the backup; how many
/// keys it holds.
fn back_up(store: &mut Store, file: &Path) -> Result<u32, Failure> {
    let random = KeyId::generate().context("make", "a passphrase")?;
    let passphrase = Passphrase::new(random.to_string())?;
    let mut options = BackupOptions::default();
    options.protection = Some(BackupProtection::Passphrase(passphrase.clone()));
    store.back_up_to_tar(file, &options)?;
    let tar = TarDocuments::open(file)?;
    let backup = LockedBackup::find(&tar)?.unlock(&BackupKey::Passphrase(passphrase))?;
    let tested = backup.test()?;
    backup.record_test(&tested, LockedStore::open(store.path())?)?;
    Ok(tested.keys)
}

fn uploaded(receipt: &Receipt, elapsed: Duration) -> String {
    let rate = receipt.size as f64 / elapsed.as_secs_f64().max(0.001);
    let parts = receipt
        .parts
        .map(|layout| format!(" in {} parts", layout.count))
        .unwrap_or_default();
    format!(
        "{} to {}{parts}, {}/s",
        human_bytes(receipt.size),
        receipt.source,
        human_bytes(rate as u64),
    )
}

async fn verify(
    invocation: &Invocation,
    aws: &Aws,
    receipt: &Receipt,
    key: &CustomerKey,
    cancel: &CancellationToken,
) -> Result<Report, Failure> {
    let subject = Subject::from(receipt);
    let verification = Verification {
        subject: &subject,
        key: Some(key),
        wait: Duration::from_secs(120),
        level: Level::Deep,
        read: ReadSides::Both,
        replica: None,
        probe: true,
    };
    let progress = invocation.terminal.progress("replicating");
    Ok(keyferry_verify::verify(aws.connector(), verification, &progress, cancel.clone()).await?)
}

fn tell_report(story: &Story, report: &Report) -> Result<(), Failure> {
    let Outcome::Verified(_) = &report.outcome else {
        return Err(claim_broken(&crate::terminal::report::outcome(
            &report.outcome,
        )));
    };
    let known = |(name, _): &(&str, String)| *name != "key";
    for (name, line) in crate::terminal::report::steps(report)
        .into_iter()
        .filter(known)
    {
        story.step(name, line)?;
    }
    Ok(())
}

/// The object asked for without its key, and with another: S3 must refuse both.
async fn refusals(
    story: &Story,
    client: &Client,
    address: &ObjectAddress,
    region: &Region,
) -> Result<(), Failure> {
    let other = CustomerKey::generate().context("make", "another key")?;
    let headers = other.headers();
    let get = || {
        client
            .get_object()
            .bucket(address.bucket.as_str())
            .key(&address.key)
    };
    let without = get().send().await;
    let wrong = get()
        .sse_customer_algorithm(headers.algorithm())
        .sse_customer_key(headers.expose_key())
        .sse_customer_key_md5(headers.md5().to_string())
        .send()
        .await;
    for (asked, answer) in [("no key", without), ("another key", wrong)] {
        let Err(error) = answer else {
            return Err(claim_broken(&format!(
                "{region} gave the object out with {asked}"
            )));
        };
        let status = error.raw_response().map(|raw| raw.status().as_u16());
        let (Some(status @ 400..=499), Some(code)) = (
            status,
            error
                .as_service_error()
                .and_then(aws_sdk_s3::error::ProvideErrorMetadata::code),
        ) else {
            return Err(claim_broken(&format!(
                "{region} did not refuse {asked}, it failed"
            )));
        };
        story.step("refused", format!("{region} with {asked}: {status} {code}"))?;
    }
    Ok(())
}

fn claim_broken(what: &str) -> Failure {
    Failure::new(Exit::Differs, what)
}
