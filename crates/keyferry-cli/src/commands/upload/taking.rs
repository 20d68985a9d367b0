//! Takes in what becomes of each of many files.

use keyferry_keystore::ObjectUse;
use keyferry_transfer::{NoKeyTag, Outcomes, Receipt, Special, Uploaded};
use serde_json::{Value, json};

use super::many::{Came, Item, Plan};
use crate::commands::actions::Actions;
use crate::commands::many::{Done, JobFailure, Skips, Tally, take_all};
use crate::commands::sent::Sent;
use crate::commands::uses::Recorder;
use crate::failure::Failure;
use crate::terminal::{Terminal, printable};

/// What has been taken in so far.
pub(super) struct Taking<'a> {
    terminal: Terminal,
    plan: &'a Plan,
    pub(super) actions: Actions,
    pub(super) tally: Tally,
    pub(super) recorder: Option<Recorder>,
    pub(super) receipts: Option<Sent<Receipt>>,
    /// How many objects have no tag that names their key.
    pub(super) untagged: u64,
    skips: Skips,
}

impl<'a> Taking<'a> {
    pub(super) fn begin(
        terminal: Terminal,
        plan: &'a Plan,
        recorder: Option<Recorder>,
        receipts: Option<Sent<Receipt>>,
    ) -> Result<Self, Failure> {
        Ok(Self {
            terminal,
            plan,
            actions: Actions::begin(terminal, false)?,
            tally: Tally::new(),
            recorder,
            receipts,
            untagged: 0,
            skips: Skips::default(),
        })
    }

    /// Takes in all there is.
    pub(super) async fn all(
        &mut self,
        outcomes: &mut Outcomes<Item, Came, JobFailure>,
    ) -> Result<(), Failure> {
        let progress = &self.plan.progress;
        let take = |item: Item, result| match result {
            Ok(Came::Uploaded(uploaded, no_key_tag)) => self.uploaded(&item, &uploaded, no_key_tag),
            Ok(Came::Special(what)) => self.special(&item, what),
            Err(failure) => self.failed(&item, failure),
        };
        take_all(outcomes, progress, take).await
    }

    fn uploaded(
        &mut self,
        item: &Item,
        uploaded: &Uploaded,
        no_key_tag: Option<NoKeyTag>,
    ) -> Result<(), Failure> {
        let Uploaded { receipt, unchanged } = uploaded;
        self.record(receipt);
        if no_key_tag.is_some() {
            self.untagged += 1;
        }
        let done = match unchanged {
            true => Done::Unchanged,
            false => Done::Transferred,
        };
        self.tally.done(done, receipt.size);
        if let Some(receipts) = &mut self.receipts {
            receipts.add(receipt)?;
        }
        let mut action = action(item, done);
        if let Some(fields) = action.as_object_mut() {
            fields.insert("receipt".to_owned(), json!(receipt));
        }
        let verb = match unchanged {
            true => "unchanged",
            false => "uploaded",
        };
        self.actions.done(&action, || {
            let path = item.path.to_string_lossy();
            format!("{verb} {} to {}", printable(&path), receipt.source)
        })
    }

    fn record(&self, receipt: &Receipt) {
        if let (Some(recorder), Some(id)) = (&self.recorder, &receipt.key_id) {
            let address = &receipt.source;
            let version = receipt.version_id.as_deref();
            recorder.uses(
                id,
                ObjectUse::new(address.bucket.as_str(), &*address.key, version),
            );
        }
    }

    fn special(&mut self, item: &Item, what: Special) -> Result<(), Failure> {
        self.tally.done(Done::Skipped, 0);
        let said = format!("`{}` is {what}, and is skipped", item.path.display());
        let mut action = action(item, Done::Skipped);
        if let Some(fields) = action.as_object_mut() {
            fields.insert("reason".to_owned(), what.to_string().into());
        }
        self.skips.say(self.terminal, &said);
        self.actions.silent(&action)
    }

    fn failed(&mut self, item: &Item, failure: JobFailure) -> Result<(), Failure> {
        if let Some(address) = &item.address
            && failure.is_object_there()
        {
            self.tally.done(Done::Existing, item.size);
            let action = action(item, Done::Existing);
            let text = || format!("left alone {address}, which exists");
            return self.actions.done(&action, text);
        }
        self.tally.failed(&failure);
        let action = action(item, Done::Skipped);
        let path = item.path.display().to_string();
        failure.tell(action, &path, &mut self.actions)
    }
}

fn action(item: &Item, done: Done) -> Value {
    json!({
        "action": "upload",
        "status": done,
        "file": item.path,
        "address": item.address,
        "size": item.size,
    })
}
