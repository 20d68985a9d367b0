//! The rules of `check`, each with a name that stays the same.

use serde::{Serialize, Serializer};

use super::preflight::Preflight;
use crate::lint::LintRule;

/// What a finding is found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "`summary` says what each is")]
#[non_exhaustive]
pub enum Rule {
    NeededCallDenied,
    NeededCallExplicitlyDenied,
    NeededCallUndecided,
    DisputedCallDenied,
    SurplusAllowed,
    KmsConditionsMissing,
    TrustTooWide,
    DocumentUnknown,
    DirectionMissing,
    RoleMissing,
    RoleDiffers,
    BucketMissing,
    BucketElsewhere,
    KeyMissing,
    KeyDisabled,
    VersioningOff,
    ReplicationMissing,
    RuleMissing,
    RuleDisabled,
    RuleTooNarrow,
    RuleTooWide,
    RuleIncomplete,
    RuleVersion1,
    UploadDenied,
    KmsOptInMissing,
    ReplicaKeyMissing,
    ReplicaKeyWrong,
    SseCBlocked,
    SseCNotLetIn,
    EncryptionDiffers,
    BucketKeyDiffers,
    DeleteMarkersWithTags,
    DeleteMarkersDiffer,
    ReplicaModificationsMissing,
    TimeControlWithoutMetrics,
    TimeControlMissing,
    OwnerAccountMissing,
    OwnerOverrideMissing,
    OwnerOverrideNotNeeded,
    ObjectLockOnSourceOnly,
    ObjectLockDiffers,
    StorageClassDiffers,
    Preflight(Preflight),
    Lint(LintRule),
}

use Rule as R;

const PERMISSIONS: &str =
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html";
const ENCRYPTED: &str =
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html";
const TROUBLE: &str =
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-troubleshoot.html";
const CONFIGURATION: &str =
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-add-config.html";
const LEAST: &str =
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege";
const LOGIC: &str =
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html";
const SSE_C: &str = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/blocking-unblocking-s3-c-encryption-gpb.html";
const CUSTOMER_KEYS: &str =
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html";
const MARKERS: &str =
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/delete-marker-replication.html";
const METADATA: &str =
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-for-metadata-changes.html";
const TIME_CONTROL: &str =
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-time-control.html";
const OWNER: &str =
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-change-owner.html";
const LOCK: &str = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html#object-lock-managing-replication";
const DEFAULT: &str =
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-bucket-encryption.html";
const BUCKET_KEY: &str = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html";
const KEY_STATE: &str = "https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html";

impl Rule {
    /// All rules but those of [`Preflight`] and of [`crate::lint`].
    pub const ALL: [Self; 42] = [
        R::NeededCallDenied,
        R::NeededCallExplicitlyDenied,
        R::NeededCallUndecided,
        R::DisputedCallDenied,
        R::SurplusAllowed,
        R::KmsConditionsMissing,
        R::TrustTooWide,
        R::DocumentUnknown,
        R::DirectionMissing,
        R::RoleMissing,
        R::RoleDiffers,
        R::BucketMissing,
        R::BucketElsewhere,
        R::KeyMissing,
        R::KeyDisabled,
        R::VersioningOff,
        R::ReplicationMissing,
        R::RuleMissing,
        R::RuleDisabled,
        R::RuleTooNarrow,
        R::RuleTooWide,
        R::RuleIncomplete,
        R::RuleVersion1,
        R::UploadDenied,
        R::KmsOptInMissing,
        R::ReplicaKeyMissing,
        R::ReplicaKeyWrong,
        R::SseCBlocked,
        R::SseCNotLetIn,
        R::EncryptionDiffers,
        R::BucketKeyDiffers,
        R::DeleteMarkersWithTags,
        R::DeleteMarkersDiffer,
        R::ReplicaModificationsMissing,
        R::TimeControlWithoutMetrics,
        R::TimeControlMissing,
        R::OwnerAccountMissing,
        R::OwnerOverrideMissing,
        R::OwnerOverrideNotNeeded,
        R::ObjectLockOnSourceOnly,
        R::ObjectLockDiffers,
        R::StorageClassDiffers,
    ];

