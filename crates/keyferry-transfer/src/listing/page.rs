//! One page of a listing.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::error::Error;
use std::iter::Peekable;
use std::sync::Arc;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::types::{CommonPrefix, EncodingType};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::entry::{Entry, ListedMarker, ListedVersion, OpenUpload, time};
use super::name::Names;
use super::{Listing, Scope};
use crate::error::{Asked, classify};
use crate::{ObjectAddress, TransferError};

const SLASH: &str = "/";

/// What a page holds, and where the next one begins.
pub(super) struct Page<T> {
    pub(super) entries: VecDeque<T>,
    pub(super) next: Option<Marker>,
}

/// Where a page begins: behind a name or continuation token, and of versions and uploads of one name
/// behind an id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Marker {
    name: Option<String>,
    id: Option<String>,
}

impl Marker {
    /// Where a page that is cut goes on.
    fn after(
        &self,
        operation: &'static str,
        name: Option<String>,
        id: Option<&str>,
    ) -> Result<Self, TransferError> {
        let broken = |what: &str| TransferError::UnexpectedAnswer {
            operation,
            what: what.to_owned(),
        };
        let next = Self {
            name: name.filter(|name| !name.is_empty()),
            id: id.filter(|id| !id.is_empty()).map(str::to_owned),
        };
        if next.name.is_none() {
            return Err(broken("the list is cut, and nothing says where it goes on"));
        }
        if next == *self {
            return Err(broken("the list is cut, and goes on where it was"));
        }
        Ok(next)
    }
}

impl Listing {
    fn delimiter(&self) -> Option<String> {
        self.by_level.then(|| SLASH.to_owned())
    }

    fn failed<E>(&self, operation: &'static str, error: SdkError<E, HttpResponse>) -> TransferError
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let asked = Asked {
            operation,
            client: &self.client,
            bucket: &self.bucket,
            object: None,
            version_id: None,
        };
        classify(error, &asked)
    }

    /// Whether nothing more of the scope can come behind a key: keys are listed in order.
    fn is_beyond(&self, key: &str) -> bool {
        matches!(&self.scope, Scope::Object(name) if key != name)
    }
}

pub(super) async fn of_objects(
    listing: Arc<Listing>,
    marker: Marker,
) -> Result<Page<Entry>, TransferError> {
    const OPERATION: &str = "ListObjectsV2";
    let answer = listing
        .client
        .list_objects_v2()
        .bucket(listing.bucket.as_str())
        .prefix(listing.scope.prefix())
        .encoding_type(EncodingType::Url)
        .set_delimiter(listing.delimiter())
        .set_max_keys(listing.page_size)
        .set_start_after(listing.behind.clone().filter(|_| marker.name.is_none()))
        .set_continuation_token(marker.name.clone())
        .send()
        .await
        .map_err(|error| listing.failed(OPERATION, error))?;
    let names = Names::of(answer.encoding_type());
    let mut objects = VecDeque::new();
    for object in answer.contents() {
        let key = names.read(OPERATION, object.key())?;
        if listing.scope.contains(&key) {
            objects.push_back(Entry::Version(ListedVersion::of_object(key, object)));
        }
    }
    // The object of that very name comes first of all that begin so.
    let only_one = matches!(listing.scope, Scope::Object(_));
    let next = match answer.is_truncated() == Some(true) && !only_one {
        true => Some(marker.after(
            OPERATION,
            answer.next_continuation_token().map(str::to_owned),
            None,
        )?),
        false => None,
    };
    let prefixes = prefixes(OPERATION, names, answer.common_prefixes())?;
    let entries = merged(objects, prefixes);
    Ok(Page { entries, next })
}

pub(super) async fn of_versions(
    listing: Arc<Listing>,
    marker: Marker,
) -> Result<Page<Entry>, TransferError> {
    const OPERATION: &str = "ListObjectVersions";
    let answer = listing
        .client
        .list_object_versions()
        .bucket(listing.bucket.as_str())
        .prefix(listing.scope.prefix())
        .encoding_type(EncodingType::Url)
        .set_delimiter(listing.delimiter())
        .set_max_keys(listing.page_size)
        .set_key_marker(marker.name.clone().or_else(|| listing.behind.clone()))
        .set_version_id_marker(marker.id.clone())
        .send()
        .await
        .map_err(|error| listing.failed(OPERATION, error))?;
    let names = Names::of(answer.encoding_type());
    let mut versions = VecDeque::new();
    for version in answer.versions() {
        let key = names.read(OPERATION, version.key())?;
        if listing.scope.contains(&key) {
            versions.push_back(Entry::Version(ListedVersion::of_version(key, version)));
        }
    }
    let mut markers = VecDeque::new();
    for marker in answer.delete_markers() {
        let key = names.read(OPERATION, marker.key())?;
        if listing.scope.contains(&key) {
            markers.push_back(Entry::DeleteMarker(ListedMarker::of(key, marker)));
        }
    }
    let next = if answer.is_truncated() == Some(true) {
        let name = answer
            .next_key_marker()
            .map(|name| names.read(OPERATION, Some(name)))
            .transpose()?;
        let next = marker.after(OPERATION, name, answer.next_version_id_marker())?;
        let goes_on = !listing.is_beyond(next.name.as_deref().unwrap_or_default());
        goes_on.then_some(next)
    } else {
        None
    };
    let prefixes = prefixes(OPERATION, names, answer.common_prefixes())?;
    let entries = merged(merged(versions, markers), prefixes);
    Ok(Page { entries, next })
}

