//! Memory that stays out of swap, as far as the system allows.
//!
//! Locking is by pages and does not count: unlocking a page unlocks everything on it. So keys lie
//! together on pages that are locked once and stay so, and what is larger lies on pages of its own.
//! The system allows a process only so much (`ulimit -l`); beyond that, and where locking is not to
//! be had, memory is used as it is. Copies that others make, such as an SDK's, are not covered.

use std::mem;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

use region::LockGuard;
use zeroize::Zeroize;

type Slot = [u8; 32];

/// As many slots as the smallest page has room for.
const SLOTS: usize = 4096 / size_of::<Slot>();

#[repr(align(4096))]
struct Page([Slot; SLOTS]);

/// Slots of pages that are never unlocked and never freed.
static FREE: Mutex<Vec<&'static mut Slot>> = Mutex::new(Vec::new());

/// 32 bytes on a locked page, wiped when they are no longer needed.
pub(crate) struct SecretBytes(Option<&'static mut Slot>);

impl SecretBytes {
    /// Fills 32 bytes in place.
    pub(crate) fn fill<E>(fill: impl FnOnce(&mut Slot) -> Result<(), E>) -> Result<Self, E> {
        let slot = free_slot();
        let filled = fill(slot);
        let secret = Self(Some(slot));
        filled.map(|()| secret)
    }
}

fn free_slot() -> &'static mut Slot {
    let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        if let Some(slot) = free.pop() {
            return slot;
        }
        let page = Box::leak(Box::new(Page([[0; 32]; SLOTS])));
        if let Ok(guard) = region::lock(page.0.as_ptr(), size_of::<Page>()) {
            mem::forget(guard);
        }
        free.extend(page.0.iter_mut());
    }
}

impl Deref for SecretBytes {
    type Target = Slot;

    fn deref(&self) -> &Slot {
        // Only a value that is being dropped has none.
        self.0.as_deref().unwrap_or(&[0; 32])
    }
}

impl From<&Slot> for SecretBytes {
    fn from(bytes: &Slot) -> Self {
        let slot = free_slot();
        slot.copy_from_slice(bytes);
        Self(Some(slot))
    }
}

impl Clone for SecretBytes {
    fn clone(&self) -> Self {
        Self::from(&**self)
    }
}

impl Drop for SecretBytes {
    fn drop(&mut self) {
        if let Some(slot) = self.0.take() {
            slot.zeroize();
            let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
            free.push(slot);
        }
    }
}

/// A page of the largest size that is common.
#[repr(align(16384))]
struct OwnPages<T>(Option<T>);

/// A secret that is larger than a key, on locked pages of its own. What it holds should wipe itself.
pub struct Locked<T> {
    pages: Box<OwnPages<T>>,
    guard: Option<LockGuard>,
}

impl<T> Locked<T> {
    /// Moves a secret onto locked pages; onto ordinary ones if the system allows no more.
    pub fn new(secret: T) -> Self {
        let mut pages = Box::new(OwnPages(None));
        let guard = region::lock(&raw const *pages, size_of::<OwnPages<T>>()).ok();
        pages.0 = Some(secret);
        Self { pages, guard }
    }

    /// Whether its pages are locked.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.guard.is_some()
    }
}

impl<T> Deref for Locked<T> {
    type Target = T;

    #[expect(
        clippy::expect_used,
        reason = "it is filled when made and emptied only when dropped"
    )]
    fn deref(&self) -> &T {
        self.pages.0.as_ref().expect("filled when made")
    }
}

impl<T> DerefMut for Locked<T> {
    #[expect(
        clippy::expect_used,
        reason = "it is filled when made and emptied only when dropped"
    )]
    fn deref_mut(&mut self) -> &mut T {
        self.pages.0.as_mut().expect("filled when made")
    }
}

impl<T> Drop for Locked<T> {
    fn drop(&mut self) {
        // Wiped while locked, unlocked while still there.
        self.pages.0 = None;
        self.guard = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_reused_and_found_empty() {
        let first = SecretBytes::from(&[7; 32]);
        let address = first.as_ptr();
        assert_eq!(*first, [7; 32]);
        assert_eq!(*first.clone(), [7; 32]);
        drop(first);
        let untouched = || SecretBytes::fill(|_| Ok::<(), ()>(())).unwrap();
        let many: Vec<SecretBytes> = (0..3 * SLOTS).map(|_| untouched()).collect();
        assert!(many.iter().all(|bytes| **bytes == [0; 32]));
        assert!(many.iter().any(|bytes| bytes.as_ptr() == address));
    }

    /// What the kernel says; other tests of this process only add to it.
    #[cfg(target_os = "linux")]
    #[test]
    fn pages_are_locked() {
        let locked = || -> u64 {
            let status = std::fs::read_to_string("/proc/self/status").unwrap();
            let line = status.lines().find_map(|line| line.strip_prefix("VmLck:"));
            let kib = line.unwrap().trim().trim_end_matches(" kB");
            kib.parse().unwrap()
        };
        let key = SecretBytes::from(&[0; 32]);
        let large = Locked::new([1_u8; 100]);
        assert!(large.is_locked(), "ulimit -l allows nothing");
        assert!(locked() >= 4 + 16);
        assert_eq!((*key, *large), ([0; 32], [1; 100]));
    }
}
