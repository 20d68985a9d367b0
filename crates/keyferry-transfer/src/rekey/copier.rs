//! Copies to another place under another key: what it takes, and what comes of it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_s3::Client;
use futures::future::BoxFuture;
use keyferry_key::KeyId;
use keyferry_policy::{BucketName, Region};
use tokio_util::sync::CancellationToken;

use super::outcome::{Left, Note};
use super::{BucketState, KeyFinder, Rekey, Rekeyer, UnfinishedUploads, bucket, overtaken};
use crate::{Engine, ListedVersion, Observer, Silent, TransferError};

/// What a [`Copier`] works with.
pub struct Copying {
    /// Client of the source bucket's region.
    pub source: Client,
    /// The source bucket.
    pub source_bucket: BucketName,
    /// Client of the destination bucket's region.
    pub destination: Client,
    /// The destination bucket's region.
    pub region: Region,
    /// The destination bucket and the key to encrypt under, and when to copy in parts.
    pub rekey: Rekey,
    /// Where the keys of the sources come from.
    pub finder: Arc<dyn KeyFinder>,
    /// Remembers multipart uploads to the destination bucket.
    pub unfinished: UnfinishedUploads,
    /// What copies through this machine share with other transfers.
    pub engine: Engine,
    /// Never ask the server to copy.
    pub through_here: bool,
}

impl fmt::Debug for Copying {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Copying")
            .field("source_bucket", &self.source_bucket)
            .field("rekey", &self.rekey)
            .finish_non_exhaustive()
    }
}

/// Copies objects from one bucket to another, or within one, under a key. Clones share all.
#[derive(Debug, Clone)]
pub struct Copier {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    with: Copying,
    bucket: BucketState,
    left_for_later: Mutex<BTreeSet<String>>,
}

/// What became of a copy.
#[derive(Debug)]
pub enum HowCopied {
    /// There is a new version, and it was compared with its source.
    Copied(Copied),
    /// There is a new version, and it is not what its source is.
    Differs {
        /// The new version.
        copied: Copied,
        /// What is not the same.
        differences: Vec<String>,
    },
    /// Nothing was copied.
    Left(Left),
}

/// A version that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The key that its source is under; absent for one that is under no customer key.
    pub from: Option<KeyId>,
    /// The version that was copied.
    pub source_version: Option<String>,
    /// The version that was made; absent where the bucket is not versioned.
    pub version_id: Option<String>,
    /// Its size in bytes.
    pub size: u64,
    /// In how many parts it is; absent for one piece.
    pub parts: Option<u32>,
    /// Whether the content went through this machine.
    pub through_here: bool,
    /// What is worth knowing besides.
    pub notes: Vec<Note>,
}

impl Copier {
    /// Looks at the destination bucket.
    ///
    /// # Errors
    /// When it does not exist, or cannot be asked at all.
    pub async fn new(with: Copying) -> Result<Self, TransferError> {
        let bucket = bucket::look(&with.destination, &with.rekey.bucket).await?;
        Ok(Self {
            shared: Arc::new(Shared {
                with,
                bucket,
                left_for_later: Mutex::default(),
            }),
        })
    }

    /// What the destination bucket is like.
    #[must_use]
    pub fn bucket(&self) -> &BucketState {
        &self.shared.bucket
    }

    /// Copies an object: `listed` is it in the source bucket, `key` names it in the destination bucket.
    /// Where `listed` has no version id, the current version is copied. `events` is told of the bytes.
    ///
    /// # Errors
    /// See [`TransferError`]. A multipart upload that was begun is aborted, unless trouble on the way
    /// may pass: then the next run goes on with it, or [`Self::finish`] of a later one aborts it.
    ///
    /// # Cancellation
    /// Cancel the token and wait: a copy in one piece completes, one in parts is aborted.
    pub fn copy<'a>(
        &'a self,
        listed: &'a ListedVersion,
        key: &'a str,
        events: &'a dyn Observer,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<HowCopied, TransferError>> {
        // Boxed, so that whoever spawns it can tell that it may be sent to another thread.
        Box::pin(async move {
            let Shared { with, bucket, .. } = &*self.shared;
            let rekeyer = with.rekeyer(*bucket, events, cancel);
            let copied = rekeyer.copy_elsewhere(with, listed, key).await;
            let kept = std::mem::take(&mut *rekeyer.left_for_later());
            self.left_for_later().extend(kept);
            copied
        })
    }

    /// Aborts multipart uploads that earlier runs had left and this one had no use for.
    ///
    /// # Errors
    /// When one cannot be aborted, or the record of them not be written.
    pub async fn finish(&self) -> Result<(), TransferError> {
        let cancel = CancellationToken::new();
        let rekeyer = self
            .shared
            .with
            .rekeyer(self.shared.bucket, &Silent, &cancel);
        rekeyer
            .left_for_later()
            .extend(self.left_for_later().iter().cloned());
        rekeyer.sweep().await
    }

    fn left_for_later(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.shared
            .left_for_later
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Copying {
    fn rekeyer<'a>(
        &'a self,
        bucket: BucketState,
        observer: &'a dyn Observer,
        cancel: &'a CancellationToken,
    ) -> Rekeyer<'a> {
        Rekeyer {
            client: &self.destination,
            others: &self.source,
            rekey: &self.rekey,
            finder: &*self.finder,
            unfinished: &self.unfinished,
            observer,
            cancel,
            new_key: self.rekey.key.headers(),
            bucket,
            conditions: overtaken::Conditions::default(),
            left_for_later: Mutex::default(),
        }
    }
}
