//! Bars, and what is written while they are shown: above them, not through them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::{MultiProgress, ProgressBar};

/// What is shown at the bottom of the terminal.
#[derive(Clone)]
pub(super) enum Bars {
    One(ProgressBar),
    Many(MultiProgress),
}

/// The last to come is the one that is drawn.
static SHOWN: Mutex<Vec<(u64, Bars)>> = Mutex::new(Vec::new());

/// Bars that are shown until this is dropped.
pub(super) struct Shown(u64);

fn shown() -> MutexGuard<'static, Vec<(u64, Bars)>> {
    SHOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn show(bars: Bars) -> Shown {
    let mut shown = shown();
    let number = shown.last().map_or(0, |(last, _)| last + 1);
    shown.push((number, bars));
    Shown(number)
}

impl Drop for Shown {
    fn drop(&mut self) {
        shown().retain(|(number, _)| *number != self.0);
    }
}

/// Writes while no bar is in the way.
pub(super) fn aside<T>(write: impl FnOnce() -> T) -> T {
    let bars = shown().last().map(|(_, bars)| bars.clone());
    match bars {
        Some(Bars::One(bar)) => bar.suspend(write),
        Some(Bars::Many(bars)) => bars.suspend(write),
        None => write(),
    }
}
