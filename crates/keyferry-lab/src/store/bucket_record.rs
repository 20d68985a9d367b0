//! What the lab remembers of a bucket.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::identifiers::Sequence;
use super::object_lock::BucketLock;
use crate::replication::ReplicationConfiguration;

/// A bucket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct BucketRecord {
    pub(crate) name: String,
    /// The region it lives in; names are unique over both regions.
    pub(crate) region: String,
    pub(crate) created: Sequence,
    /// Account id of the owner.
    pub(crate) owner: String,
    /// `None` once the ownership controls were deleted.
    pub(crate) ownership: Option<ObjectOwnership>,
    pub(crate) versioning: Versioning,
    /// `None` while Object Lock is off.
    #[serde(default)]
    pub(crate) object_lock: Option<BucketLock>,
    /// The bucket policy as given.
    pub(crate) policy: Option<String>,
    pub(crate) encryption: BucketEncryption,
    pub(crate) replication: Option<ReplicationConfiguration>,
    pub(crate) tags: Vec<Tag>,
    /// `None` once it was deleted.
    pub(crate) public_access_block: Option<PublicAccessBlock>,
    /// Other configurations kept as given, by subresource name (`cors`, `lifecycle`, ...).
    pub(crate) documents: BTreeMap<String, String>,
}

impl BucketRecord {
    /// A bucket as S3 makes them since April 2026: ACLs off, public access blocked, versioning
    /// never enabled, SSE-S3 by default and SSE-C blocked (`S3-SSEC-20`).
    pub(crate) fn new(name: &str, region: &str, owner: &str) -> Self {
        Self {
            name: name.to_owned(),
            region: region.to_owned(),
            created: Sequence(0),
            owner: owner.to_owned(),
            ownership: Some(ObjectOwnership::BucketOwnerEnforced),
            versioning: Versioning::Unversioned,
            object_lock: None,
            policy: None,
            encryption: BucketEncryption::default(),
            replication: None,
            tags: Vec::new(),
            public_access_block: Some(PublicAccessBlock::default()),
            documents: BTreeMap::new(),
        }
    }
}

/// `ObjectOwnership` of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ObjectOwnership {
    BucketOwnerEnforced,
    BucketOwnerPreferred,
    ObjectWriter,
}

/// Versioning state. Once enabled, a bucket can only be suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Versioning {
    Unversioned,
    Enabled,
    Suspended,
}

/// Default encryption and blocked encryption types.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BucketEncryption {
    pub(crate) default: DefaultEncryption,
    pub(crate) bucket_key_enabled: bool,
    /// Encryption types refused for new objects; `SSE-C` is the only one S3 knows.
    pub(crate) blocked: BTreeSet<BlockedEncryptionType>,
}

impl Default for BucketEncryption {
    fn default() -> Self {
        Self {
            default: DefaultEncryption::SseS3,
            bucket_key_enabled: false,
            blocked: BTreeSet::from([BlockedEncryptionType::SseC]),
        }
    }
}

impl BucketEncryption {
    /// Whether new objects under customer keys are refused.
    pub(crate) fn blocks_sse_c(&self) -> bool {
        self.blocked.contains(&BlockedEncryptionType::SseC)
    }
}

/// An encryption type that a bucket refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum BlockedEncryptionType {
    SseC,
}

/// What encrypts objects whose request names no encryption.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DefaultEncryption {
    SseS3,
    /// `aws:kms`; no key named means the managed key `alias/aws/s3`.
    SseKms {
        key: Option<String>,
    },
    /// `aws:kms:dsse`
    DsseKms {
        key: Option<String>,
    },
}

/// Block Public Access; the default is everything blocked, as S3 makes buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PublicAccessBlock {
    pub(crate) block_public_acls: bool,
    pub(crate) ignore_public_acls: bool,
    pub(crate) block_public_policy: bool,
    pub(crate) restrict_public_buckets: bool,
}

impl Default for PublicAccessBlock {
    fn default() -> Self {
        Self {
            block_public_acls: true,
            ignore_public_acls: true,
            block_public_policy: true,
            restrict_public_buckets: true,
        }
    }
}

/// A tag of a bucket or an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Tag {
    pub(crate) key: String,
    pub(crate) value: String,
}
