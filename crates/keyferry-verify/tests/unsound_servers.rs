//! Verification against servers that are not what they seem. Each twist was met on some real server.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on must fail"
)]

mod fake;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fake::{FakeS3, KEY_HEADER, MD5_HEADER, Request, Response};
use keyferry_key::CustomerKey;
use keyferry_verify::{
    Conclusion, Difference, Event, Finding, Level, NotCovered, Observer, Outcome, ReplicaTarget,
    Report, Side, Silent, Subject, Unseen, Verification, VerifyError, receipt_of, verify,
};
use tokio_util::sync::CancellationToken;

const CONTENT: &[u8] = b"the quick brown fox jumps over the lazy dog";

fn key() -> CustomerKey {
    CustomerKey::from_bytes(*b"0123456789abcdef0123456789ABCDEF")
}

struct Run {
    server: FakeS3,
    level: Level,
    wait: Duration,
    given: bool,
    probe: bool,
}

impl Run {
    async fn on(twist: impl Fn(&Request, Response) -> Response + Send + Sync + 'static) -> Self {
        Self {
            server: FakeS3::start(&key(), CONTENT, Arc::new(twist)).await,
            level: Level::Equal,
            wait: Duration::ZERO,
            given: false,
            probe: true,
        }
    }

    async fn subject(&self) -> Result<Subject, VerifyError> {
        receipt_of(
            self.server.client(),
            &"s3://tokyo/key".parse().unwrap(),
            Some("v1"),
            &"ap-northeast-1".parse().unwrap(),
            &key(),
        )
        .await
    }

    async fn verify(&self, subject: &Subject) -> Result<Report, VerifyError> {
        let key = key();
        let verification = Verification {
            subject,
            key: &key,
            wait: self.wait,
            level: self.level,
            replica: self.given.then(|| ReplicaTarget {
                bucket: "osaka".parse().unwrap(),
                region: "ap-northeast-3".parse().unwrap(),
            }),
            probe: self.probe,
        };
        verify(
            &self.server,
            verification,
            &Silent,
            CancellationToken::new(),
        )
        .await
    }

    async fn report(&self) -> Report {
        let subject = self.subject().await.unwrap();
        self.verify(&subject).await.unwrap()
    }
}

fn on_replica(request: &Request) -> bool {
    request.bucket == "osaka" && request.is_for_object()
}

fn difference_names(report: &Report) -> Vec<String> {
    let Outcome::Differs(differences) = &report.outcome else {
        panic!("{:?}", report.outcome);
    };
    differences
        .iter()
        .map(|difference| {
            let value = serde_json::to_value(difference).unwrap();
            value["difference"].as_str().unwrap().to_owned()
        })
        .collect()
}

#[tokio::test]
async fn a_sound_server_is_verified_at_every_level() {
    for level in [Level::Status, Level::Equal, Level::Deep] {
        let mut run = Run::on(|_, response| response).await;
        run.level = level;
        let report = run.report().await;
        assert_eq!(report.conclusion(), Conclusion::Verified, "{report:#?}");
        assert_eq!(report.level_reached(), Some(level));
        assert_eq!(report.probes().count(), 8);
        assert!(report.probes().all(|probe| probe.refusal().is_some()));
        let rule = report.replicas[0].rule.as_ref().unwrap();
        assert_eq!(rule.id.as_deref(), Some("all"));
        assert!(!report.key_echoed());
    }
}

#[tokio::test]
async fn a_doubled_key_md5_is_tolerated() {
    let run = Run::on(|request, response| {
        if !request.is_for_object() || response.status >= 300 {
            return response;
        }
        let md5 = key().md5().to_string();
        if request.bucket == "tokyo" {
            response.with(MD5_HEADER, &md5)
        } else {
            response
                .without(MD5_HEADER)
                .with(MD5_HEADER, &format!("{md5}, {md5}"))
        }
    })
    .await;
    assert_eq!(run.report().await.conclusion(), Conclusion::Verified);
}

#[tokio::test]
async fn an_echoed_key_is_noticed_and_not_kept() {
    let run = Run::on(|request, response| match request.key() {
        Some(key) if request.bucket == "osaka" => response.with(KEY_HEADER, key),
        _ => response,
    })
    .await;
    let report = run.report().await;
    assert!(report.key_echoed());
    let shown = format!("{report:?} {}", serde_json::to_string(&report).unwrap());
    assert!(!shown.contains(key().headers().expose_key()));
}

