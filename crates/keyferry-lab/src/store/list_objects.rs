//! Listing current objects: ListObjectsV2 and ListObjects.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};

use super::database::{VERSIONS, after_bucket, decode};
use super::error::StoreError;
use super::grouping::{after_key, after_prefix, common_prefix};
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
        let (kind, place) = match self {
            Self::AfterKey(key) => ('k', key),
            Self::AfterPrefix(prefix) => ('p', prefix),
        };
        BASE64_URL_SAFE_NO_PAD.encode(format!("{kind}{place}"))
    }

    /// Reads a token back; `None` if it is not one.
    pub(crate) fn from_token(token: &str) -> Option<Self> {
        let text = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
        match text.split_at_checked(1)? {
            ("k", key) => Some(Self::AfterKey(key.to_owned())),
            ("p", prefix) => Some(Self::AfterPrefix(prefix.to_owned())),
            _ => None,
        }
    }

    /// What a `marker` (ListObjects) or `key-marker` means: a common prefix that the last page
    /// ended with is skipped whole.
    pub(crate) fn from_marker(marker: &str, prefix: &str, delimiter: Option<&str>) -> Self {
        if common_prefix(marker, prefix, delimiter) == Some(marker) {
            Self::AfterPrefix(marker.to_owned())
        } else {
            Self::AfterKey(marker.to_owned())
        }
    }

    /// The least key that comes after; `None` when none can.
    pub(super) fn start(&self) -> Option<String> {
        match self {
            Self::AfterKey(key) => Some(after_key(key)),
            Self::AfterPrefix(prefix) => after_prefix(prefix),
        }
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
        self.bucket(bucket)?;
        let mut page = ObjectPage::default();
        let mut start = match query.resume.map(Resume::start) {
            Some(None) => return Ok(page),
            Some(Some(after)) => after.max(query.prefix.to_owned()),
            None => query.prefix.to_owned(),
        };
        if query.max_keys == 0 {
            return Ok(page);
        }
        let versions = self.reading()?.open_table(VERSIONS)?;
        let end = after_bucket(bucket);
        let mut last = None;
        'seek: loop {
            let mut previous = None;
            for entry in versions.range((bucket, start.as_str(), 0)..(end.as_str(), "", 0))? {
                let (place, record) = entry?;
                let (_, key, _) = place.value();
                if !key.starts_with(query.prefix) {
                    break;
                }
                // Only the newest version of a key counts.
                if previous.as_deref() == Some(key) {
                    continue;
                }
                previous = Some(key.to_owned());
                let version: VersionRecord = decode(record.value())?;
                if version.is_delete_marker() {
                    continue;
                }
                if page.objects.len() + page.common_prefixes.len() == query.max_keys {
                    page.next = last;
                    return Ok(page);
                }
                match common_prefix(key, query.prefix, query.delimiter) {
                    None => {
                        last = Some(Resume::AfterKey(version.key.clone()));
                        page.objects.push(version);
                    }
                    Some(group) => {
                        last = Some(Resume::AfterPrefix(group.to_owned()));
                        page.common_prefixes.push(group.to_owned());
                        match after_prefix(group) {
                            Some(after) => start = after,
                            None => break,
                        }
                        continue 'seek;
                    }
                }
            }
            return Ok(page);
        }
    }
}
