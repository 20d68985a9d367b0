//! One rule, as S3 spells it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One replication rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Rule {
    /// Its name.
    #[serde(rename = "ID", default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Decides between rules with one destination; the higher wins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// Whether the rule is in force.
    pub status: Status,
    /// Beginning of the keys, in version 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Which objects; what makes a rule one of version 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Filter>,
    /// Whether delete markers replicate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_marker_replication: Option<DeleteMarkerReplication>,
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

impl From<bool> for Status {
    fn from(on: bool) -> Self {
        if on { Self::Enabled } else { Self::Disabled }
    }
}

impl Status {
    /// The name as S3 writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "Enabled",
            Self::Disabled => "Disabled",
        }
    }
}

/// An element that holds nothing but a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Switch {
    /// On or off.
    pub status: Status,
}

/// Which objects a rule covers: a prefix, a tag, or several of these at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Filter {
    /// Beginning of the keys; empty for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// One tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<Tag>,
    /// More than one thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub and: Option<AndFilter>,
}

/// All of these.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AndFilter {
    /// Beginning of the keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
}

/// A tag of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tag {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
}

impl Filter {
    pub(super) fn of(prefix: &str, tags: &BTreeMap<String, String>) -> Self {
        let mut tags: Vec<Tag> = tags
            .iter()
            .map(|(key, value)| Tag {
                key: key.clone(),
                value: value.clone(),
            })
            .collect();
        if tags.is_empty() {
            return Self {
                prefix: Some(prefix.to_owned()),
                ..Self::default()
            };
        }
        if prefix.is_empty() && tags.len() == 1 {
            return Self {
                tag: tags.pop(),
                ..Self::default()
            };
        }
        Self {
            and: Some(AndFilter {
                prefix: (!prefix.is_empty()).then(|| prefix.to_owned()),
                tags,
            }),
            ..Self::default()
        }
    }

    /// Whether it asks for tags.
    #[must_use]
    pub fn has_tags(&self) -> bool {
        self.tag.is_some() || self.and.as_ref().is_some_and(|and| !and.tags.is_empty())
    }

    /// The prefix it asks for; empty for all keys.
    #[must_use]
    pub fn key_prefix(&self) -> &str {
        let and = || self.and.as_ref().and_then(|and| and.prefix.as_deref());
        self.prefix.as_deref().or_else(and).unwrap_or_default()
    }
}

/// Whether delete markers replicate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteMarkerReplication {
    /// On or off.
    pub status: Status,
}

/// What else replicates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SourceSelectionCriteria {
    /// Whether objects under SSE-KMS and DSSE-KMS replicate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sse_kms_encrypted_objects: Option<Switch>,
    /// Whether changes of a replica's metadata replicate back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replica_modifications: Option<Switch>,
}

/// Where replicas go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Destination {
    /// ARN of the destination bucket.
    pub bucket: String,
    /// The account that owns it; with `AccessControlTranslation` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Storage class of the replicas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<String>,
    /// Who owns the replicas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_control_translation: Option<AccessControlTranslation>,
    /// Which key encrypts the replicas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption_configuration: Option<EncryptionConfigurationOfReplicas>,
    /// Replication Time Control.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replication_time: Option<ReplicationTime>,
    /// Replication metrics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Metrics>,
}

impl Destination {
    /// Name of the bucket.
    #[must_use]
    pub fn bucket_name(&self) -> &str {
        self.bucket
            .rsplit_once(":::")
            .map_or(self.bucket.as_str(), |(_, name)| name)
    }
}

/// Who owns the replicas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccessControlTranslation {
    /// The destination bucket's owner.
    pub owner: OwnerOverride,
}

/// The one owner that S3 can hand replicas to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OwnerOverride {
    /// The destination bucket's.
    Destination,
}

/// The KMS key of the replicas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncryptionConfigurationOfReplicas {
    /// The key's ARN.
    #[serde(
        rename = "ReplicaKmsKeyID",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub replica_kms_key: Option<String>,
}

/// Replication Time Control.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReplicationTime {
    /// On or off.
    pub status: Status,
    /// How soon; only 15 minutes can be had.
    pub time: Minutes,
}

/// Replication metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Metrics {
    /// On or off.
    pub status: Status,
    /// When S3 sends an event that replication is late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_threshold: Option<Minutes>,
}

/// A number of minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Minutes {
    /// The number.
    pub minutes: i32,
}
