//! Takes in what becomes of each of many objects.

use keyferry_key::KeyId;
use keyferry_keystore::ObjectUse;
use keyferry_transfer::{Downloaded, Outcomes, Verification};
use serde_json::{Value, json};

use super::integrity;
use super::many::{Came, Item, Plan};
use crate::commands::actions::Actions;
use crate::commands::many::{Done, JobFailure, Tally, take_all};
use crate::commands::uses::Recorder;
use crate::failure::Failure;
use crate::terminal::{Terminal, printable};

/// What has been taken in so far.
pub(super) struct Taking<'a> {
    plan: &'a Plan,
    pub(super) actions: Actions,
    pub(super) tally: Tally,
    pub(super) recorder: Option<Recorder>,
    /// How many objects have no checksum that could be verified.
    pub(super) unverified: u64,
}

impl<'a> Taking<'a> {
    pub(super) fn begin(
        terminal: Terminal,
        plan: &'a Plan,
        recorder: Option<Recorder>,
    ) -> Result<Self, Failure> {
        Ok(Self {
            plan,
            actions: Actions::begin(terminal, false)?,
            tally: Tally::new(),
            recorder,
            unverified: 0,
        })
    }

    /// Takes in all there is.
    pub(super) async fn all(
        &mut self,
        outcomes: &mut Outcomes<Item, Came, JobFailure>,
    ) -> Result<(), Failure> {
        let progress = &self.plan.progress;
        let take = |item: Item, result| match result {
            Ok(Came::Downloaded(downloaded, id)) => {
                self.downloaded(&item, &downloaded, id.as_ref())
            }
            Ok(Came::Marker) => {
                self.tally.done(Done::Skipped, 0);
                self.actions.silent(&self.action(&item, Done::Skipped))
            }
            Err(failure) => self.failed(&item, failure),
        };
        take_all(outcomes, progress, take).await
    }

    fn downloaded(
        &mut self,
        item: &Item,
        downloaded: &Downloaded,
        id: Option<&KeyId>,
    ) -> Result<(), Failure> {
        if let (Some(recorder), Some(id)) = (&self.recorder, id) {
            let address = &item.address;
            let version = downloaded.version_id.as_deref();
            recorder.uses(
                id,
                ObjectUse::new(address.bucket.as_str(), &*address.key, version),
            );
        }
        let verification = &downloaded.verification;
        let verified = !matches!(verification, Verification::Unverified(_));
        if !verified {
            self.unverified += 1;
        }
        let (done, verb) = match downloaded.unchanged {
            true => (Done::Unchanged, "unchanged"),
            false => (Done::Transferred, "downloaded"),
        };
        self.tally.done(done, downloaded.size);
        let mut action = self.action(item, done);
        if let Some(fields) = action.as_object_mut() {
            fields.insert("size".to_owned(), downloaded.size.into());
            fields.insert("version_id".to_owned(), json!(downloaded.version_id));
            fields.insert("etag".to_owned(), json!(downloaded.etag));
            fields.insert("key_id".to_owned(), json!(id));
            fields.insert("verified".to_owned(), verified.into());
            fields.insert("verification".to_owned(), integrity(verification).into());
        }
        self.actions.done(&action, || {
            let address = item.address.to_string();
            let verification = integrity(verification);
            format!("{verb} {}; {verification}", printable(&address))
        })
    }

    fn failed(&mut self, item: &Item, failure: JobFailure) -> Result<(), Failure> {
        let address = &item.address;
        if failure.is_object_there() {
            self.tally.done(Done::Existing, item.size);
            let action = self.action(item, Done::Existing);
            let text = || format!("left alone the file of {address}, which exists");
            return self.actions.done(&action, text);
        }
        self.tally.failed(&failure);
        let action = self.action(item, Done::Skipped);
        failure.tell(action, &address.to_string(), &mut self.actions)
    }

    fn action(&self, item: &Item, done: Done) -> Value {
        let folder = self.plan.folder.path();
        json!({
            "action": "download",
            "status": done,
            "address": item.address,
            "file": item.path.as_ref().map(|path| folder.join(path.as_path())),
            "size": item.size,
        })
    }
}
