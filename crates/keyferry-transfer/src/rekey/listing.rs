//! The versions of a bucket, below a prefix or of one key.

use std::collections::VecDeque;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::EncodingType;
use futures::stream::{self, Stream, StreamExt};
use jiff::Timestamp;
use keyferry_policy::BucketName;
use percent_encoding::percent_decode_str;

use crate::TransferError;
use crate::error::{Asked, classify};

/// Which objects of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All whose key begins so; the empty text is the whole bucket.
    Prefix(String),
    /// The one with this key.
    Object(String),
}

impl Scope {
    /// What to list.
    #[must_use]
    pub fn prefix(&self) -> &str {
        match self {
            Self::Prefix(text) | Self::Object(text) => text,
        }
    }

    /// Whether there is any object in it.
    ///
    /// # Errors
    /// When the versions cannot be listed; it takes s3:ListBucketVersions.
    pub async fn is_in_use(
        &self,
        client: &Client,
        bucket: &BucketName,
    ) -> Result<bool, TransferError> {
        let mut listing = std::pin::pin!(versions(client, bucket, self));
        while let Some(version) = listing.next().await {
            if version?.is_latest {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether an object belongs to it.
    #[must_use]
    pub fn contains(&self, key: &str) -> bool {
        match self {
            Self::Prefix(prefix) => key.starts_with(prefix),
            Self::Object(name) => key == name,
        }
    }
}

/// A version of an object, as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedVersion {
    /// Key of the object.
    pub key: String,
    /// Version id; `null` where the bucket is not versioned.
    pub version_id: Option<String>,
    /// Entity tag, without quotes.
    pub etag: String,
    /// Size in bytes.
    pub size: u64,
    /// Storage class.
    pub storage_class: String,
    /// Whether it is what a read without version id gets.
    pub is_latest: bool,
    /// When it was made.
    pub last_modified: Option<Timestamp>,
}

/// How much there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Current versions.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Versions that are not current.
    pub old_versions: u64,
    /// Their bytes.
    pub old_bytes: u64,
}

/// A version or a delete marker, in the order of the listing: by key, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    Version(ListedVersion),
    DeleteMarker { at: Option<Timestamp> },
}

impl Entry {
    pub(super) fn version(&self) -> Option<&ListedVersion> {
        match self {
            Self::Version(version) => Some(version),
            Self::DeleteMarker { .. } => None,
        }
    }
}

/// Where a listing goes on.
#[derive(Default)]
struct Marker {
    key: Option<String>,
    version_id: Option<String>,
}

struct Listing<'a> {
    client: &'a Client,
    bucket: &'a BucketName,
    scope: &'a Scope,
    page: VecDeque<Entry>,
    next: Option<Marker>,
}

/// All versions in a scope. Delete markers are left out.
pub(super) fn versions<'a>(
    client: &'a Client,
    bucket: &'a BucketName,
    scope: &'a Scope,
) -> impl Stream<Item = Result<ListedVersion, TransferError>> + Send + 'a {
    entries(client, bucket, scope).filter_map(|entry| {
        std::future::ready(match entry {
            Ok(Entry::Version(version)) => Some(Ok(version)),
            Ok(Entry::DeleteMarker { .. }) => None,
            Err(error) => Some(Err(error)),
        })
    })
}

/// All versions and delete markers in a scope. Of one page, versions come before delete markers, so
/// that only versions of one key are in order.
pub(super) fn entries<'a>(
    client: &'a Client,
    bucket: &'a BucketName,
    scope: &'a Scope,
) -> impl Stream<Item = Result<Entry, TransferError>> + Send + 'a {
    let listing = Listing {
        client,
        bucket,
        scope,
        page: VecDeque::new(),
        next: Some(Marker::default()),
    };
    stream::unfold(Some(listing), |listing| async move {
        let mut listing = listing?;
        loop {
            if let Some(entry) = listing.page.pop_front() {
                return Some((Ok(entry), Some(listing)));
            }
            let marker = listing.next.take()?;
            if let Err(error) = listing.read(marker).await {
                return Some((Err(error), None));
            }
        }
    })
}

impl Listing<'_> {
    async fn read(&mut self, marker: Marker) -> Result<(), TransferError> {
        let answer = self
            .client
            .list_object_versions()
            .bucket(self.bucket.as_str())
            .prefix(self.scope.prefix())
            .encoding_type(EncodingType::Url)
            .set_key_marker(marker.key)
            .set_version_id_marker(marker.version_id)
            .send()
            .await
            .map_err(|error| {
                let asked = Asked {
                    operation: "ListObjectVersions",
                    client: self.client,
                    bucket: self.bucket,
                    object: None,
                    version_id: None,
                };
                classify(error, &asked)
            })?;
        let broken = |what: &str| TransferError::UnexpectedAnswer {
            operation: "ListObjectVersions",
            what: what.to_owned(),
        };
        let is_encoded = answer.encoding_type() == Some(&EncodingType::Url);
        let decode = |text: &str| {
            if is_encoded {
                percent_decode_str(text)
                    .decode_utf8()
                    .map(|key| key.into_owned())
                    .map_err(|_| broken("a key is not UTF-8"))
            } else {
                Ok(text.to_owned())
            }
        };
        for version in answer.versions() {
            let key = decode(version.key().unwrap_or_default())?;
            if self.scope.contains(&key) {
                self.page.push_back(Entry::Version(ListedVersion {
                    key,
                    version_id: version.version_id().map(str::to_owned),
                    etag: version
                        .e_tag()
                        .unwrap_or_default()
                        .trim_matches('"')
                        .to_owned(),
                    size: version
                        .size()
                        .and_then(|size| size.try_into().ok())
                        .unwrap_or_default(),
                    storage_class: version
                        .storage_class()
                        .map_or_else(|| "STANDARD".to_owned(), |class| class.as_str().to_owned()),
                    is_latest: version.is_latest().unwrap_or_default(),
                    last_modified: time(version.last_modified()),
                }));
            }
        }
        for marker in answer.delete_markers() {
            let key = decode(marker.key().unwrap_or_default())?;
            if self.scope.contains(&key) {
                self.page.push_back(Entry::DeleteMarker {
                    at: time(marker.last_modified()),
                });
            }
        }
        if answer.is_truncated() == Some(true) {
            let key = answer
                .next_key_marker()
                .ok_or_else(|| broken("there is no marker for the next page"))?;
            let key = decode(key)?;
            // Keys are listed in order: behind the one asked for there is nothing more of it.
            let beyond = matches!(self.scope, Scope::Object(name) if key != *name);
            self.next = (!beyond).then(|| Marker {
                key: Some(key),
                version_id: answer.next_version_id_marker().map(str::to_owned),
            });
        }
        Ok(())
    }
}

fn time(time: Option<&DateTime>) -> Option<Timestamp> {
    let nanos = time?.subsec_nanos().try_into().ok()?;
    Timestamp::new(time?.secs(), nanos).ok()
}
