//! `keyferry upload`

mod many;
mod record;
mod sources;
mod taking;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::Ordering;

use keyferry_keystore::Store;
use keyferry_policy::BucketName;
use keyferry_transfer::{
    ObjectAddress, Overwrite, PartSize, Receipt, Upload, UploadSource, Uploaded, upload,
};
use keyferry_verify::{ReadSides, Subject};
use tempfile::NamedTempFile;

use super::{Invocation, verify};
use crate::args::{KeySource, UploadArgs};
use crate::aws::Aws;
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::keys::{self, ChosenKey};
use crate::{interrupt, resume, terminal::human_bytes};
use record::Watching;

pub(super) async fn run(invocation: &Invocation, arguments: UploadArgs) -> Result<Exit, Failure> {
    let (sources, address) = arguments.split().ok_or_else(no_address)?;
    if arguments.many.recursive || arguments.files_from.is_some() || sources.len() > 1 {
        return many::run(invocation, &arguments, sources, address).await;
    }
    match sources {
        [source] => one(invocation, &arguments, source, address).await,
        _ => Err(no_address()),
    }
}

/// Uploads one file, or standard input.
async fn one(
    invocation: &Invocation,
    arguments: &UploadArgs,
    source: &Path,
    address: &str,
) -> Result<Exit, Failure> {
    let terminal = invocation.terminal;
    arguments.many.only_one()?;
    if arguments.resume && source.as_os_str() == "-" {
        return Err(Failure::new(
            Exit::Usage,
            "standard input cannot be read again to go on with an upload",
        )
        .hint("--resume needs a file"));
    }
    let destination = destination(source, address)?;
    check_source(source)?;
    let asked = Asked::new(arguments)?;
    if arguments.many.choice.dry_run {
        return terminal
            .print(format!(
                "would upload {} to {destination}",
                source.display()
            ))
            .map(|()| Exit::Done);
    }
    let receipt_file = arguments
        .receipt
        .as_deref()
        .map(ReceiptFile::begin)
        .transpose()?;
    let (key, store) = upload_key(invocation, arguments, &destination.bucket)?;
    let cancel = interrupt::token(terminal)?;
    let aws = Aws::connect(&invocation.settings).await?;
    let region = aws.bucket_region(&destination.bucket).await?;
    let client = aws.client(&region)?;

    let source = if source.as_os_str() == "-" {
        UploadSource::Reader(Box::new(tokio::io::stdin()))
    } else {
        UploadSource::File(source.to_owned())
    };
    let place = resume::place(&invocation.settings, &region, arguments.resume);
    let mut request = Upload::new(source, destination.clone(), region, key.key.clone());
    request.resume = place;
    request.key_id = key.id.clone();
    request.engine = super::many::engine(&arguments.many.choice, None);
    asked.of(&mut request);

    let progress = Watching::new(terminal.progress("uploading"));
    // A proof of our own is worth its cost where it is written down.
    request.sha256 = receipt_file.is_some() || !terminal.is_text();
    let Uploaded { receipt, unchanged } = upload(&client, request, &progress, cancel.clone())
        .await
        .map_err(resume::failure)?;
    progress.shown.finish();
    if progress.superseded.load(Ordering::Relaxed) {
        terminal.warn(format!(
            "`{destination}` has a newer version, made after this upload was begun: what was uploaded \
             is an older one"
        ));
    }
    record::used(
        terminal,
        store,
        &receipt,
        progress.no_key_tag.get().copied(),
    );
    if let Some(file) = receipt_file {
        file.write(&receipt)?;
    }
    if unchanged && terminal.is_text() {
        terminal.print(format!("{destination} is the same already"))?;
    } else if terminal.is_text() {
        terminal.print(format!(
            "uploaded {} to {destination} under key {}{}",
            human_bytes(receipt.size),
            key.name(),
            receipt
                .version_id
                .as_ref()
                .map(|id| format!(" version {id}"))
                .unwrap_or_default()
        ))?;
    }
    if arguments.no_wait {
        if !terminal.is_text() {
            terminal.json(&serde_json::json!({"receipt": receipt, "unchanged": unchanged}))?;
        }
        return Ok(Exit::Done);
    }
    let subject = Subject::from(&receipt);
    let report = verify::of_subject(
        invocation,
        &aws,
        &subject,
        (Some(&key.key), ReadSides::Both),
        &arguments.wait,
        cancel,
    )
    .await
    .map_err(|failure| match failure.exit() {
        Exit::Interrupted => failure.hint(goes_on(arguments.receipt.as_deref(), &receipt)),
        _ => failure,
    })?;
    verify::show(terminal, &report, Some(&receipt), true)
}

/// How to wait on for the replica of what is uploaded.
fn goes_on(file: Option<&Path>, receipt: &Receipt) -> String {
    let what = match (file, &receipt.version_id) {
        (Some(file), _) => format!("--receipt '{}'", file.display()),
        (None, Some(version)) => format!("'{}' --version-id '{version}'", receipt.source),
        (None, None) => format!("'{}'", receipt.source),
    };
    format!("the object is uploaded; `keyferry verify {what}` goes on waiting for its replica")
}

fn no_address() -> Failure {
    Failure::new(Exit::Usage, "what to upload, and where to, must be given")
        .hint("`keyferry upload FILE s3://BUCKET/KEY`; with -r, a folder and a prefix")
}

/// What the options say of how each object is stored.
struct Asked {
    content_type: Option<String>,
    metadata: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
    part_size: Option<PartSize>,
    overwrite: Overwrite,
    if_none_match: bool,
    concurrency: Option<NonZeroUsize>,
}

