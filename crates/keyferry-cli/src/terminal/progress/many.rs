//! Progress of many transfers: one bar for all, and one each for the few large objects that have been
//! under way for longest.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use keyferry_transfer::{Event, Observer};

use super::{LINE_INTERVAL, eprint_line};
use crate::terminal::bars;
use crate::terminal::{Terminal, human_bytes, printable, width};

/// How many objects have a bar of their own.
const MOST_BARS: usize = 4;
/// Objects of fewer bytes are over too soon for one.
const WORTH_A_BAR: u64 = 16 << 20;
/// Narrower terminals get shorter lines.
const NARROW: usize = 70;

/// Shows how far many transfers are.
pub(crate) struct ManyProgress {
    shared: Arc<Shared>,
    /// Until it is finished.
    bars: Mutex<Option<bars::Shown>>,
}

struct Shared {
    what: &'static str,
    shown: Shown,
    objects: AtomicU64,
    bytes: AtomicU64,
    /// How many objects and bytes there are, as far as known.
    total: Mutex<Option<(u64, u64)>>,
    own_bars: AtomicUsize,
    started: Instant,
}

enum Shown {
    Bars {
        all: MultiProgress,
        overall: ProgressBar,
        narrow: bool,
    },
    Lines(Mutex<Instant>),
    Nothing,
}

/// The progress of one object.
pub(crate) struct ObjectProgress {
    shared: Arc<Shared>,
    name: String,
    bar: Mutex<Option<ProgressBar>>,
    told: AtomicU64,
    ended: AtomicU64,
}

impl ManyProgress {
    /// Of transfers that are named as people would: `uploading`.
    pub(crate) fn new(terminal: Terminal, what: &'static str) -> Self {
        let shown = if terminal.quiet {
            Shown::Nothing
        } else if terminal.bars {
            let narrow = width() < NARROW;
            let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
            let overall = all.add(ProgressBar::no_length());
            overall.set_style(style(match narrow {
                true => "{prefix} {msg} {bytes} {bytes_per_sec}",
                false => "{prefix} {msg}  {bytes}  {bytes_per_sec}",
            }));
            overall.set_prefix(what);
            overall.enable_steady_tick(Duration::from_millis(250));
            Shown::Bars {
                all,
                overall,
                narrow,
            }
        } else {
            Shown::Lines(Mutex::new(Instant::now()))
        };
        let bars = match &shown {
            Shown::Bars { all, .. } => Some(bars::show(bars::Bars::Many(all.clone()))),
            _ => None,
        };
        let shared = Arc::new(Shared {
            what,
            shown,
            objects: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            total: Mutex::new(None),
            own_bars: AtomicUsize::new(0),
            started: Instant::now(),
        });
        Self {
            shared,
            bars: Mutex::new(bars),
        }
    }

    /// Whether anybody wants to know how much there is to do.
    pub(crate) fn wants_totals(&self) -> bool {
        !matches!(self.shared.shown, Shown::Nothing)
    }

    /// Whether it shows bars, which say little as long as nobody knows how much there is to do.
    pub(crate) fn has_bars(&self) -> bool {
        matches!(self.shared.shown, Shown::Bars { .. })
    }

    /// A handle for those who find out how much there is to do.
    pub(crate) fn totals(&self) -> impl Fn(u64, u64) + Send + 'static {
        let shared = Arc::clone(&self.shared);
        move |objects, bytes| shared.expect(objects, bytes)
    }

    /// Begins an object.
    pub(crate) fn object(&self, name: &str) -> Arc<ObjectProgress> {
        Arc::new(ObjectProgress {
            shared: Arc::clone(&self.shared),
            name: printable(name).to_string(),
            bar: Mutex::new(None),
            told: AtomicU64::new(0),
            ended: AtomicU64::new(0),
        })
    }

    /// One more object is dealt with.
    pub(crate) fn ended(&self) {
        self.shared.objects.fetch_add(1, Ordering::Relaxed);
        self.shared.show();
    }

    /// Removes the bars; the command prints its own result.
    pub(crate) fn finish(&self) {
        if let Shown::Bars { all, overall, .. } = &self.shared.shown {
            *self.bars.lock().unwrap_or_else(PoisonError::into_inner) = None;
            overall.finish_and_clear();
            // Whatever is left of others.
            let _ = all.clear();
        }
    }
}

