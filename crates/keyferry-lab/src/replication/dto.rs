//! Between the configuration and s3s's types.

use s3s::dto;

use super::configuration::{
    Destination, ReplicationConfiguration, ReplicationRule, RuleFilter, RuleVersion,
};
use super::validation::ConfigurationError;
use crate::store::{Tag, random_uuid};

const BUCKET_ARN: &str = "arn:aws:s3:::";
const ENABLED: &str = "Enabled";
const DISABLED: &str = "Disabled";

impl ReplicationConfiguration {
    /// From a parsed request. Gives ids to rules that have none, as S3 does.
    pub(crate) fn from_dto(
        dto: &dto::ReplicationConfiguration,
    ) -> Result<Self, ConfigurationError> {
        let rules = dto.rules.iter().map(rule_from).collect::<Result<_, _>>()?;
        Ok(Self {
            role: dto.role.clone(),
            rules,
        })
    }

    /// For GetBucketReplication.
    pub(crate) fn to_dto(&self) -> dto::ReplicationConfiguration {
        dto::ReplicationConfiguration {
            role: self.role.clone(),
            rules: self.rules.iter().map(rule_to).collect(),
        }
    }
}

fn enabled(status: &str, element: &str) -> Result<bool, ConfigurationError> {
    match status {
        ENABLED => Ok(true),
        DISABLED => Ok(false),
        _ => Err(ConfigurationError::malformed(format!(
            "`{status}` is not a status of {element}"
        ))),
    }
}

fn status<T: From<String>>(enabled: bool) -> T {
    T::from((if enabled { ENABLED } else { DISABLED }).to_owned())
}

fn rule_from(dto: &dto::ReplicationRule) -> Result<ReplicationRule, ConfigurationError> {
    let criteria = dto.source_selection_criteria.as_ref();
    Ok(ReplicationRule {
        id: match dto.id.as_deref() {
            None | Some("") => random_uuid(),
            Some(id) => id.to_owned(),
        },
        enabled: enabled(dto.status.as_str(), "Rule")?,
        version: version_from(dto)?,
        destination: destination_from(&dto.destination)?,
        sse_kms_objects: criteria
            .and_then(|criteria| criteria.sse_kms_encrypted_objects.as_ref())
            .map(|kms| enabled(kms.status.as_str(), "SseKmsEncryptedObjects"))
            .transpose()?,
        replica_modifications: criteria
            .and_then(|criteria| criteria.replica_modifications.as_ref())
            .map(|modifications| enabled(modifications.status.as_str(), "ReplicaModifications"))
            .transpose()?,
        existing_objects: dto
            .existing_object_replication
            .as_ref()
            .map(|existing| enabled(existing.status.as_str(), "ExistingObjectReplication"))
            .transpose()?,
    })
}

fn version_from(dto: &dto::ReplicationRule) -> Result<RuleVersion, ConfigurationError> {
    let markers = dto.delete_marker_replication.as_ref();
    let Some(filter) = &dto.filter else {
        if markers.is_some() {
            return Err(ConfigurationError::invalid_request(
                "DeleteMarkerReplication cannot be specified for this version of Cross Region \
                 Replication configuration schema. Please refer to S3 Developer Guide for more \
                 information.",
            ));
        }
        if dto.priority.is_some() {
            return Err(ConfigurationError::invalid_request(
                "Priority cannot be specified for this version of Cross Region Replication \
                 configuration schema. Please refer to S3 Developer Guide for more information.",
            ));
        }
        return match &dto.prefix {
            Some(prefix) => Ok(RuleVersion::V1 {
                prefix: prefix.clone(),
            }),
            None => Err(ConfigurationError::malformed(
                "a rule has neither Filter nor Prefix",
            )),
        };
    };
    if dto.prefix.is_some() {
        return Err(ConfigurationError::malformed(
            "a rule has both Filter and Prefix",
        ));
    }
    let missing = |element| {
        ConfigurationError::invalid_request(format!(
            "{element} must be specified for this version of Cross Region Replication \
             configuration schema. Please refer to S3 Developer Guide for more information."
        ))
    };
    let markers = markers.ok_or_else(|| missing("DeleteMarkerReplication"))?;
    Ok(RuleVersion::V2 {
        filter: filter_from(filter)?,
        priority: dto.priority.ok_or_else(|| missing("Priority"))?,
        delete_markers: match &markers.status {
            None => false,
            Some(status) => enabled(status.as_str(), "DeleteMarkerReplication")?,
        },
    })
}

fn filter_from(dto: &dto::ReplicationRuleFilter) -> Result<RuleFilter, ConfigurationError> {
    match (&dto.prefix, &dto.tag, &dto.and) {
        (None, None, None) => Ok(RuleFilter::Everything),
        (Some(prefix), None, None) => Ok(RuleFilter::Prefix(prefix.clone())),
        (None, Some(tag), None) => Ok(RuleFilter::Tag(tag_from(tag)?)),
        (None, None, Some(and)) => Ok(RuleFilter::And {
            prefix: and.prefix.clone(),
            tags: and
                .tags
                .iter()
                .flatten()
                .map(tag_from)
                .collect::<Result<_, _>>()?,
        }),
        _ => Err(ConfigurationError::malformed(
            "a filter has more than one of Prefix, Tag and And",
        )),
    }
}

