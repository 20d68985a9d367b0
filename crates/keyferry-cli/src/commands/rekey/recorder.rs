//! Takes in what becomes of each object: counts it, says it, and records the uses of the key.

use std::collections::BTreeMap;

use keyferry_keystore::{ObjectUse, Store};
use keyferry_transfer::{
    Handled, ListedVersion, Outcome, Planned, Receiver, Totals, TransferError,
};

use super::Course;
use super::keys::StoreKeys;
use super::line::Line;
use super::report::{Tally, name_of};
use crate::failure::Failure;
use crate::terminal::Progress;

/// After so many objects the journal gets them, whatever the time.
const BATCH: usize = 500;

/// What would be done for the objects of one key and storage class.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Plans {
    pub(super) objects: u64,
    pub(super) bytes: u64,
    pub(super) writes: u64,
}

/// Where the outcomes of a run go.
pub(super) struct Recorder<'a> {
    course: &'a Course<'a>,
    /// Absent where nothing is changed.
    store: Option<&'a mut Store>,
    finder: &'a StoreKeys,
    progress: &'a Progress,
    total: u64,
    done: u64,
    /// Uses that the journal does not have yet.
    pending: Vec<ObjectUse>,
    lines: Vec<Line>,
    pub(super) tally: Tally,
    /// By key and storage class.
    pub(super) plans: BTreeMap<(Option<String>, String), Plans>,
    /// Whether an earlier run like this one did not come to its end.
    pub(super) resumed: bool,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(
        course: &'a Course<'a>,
        store: Option<&'a mut Store>,
        finder: &'a StoreKeys,
        progress: &'a Progress,
        totals: Totals,
    ) -> Self {
        progress.total(Some(totals.bytes));
        Self {
            course,
            store,
            finder,
            progress,
            total: totals.objects,
            done: 0,
            pending: Vec::new(),
            lines: Vec::new(),
            tally: Tally::default(),
            plans: BTreeMap::new(),
            resumed: false,
        }
    }

    /// Writes down the rest.
    pub(super) fn close(mut self) -> Result<(Tally, Vec<Line>), Failure> {
        self.flush()?;
        Ok((self.tally, self.lines))
    }

    fn flush(&mut self) -> Result<(), Failure> {
        if let Some(store) = &mut self.store
            && !self.pending.is_empty()
        {
            store.record_use(&self.course.rekey.key_id, &self.pending)?;
            self.pending.clear();
        }
        Ok(())
    }

    fn uses(&mut self, key: &str, version_id: Option<&String>) {
        self.pending.push(ObjectUse {
            bucket: self.course.target.bucket.to_string(),
            key: key.to_owned(),
            version: version_id.filter(|id| *id != "null").cloned(),
        });
    }

    fn plan(&mut self, planned: &Planned) {
        let from = planned.from.as_ref().map(ToString::to_string);
        let plans = self
            .plans
            .entry((from, planned.storage_class.clone()))
            .or_default();
        plans.objects += 1;
        plans.bytes += planned.size;
        plans.writes += planned.writes();
    }

    /// What people should hear of at once.
    fn say(&self, line: &Line) {
        let terminal = self.course.invocation.terminal;
        let name = name_of(&self.course.target.bucket, &line.key);
        match line.outcome {
            "failed" | "differs" | "unknown key" | "archived" => terminal.warn(format!(
                "{name}: {}: {}",
                line.outcome,
                line.reason.as_deref().unwrap_or_default()
            )),
            _ => {}
        }
        for note in &line.notes {
            terminal.warn(format!("{name}: {note}"));
        }
    }
}

impl Receiver for Recorder<'_> {
    type Error = Failure;

    fn handled(&mut self, handled: Handled) -> Result<(), Failure> {
        if matches!(handled.outcome, Outcome::Failed(TransferError::Interrupted)) {
            return Ok(());
        }
        let mut line = Line::of(&handled);
        let mut advanced = handled.object.size;
        match &handled.outcome {
            Outcome::Rekeyed(made) => {
                self.uses(&line.key, made.version_id.as_ref());
                line.awaits_replica = made.version_id.is_some();
                if made.parts.is_some() {
                    // Told part by part.
                    advanced = 0;
                }
            }
            // Whatever else is wrong with it, it is under the key.
            Outcome::Differs { rekeyed, .. } => self.uses(&line.key, rekeyed.version_id.as_ref()),
            Outcome::Already {
                version_id,
                replication,
                ..
            } => {
                let recorded = self.finder.recorded(&line.key, version_id.as_deref());
                if recorded != Some(&self.course.rekey.key_id) {
                    self.uses(&line.key, version_id.as_ref());
                }
                line.awaits_replica = match replication.as_deref() {
                    None | Some("REPLICA") => false,
                    Some("COMPLETED" | "COMPLETE") => self.resumed,
                    Some(_) => true,
                };
            }
            Outcome::Planned(planned) => self.plan(planned),
            _ => {}
        }
        self.done += 1;
        self.progress.advance(advanced);
        self.progress.items("re-encrypting", self.done, self.total);
        self.say(&line);
        self.tally.take_in(&handled.outcome, &line);
        self.lines.push(line);
        if self.pending.len() >= BATCH {
            self.flush()?;
        }
        Ok(())
    }

    fn old_version(&mut self, version: ListedVersion) {
        let recorded = self
            .finder
            .recorded(&version.key, version.version_id.as_deref());
        if recorded != Some(&self.course.rekey.key_id) {
            self.tally.old_versions += 1;
            self.tally.old_bytes += version.size;
        }
    }

    fn tick(&mut self) -> Result<(), Failure> {
        self.flush()
    }
}
