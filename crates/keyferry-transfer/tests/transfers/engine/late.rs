//! Bodies and answers that stall.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keyferry_transfer::{Silent, upload};
use tokio_util::sync::CancellationToken;

use super::{engine, fetch, new_upload, part, send, take};
use crate::fake_server::FakeServer;
use crate::setup::{PART, content};
use crate::unreliable_servers::{crc64, serve};

const SIZE: u64 = 12_500;

/// Serves an object, but stalls behind some bytes of one range, the first time.
async fn stalls_once(bytes_before: usize) -> FakeServer {
    let stalled = AtomicBool::new(false);
    FakeServer::start(move |request, key| {
        let bytes = content(SIZE);
        let answer = serve(request, key, &bytes, &crc64(&bytes));
        let last = request.range().is_some_and(|(from, _)| from == 11_000);
        Some(match last && !stalled.swap(true, Ordering::Relaxed) {
            true => answer.hanging_after(bytes_before),
            false => answer,
        })
    })
    .await
}

/// Long before the watch over stalls would give it up, a second request brings the rest.
#[tokio::test(flavor = "multi_thread")]
async fn a_range_that_is_late_is_asked_for_twice() {
    for (to_file, bytes_before) in [(true, 100), (false, 100), (true, 0), (false, 0)] {
        let server = stalls_once(bytes_before).await;
        let patient = engine(|settings| settings.patience = Duration::from_secs(3600));
        let (fetched, got, retried) = fetch(&server, &server.client, to_file, &patient).await;
        fetched.unwrap();
        assert!(got == content(SIZE));
        assert_eq!(retried, 0);
        let again = (11_000 + bytes_before, 11_999);
        assert_eq!(server.seen_ranges().last(), Some(&again));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_that_stalls_is_continued() {
    for to_file in [true, false] {
        let server = stalls_once(100).await;
        let alone = engine(|settings| {
            settings.hedge = false;
            settings.patience = Duration::from_millis(200);
        });
        let (fetched, got, retried) = fetch(&server, &server.client, to_file, &alone).await;
        fetched.unwrap();
        assert!(got == content(SIZE));
        assert_eq!(retried, 1);
        assert!(server.seen_ranges().contains(&(11_100, 11_999)));
    }
}

/// Part 6 is taken, and its answer never comes.
#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_is_late_is_sent_twice() {
    let stalled = AtomicBool::new(false);
    let server = FakeServer::start(move |request, key| {
        let answer = take(request, key);
        let late = part(request) == Some(6) && !stalled.swap(true, Ordering::Relaxed);
        Some(match late {
            true => answer.hanging_after(0),
            false => answer,
        })
    })
    .await;
    let patient = engine(|settings| settings.patience = Duration::from_secs(3600));
    let (sent, retried) = send(&server, &server.client, 6 * PART, &patient).await;
    assert_eq!(sent.unwrap().receipt.parts.unwrap().count, 6);
    assert_eq!(retried, 0);
    assert_eq!(server.count("PUT", "partNumber=6"), 2);
    assert_eq!(server.count("PUT", "partNumber"), 7);
}

/// The server stops reading; the SDK's own protection would wait for 20 seconds.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_stalls_is_sent_again() {
    let server = FakeServer::start(|request, key| Some(take(request, key))).await;
    server.deaf.store(1, Ordering::Relaxed);
    let alone = engine(|settings| {
        settings.hedge = false;
        settings.patience = Duration::from_millis(400);
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("source");
    // More than the buffers of both sockets take.
    let file = std::fs::File::create(&path).unwrap();
    file.set_len(48 << 20).unwrap();
    let mut new = new_upload(&server, &path, &alone);
    new.multipart_threshold = Some(1 << 30);
    let sent = upload(&server.client, new, &Silent, CancellationToken::new()).await;
    assert_eq!(sent.unwrap().receipt.size, 48 << 20);
    assert_eq!(server.deaf.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_never_comes_is_asked_for_again() {
    let silent = AtomicBool::new(true);
    let server = FakeServer::start(move |request, key| {
        let answer = take(request, key);
        Some(match silent.swap(false, Ordering::Relaxed) {
            true => answer.hanging_after(0),
            false => answer,
        })
    })
    .await;
    let client = server.client_with(|settings| {
        settings.answer_timeout = Duration::from_millis(300);
    });
    let alone = engine(|settings| settings.hedge = false);
    let (sent, retried) = send(&server, &client, 10, &alone).await;
    sent.unwrap();
    assert_eq!((retried, server.count("PUT", "key")), (1, 2));
}
