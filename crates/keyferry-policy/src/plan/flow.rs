//! One direction of replication: what is declared, and what it means among the plan's sites.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::site::Site;
use super::{Ownership, Profile};
use crate::{BucketName, RoleArn};

/// A direction, as declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// Where objects are written.
    pub source: BucketName,
    /// Where they arrive.
    pub destination: BucketName,
    /// Beginning of the keys that replicate; empty for all.
    pub prefix: String,
    /// Tags that an object must have to replicate.
    pub tags: BTreeMap<String, String>,
    /// Whether delete markers replicate; by default yes, save with a tag filter, where S3 refuses it.
    pub delete_markers: Option<bool>,
    /// Whether S3 promises 15 minutes: Replication Time Control.
    pub time_control: bool,
    /// Whether replicas go to the destination bucket's owner; by default where that is another
    /// account and ownership is not enforced anyway.
    pub owner_override: Option<bool>,
    /// Storage class of the replicas, where it is not the source's.
    pub storage_class: Option<StorageClass>,
    /// Whether objects that are older than the rule are replicated, by Batch Replication.
    pub existing_objects: Option<ExistingObjects>,
}

/// What Batch Replication needs besides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ExistingObjects {
    /// The bucket that manifests and completion reports go to.
    pub report_bucket: BucketName,
}

/// Storage classes that a replica can have.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Destination.html>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "they are S3's own names")]
pub enum StorageClass {
    Standard,
    ReducedRedundancy,
    StandardIa,
    OnezoneIa,
    IntelligentTiering,
    Glacier,
    DeepArchive,
    GlacierIr,
}

impl StorageClass {
    /// The name as S3 writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "STANDARD",
            Self::ReducedRedundancy => "REDUCED_REDUNDANCY",
            Self::StandardIa => "STANDARD_IA",
            Self::OnezoneIa => "ONEZONE_IA",
            Self::IntelligentTiering => "INTELLIGENT_TIERING",
            Self::Glacier => "GLACIER",
            Self::DeepArchive => "DEEP_ARCHIVE",
            Self::GlacierIr => "GLACIER_IR",
        }
    }
}

impl Flow {
    /// All objects of one bucket to another, with what S3 does by default.
    #[must_use]
    pub fn new(source: BucketName, destination: BucketName) -> Self {
        Self {
            source,
            destination,
            prefix: String::new(),
            tags: BTreeMap::new(),
            delete_markers: None,
            time_control: false,
            owner_override: None,
            storage_class: None,
            existing_objects: None,
        }
    }

    /// The same settings the other way.
    #[must_use]
    pub fn reversed(&self) -> Self {
        Self {
            source: self.destination.clone(),
            destination: self.source.clone(),
            ..self.clone()
        }
    }
}

/// A direction of a checked plan, with its two sites.
#[derive(Debug, Clone, Copy)]
pub struct PlannedFlow<'a> {
    /// Where objects are written.
    pub source: &'a Site,
    /// Where they arrive.
    pub destination: &'a Site,
    /// What is declared for this direction.
    pub settings: &'a Flow,
    /// Whether objects replicate the other way, too.
    pub both_ways: bool,
    /// How much the role is given.
    pub profile: Profile,
    /// The how-manieth flow out of its source this is, from 1.
    pub ordinal: usize,
}

impl PlannedFlow<'_> {
    /// Whether source and destination belong to different accounts.
    #[must_use]
    pub fn crosses_accounts(&self) -> bool {
        self.source.account != self.destination.account
    }

    /// Whether delete markers replicate.
    #[must_use]
    pub fn delete_markers(&self) -> bool {
        self.settings
            .delete_markers
            .unwrap_or(self.settings.tags.is_empty())
    }

    /// Whether replicas are handed to the destination bucket's owner.
    #[must_use]
    pub fn owner_override(&self) -> bool {
        self.settings.owner_override.unwrap_or(
            self.crosses_accounts() && self.destination.ownership != Ownership::BucketOwnerEnforced,
        )
    }

    /// Name of the role that S3 acts as: one for each source bucket, at most 64 characters, as IAM
    /// demands.
    #[must_use]
    pub fn role_name(&self) -> String {
        role_name("s3-replication-", self.source)
    }

    /// ARN of that role.
    #[must_use]
    pub fn role_arn(&self) -> RoleArn {
        RoleArn::new(
            self.source.partition(),
            self.source.account.clone(),
            &self.role_name(),
        )
    }

    /// Name of the role that Batch Operations acts as.
    #[must_use]
    pub fn batch_role_name(&self) -> String {
        fit("s3-batch-replication-", self.source.bucket.as_str())
    }

    /// The name of this direction's rule.
    #[must_use]
    pub fn rule_id(&self) -> String {
        if self.ordinal == 1 {
            format!("to-{}", self.destination.bucket)
        } else {
            format!("to-{}-{}", self.destination.bucket, self.ordinal)
        }
    }
}

impl fmt::Display for PlannedFlow<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} ({}) -> {} ({})",
            self.source.bucket,
            self.source.region,
            self.destination.bucket,
            self.destination.region
        )
    }
}

fn role_name(prefix: &str, source: &Site) -> String {
    match &source.role {
        Some(name) => name.to_string(),
        None => fit(prefix, source.bucket.as_str()),
    }
}

/// Long bucket names are cut, and told apart by a digest of the whole name.
fn fit(prefix: &str, bucket: &str) -> String {
    let name = format!("{prefix}{bucket}");
    if name.len() <= 64 {
        return name;
    }
    let digest = Sha256::digest(bucket.as_bytes());
    let mark: String = digest
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let kept: String = name.chars().take(64 - 1 - mark.len()).collect();
    format!("{kept}-{mark}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_buckets_have_roles_of_their_own() {
        let first = fit("s3-replication-", &format!("{}-a", "x".repeat(61)));
        let second = fit("s3-replication-", &format!("{}-b", "x".repeat(61)));
        assert_eq!(first.len(), 64);
        assert_ne!(first, second);
        assert_eq!(fit("s3-replication-", "tokyo"), "s3-replication-tokyo");
    }
}
