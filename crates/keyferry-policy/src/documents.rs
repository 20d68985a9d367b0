//! What AWS must be given for a flow, as typed data that serialises to the exact JSON.
//!
//! The statements follow AWS's page on permissions for live replication:
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html>.
//! Objects under SSE-C need no permission beyond those of SSE-S3, since S3 moves them without opening
//! them: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html>.

mod encryption;
mod policy;
mod replication;

pub use encryption::{
    BlockedEncryptionTypes, BlockedType, DefaultEncryption, EncryptionConfiguration, EncryptionRule,
};
pub use policy::{Effect, PolicyDocument, Principal, Statement};
pub use replication::{
    DeleteMarkerReplication, Destination, Filter, ReplicaModifications, ReplicationConfiguration,
    Rule, SourceSelectionCriteria, Status,
};

use crate::{Encryption, Flow};

/// The trust policy of a replication role: S3 may act as it.
#[must_use]
pub fn trust_policy() -> PolicyDocument {
    PolicyDocument::new(vec![Statement {
        principal: Some(Principal::Service(vec!["s3.amazonaws.com".to_owned()])),
        ..Statement::allow("S3MayAssumeThisRole", &["sts:AssumeRole"], vec![])
    }])
}

/// The permission policy of a flow's role.
#[must_use]
pub fn permission_policy(flow: &Flow<'_>) -> PolicyDocument {
    PolicyDocument::new(vec![
        Statement::allow(
            "ReadSourceConfiguration",
            &["s3:GetReplicationConfiguration", "s3:ListBucket"],
            vec![flow.source.bucket_arn()],
        ),
        Statement::allow(
            "ReadSourceVersions",
            &[
                "s3:GetObjectVersionForReplication",
                "s3:GetObjectVersionAcl",
                "s3:GetObjectVersionTagging",
            ],
            vec![flow.source.objects_arn()],
        ),
        Statement::allow(
            "WriteReplicas",
            &[
                "s3:ReplicateObject",
                "s3:ReplicateDelete",
                "s3:ReplicateTags",
            ],
            vec![flow.destination.objects_arn()],
        ),
    ])
}

/// The replication configuration of a flow's source bucket: one rule for all objects.
#[must_use]
pub fn replication_configuration(flow: &Flow<'_>) -> ReplicationConfiguration {
    ReplicationConfiguration {
        role: flow.role_arn(),
        rules: vec![Rule {
            id: format!("to-{}", flow.destination.bucket),
            priority: 1,
            status: Status::Enabled,
            filter: Filter {
                prefix: String::new(),
            },
            delete_marker_replication: DeleteMarkerReplication {
                status: Status::Enabled,
            },
            // Two-way replication wants changes of metadata on replicas carried back.
            source_selection_criteria: flow.both_ways.then_some(SourceSelectionCriteria {
                replica_modifications: ReplicaModifications {
                    status: Status::Enabled,
                },
            }),
            destination: Destination {
                bucket: flow.destination.bucket_arn(),
            },
        }],
    }
}

/// The encryption configuration of a bucket. For SSE-C it lifts the block that buckets made since
/// April 2026 have: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/blocking-unblocking-s3-c-encryption-gpb.html>.
#[must_use]
pub fn encryption_configuration(encryption: Encryption) -> EncryptionConfiguration {
    EncryptionConfiguration::sse_s3(match encryption {
        Encryption::SseS3 => BlockedType::SseC,
        Encryption::SseC => BlockedType::None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{ReplicationPlan, Site};

    fn plan() -> ReplicationPlan {
        let site = |bucket: &str, region: &str| Site {
            bucket: bucket.parse().unwrap(),
            region: region.parse().unwrap(),
            encryption: Encryption::SseC,
        };
        ReplicationPlan::new(
            "111122223333".parse().unwrap(),
            site("tokyo", "ap-northeast-1"),
            site("osaka", "ap-northeast-3"),
        )
        .unwrap()
    }

    #[test]
    fn trust_policy_has_the_shape_iam_takes() {
        assert_eq!(
            serde_json::to_value(trust_policy()).unwrap(),
            json!({"Version": "2012-10-17", "Statement": [{
                "Sid": "S3MayAssumeThisRole",
                "Effect": "Allow",
                "Principal": {"Service": ["s3.amazonaws.com"]},
                "Action": ["sts:AssumeRole"]
            }]})
        );
    }

    #[test]
    fn permission_policy_names_each_bucket_once() {
        let plan = plan();
        let text = serde_json::to_string(&permission_policy(&plan.flows()[0])).unwrap();
        assert_eq!(text.matches("arn:aws:s3:::tokyo\"").count(), 1);
        assert_eq!(text.matches("arn:aws:s3:::tokyo/*").count(), 1);
        assert_eq!(text.matches("arn:aws:s3:::osaka/*").count(), 1);
        assert!(!text.contains("Principal"), "{text}");
    }

    #[test]
    fn replication_configuration_has_the_shape_the_cli_takes() {
        let plan = plan();
        assert_eq!(
            serde_json::to_value(replication_configuration(&plan.flows()[0])).unwrap(),
            json!({"Role": "arn:aws:iam::111122223333:role/s3-replication-tokyo", "Rules": [{
                "ID": "to-osaka",
                "Priority": 1,
                "Status": "Enabled",
                "Filter": {"Prefix": ""},
                "DeleteMarkerReplication": {"Status": "Enabled"},
                "Destination": {"Bucket": "arn:aws:s3:::osaka"}
            }]})
        );
        let both = plan.both_ways();
        let value = serde_json::to_value(replication_configuration(&both.flows()[1])).unwrap();
        assert_eq!(
            value["Rules"][0]["SourceSelectionCriteria"],
            json!({"ReplicaModifications": {"Status": "Enabled"}})
        );
        assert_eq!(
            value["Rules"][0]["Destination"]["Bucket"],
            "arn:aws:s3:::tokyo"
        );
    }

    #[test]
    fn encryption_configuration_allows_sse_c_only_where_planned() {
        let blocked = |encryption| {
            let value = serde_json::to_value(encryption_configuration(encryption)).unwrap();
            value["Rules"][0]["BlockedEncryptionTypes"]["EncryptionType"].clone()
        };
        assert_eq!(blocked(Encryption::SseC), json!(["NONE"]));
        assert_eq!(blocked(Encryption::SseS3), json!(["SSE-C"]));
    }
}
