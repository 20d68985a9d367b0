//! Re-encrypting objects under another key, server-side: S3 copies an object onto itself and is given
//! both keys, the source's and the new one, in headers of their own (S3-SSEC-11).
//!
//! The course of one object:
//!
//! 1. *Look*: find the key that opens it (a hint, the tag, trials; proven by HEAD) and take down all
//!    that belongs to the object. What is under the new key already is done.
//! 2. *Copy*: CopyObject, or UploadPartCopy with the source's part boundaries where the object was
//!    uploaded in parts or is larger than one copy may be (S3-COPY-2). The request is tied to the
//!    version that was looked at, and to its still being the current one (S3-COND-1).
//! 3. *Check*: the new version is opened with the new key and compared with what was taken down.
//!
//! What CopyObject would leave behind is given explicitly: storage class and website redirect
//! (S3-COPY-4), legal hold and retention (S3-LOCK-3), and for an upload in parts everything. The tag
//! set is replaced as a whole, because a copied one would go on naming the old key.
//!
//! Multipart uploads that were begun are remembered in a file ([`UnfinishedUploads`]), so that a run
//! that was killed leaves nothing behind once it has been repeated.
//!
//! # Cancellation
//! Cancel the token and wait for [`Rekeyer::run`]: single copies complete, uploads in parts are
//! aborted. Dropping the future leaves multipart uploads, which the next run finds.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_sdk_s3::Client;
use keyferry_key::{CustomerKey, CustomerKeyHeaders, KeyId};
use keyferry_policy::BucketName;
use tokio_util::sync::CancellationToken;

use crate::{ListedVersion, MAX_SINGLE_PUT, ObjectAddress, Observer, PartSize, TransferError};

mod bucket;
mod check;
mod copier;
mod copy;
mod course;
mod elsewhere;
mod facts;
mod layout;
mod look;
mod old;
mod outcome;
mod overtaken;
mod parts;
mod read_back;
mod reissue;
mod renew;
mod run;
mod sweep;
mod unfinished;

pub use bucket::{BucketState, LockState, Ownership};
pub use copier::{Copied, Copier, Copying, HowCopied};
pub use old::{OldVersion, Under};
pub use outcome::{Handled, Left, Note, Outcome, Planned, Rekeyed};
pub use run::{Ended, Receiver, Totals};
pub use unfinished::UnfinishedUploads;

/// What to re-encrypt, and how.
#[derive(Debug)]
pub struct Rekey {
    /// The bucket.
    pub bucket: BucketName,
    /// The key to encrypt under.
    pub key: CustomerKey,
    /// Its id; it becomes the object tag [`KEY_TAG`](crate::KEY_TAG).
    pub key_id: KeyId,
    /// Only objects under these keys; all where it is absent.
    pub only_from: Option<BTreeSet<KeyId>>,
    /// Also objects that are not under a customer key.
    pub include_unencrypted: bool,
    /// Also objects that came by replication. Their new versions are not replicas of anything.
    pub include_replicas: bool,
    /// Make new versions that are what the old ones are, of objects that are under the key already: what
    /// [`Rekeyer::renew`] does.
    pub renew: bool,
    /// Look, but change nothing.
    pub dry_run: bool,
    /// How many objects are under way at once.
    pub concurrency: NonZeroUsize,
    /// From which size objects are copied in parts.
    pub limits: CopyLimits,
}

/// When to copy in parts. Other than by default this is for tests, which cannot make objects of
/// more than 5 GiB.
#[derive(Debug, Clone, Copy)]
pub struct CopyLimits {
    /// Objects of more bytes are copied in parts: 5 GiB, the most that S3 copies at once.
    pub single: u64,
    /// Size of the parts of an object that was uploaded in one piece. Objects that were uploaded in
    /// parts keep theirs.
    pub part_size: PartSize,
}

impl Default for CopyLimits {
    fn default() -> Self {
        Self {
            single: MAX_SINGLE_PUT,
            part_size: PartSize::MAX,
        }
    }
}

