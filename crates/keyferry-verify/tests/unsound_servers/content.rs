//! Content that is not what both sides claim, and streams that break.

use std::sync::atomic::{AtomicUsize, Ordering};

use keyferry_verify::{Difference, Level, Outcome, Side, Unseen};

use crate::fake::{Request, Response};
use crate::{CONTENT, Run, difference_names, on_replica};

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
