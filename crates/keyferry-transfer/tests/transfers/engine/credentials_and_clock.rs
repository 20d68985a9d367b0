//! Credentials that expire while a transfer runs, and a clock that is wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use jiff::{SignedDuration, Timestamp};
use keyferry_transfer::{Engine, TransferError};

use super::{fetch, send, take};
use crate::fake_server::{Answer, FakeServer, Request};
use crate::setup::{PART, content};
use crate::unreliable_servers::{crc64, serve};

const SIZE: u64 = 8500;

/// Gives other credentials each time it is asked.
#[derive(Debug, Default, Clone)]
struct Sessions(Arc<AtomicUsize>);

impl ProvideCredentials for Sessions {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let number = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        let token = Some("token".to_owned());
        future::ProvideCredentials::ready(Ok(Credentials::new(
            format!("SESSION{number}"),
            "secret",
            token,
            None,
            "test",
        )))
    }
}

/// Refuses the first session from its third request on, unless `ever`: then every session.
fn refuses(request: &Request, seen: &AtomicUsize, ever: bool) -> bool {
    let authorization = &request.headers["authorization"];
    ever || (authorization.contains("SESSION1/") && seen.fetch_add(1, Ordering::Relaxed) >= 2)
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_end_are_renewed_once_for_all() {
    let seen = AtomicUsize::new(0);
    let server = FakeServer::start(move |request, key| {
        if request.method != "HEAD" && refuses(request, &seen, false) {
            return Some(Answer::error(400, "ExpiredToken"));
        }
        let bytes = content(SIZE);
        Some(match request.method.as_str() {
            "GET" | "HEAD" => serve(request, key, &bytes, &crc64(&bytes)),
            _ => take(request, key),
        })
    })
    .await;
    let sessions = Sessions::default();
    let provider = SharedCredentialsProvider::new(sessions.clone());
    let client = server.client_with(|settings| settings.credentials = provider.clone());
    let (fetched, got, retried) = fetch(&server, &client, true, &Engine::default()).await;
    fetched.unwrap();
    assert!(got == content(SIZE));
    assert!((1..=7).contains(&retried), "{retried}");
    assert_eq!(sessions.0.load(Ordering::Relaxed), 2);

    // Creating, parts and completing, with the refusal at each of them.
    for first in 0..5 {
        let seen = AtomicUsize::new(first);
        let server = FakeServer::start(move |request, key| {
            Some(match refuses(request, &seen, false) {
                true => Answer::error(400, "ExpiredToken"),
                false => take(request, key),
            })
        })
        .await;
        let sessions = Sessions::default();
        let provider = SharedCredentialsProvider::new(sessions.clone());
        let client = server.client_with(|settings| settings.credentials = provider.clone());
        let (sent, _) = send(&server, &client, 2 * PART, &Engine::default()).await;
        sent.unwrap();
        assert_eq!(sessions.0.load(Ordering::Relaxed), 2);
    }
}

/// With credentials that cannot be renewed, or a server that refuses all, it ends soon.
#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_cannot_be_renewed() {
    let server = FakeServer::start(|request, _| {
        Some(match refuses(request, &AtomicUsize::default(), true) {
            true => Answer::error(400, "ExpiredToken"),
            false => Answer::new(500),
        })
    })
    .await;
    let sessions = Sessions::default();
    let provider = SharedCredentialsProvider::new(sessions.clone());
    let renewing = server.client_with(|settings| settings.credentials = provider.clone());
    for client in [&renewing, &server.client] {
        for size in [10, PART] {
            let (sent, _) = send(&server, client, size, &Engine::default()).await;
            let error = sent.unwrap_err();
            assert!(
                matches!(error, TransferError::ExpiredCredentials { .. }),
                "{error:?}"
            );
        }
        let (fetched, _, _) = fetch(&server, client, true, &Engine::default()).await;
        let error = fetched.unwrap_err();
        assert!(
            matches!(error, TransferError::ExpiredCredentials { .. }),
            "{error:?}"
        );
    }
    assert!(server.requests().len() <= 12, "{:?}", server.requests());
}

/// The server's clock is an hour ahead of this machine's: it refuses until requests are signed with its
/// own time.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_wrong() {
    let refused = Arc::new(AtomicUsize::new(0));
    let server = {
        let refused = Arc::clone(&refused);
        FakeServer::start(move |request, key| {
            let now = Timestamp::now() + SignedDuration::from_hours(1);
            let signed = request.headers["x-amz-date"].replace(['T', 'Z'], "");
            let expected = now.strftime("%Y%m%d%H%M%S").to_string();
            let far: i64 =
                signed.parse::<i64>().unwrap() / 10_000 - expected.parse::<i64>().unwrap() / 10_000;
            let bytes = content(SIZE);
            let answer = if far == 0 {
                match request.method.as_str() {
                    "GET" | "HEAD" => serve(request, key, &bytes, &crc64(&bytes)),
                    _ => take(request, key),
                }
            } else {
                refused.fetch_add(1, Ordering::Relaxed);
                Answer::error(403, "RequestTimeTooSkewed")
            };
            let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            Some(answer.header("date", date))
        })
        .await
    };
    let (fetched, got, _) = fetch(&server, &server.client, true, &Engine::default()).await;
    fetched.unwrap();
    assert!(got == content(SIZE));
    // Learned once, and kept for all that follow.
    assert_eq!(refused.load(Ordering::Relaxed), 1);
    let (sent, _) = send(&server, &server.client, 2 * PART, &Engine::default()).await;
    sent.unwrap();
    assert_eq!(refused.load(Ordering::Relaxed), 1);
}
