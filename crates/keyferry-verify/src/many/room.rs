//! Where objects wait for their replication, and when to look at them again.
//!
//! The room is bounded. When it is full nothing more is taken up, until something in it is settled or
//! has waited in vain. Once something has, replication is taken to stand still: while that is so and the
//! room is full, what comes is looked at once, so that a run ends.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use tokio::time::Instant;

use super::object::Parked;

/// How many wait at once.
const SEATS: usize = 2048;

/// Something that waits.
pub(super) struct Waiting<'a> {
    pub(super) due: Instant,
    pub(super) ticket: u64,
    pub(super) parked: Parked<'a>,
}

/// Where it waits.
#[derive(Default)]
pub(super) struct Room<'a> {
    waiting: BinaryHeap<Reverse<Waiting<'a>>>,
}

impl<'a> Room<'a> {
    pub(super) fn enter(&mut self, waiting: Waiting<'a>) {
        self.waiting.push(Reverse(waiting));
    }

    /// What is to be looked at again by now.
    pub(super) fn due(&mut self, now: Instant) -> Option<Waiting<'a>> {
        let first = self.waiting.peek()?;
        match first.0.due <= now {
            true => self.waiting.pop().map(|Reverse(waiting)| waiting),
            false => None,
        }
    }

    /// When something is to be looked at again.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.waiting.peek().map(|Reverse(waiting)| waiting.due)
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= SEATS
    }
}

impl PartialEq for Waiting<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Waiting<'_> {}

impl PartialOrd for Waiting<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.due, self.ticket).cmp(&(other.due, other.ticket))
    }
}
