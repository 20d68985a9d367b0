//! From what a name has on both sides to what is done about it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use aws_sdk_s3::Client;
use keyferry_policy::{BucketName, Region};
use keyferry_transfer::{
    Download, DownloadTarget, Engine, Event, KeyPath, NoKeyTag, ObjectAddress, Observer, Overwrite,
    Running, TargetFolder, TransferError, Upload, UploadSource,
};
use keyferry_verify::CandidateKeys;

use super::compare;
use super::listed::{Aside, At, Item};
use crate::args::Compare;
use crate::commands::many::JobFailure;
use crate::commands::moving::{Came, Copies, Encrypting, MovingJob, Reason, What};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::store_keys::StoreKeys;
use crate::terminal::{ManyProgress, ObjectProgress};

/// How to get from one side to the other.
pub(super) struct Route {
    pub(super) how: Compare,
    pub(super) dry_run: bool,
    pub(super) keys: Arc<StoreKeys>,
    pub(super) engine: Engine,
    pub(super) progress: Arc<ManyProgress>,
    pub(super) way: Way,
}

/// From where to where.
pub(super) enum Way {
    Up {
        place: Place,
        region: Region,
        encrypting: Encrypting,
    },
    Down {
        place: Place,
        root: PathBuf,
        /// Opened unless nothing is to be written.
        folder: Option<Arc<TargetFolder>>,
    },
    Across {
        copies: Copies,
        /// What the keys begin with, on either side.
        from: String,
        to: String,
    },
}

/// Where objects are.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) client: Client,
    pub(super) bucket: BucketName,
    pub(super) prefix: String,
}

impl Place {
    pub(super) fn address(&self, name: &str) -> ObjectAddress {
        ObjectAddress {
            bucket: self.bucket.clone(),
            key: format!("{}{name}", self.prefix),
        }
    }
}

impl Route {
    /// What is done about a name that the source has.
    pub(super) fn job(self: &Arc<Self>, item: Item, there: Option<Item>) -> MovingJob {
        let what = self.what(&item);
        let settled = match &there {
            None => Some(Some(Reason::New)),
            Some(there) => self.settled(&item, there),
        };
        let size = match self.way {
            Way::Across { .. } => 0,
            _ => item.size,
        };
        let size = if settled == Some(None) { 0 } else { size };
        let route = Arc::clone(self);
        MovingJob::new(what, size, move |running: Running| async move {
            match settled {
                Some(None) => Ok(Came::unchanged()),
                Some(Some(reason)) => route.go(running, item, there, Some(reason)).await,
                None => route.go(running, item, there, None).await,
            }
        })
    }

    /// What is done about what has no name.
    pub(super) fn aside(&self, aside: Aside) -> MovingJob {
        let what = |source: String| What {
            action: "look",
            source,
            destination: String::new(),
            object: None,
            size: 0,
        };
        match aside {
            Aside::Special(path, special) => {
                let why = format!("is {special}");
                MovingJob::new(what(path.display().to_string()), 0, |_| async move {
                    Ok(Came::skipped(why))
                })
            }
            Aside::Failed(error) => {
                MovingJob::new(what(String::new()), 0, |_| async move { Err(error.into()) })
            }
        }
    }

    fn what(&self, item: &Item) -> What {
        let size = item.size;
        match &self.way {
            Way::Up { place, .. } => {
                let stored = place.address(&item.name);
                What {
                    action: "upload",
                    source: match &item.at {
                        At::File(path) => path.display().to_string(),
                        At::Object(object) => object.key.clone(),
                    },
                    destination: stored.to_string(),
                    object: Some(stored),
                    size,
                }
            }
            Way::Down { place, root, .. } => {
                let read = place.address(&item.name);
                What {
                    action: "download",
                    source: read.to_string(),
                    destination: root.join(&item.name).display().to_string(),
                    object: Some(read),
                    size,
                }
            }
            Way::Across { copies, from, to } => {
                let read = ObjectAddress {
                    bucket: copies.source.clone(),
                    key: format!("{from}{}", item.name),
                };
                let stored = ObjectAddress {
                    bucket: copies.destination.clone(),
                    key: format!("{to}{}", item.name),
                };
                What {
                    action: "copy",
                    source: read.to_string(),
                    destination: stored.to_string(),
                    object: Some(stored),
                    size,
                }
            }
        }
    }