impl Rekey {
    /// How many objects are under way at once where nothing else is asked for.
    pub const DEFAULT_CONCURRENCY: NonZeroUsize = NonZeroUsize::new(16).unwrap();

    /// With defaults for everything not given.
    #[must_use]
    pub fn new(bucket: BucketName, key: CustomerKey, key_id: KeyId) -> Self {
        Self {
            bucket,
            key,
            key_id,
            only_from: None,
            include_unencrypted: false,
            include_replicas: false,
            renew: false,
            dry_run: false,
            concurrency: Self::DEFAULT_CONCURRENCY,
            limits: CopyLimits::default(),
        }
    }

    /// For new versions under the key that objects are under already.
    ///
    /// `key_id` only tells keys from each other here: tags stay as they are.
    #[must_use]
    pub fn renewing(bucket: BucketName, key: CustomerKey, key_id: KeyId) -> Self {
        Self {
            only_from: Some(BTreeSet::from([key_id.clone()])),
            // A replica whose source is gone gets a version that is an original.
            include_replicas: true,
            renew: true,
            ..Self::new(bucket, key, key_id)
        }
    }
}

/// Keys that may open an object, from whoever keeps keys.
pub trait KeyFinder: Send + Sync {
    /// The keys to try on a version, the likeliest first, and bounded in number: an object under
    /// none of them counts as one under an unknown key. `tag` is what the object's tag says.
    fn candidates(&self, object: &ListedVersion, tag: Option<&KeyId>) -> Candidates;
}

/// Keys to try on an object.
#[derive(Debug, Default)]
pub struct Candidates {
    /// The key that a catalogue or the tag names: a hint, which is tried first.
    pub hinted: Option<(KeyId, CustomerKey)>,
    /// The others, in the order in which to try them.
    pub others: Vec<(KeyId, CustomerKey)>,
}

/// Re-encrypts the objects of one bucket.
pub struct Rekeyer<'a> {
    client: &'a Client,
    /// For objects of other buckets, which are only read.
    others: &'a Client,
    rekey: &'a Rekey,
    finder: &'a dyn KeyFinder,
    unfinished: &'a UnfinishedUploads,
    observer: &'a dyn Observer,
    cancel: &'a CancellationToken,
    new_key: CustomerKeyHeaders,
    bucket: BucketState,
    conditions: overtaken::Conditions,
    /// Objects whose uploads were broken off by trouble on the way, and are left for the next run.
    left_for_later: Mutex<BTreeSet<String>>,
}

impl<'a> Rekeyer<'a> {
    /// Looks at the bucket: versioning, Object Lock, ownership. `observer` is told of the bytes that
    /// were copied.
    ///
    /// # Errors
    /// When the bucket does not exist, or cannot be asked at all.
    pub async fn new(
        client: &'a Client,
        rekey: &'a Rekey,
        finder: &'a dyn KeyFinder,
        unfinished: &'a UnfinishedUploads,
        observer: &'a dyn Observer,
        cancel: &'a CancellationToken,
    ) -> Result<Self, TransferError> {
        Ok(Self {
            client,
            others: client,
            rekey,
            finder,
            unfinished,
            observer,
            cancel,
            new_key: rekey.key.headers(),
            bucket: bucket::look(client, &rekey.bucket).await?,
            conditions: overtaken::Conditions::default(),
            left_for_later: Mutex::default(),
        })
    }

    /// What the bucket is like.
    #[must_use]
    pub fn bucket(&self) -> &BucketState {
        &self.bucket
    }

    /// The client of an object's bucket.
    fn client_of(&self, address: &ObjectAddress) -> &'a Client {
        match address.bucket == self.rekey.bucket {
            true => self.client,
            false => self.others,
        }
    }

    fn left_for_later(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.left_for_later
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn address(&self, key: &str) -> Result<ObjectAddress, TransferError> {
        ObjectAddress::new(self.rekey.bucket.clone(), key).map_err(|error| {
            TransferError::UnexpectedAnswer {
                operation: "ListObjectVersions",
                what: error.to_string(),
            }
        })
    }
}
