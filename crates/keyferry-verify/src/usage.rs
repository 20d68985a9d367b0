//! Which customer key each version of an object needs.
//!
//! S3 does not say under which key an object is: it only refuses every other. So what is recorded
//! somewhere, in a catalogue or in the object's tag, is a hint which key to show first, and only an
//! answer to HEAD that echoes the MD5 of the key shown is proof. Open multipart uploads are asked by
//! ListParts, which takes no other key than the one they were begun with (S3-SSEC-12).
//!
//! * [`key_of`]: one version.
//! * [`scan`]: every version and every open upload below a prefix, as a stream in the order in which
//!   S3 lists them: by key, newest first. What is in memory does not grow with the bucket.
//! * [`CandidateKeys`]: where keys come from. This crate knows no key store.

mod scope;
mod trial;
mod upload;

use std::num::NonZeroUsize;

use aws_sdk_s3::Client;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use keyferry_key::{CustomerKey, KeyId};
use keyferry_transfer::{Listing, ObjectAddress, OpenUpload};
use serde::Serialize;

use crate::access::ObjectAccess;
use crate::{ObjectView, VerifyError};

pub use scope::{ParseScopeError, Scope};

/// Where the keys to try come from.
pub trait CandidateKeys: Send + Sync {
    /// The key that was recorded for a version, if any: it is tried first, before its tag is read.
    fn recorded(&self, address: &ObjectAddress, version_id: Option<&str>) -> Option<KeyId>;

    /// The keys worth trying otherwise, likeliest first, no more than should be tried. `tag` is what
    /// the object's tag names.
    fn candidates(
        &self,
        address: &ObjectAddress,
        version_id: Option<&str>,
        tag: Option<&KeyId>,
    ) -> Vec<KeyId>;

    /// A key itself.
    ///
    /// # Errors
    /// Why it cannot be had, in a line: it is reported, and the other keys are tried.
    fn open(&self, id: &KeyId) -> Result<CustomerKey, String>;
}

/// A version of an object, as the bucket lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListedVersion {
    /// The object.
    pub address: ObjectAddress,
    /// Its version id; `null` where the bucket was not versioned. A scan of current versions only
    /// knows it where a key opened the object.
    pub version_id: Option<String>,
    /// Whether it is the current version. A noncurrent one may lie below a delete marker.
    pub is_latest: bool,
    /// Size in bytes.
    pub size: u64,
    /// Entity tag, without quotes.
    pub etag: Option<String>,
    /// Storage class, in S3's spelling.
    pub storage_class: Option<String>,
    /// When the version was made.
    pub last_modified: Option<Timestamp>,
}

impl ListedVersion {
    fn new(scope: &Scope, version: keyferry_transfer::ListedVersion) -> Self {
        Self {
            address: ObjectAddress {
                bucket: scope.bucket.clone(),
                key: version.key,
            },
            version_id: version.version_id,
            is_latest: version.is_latest,
            size: version.size,
            etag: Some(version.etag).filter(|etag| !etag.is_empty()),
            storage_class: Some(version.storage_class),
            last_modified: version.last_modified,
        }
    }
}

/// Which key a version or an open upload needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum KeyVerdict {
    /// This one: S3 opened it with the key.
    Known {
        /// The key.
        id: KeyId,
        /// What led to it.
        by: FoundBy,
    },
    /// It is under a customer key, and none of those that were tried.
    Foreign {
        /// How many were tried.
        tried: usize,
        /// Keys that should have been tried and could not be had: it may be under one of them.
        unopened: Vec<Unopened>,
    },
    /// It is not under a customer key.
    NotCustomerKey {
        /// How it is encrypted: `AES256`, `aws:kms` or `aws:kms:dsse`.
        encryption: Option<String>,
    },
    /// It is not there any more.
    Gone,
    /// S3 did not tell: whether a key is needed, and which, is open.
    Unreadable {
        /// What it answered.
        reason: String,
    },
}

/// What led to the right key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FoundBy {
    /// It was recorded.
    Record,
    /// The object's tag names it.
    Tag,
    /// It was tried.
    Trial,
}

/// A key that could not be tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unopened {
    /// The key.
    pub id: KeyId,
    /// Why it cannot be had.
    pub reason: String,
}

/// What an object's tag says of its key. It is read only where nothing recorded led to the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "value", rename_all = "kebab-case")]
pub enum TagHint {
    /// The tag was not needed.
    NotRead,
    /// There is none.
    Absent,
    /// It names this key.
    Names(KeyId),
    /// It has a value that is no key id.
    Malformed(String),
    /// The tags could not be read.
    Unreadable(String),
}