fn tag_from(dto: &dto::Tag) -> Result<Tag, ConfigurationError> {
    match (&dto.key, &dto.value) {
        (Some(key), Some(value)) => Ok(Tag {
            key: key.clone(),
            value: value.clone(),
        }),
        _ => Err(ConfigurationError::malformed("a tag lacks Key or Value")),
    }
}

fn tag_to(tag: &Tag) -> dto::Tag {
    dto::Tag {
        key: Some(tag.key.clone()),
        value: Some(tag.value.clone()),
    }
}

fn destination_from(dto: &dto::Destination) -> Result<Destination, ConfigurationError> {
    let bucket = dto.bucket.strip_prefix(BUCKET_ARN).ok_or_else(|| {
        ConfigurationError::invalid_argument(format!("`{}` is not the ARN of a bucket", dto.bucket))
    })?;
    Ok(Destination {
        bucket: bucket.to_owned(),
        account: dto.account.clone(),
        owner_is_destination: dto.access_control_translation.is_some(),
        storage_class: dto
            .storage_class
            .as_ref()
            .map(|class| class.as_str().to_owned()),
        replica_kms_key: dto
            .encryption_configuration
            .as_ref()
            .and_then(|encryption| encryption.replica_kms_key_id.clone()),
        replication_time: dto
            .replication_time
            .as_ref()
            .map(|time| {
                Ok::<_, ConfigurationError>((
                    enabled(time.status.as_str(), "ReplicationTime")?,
                    time.time.minutes,
                ))
            })
            .transpose()?,
        metrics: dto
            .metrics
            .as_ref()
            .map(|metrics| {
                let threshold = metrics.event_threshold.as_ref();
                Ok::<_, ConfigurationError>((
                    enabled(metrics.status.as_str(), "Metrics")?,
                    threshold.and_then(|threshold| threshold.minutes),
                ))
            })
            .transpose()?,
    })
}

fn rule_to(rule: &ReplicationRule) -> dto::ReplicationRule {
    let (prefix, filter, priority, markers) = match &rule.version {
        RuleVersion::V1 { prefix } => (Some(prefix.clone()), None, None, None),
        RuleVersion::V2 {
            filter,
            priority,
            delete_markers,
        } => (
            None,
            Some(filter_to(filter)),
            Some(*priority),
            Some(dto::DeleteMarkerReplication {
                status: Some(status(*delete_markers)),
            }),
        ),
    };
    let has_criteria = rule.sse_kms_objects.is_some() || rule.replica_modifications.is_some();
    dto::ReplicationRule {
        delete_marker_replication: markers,
        destination: destination_to(&rule.destination),
        existing_object_replication: rule.existing_objects.map(|enabled| {
            dto::ExistingObjectReplication {
                status: status(enabled),
            }
        }),
        filter,
        id: Some(rule.id.clone()),
        prefix,
        priority,
        source_selection_criteria: has_criteria.then(|| dto::SourceSelectionCriteria {
            replica_modifications: rule.replica_modifications.map(|enabled| {
                dto::ReplicaModifications {
                    status: status(enabled),
                }
            }),
            sse_kms_encrypted_objects: rule.sse_kms_objects.map(|enabled| {
                dto::SseKmsEncryptedObjects {
                    status: status(enabled),
                }
            }),
        }),
        status: status(rule.enabled),
    }
}

fn filter_to(filter: &RuleFilter) -> dto::ReplicationRuleFilter {
    let mut dto = dto::ReplicationRuleFilter::default();
    match filter {
        RuleFilter::Everything => {}
        RuleFilter::Prefix(prefix) => dto.prefix = Some(prefix.clone()),
        RuleFilter::Tag(tag) => dto.tag = Some(tag_to(tag)),
        RuleFilter::And { prefix, tags } => {
            dto.and = Some(dto::ReplicationRuleAndOperator {
                prefix: prefix.clone(),
                tags: Some(tags.iter().map(tag_to).collect()),
            });
        }
    }
    dto
}

fn destination_to(destination: &Destination) -> dto::Destination {
    let minutes = |minutes| dto::ReplicationTimeValue { minutes };
    dto::Destination {
        access_control_translation: destination.owner_is_destination.then(|| {
            dto::AccessControlTranslation {
                owner: dto::OwnerOverride::from_static(dto::OwnerOverride::DESTINATION),
            }
        }),
        account: destination.account.clone(),
        bucket: format!("{BUCKET_ARN}{}", destination.bucket),
        encryption_configuration: destination.replica_kms_key.clone().map(|key| {
            dto::EncryptionConfiguration {
                replica_kms_key_id: Some(key),
            }
        }),
        metrics: destination
            .metrics
            .map(|(enabled, threshold)| dto::Metrics {
                event_threshold: threshold.map(|threshold| minutes(Some(threshold))),
                status: status(enabled),
            }),
        replication_time: destination.replication_time.map(|(enabled, time)| {
            dto::ReplicationTime {
                status: status(enabled),
                time: minutes(time),
            }
        }),
        storage_class: destination
            .storage_class
            .clone()
            .map(dto::StorageClass::from),
    }
}