#[tokio::test]
async fn a_message_that_quotes_the_key_is_redacted() {
    let run = Run::on(|request, response| match request.key() {
        Some(key) if on_replica(request) => Response::error(400, "InvalidArgument", key),
        _ => response,
    })
    .await;
    let report = run.report().await;
    let shown = format!("{report:?} {}", serde_json::to_string(&report).unwrap());
    assert!(!shown.contains(key().headers().expose_key()));
}

#[tokio::test]
async fn a_replica_open_to_anyone_is_not_verified() {
    // Answers without a key only, or with any key only.
    for with_key in [false, true] {
        let run = Run::on(move |request, response| {
            if on_replica(request) && request.key().is_some() == with_key && response.status >= 300
            {
                return Response::new(200)
                    .with("etag", "\"0123456789abcdef\"")
                    .with("x-amz-version-id", "v1");
            }
            response
        })
        .await;
        let report = run.report().await;
        let osaka = "osaka".parse().unwrap();
        assert_eq!(
            report.outcome,
            Outcome::NotRefused {
                buckets: vec![osaka]
            }
        );
        assert_eq!(report.conclusion(), Conclusion::Refuted);
    }
}

#[tokio::test]
async fn a_source_in_plain_is_found_with_and_without_a_receipt() {
    // As S3: the key is refused on an object that has none.
    let run = Run::on(|request, response| {
        if !request.is_for_object() || request.bucket != "tokyo" {
            return response;
        }
        match request.key() {
            Some(_) => Response::error(400, "InvalidRequest", "not applicable to this object"),
            None => Response::new(200).with("x-amz-version-id", "v1"),
        }
    })
    .await;
    assert!(matches!(
        run.subject().await,
        Err(VerifyError::NotCustomerKey { .. })
    ));
    let sound = Run::on(|_, response| response).await;
    let subject = sound.subject().await.unwrap();
    let report = run.verify(&subject).await.unwrap();
    assert!(matches!(report.outcome, Outcome::NotRefused { .. }));
    // As others: the key is ignored.
    let run = Run::on(|request, response| {
        if request.is_for_object() && request.bucket == "tokyo" {
            return Response::new(200).with("x-amz-version-id", "v1");
        }
        response
    })
    .await;
    assert!(matches!(
        run.subject().await,
        Err(VerifyError::NotCustomerKey { .. })
    ));
}

#[tokio::test]
async fn probes_that_end_in_server_errors_prove_nothing() {
    let run = Run::on(|request, response| {
        if on_replica(request) && response.status == 403 {
            return Response::error(500, "InternalError", "wrong key");
        }
        response
    })
    .await;
    let report = run.report().await;
    assert!(
        matches!(&report.outcome, Outcome::Unproven { missing, .. }
            if missing == &[Unseen::Probe { side: Side::Replica }]),
        "{:?}",
        report.outcome
    );
    assert_eq!(report.conclusion(), Conclusion::Undetermined);
}

#[tokio::test]
async fn a_refusal_is_never_a_missing_replica() {
    // The permission is missing: the answers are the same with and without a key.
    let forbidden = Run::on(|request, response| {
        if on_replica(request) {
            return Response::error(403, "AccessDenied", "access denied");
        }
        response
    })
    .await;
    let report = forbidden.report().await;
    assert!(
        matches!(&report.outcome, Outcome::ReplicaRefused { wrong_key: false, refusal, .. }
            if refusal.status == 403),
        "{:?}",
        report.outcome
    );
    assert_eq!(report.conclusion(), Conclusion::Undetermined);
    // The replica is under another key: only with a key is it forbidden.
    for status in [400, 403] {
        let other_key = Run::on(move |request, response| {
            if on_replica(request) && request.key().is_some() {
                return Response::error(status, "InvalidArgument", "no");
            }
            response
        })
        .await;
        let report = other_key.report().await;
        assert!(
            matches!(
                &report.outcome,
                Outcome::ReplicaRefused {
                    wrong_key: true,
                    ..
                }
            ),
            "{:?}",
            report.outcome
        );
        assert_eq!(report.conclusion(), Conclusion::Refuted);
    }
}

