//! A bucket's replication configuration, typed.

use serde::{Deserialize, Serialize};

use crate::store::Tag;

/// `ReplicationConfiguration`. From and to s3s's type:
/// [`from_dto`](Self::from_dto) and [`to_dto`](Self::to_dto).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReplicationConfiguration {
    /// ARN of the role S3 assumes.
    pub(crate) role: String,
    pub(crate) rules: Vec<ReplicationRule>,
}

/// `Rule`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReplicationRule {
    /// Given by S3 where the request has none.
    pub(crate) id: String,
    pub(crate) enabled: bool,
    pub(crate) version: RuleVersion,
    pub(crate) destination: Destination,
    /// `SourceSelectionCriteria/SseKmsEncryptedObjects` is `Enabled`; `None` when absent.
    pub(crate) sse_kms_objects: Option<bool>,
    /// `SourceSelectionCriteria/ReplicaModifications` is `Enabled`; `None` when absent.
    pub(crate) replica_modifications: Option<bool>,
    /// `ExistingObjectReplication` is `Enabled`; kept and given back.
    pub(crate) existing_objects: Option<bool>,
}

/// The two schema versions: a rule with `Filter` is V2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RuleVersion {
    /// Prefix only; delete markers replicate (`S3-REPL-7`).
    V1 { prefix: String },
    /// With filter and priority; delete markers replicate where enabled.
    V2 {
        filter: RuleFilter,
        priority: i32,
        delete_markers: bool,
    },
}

/// `Filter`, in the shape it was given, so that it is given back alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RuleFilter {
    /// `<Filter/>`
    Everything,
    Prefix(String),
    Tag(Tag),
    And {
        prefix: Option<String>,
        tags: Vec<Tag>,
    },
}

/// `Destination`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Destination {
    /// Bucket name, without `arn:aws:s3:::`.
    pub(crate) bucket: String,
    pub(crate) account: Option<String>,
    /// `AccessControlTranslation/Owner` is `Destination`.
    pub(crate) owner_is_destination: bool,
    pub(crate) storage_class: Option<String>,
    /// `EncryptionConfiguration/ReplicaKmsKeyID`.
    pub(crate) replica_kms_key: Option<String>,
    /// `ReplicationTime` with its minutes; kept and given back.
    pub(crate) replication_time: Option<(bool, Option<i32>)>,
    /// `Metrics` with its threshold in minutes; kept and given back.
    pub(crate) metrics: Option<(bool, Option<i32>)>,
}

impl ReplicationRule {
    /// The prefix a key must have; empty for any.
    pub(crate) fn prefix(&self) -> &str {
        match &self.version {
            RuleVersion::V1 { prefix } => prefix,
            RuleVersion::V2 { filter, .. } => match filter {
                RuleFilter::Prefix(prefix) => prefix,
                RuleFilter::And {
                    prefix: Some(prefix),
                    ..
                } => prefix,
                RuleFilter::Everything | RuleFilter::Tag(_) | RuleFilter::And { .. } => "",
            },
        }
    }

    /// The tags an object must have, all of them.
    pub(crate) fn tags(&self) -> &[Tag] {
        match &self.version {
            RuleVersion::V2 {
                filter: RuleFilter::Tag(tag),
                ..
            } => std::slice::from_ref(tag),
            RuleVersion::V2 {
                filter: RuleFilter::And { tags, .. },
                ..
            } => tags,
            RuleVersion::V1 { .. } | RuleVersion::V2 { .. } => &[],
        }
    }

    /// Rules of a higher priority win where several name one destination. V1 has none.
    pub(crate) fn priority(&self) -> i32 {
        match &self.version {
            RuleVersion::V1 { .. } => 0,
            RuleVersion::V2 { priority, .. } => *priority,
        }
    }

    /// Whether delete markers replicate (`S3-REPL-7`).
    pub(crate) fn replicates_delete_markers(&self) -> bool {
        match &self.version {
            RuleVersion::V1 { .. } => true,
            RuleVersion::V2 { delete_markers, .. } => *delete_markers,
        }
    }
}
