//! One budget of memory for all transfers, and buffers that are used again.
//!
//! Whoever asks first gets first: a large request at the head of the queue is not overtaken by small
//! ones, and those wait no longer than until a transfer gives back what it has. Nobody waits for
//! memory while holding a place in the pace, so what is lent always comes back.
//!
//! Fresh memory costs a page fault for every 4 KiB, which shows at gigabytes per second. A buffer
//! comes back when the last reader of its bytes is gone: the request that sent it, its retries, and
//! the thread that hashes it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What the budget is counted in.
const PAGE: u64 = 4 << 10;
/// Buffers below this are cheaper to make than to keep.
const SMALLEST_KEPT: usize = 64 << 10;
const MIB: usize = 1 << 20;

/// The budget. Clones are handles on the same one.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    /// In pages.
    total: u32,
    lent: Arc<Semaphore>,
    free: Arc<Mutex<Free>>,
}

/// Buffers that wait to be used again, by size.
#[derive(Debug, Default)]
struct Free {
    by_size: BTreeMap<usize, Vec<Vec<u8>>>,
    bytes: usize,
}

/// A share of the budget, given back when dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    _pages: Option<OwnedSemaphorePermit>,
}

/// A buffer on loan.
#[derive(Debug)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    filled: usize,
    length: usize,
    free: Arc<Mutex<Free>>,
    _share: Reservation,
}

impl Memory {
    pub(crate) fn new(bytes: u64) -> Self {
        let most = (u32::MAX as usize).min(Semaphore::MAX_PERMITS);
        let total = usize::try_from(bytes / PAGE).unwrap_or(most).clamp(1, most);
        Self {
            total: u32::try_from(total).unwrap_or(u32::MAX),
            lent: Arc::new(Semaphore::new(total)),
            free: Arc::default(),
        }
    }

    /// All of it, in bytes.
    pub(crate) fn total(&self) -> u64 {
        u64::from(self.total) * PAGE
    }

    /// Waits for a share. Asking for more than there is gets all of it.
    pub(crate) async fn reserve(&self, bytes: u64) -> Reservation {
        let share = self.share(bytes).await;
        self.make_room(&mut self.lock_free());
        share
    }

    /// Waits for an empty buffer of this length.
    pub(crate) async fn buffer(&self, length: usize) -> Buffer {
        let size = size_class(length);
        let Reservation { _pages: share } = self.share(size as u64).await;
        self.lend(size, length, share)
    }

    fn lend(&self, size: usize, length: usize, share: Option<OwnedSemaphorePermit>) -> Buffer {
        let kept = {
            let mut free = self.lock_free();
            let kept = free.take(size);
            if kept.is_none() {
                self.make_room(&mut free);
            }
            kept
        };
        Buffer {
            bytes: kept.unwrap_or_else(|| vec![0; size]),
            filled: 0,
            length,
            free: Arc::clone(&self.free),
            _share: Reservation { _pages: share },
        }
    }

    /// An empty buffer of this length, if there is memory for it right now.
    pub(crate) fn try_buffer(&self, length: usize) -> Option<Buffer> {
        let size = size_class(length);
        let pages = self.pages(size as u64);
        let share = Arc::clone(&self.lent).try_acquire_many_owned(pages).ok()?;
        Some(self.lend(size, length, Some(share)))
    }

    async fn share(&self, bytes: u64) -> Reservation {
        let pages = Arc::clone(&self.lent).acquire_many_owned(self.pages(bytes));
        Reservation {
            // The semaphore is never closed.
            _pages: pages.await.ok(),
        }
    }

    /// More than there is, is all there is.
    fn pages(&self, bytes: u64) -> u32 {
        let pages = u32::try_from(bytes.div_ceil(PAGE)).unwrap_or(u32::MAX);
        pages.min(self.total)
    }

    /// Lets go of buffers that nobody uses where they and what is lent would exceed the budget.
    fn make_room(&self, free: &mut Free) {
        let lent = (self.total as usize).saturating_sub(self.lent.available_permits());
        let unlent = (self.total as usize - lent).saturating_mul(PAGE as usize);
        while free.bytes > unlent && free.drop_one() {}
    }

