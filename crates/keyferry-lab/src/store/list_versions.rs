//! Listing all versions: ListObjectVersions.

use super::database::{VERSION_IDS, VERSIONS, after_bucket, decode};
use super::error::StoreError;
use super::grouping::{after_prefix, common_prefix};
use super::identifiers::sequence_of;
use super::list_objects::Resume;
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
    /// Lists versions and delete markers (`S3-LIST-2`). A version id marker whose version was
    /// deleted meanwhile still marks its place.
    pub(crate) fn list_versions(
        &self,
        bucket: &str,
        query: VersionQuery<'_>,
    ) -> Result<VersionPage, StoreError> {
        self.bucket(bucket)?;
        let mut page = VersionPage::default();
        let Some((mut start, mut offset)) = self.first_version(bucket, &query)? else {
            return Ok(page);
        };
        if query.max_keys == 0 {
            return Ok(page);
        }
        let versions = self.reading()?.open_table(VERSIONS)?;
        let end = after_bucket(bucket);
        // In the middle of a key, its newest version is behind.
        let mut previous = (offset > 0).then(|| start.clone());
        let mut last = None;
        'seek: loop {
            for entry in versions.range((bucket, start.as_str(), offset)..(end.as_str(), "", 0))? {
                let (place, record) = entry?;
                let (_, key, _) = place.value();
                if !key.starts_with(query.prefix) {
                    break;
                }
                if page.entries.len() + page.common_prefixes.len() == query.max_keys {
                    page.next = last;
                    return Ok(page);
                }
                if let Some(group) = common_prefix(key, query.prefix, query.delimiter) {
                    last = Some((group.to_owned(), None));
                    page.common_prefixes.push(group.to_owned());
                    match after_prefix(group) {
                        Some(after) => (start, offset) = (after, 0),
                        None => break,
                    }
                    continue 'seek;
                }
                let version: VersionRecord = decode(record.value())?;
                last = Some((version.key.clone(), Some(version.version_id.clone())));
                let is_latest = previous.as_deref() != Some(key);
                if is_latest {
                    previous = Some(key.to_owned());
                }
                page.entries.push(VersionEntry { version, is_latest });
            }
            return Ok(page);
        }
    }

    /// The place of the first version to list: key, and place among its versions.
    fn first_version(
        &self,
        bucket: &str,
        query: &VersionQuery<'_>,
    ) -> Result<Option<(String, u64)>, StoreError> {
        let from = match (query.key_marker, query.version_id_marker) {
            (None, _) => Some((String::new(), 0)),
            (Some(key), Some(version_id)) => {
                let ids = self.reading()?.open_table(VERSION_IDS)?;
                let place = match ids.get((bucket, key, version_id))? {
                    Some(place) => Some(place.value()),
                    None => sequence_of(version_id).map(|sequence| sequence.newest_first()),
                };
                // A `null` version deleted meanwhile leaves no trace: the key is listed again.
                Some((key.to_owned(), place.map_or(0, |place| place + 1)))
            }
            (Some(key), None) => Resume::from_marker(key, query.prefix, query.delimiter)
                .start()
                .map(|start| (start, 0)),
        };
        Ok(from.map(|(key, offset)| {
            if key.as_str() < query.prefix {
                (query.prefix.to_owned(), 0)
            } else {
                (key, offset)
            }
        }))
    }
}
