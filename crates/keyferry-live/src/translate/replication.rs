//! Replication configurations.

use aws_sdk_s3::types as s3;
use keyferry_policy::documents::{
    AccessControlTranslation, AndFilter, DeleteMarkerReplication, Destination,
    EncryptionConfigurationOfReplicas, Filter, Metrics, Minutes, OwnerOverride,
    ReplicationConfiguration, ReplicationTime, Rule, SourceSelectionCriteria, Status, Switch, Tag,
};

use super::incomplete;
use crate::service_error::ServiceError;

/// For the SDK. A rule that `live` has in the same words is taken from there as it is, with whatever
/// it may have beyond what the policy core knows.
pub(crate) fn replication_to_sdk(
    document: &ReplicationConfiguration,
    live: Option<&s3::ReplicationConfiguration>,
) -> Result<s3::ReplicationConfiguration, ServiceError> {
    let live_rules = live.map(s3::ReplicationConfiguration::rules);
    let rules = document.rules.iter().map(|rule| {
        let mut untouched = live_rules.unwrap_or_default().iter();
        match untouched.find(|live| rule_from_sdk(live).as_ref() == Some(rule)) {
            Some(live) => Ok(live.clone()),
            None => rule_to_sdk(rule),
        }
    });
    s3::ReplicationConfiguration::builder()
        .role(&document.role)
        .set_rules(Some(rules.collect::<Result<_, _>>()?))
        .build()
        .map_err(incomplete)
}

fn rule_to_sdk(rule: &Rule) -> Result<s3::ReplicationRule, ServiceError> {
    let markers = rule.delete_marker_replication.as_ref().map(|markers| {
        s3::DeleteMarkerReplication::builder()
            .status(markers.status.as_str().into())
            .build()
    });
    let criteria = rule.source_selection_criteria.as_ref();
    s3::ReplicationRule::builder()
        .set_id(rule.id.clone())
        .set_priority(rule.priority)
        .status(rule.status.as_str().into())
        .set_filter(rule.filter.as_ref().map(filter_to_sdk).transpose()?)
        .set_delete_marker_replication(markers)
        .set_source_selection_criteria(criteria.map(criteria_to_sdk).transpose()?)
        .destination(destination_to_sdk(&rule.destination)?)
        .build()
        .map(|mut built| {
            // Deprecated in the SDK, and all that a rule of version 1 has.
            #[expect(deprecated, reason = "rules of version 1 are carried along")]
            {
                built.prefix.clone_from(&rule.prefix);
            }
            built
        })
        .map_err(incomplete)
}

fn filter_to_sdk(filter: &Filter) -> Result<s3::ReplicationRuleFilter, ServiceError> {
    let tag = |tag: &Tag| {
        s3::Tag::builder()
            .key(&tag.key)
            .value(&tag.value)
            .build()
            .map_err(incomplete)
    };
    let and = filter.and.as_ref().map(|and| {
        let tags = and.tags.iter().map(tag).collect::<Result<Vec<_>, _>>()?;
        Ok::<_, ServiceError>(
            s3::ReplicationRuleAndOperator::builder()
                .set_prefix(and.prefix.clone())
                .set_tags(Some(tags))
                .build(),
        )
    });
    Ok(s3::ReplicationRuleFilter::builder()
        .set_prefix(filter.prefix.clone())
        .set_tag(filter.tag.as_ref().map(tag).transpose()?)
        .set_and(and.transpose()?)
        .build())
}

fn criteria_to_sdk(
    criteria: &SourceSelectionCriteria,
) -> Result<s3::SourceSelectionCriteria, ServiceError> {
    let kms = criteria.sse_kms_encrypted_objects.map(|switch| {
        s3::SseKmsEncryptedObjects::builder()
            .status(switch.status.as_str().into())
            .build()
            .map_err(incomplete)
    });
    let modifications = criteria.replica_modifications.map(|switch| {
        s3::ReplicaModifications::builder()
            .status(switch.status.as_str().into())
            .build()
            .map_err(incomplete)
    });
    Ok(s3::SourceSelectionCriteria::builder()
        .set_sse_kms_encrypted_objects(kms.transpose()?)
        .set_replica_modifications(modifications.transpose()?)
        .build())
}

