//! Buffers that are used again.
//!
//! Fresh memory costs a page fault for every 4 KiB, which shows at gigabytes per second. A buffer
//! comes back when the last reader of its bytes is gone: the request that sent it, its retries, and
//! the thread that hashes it.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Hands out buffers of one size, and no more than a given number of them.
#[derive(Clone)]
pub(super) struct Buffers {
    size: usize,
    free: Arc<Mutex<Vec<Vec<u8>>>>,
    permits: Arc<Semaphore>,
}

/// A buffer on loan.
pub(super) struct Buffer {
    bytes: Vec<u8>,
    filled: usize,
    free: Arc<Mutex<Vec<Vec<u8>>>>,
    _permit: OwnedSemaphorePermit,
}

impl Buffers {
    pub(super) fn new(size: usize, count: usize) -> Self {
        Self {
            size,
            free: Arc::default(),
            permits: Arc::new(Semaphore::new(count)),
        }
    }

    /// Waits for a buffer to be free. `None` never happens: the semaphore is not closed.
    pub(super) async fn take(&self) -> Option<Buffer> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok()?;
        let free = self
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        Some(Buffer {
            bytes: free.unwrap_or_else(|| vec![0; self.size]),
            filled: 0,
            free: Arc::clone(&self.free),
            _permit: permit,
        })
    }
}

impl Buffer {
    /// What is still to be filled.
    pub(super) fn space(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.filled..).unwrap_or_default()
    }

    /// Says that so many more bytes were filled.
    pub(super) fn advance(&mut self, count: usize) {
        self.filled = (self.filled + count).min(self.bytes.len());
    }

    pub(super) fn is_full(&self) -> bool {
        self.filled == self.bytes.len()
    }

    /// The bytes that were filled.
    pub(super) fn filled(&self) -> &[u8] {
        self.bytes.get(..self.filled).unwrap_or_default()
    }

    /// Shares the bytes; the buffer returns when the last share is dropped.
    pub(super) fn share(self) -> Bytes {
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
            .push(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn buffers_return_with_their_last_share() {
        let buffers = Buffers::new(4, 1);
        let mut buffer = buffers.take().await.unwrap();
        buffer.space().copy_from_slice(b"abcd");
        buffer.advance(3);
        assert!(!buffer.is_full());
        let at = buffer.filled().as_ptr();
        let shares = [buffer.share(); 1];
        let second = shares.clone();
        drop(shares);
        assert_eq!(buffers.permits.available_permits(), 0);
        assert_eq!(&*second[0], b"abc");
        drop(second);
        let again = buffers.take().await.unwrap();
        assert_eq!(again.bytes.as_ptr(), at);
        assert_eq!(again.filled(), b"");
    }
}
