//! Replication configuration, version 2.
//!
//! Elements: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-add-config.html>.
//! Reading also takes version 1, which has no `Filter`.

mod rule;

pub use rule::{
    AccessControlTranslation, AndFilter, DeleteMarkerReplication, Destination,
    EncryptionConfigurationOfReplicas, Filter, Metrics, Minutes, OwnerOverride, ReplicationTime,
    Rule, SourceSelectionCriteria, Status, Switch, Tag,
};

use serde::{Deserialize, Serialize};

use crate::plan::PlannedFlow;

/// What `aws s3api put-bucket-replication --replication-configuration` takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReplicationConfiguration {
    /// ARN of the role that S3 acts as.
    pub role: String,
    /// What replicates where.
    pub rules: Vec<Rule>,
}

impl ReplicationConfiguration {
    /// The configuration of a source bucket: one rule for each flow out of it. `None` without flows.
    #[must_use]
    pub fn of(flows: &[PlannedFlow<'_>]) -> Option<Self> {
        let role = flows.first()?.role_arn().to_string();
        let rules = flows.iter().map(Rule::of).collect();
        Some(Self { role, rules })
    }
}

impl Rule {
    fn of(flow: &PlannedFlow<'_>) -> Self {
        let on = |on| Switch {
            status: Status::from(on),
        };
        let kms = flow.source.encryption.kind().uses_kms();
        let criteria = SourceSelectionCriteria {
            sse_kms_encrypted_objects: kms.then(|| on(true)),
            // Two-way replication wants changes of metadata on replicas carried back.
            replica_modifications: flow.both_ways.then(|| on(true)),
        };
        let override_owner = flow.owner_override();
        let fifteen = Minutes { minutes: 15 };
        Self {
            id: Some(flow.rule_id()),
            priority: i32::try_from(flow.ordinal).ok(),
            status: Status::Enabled,
            prefix: None,
            filter: Some(Filter::of(&flow.settings.prefix, &flow.settings.tags)),
            delete_marker_replication: Some(DeleteMarkerReplication {
                status: Status::from(flow.delete_markers()),
            }),
            source_selection_criteria: (criteria != SourceSelectionCriteria::default())
                .then_some(criteria),
            destination: Destination {
                bucket: flow.destination.bucket_arn(),
                account: override_owner.then(|| flow.destination.account.to_string()),
                storage_class: flow
                    .settings
                    .storage_class
                    .map(|class| class.as_str().to_owned()),
                access_control_translation: override_owner.then_some(AccessControlTranslation {
                    owner: OwnerOverride::Destination,
                }),
                encryption_configuration: flow
                    .destination
                    .encryption
                    .kms_key()
                    .filter(|_| kms)
                    .map(|key| EncryptionConfigurationOfReplicas {
                        replica_kms_key: Some(key.to_string()),
                    }),
                replication_time: flow.settings.time_control.then_some(ReplicationTime {
                    status: Status::Enabled,
                    time: fifteen,
                }),
                metrics: flow.settings.time_control.then_some(Metrics {
                    status: Status::Enabled,
                    event_threshold: Some(fifteen),
                }),
            },
        }
    }
}
