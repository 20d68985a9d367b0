//! Listing current objects: ListObjectsV2 and ListObjects.

use super::error::StoreError;
use super::region::RegionStore;
use super::version_record::VersionRecord;

/// Where a listing goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Resume {
    /// After this key. What `start-after` means.
    AfterKey(String),
    /// After every key with this common prefix.
    AfterPrefix(String),
}

impl Resume {
    /// An opaque continuation token.
    pub(crate) fn to_token(&self) -> String {
        todo!()
    }

    /// Reads a token back; `None` if it is not one.
    pub(crate) fn from_token(token: &str) -> Option<Self> {
        todo!()
    }

    /// What a `marker` (ListObjects) or `key-marker` means: a common prefix that the last page
    /// ended with is skipped whole.
    pub(crate) fn from_marker(marker: &str, prefix: &str, delimiter: Option<&str>) -> Self {
        todo!()
    }
}

/// What to list.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ObjectQuery<'a> {
    pub(crate) prefix: &'a str,
    /// Empty counts as none.
    pub(crate) delimiter: Option<&'a str>,
    pub(crate) resume: Option<&'a Resume>,
    /// Objects and common prefixes together.
    pub(crate) max_keys: usize,
}

/// One page, objects and common prefixes each in key order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ObjectPage {
    pub(crate) objects: Vec<VersionRecord>,
    pub(crate) common_prefixes: Vec<String>,
    /// Where the next page starts, when there is more: `IsTruncated`.
    pub(crate) next: Option<Resume>,
}

impl RegionStore {
    /// Lists keys whose newest version is an object (`S3-LIST-1`).
    pub(crate) fn list_objects(
        &self,
        bucket: &str,
        query: ObjectQuery<'_>,
    ) -> Result<ObjectPage, StoreError> {
        todo!()
    }
}
