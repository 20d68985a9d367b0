//! Uploads and downloads under customer keys, and copies under others: the only writer to S3.
//!
//! A [`Connector`] makes one S3 client per region. [`upload`] sends a file or a stream and leaves a
//! [`Receipt`]; [`download`] fetches an object into a file or a stream; a [`Rekeyer`] re-encrypts the
//! objects of a bucket server-side. All report progress to an [`Observer`] and stop at a cancellation
//! token.
//!
//! What holds for every transfer:
//!
//! - The key travels over TLS only; `http://` is refused, except to loopback when asked for.
//! - A CRC64NVME over the full object is computed while streaming, sent with the upload and compared
//!   with what S3 computed.
//! - Each answer must confirm SSE-C with the MD5 of our key. A server that ignores the key headers
//!   stores plaintext; that is an error here, not a success.
//! - A download takes its final name after verification, never before.
//! - All transfers of a run share an [`Engine`]: one budget of memory, and a number of requests in
//!   flight that follows what the server can take. What fails on the way is tried again, what stalls
//!   is given up, and what is late is asked for a second time.
//!
//! # Cancellation
//!
//! Cancel the token that was given, and wait for the call to return: a multipart upload is aborted
//! and temporary files are removed, or, where a transfer was asked to be resumable, both are kept and
//! the error is [`TransferError::Resumable`]. Dropping the future removes temporary files, but it
//! leaves an unfinished multipart upload in the bucket.

mod abort;
mod address;
#[cfg(feature = "benches")]
#[doc(hidden)]
pub mod benches;
mod checksum;
mod confirmation;
mod connect;
mod delete;
mod download;
mod engine;
mod error;
mod key_tag;
mod listing;
mod local;
mod many;
mod observer;
mod overwrite;
mod part_plan;
mod receipt;
mod rekey;
mod relay;
mod resume;
mod secret_logs;
mod upload;

pub use address::{ObjectAddress, ParseAddressError};
pub use checksum::ChecksumAlgorithm;
pub use connect::{
    BucketRegionError, ConnectError, Connector, ConnectorSettings, EndpointUrl, Endpoints,
    NameEndpoint, ParseEndpointsError, UntrustedIsFinal, https_client,
};
pub use delete::{Deleted, Deletion, MAX_DELETIONS, Removed, delete};
pub use download::{Download, DownloadTarget, Downloaded, Unverified, Verification, download};
pub use engine::{Engine, EngineSettings};
pub use error::{ErrorKind, LeftUpload, ServiceAnswer, TransferError, without_answer};
pub use key_tag::{KEY_TAG, TagRepair, key_tag, repair_key_tag};
pub use listing::{
    Entry, ListedBucket, ListedMarker, ListedVersion, Listing, OpenUpload, Scope, buckets,
};
pub use local::{
    BadPattern, Filter, Found, KeyPath, KeyPathError, LocalError, LocalFile, Rule, Special,
    TargetFolder, Walk, file_checksum, read_ahead,
};
pub use many::{
    Job, JobError, Many, ManySettings, Outcome as JobOutcome, Outcomes, Running, Stopped,
};
pub use observer::{Event, NoKeyTag, Observer, Silent};
pub use overwrite::Overwrite;
pub use part_plan::{
    MAX_OBJECT_SIZE, MAX_PARTS, MAX_SINGLE_PUT, ParsePartSizeError, PartPlan, PartSize,
};
pub use receipt::{Authenticity, Checksum, PartLayout, Receipt};
pub use rekey::{
    BucketState, Candidates, Copied, Copier, CopyLimits, Copying, Ended, Handled, HowCopied,
    KeyFinder, Left, LockState, Note, OldVersion, Outcome, Ownership, Planned, Receiver, Rekey,
    Rekeyed, Rekeyer, Totals, Under, UnfinishedUploads,
};
pub use resume::{Resume, ResumePlace, StartedOver};
pub use secret_logs::SECRET_LOG_TARGETS;
pub use upload::{ContentHeaders, Upload, UploadSource, Uploaded, upload};
