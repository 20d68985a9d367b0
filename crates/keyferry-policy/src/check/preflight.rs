//! Rules of preflight: what stands in the way before any document decides, and what none decides.

/// What a finding of preflight is found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "`summary` says what each is")]
#[non_exhaustive]
pub enum Preflight {
    CredentialsMissing,
    CredentialsRefused,
    CredentialsExpired,
    ClockSkewed,
    EndpointUnreachable,
    EndpointPlaintext,
    EndpointMissing,
    CertificateUntrusted,
    AnswerUnexpected,
    RegionDiffers,
    BucketRefused,
    IdentityUnknown,
    CallerDenied,
    CallerUnknown,
    ObjectNotCovered,
    ObjectsNotCovered,
    ReplicaKeyUnknown,
    OwnedByWriters,
    ReplicasLockedLonger,
    ReplicasExpireFirst,
    SourceExpiresFirst,
    LifecycleUnknown,
    UnfinishedUploads,
    NoRoomForKeyTag,
    KeyTagMissing,
    StoreMissing,
    StoreNotOpened,
    StoreDamaged,
    StoreWarning,
    StoreNotBackedUp,
}

use Preflight as P;

const CREDENTIALS: &str =
    "https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html";
const ERRORS: &str = "https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html";
const ENDPOINTS: &str = "https://docs.aws.amazon.com/general/latest/gr/s3.html";
const SSE_C: &str =
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html";
const HEAD_BUCKET: &str = "https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html";
const ACTIONS: &str =
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html";
const RULES: &str =
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-add-config.html";
const KMS: &str =
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html";
const OWNERSHIP: &str =
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html";
const LOCK: &str = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html#object-lock-managing-replication";
const LIFECYCLE: &str = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-what-is-isnot-replicated.html";
const UPLOADS: &str = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpu-abort-incomplete-mpu-lifecycle-config.html";
const TAGS: &str = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html";
const IDENTITY: &str =
    "https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html";

impl Preflight {
    /// All of them.
    pub const ALL: [Self; 30] = [
        P::CredentialsMissing,
        P::CredentialsRefused,
        P::CredentialsExpired,
        P::ClockSkewed,
        P::EndpointUnreachable,
        P::EndpointPlaintext,
        P::EndpointMissing,
        P::CertificateUntrusted,
        P::AnswerUnexpected,
        P::RegionDiffers,
        P::BucketRefused,
        P::IdentityUnknown,
        P::CallerDenied,
        P::CallerUnknown,
        P::ObjectNotCovered,
        P::ObjectsNotCovered,
        P::ReplicaKeyUnknown,
        P::OwnedByWriters,
        P::ReplicasLockedLonger,
        P::ReplicasExpireFirst,
        P::SourceExpiresFirst,
        P::LifecycleUnknown,
        P::UnfinishedUploads,
        P::NoRoomForKeyTag,
        P::KeyTagMissing,
        P::StoreMissing,
        P::StoreNotOpened,
        P::StoreDamaged,
        P::StoreWarning,
        P::StoreNotBackedUp,
    ];

    /// Whether nothing can be done at all while it is so.
    pub(super) fn comes_first(self) -> bool {
        Self::ALL
            .iter()
            .take_while(|rule| **rule != P::IdentityUnknown)
            .any(|rule| *rule == self)
    }

