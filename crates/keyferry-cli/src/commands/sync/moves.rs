//! The moves themselves: comparing first where that is needed, then uploading, downloading or copying.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use keyferry_policy::Region;
use keyferry_transfer::{
    Download, DownloadTarget, Event, KeyPath, KeyPathError, ListedVersion, LocalError, NoKeyTag,
    ObjectAddress, Observer, Overwrite, Resume, Running, TargetFolder, TransferError, Upload,
    UploadSource, Verification,
};
use keyferry_verify::CandidateKeys;

use super::compare;
use super::jobs::{Place, Route};
use super::listed::Item;
use crate::commands::many::JobFailure;
use crate::commands::moving::{Came, Copies, Encrypting, Reason};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::ObjectProgress;

impl Route {
    /// Why a file of the same size as its object is to be uploaded.
    pub(super) async fn up(
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
    pub(super) async fn upload(
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
        upload.resume.clone_from(&self.unfinished);
        let watching = Watching {
            shown: self.progress.object(name),
            no_key_tag: OnceLock::new(),
            not_current: OnceLock::new(),
        };
        let uploaded = running.upload(&place.client, upload, &watching).await?;
        let mut notes = Vec::new();
        if let Some(why) = watching.no_key_tag.get() {
            notes.push(format!("no tag names its key: {why}"));
        }
        if watching.not_current.get().is_some() {
            notes.push("another version that was stored meanwhile is the current one".to_owned());
        }
        Ok(Came {
            version_id: uploaded.receipt.version_id,
            key_id: Some(encrypting.id.clone()),
            notes,
            ..Came::moved(reason)
        })
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "a download is put together from the route, the object and the file"
    )]
    pub(super) async fn down(
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
        download.resume = Some(Resume::Continue);
        let downloaded = running
            .download(&place.client, download, &self.progress.object(&item.name))
            .await?;
        Ok(Came {
            version_id: downloaded.version_id,
            key_id: Some(id),
            notes: match downloaded.verification {
                Verification::Unverified(why) => {
                    vec![format!("not verified: {why}")]
                }
                _ => Vec::new(),
            },
            ..Came::moved(reason)
        })
    }

    /// Why an object of the same size is to be copied.
    pub(super) async fn across(
        &self,
        copies: &Copies,
        object: &ListedVersion,
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

fn why_not(read: &ObjectAddress, why: KeyPathError) -> LocalError {
    LocalError::NoPath {
        address: read.clone(),
        why,
    }
}

/// Shows progress, and remembers whether the object got its tag.
struct Watching {
    shown: Arc<ObjectProgress>,
    no_key_tag: OnceLock<NoKeyTag>,
    not_current: OnceLock<()>,
}

impl Observer for Watching {
    fn on(&self, event: Event) {
        // Each comes once.
        match event {
            Event::KeyTagLeftOut { reason } => drop(self.no_key_tag.set(reason)),
            Event::NotCurrent => drop(self.not_current.set(())),
            _ => {}
        }
        self.shown.on(event);
    }
}
