//! Which actions an S3 operation takes, and on what.
//!
//! Service Authorization Reference:
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html>, and
//! "Required permissions for Amazon S3 API operations":
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html>.

/// What a permission is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum On {
    /// No bucket at all.
    Service,
    /// The bucket that is to be created.
    NewBucket,
    Bucket,
    Object,
    /// The source of a copy.
    Source,
}

/// When a permission is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    Always,
    /// The request has this header.
    Header(&'static str),
    /// The request has this header, and it says `true`.
    HeaderTrue(&'static str),
}

/// One permission that an operation takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) action: &'static str,
    /// The action where the request names a version.
    pub(super) version_action: &'static str,
    pub(super) on: On,
    pub(super) when: When,
}

impl Need {
    const fn new(action: &'static str, version_action: &'static str, on: On) -> Self {
        Self {
            action,
            version_action,
            on,
            when: When::Always,
        }
    }

    const fn service(action: &'static str) -> Self {
        Self::new(action, action, On::Service)
    }

    const fn bucket(action: &'static str) -> Self {
        Self::new(action, action, On::Bucket)
    }

    const fn object(action: &'static str) -> Self {
        Self::new(action, action, On::Object)
    }

    /// On an object, with an action of its own where a version is named.
    pub(super) const fn version(action: &'static str, version_action: &'static str) -> Self {
        Self::new(action, version_action, On::Object)
    }

    const fn with(self, header: &'static str) -> Self {
        Self {
            when: When::Header(header),
            ..self
        }
    }

    const fn if_true(self, header: &'static str) -> Self {
        Self {
            when: When::HeaderTrue(header),
            ..self
        }
    }
}

const GET: Need = Need::version("s3:GetObject", "s3:GetObjectVersion");
const GET_SOURCE: Need = Need::new("s3:GetObject", "s3:GetObjectVersion", On::Source);
const PUT: Need = Need::object("s3:PutObject");
const PUT_TAGS: Need = Need::object("s3:PutObjectTagging").with("x-amz-tagging");
const PUT_ACL: Need = Need::object("s3:PutObjectAcl").with("x-amz-acl");
const RETAIN: Need = Need::object("s3:PutObjectRetention").with("x-amz-object-lock-mode");
const HOLD: Need = Need::object("s3:PutObjectLegalHold").with("x-amz-object-lock-legal-hold");

/// To use the header, whatever protects the version (`S3-LOCK-8`).
const BYPASS: Need =
    Need::object("s3:BypassGovernanceRetention").if_true("x-amz-bypass-governance-retention");

