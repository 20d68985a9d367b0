//! Progress of a transfer or a verification: a bar on a terminal, plain lines elsewhere.

mod many;

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytesize::ByteSize;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::bars::{Bars, Shown, aside, show};

pub(crate) use many::{ManyProgress, ObjectProgress};

/// How often plain lines are written.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Shows how far a piece of work is.
pub(crate) struct Progress {
    kind: Kind,
    /// Until it is finished.
    shown: Mutex<Option<Shown>>,
}

enum Kind {
    Bar(ProgressBar),
    Lines { what: String, state: Mutex<Lines> },
    Silent,
}

struct Lines {
    /// How many of how many things, where there are several.
    items: Option<(u64, u64)>,
    total: Option<u64>,
    done: u64,
    /// Of what is done, what an earlier run did.
    skipped: u64,
    started: Instant,
    written: Instant,
}

impl Progress {
    pub(super) fn silent() -> Self {
        Self {
            kind: Kind::Silent,
            shown: Mutex::new(None),
        }
    }

    pub(super) fn lines(what: &str) -> Self {
        let now = Instant::now();
        Self {
            kind: Kind::Lines {
                what: what.to_owned(),
                state: Mutex::new(Lines {
                    items: None,
                    total: None,
                    done: 0,
                    skipped: 0,
                    started: now,
                    written: now,
                }),
            },
            shown: Mutex::new(None),
        }
    }

