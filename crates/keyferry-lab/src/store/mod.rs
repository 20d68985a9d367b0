//! Where the lab keeps buckets, versions, uploads and their data, per region, on disk.
//!
//! Metadata is in one redb database per region, whose ordered keys make listings a range scan.
//! Data is in files of sealed chunks, one per PUT or part: see [`crate::encryption`].
//!
//! Writes are durable within a fraction of a second and at [`Store::close`]; a killed process
//! loses at most that fraction and never the ability to open. Data files are removed only
//! after the commit that freed them is durable.

mod account;
mod bucket_record;
mod buckets;
mod checksum;
mod complete;
mod database;
mod delete;
mod error;
mod grouping;
mod iam_records;
mod identifiers;
mod kms;
mod list_objects;
mod list_uploads;
mod list_versions;
mod lock_change;
mod multipart;
mod object_lock;
mod object_reader;
mod objects;
mod region;
mod replica;
mod segment_files;
mod segment_writer;
mod transaction;
mod upload_record;
mod version_record;

#[cfg(test)]
pub(crate) mod tests;

pub(crate) use account::Store;
pub(crate) use bucket_record::{
    BlockedEncryptionType, BucketEncryption, BucketRecord, DefaultEncryption, ObjectOwnership,
    PublicAccessBlock, Tag, Versioning,
};
pub(crate) use checksum::{ChecksumAlgorithm, ChecksumKind, DigestPlan, Digests, ObjectChecksum};
pub(crate) use complete::{CompletedPart, Completion};
pub(crate) use delete::{DeleteRequest, Deleted};
pub(crate) use error::StoreError;
pub(crate) use iam_records::{ManagedPolicyRecord, PolicyVersion, RoleRecord, now};
pub(crate) use identifiers::{NULL_VERSION, Sequence, random_uuid};
pub(crate) use kms::{MANAGED_ALIAS, default_key_policy};
pub(crate) use list_objects::{ObjectPage, ObjectQuery, Resume};
pub(crate) use list_uploads::{PartPage, UploadPage, UploadQuery};
pub(crate) use list_versions::{VersionPage, VersionQuery};
pub(crate) use multipart::NewUpload;
pub(crate) use object_lock::{
    BucketLock, DefaultRetention, LockChange, RequestedLock, Retention, RetentionMode,
    RetentionPeriod,
};
pub(crate) use object_reader::ObjectReader;
pub(crate) use objects::{NewObject, Precondition};
pub(crate) use region::RegionStore;
pub(crate) use replica::{ReplicaOutcome, StagedLayout};
pub(crate) use segment_writer::WriteError;
pub(crate) use upload_record::UploadRecord;
pub(crate) use version_record::{
    Layout, ObjectMetadata, ObjectRecord, VersionContent, VersionRecord,
};
