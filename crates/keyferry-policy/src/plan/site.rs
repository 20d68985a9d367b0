//! One bucket of a plan: where it is, who owns it, how its objects are encrypted.

use serde::{Deserialize, Serialize};

use crate::{AccountId, BucketName, KmsKeyArn, Partition, Region, RoleName};

/// How objects in a bucket are encrypted at rest.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/serv-side-encryption.html>
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Encryption {
    /// By keys that S3 holds.
    SseS3,
    /// By a key in KMS.
    SseKms {
        /// The key.
        key: KmsKeyArn,
        /// Whether S3 derives keys per bucket from it.
        bucket_key: BucketKey,
    },
    /// By a key in KMS, in two layers. Never with a Bucket Key.
    DsseKms {
        /// The key.
        key: KmsKeyArn,
    },
    /// By keys that the customer sends with each request.
    SseC,
}

impl Encryption {
    /// Its kind alone.
    #[must_use]
    pub fn kind(&self) -> EncryptionKind {
        match self {
            Self::SseS3 => EncryptionKind::SseS3,
            Self::SseKms { .. } => EncryptionKind::SseKms,
            Self::DsseKms { .. } => EncryptionKind::DsseKms,
            Self::SseC => EncryptionKind::SseC,
        }
    }

    /// The KMS key, if one encrypts.
    #[must_use]
    pub fn kms_key(&self) -> Option<&KmsKeyArn> {
        match self {
            Self::SseKms { key, .. } | Self::DsseKms { key } => Some(key),
            Self::SseS3 | Self::SseC => None,
        }
    }

    /// Whether Bucket Keys are in use.
    #[must_use]
    pub fn bucket_key(&self) -> BucketKey {
        match self {
            Self::SseKms { bucket_key, .. } => *bucket_key,
            Self::SseS3 | Self::DsseKms { .. } | Self::SseC => BucketKey::Off,
        }
    }
}

/// The four kinds of server-side encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EncryptionKind {
    /// Keys of S3.
    #[serde(rename = "sse-s3")]
    SseS3,
    /// Keys in KMS.
    SseKms,
    /// Keys in KMS, two layers.
    DsseKms,
    /// Keys of the customer.
    SseC,
}

impl EncryptionKind {
    /// All four, in the order in which AWS lists them.
    pub const ALL: [Self; 4] = [Self::SseS3, Self::SseKms, Self::DsseKms, Self::SseC];

    /// The name in flags and plan files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SseS3 => "sse-s3",
            Self::SseKms => "sse-kms",
            Self::DsseKms => "dsse-kms",
            Self::SseC => "sse-c",
        }
    }

    /// The name as AWS writes it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::SseS3 => "SSE-S3",
            Self::SseKms => "SSE-KMS",
            Self::DsseKms => "DSSE-KMS",
            Self::SseC => "SSE-C",
        }
    }

    /// Whether a KMS key encrypts.
    #[must_use]
    pub fn uses_kms(self) -> bool {
        matches!(self, Self::SseKms | Self::DsseKms)
    }
}

/// Whether S3 derives a key per bucket from the KMS key.
///
/// Under a Bucket Key the encryption context is the bucket's ARN, otherwise the object's:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html>.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BucketKey {
    /// No object uses one.
    #[default]
    Off,
    /// Every object uses one.
    On,
    /// New objects do, older ones do not, or the other way round.
    Mixed,
}

impl BucketKey {
    /// The name in flags and plan files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::On => "on",
            Self::Mixed => "mixed",
        }
    }

    /// Whether some object uses one.
    #[must_use]
    pub fn is_used(self) -> bool {
        self != Self::Off
    }
}

/// Who owns objects that others write.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html>
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Ownership {
    /// The bucket's owner, always; there are no ACLs. What new buckets have.
    #[default]
    BucketOwnerEnforced,
    /// The bucket's owner, where the writer asks for it.
    BucketOwnerPreferred,
    /// The writer.
    ObjectWriter,
}

impl Ownership {
    /// The name as S3 writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BucketOwnerEnforced => "BucketOwnerEnforced",
            Self::BucketOwnerPreferred => "BucketOwnerPreferred",
            Self::ObjectWriter => "ObjectWriter",
        }
    }
}

/// One bucket of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The bucket.
    pub bucket: BucketName,
    /// Its region.
    pub region: Region,
    /// The account that owns it.
    pub account: AccountId,
    /// How its objects are encrypted.
    pub encryption: Encryption,
    /// Who owns its objects.
    pub ownership: Ownership,
    /// Whether Object Lock is on.
    pub object_lock: bool,
    /// Whether objects carry annotations that replicate.
    pub annotations: bool,
    /// Whether writes under customer keys are let in, though the bucket's own encryption is
    /// another one.
    pub allow_sse_c: bool,
    /// Whether the bucket policy denies what does not fit the encryption: uploads without a customer
    /// key under SSE-C, uploads with one elsewhere.
    pub guard: bool,
    /// The role that replicates out of this bucket, where the usual name does not fit.
    pub role: Option<RoleName>,
}

impl Site {
    /// A bucket with what S3 gives new buckets, save the encryption.
    #[must_use]
    pub fn new(
        bucket: BucketName,
        region: Region,
        account: AccountId,
        encryption: Encryption,
    ) -> Self {
        Self {
            bucket,
            region,
            account,
            encryption,
            ownership: Ownership::default(),
            object_lock: false,
            annotations: false,
            allow_sse_c: false,
            guard: false,
            role: None,
        }
    }

    /// The partition the bucket is in.
    #[must_use]
    pub fn partition(&self) -> Partition {
        self.region.partition()
    }

    /// The bucket's ARN.
    #[must_use]
    pub fn bucket_arn(&self) -> String {
        format!("arn:{}:s3:::{}", self.partition(), self.bucket)
    }

    /// The ARN that stands for all objects of the bucket.
    #[must_use]
    pub fn objects_arn(&self) -> String {
        format!("{}/*", self.bucket_arn())
    }

    /// Whether objects under customer keys may be written.
    #[must_use]
    pub fn accepts_sse_c(&self) -> bool {
        self.allow_sse_c || self.encryption == Encryption::SseC
    }

    /// What S3 calls itself towards KMS: the value of `kms:ViaService`.
    #[must_use]
    pub fn via_service(&self) -> String {
        format!("s3.{}.{}", self.region, self.partition().dns_suffix())
    }
}
