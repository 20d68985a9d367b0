//! Identifiers the store gives out: sequences, version ids, upload ids and segment ids.
//!
//! A [`Sequence`] is a time in nanoseconds that no other record of the lab has. It orders the
//! versions of a key and is their last-modified time as well, so that a replica takes the
//! place among its key's versions that its source has (`S3-REPL-10`).

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// The version id of an object put while versioning was off or suspended.
pub(crate) const NULL_VERSION: &str = "null";

/// A unique time in nanoseconds since 1970; larger is newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Sequence(pub(crate) u64);

impl Sequence {
    /// The time this sequence stands for.
    pub(crate) fn time(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(self.0)
    }

    /// The key under which newer sequences sort first.
    pub(crate) fn newest_first(self) -> u64 {
        u64::MAX - self.0
    }
}

/// The source of sequences, shared by both regions: strictly increasing, never behind the wall
/// clock, never behind what was given out before a restart.
#[derive(Debug)]
pub(crate) struct SequenceClock {
    last: AtomicU64,
}

impl SequenceClock {
    /// A clock that continues after `last`.
    pub(crate) fn after(last: Sequence) -> Self {
        Self {
            last: AtomicU64::new(last.0),
        }
    }

    /// Never gives out `last` or anything before it.
    pub(crate) fn advance(&self, last: Sequence) {
        self.last.fetch_max(last.0, Ordering::Relaxed);
    }

    /// The next sequence.
    pub(crate) fn next(&self) -> Sequence {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |d| u64::try_from(d.as_nanos()).unwrap_or(u64::MAX));
        let mut last = self.last.load(Ordering::Relaxed);
        loop {
            let next = now.max(last + 1);
            match self
                .last
                .compare_exchange_weak(last, next, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => return Sequence(next),
                Err(seen) => last = seen,
            }
        }
    }
}

/// `N` random bytes in lower-case hex.
pub(crate) fn random_hex<const N: usize>() -> String {
    hex::encode(rand::random::<[u8; N]>())
}

/// A version id of the length and alphabet S3 uses: 32 characters, opaque to clients. The lab
/// reads its own back, so that a listing resumes after a version that was deleted meanwhile.
pub(crate) fn version_id(sequence: Sequence) -> String {
    format!("{:016x}{}", sequence.0, random_hex::<8>())
}

/// The sequence in a version id of the lab's.
pub(crate) fn sequence_of(version_id: &str) -> Option<Sequence> {
    u64::from_str_radix(version_id.get(..16)?, 16)
        .ok()
        .map(Sequence)
}

/// An upload id: opaque and unguessable; ids of a key sort by when they were made.
pub(crate) fn new_upload_id(sequence: Sequence) -> String {
    format!("{:016x}{}", sequence.0, random_hex::<24>())
}

/// A random UUID, version 4, as KMS key ids are.
pub(crate) fn random_uuid() -> String {
    let random: u128 = rand::random();
    // Version 4 and the RFC 9562 variant.
    let id = random & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        id >> 96,
        id >> 80 & 0xffff,
        id >> 64 & 0xffff,
        id >> 48 & 0xffff,
        id & 0xffff_ffff_ffff
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_increase_even_when_the_clock_stands_behind() {
        let future = Sequence(u64::MAX / 2);
        let clock = SequenceClock::after(future);
        let (a, b) = (clock.next(), clock.next());
        assert!(future < a && a < b);
        assert!(b.newest_first() < a.newest_first());
    }
}
