//! What is to be removed, as it is listed.

use futures::future::ready;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use keyferry_transfer::{Deletion, Entry, Listing, Scope, TransferError};

use super::Course;

/// An object, a version or a delete marker.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) deletion: Deletion,
    pub(super) size: u64,
}

pub(super) fn of<'a>(course: &'a Course<'_>) -> BoxStream<'a, Result<Item, TransferError>> {
    let arguments = course.arguments;
    let prefix = course.scope.prefix.clone();
    if !arguments.recursive && !arguments.versions {
        let deletion = Deletion {
            key: prefix,
            version_id: arguments.version_id.clone(),
        };
        return stream::iter([Ok(Item { deletion, size: 0 })]).boxed();
    }
    let scope = match arguments.recursive {
        true => Scope::Prefix(prefix),
        false => Scope::Object(prefix),
    };
    let listing = Listing::new(&course.client, &course.scope.bucket, scope);
    let items = match arguments.versions {
        true => listing.entries().left_stream(),
        false => listing.current().right_stream(),
    };
    items
        .try_filter_map(|entry| ready(Ok(course.item(entry))))
        .boxed()
}

impl Course<'_> {
    fn item(&self, entry: Entry) -> Option<Item> {
        let (key, version_id, size) = match entry {
            Entry::Version(version) => (version.key, version.version_id, version.size),
            Entry::DeleteMarker(marker) => (marker.key, marker.version_id, 0),
            Entry::Prefix(_) => return None,
        };
        let below = key.get(self.scope.prefix.len()..).unwrap_or_default();
        let name = below.strip_prefix('/').unwrap_or(below);
        let taken = !self.arguments.recursive || self.filter.takes(name);
        taken.then(|| Item {
            deletion: Deletion {
                version_id: version_id.filter(|_| self.arguments.versions),
                key,
            },
            size,
        })
    }
}
