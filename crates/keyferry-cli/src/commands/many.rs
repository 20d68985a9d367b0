//! What uploads and downloads of many objects have in common: what can become of each, and what all
//! of it comes to.

mod job_failure;

use std::num::NonZeroUsize;
use std::time::Instant;

use keyferry_transfer::{Engine, EngineSettings, JobError, ManySettings, Outcomes, Stopped};
use serde::Serialize;
use serde_json::json;

use crate::args::ChoiceArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::resume;
use crate::terminal::{ManyProgress, Terminal, human_bytes};

pub(super) use job_failure::JobFailure;

/// What became of an object that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Done {
    /// It was transferred.
    Transferred,
    /// It was the same on the other side already.
    Unchanged,
    /// Something was there, and may not be overwritten.
    Existing,
    /// It is no file: a link, a pipe, a marker of a folder.
    Skipped,
    /// It would be transferred.
    #[serde(rename = "would")]
    Planned,
}

/// Counts of a run.
#[derive(Debug, Serialize)]
pub(super) struct Tally {
    transferred: u64,
    bytes: u64,
    unchanged: u64,
    existing: u64,
    skipped: u64,
    failed: u64,
    unfinished: u64,
    #[serde(skip_serializing_if = "is_zero")]
    removed: u64,
    seconds: f64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
    #[serde(skip)]
    key_failures: u64,
    /// Objects that were copied and are not what they should be.
    #[serde(skip)]
    different: u64,
    #[serde(skip)]
    started: Instant,
}

impl Tally {
    pub(super) fn new() -> Self {
        Self {
            transferred: 0,
            bytes: 0,
            unchanged: 0,
            existing: 0,
            skipped: 0,
            failed: 0,
            unfinished: 0,
            removed: 0,
            seconds: 0.0,
            dry_run: false,
            key_failures: 0,
            different: 0,
            started: Instant::now(),
        }
    }

    /// Counts what would be done.
    pub(super) fn of_plan(self) -> Self {
        Self {
            dry_run: true,
            ..self
        }
    }

    /// Something was, or would be, removed.
    pub(super) fn removed(&mut self) {
        self.removed += 1;
    }

    /// An object of so many bytes did not fail.
    pub(super) fn done(&mut self, done: Done, bytes: u64) {
        let counter = match done {
            Done::Transferred | Done::Planned => {
                self.bytes += bytes;
                &mut self.transferred
            }
            Done::Unchanged => &mut self.unchanged,
            Done::Existing => &mut self.existing,
            Done::Skipped => &mut self.skipped,
        };
        *counter += 1;
    }

    /// An object failed, or was begun and stopped with the run.
    pub(super) fn failed(&mut self, failure: &JobFailure) {
        if failure.is_interruption() {
            self.unfinished += 1;
            return;
        }
        self.failed += 1;
        match failure.failure.exit() {
            Exit::Key => self.key_failures += 1,
            Exit::Differs => self.different += 1,
            _ => {}
        }
    }

    /// The transfers are over.
    pub(super) fn stop_watch(&mut self) {
        self.seconds = self.started.elapsed().as_secs_f64();
    }

    /// How many failed.
    pub(super) fn failures(&self) -> u64 {
        self.failed
    }

    /// Whether there was nothing to do.
    pub(super) fn is_empty(&self) -> bool {
        self.transferred + self.unchanged + self.existing + self.failed + self.unfinished == 0
    }

    /// How the run ends: with what all failures have in common.
    pub(super) fn exit(&self, stopped: Option<Stopped>) -> Exit {
        match (stopped, self.failed) {
            (Some(Stopped::Interrupted), _) => Exit::Interrupted,
            (_, 0) => Exit::Done,
            _ if self.different > 0 => Exit::Differs,
            (_, failed) if failed == self.key_failures => Exit::Key,
            _ => Exit::Failure,
        }
    }

    /// For people. `verb` is `uploaded` or `downloaded`; `under` says more about how.
    pub(super) fn text(&self, verb: &str, under: &str) -> String {
        let rate = self.bytes as f64 / self.seconds.max(0.001);
        let mut text = format!(
            "{verb} {}, {}{under}",
            objects(self.transferred),
            human_bytes(self.bytes),
        );
        if !self.dry_run {
            let rate = human_bytes(rate as u64);
            text.push_str(&format!(", in {:.1} s ({rate}/s)", self.seconds));
        }
        let mut row = |name: &str, count: u64, what: &str| {
            if count > 0 {
                text.push_str(&format!("\n  {name:<11} {count}{what}"));
            }
        };
        row("unchanged", self.unchanged, ", the same on both sides");
        row("left alone", self.existing, ", something was there");
        row("skipped", self.skipped, ", no files");
        let removed = match self.dry_run {
            true => "would remove",
            false => "removed",
        };
        row(removed, self.removed, ", not in the source");
        row("unfinished", self.unfinished, "");
        row("failed", self.failed, "");
        text
    }