pub(super) async fn of_uploads(
    listing: Arc<Listing>,
    marker: Marker,
) -> Result<Page<OpenUpload>, TransferError> {
    const OPERATION: &str = "ListMultipartUploads";
    let answer = listing
        .client
        .list_multipart_uploads()
        .bucket(listing.bucket.as_str())
        .prefix(listing.scope.prefix())
        .encoding_type(EncodingType::Url)
        .set_max_uploads(listing.page_size)
        .set_key_marker(marker.name.clone())
        .set_upload_id_marker(marker.id.clone())
        .send()
        .await
        .map_err(|error| listing.failed(OPERATION, error))?;
    let names = Names::of(answer.encoding_type());
    let mut entries = VecDeque::new();
    for upload in answer.uploads() {
        let key = names.read(OPERATION, upload.key())?;
        if let (true, Some(id)) = (listing.scope.contains(&key), upload.upload_id()) {
            entries.push_back(OpenUpload {
                address: ObjectAddress {
                    bucket: listing.bucket.clone(),
                    key,
                },
                upload_id: id.to_owned(),
                initiated: time(upload.initiated()),
                storage_class: upload
                    .storage_class()
                    .map(|class| class.as_str().to_owned()),
            });
        }
    }
    let next = if answer.is_truncated() == Some(true) {
        let name = answer
            .next_key_marker()
            .map(|name| names.read(OPERATION, Some(name)))
            .transpose()?;
        let next = marker.after(OPERATION, name, answer.next_upload_id_marker())?;
        let goes_on = !listing.is_beyond(next.name.as_deref().unwrap_or_default());
        goes_on.then_some(next)
    } else {
        None
    };
    Ok(Page { entries, next })
}

fn prefixes(
    operation: &'static str,
    names: Names,
    listed: &[CommonPrefix],
) -> Result<VecDeque<Entry>, TransferError> {
    listed
        .iter()
        .map(|prefix| Ok(Entry::Prefix(names.read(operation, prefix.prefix())?)))
        .collect()
}

/// One list of two. Each stays in the order in which the server gave it.
fn merged(left: VecDeque<Entry>, right: VecDeque<Entry>) -> VecDeque<Entry> {
    let mut all = VecDeque::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let Some(next) = first(&mut left, &mut right) {
        all.push_back(next);
    }
    all
}

fn first<I: Iterator<Item = Entry>>(
    left: &mut Peekable<I>,
    right: &mut Peekable<I>,
) -> Option<Entry> {
    match (left.peek(), right.peek()) {
        (Some(one), Some(other)) if in_order(one, other) == Ordering::Greater => right.next(),
        (Some(_), _) => left.next(),
        (None, _) => right.next(),
    }
}

/// By name, and what is newer first.
fn in_order(one: &Entry, other: &Entry) -> Ordering {
    let age = |entry: &Entry| match entry {
        Entry::Version(version) => (version.is_latest, version.last_modified),
        Entry::DeleteMarker(marker) => (marker.is_latest, marker.last_modified),
        Entry::Prefix(_) => (false, None),
    };
    one.name()
        .cmp(other.name())
        .then_with(|| age(other).cmp(&age(one)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn version(key: &str, second: i64, is_latest: bool) -> Entry {
        Entry::Version(ListedVersion {
            key: key.to_owned(),
            version_id: Some(format!("v{second}")),
            etag: String::new(),
            size: 0,
            storage_class: "STANDARD".to_owned(),
            is_latest,
            last_modified: Timestamp::from_second(second).ok(),
        })
    }

    fn marker(key: &str, second: i64, is_latest: bool) -> Entry {
        Entry::DeleteMarker(ListedMarker {
            key: key.to_owned(),
            version_id: Some(format!("d{second}")),
            is_latest,
            last_modified: Timestamp::from_second(second).ok(),
        })
    }

    #[test]
    fn delete_markers_come_where_they_belong() {
        let versions = VecDeque::from([
            version("a", 5, true),
            version("b", 9, false),
            version("b", 3, false),
            version("c", 1, true),
        ]);
        // That a version was begun before a deletion and completed after it is not for times to say.
        let markers = VecDeque::from([
            marker("a", 7, false),
            marker("a", 2, false),
            marker("b", 9, true),
            marker("b", 6, false),
            marker("bb", 1, true),
        ]);
        let ids: Vec<String> = merged(versions, markers)
            .iter()
            .map(|entry| match entry {
                Entry::Version(version) => format!("{}{:?}", version.key, version.version_id),
                Entry::DeleteMarker(marker) => format!("{}{:?}", marker.key, marker.version_id),
                Entry::Prefix(prefix) => prefix.clone(),
            })
            .map(|id| id.replace("Some(\"", " ").replace("\")", ""))
            .collect();
        assert_eq!(
            ids,
            [
                "a v5", "a d7", "a d2", "b d9", "b v9", "b d6", "b v3", "bb d1", "c v1"
            ]
        );
    }

    #[test]
    fn prefixes_come_between_the_names() {
        let objects = VecDeque::from([version("a", 1, true), version("b0", 1, true)]);
        let prefixes = VecDeque::from([
            Entry::Prefix("a/".to_owned()),
            Entry::Prefix("b/".to_owned()),
        ]);
        let merged = merged(objects, prefixes);
        let names: Vec<&str> = merged.iter().map(Entry::name).collect();
        assert_eq!(names, ["a", "a/", "b/", "b0"]);
    }

    #[test]
    fn a_page_that_leads_nowhere_is_an_error() {
        let here = Marker {
            name: Some("k".to_owned()),
            id: Some("v".to_owned()),
        };
        for (name, id) in [(None, Some("v")), (Some(""), None), (Some("k"), Some("v"))] {
            assert!(here.after("List", name.map(str::to_owned), id).is_err());
        }
        let next = here.after("List", Some("k".to_owned()), Some("w")).unwrap();
        assert_ne!(next, here);
    }
}
