//! Listing multipart uploads and their parts.

use super::database::{PARTS, UPLOADS, after_bucket, decode};
use super::error::StoreError;
use super::grouping::{after_key, after_prefix, common_prefix};
use super::list_objects::Resume;
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
        self.bucket(bucket)?;
        let mut page = UploadPage::default();
        let from = match (query.key_marker, query.upload_id_marker) {
            (None, _) => Some((String::new(), String::new())),
            (Some(key), Some(id)) => Some((key.to_owned(), after_key(id))),
            (Some(key), None) => Resume::from_marker(key, query.prefix, query.delimiter)
                .start()
                .map(|start| (start, String::new())),
        };
        let Some((mut start, mut id)) = from.filter(|_| query.max_uploads > 0) else {
            return Ok(page);
        };
        if start.as_str() < query.prefix {
            (start, id) = (query.prefix.to_owned(), String::new());
        }
        let uploads = self.reading()?.open_table(UPLOADS)?;
        let end = after_bucket(bucket);
        let mut last = None;
        'seek: loop {
            let range = (bucket, start.as_str(), id.as_str())..(end.as_str(), "", "");
            for entry in uploads.range(range)? {
                let (place, record) = entry?;
                let (_, key, upload_id) = place.value();
                if !key.starts_with(query.prefix) {
                    break;
                }
                if page.uploads.len() + page.common_prefixes.len() == query.max_uploads {
                    page.next = last;
                    return Ok(page);
                }
                if let Some(group) = common_prefix(key, query.prefix, query.delimiter) {
                    last = Some((group.to_owned(), None));
                    page.common_prefixes.push(group.to_owned());
                    match after_prefix(group) {
                        Some(after) => (start, id) = (after, String::new()),
                        None => break,
                    }
                    continue 'seek;
                }
                last = Some((key.to_owned(), Some(upload_id.to_owned())));
                page.uploads.push(decode(record.value())?);
            }
            return Ok(page);
        }
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
        self.upload(bucket, key, upload_id)?;
        let mut page = PartPage::default();
        if max_parts == 0 {
            return Ok(page);
        }
        let parts = self.reading()?.open_table(PARTS)?;
        let from = after.saturating_add(1);
        for entry in parts.range((upload_id, from)..=(upload_id, u32::MAX))? {
            if page.parts.len() == max_parts {
                page.next = page.parts.last().map(|part: &PartRecord| part.number);
                break;
            }
            page.parts.push(decode(entry?.1.value())?);
        }
        Ok(page)
    }
}