    /// What is clear without asking: why it is to be moved, or that it is not; nothing if it is not
    /// clear.
    fn settled(&self, item: &Item, there: &Item) -> Option<Option<Reason>> {
        if item.size != there.size {
            return Some(Some(Reason::Size));
        }
        match self.how {
            Compare::Size => Some(None),
            Compare::Time => {
                Some(compare::is_newer(item.modified, there.modified).then_some(Reason::Newer))
            }
            Compare::Checksum => None,
        }
    }

    async fn go(
        &self,
        running: Running,
        item: Item,
        there: Option<Item>,
        reason: Option<Reason>,
    ) -> Result<Came, JobFailure> {
        match (&self.way, &item.at) {
            (
                Way::Up {
                    place,
                    region,
                    encrypting,
                },
                At::File(path),
            ) => {
                let stored = place.address(&item.name);
                let reason = match reason {
                    Some(reason) => reason,
                    None => match self
                        .up(&running, place, encrypting, &item, there, path)
                        .await?
                    {
                        Some(reason) => reason,
                        None => return Ok(Came::unchanged()),
                    },
                };
                if self.dry_run {
                    return Ok(Came::planned(reason));
                }
                let name = &item.name;
                self.upload(
                    &running, place, stored, region, encrypting, path, name, reason,
                )
                .await
            }
            (
                Way::Down {
                    place,
                    root,
                    folder,
                },
                At::Object(_),
            ) => {
                self.down(running, place, root, folder.as_ref(), item, there, reason)
                    .await
            }
            (Way::Across { copies, to, .. }, At::Object(object)) => {
                let key = format!("{to}{}", item.name);
                let reason = match reason {
                    Some(reason) => Some(reason),
                    None => self.across(copies, object, &key).await?,
                };
                match reason {
                    None => Ok(Came::unchanged()),
                    Some(reason) if self.dry_run => Ok(Came::planned(reason)),
                    Some(reason) => copies.copy(&running, object, &key, reason).await,
                }
            }
            _ => Err(Failure::new(Exit::Failure, "the sides were mixed up").into()),
        }
    }

