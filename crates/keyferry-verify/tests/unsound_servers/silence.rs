//! Servers that give no status, no rules or no checksums, and waiting for them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use keyferry_verify::{
    Conclusion, Event, Finding, Level, NotCovered, Observer, Outcome, ReadSides, Unseen,
    Verification, VerifyError, verify,
};
use tokio_util::sync::CancellationToken;

use crate::fake::{Request, Response};
use crate::{Run, key, on_replica};

/// A server without status and rules, as Ceph RGW and SeaweedFS are.
fn silent(request: &Request, response: Response) -> Response {
    if request.query.contains("replication") {
        return Response::error(404, "ReplicationConfigurationNotFoundError", "none");
    }
    response.without("x-amz-replication-status")
}

#[tokio::test]
async fn without_status_and_rules_a_named_replica_is_compared() {
    let mut run = Run::on(silent).await;
    let report = run.report().await;
    assert_eq!(
        report.outcome,
        Outcome::NotCovered {
            why: NotCovered::NoConfiguration
        }
    );
    run.given = true;
    let report = run.report().await;
    assert_eq!(report.conclusion(), Conclusion::Verified, "{report:#?}");
    assert_eq!(report.level_reached(), Some(Level::Equal));
    assert!(
        report.replicas[0]
            .unseen
            .contains(&Unseen::ReplicationStatus)
    );
    // What S3 says cannot be verified where it says nothing.
    run.level = Level::Status;
    assert!(matches!(
        run.report().await.outcome,
        Outcome::Unproven { reached: None, .. }
    ));
}

#[tokio::test]
async fn with_neither_status_nor_checksums_only_reading_proves() {
    let blind = |request: &Request, response: Response| {
        silent(request, response)
            .without("x-amz-checksum-crc64nvme")
            .without("x-amz-checksum-type")
    };
    let mut run = Run::on(blind).await;
    run.given = true;
    let report = run.report().await;
    assert!(
        matches!(&report.outcome, Outcome::Unproven { reached: None, missing }
            if missing.contains(&Unseen::Checksum)),
        "{:?}",
        report.outcome
    );
    run.level = Level::Deep;
    let report = run.report().await;
    assert_eq!(report.level_reached(), Some(Level::Deep), "{report:#?}");
    assert_eq!(report.conclusion(), Conclusion::Verified);
}

#[tokio::test]
async fn a_late_replica_is_waited_for_where_there_is_no_status() {
    let asked = AtomicUsize::new(0);
    let mut run = Run::on(move |request, response| {
        if on_replica(request) && asked.fetch_add(1, Ordering::Relaxed) < 3 {
            return Response::error(404, "NoSuchKey", "not yet");
        }
        silent(request, response)
    })
    .await;
    run.given = true;
    run.wait = Duration::from_secs(20);
    assert_eq!(run.report().await.conclusion(), Conclusion::Verified);
    let mut run = Run::on(|request, response| {
        if on_replica(request) {
            return Response::error(404, "NoSuchKey", "never");
        }
        silent(request, response)
    })
    .await;
    run.given = true;
    run.wait = Duration::from_millis(300);
    let report = run.report().await;
    assert!(matches!(
        report.outcome,
        Outcome::Pending { status: None, .. }
    ));
    assert_eq!(report.replicas[0].finding, Finding::Absent);
}

#[tokio::test]
async fn a_cancelled_verification_is_interrupted() {
    let run = Run::on(|request, response| {
        if request.bucket == "tokyo" && request.is_for_object() {
            return response
                .without("x-amz-replication-status")
                .with("x-amz-replication-status", "PENDING");
        }
        response
    })
    .await;
    struct CancelOnWait(CancellationToken);
    impl Observer for CancelOnWait {
        fn on(&self, event: Event) {
            if matches!(event, Event::Waiting { .. }) {
                self.0.cancel();
            }
        }
    }
    let subject = run.subject().await.unwrap();
    let cancel = CancellationToken::new();
    let key = key();
    let verification = Verification {
        subject: &subject,
        key: Some(&key),
        wait: Duration::from_secs(600),
        level: Level::Equal,
        read: ReadSides::Both,
        replica: None,
        probe: true,
    };
    let observer = CancelOnWait(cancel.clone());
    let error = verify(&run.server, verification, &observer, cancel)
        .await
        .unwrap_err();
    assert!(matches!(error, VerifyError::Interrupted));
}