    pub(super) fn bars(what: &str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(spinner_style());
        bar.set_prefix(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        Self {
            shown: Mutex::new(Some(show(Bars::One(bar.clone())))),
            kind: Kind::Bar(bar),
        }
    }

    /// How many things of how many are done, where the bytes of all are counted together.
    pub(crate) fn items(&self, what: &str, done: u64, total: u64) {
        match &self.kind {
            Kind::Bar(bar) => bar.set_prefix(format!("{what} {done}/{total}")),
            Kind::Lines { state, .. } => {
                let mut lines = state.lock().unwrap_or_else(PoisonError::into_inner);
                lines.items = Some((done, total));
            }
            Kind::Silent => {}
        }
    }

    /// How much there is to do, once it is known.
    pub(crate) fn total(&self, total: Option<u64>) {
        match &self.kind {
            Kind::Bar(bar) => {
                if let Some(total) = total {
                    bar.set_length(total);
                    bar.set_style(bar_style());
                } else {
                    bar.set_style(counter_style());
                }
            }
            Kind::Lines { state, .. } => {
                let mut lines = state.lock().unwrap_or_else(PoisonError::into_inner);
                lines.total = total;
                lines.done = 0;
                lines.skipped = 0;
            }
            Kind::Silent => {}
        }
    }

    /// So many more bytes are done.
    pub(crate) fn advance(&self, bytes: u64) {
        match &self.kind {
            Kind::Bar(bar) => bar.inc(bytes),
            Kind::Lines { what, state } => {
                let mut lines = state.lock().unwrap_or_else(PoisonError::into_inner);
                lines.done += bytes;
                if lines.written.elapsed() >= LINE_INTERVAL {
                    lines.written = Instant::now();
                    eprint_line(&format!("{what}: {}", lines.describe()));
                }
            }
            Kind::Silent => {}
        }
    }

    /// So many bytes need not be done. They say nothing of the rate.
    fn skip(&self, bytes: u64) {
        match &self.kind {
            Kind::Bar(bar) => {
                bar.inc(bytes);
                bar.reset_elapsed();
                bar.reset_eta();
            }
            Kind::Lines { state, .. } => {
                let mut lines = state.lock().unwrap_or_else(PoisonError::into_inner);
                lines.done += bytes;
                lines.skipped += bytes;
            }
            Kind::Silent => {}
        }
    }

    /// Says something while a bar is shown.
    fn say(&self, line: &str) {
        match &self.kind {
            Kind::Bar(_) => aside(|| eprint_line(line)),
            Kind::Lines { .. } => eprint_line(line),
            Kind::Silent => {}
        }
    }

    /// How much of both sides was compared.
    fn compared(&self, bytes: u64, total: u64) {
        match &self.kind {
            Kind::Bar(bar) => {
                if bar.length() != Some(total) || bar.position() == 0 {
                    bar.set_prefix("comparing");
                    self.total(Some(total));
                }
                bar.set_position(bytes);
            }
            Kind::Lines { state, .. } => {
                let done = {
                    let mut lines = state.lock().unwrap_or_else(PoisonError::into_inner);
                    lines.total = Some(total);
                    lines.done
                };
                self.advance(bytes.saturating_sub(done));
            }
            Kind::Silent => {}
        }
    }

    /// How many things are done, of how many where that is known, and what else there is to say.
    pub(crate) fn counted(&self, done: u64, total: Option<u64>, message: &str) {
        match (&self.kind, total) {
            (Kind::Bar(bar), Some(total)) => {
                bar.set_style(counted_style());
                bar.set_length(total);
                bar.set_position(done);
                bar.set_message(message.to_owned());
            }
            (Kind::Bar(bar), None) => {
                bar.set_style(spinner_style());
                bar.set_message(format!("{done} {message}"));
            }
            (Kind::Lines { .. }, Some(total)) => {
                self.status(&format!("{done} of {total} {message}"))
            }
            (Kind::Lines { .. }, None) => self.status(&format!("{done} {message}")),
            (Kind::Silent, _) => {}
        }
    }

    /// What is waited for, where there are no bytes to count.
    pub(crate) fn status(&self, message: &str) {
        match &self.kind {
            Kind::Bar(bar) => {
                bar.set_style(spinner_style());
                bar.set_message(message.to_owned());
            }
            Kind::Lines { what, state } => {
                let mut lines = state.lock().unwrap_or_else(PoisonError::into_inner);
                if lines.written.elapsed() >= LINE_INTERVAL {
                    lines.written = Instant::now();
                    eprint_line(&format!("{what}: {message}"));
                }
            }
            Kind::Silent => {}
        }
    }

    /// Removes the bar; the command prints its own result.
    pub(crate) fn finish(&self) {
        if let Kind::Bar(bar) = &self.kind {
            *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = None;
            bar.finish_and_clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Lines {
    fn describe(&self) -> String {
        let now = self.done.saturating_sub(self.skipped);
        let rate = now as f64 / self.started.elapsed().as_secs_f64().max(0.001);
        let done = ByteSize(self.done).display().iec();
        let rate = ByteSize(rate as u64).display().iec();
        let items = self.items.map_or_else(String::new, |(done, total)| {
            format!("{done} of {total} objects, ")
        });
        match self.total {
            Some(total) if total > 0 => {
                let percent = 100 * self.done / total;
                let total = ByteSize(total).display().iec();
                format!("{items}{done} of {total} ({percent}%), {rate}/s")
            }
            _ => format!("{items}{done}, {rate}/s"),
        }
    }
}

fn eprint_line(line: &str) {
    use std::io::Write;
    let _ = writeln!(anstream::stderr(), "{line}");
}

fn bar_style() -> ProgressStyle {
    style("{prefix} {wide_bar:.cyan/dim} {bytes}/{total_bytes} {bytes_per_sec} {eta}")
}

fn counter_style() -> ProgressStyle {
    style("{prefix} {spinner} {bytes} {bytes_per_sec}")
}

fn counted_style() -> ProgressStyle {
    style("{prefix} {wide_bar:.cyan/dim} {pos}/{len} {msg}")
}

fn spinner_style() -> ProgressStyle {
    style("{prefix} {spinner} {wide_msg}")
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─")
}

impl keyferry_transfer::Observer for Progress {
    fn on(&self, event: keyferry_transfer::Event) {
        use keyferry_transfer::{Event, StartedOver};
        match event {
            Event::Started { total } => self.total(total),
            Event::Advanced { bytes } => self.advance(bytes),
            Event::AlreadyThere { bytes } => self.skip(bytes),
            Event::Resuming { there } => {
                let there = ByteSize(there).display().iec();
                self.say(&format!("resuming: {there} are there already"));
            }
            Event::StartedOver {
                why: StartedOver::NotAsked,
            } => self.say(
                "starting over, as `--resume` was not given: what an earlier run left is removed",
            ),
            Event::StartedOver { why } => self.say(&format!("starting over: {why}")),
            Event::Finishing => self.status("checking"),
            _ => {}
        }
    }
}

impl keyferry_verify::Observer for Progress {
    fn on(&self, event: keyferry_verify::Event) {
        use keyferry_verify::Event;
        match event {
            Event::Waiting {
                status, elapsed, ..
            } => {
                let status =
                    status.map_or_else(|| "not begun".to_owned(), |status| status.to_string());
                self.status(&format!("{status}, {} s", elapsed.as_secs()));
            }
            Event::Comparing { bytes, total, .. } => self.compared(bytes, total),
            Event::Probing { .. } => self.status("asking without the key"),
            _ => {}
        }
    }
}
