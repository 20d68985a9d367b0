use keyferry_policy::BucketName;

use super::*;
use crate::probe::{Presented, Probe, ProbeAnswer, ProbeRequest};
use crate::report::Side;
use crate::{Cause, Certainty, Conclusion, ObjectView, Refusal, ReplicationStatus};

fn bucket(name: &str) -> BucketName {
    name.parse().unwrap()
}

fn source(status: Option<ReplicationStatus>) -> SourceSide {
    SourceSide {
        bucket: bucket("tokyo"),
        region: "ap-northeast-1".parse().unwrap(),
        view: ObjectView {
            status,
            ..ObjectView::default()
        },
        tags: None,
        probes: vec![],
        differences: vec![],
        replication_role: None,
        key_echoed: false,
    }
}

fn replica(finding: Finding) -> ReplicaSide {
    ReplicaSide {
        bucket: bucket("osaka"),
        region: Some("ap-northeast-3".parse().unwrap()),
        endpoint: None,
        rule: None,
        finding,
        view: None,
        tags: None,
        probes: vec![],
        content: None,
        samples: None,
        etag_equal: None,
        key_echoed: false,
        unseen: vec![],
    }
}

fn equal(level: Level) -> ReplicaSide {
    replica(Finding::Equal { level: Some(level) })
}

fn differing() -> Difference {
    Difference::Size {
        source: 1,
        replica: 2,
    }
}

struct Scene {
    asked: Level,
    settled: Settled,
    source: SourceSide,
    replicas: Vec<ReplicaSide>,
    unseen: Vec<Unseen>,
    probed: bool,
}

impl Scene {
    fn of(settled: Settled, replicas: Vec<ReplicaSide>) -> Self {
        Self {
            asked: Level::Equal,
            source: source(match &settled {
                Settled::Completed => Some(ReplicationStatus::Completed),
                Settled::Failed => Some(ReplicationStatus::Failed),
                Settled::Pending => Some(ReplicationStatus::Pending),
                Settled::Replica => Some(ReplicationStatus::Replica),
                Settled::OlderThanRule | Settled::Silent => None,
            }),
            settled,
            replicas,
            unseen: vec![],
            probed: true,
        }
    }

    fn outcome(&self) -> Outcome {
        draw(Evidence {
            asked: self.asked,
            settled: &self.settled,
            waited: Duration::from_secs(1),
            reasons: vec![FailureReason {
                cause: Cause::RolePermissions {
                    role: "role".to_owned(),
                },
                certainty: Certainty::Likely,
            }],
            source: &self.source,
            replicas: &self.replicas,
            probed: self.probed,
            unseen: &self.unseen,
        })
    }
}

#[test]
fn completed_and_equal_is_verified_at_the_level_of_the_weakest_replica() {
    let outcome = Scene::of(
        Settled::Completed,
        vec![equal(Level::Deep), equal(Level::Equal)],
    )
    .outcome();
    assert_eq!(outcome, Outcome::Verified(Verified::at(Level::Equal)));
    assert_eq!(outcome.conclusion(), Conclusion::Verified);
    assert_eq!(outcome.level(), Some(Level::Equal));
}

#[test]
fn less_proof_than_asked_for_is_not_verified() {
    let mut scene = Scene::of(Settled::Completed, vec![equal(Level::Status)]);
    scene.replicas[0].unseen = vec![Unseen::Checksum, Unseen::Content];
    assert_eq!(
        scene.outcome(),
        Outcome::Unproven {
            reached: Some(Level::Status),
            missing: vec![Unseen::Checksum],
        }
    );
    scene.asked = Level::Status;
    assert!(matches!(scene.outcome(), Outcome::Verified(_)));
    scene.replicas = vec![replica(Finding::Equal { level: None })];
    assert_eq!(scene.outcome().conclusion(), Conclusion::Undetermined);
    scene.replicas = vec![];
    assert_eq!(scene.outcome().conclusion(), Conclusion::Undetermined);
}