    /// As data.
    pub(super) fn json(&self, stopped: Option<Stopped>) -> serde_json::Value {
        let mut value = json!(self);
        if let Some(fields) = value.as_object_mut() {
            let stopped = stopped.map(|stopped| match stopped {
                Stopped::Interrupted => "interrupted",
                Stopped::TooManyErrors => "too many errors",
                _ => "an error that concerns all",
            });
            fields.insert("complete".to_owned(), stopped.is_none().into());
            fields.insert("stopped".to_owned(), stopped.into());
        }
        value
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives references")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// So many things that are left out are named; the others are only counted.
const NAMED_SKIPS: u64 = 10;

/// Says what is left out.
#[derive(Debug, Default)]
pub(super) struct Skips(u64);

impl Skips {
    /// One more.
    pub(super) fn say(&mut self, terminal: Terminal, said: &str) {
        self.0 += 1;
        match self.0.checked_sub(NAMED_SKIPS) {
            None | Some(0) => terminal.warn(said),
            Some(1) => terminal.warn("more that is no file is skipped, too"),
            Some(_) => {}
        }
    }
}

/// What all transfers of a run share.
pub(super) fn engine(arguments: &ChoiceArgs, concurrency: Option<NonZeroUsize>) -> Engine {
    let mut settings = EngineSettings::default();
    settings.memory = arguments.memory.as_u64();
    if let Some(concurrency) = concurrency {
        settings.most_requests = concurrency;
    }
    Engine::new(settings)
}

/// How many at once, and when to give up.
pub(super) fn settings(arguments: &ChoiceArgs, concurrency: Option<NonZeroUsize>) -> ManySettings {
    let mut settings = ManySettings {
        max_errors: arguments.max_errors,
        ..ManySettings::default()
    };
    if let Some(concurrency) = concurrency {
        settings.slots = concurrency;
    }
    settings
}

/// Takes in what becomes of each job: all there are, or until one cannot be taken in.
pub(super) async fn take_all<C, D>(
    outcomes: &mut Outcomes<C, D, JobFailure>,
    progress: &ManyProgress,
    mut take: impl FnMut(C, Result<D, JobFailure>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut told = false;
    while let Some(outcome) = outcomes.next().await {
        progress.ended();
        let result = outcome.result.map_err(|failure| {
            let known = told;
            told |= outcomes.stopped() == Some(Stopped::ConcernsAll);
            failure.known(known)
        });
        take(outcome.context, result)?;
    }
    Ok(())
}

/// Says why a run stopped early, and how to go on.
pub(super) fn stopped_early(tally: &Tally, stopped: Option<Stopped>) -> Result<(), Failure> {
    let go_on = resume::command(std::env::args_os());
    let (what, hint) = match stopped {
        None => return Ok(()),
        Some(Stopped::Interrupted) => ("interrupted".to_owned(), format!("resume with: {go_on}")),
        Some(Stopped::TooManyErrors) => (
            format!("stopped, as {} failed", objects(tally.failed)),
            format!("see to the errors above, then resume with: {go_on}"),
        ),
        Some(_) => (
            "stopped, as the others would fail for the same reason".to_owned(),
            format!("see to the error above, then resume with: {go_on}"),
        ),
    };
    Err(Failure::new(tally.exit(stopped), what).hint(hint))
}

/// So many objects, for people.
pub(super) fn objects(count: u64) -> String {
    match count {
        1 => "1 object".to_owned(),
        count => format!("{count} objects"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failures_have_in_common_decides() {
        let mut tally = Tally::new();
        assert_eq!(tally.exit(None), Exit::Done);
        tally.failed(&Failure::new(Exit::Interrupted, "").into());
        assert_eq!(tally.exit(None), Exit::Done);
        tally.failed(&Failure::new(Exit::Key, "").into());
        assert_eq!(tally.exit(None), Exit::Key);
        tally.failed(&Failure::new(Exit::Usage, "").into());
        assert_eq!(tally.exit(None), Exit::Failure);
        assert_eq!(tally.exit(Some(Stopped::TooManyErrors)), Exit::Failure);
        assert_eq!(tally.exit(Some(Stopped::Interrupted)), Exit::Interrupted);
    }

    #[test]
    fn summaries_name_what_happened() {
        let mut tally = Tally::new();
        tally.done(Done::Transferred, 2 << 20);
        tally.done(Done::Unchanged, 5);
        tally.failed(&Failure::new(Exit::Key, "").into());
        tally.seconds = 2.0;
        assert_eq!(
            tally.text("uploaded", " under key k"),
            "uploaded 1 object, 2.0 MiB under key k, in 2.0 s (1.0 MiB/s)\n  \
             unchanged   1, the same on both sides\n  failed      1"
        );
        assert_eq!(tally.json(None)["complete"], true);
    }
}