    /// Name for machines, what it finds, and the page it rests on.
    pub(super) fn about(self) -> (&'static str, &'static str, &'static str) {
        match self {
            P::CredentialsMissing => (
                "credentials-missing",
                "there are no credentials",
                CREDENTIALS,
            ),
            P::CredentialsRefused => (
                "credentials-refused",
                "the server does not accept the credentials",
                ERRORS,
            ),
            P::CredentialsExpired => (
                "credentials-expired",
                "the credentials have expired, or do so soon",
                CREDENTIALS,
            ),
            P::ClockSkewed => (
                "clock-skewed",
                "this machine's clock and the server's differ; signatures hold for 15 minutes",
                ERRORS,
            ),
            P::EndpointUnreachable => (
                "endpoint-unreachable",
                "no answer comes from the endpoint",
                ENDPOINTS,
            ),
            P::EndpointPlaintext => (
                "endpoint-plaintext",
                "the endpoint is not TLS, and customer keys travel over TLS only",
                SSE_C,
            ),
            P::EndpointMissing => (
                "endpoint-missing",
                "no endpoint was given for a region that is needed",
                ENDPOINTS,
            ),
            P::CertificateUntrusted => (
                "certificate-untrusted",
                "the server's certificate is not trusted",
                ENDPOINTS,
            ),
            P::AnswerUnexpected => (
                "answer-unexpected",
                "the endpoint answers, but not as S3 does",
                ENDPOINTS,
            ),
            P::RegionDiffers => (
                "region-differs",
                "the bucket is in another region than is set",
                HEAD_BUCKET,
            ),
            P::BucketRefused => (
                "bucket-refused",
                "the bucket may not be looked at, or is another account's",
                HEAD_BUCKET,
            ),
            P::IdentityUnknown => (
                "identity-unknown",
                "whose credentials these are cannot be asked, so policies were not evaluated",
                IDENTITY,
            ),
            P::CallerDenied => (
                "caller-denied",
                "these credentials may not make a call that keyferry makes",
                ACTIONS,
            ),
            P::CallerUnknown => (
                "caller-unknown",
                "the policies of these credentials could not be read",
                ACTIONS,
            ),
            P::ObjectNotCovered => (
                "object-not-covered",
                "no enabled rule covers the object",
                RULES,
            ),
            P::ObjectsNotCovered => (
                "objects-not-covered",
                "the enabled rules leave objects out",
                RULES,
            ),
            P::ReplicaKeyUnknown => (
                "replica-key-unknown",
                "under which KMS key replicas are to be is not settled",
                KMS,
            ),
            P::OwnedByWriters => (
                "owned-by-writers",
                "objects that other accounts write belong to them, and may not replicate",
                OWNERSHIP,
            ),
            P::ReplicasLockedLonger => (
                "replicas-locked-longer",
                "the destination locks replicas by default, and the source does not lock",
                LOCK,
            ),
            P::ReplicasExpireFirst => (
                "replicas-expire-first",
                "a lifecycle rule deletes replicas before their sources",
                LIFECYCLE,
            ),
            P::SourceExpiresFirst => (
                "source-expires-first",
                "a lifecycle rule deletes sources, and the replicas stay",
                LIFECYCLE,
            ),
            P::LifecycleUnknown => (
                "lifecycle-unknown",
                "the lifecycle rules could not be read",
                LIFECYCLE,
            ),
            P::UnfinishedUploads => (
                "unfinished-uploads",
                "multipart uploads were begun and neither completed nor aborted",
                UPLOADS,
            ),
            P::NoRoomForKeyTag => (
                "no-room-for-key-tag",
                "a rule asks for as many tags as an object can have",
                TAGS,
            ),
            P::KeyTagMissing => (
                "key-tag-missing",
                "objects have all tags that they can have, and none that names their key",
                TAGS,
            ),
            P::StoreMissing => ("store-missing", "there is no key store", SSE_C),
            P::StoreNotOpened => (
                "store-not-opened",
                "the key store was not opened, so its keys were not checked",
                SSE_C,
            ),
            P::StoreDamaged => (
                "store-damaged",
                "the key store, or a key in it, cannot be used",
                SSE_C,
            ),
            P::StoreWarning => (
                "store-warning",
                "something about the key store is to be looked at",
                SSE_C,
            ),
            P::StoreNotBackedUp => (
                "store-not-backed-up",
                "keys would be lost with the store, and their objects with them",
                SSE_C,
            ),
        }
    }
}
