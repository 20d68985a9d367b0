//! Listing all versions: ListObjectVersions.

use super::error::StoreError;
use super::region::RegionStore;
use super::version_record::VersionRecord;

/// What to list.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct VersionQuery<'a> {
    pub(crate) prefix: &'a str,
    /// Empty counts as none.
    pub(crate) delimiter: Option<&'a str>,
    /// Start after this key, or after `version_id_marker` of it.
    pub(crate) key_marker: Option<&'a str>,
    pub(crate) version_id_marker: Option<&'a str>,
    /// Versions, delete markers and common prefixes together.
    pub(crate) max_keys: usize,
}

/// A version in a listing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct VersionEntry {
    pub(crate) version: VersionRecord,
    pub(crate) is_latest: bool,
}

/// One page: keys in order, each key's versions newest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct VersionPage {
    pub(crate) entries: Vec<VersionEntry>,
    pub(crate) common_prefixes: Vec<String>,
    /// Key and version id markers of the next page, when there is more. The version id is
    /// absent after a common prefix.
    pub(crate) next: Option<(String, Option<String>)>,
}

impl RegionStore {
    /// Lists versions and delete markers (`S3-LIST-2`).
    pub(crate) fn list_versions(
        &self,
        bucket: &str,
        query: VersionQuery<'_>,
    ) -> Result<VersionPage, StoreError> {
        todo!()
    }
}