/// Operations, by the names of the API reference, and what they take. DeleteObjects takes a
/// permission for each of its keys, and conditions of PutObjectRetention and PutObjectLegalHold are
/// about their documents: see the operations.
const OPERATIONS: &[(&str, &[Need])] = &[
    (
        "AbortMultipartUpload",
        &[Need::object("s3:AbortMultipartUpload")],
    ),
    ("CompleteMultipartUpload", &[PUT]),
    (
        "CopyObject",
        &[PUT, PUT_TAGS, PUT_ACL, RETAIN, HOLD, GET_SOURCE],
    ),
    (
        "CreateBucket",
        &[
            Need::new("s3:CreateBucket", "s3:CreateBucket", On::NewBucket),
            Need::new("s3:PutBucketAcl", "s3:PutBucketAcl", On::NewBucket).with("x-amz-acl"),
            Need::new(
                "s3:PutBucketOwnershipControls",
                "s3:PutBucketOwnershipControls",
                On::NewBucket,
            )
            .with("x-amz-object-ownership"),
            Need::new(
                "s3:PutBucketObjectLockConfiguration",
                "s3:PutBucketObjectLockConfiguration",
                On::NewBucket,
            )
            .if_true("x-amz-bucket-object-lock-enabled"),
            Need::new(
                "s3:PutBucketVersioning",
                "s3:PutBucketVersioning",
                On::NewBucket,
            )
            .if_true("x-amz-bucket-object-lock-enabled"),
        ],
    ),
    (
        "CreateMultipartUpload",
        &[PUT, PUT_TAGS, PUT_ACL, RETAIN, HOLD],
    ),
    ("DeleteBucket", &[Need::bucket("s3:DeleteBucket")]),
    (
        "DeleteBucketEncryption",
        &[Need::bucket("s3:PutEncryptionConfiguration")],
    ),
    (
        "DeleteBucketOwnershipControls",
        &[Need::bucket("s3:PutBucketOwnershipControls")],
    ),
    (
        "DeleteBucketPolicy",
        &[Need::bucket("s3:DeleteBucketPolicy")],
    ),
    (
        "DeleteBucketReplication",
        &[Need::bucket("s3:PutReplicationConfiguration")],
    ),
    (
        "DeleteBucketTagging",
        &[Need::bucket("s3:PutBucketTagging")],
    ),
    (
        "DeleteObject",
        &[
            Need::version("s3:DeleteObject", "s3:DeleteObjectVersion"),
            BYPASS,
        ],
    ),
    (
        "DeleteObjectTagging",
        &[Need::version(
            "s3:DeleteObjectTagging",
            "s3:DeleteObjectVersionTagging",
        )],
    ),
    ("DeleteObjects", &[]),
    (
        "DeletePublicAccessBlock",
        &[Need::bucket("s3:PutBucketPublicAccessBlock")],
    ),
    (
        "GetBucketAccelerateConfiguration",
        &[Need::bucket("s3:GetAccelerateConfiguration")],
    ),
    ("GetBucketAcl", &[Need::bucket("s3:GetBucketAcl")]),
    ("GetBucketCors", &[Need::bucket("s3:GetBucketCORS")]),
    (
        "GetBucketEncryption",
        &[Need::bucket("s3:GetEncryptionConfiguration")],
    ),
    (
        "GetBucketLifecycleConfiguration",
        &[Need::bucket("s3:GetLifecycleConfiguration")],
    ),
    ("GetBucketLocation", &[Need::bucket("s3:GetBucketLocation")]),
    ("GetBucketLogging", &[Need::bucket("s3:GetBucketLogging")]),
    (
        "GetBucketNotificationConfiguration",
        &[Need::bucket("s3:GetBucketNotification")],
    ),
    (
        "GetBucketOwnershipControls",
        &[Need::bucket("s3:GetBucketOwnershipControls")],
    ),
    ("GetBucketPolicy", &[Need::bucket("s3:GetBucketPolicy")]),
    (
        "GetBucketPolicyStatus",
        &[Need::bucket("s3:GetBucketPolicyStatus")],
    ),
    (
        "GetBucketReplication",
        &[Need::bucket("s3:GetReplicationConfiguration")],
    ),
    (
        "GetBucketRequestPayment",
        &[Need::bucket("s3:GetBucketRequestPayment")],
    ),
    ("GetBucketTagging", &[Need::bucket("s3:GetBucketTagging")]),
    (
        "GetBucketVersioning",
        &[Need::bucket("s3:GetBucketVersioning")],
    ),
    ("GetBucketWebsite", &[Need::bucket("s3:GetBucketWebsite")]),
    ("GetObject", &[GET]),
    (
        "GetObjectAcl",
        &[Need::version("s3:GetObjectAcl", "s3:GetObjectVersionAcl")],
    ),
    (
        "GetObjectAttributes",
        &[
            GET,
            Need::version("s3:GetObjectAttributes", "s3:GetObjectVersionAttributes"),
        ],
    ),
    (
        "GetObjectLegalHold",
        &[Need::object("s3:GetObjectLegalHold")],
    ),
    (
        "GetObjectLockConfiguration",
        &[Need::bucket("s3:GetBucketObjectLockConfiguration")],
    ),
    (
        "GetObjectRetention",
        &[Need::object("s3:GetObjectRetention")],
    ),
    (
        "GetObjectTagging",
        &[Need::version(
            "s3:GetObjectTagging",
            "s3:GetObjectVersionTagging",
        )],
    ),
    (
        "GetPublicAccessBlock",
        &[Need::bucket("s3:GetBucketPublicAccessBlock")],
    ),
    ("HeadBucket", &[Need::bucket("s3:ListBucket")]),
    ("HeadObject", &[GET]),
    ("ListBuckets", &[Need::service("s3:ListAllMyBuckets")]),
    (
        "ListMultipartUploads",
        &[Need::bucket("s3:ListBucketMultipartUploads")],
    ),
    (
        "ListObjectVersions",
        &[Need::bucket("s3:ListBucketVersions")],
    ),
    ("ListObjects", &[Need::bucket("s3:ListBucket")]),
    ("ListObjectsV2", &[Need::bucket("s3:ListBucket")]),
    ("ListParts", &[Need::object("s3:ListMultipartUploadParts")]),
    (
        "PutBucketEncryption",
        &[Need::bucket("s3:PutEncryptionConfiguration")],
    ),
    (
        "PutBucketOwnershipControls",
        &[Need::bucket("s3:PutBucketOwnershipControls")],
    ),
    ("PutBucketPolicy", &[Need::bucket("s3:PutBucketPolicy")]),
    (
        "PutBucketReplication",
        &[Need::bucket("s3:PutReplicationConfiguration")],
    ),
    ("PutBucketTagging", &[Need::bucket("s3:PutBucketTagging")]),
    (
        "PutBucketVersioning",
        &[Need::bucket("s3:PutBucketVersioning")],
    ),
    ("PutObject", &[PUT, PUT_TAGS, PUT_ACL, RETAIN, HOLD]),
    ("PutObjectLegalHold", &[]),
    (
        "PutObjectLockConfiguration",
        &[Need::bucket("s3:PutBucketObjectLockConfiguration")],
    ),
    ("PutObjectRetention", &[]),
    (
        "PutObjectTagging",
        &[Need::version(
            "s3:PutObjectTagging",
            "s3:PutObjectVersionTagging",
        )],
    ),
    (
        "PutPublicAccessBlock",
        &[Need::bucket("s3:PutBucketPublicAccessBlock")],
    ),
    ("RestoreObject", &[Need::object("s3:RestoreObject")]),
    ("UploadPart", &[PUT]),
    ("UploadPartCopy", &[PUT, GET_SOURCE]),
];