fn destination_to_sdk(destination: &Destination) -> Result<s3::Destination, ServiceError> {
    let minutes = |minutes: Minutes| {
        s3::ReplicationTimeValue::builder()
            .minutes(minutes.minutes)
            .build()
    };
    let translation = destination.access_control_translation.map(|_| {
        s3::AccessControlTranslation::builder()
            .owner(s3::OwnerOverride::Destination)
            .build()
            .map_err(incomplete)
    });
    let time = destination.replication_time.map(|time| {
        s3::ReplicationTime::builder()
            .status(time.status.as_str().into())
            .time(minutes(time.time))
            .build()
            .map_err(incomplete)
    });
    let metrics = destination.metrics.map(|metrics| {
        s3::Metrics::builder()
            .status(metrics.status.as_str().into())
            .set_event_threshold(metrics.event_threshold.map(minutes))
            .build()
            .map_err(incomplete)
    });
    let encryption = destination.encryption_configuration.as_ref().map(|wanted| {
        s3::EncryptionConfiguration::builder()
            .set_replica_kms_key_id(wanted.replica_kms_key.clone())
            .build()
    });
    let class = destination.storage_class.as_deref();
    s3::Destination::builder()
        .bucket(&destination.bucket)
        .set_account(destination.account.clone())
        .set_storage_class(class.map(s3::StorageClass::from))
        .set_access_control_translation(translation.transpose()?)
        .set_encryption_configuration(encryption)
        .set_replication_time(time.transpose()?)
        .set_metrics(metrics.transpose()?)
        .build()
        .map_err(incomplete)
}

/// From the SDK; `None` for what the policy core cannot say.
pub(crate) fn replication_from_sdk(
    configuration: &s3::ReplicationConfiguration,
) -> Option<ReplicationConfiguration> {
    let rules = configuration.rules().iter().map(rule_from_sdk);
    Some(ReplicationConfiguration {
        role: configuration.role().to_owned(),
        rules: rules.collect::<Option<_>>()?,
    })
}

fn status(text: &str) -> Option<Status> {
    [Status::Enabled, Status::Disabled]
        .into_iter()
        .find(|status| status.as_str() == text)
}

fn switch(text: &str) -> Option<Switch> {
    Some(Switch {
        status: status(text)?,
    })
}

fn rule_from_sdk(rule: &s3::ReplicationRule) -> Option<Rule> {
    #[expect(deprecated, reason = "what a rule of version 1 has")]
    let prefix = rule.prefix();
    let markers = rule.delete_marker_replication().map(|markers| {
        let given = markers
            .status()
            .map_or("Disabled", |status| status.as_str());
        Some(DeleteMarkerReplication {
            status: status(given)?,
        })
    });
    let criteria = rule.source_selection_criteria().map(|criteria| {
        let kms = criteria.sse_kms_encrypted_objects();
        let modifications = criteria.replica_modifications();
        Some(SourceSelectionCriteria {
            sse_kms_encrypted_objects: match kms {
                Some(kms) => Some(switch(kms.status().as_str())?),
                None => None,
            },
            replica_modifications: match modifications {
                Some(modifications) => Some(switch(modifications.status().as_str())?),
                None => None,
            },
        })
    });
    Some(Rule {
        id: rule.id().map(str::to_owned),
        priority: rule.priority(),
        status: status(rule.status().as_str())?,
        prefix: prefix.map(str::to_owned),
        filter: rule.filter().map(filter_from_sdk),
        delete_marker_replication: inside_out(markers)?,
        source_selection_criteria: inside_out(criteria)?
            .filter(|criteria| *criteria != SourceSelectionCriteria::default()),
        destination: destination_from_sdk(rule.destination()?)?,
    })
}

/// `Some(None)` is what could not be said.
fn inside_out<T>(value: Option<Option<T>>) -> Option<Option<T>> {
    match value {
        Some(None) => None,
        Some(Some(value)) => Some(Some(value)),
        None => Some(None),
    }
}

