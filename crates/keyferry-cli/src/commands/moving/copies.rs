//! Copies from bucket to bucket.

use std::path::Path;
use std::sync::Arc;

use aws_sdk_s3::Client;
use keyferry_key::KeyId;
use keyferry_policy::{BucketName, Region};
use keyferry_transfer::{
    Candidates, Copier, Copying, HowCopied, KeyFinder, Left, ListedVersion, ObjectAddress, Rekey,
    Running, TransferError, UnfinishedUploads,
};
use keyferry_verify::CandidateKeys;

use super::action::{Came, Reason, What};
use super::key::Encrypting;
use super::{Moving, MovingJob};
use crate::commands::many::JobFailure;
use crate::commands::rekey::{note, record_place};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::settings::Settings;
use crate::store_keys::StoreKeys;
use crate::terminal::ManyProgress;

/// How many runs may copy into one bucket at once, each with a record of its own.
const RECORDS: u32 = 16;

/// A source and a destination bucket, and what copies between them.
#[derive(Clone)]
pub(in crate::commands) struct Copies {
    pub(in crate::commands) source: BucketName,
    pub(in crate::commands) source_client: Client,
    pub(in crate::commands) destination: BucketName,
    pub(in crate::commands) client: Client,
    pub(in crate::commands) region: Region,
    pub(in crate::commands) copier: Copier,
    pub(in crate::commands) encrypting: Encrypting,
    progress: Arc<ManyProgress>,
}

impl Copies {
    pub(in crate::commands) async fn begin(
        moving: &Moving<'_>,
        source: &BucketName,
        destination: &BucketName,
        encrypting: Encrypting,
    ) -> Result<Self, Failure> {
        let source_region = moving.aws.bucket_region(source).await?;
        let source_client = moving.aws.client(&source_region)?;
        let region = moving.aws.bucket_region(destination).await?;
        let client = moving.aws.client(&region)?;
        let (key, id) = (encrypting.key.clone(), encrypting.id.clone());
        let copier = Copier::new(Copying {
            source: source_client.clone(),
            source_bucket: source.clone(),
            destination: client.clone(),
            region: region.clone(),
            rekey: Rekey::new(destination.clone(), key, id),
            finder: Arc::new(Finder {
                keys: Arc::clone(&moving.keys),
                bucket: source.clone(),
            }),
            unfinished: record(&moving.invocation.settings, destination, &region)?,
            engine: moving.engine.clone(),
            through_here: moving.arguments.through_here,
        })
        .await?;
        Ok(Self {
            source: source.clone(),
            source_client,
            destination: destination.clone(),
            client,
            region,
            copier,
            encrypting,
            progress: Arc::clone(&moving.progress),
        })
    }

    /// What copying an object is about.
    pub(in crate::commands) fn what(&self, listed: &ListedVersion, key: &str) -> What {
        let read = ObjectAddress {
            bucket: self.source.clone(),
            key: listed.key.clone(),
        };
        let stored = ObjectAddress {
            bucket: self.destination.clone(),
            key: key.to_owned(),
        };
        What {
            action: "copy",
            source: read.to_string(),
            destination: stored.to_string(),
            size: listed.size,
            object: Some(stored),
        }
    }

    /// Copies an object.
    pub(in crate::commands) async fn copy(
        &self,
        running: &Running,
        listed: &ListedVersion,
        key: &str,
        reason: Reason,
    ) -> Result<Came, JobFailure> {
        let events = self.progress.object(&listed.key);
        let copied = self
            .copier
            .copy(listed, key, &events, running.cancel())
            .await?;
        let (copied, differences) = match copied {
            HowCopied::Copied(copied) => (copied, Vec::new()),
            HowCopied::Differs {
                copied,
                differences,
            } => (copied, differences),
            HowCopied::Left(left) => return self.left(listed, left),
        };
        let mut notes: Vec<String> = copied.notes.iter().map(note).collect();
        if copied.through_here {
            notes.push("it went through this machine".to_owned());
        }
        Ok(Came {
            version_id: copied.version_id,
            key_id: Some(self.encrypting.id.clone()),
            differences,
            notes,
            ..Came::moved(reason)
        })
    }

    fn left(&self, listed: &ListedVersion, left: Left) -> Result<Came, JobFailure> {
        let address = ObjectAddress {
            bucket: self.source.clone(),
            key: listed.key.clone(),
        };
        Err(match left {
            Left::UnknownKey { tried, .. } => Failure::new(
                Exit::Key,
                format!("no key of the store opens `{address}` ({tried} tried)"),
            )
            .hint(format!("`keyferry key usage '{address}'` tells more"))
            .into(),
            Left::Archived(class) => Failure::new(
                Exit::Failure,
                format!(
                    "`{address}` is archived ({class}) and has to be restored before it can be read"
                ),
            )
            .hint("`aws s3api restore-object` restores it")
            .into(),
            Left::Gone => TransferError::NoSuchObject {
                address,
                version_id: listed.version_id.clone(),
            }
            .into(),
            other => Failure::new(
                Exit::Failure,
                format!("`{address}` was left as it is: {other:?}"),
            )
            .into(),
        })
    }
}

/// A job that copies an object, or says that it would.
pub(in crate::commands) fn copy_job(
    copies: &Copies,
    listed: ListedVersion,
    key: String,
    dry_run: bool,
) -> MovingJob {
    let what = copies.what(&listed, &key);
    let copies = copies.clone();
    MovingJob::new(what, 0, move |running: Running| async move {
        match dry_run {
            true => Ok(Came::planned(Reason::Asked)),
            false => copies.copy(&running, &listed, &key, Reason::Asked).await,
        }
    })
}

/// The record of multipart uploads that copying into a bucket has begun. Runs at the same time have
/// one each.
fn record(
    settings: &Settings,
    bucket: &BucketName,
    region: &Region,
) -> Result<UnfinishedUploads, Failure> {
    let (folder, name) = record_place(settings, bucket, region)?;
    free_record(&folder.join("copies"), &name, bucket)
}

fn free_record(
    folder: &Path,
    name: &str,
    bucket: &BucketName,
) -> Result<UnfinishedUploads, Failure> {
    let mut opened = UnfinishedUploads::open(folder, &format!("{name}-0"), bucket.as_str());
    for number in 1..RECORDS {
        if opened.is_ok() {
            break;
        }
        opened = UnfinishedUploads::open(folder, &format!("{name}-{number}"), bucket.as_str());
    }
    Ok(opened?)
}

/// The store's keys, for whoever copies.
struct Finder {
    keys: Arc<StoreKeys>,
    bucket: BucketName,
}

impl KeyFinder for Finder {
    fn candidates(&self, object: &ListedVersion, tag: Option<&KeyId>) -> Candidates {
        let address = ObjectAddress {
            bucket: self.bucket.clone(),
            key: object.key.clone(),
        };
        let version = object.version_id.as_deref();
        let open = |id: KeyId| {
            let key = self.keys.open(&id).ok()?;
            Some((id, key))
        };
        let recorded = self.keys.recorded(&address, version);
        let hinted = recorded.or_else(|| tag.cloned()).and_then(open);
        let others = self
            .keys
            .candidates(&address, version, tag)
            .into_iter()
            .filter(|id| hinted.as_ref().is_none_or(|(hinted, _)| hinted != id))
            .filter_map(open)
            .collect();
        Candidates { hinted, others }
    }
}