impl Asked {
    fn new(arguments: &UploadArgs) -> Result<Self, Failure> {
        Ok(Self {
            content_type: arguments.content_type.clone(),
            metadata: arguments.metadata.iter().cloned().collect(),
            tags: arguments.tag.iter().cloned().collect(),
            part_size: arguments
                .part_size
                .map(|size| PartSize::new(size.as_u64()))
                .transpose()
                .map_err(|error| Failure::from_error(Exit::Usage, &error))?,
            overwrite: resume::overwrite(arguments.overwrite, arguments.resume),
            if_none_match: arguments.if_none_match,
            concurrency: arguments.concurrency,
        })
    }

    fn of(&self, request: &mut Upload) {
        request.content_type.clone_from(&self.content_type);
        request.metadata.clone_from(&self.metadata);
        request.tags.clone_from(&self.tags);
        request.part_size = self.part_size;
        request.overwrite = self.overwrite;
        request.if_none_match = self.if_none_match;
        if let Some(concurrency) = self.concurrency {
            request.concurrency = concurrency;
        }
    }
}

/// The object to write. As with `aws s3 cp`, a bucket or a key that ends in `/` is a folder.
fn destination(source: &Path, text: &str) -> Result<ObjectAddress, Failure> {
    let usage =
        |error: keyferry_transfer::ParseAddressError| Failure::from_error(Exit::Usage, &error);
    if source.to_string_lossy().starts_with("s3://") {
        return Err(Failure::new(
            Exit::Usage,
            format!("`{}` is not a local file", source.display()),
        )
        .hint("`keyferry download` reads from S3"));
    }
    let names_folder = text
        .strip_prefix("s3://")
        .is_some_and(|rest| !rest.is_empty() && (rest.ends_with('/') || !rest.contains('/')));
    if !names_folder || source.as_os_str() == "-" {
        return text.parse().map_err(usage);
    }
    let name = source
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(|| {
            Failure::new(
                Exit::Usage,
                format!("`{}` has no name to put behind `{text}`", source.display()),
            )
            .hint("give the object's whole key")
        })?;
    let slash = if text.ends_with('/') { "" } else { "/" };
    format!("{text}{slash}{name}").parse().map_err(usage)
}

/// Says what is wrong with the file before a passphrase is asked for.
pub(super) fn check_source(source: &Path) -> Result<(), Failure> {
    if source.as_os_str() == "-" {
        return Ok(());
    }
    let failure = |why: &dyn std::fmt::Display| {
        Failure::new(
            Exit::Failure,
            format!("`{}` cannot be read: {why}", source.display()),
        )
    };
    if source.is_dir() {
        return Err(failure(&"it is a folder").hint(
            "-r uploads all that is in it; as one object: `tar c FOLDER | keyferry upload - ...`",
        ));
    }
    std::fs::File::open(source)
        .map(drop)
        .map_err(|error| failure(&error).hint("check the path"))
}

/// A receipt's file, made before the upload so that a place that cannot be written is found in time.
struct ReceiptFile<'a> {
    path: &'a Path,
    file: NamedTempFile,
}

impl<'a> ReceiptFile<'a> {
    fn begin(path: &'a Path) -> Result<Self, Failure> {
        if path.exists() {
            return Err(receipt_exists(path));
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let file = NamedTempFile::new_in(folder).context("write the receipt to", path.display())?;
        Ok(Self { path, file })
    }

    fn write(mut self, receipt: &Receipt) -> Result<(), Failure> {
        let path = self.path.display();
        serde_json::to_writer_pretty(&mut self.file, receipt)
            .context("write the receipt to", path)?;
        self.file
            .persist_noclobber(self.path)
            .map(drop)
            .context("write the receipt to", self.path.display())
    }
}

pub(super) fn receipt_exists(path: &Path) -> Failure {
    let what = format!(
        "the receipt `{}` exists and is not overwritten",
        path.display()
    );
    Failure::new(Exit::Usage, what).hint("an older upload may be proven by it; give another name")
}

fn upload_key(
    invocation: &Invocation,
    arguments: &UploadArgs,
    bucket: &BucketName,
) -> Result<(ChosenKey, Option<Store>), Failure> {
    let configured = invocation.settings.default_key(bucket);
    let source = arguments.key.as_ref().or(configured.as_ref()).ok_or_else(|| {
        Failure::new(Exit::Usage, "no key to encrypt under was given").hint(
            "give --key RING (`keyferry key new RING` makes one), or set `key` in the configuration",
        )
    })?;
    let (settings, terminal) = (&invocation.settings, &invocation.terminal);
    match source {
        // The store stays open, to record what the key was used for.
        KeySource::Store(name) => {
            let mut store = keys::open_store(settings, terminal)?;
            let key =
                keys::choose_for_upload(&mut store, terminal, name, arguments.accept_loss_risk)?;
            Ok((key, Some(store)))
        }
        source => Ok((keys::choose(settings, terminal, source)?, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_get_the_files_name() {
        let address = |source: &str, text: &str| {
            destination(Path::new(source), text).map(|address| address.to_string())
        };
        for (text, expected) in [
            ("s3://bucket", "s3://bucket/a b.txt"),
            ("s3://bucket/", "s3://bucket/a b.txt"),
            ("s3://bucket/x/", "s3://bucket/x/a b.txt"),
            ("s3://bucket/x", "s3://bucket/x"),
        ] {
            assert_eq!(address("dir/a b.txt", text).unwrap(), expected);
        }
        assert_eq!(address("-", "s3://bucket/x/").unwrap(), "s3://bucket/x/");
        assert!(address("-", "s3://bucket").is_err());
        assert!(address("dir/..", "s3://bucket").is_err());
    }
}