impl Drop for ManyProgress {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Shared {
    fn expect(&self, objects: u64, bytes: u64) {
        *self.total.lock().unwrap_or_else(PoisonError::into_inner) = Some((objects, bytes));
        if let Shown::Bars {
            overall, narrow, ..
        } = &self.shown
        {
            overall.set_length(bytes);
            overall.set_style(style(match narrow {
                true => "{prefix} {msg} {percent}% {bytes_per_sec} {eta}",
                false => {
                    "{prefix} {msg}  {wide_bar:.cyan/dim} {bytes}/{total_bytes}  {bytes_per_sec}  {eta}"
                }
            }));
        }
    }

    fn advance(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.show();
    }

    fn take_back(&self, bytes: u64) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.show();
    }

    fn show(&self) {
        match &self.shown {
            Shown::Bars { overall, .. } => {
                overall.set_position(self.bytes.load(Ordering::Relaxed));
                overall.set_message(self.counted());
            }
            Shown::Lines(written) => {
                let mut written = written.lock().unwrap_or_else(PoisonError::into_inner);
                if written.elapsed() >= LINE_INTERVAL {
                    *written = Instant::now();
                    eprint_line(&format!("{}: {}", self.what, self.described()));
                }
            }
            Shown::Nothing => {}
        }
    }

    fn total(&self) -> Option<(u64, u64)> {
        *self.total.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counted(&self) -> String {
        let done = self.objects.load(Ordering::Relaxed);
        match self.total() {
            Some((total, _)) => format!("{done}/{total}"),
            None => done.to_string(),
        }
    }

    fn described(&self) -> String {
        let (objects, bytes) = (
            self.objects.load(Ordering::Relaxed),
            self.bytes.load(Ordering::Relaxed),
        );
        let rate = bytes as f64 / self.started.elapsed().as_secs_f64().max(0.001);
        let rate = human_bytes(rate as u64);
        let done = human_bytes(bytes);
        match self.total() {
            Some((all, total)) if total > 0 => {
                let percent = bytes.saturating_mul(100) / total;
                let total = human_bytes(total);
                format!("{objects} of {all} objects, {done} of {total} ({percent}%), {rate}/s")
            }
            Some((all, _)) => format!("{objects} of {all} objects, {done}, {rate}/s"),
            None => format!("{objects} objects, {done}, {rate}/s"),
        }
    }

    /// A bar for an object, if it is worth one and there is room.
    fn own_bar(&self, name: &str, total: Option<u64>) -> Option<ProgressBar> {
        let Shown::Bars { all, narrow, .. } = &self.shown else {
            return None;
        };
        let total = total.filter(|total| *total >= WORTH_A_BAR)?;
        let free = |taken: usize| (taken < MOST_BARS).then_some(taken + 1);
        self.own_bars
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, free)
            .ok()?;
        let bar = all.add(ProgressBar::new(total));
        bar.set_style(style(match narrow {
            true => "  {percent:>3}% {wide_msg}",
            false => "  {percent:>3}% {bytes_per_sec:>12} {eta:>4}  {wide_msg}",
        }));
        bar.set_message(name.to_owned());
        Some(bar)
    }
}

impl ObjectProgress {
    fn bar(&self) -> std::sync::MutexGuard<'_, Option<ProgressBar>> {
        self.bar.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn advance(&self, bytes: u64) {
        self.told.fetch_add(bytes, Ordering::Relaxed);
        self.shared.advance(bytes);
        if let Some(bar) = &*self.bar() {
            bar.inc(bytes);
        }
    }

    fn take_back(&self) {
        let told = self.told.swap(0, Ordering::Relaxed);
        self.shared.take_back(told);
        if let Some(bar) = &*self.bar() {
            bar.set_position(0);
        }
    }
}

impl Observer for ObjectProgress {
    fn on(&self, event: Event) {
        match event {
            Event::Started { total } => {
                // Begun again, perhaps with another key.
                self.take_back();
                let mut bar = self.bar();
                if bar.is_none() {
                    *bar = self.shared.own_bar(&self.name, total);
                }
            }
            Event::Advanced { bytes } | Event::AlreadyThere { bytes } => self.advance(bytes),
            Event::Finished { .. } => self.ended.store(1, Ordering::Relaxed),
            _ => {}
        }
    }
}

impl Drop for ObjectProgress {
    fn drop(&mut self) {
        if self.ended.load(Ordering::Relaxed) == 0 {
            self.take_back();
        }
        if let Some(bar) = self.bar().take() {
            bar.finish_and_clear();
            self.shared.own_bars.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    super::style(template)
}
