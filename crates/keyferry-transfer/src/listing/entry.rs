//! What a listing shows.

use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{DeleteMarkerEntry, Object, ObjectVersion};
use jiff::Timestamp;
use serde::Serialize;

use crate::ObjectAddress;

/// A version of an object, as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedVersion {
    /// Key of the object.
    pub key: String,
    /// Version id; `null` where the bucket is not versioned. A listing of current versions does not
    /// tell it.
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

/// A delete marker: the mark of a deletion in a bucket that keeps versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedMarker {
    /// Key of the object.
    pub key: String,
    /// Its version id.
    pub version_id: Option<String>,
    /// Whether the object counts as deleted.
    pub is_latest: bool,
    /// When the object was deleted.
    pub last_modified: Option<Timestamp>,
}

/// An entry of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A version of an object.
    Version(ListedVersion),
    /// A delete marker.
    DeleteMarker(ListedMarker),
    /// What the keys of objects a level below begin with, up to their next slash.
    Prefix(String),
}

impl Entry {
    /// The key, or the prefix.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Version(version) => &version.key,
            Self::DeleteMarker(marker) => &marker.key,
            Self::Prefix(prefix) => prefix,
        }
    }

    /// The version, if it is one.
    #[must_use]
    pub fn version(&self) -> Option<&ListedVersion> {
        match self {
            Self::Version(version) => Some(version),
            Self::DeleteMarker(_) | Self::Prefix(_) => None,
        }
    }
}

/// A multipart upload that was begun and neither completed nor aborted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenUpload {
    /// The object that it is to become.
    pub address: ObjectAddress,
    /// Its id.
    pub upload_id: String,
    /// When it was begun.
    pub initiated: Option<Timestamp>,
    /// Storage class, in S3's spelling.
    pub storage_class: Option<String>,
}

impl ListedVersion {
    pub(super) fn of_version(key: String, version: &ObjectVersion) -> Self {
        Self {
            key,
            version_id: version.version_id().map(str::to_owned),
            etag: unquoted(version.e_tag()),
            size: size(version.size()),
            storage_class: class(version.storage_class().map(|class| class.as_str())),
            is_latest: version.is_latest() == Some(true),
            last_modified: time(version.last_modified()),
        }
    }

    pub(super) fn of_object(key: String, object: &Object) -> Self {
        Self {
            key,
            version_id: None,
            etag: unquoted(object.e_tag()),
            size: size(object.size()),
            storage_class: class(object.storage_class().map(|class| class.as_str())),
            is_latest: true,
            last_modified: time(object.last_modified()),
        }
    }
}

impl ListedMarker {
    pub(super) fn of(key: String, marker: &DeleteMarkerEntry) -> Self {
        Self {
            key,
            version_id: marker.version_id().map(str::to_owned),
            is_latest: marker.is_latest() == Some(true),
            last_modified: time(marker.last_modified()),
        }
    }
}

pub(super) fn time(time: Option<&DateTime>) -> Option<Timestamp> {
    let nanos = time?.subsec_nanos().try_into().ok()?;
    Timestamp::new(time?.secs(), nanos).ok()
}

fn size(listed: Option<i64>) -> u64 {
    listed
        .and_then(|size| size.try_into().ok())
        .unwrap_or_default()
}

fn class(listed: Option<&str>) -> String {
    listed.unwrap_or("STANDARD").to_owned()
}

fn unquoted(etag: Option<&str>) -> String {
    etag.unwrap_or_default().trim_matches('"').to_owned()
}
