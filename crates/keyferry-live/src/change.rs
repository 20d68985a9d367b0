//! One thing to change.

use std::fmt;

use keyferry_policy::{AccountId, BucketName, KmsKeyArn, Region, RoleArn};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use crate::content::Content;

/// What is changed. The order is that in which changes are made: what others name comes first, and
/// what sets replication going comes last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// A bucket is made.
    Bucket,
    /// Versioning is switched on.
    Versioning,
    /// Default encryption, and what is refused.
    Encryption,
    /// Who owns the objects.
    Ownership,
    /// A role is made, or its trust policy changed.
    Trust,
    /// The role's permissions.
    RolePolicy,
    /// The key policy.
    KeyPolicy,
    /// The bucket policy.
    BucketPolicy,
    /// The replication configuration.
    Replication,
}

/// What is changed on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A bucket.
    Bucket(BucketName),
    /// A role.
    Role(RoleArn),
    /// A KMS key.
    Key(KmsKeyArn),
}

/// One thing to change.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// What is changed.
    pub kind: ChangeKind,
    /// On what.
    pub subject: Subject,
    /// Whose it is.
    pub account: AccountId,
    /// Where; for roles, the region of their source bucket.
    pub region: Region,
    /// What it has now; `None` for nothing.
    pub before: Option<Content>,
    /// What it gets.
    pub after: Content,
    /// Whether the bucket is made in the same run, so that what it has now follows from that.
    pub(crate) on_new: bool,
}

impl ChangeKind {
    /// What a person calls it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Bucket => "bucket",
            Self::Versioning => "versioning",
            Self::Encryption => "encryption configuration",
            Self::Ownership => "object ownership",
            Self::Trust => "trust policy",
            Self::RolePolicy => "permission policy",
            Self::KeyPolicy => "key policy",
            Self::BucketPolicy => "bucket policy",
            Self::Replication => "replication configuration",
        }
    }
}

impl Subject {
    /// The bucket's name, the role's or key's ARN.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Bucket(bucket) => bucket.to_string(),
            Self::Role(role) => role.to_string(),
            Self::Key(key) => key.to_string(),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bucket(bucket) => write!(formatter, "bucket {bucket}"),
            Self::Role(role) => write!(formatter, "role {}", role.role_name()),
            Self::Key(key) => write!(formatter, "key {}", key.key_id()),
        }
    }
}

impl fmt::Display for Change {
    /// `create bucket tokyo`, `create the bucket policy of bucket tokyo`, `change the ...`
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = self.kind.title();
        match (self.kind, &self.before) {
            (ChangeKind::Bucket, _) => write!(formatter, "create {}", self.subject),
            (ChangeKind::Trust, None) => {
                write!(formatter, "create {} with its trust policy", self.subject)
            }
            (_, None) => write!(formatter, "set the {title} of {}", self.subject),
            (_, Some(_)) => write!(formatter, "change the {title} of {}", self.subject),
        }?;
        write!(formatter, " ({}, account {})", self.region, self.account)
    }
}

impl Serialize for Change {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("change", &self.kind)?;
        map.serialize_entry("subject", &self.subject.name())?;
        map.serialize_entry("account", self.account.as_str())?;
        map.serialize_entry("region", self.region.as_str())?;
        map.serialize_entry("before", &self.before)?;
        map.serialize_entry("after", &self.after)?;
        map.end()
    }
}
