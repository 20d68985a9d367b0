//! Replication configuration, version 2.
//!
//! Elements: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-add-config.html>.

use serde::{Deserialize, Serialize};

/// What `aws s3api put-bucket-replication --replication-configuration` takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReplicationConfiguration {
    /// ARN of the role that S3 acts as.
    pub role: String,
    /// What replicates where.
    pub rules: Vec<Rule>,
}

/// One replication rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Rule {
    /// Its name.
    #[serde(rename = "ID")]
    pub id: String,
    /// Decides between rules with one destination; the higher wins.
    pub priority: i32,
    /// Whether the rule is in force.
    pub status: Status,
    /// Which objects.
    pub filter: Filter,
    /// Whether delete markers replicate.
    pub delete_marker_replication: DeleteMarkerReplication,
    /// Which further objects and changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_selection_criteria: Option<SourceSelectionCriteria>,
    /// Where to.
    pub destination: Destination,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// On.
    Enabled,
    /// Off.
    Disabled,
}

/// Which objects a rule covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Filter {
    /// Beginning of the keys; empty for all.
    pub prefix: String,
}

/// Whether delete markers replicate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteMarkerReplication {
    /// On or off.
    pub status: Status,
}

/// What else replicates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SourceSelectionCriteria {
    /// Whether changes of a replica's metadata replicate back.
    pub replica_modifications: ReplicaModifications,
}

/// Whether changes of a replica's metadata replicate back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReplicaModifications {
    /// On or off.
    pub status: Status,
}

/// Where replicas go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Destination {
    /// ARN of the destination bucket.
    pub bucket: String,
}