    /// Why a file of the same size as its object is to be uploaded.
    async fn up(
        &self,
        running: &Running,
        place: &Place,
        encrypting: &Encrypting,
        item: &Item,
        there: Option<Item>,
        path: &Path,
    ) -> Result<Option<Reason>, JobFailure> {
        let address = place.address(&item.name);
        let looked =
            compare::destination(&place.client, &address, &self.keys, &encrypting.id).await?;
        let seen = match looked {
            Ok(seen) => seen,
            Err(reason) => return Ok(Some(reason)),
        };
        let modified = there.and_then(|there| there.modified);
        let is_newer = compare::is_newer(item.modified, modified);
        Ok(compare::with_file(path, &seen.view, is_newer, running.cancel()).await?)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "an upload is put together from the route, the object and the file"
    )]
    async fn upload(
        &self,
        running: &Running,
        place: &Place,
        stored: ObjectAddress,
        region: &Region,
        encrypting: &Encrypting,
        path: &Path,
        name: &str,
        reason: Reason,
    ) -> Result<Came, JobFailure> {
        let source = UploadSource::File(path.to_owned());
        let key = encrypting.key.clone();
        let mut upload = Upload::new(source, stored, region.clone(), key);
        upload.key_id = Some(encrypting.id.clone());
        upload.engine = self.engine.clone();
        upload.overwrite = Overwrite::Always;
        upload.sha256 = false;
        let watching = Watching {
            shown: self.progress.object(name),
            no_key_tag: OnceLock::new(),
        };
        let uploaded = running.upload(&place.client, upload, &watching).await?;
        let notes = watching.no_key_tag.get();
        Ok(Came {
            version_id: uploaded.receipt.version_id,
            key_id: Some(encrypting.id.clone()),
            notes: notes
                .map(|why| format!("no tag names its key: {why}"))
                .into_iter()
                .collect(),
            ..Came::moved(reason)
        })
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "a download is put together from the route, the object and the file"
    )]
    async fn down(
        &self,
        mut running: Running,
        place: &Place,
        root: &Path,
        folder: Option<&Arc<TargetFolder>>,
        item: Item,
        there: Option<Item>,
        reason: Option<Reason>,
    ) -> Result<Came, JobFailure> {
        let read = place.address(&item.name);
        let path =
            KeyPath::new(&item.name).map_err(|why| TransferError::from(why_not(&read, why)))?;
        let seen = compare::source(&place.client, &read, &self.keys).await?;
        let reason = match reason {
            Some(reason) => reason,
            None => {
                let modified = there.and_then(|there| there.modified);
                let is_newer = compare::is_newer(item.modified, modified);
                let file = root.join(path.as_path());
                match compare::with_file(&file, &seen.view, is_newer, running.cancel()).await? {
                    Some(reason) => reason,
                    None => return Ok(Came::unchanged()),
                }
            }
        };
        let Some(id) = seen.key_id else {
            return Err(TransferError::NotCustomerEncrypted {
                address: read,
                version_id: seen.version_id,
            }
            .into());
        };
        let Some(folder) = folder.filter(|_| !self.dry_run) else {
            return Ok(Came::planned(reason));
        };
        let key = self
            .keys
            .open(&id)
            .map_err(|why| Failure::new(Exit::Key, format!("key `{id}` cannot be had: {why}")))?;
        let target = DownloadTarget::Within {
            folder: Arc::clone(folder),
            path,
            size: item.size,
        };
        let mut download = Download::new(read, key, target);
        // The version that the key was proven on, so that nothing can come between.
        download.version_id = seen.version_id;
        download.overwrite = Overwrite::Always;
        download.engine = self.engine.clone();
        let downloaded = running
            .download(&place.client, download, &self.progress.object(&item.name))
            .await?;
        Ok(Came {
            version_id: downloaded.version_id,
            key_id: Some(id),
            notes: match downloaded.verification {
                keyferry_transfer::Verification::Unverified(why) => {
                    vec![format!("not verified: {why}")]
                }
                _ => Vec::new(),
            },
            ..Came::moved(reason)
        })
    }

    /// Why an object of the same size is to be copied.
    async fn across(
        &self,
        copies: &Copies,
        object: &keyferry_transfer::ListedVersion,
        key: &str,
    ) -> Result<Option<Reason>, JobFailure> {
        let read = ObjectAddress {
            bucket: copies.source.clone(),
            key: object.key.clone(),
        };
        let stored = ObjectAddress {
            bucket: copies.destination.clone(),
            key: key.to_owned(),
        };
        let wanted = &copies.encrypting.id;
        let there = compare::destination(&copies.client, &stored, &self.keys, wanted).await?;
        let there = match there {
            Ok(there) => there,
            Err(reason) => return Ok(Some(reason)),
        };
        let seen = compare::source(&copies.source_client, &read, &self.keys).await?;
        Ok(compare::two(&seen.view, &there.view))
    }
}

fn why_not(
    read: &ObjectAddress,
    why: keyferry_transfer::KeyPathError,
) -> keyferry_transfer::LocalError {
    keyferry_transfer::LocalError::NoPath {
        address: read.clone(),
        why,
    }
}

/// Shows progress, and remembers whether the object got its tag.
struct Watching {
    shown: Arc<ObjectProgress>,
    no_key_tag: OnceLock<NoKeyTag>,
}

impl Observer for Watching {
    fn on(&self, event: Event) {
        if let Event::KeyTagLeftOut { reason } = event {
            let _only_once = self.no_key_tag.set(reason);
        }
        self.shown.on(event);
    }
}
