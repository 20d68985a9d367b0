//! Listing multipart uploads and their parts.

use super::error::StoreError;
use super::region::RegionStore;
use super::upload_record::UploadRecord;
use super::version_record::PartRecord;

/// What to list.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct UploadQuery<'a> {
    pub(crate) prefix: &'a str,
    /// Empty counts as none.
    pub(crate) delimiter: Option<&'a str>,
    /// Start after this key, or after `upload_id_marker` of it.
    pub(crate) key_marker: Option<&'a str>,
    pub(crate) upload_id_marker: Option<&'a str>,
    /// Uploads and common prefixes together.
    pub(crate) max_uploads: usize,
}

/// One page: by key, then by when they were created.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct UploadPage {
    pub(crate) uploads: Vec<UploadRecord>,
    pub(crate) common_prefixes: Vec<String>,
    /// Key and upload id markers of the next page, when there is more. The upload id is absent
    /// after a common prefix.
    pub(crate) next: Option<(String, Option<String>)>,
}

/// One page of parts by number.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PartPage {
    pub(crate) parts: Vec<PartRecord>,
    /// `NextPartNumberMarker`, when there is more.
    pub(crate) next: Option<u32>,
}

impl RegionStore {
    /// Lists uploads in progress (`S3-LIST-3`).
    pub(crate) fn list_uploads(
        &self,
        bucket: &str,
        query: UploadQuery<'_>,
    ) -> Result<UploadPage, StoreError> {
        todo!()
    }

    /// Lists an upload's parts with numbers above `after`.
    pub(crate) fn list_parts(
        &self,
        bucket: &str,
        key: &str,
        upload_id: &str,
        after: u32,
        max_parts: usize,
    ) -> Result<PartPage, StoreError> {
        todo!()
    }
}
