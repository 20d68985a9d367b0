//! What applies to a request: every policy, by the place it is attached to.

use std::fmt;

use super::document::PolicyDocument;

/// A document and the name that decisions call it by. The name reads well after "of": "the bucket
/// policy of `osaka`".
#[derive(Debug, Clone, Copy)]
pub struct Attached<'a> {
    /// How decisions name it.
    pub name: &'a str,
    /// What it says.
    pub document: &'a PolicyDocument,
}

/// The policies that apply to a request.
///
/// Session policies, policies of VPC endpoints, grants of KMS and access control lists of S3 are not
/// modelled. Service control policies are those of the caller's account, resource control policies
/// those of the resource's account; leave both out for an organisation's management account, which
/// neither limits, and resource control policies for the services that have none.
#[derive(Debug, Clone, Default)]
pub struct Policies<'a> {
    /// Policies of the user or role, and of the user's groups.
    pub identity: Vec<Attached<'a>>,
    /// The permissions boundary of the user or role.
    pub boundary: Option<Attached<'a>>,
    /// Service control policies by level (root, organisational units, account): each level must
    /// allow. Empty without an organisation.
    pub service_control: Vec<Vec<Attached<'a>>>,
    /// Resource control policies by level: each level must allow. Empty without an organisation.
    pub resource_control: Vec<Vec<Attached<'a>>>,
    /// The policy of the resource.
    pub resource: Option<ResourcePolicy<'a>>,
}

/// The policy of a resource.
#[derive(Debug, Clone, Copy)]
pub struct ResourcePolicy<'a> {
    /// What it is attached to, which decides whether it alone controls access.
    pub kind: ResourceKind,
    /// How decisions name it, as for [`Attached`].
    pub name: &'a str,
    /// What it says.
    pub document: &'a PolicyDocument,
}

/// What a resource policy is attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ResourceKind {
    /// A bucket: inside the account, this policy or the caller's own policies are enough.
    Bucket,
    /// A KMS key: its policy must allow, or hand the decision to the account.
    KmsKey,
    /// A role: its trust policy must allow, or hand the decision to the account.
    RoleTrust,
    /// Anything else; decided as for buckets.
    Other,
}

impl ResourceKind {
    /// Whether nothing but the resource's own policy opens it, even inside the account.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics.html>
    pub(crate) fn must_allow(self) -> bool {
        matches!(self, Self::KmsKey | Self::RoleTrust)
    }
}

impl fmt::Display for ResourceKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Bucket => "bucket policy",
            Self::KmsKey => "key policy",
            Self::RoleTrust => "trust policy",
            Self::Other => "resource policy",
        })
    }
}
