//! Why the store could not do something; the service turns these into S3's error codes.

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// 404 NoSuchBucket. The bucket may live in the other region: see
    /// [`Store::locate`](super::Store::locate).
    #[error("no bucket `{0}` in this region")]
    NoSuchBucket(String),
    /// The lab has no such region.
    #[error("no region `{0}`")]
    NoSuchRegion(String),
    /// 409 BucketAlreadyOwnedByYou or BucketAlreadyExists, by the owner of the record.
    #[error("bucket `{}` exists in {}", .0.name, .0.region)]
    BucketExists(Box<super::BucketRecord>),
    /// 409 BucketNotEmpty.
    #[error("bucket `{0}` holds versions or delete markers")]
    BucketNotEmpty(String),
    /// 404 NoSuchKey.
    #[error("no object `{0}`")]
    NoSuchKey(String),
    /// 404 NoSuchVersion.
    #[error("no version `{version_id}` of `{key}`")]
    NoSuchVersion {
        /// The key.
        key: String,
        /// The version asked for.
        version_id: String,
    },
    /// 404 NoSuchUpload.
    #[error("no upload `{0}`")]
    NoSuchUpload(String),
    /// 412 PreconditionFailed.
    #[error("precondition failed")]
    PreconditionFailed,
    /// 403 AccessDenied: a retention period or legal hold is in the way.
    #[error("the version is protected by Object Lock")]
    ObjectLocked,
    /// 405 MethodNotAllowed: the operation is not possible on a delete marker.
    #[error("version `{version_id}` of `{key}` is a delete marker")]
    DeleteMarker {
        /// The key.
        key: String,
        /// The marker's version id.
        version_id: String,
    },
    /// 400 InvalidPart: a listed part does not exist or has another ETag or checksum.
    #[error("part {0} was not found or does not match")]
    InvalidPart(u32),
    /// 400 InvalidPartOrder.
    #[error("part {0} is not in ascending order")]
    InvalidPartOrder(u32),
    /// 400 EntityTooSmall: a part other than the last is below 5 MiB.
    #[error("part {number} has {size} bytes, less than 5 MiB")]
    PartTooSmall {
        /// Its number.
        number: u32,
        /// Its size.
        size: u64,
    },
    /// 400 InvalidRequest: the parts lack the checksum that the upload's checksum needs.
    #[error("part {0} has no checksum of the upload's algorithm")]
    PartWithoutChecksum(u32),
    /// 400 BadDigest: the object's checksum differs from the one sent.
    #[error("checksum is {computed}, not the {expected} sent")]
    ChecksumMismatch {
        /// What the data gives.
        computed: String,
        /// What was sent.
        expected: String,
    },
    /// 400 InvalidRequest: the object's size differs from `x-amz-mp-object-size`.
    #[error("object has {actual} bytes, not the {expected} announced")]
    SizeMismatch {
        /// What the parts sum up to.
        actual: u64,
        /// What was announced.
        expected: u64,
    },
    /// 400 KMS.NotFoundException.
    #[error("no KMS key `{0}` in this region")]
    NoSuchKmsKey(String),
    /// 416 InvalidRange; also a bug of the caller.
    #[error("range {start}..{end} is outside {size} bytes")]
    InvalidRange {
        /// First byte.
        start: u64,
        /// One past the last byte.
        end: u64,
        /// Size of the object.
        size: u64,
    },
    /// 500 InternalError: stored data is damaged.
    #[error("segment {segment} is damaged at chunk {chunk}")]
    Damaged {
        /// The segment's id.
        segment: String,
        /// Index of the chunk whose seal does not hold.
        chunk: u64,
    },
    /// 500 InternalError: a data file has not the length its record says.
    #[error("segment {segment} has {actual} bytes instead of {expected}")]
    Truncated {
        /// The segment's id.
        segment: String,
        /// Bytes found.
        actual: u64,
        /// Bytes expected.
        expected: u64,
    },
    /// 500 InternalError.
    #[error("cryptography failed: {0}")]
    Cryptography(&'static str),
    /// 500 InternalError.
    #[error("{action} `{path}`")]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On what.
        path: std::path::PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// 500 InternalError.
    #[error("metadata database")]
    Database(#[source] Box<redb::Error>),
    /// 500 InternalError.
    #[error("metadata record")]
    Record(#[from] serde_json::Error),
    /// 500 InternalError: the lab is shutting down.
    #[error("the store is shutting down")]
    ShuttingDown,
}

impl StoreError {
    /// Wraps an I/O error with what was attempted.
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<std::path::PathBuf>,
        source: std::io::Error,
    ) -> Self {
        Self::Io {
            action,
            path: path.into(),
            source,
        }
    }
}

macro_rules! from_redb {
    ($($error:ty),+) => {$(
        impl From<$error> for StoreError {
            fn from(error: $error) -> Self {
                Self::Database(Box::new(error.into()))
            }
        }
    )+};
}

from_redb!(
    redb::DatabaseError,
    redb::TransactionError,
    redb::TableError,
    redb::StorageError,
    redb::CommitError,
    redb::SetDurabilityError
);