#[tokio::test]
async fn a_wrong_key_is_told_from_a_missing_permission() {
    let run = Run::on(|_, response| response).await;
    let other = CustomerKey::from_bytes([3; 32]);
    let ask = |server: FakeS3| async move {
        let tokyo = "ap-northeast-1".parse().unwrap();
        let address = "s3://tokyo/key".parse().unwrap();
        let other = CustomerKey::from_bytes([3; 32]);
        receipt_of(server.client(), &address, None, &tokyo, &other).await
    };
    let subject = run.subject().await.unwrap();
    assert!(matches!(
        ask(run.server).await,
        Err(VerifyError::WrongKey { expected: None, .. })
    ));
    let forbidden = Run::on(|_, _| Response::error(403, "AccessDenied", "access denied")).await;
    let error = ask(forbidden.server).await.unwrap_err();
    assert!(
        matches!(&error, VerifyError::Refused { refusal, .. } if refusal.status == 403),
        "{error:?}"
    );
    assert!(error.hint().is_some());
    // A receipt names its key, so that a wrong one is never even sent.
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let counting = Run::on(move |_, response| {
        counter.fetch_add(1, Ordering::Relaxed);
        response
    })
    .await;
    let verification = Verification {
        subject: &subject,
        key: &other,
        wait: Duration::ZERO,
        level: Level::Equal,
        replica: None,
        probe: true,
    };
    let error = verify(
        &counting.server,
        verification,
        &Silent,
        CancellationToken::new(),
    )
    .await
    .unwrap_err();
    assert!(matches!(
        error,
        VerifyError::WrongKey {
            expected: Some(_),
            ..
        }
    ));
    assert_eq!(sent.load(Ordering::Relaxed), 0);
}

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
async fn corrupt_content_under_equal_claims_is_found_by_reading() {
    // As one server's replicas of encrypted multipart objects: same size, tag, version, checksum.
    let corrupt = |request: &Request, mut response: Response| {
        if on_replica(request) && request.method == "GET" && response.status < 300 {
            for byte in response.body.iter_mut().skip(20) {
                *byte ^= 1;
            }
        }
        response
    };
    let mut run = Run::on(corrupt).await;
    let report = run.report().await;
    assert_eq!(report.level_reached(), Some(Level::Equal));
    assert!(report.replicas[0].unseen.contains(&Unseen::Content));
    run.level = Level::Deep;
    let mut subject = run.subject().await.unwrap();
    subject.parts = Some(keyferry_transfer::PartLayout {
        part_size: 20,
        count: 3,
    });
    let report = run.verify(&subject).await.unwrap();
    assert_eq!(difference_names(&report), ["content", "digest"]);
    let Outcome::Differs(differences) = &report.outcome else {
        unreachable!("asserted above");
    };
    assert_eq!(
        differences[0],
        Difference::Content {
            first_offset: 20,
            part: Some(2),
            bytes: CONTENT.len() as u64 - 20,
        }
    );
    assert!(matches!(
        differences[1],
        Difference::Digest {
            side: Side::Replica,
            ..
        }
    ));
}

#[tokio::test]
async fn a_broken_stream_is_resumed_and_a_broken_replica_named() {
    let mut run = Run::on(|request, mut response| {
        if request.is_for_object() && request.method == "GET" {
            response.cut = Some(7);
        }
        response
    })
    .await;
    run.level = Level::Deep;
    run.probe = false;
    // Seven bytes at a time: each break is followed by progress.
    let report = run.report().await;
    assert_eq!(report.level_reached(), Some(Level::Deep), "{report:#?}");

    let mut run = Run::on(|request, mut response| {
        if on_replica(request) && request.method == "GET" {
            let resumed = request.headers.contains_key("range");
            response.cut = Some(if resumed { 0 } else { 7 });
        }
        response
    })
    .await;
    run.level = Level::Deep;
    run.probe = false;
    let report = run.report().await;
    let Outcome::Differs(differences) = &report.outcome else {
        panic!("{:?}", report.outcome);
    };
    assert!(
        matches!(
            differences[..],
            [Difference::Unreadable {
                side: Side::Replica,
                offset: 7,
                ..
            }]
        ),
        "{differences:?}"
    );
}

#[tokio::test]
async fn a_replica_that_changes_while_it_is_read_is_no_proof() {
    let heads = AtomicUsize::new(0);
    let mut run = Run::on(move |request, response| {
        let head = on_replica(request) && request.method == "HEAD" && response.status < 300;
        if head && heads.fetch_add(1, Ordering::Relaxed) > 0 {
            return response.without("etag").with("etag", "\"another\"");
        }
        response
    })
    .await;
    run.level = Level::Deep;
    run.probe = false;
    assert_eq!(
        difference_names(&run.report().await),
        ["changed-while-read"]
    );
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
        key: &key,
        wait: Duration::from_secs(600),
        level: Level::Equal,
        replica: None,
        probe: true,
    };
    let observer = CancelOnWait(cancel.clone());
    let error = verify(&run.server, verification, &observer, cancel)
        .await
        .unwrap_err();
    assert!(matches!(error, VerifyError::Interrupted));
}
