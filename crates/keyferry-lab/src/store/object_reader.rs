//! Reading a range of an object as a stream.

use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::Stream;

use super::error::StoreError;
use super::region::RegionStore;
use super::version_record::Layout;
use crate::encryption::DataKey;

/// Yields a range's bytes in pieces of at most 64 KiB. Ends with an error at the first chunk
/// whose seal does not hold. `Send + Sync + Unpin + 'static`. The data stays readable to the
/// end even if the object is deleted meanwhile.
#[derive(Debug)]
pub(crate) struct ObjectReader {}

impl ObjectReader {
    /// Bytes still to come.
    pub(crate) fn remaining(&self) -> u64 {
        todo!()
    }
}

impl Stream for ObjectReader {
    type Item = Result<Bytes, StoreError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        todo!()
    }
}

impl RegionStore {
    /// Opens a range (half-open, in bytes of plaintext over the whole object) for reading, and
    /// reads its first chunks, so that damage there is still an answer of its own and not a
    /// broken connection. An empty range of an empty object is allowed.
    pub(crate) async fn read(
        &self,
        layout: &Layout,
        key: &DataKey,
        range: Range<u64>,
    ) -> Result<ObjectReader, StoreError> {
        todo!()
    }
}
