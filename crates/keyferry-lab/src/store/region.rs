//! One region's store.

use std::sync::Arc;

use super::error::StoreError;

/// One region: a cheap handle. Reads are quick and block only for them; writes run on the
/// blocking pool and are atomic.
///
/// Methods are in the modules of their subjects: `buckets`, `objects`, `delete`, `multipart`,
/// `complete`, `list_*`, `segment_writer`, `object_reader`, `kms`.
#[derive(Clone, Debug)]
pub(crate) struct RegionStore {}

impl RegionStore {
    /// Its name, as `ap-northeast-1`.
    pub(crate) fn name(&self) -> &str {
        todo!()
    }
}