/// What an operation takes; `None` for one that the lab does not have.
pub(super) fn needs(operation: &str) -> Option<&'static [Need]> {
    OPERATIONS
        .iter()
        .find(|(name, _)| *name == operation)
        .map(|(_, needs)| *needs)
}

/// Operations that read an object, and so could tell whether it is there (`S3-ACCESS-4`).
pub(super) fn tells_absence(operation: &str) -> bool {
    matches!(
        operation,
        "GetObject"
            | "HeadObject"
            | "GetObjectAcl"
            | "GetObjectAttributes"
            | "GetObjectTagging"
            | "CopyObject"
            | "UploadPartCopy"
    )
}

/// Operations that the owner's own credentials always have, so that no policy locks it out
/// (`S3-ACCESS-6`).
pub(super) fn is_never_denied_to_root(operation: &str) -> bool {
    matches!(
        operation,
        "GetBucketPolicy" | "PutBucketPolicy" | "DeleteBucketPolicy"
    )
}

/// Actions whose requests say `s3:ExistingObjectTag/KEY`.
pub(super) fn knows_existing_tags(action: &str) -> bool {
    matches!(
        action,
        "s3:GetObject"
            | "s3:GetObjectVersion"
            | "s3:GetObjectAcl"
            | "s3:GetObjectVersionAcl"
            | "s3:GetObjectAttributes"
            | "s3:GetObjectVersionAttributes"
            | "s3:GetObjectTagging"
            | "s3:GetObjectVersionTagging"
            | "s3:PutObjectAcl"
            | "s3:PutObjectTagging"
            | "s3:PutObjectVersionTagging"
            | "s3:DeleteObjectTagging"
            | "s3:DeleteObjectVersionTagging"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_of_the_lab_is_here_once() {
        let served = include_str!("../service/operations.rs");
        let mut count = 0;
        for line in served.lines() {
            let Some((_, rest)) = line.trim().split_once(": ") else {
                continue;
            };
            let Some(operation) = rest.split_once("Input => ").map(|(name, _)| name) else {
                continue;
            };
            count += 1;
            let rows = OPERATIONS.iter().filter(|(name, _)| *name == operation);
            assert_eq!(rows.count(), 1, "{operation}");
        }
        assert!(count > 50, "{count}");
    }
}
