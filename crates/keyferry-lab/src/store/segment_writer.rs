//! Writing a stream of bytes as one sealed segment, with digests in the same pass.

use bytes::Bytes;
use futures::Stream;

use super::checksum::{DigestPlan, Digests};
use super::error::StoreError;
use super::region::RegionStore;
use super::version_record::SegmentRecord;
use crate::encryption::DataKey;

/// A written segment that no record refers to yet. Its file is removed on drop, unless a commit
/// took it.
#[derive(Debug)]
pub(crate) struct StagedSegment {}

impl StagedSegment {
    /// Bytes of plaintext.
    pub(crate) fn size(&self) -> u64 {
        todo!()
    }

    /// What the plan asked for. Compare with what the request claims before committing.
    pub(crate) fn digests(&self) -> &Digests {
        todo!()
    }
}

/// Why writing a segment failed.
#[derive(Debug)]
pub(crate) enum WriteError<E> {
    /// The body's stream failed; nothing is kept.
    Body(E),
    /// The store failed; nothing is kept.
    Store(StoreError),
}

impl RegionStore {
    /// Writes the body as a segment sealed under `key`, holding at most a few buffers of it.
    /// Dropping the future removes what was written. Limits of size are the caller's: end the
    /// body with an error.
    pub(crate) async fn write_segment<S, E>(
        &self,
        key: &DataKey,
        plan: DigestPlan,
        body: S,
    ) -> Result<StagedSegment, WriteError<E>>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Send,
    {
        todo!()
    }
}