#[test]
fn the_worst_replica_decides() {
    let refusal = Refusal {
        status: 403,
        code: None,
        message: None,
    };
    let refused = |wrong_key| {
        replica(Finding::Refused {
            refusal: refusal.clone(),
            wrong_key,
        })
    };
    let scene =
        |other: ReplicaSide| Scene::of(Settled::Completed, vec![equal(Level::Equal), other]);
    assert_eq!(
        scene(replica(Finding::Differs(vec![differing()]))).outcome(),
        Outcome::Differs(vec![differing()])
    );
    for gone in [Finding::Absent, Finding::NoBucket] {
        assert_eq!(
            scene(replica(gone)).outcome(),
            Outcome::ReplicaMissing {
                bucket: bucket("osaka")
            }
        );
    }
    let permission = scene(refused(false)).outcome();
    assert_eq!(permission.conclusion(), Conclusion::Undetermined);
    assert_eq!(
        scene(refused(true)).outcome().conclusion(),
        Conclusion::Refuted
    );
    assert_eq!(
        scene(replica(Finding::NotRefused)).outcome(),
        Outcome::NotRefused {
            buckets: vec![bucket("osaka")]
        }
    );
}

#[test]
fn an_answered_probe_outweighs_everything() {
    for settled in [
        Settled::Completed,
        Settled::Failed,
        Settled::Pending,
        Settled::Silent,
    ] {
        let mut scene = Scene::of(settled, vec![equal(Level::Deep)]);
        scene.source.differences = vec![differing()];
        scene.source.probes = vec![Probe {
            side: Side::Source,
            request: ProbeRequest::Get,
            presented: Presented::NoKey,
            answer: ProbeAnswer::Answered,
        }];
        assert_eq!(
            scene.outcome(),
            Outcome::NotRefused {
                buckets: vec![bucket("tokyo")]
            }
        );
    }
}

#[test]
fn a_source_unlike_its_receipt_differs_whatever_its_status() {
    let mut scene = Scene::of(Settled::Pending, vec![]);
    scene.source.differences = vec![differing()];
    assert_eq!(scene.outcome(), Outcome::Differs(vec![differing()]));
}

#[test]
fn an_unfinished_replication_is_not_judged_by_its_replicas() {
    let differs = || vec![replica(Finding::Differs(vec![differing()]))];
    let pending = Scene::of(Settled::Pending, differs()).outcome();
    assert_eq!(
        pending,
        Outcome::Pending {
            waited: Duration::from_secs(1),
            status: Some(ReplicationStatus::Pending)
        }
    );
    assert_eq!(pending.conclusion(), Conclusion::Pending);
    let failed = Scene::of(Settled::Failed, differs()).outcome();
    assert!(matches!(&failed, Outcome::Failed { reasons } if reasons.len() == 1));
    assert_eq!(failed.conclusion(), Conclusion::Refuted);
    for (settled, reason) in [
        (Settled::Replica, NotCovered::IsReplica),
        (Settled::OlderThanRule, NotCovered::OlderThanRule),
    ] {
        let outcome = Scene::of(settled, differs()).outcome();
        assert_eq!(outcome, Outcome::NotCovered { why: reason });
        assert_eq!(outcome.conclusion(), Conclusion::Refuted);
    }
}

#[test]
fn where_s3_says_nothing_an_absent_replica_is_only_late() {
    let late = Scene::of(Settled::Silent, vec![replica(Finding::Absent)]).outcome();
    assert_eq!(late.conclusion(), Conclusion::Pending);
    let scene = Scene::of(Settled::Silent, vec![equal(Level::Equal)]);
    assert_eq!(
        scene.outcome(),
        Outcome::Verified(Verified::at(Level::Equal))
    );
}

#[test]
fn unclear_probes_and_unknown_keys_are_no_proof() {
    let mut scene = Scene::of(Settled::Completed, vec![equal(Level::Equal)]);
    scene.unseen = vec![Unseen::Probe { side: Side::Source }];
    assert!(matches!(scene.outcome(), Outcome::Unproven { .. }));
    scene.unseen = vec![];
    scene.replicas[0].unseen = vec![Unseen::KeyMd5];
    assert!(matches!(scene.outcome(), Outcome::Verified(_)));
    scene.probed = false;
    assert!(matches!(scene.outcome(), Outcome::Unproven { .. }));
}

#[test]
fn outcomes_read_well_as_json() {
    let verified = Outcome::Verified(Verified::at(Level::Deep));
    assert_eq!(
        serde_json::to_value(verified).unwrap(),
        serde_json::json!({"kind": "verified", "detail": {"level": "deep"}})
    );
    let pending = Outcome::Pending {
        waited: Duration::from_millis(1500),
        status: Some(ReplicationStatus::Pending),
    };
    assert_eq!(
        serde_json::to_value(pending).unwrap(),
        serde_json::json!({"kind": "pending", "detail": {"waited": 1.5, "status": "PENDING"}})
    );
}
