use super::*;
use crate::documents::Kind;
use crate::iam::{Attached, Policies, PolicyDocument, ResourceKind, ResourcePolicy, evaluate};
use crate::plan::Profile;
use crate::plan::{EncryptionKind, Flow};
use crate::{Documents, Ownership, ReplicationPlan, Site};

fn plan(
    kind: EncryptionKind,
    bucket_key: BucketKey,
    cross: bool,
    profile: Profile,
) -> ReplicationPlan {
    let site = |bucket: &str, region: &str, account: &str| {
        let key =
            format!("arn:aws:kms:{region}:{account}:key/1234abcd-12ab-34cd-56ef-1234567890ab");
        let encryption = Encryption::from_parts(
            kind,
            kind.uses_kms().then_some(key.as_str()),
            Some(bucket_key),
            cross,
        );
        Site {
            ownership: Ownership::ObjectWriter,
            ..Site::new(
                bucket.parse().unwrap(),
                region.parse().unwrap(),
                account.parse().unwrap(),
                encryption.unwrap(),
            )
        }
    };
    let there = if cross {
        "444455556666"
    } else {
        "111122223333"
    };
    ReplicationPlan::new(
        vec![
            site("tokyo", "ap-northeast-1", "111122223333"),
            site("osaka", "ap-northeast-3", there),
        ],
        vec![Flow::new(
            "tokyo".parse().unwrap(),
            "osaka".parse().unwrap(),
        )],
        profile,
    )
    .unwrap()
}

fn cases() -> Vec<(EncryptionKind, BucketKey)> {
    vec![
        (EncryptionKind::SseS3, BucketKey::Off),
        (EncryptionKind::SseKms, BucketKey::Off),
        (EncryptionKind::SseKms, BucketKey::On),
        (EncryptionKind::SseKms, BucketKey::Mixed),
        (EncryptionKind::DsseKms, BucketKey::Off),
        (EncryptionKind::SseC, BucketKey::Off),
    ]
}

/// Whether a plan's own documents allow a call.
fn allowed(plan: &ReplicationPlan, documents: &Documents, call: &Call) -> bool {
    let source = "tokyo".parse().unwrap();
    let destination = "osaka".parse().unwrap();
    let identity = documents.policy(Kind::Role, &source).unwrap();
    let resource = match call.gate {
        Gate::Trust => documents
            .policy(Kind::Trust, &source)
            .map(|document| (ResourceKind::RoleTrust, document)),
        Gate::SourceBucket => documents
            .policy(Kind::BucketPolicy, &source)
            .map(|document| (ResourceKind::Bucket, document)),
        Gate::DestinationBucket => documents
            .policy(Kind::BucketPolicy, &destination)
            .map(|document| (ResourceKind::Bucket, document)),
        Gate::SourceKey | Gate::ReplicaKey => {
            let key = call.request.resource.parse().unwrap();
            documents
                .key_policy(plan, &key)
                .map(|document| (ResourceKind::KmsKey, document))
        }
    };
    let policies = Policies {
        identity: vec![Attached {
            name: "role",
            document: identity,
        }],
        resource: resource.map(|(kind, document): (_, &PolicyDocument)| ResourcePolicy {
            kind,
            name: "resource",
            document,
        }),
        ..Policies::default()
    };
    evaluate(&call.request, &policies).is_allowed()
}

#[test]
fn every_plan_allows_what_it_needs() {
    for (kind, bucket_key) in cases() {
        for cross in [false, true] {
            for profile in [Profile::Minimal, Profile::Compatible] {
                let plan = plan(kind, bucket_key, cross, profile);
                let documents = Documents::of(&plan);
                for payload in [Payload::Object, Payload::DeleteMarker, Payload::Metadata] {
                    let flows = plan.flows();
                    let flow = &flows[0];
                    let replications = Replication::of_flow(flow, payload);
                    assert!(!replications.is_empty());
                    for replication in replications {
                        for call in replication.calls_for(profile) {
                            assert!(
                                allowed(&plan, &documents, &call),
                                "{kind:?} {bucket_key:?} cross={cross} {profile:?}: {call:?}"
                            );
                        }
                    }
                }
            }
        }
    }
}

/// Distinct actions with their gates, the role's trust apart: the figures of AWS's pages.
#[test]
fn the_number_of_needed_calls_is_known() {
    let count = |kind, bucket_key, cross| {
        let plan = plan(kind, bucket_key, cross, Profile::Minimal);
        let flows = plan.flows();
        let mut needed: Vec<(Gate, String)> = [Payload::Object, Payload::DeleteMarker]
            .into_iter()
            .flat_map(|payload| Replication::of_flow(&flows[0], payload))
            .flat_map(|replication| replication.calls())
            .filter(|call| call.gate != Gate::Trust)
            .map(|call| (call.gate, call.request.action))
            .collect();
        needed.sort();
        needed.dedup();
        needed.len()
    };
    use EncryptionKind::{DsseKms, SseC, SseKms, SseS3};
    for (kind, bucket_key, same, cross) in [
        (SseS3, BucketKey::Off, 8, 9),
        (SseC, BucketKey::Off, 8, 9),
        (SseKms, BucketKey::Off, 10, 11),
        (DsseKms, BucketKey::Off, 10, 11),
        (SseKms, BucketKey::On, 12, 13),
    ] {
        assert_eq!(count(kind, bucket_key, false), same, "{kind:?}");
        assert_eq!(count(kind, bucket_key, true), cross, "{kind:?}");
    }
}

#[test]
fn every_call_names_the_row_that_grants_it() {
    let matrix = crate::matrix::Matrix::carried();
    for (kind, bucket_key) in cases() {
        let plan = plan(kind, bucket_key, true, Profile::Compatible);
        for replication in Replication::of_flow(&plan.flows()[0], Payload::Object) {
            for call in replication.calls_for(Profile::Compatible) {
                let row = matrix.row(call.row).unwrap();
                assert!(row.actions.contains(&call.request.action), "{call:?}");
                if let (Some(code), Some(_)) = (call.failure_code, row.failure_codes.first()) {
                    assert!(
                        row.failure_codes.iter().any(|known| known == code),
                        "{call:?}"
                    );
                }
            }
        }
    }
}
