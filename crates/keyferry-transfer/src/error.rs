//! What can go wrong, by what a user can do about it.

use std::io;
use std::path::PathBuf;

use keyferry_policy::BucketName;

use crate::{LocalError, ObjectAddress, PartSize};

mod answer;
mod bodyless;
mod classify;
mod connection;
mod hint;
mod kind;

pub use answer::{LeftUpload, ServiceAnswer};
pub(crate) use bodyless::explain_bodyless;
pub use classify::without_answer;
pub(crate) use classify::{Asked, classify, classify_of_account, is_status};
pub(crate) use connection::{ConnectionFailure, links, refused, untrusted};
pub use kind::ErrorKind;

/// Why a transfer failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// The bucket does not exist.
    #[error("there is no bucket `{bucket}`")]
    NoSuchBucket {
        /// The bucket.
        bucket: BucketName,
    },
    /// The object, or this version of it, does not exist, or a delete marker hides it.
    #[error("there is no object `{address}`{}", of_version(version_id.as_ref()))]
    NoSuchObject {
        /// The object.
        address: ObjectAddress,
        /// The version asked for.
        version_id: Option<String>,
    },
    /// The bucket is in another region than the one asked.
    #[error("bucket `{bucket}` is not in region `{asked}`{}", right.as_ref().map(|right| format!(", but in `{right}`")).unwrap_or_default())]
    RegionMismatch {
        /// The bucket.
        bucket: BucketName,
        /// The region that was asked.
        asked: String,
        /// The region that has the bucket, where the answer named it.
        right: Option<String>,
    },
    /// No credentials were found.
    #[error("there are no AWS credentials: {reason}")]
    NoCredentials {
        /// What the credential providers said.
        reason: String,
    },
    /// The session of the credentials is over.
    #[error("the AWS credentials have expired")]
    ExpiredCredentials {
        /// What the server answered, if it was the server that said so.
        answer: Option<Box<ServiceAnswer>>,
    },
    /// The server does not know the credentials, or the signature made with them is wrong.
    #[error("the server refused the AWS credentials: {answer}")]
    RefusedCredentials {
        /// What it answered.
        answer: Box<ServiceAnswer>,
    },
    /// The server finds that this machine's clock is wrong: signatures hold for 15 minutes.
    #[error("this machine's clock is wrong, as the server says: {answer}")]
    ClockSkewed {
        /// What it answered.
        answer: Box<ServiceAnswer>,
    },
    /// The server's certificate is not signed by a trusted authority, is for another name, or is
    /// out of date.
    #[error("the certificate of {} is not trusted: {reason}", server(endpoint.as_ref()))]
    UntrustedCertificate {
        /// Scheme, host and port, where they are known.
        endpoint: Option<String>,
        /// What TLS said.
        reason: String,
    },
    /// Nothing listens at the endpoint.
    #[error("{} refused the connection: {reason}", server(endpoint.as_ref()))]
    ConnectionRefused {
        /// Scheme, host and port, where they are known.
        endpoint: Option<String>,
        /// What the operating system said.
        reason: String,
    },
    /// The endpoint's host name cannot be resolved.
    #[error("the host of {} was not found: {reason}", server(endpoint.as_ref()))]
    HostNotFound {
        /// Scheme, host and port, where they are known.
        endpoint: Option<String>,
        /// What the resolver said.
        reason: String,
    },
    /// The connection broke, or could not be made, and trying again did not help.
    #[error("the connection to {} failed: {reason}", server(endpoint.as_ref()))]
    ConnectionLost {
        /// Scheme, host and port, where they are known.
        endpoint: Option<String>,
        /// What happened last.
        reason: String,
    },
    /// The server did not answer in time, or the data stopped flowing.
    #[error("{} did not answer in time: {reason}", server(endpoint.as_ref()))]
    TimedOut {
        /// Scheme, host and port, where they are known.
        endpoint: Option<String>,
        /// What happened last.
        reason: String,
    },
    /// The server asks to slow down, and waiting did not help.
    #[error("S3 is throttling: {answer}")]
    Throttled {
        /// What it answered.
        answer: Box<ServiceAnswer>,
    },
    /// Permission is missing.
    #[error("access to `{target}` was denied: {answer}")]
    AccessDenied {
        /// The bucket or object.
        target: String,
        /// What the server answered.
        answer: Box<ServiceAnswer>,
    },
    /// The version is under retention or legal hold and cannot be deleted.
    #[error("`{address}`{} is protected by Object Lock", of_version(version_id.as_ref()))]
    ObjectLocked {
        /// The object.
        address: ObjectAddress,
        /// The version.
        version_id: Option<String>,
    },
    /// The bucket refuses uploads under customer keys, as new buckets do since April 2026.
    #[error("bucket `{bucket}` blocks uploads under customer keys (SSE-C)")]
    SseCBlocked {
        /// The bucket.
        bucket: BucketName,
        /// What the server answered to the upload.
        answer: Box<ServiceAnswer>,
    },
    /// An object exists where one was to be stored only if there is none.
    #[error("`{address}` exists already")]
    ObjectExists {
        /// The object.
        address: ObjectAddress,
    },
    /// The object is encrypted under another key.
    #[error("`{address}`{} is encrypted under another customer key", of_version(version_id.as_ref()))]
    WrongKey {
        /// The object.
        address: ObjectAddress,
        /// The version.
        version_id: Option<String>,
        /// What the server answered.
        answer: Box<ServiceAnswer>,
    },
    /// The object is encrypted under a customer key, and the request had none.
    #[error("`{address}`{} is encrypted under a customer key, which is needed to read it", of_version(version_id.as_ref()))]
    MissingKey {
        /// The object.
        address: ObjectAddress,
        /// The version.
        version_id: Option<String>,
    },
    /// The object exists, but not under a customer key.
    #[error("`{address}`{} is not encrypted under a customer key", of_version(version_id.as_ref()))]
    NotCustomerEncrypted {
        /// The object.
        address: ObjectAddress,
        /// The version.
        version_id: Option<String>,
    },
    /// The server took the data without confirming that it used the key.
    #[error("the server did not confirm that `{address}`{} is encrypted under the key ({found}): it may hold a plaintext copy", of_version(version_id.as_ref()))]
    SseCNotConfirmed {
        /// The object.
        address: ObjectAddress,
        /// The version that the server made, where it did.
        version_id: Option<String>,
        /// What the answer said instead.
        found: String,
    },
    /// A checksum differs: bytes were changed on the way or at rest.
    #[error(
        "the {algorithm} checksum of {place} differs: `{expected}` was expected, `{computed}` was found"
    )]
    ChecksumMismatch {
        /// What was summed.
        place: String,
        /// The algorithm, in S3's spelling.
        algorithm: String,
        /// The checksum it should have.
        expected: String,
        /// The checksum it has.
        computed: String,
    },
    /// The server says that what arrived is not what was sent.
    #[error("S3 received other bytes than were sent: {answer}")]
    DamagedOnTheWay {
        /// What it answered.
        answer: Box<ServiceAnswer>,
    },
    /// The object was overwritten while it was being downloaded.
    #[error("`{address}` was overwritten while it was being downloaded")]
    ChangedDuringDownload {
        /// The object.
        address: ObjectAddress,
    },
    /// The file changed while it was being read. Nothing was stored.
    #[error("`{}` changed while it was being read: {how}", path.display())]
    SourceChanged {
        /// The file.
        path: PathBuf,
        /// What changed.
        how: &'static str,
    },
    /// The file cannot be read.
    #[error("`{}` cannot be read", path.display())]
    SourceUnreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The input stream cannot be read.
    #[error("the input cannot be read")]
    InputUnreadable {
        /// What the operating system said.
        source: io::Error,
    },
    /// The folder of the target file does not exist.
    #[error("there is no folder `{}`", folder.display())]
    TargetFolderMissing {
        /// The folder.
        folder: PathBuf,
    },
    /// The target file exists and may not be overwritten.
    #[error("`{}` exists", path.display())]
    TargetExists {
        /// The file.
        path: PathBuf,
    },
    /// The target is a folder, a device or something else that a file cannot replace.
    #[error("`{}` is not a regular file", path.display())]
    TargetNotAFile {
        /// The target.
        path: PathBuf,
    },
    /// The target cannot be written.
    #[error("`{}` cannot be written", path.display())]
    TargetUnwritable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The disk, or a quota on it, is full. Nothing was left behind.
    #[error("the disk is full: `{}` needs {needed} bytes", path.display())]
    DiskFull {
        /// The target file.
        path: PathBuf,
        /// Size of the object.
        needed: u64,
    },
    /// The output stream cannot be written.
    #[error("the output cannot be written after {written} bytes")]
    OutputUnwritable {
        /// How many bytes went out before.
        written: u64,
        /// What the operating system said.
        source: io::Error,
    },
    /// The object would need more parts than S3 allows.
    #[error("{} needs {count} parts of {part_size}, S3 allows 10,000", of_size(*size))]
    TooManyParts {
        /// Size of the object, where it is known.
        size: Option<u64>,
        /// The size of part asked for.
        part_size: PartSize,
        /// How many parts that gives.
        count: u64,
        /// A part size that is enough.
        enough: PartSize,
    },
    /// The object is larger than S3 allows.
    #[error("an object of {size} bytes is too large, S3 allows 48.8 TiB")]
    TooLarge {
        /// Its size.
        size: u64,
    },
    /// Tags or metadata that S3 would not take.
    #[error("{what} `{name}` is not possible: {rule}")]
    BadLabel {
        /// `tag` or `metadata`.
        what: &'static str,
        /// Its name.
        name: String,
        /// The rule it breaks.
        rule: &'static str,
    },
    /// Something that belongs to an object would be lost by re-encrypting it, so it was left as it is.
    #[error("`{address}` was left as it is, because its {what} could not be kept: {reason}")]
    NotKept {
        /// The object.
        address: ObjectAddress,
        /// What would be lost.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// An object was overwritten each time while it was being copied.
    #[error("`{address}` was overwritten while it was being copied, {times} times in a row")]
    KeepsChanging {
        /// The object.
        address: ObjectAddress,
        /// How often it was tried.
        times: u32,
    },
    /// The version that a copy made is not there to be looked at.
    #[error("the copy of `{address}`{} is not there any more", of_version(version_id.as_ref()))]
    CopyGone {
        /// The object.
        address: ObjectAddress,
        /// The version.
        version_id: Option<String>,
    },
    /// The file that remembers multipart uploads cannot be used.
    #[error("the record of unfinished uploads `{}` cannot be used: {reason}", path.display())]
    RekeyRecord {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The transfer broke off, and what it has done is kept: it can be continued.
    #[error("{cause}; {kept} of {total} bytes are kept")]
    Resumable {
        /// Why it broke off.
        cause: Box<TransferError>,
        /// How many bytes need not be transferred again.
        kept: u64,
        /// Size of the object.
        total: u64,
    },
    /// The file with the state of an unfinished transfer cannot be used.
    #[error("the state of the unfinished transfer, `{}`, cannot be used: {reason}", path.display())]
    ResumeState {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Another process is at the same transfer.
    #[error("another process is transferring {what}")]
    ResumeBusy {
        /// From where or to where.
        what: String,
    },
    /// The parts of an unfinished upload may not be listed.
    #[error("the parts of the unfinished upload to `{address}` may not be listed: {answer}")]
    PartsNotListed {
        /// The object.
        address: ObjectAddress,
        /// What the server answered.
        answer: Box<ServiceAnswer>,
    },
    /// The transfer was cancelled.
    #[error("interrupted")]
    Interrupted,
    /// An upload failed, and the multipart upload that it began could not be aborted.
    #[error("{cause}; the parts already sent are still stored: {left}")]
    LeftBehind {
        /// Why the upload failed.
        cause: Box<TransferError>,
        /// What is left, and where.
        left: LeftUpload,
    },
    /// An answer that none of the above describes.
    #[error("{operation} failed: {answer}")]
    Service {
        /// The operation asked for.
        operation: &'static str,
        /// What the server answered.
        answer: Box<ServiceAnswer>,
    },
    /// The answer makes no sense.
    #[error("{operation} was answered in an unexpected way: {what}")]
    UnexpectedAnswer {
        /// The operation asked for.
        operation: &'static str,
        /// What is wrong with the answer.
        what: String,
    },
    /// A file cannot become an object, or an object a file, for what it is called.
    #[error(transparent)]
    Local(#[from] LocalError),
    /// A task of this program ended before its time.
    #[error("an internal task failed: {0}")]
    Task(String),
}

impl From<tokio::task::JoinError> for TransferError {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::Task(error.to_string())
    }
}

fn of_version(version_id: Option<&String>) -> String {
    version_id.map_or_else(String::new, |id| format!(" version `{id}`"))
}

fn server(endpoint: Option<&String>) -> String {
    endpoint.map_or_else(|| "S3".to_owned(), |endpoint| format!("`{endpoint}`"))
}

fn of_size(size: Option<u64>) -> String {
    size.map_or_else(
        || "the input".to_owned(),
        |size| format!("an object of {size} bytes"),
    )
}

#[cfg(test)]
mod tests;
