//! How long a document may be.
//!
//! IAM: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.
//! Bucket policies: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html>.
//! Key policies: <https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html>.
//! Organisations: <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html>.

use super::{DocumentKind, Findings, LintRule, Severity};
use crate::iam::PolicyDocument;

/// A length that a document may not exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Of what.
    pub of: &'static str,
    /// The most characters it may have; IAM counts none of the white space.
    pub characters: usize,
    /// How bad it is to exceed it.
    pub severity: Severity,
    /// What to do then.
    pub fix: &'static str,
    /// The page it stands on.
    pub page: &'static str,
}

const IAM: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html";
const S3: &str = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html";
const KMS: &str = "https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html";
const ORGANISATIONS: &str =
    "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html";

const fn limit(
    of: &'static str,
    characters: usize,
    severity: Severity,
    fix: &'static str,
    page: &'static str,
) -> Limit {
    Limit {
        of,
        characters,
        severity,
        fix,
        page,
    }
}

const IDENTITY: &[Limit] = &[
    limit(
        "all inline policies of a role together",
        10_240,
        Severity::Error,
        "split it into several managed policies",
        IAM,
    ),
    limit(
        "a managed policy",
        6_144,
        Severity::Warning,
        "put it inline into a role, or split it",
        IAM,
    ),
];
const TRUST: &[Limit] = &[
    limit(
        "a trust policy, with the quota raised as far as it goes",
        8_192,
        Severity::Error,
        "use two roles",
        IAM,
    ),
    limit(
        "a trust policy, by default",
        2_048,
        Severity::Warning,
        "have the quota `Role trust policy length` raised, or shorten it",
        IAM,
    ),
];
const BOUNDARY: &[Limit] = &[limit(
    "a managed policy, which a permission boundary is",
    6_144,
    Severity::Error,
    "shorten it: there can be only one boundary",
    IAM,
)];
const BUCKET: &[Limit] = &[limit(
    "a bucket policy",
    20_480,
    Severity::Error,
    "shorten it, or move statements to access points",
    S3,
)];
const KEY: &[Limit] = &[limit(
    "a key policy",
    32_768,
    Severity::Error,
    "shorten it, or move statements to permission policies",
    KMS,
)];
const SERVICE_CONTROL: &[Limit] = &[limit(
    "a service control policy",
    10_240,
    Severity::Error,
    "split it into several",
    ORGANISATIONS,
)];
const RESOURCE_CONTROL: &[Limit] = &[limit(
    "a resource control policy",
    5_120,
    Severity::Error,
    "split it into several",
    ORGANISATIONS,
)];

/// The limits of a kind of document, the largest first.
#[must_use]
pub fn limits(kind: DocumentKind) -> &'static [Limit] {
    match kind {
        DocumentKind::Identity => IDENTITY,
        DocumentKind::Trust => TRUST,
        DocumentKind::Boundary => BOUNDARY,
        DocumentKind::Bucket => BUCKET,
        DocumentKind::Key => KEY,
        DocumentKind::ServiceControl => SERVICE_CONTROL,
        DocumentKind::ResourceControl => RESOURCE_CONTROL,
    }
}

/// The characters of a document, written as keyferry writes it, that are no white space.
#[must_use]
pub fn size(document: &PolicyDocument) -> usize {
    document
        .to_json()
        .chars()
        .filter(|character| !character.is_whitespace())
        .count()
}

pub(super) fn check(document: &PolicyDocument, kind: DocumentKind, findings: &mut Findings) {
    let size = size(document);
    if let Some(limit) = limits(kind).iter().find(|limit| size > limit.characters) {
        findings.document(
            limit.severity,
            LintRule::Size,
            format!(
                "the document has {size} characters without white space, {} more than {} may have ({})",
                size - limit.characters,
                limit.of,
                limit.characters
            ),
            limit.fix.to_owned(),
        );
    }
}