fn filter_from_sdk(filter: &s3::ReplicationRuleFilter) -> Filter {
    let tag = |tag: &s3::Tag| Tag {
        key: tag.key().to_owned(),
        value: tag.value().to_owned(),
    };
    let and = filter.and().map(|and| AndFilter {
        prefix: and.prefix().map(str::to_owned),
        tags: and.tags().iter().map(tag).collect(),
    });
    let given = filter.prefix().map(str::to_owned);
    let nothing = filter.tag().is_none() && and.is_none() && given.is_none();
    Filter {
        // An empty filter and an empty prefix are the same.
        prefix: if nothing { Some(String::new()) } else { given },
        tag: filter.tag().map(tag),
        and,
    }
}

fn destination_from_sdk(destination: &s3::Destination) -> Option<Destination> {
    let minutes = |value: &s3::ReplicationTimeValue| Minutes {
        minutes: value.minutes().unwrap_or_default(),
    };
    let time = destination.replication_time().map(|time| {
        Some(ReplicationTime {
            status: status(time.status().as_str())?,
            time: minutes(time.time()?),
        })
    });
    let metrics = destination.metrics().map(|metrics| {
        Some(Metrics {
            status: status(metrics.status().as_str())?,
            event_threshold: metrics.event_threshold().map(minutes),
        })
    });
    let class = destination.storage_class();
    let translation = destination.access_control_translation();
    let encryption = destination.encryption_configuration();
    Some(Destination {
        bucket: destination.bucket().to_owned(),
        account: destination.account().map(str::to_owned),
        storage_class: class.map(|class| class.as_str().to_owned()),
        access_control_translation: translation.map(|_| AccessControlTranslation {
            owner: OwnerOverride::Destination,
        }),
        encryption_configuration: encryption.map(|encryption| EncryptionConfigurationOfReplicas {
            replica_kms_key: encryption.replica_kms_key_id().map(str::to_owned),
        }),
        replication_time: inside_out(time)?,
        metrics: inside_out(metrics)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyferry_policy::{Encryption, Ownership, ReplicationPlan, Site};

    /// Whatever a plan emits goes to the SDK and comes back.
    #[test]
    fn nothing_is_lost_on_the_way() {
        let key = |region: &str, account: &str| {
            format!("arn:aws:kms:{region}:{account}:key/1234")
                .parse()
                .unwrap()
        };
        let site = |bucket: &str, region: &str, account: &str| Site {
            ownership: Ownership::ObjectWriter,
            ..Site::new(
                bucket.parse().unwrap(),
                region.parse().unwrap(),
                account.parse().unwrap(),
                Encryption::DsseKms {
                    key: key(region, account),
                },
            )
        };
        let plan = ReplicationPlan::between(
            site("tokyo", "ap-northeast-1", "111122223333"),
            site("osaka", "ap-northeast-3", "444455556666"),
            true,
        )
        .unwrap();
        let mut document =
            ReplicationConfiguration::of(&plan.flows_from(&"tokyo".parse().unwrap())).unwrap();
        let mut tagged = document.rules[0].clone();
        tagged.id = Some("tagged".to_owned());
        tagged.filter = Some(Filter {
            and: Some(AndFilter {
                prefix: Some("logs/".to_owned()),
                tags: vec![Tag {
                    key: "a".to_owned(),
                    value: "b".to_owned(),
                }],
            }),
            ..Filter::default()
        });
        tagged.destination.storage_class = Some("GLACIER_IR".to_owned());
        let fifteen = Minutes { minutes: 15 };
        tagged.destination.replication_time = Some(ReplicationTime {
            status: Status::Enabled,
            time: fifteen,
        });
        tagged.destination.metrics = Some(Metrics {
            status: Status::Enabled,
            event_threshold: Some(fifteen),
        });
        document.rules.push(tagged);
        let sdk = replication_to_sdk(&document, None).unwrap();
        assert_eq!(replication_from_sdk(&sdk), Some(document.clone()));

        // What the policy core does not model stays where the rule is not ours to change.
        let mut live = sdk;
        live.rules[0].existing_object_replication = Some(
            s3::ExistingObjectReplication::builder()
                .status(s3::ExistingObjectReplicationStatus::Enabled)
                .build()
                .unwrap(),
        );
        let again = replication_to_sdk(&document, Some(&live)).unwrap();
        assert!(again.rules()[0].existing_object_replication().is_some());
    }
}