    /// Its name for machines.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.about().0
    }

    /// What it finds.
    #[must_use]
    pub fn summary(self) -> &'static str {
        self.about().1
    }

    /// The page of AWS's documentation that it rests on.
    #[must_use]
    pub fn page(self) -> &'static str {
        self.about().2
    }

    /// Findings of one level are ordered by this: what is broken, then what is too much, then what
    /// reads badly.
    pub(super) fn family(self) -> u8 {
        match self {
            R::Preflight(rule) if rule.comes_first() => 0,
            R::DirectionMissing
            | R::BucketMissing
            | R::RoleMissing
            | R::KeyMissing
            | R::ReplicationMissing => 0,
            R::NeededCallDenied
            | R::NeededCallExplicitlyDenied
            | R::NeededCallUndecided
            | R::DisputedCallDenied => 2,
            R::SurplusAllowed | R::KmsConditionsMissing | R::TrustTooWide => 3,
            R::Lint(_) => 4,
            R::DocumentUnknown => 5,
            _ => 1,
        }
    }

    fn about(self) -> (&'static str, &'static str, &'static str) {
        match self {
            R::NeededCallDenied => (
                "needed-call-denied",
                "a call that S3 makes for replication is not allowed",
                PERMISSIONS,
            ),
            R::NeededCallExplicitlyDenied => (
                "needed-call-explicitly-denied",
                "a statement denies a call that S3 makes for replication",
                LOGIC,
            ),
            R::NeededCallUndecided => (
                "needed-call-undecided",
                "whether a call is allowed depends on something that is not known",
                LOGIC,
            ),
            R::DisputedCallDenied => (
                "disputed-call-denied",
                "a call that only some of AWS's pages ask for is not allowed",
                ENCRYPTED,
            ),
            R::SurplusAllowed => (
                "surplus-allowed",
                "the role may do more than replication needs",
                LEAST,
            ),
            R::KmsConditionsMissing => (
                "kms-conditions-missing",
                "the role may use a key beyond S3's use of it for these buckets",
                ENCRYPTED,
            ),
            R::TrustTooWide => (
                "trust-too-wide",
                "others than S3 may assume the role",
                LEAST,
            ),
            R::DocumentUnknown => (
                "document-unknown",
                "a document is not known, so what it decides could not be checked",
                LOGIC,
            ),
            R::DirectionMissing => (
                "direction-missing",
                "one direction of two-way replication is not set up",
                METADATA,
            ),
            R::RoleMissing => ("role-missing", "the role does not exist", PERMISSIONS),
            R::RoleDiffers => (
                "role-differs",
                "the replication configuration names another role",
                PERMISSIONS,
            ),
            R::BucketMissing => ("bucket-missing", "the bucket does not exist", TROUBLE),
            R::BucketElsewhere => (
                "bucket-elsewhere",
                "the bucket is in another region or account",
                TROUBLE,
            ),
            R::KeyMissing => ("key-missing", "the KMS key does not exist", ENCRYPTED),
            R::KeyDisabled => ("key-disabled", "the KMS key cannot be used", KEY_STATE),
            R::VersioningOff => ("versioning-off", "versioning is not on", TROUBLE),
            R::ReplicationMissing => (
                "replication-missing",
                "the source bucket has no replication configuration",
                CONFIGURATION,
            ),
            R::RuleMissing => (
                "rule-missing",
                "no rule replicates to the destination",
                CONFIGURATION,
            ),
            R::RuleDisabled => ("rule-disabled", "the rule is switched off", CONFIGURATION),
            R::RuleTooNarrow => (
                "rule-too-narrow",
                "the rule covers fewer objects than planned",
                CONFIGURATION,
            ),
            R::RuleTooWide => (
                "rule-too-wide",
                "the rule covers more objects than planned",
                CONFIGURATION,
            ),
            R::RuleIncomplete => (
                "rule-incomplete",
                "the rule lacks what S3 demands with a Filter",
                CONFIGURATION,
            ),
            R::RuleVersion1 => (
                "rule-version-1",
                "the rule has no Filter, which makes it one of version 1",
                CONFIGURATION,
            ),
            R::UploadDenied => (
                "upload-denied",
                "the bucket policy denies every upload that fits the bucket's encryption",
                CUSTOMER_KEYS,
            ),
            R::KmsOptInMissing => (
                "kms-opt-in-missing",
                "objects under KMS do not replicate without SseKmsEncryptedObjects",
                ENCRYPTED,
            ),
            R::ReplicaKeyMissing => (
                "replica-key-missing",
                "no key is named for the replicas: ReplicaKmsKeyID",
                ENCRYPTED,
            ),
            R::ReplicaKeyWrong => (
                "replica-key-wrong",
                "the key named for the replicas is not the destination's",
                ENCRYPTED,
            ),
            R::SseCBlocked => ("sse-c-blocked", "the bucket blocks SSE-C", SSE_C),
            R::SseCNotLetIn => (
                "sse-c-not-let-in",
                "nothing says that the bucket lets SSE-C in, which new buckets do not",
                SSE_C,
            ),
            R::EncryptionDiffers => (
                "encryption-differs",
                "the bucket's default encryption is not the planned one",
                DEFAULT,
            ),
            R::BucketKeyDiffers => (
                "bucket-key-differs",
                "the bucket's use of Bucket Keys is not the planned one",
                BUCKET_KEY,
            ),
            R::DeleteMarkersWithTags => (
                "delete-markers-with-tags",
                "a rule with a tag filter cannot replicate delete markers",
                MARKERS,
            ),
            R::DeleteMarkersDiffer => (
                "delete-markers-differ",
                "delete markers replicate against the plan, or do not",
                MARKERS,
            ),
            R::ReplicaModificationsMissing => (
                "replica-modifications-missing",
                "changes of metadata on replicas do not replicate back",
                METADATA,
            ),
            R::TimeControlWithoutMetrics => (
                "time-control-without-metrics",
                "Replication Time Control needs metrics, and 15 minutes",
                TIME_CONTROL,
            ),
            R::TimeControlMissing => (
                "time-control-missing",
                "Replication Time Control is planned and off",
                TIME_CONTROL,
            ),
            R::OwnerAccountMissing => (
                "owner-account-missing",
                "AccessControlTranslation needs the Account of the destination",
                OWNER,
            ),
            R::OwnerOverrideMissing => (
                "owner-override-missing",
                "replicas would belong to the source's account",
                OWNER,
            ),
            R::OwnerOverrideNotNeeded => (
                "owner-override-not-needed",
                "the rule changes an owner that is the right one anyway",
                OWNER,
            ),
            R::ObjectLockOnSourceOnly => (
                "object-lock-on-source-only",
                "the source has Object Lock and the destination has not",
                LOCK,
            ),
            R::ObjectLockDiffers => (
                "object-lock-differs",
                "Object Lock is on against the plan, or off",
                LOCK,
            ),
            R::StorageClassDiffers => (
                "storage-class-differs",
                "replicas get another storage class than planned",
                CONFIGURATION,
            ),
            R::Preflight(rule) => rule.about(),
            R::Lint(rule) => (rule.name(), lint_summary(rule), rule.page()),
        }
    }
}

fn lint_summary(rule: LintRule) -> &'static str {
    match rule {
        LintRule::UnknownAction => "an action that does not exist",
        LintRule::UnknownConditionKey => "a condition key that does not exist",
        LintRule::ConditionKeyNotTaken => "a condition key that the action does not take",
        LintRule::UnknownOperator => "a condition operator that does not exist",
        LintRule::OperatorType => "an operator that does not fit the type of the key",
        LintRule::SetOperator => "a set operator is missing or dangerous",
        LintRule::ActionWithoutResource => "an action without a resource that it takes",
        LintRule::ResourceNotTaken => "a resource that no action of the statement takes",
        LintRule::NotAnArn => "what stands where an ARN must",
        LintRule::WrongKind => "a document of another kind than it is used as",
        LintRule::Element => "an element that this kind of document does not have, or lacks",
        LintRule::Size => "a document that is too long",
        LintRule::Sid => "a Sid that AWS refuses or that is there twice",
        LintRule::Empty => "a document without statements",
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