    fn lock_free(&self) -> MutexGuard<'_, Free> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Few sizes, so that buffers fit again.
fn size_class(length: usize) -> usize {
    match length {
        0..SMALLEST_KEPT => length,
        SMALLEST_KEPT..MIB => length.next_power_of_two(),
        _ => length.next_multiple_of(MIB),
    }
}

impl Free {
    fn take(&mut self, size: usize) -> Option<Vec<u8>> {
        let buffer = self.by_size.get_mut(&size)?.pop()?;
        self.bytes -= size;
        Some(buffer)
    }

    fn give_back(&mut self, buffer: Vec<u8>) {
        if buffer.len() >= SMALLEST_KEPT {
            self.bytes += buffer.len();
            self.by_size.entry(buffer.len()).or_default().push(buffer);
        }
    }

    fn drop_one(&mut self) -> bool {
        while let Some(mut largest) = self.by_size.last_entry() {
            match largest.get_mut().pop() {
                Some(buffer) => {
                    self.bytes -= buffer.len();
                    return true;
                }
                None => drop(largest.remove()),
            }
        }
        false
    }
}

impl Buffer {
    /// What is still to be filled.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        self.bytes
            .get_mut(self.filled..self.length)
            .unwrap_or_default()
    }

    /// Says that so many more bytes were filled.
    pub(crate) fn advance(&mut self, count: usize) {
        self.filled = (self.filled + count).min(self.length);
    }

    pub(crate) fn is_full(&self) -> bool {
        self.filled == self.length
    }

    /// The bytes that were filled.
    pub(crate) fn filled(&self) -> &[u8] {
        self.bytes.get(..self.filled).unwrap_or_default()
    }

    /// Shares the bytes; the buffer returns when the last share is dropped.
    pub(crate) fn share(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        self.filled()
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        self.free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .give_back(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;
    use proptest::prelude::*;

    #[tokio::test]
    async fn buffers_return_with_their_last_share() {
        let memory = Memory::new(1 << 20);
        let mut buffer = memory.buffer(100_000).await;
        buffer.space()[..3].copy_from_slice(b"abc");
        buffer.advance(3);
        assert!(!buffer.is_full());
        let at = buffer.filled().as_ptr();
        let first = buffer.share();
        let second = first.clone();
        drop(first);
        assert!(memory.lent.available_permits() < memory.total as usize);
        assert_eq!(&*second, b"abc");
        drop(second);
        assert_eq!(memory.lent.available_permits(), memory.total as usize);
        let again = memory.buffer(120_000).await;
        assert_eq!(again.bytes.as_ptr(), at);
        assert_eq!(again.filled(), b"");
    }

    /// A stream's part may be larger than the budget; it waits for all of it and no longer.
    #[tokio::test]
    async fn the_largest_gets_all_and_nobody_overtakes_it() {
        let memory = Memory::new(1 << 20);
        let small = memory.buffer(64 << 10).await;
        let mut large = Box::pin(memory.buffer(8 << 20));
        assert!(large.as_mut().now_or_never().is_none());
        let mut behind = Box::pin(memory.buffer(4 << 10));
        assert!(behind.as_mut().now_or_never().is_none());
        drop(small);
        let large = large.await;
        assert!(behind.as_mut().now_or_never().is_none());
        drop(large);
        assert!(behind.now_or_never().is_some());
    }

    proptest! {
        /// What is lent and what is kept for later never exceed the budget together.
        #[test]
        fn the_budget_holds(steps in prop::collection::vec((0_usize..3_000_000, any::<prop::sample::Index>()), 1..60)) {
            let memory = Memory::new(4 << 20);
            let mut held = Vec::new();
            for (length, index) in steps {
                match memory.buffer(length).now_or_never() {
                    Some(buffer) => held.push(buffer),
                    None => drop(held.swap_remove(index.index(held.len()))),
                }
                let lent: usize = held.iter().map(|buffer| buffer.bytes.len()).sum();
                prop_assert!(lent + memory.lock_free().bytes <= 4 << 20);
            }
            drop(held);
            prop_assert_eq!(memory.lent.available_permits(), memory.total as usize);
        }
    }
}
