//! What a bucket holds, page by page: objects, versions and delete markers, open multipart uploads.
//!
//! Whoever needs to know what is in a bucket asks here, so that all agree on it:
//!
//! - Names come URL-encoded, since XML cannot hold every character that a key may have (S3-LIST-4).
//! - A page that is cut and does not say where it goes on, or goes on where it was, is an error. It
//!   would be asked for again and again, or the rest of the bucket be taken not to exist.
//! - Keys come in the order of their UTF-8 bytes, the versions of each the newest first (S3-LIST-1,
//!   S3-LIST-2). Answers have delete markers in a list of their own; here they are where they belong.
//!
//! What is in memory is one page, however large the bucket.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;

use aws_sdk_s3::Client;
use futures::future::ready;
use futures::stream::{self, Stream, StreamExt, TryStreamExt};
use keyferry_policy::BucketName;

use crate::TransferError;

mod buckets;
mod entry;
mod name;
mod page;
mod scope;

pub use buckets::{ListedBucket, buckets};
pub use entry::{Entry, ListedMarker, ListedVersion, OpenUpload};
pub use scope::Scope;

use page::{Marker, Page};

/// A listing of what is in a bucket, or a part of it.
#[derive(Debug, Clone)]
pub struct Listing {
    client: Client,
    bucket: BucketName,
    scope: Scope,
    by_level: bool,
    page_size: Option<i32>,
    behind: Option<String>,
}

impl Listing {
    /// A listing of all in a scope, however many slashes there are in the keys.
    #[must_use]
    pub fn new(client: &Client, bucket: &BucketName, scope: Scope) -> Self {
        Self {
            client: client.clone(),
            bucket: bucket.clone(),
            scope,
            by_level: false,
            page_size: None,
            behind: None,
        }
    }

    /// Only up to the next slash: what lies below is one [`Entry::Prefix`].
    #[must_use]
    pub fn by_level(self) -> Self {
        Self {
            by_level: true,
            ..self
        }
    }

    /// Asks for so many entries a page; S3 gives no more than 1,000.
    #[must_use]
    pub fn page_size(self, entries: u16) -> Self {
        Self {
            page_size: Some(entries.into()),
            ..self
        }
    }

    /// Only what comes behind a key in the order of keys.
    #[must_use]
    pub fn behind(self, key: Option<String>) -> Self {
        Self {
            behind: key,
            ..self
        }
    }

    /// Current versions, by key. Their version ids are not known.
    ///
    /// # Errors
    /// Each item is an error where the bucket cannot be listed, which takes s3:ListBucket; the stream
    /// ends with it.
    pub fn objects(self) -> impl Stream<Item = Result<ListedVersion, TransferError>> + Send {
        self.current().try_filter_map(|entry| {
            ready(Ok(match entry {
                Entry::Version(version) => Some(version),
                Entry::DeleteMarker(_) | Entry::Prefix(_) => None,
            }))
        })
    }

    /// Current versions and, [by level](Self::by_level), prefixes.
    ///
    /// # Errors
    /// As for [`Self::objects`].
    pub fn current(self) -> impl Stream<Item = Result<Entry, TransferError>> + Send {
        pages(self, page::of_objects)
    }

    /// All versions, without delete markers.
    ///
    /// # Errors
    /// As for [`Self::entries`].
    pub fn versions(self) -> impl Stream<Item = Result<ListedVersion, TransferError>> + Send {
        self.entries().try_filter_map(|entry| {
            ready(Ok(match entry {
                Entry::Version(version) => Some(version),
                Entry::DeleteMarker(_) | Entry::Prefix(_) => None,
            }))
        })
    }

    /// All versions and delete markers and, [by level](Self::by_level), prefixes.
    ///
    /// # Errors
    /// Each item is an error where the bucket cannot be listed, which takes s3:ListBucketVersions;
    /// the stream ends with it.
    pub fn entries(self) -> impl Stream<Item = Result<Entry, TransferError>> + Send {
        pages(self, page::of_versions)
    }

    /// Multipart uploads that were begun and neither completed nor aborted.
    ///
    /// # Errors
    /// Each item is an error where they cannot be listed, which takes s3:ListBucketMultipartUploads;
    /// the stream ends with it.
    pub fn uploads(self) -> impl Stream<Item = Result<OpenUpload, TransferError>> + Send {
        pages(self, page::of_uploads)
    }
}

impl Scope {
    /// Whether there is any object in it.
    ///
    /// # Errors
    /// When the bucket cannot be listed; it takes s3:ListBucketVersions.
    pub async fn is_in_use(
        &self,
        client: &Client,
        bucket: &BucketName,
    ) -> Result<bool, TransferError> {
        let mut versions = pin!(Listing::new(client, bucket, self.clone()).versions());
        while let Some(version) = versions.next().await {
            if version?.is_latest {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// A listing under way.
struct Reading<T, F> {
    read: F,
    page: VecDeque<T>,
    next: Option<Marker>,
}

/// Page after page, each when the one before has been taken.
fn pages<T, F>(
    listing: Listing,
    read: fn(Arc<Listing>, Marker) -> F,
) -> impl Stream<Item = Result<T, TransferError>> + Send
where
    T: Send,
    F: Future<Output = Result<Page<T>, TransferError>> + Send,
{
    let listing = Arc::new(listing);
    let reading = Reading {
        read: move |marker| read(Arc::clone(&listing), marker),
        page: VecDeque::new(),
        next: Some(Marker::default()),
    };
    stream::unfold(Some(reading), async |reading| {
        let mut reading = reading?;
        loop {
            if let Some(entry) = reading.page.pop_front() {
                return Some((Ok(entry), Some(reading)));
            }
            let marker = reading.next.take()?;
            match (reading.read)(marker).await {
                Ok(Page { entries, next }) => {
                    reading.page = entries;
                    reading.next = next;
                }
                Err(error) => return Some((Err(error), None)),
            }
        }
    })
}