impl TagHint {
    /// The key that the tag names.
    #[must_use]
    pub fn key_id(&self) -> Option<&KeyId> {
        match self {
            Self::Names(id) => Some(id),
            _ => None,
        }
    }
}

/// What was found out about one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Determined {
    /// Which key it needs.
    pub verdict: KeyVerdict,
    /// What its tag says.
    pub tag: TagHint,
    /// The version that was opened, where the bucket is versioned.
    pub version_id: Option<String>,
    /// What HEAD showed, where it was answered: with the key that was found, or without one where none
    /// is needed.
    #[serde(skip)]
    pub view: Option<Box<ObjectView>>,
}

/// One find of a [`scan`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Scanned {
    /// A version of an object.
    Version {
        /// The version.
        #[serde(flatten)]
        version: ListedVersion,
        /// Which key it needs.
        key: KeyVerdict,
        /// What its tag says.
        tag: TagHint,
    },
    /// An open multipart upload.
    Upload {
        /// The upload.
        #[serde(flatten)]
        upload: OpenUpload,
        /// Which key it needs.
        key: KeyVerdict,
    },
}

impl Scanned {
    /// Which key it needs.
    #[must_use]
    pub fn verdict(&self) -> &KeyVerdict {
        match self {
            Self::Version { key, .. } | Self::Upload { key, .. } => key,
        }
    }
}

/// What a scan covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanOptions {
    /// Noncurrent versions, too. Without them the bucket's current versions are listed.
    pub noncurrent: bool,
    /// Open multipart uploads, too.
    pub uploads: bool,
    /// How many versions are asked for their key at once.
    pub concurrency: NonZeroUsize,
}

impl ScanOptions {
    /// How many are asked at once where nothing else is said.
    pub const DEFAULT_CONCURRENCY: NonZeroUsize = NonZeroUsize::new(16).unwrap();
}

impl Default for ScanOptions {
    /// Everything that needs a key.
    fn default() -> Self {
        Self {
            noncurrent: true,
            uploads: true,
            concurrency: Self::DEFAULT_CONCURRENCY,
        }
    }
}

/// Finds the key of one version, or of the current one. Reads only; the permissions are
/// s3:GetObject and s3:GetObjectTagging (s3:GetObjectVersion, s3:GetObjectVersionTagging).
pub async fn key_of<K: CandidateKeys + ?Sized>(
    client: &Client,
    address: &ObjectAddress,
    version_id: Option<&str>,
    keys: &K,
) -> Determined {
    let access = ObjectAccess::new(client.clone(), address, version_id);
    trial::determine(&access, address, keys).await
}

/// Every version in a scope, and every open multipart upload, with the key that it needs.
///
/// Delete markers need no key and are left out. Versions come first, then uploads. Dropping the
/// stream ends the scan. Beside the permissions of [`key_of`] it takes s3:ListBucketVersions and
/// s3:ListBucketMultipartUploads, and s3:ListMultipartUploadParts for each upload's key.
///
/// # Errors
/// When the bucket cannot be listed. What is wrong with a single version is its
/// [`KeyVerdict::Unreadable`].
pub fn scan<'a, K: CandidateKeys + ?Sized>(
    client: &'a Client,
    scope: &'a Scope,
    options: ScanOptions,
    keys: &'a K,
) -> impl Stream<Item = Result<Scanned, VerifyError>> + Send + 'a {
    let at_once = options.concurrency.get();
    let listing = || Listing::new(client, &scope.bucket, scope.listed());
    let versions = match options.noncurrent {
        true => listing().versions().left_stream(),
        false => listing().objects().right_stream(),
    };
    let versions = versions
        .map_err(VerifyError::from)
        .map_ok(move |version| async move {
            let mut version = ListedVersion::new(scope, version);
            let asked = version.version_id.as_deref();
            let determined = key_of(client, &version.address, asked, keys).await;
            version.version_id = version.version_id.or(determined.version_id);
            Ok(Scanned::Version {
                version,
                key: determined.verdict,
                tag: determined.tag,
            })
        })
        .try_buffered(at_once);
    let uploads = match options.uploads {
        true => listing().uploads().left_stream(),
        false => stream::empty().right_stream(),
    };
    let uploads = uploads
        .map_err(VerifyError::from)
        .map_ok(move |upload| async move {
            let key = upload::determine(client, &upload, keys).await;
            Ok(Scanned::Upload { upload, key })
        })
        .try_buffered(at_once);
    versions.chain(uploads)
}
