//! Servers that are lax about keys, and refusals that mean different things.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use keyferry_key::CustomerKey;
use keyferry_verify::{
    Conclusion, Level, Outcome, ReadSides, Side, Silent, Unseen, Verification, VerifyError,
    receipt_of, verify,
};
use tokio_util::sync::CancellationToken;

use crate::fake::{FakeS3, KEY_HEADER, MD5_HEADER, Response};
use crate::{Run, key, on_replica};

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
        key: Some(&other),
        wait: Duration::ZERO,
        level: Level::Equal,
        read: ReadSides::Both,
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
