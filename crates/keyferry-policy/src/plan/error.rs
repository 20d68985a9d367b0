//! Plans that AWS would refuse, or that would silently replicate nothing.

/// A rule that a plan breaks, and the field that breaks it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {rule}")]
pub struct PlanError {
    /// The field, as plan files spell it: `site osaka: kms-key`.
    pub field: String,
    /// The rule.
    pub rule: PlanRule,
}

impl PlanError {
    pub(super) fn new(field: impl Into<String>, rule: PlanRule) -> Self {
        Self {
            field: field.into(),
            rule,
        }
    }
}

/// What makes a plan impossible.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanRule {
    /// There is nothing to do.
    #[error("the plan has no flow, so nothing replicates")]
    NoFlow,
    /// A flow names a bucket that the plan does not have.
    #[error("`{0}` is no site of the plan")]
    UnknownBucket(String),
    /// Two sites are one bucket.
    #[error("`{0}` is named twice; a bucket is one site")]
    BucketTwice(String),
    /// Two flows are the same direction.
    #[error("`{source_bucket}` replicates to `{destination}` twice with the same prefix and tags")]
    FlowTwice {
        /// Source.
        source_bucket: String,
        /// Destination.
        destination: String,
    },
    /// A flow ends where it begins.
    #[error("`{0}` would replicate into itself; replication needs two buckets")]
    IntoItself(String),
    /// Buckets are in different partitions.
    #[error(
        "`{region}` is in the partition {partition}, another site in {other}; replication never crosses partitions"
    )]
    CrossPartition {
        /// The region that does not fit.
        region: String,
        /// Its partition.
        partition: String,
        /// The partition of the sites before it.
        other: String,
    },
    /// The file names a partition that the regions are not in.
    #[error("`{named}` does not fit the regions, which are in {actual}")]
    WrongPartition {
        /// As named.
        named: String,
        /// As the regions are.
        actual: String,
    },
    /// A KMS key of another region.
    #[error(
        "the key is in {key_region}, the bucket in {bucket_region}; S3 uses keys of the bucket's own region only"
    )]
    KeyInAnotherRegion {
        /// Where the key is.
        key_region: String,
        /// Where the bucket is.
        bucket_region: String,
    },
    /// A KMS key of another partition.
    #[error("the key is in the partition {0}, the bucket is not")]
    KeyInAnotherPartition(String),
    /// Encryption by KMS without a key.
    #[error("{0} needs the ARN of a KMS key")]
    KeyMissing(&'static str),
    /// A KMS key where nothing uses it.
    #[error("{0} uses no KMS key")]
    KeyUnused(&'static str),
    /// Not the ARN of a key.
    #[error("{0}")]
    BadKey(String),
    /// An alias, or the managed key, where another account has to use the key.
    #[error(
        "`{0}` cannot be used across accounts: an alias is looked up in the caller's account, and the policy of `aws/s3` cannot be changed; give the ARN of a customer managed key"
    )]
    AliasAcrossAccounts(String),
    /// DSSE-KMS with a Bucket Key, or a Bucket Key where there is no KMS.
    #[error("{0} never uses Bucket Keys")]
    BucketKeyNotSupported(&'static str),
    /// Objects under KMS into a bucket without a key for the replicas.
    #[error(
        "replicas of {0} objects need a KMS key in the destination's region; the destination has none"
    )]
    ReplicaKeyMissing(&'static str),
    /// Objects under customer keys into a bucket that blocks them.
    #[error(
        "`{0}` blocks SSE-C, so every replica would be refused with 403; set `allow-sse-c = true` or `encryption = \"sse-c\"` there"
    )]
    SseCBlocked(String),
    /// Delete markers with a tag filter.
    #[error("S3 does not replicate delete markers under a rule with a tag filter")]
    DeleteMarkersWithTags,
    /// Too many tags.
    #[error("an object has at most 10 tags")]
    TooManyTags,
    /// A tag that no object can have.
    #[error("tag keys have 1 to 128 characters, values at most 256")]
    BadTag,
    /// A prefix that no key can have.
    #[error("object keys have at most 1024 bytes")]
    PrefixTooLong,
    /// Owner override inside one account.
    #[error("source and destination belong to one account, so there is no owner to change")]
    OwnerOverrideInOneAccount,
    /// Owner override where ACLs are off.
    #[error("`{0}` is BucketOwnerEnforced: its owner owns every replica already")]
    OwnerOverrideNotNeeded(String),
    /// Object Lock on the source only.
    #[error("the source has Object Lock, so the destination needs it, too")]
    ObjectLockOnSourceOnly,
    /// A bucket that may not be what the name says.
    #[error("{0}")]
    BadName(String),
    /// A word that is none of those allowed.
    #[error("`{given}` is none of {allowed}")]
    BadWord {
        /// As given.
        given: String,
        /// What would do.
        allowed: &'static str,
    },
    /// One role for two source buckets.
    #[error("`{0}` is the role of another bucket, too; each source bucket has a role of its own")]
    RoleTwice(String),
    /// A role for nothing.
    #[error("`{0}` has a role name of its own, but nothing replicates out of it")]
    RoleUnused(String),
}

impl PlanRule {
    /// The AWS page that has the rule, if one has.
    #[must_use]
    pub fn page(&self) -> Option<&'static str> {
        Some(match self {
            Self::CrossPartition { .. } | Self::WrongPartition { .. } => {
                "https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html"
            }
            Self::KeyInAnotherRegion { .. }
            | Self::KeyInAnotherPartition(_)
            | Self::KeyMissing(_)
            | Self::AliasAcrossAccounts(_)
            | Self::ReplicaKeyMissing(_) => {
                "https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html"
            }
            Self::BucketKeyNotSupported(_) => {
                "https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-bucket-encryption.html"
            }
            Self::SseCBlocked(_) => {
                "https://docs.aws.amazon.com/AmazonS3/latest/userguide/blocking-unblocking-s3-c-encryption-gpb.html"
            }
            Self::DeleteMarkersWithTags => {
                "https://docs.aws.amazon.com/AmazonS3/latest/userguide/delete-marker-replication.html"
            }
            Self::OwnerOverrideInOneAccount | Self::OwnerOverrideNotNeeded(_) => {
                "https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-change-owner.html"
            }
            Self::ObjectLockOnSourceOnly => {
                "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html"
            }
            _ => return None,
        })
    }
}
