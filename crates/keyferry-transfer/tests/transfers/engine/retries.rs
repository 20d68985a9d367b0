//! Servers that refuse, throttle, damage or confuse.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use keyferry_key::CustomerKey;
use keyferry_transfer::{Engine, TransferError};

use super::{fetch, part, send, take};
use crate::fake_server::{Answer, FakeServer, Request};
use crate::setup::{PART, content};
use crate::unreliable_servers::{crc64, serve};

const SIZE: u64 = 8500;

/// Counts how often each request was made, by what makes it different.
#[derive(Default)]
struct Times(Mutex<BTreeMap<String, usize>>);

impl Times {
    fn next(&self, request: &Request) -> usize {
        let range = request.headers.get("range").cloned().unwrap_or_default();
        let what = format!("{} {} {range}", request.method, request.target);
        let mut times = self.0.lock().unwrap();
        let times = times.entry(what).or_default();
        *times += 1;
        *times
    }
}

/// Serves an object; `change` may spoil what is answered to the nth time of the same request.
async fn serving(
    change: impl Fn(&Request, usize, Answer) -> Option<Answer> + Send + Sync + 'static,
) -> FakeServer {
    let times = Times::default();
    FakeServer::start(move |request, key| {
        let bytes = content(SIZE);
        let answer = serve(request, key, &bytes, &crc64(&bytes));
        change(request, times.next(request), answer)
    })
    .await
}

async fn taking(
    change: impl Fn(&Request, usize, Answer, &CustomerKey) -> Option<Answer> + Send + Sync + 'static,
) -> FakeServer {
    let times = Times::default();
    FakeServer::start(move |request, key| {
        change(request, times.next(request), take(request, key), key)
    })
    .await
}

/// Every request is throttled three times: more often than other failures are put up with here.
#[tokio::test(flavor = "multi_thread")]
async fn throttling() {
    let server = serving(|request, time, answer| {
        Some(match request.method == "GET" && time <= 3 {
            true => Answer::error(503, "SlowDown"),
            false => answer,
        })
    })
    .await;
    let engine = Engine::default();
    let (fetched, got, retried) = fetch(&server, &server.client, true, &engine).await;
    fetched.unwrap();
    assert!(got == content(SIZE));
    assert_eq!(retried, 27);

    let server = taking(|request, time, answer, _| {
        Some(match part(request).is_some() && time <= 3 {
            true => Answer::error(503, "SlowDown"),
            false => answer,
        })
    })
    .await;
    let (sent, retried) = send(&server, &server.client, 3 * PART, &engine).await;
    sent.unwrap();
    assert_eq!(retried, 9);

    let server = taking(|_, _, _, _| Some(Answer::error(503, "SlowDown"))).await;
    let (sent, _) = send(&server, &server.client, 10, &Engine::default()).await;
    let error = sent.unwrap_err();
    assert!(
        matches!(error, TransferError::Throttled { .. }),
        "{error:?}"
    );
    assert_eq!(server.count("PUT", "key"), 6);
}

/// The first answer to each range is one that belongs to another, or of another length, or longer
/// than it should be.
#[tokio::test(flavor = "multi_thread")]
async fn confused_answers() {
    let server = serving(|request, time, mut answer| {
        let from = request.range().map_or(0, |(from, _)| from);
        if time > 1 || from == 0 {
            return Some(answer);
        }
        let range = |from: usize, to: usize| {
            (
                "content-range".to_owned(),
                format!("bytes {from}-{to}/{SIZE}"),
            )
        };
        answer
            .headers
            .retain(|(name, _)| name != "content-range" || from == 5000);
        match from / 1000 {
            1 => answer.headers.push(range(0, 999)),
            2 => answer.headers.push(range(2000, 2998)),
            3 => answer
                .headers
                .push(("content-range".to_owned(), "bytes 3000-3999/9".to_owned())),
            4 => {
                answer.headers.push(range(4000, 4999));
                answer.body.truncate(900);
            }
            5 => answer.body.extend_from_slice(&[0; 100]),
            6 => {
                answer.headers.push(range(6000, 6999));
                answer
                    .headers
                    .push(("content-length".to_owned(), "2000".to_owned()));
            }
            _ => answer.status = 200,
        }
        Some(answer)
    })
    .await;
    for to_file in [true, false] {
        let (fetched, got, retried) =
            fetch(&server, &server.client, to_file, &Engine::default()).await;
        fetched.unwrap();
        assert!(got == content(SIZE));
        assert_eq!(retried, if to_file { 8 } else { 0 });
    }
}

/// A bit flips on the way, once. Only the checksum over the whole can tell, so all is fetched again.
#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit() {
    let server = serving(|request, time, mut answer| {
        if request.range() == Some((2000, 2999)) && time == 1 {
            answer.body[17] ^= 4;
        }
        Some(answer)
    })
    .await;
    let (fetched, got, _) = fetch(&server, &server.client, true, &Engine::default()).await;
    fetched.unwrap();
    assert!(got == content(SIZE));
    assert_eq!(server.seen_ranges().len(), 18);
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_arrive_damaged() {
    let server = taking(|request, time, answer, _| {
        Some(match (part(request), time) {
            (Some(2), 1) => Answer::error(400, "BadDigest"),
            (Some(2), 2) => {
                let mut answer = answer;
                answer.headers.retain(|(name, _)| !name.contains("crc64"));
                answer.header("x-amz-checksum-crc64nvme", "AAAAAAAAAAE=")
            }
            _ => answer,
        })
    })
    .await;
    let (sent, retried) = send(&server, &server.client, 3 * PART, &Engine::default()).await;
    sent.unwrap();
    assert_eq!(retried, 2);

    for code in ["BadDigest", "InvalidDigest", "XAmzContentChecksumMismatch"] {
        let server = taking(move |request, _, answer, _| {
            Some(match part(request) {
                Some(_) => Answer::error(400, code),
                None => answer,
            })
        })
        .await;
        let (sent, _) = send(&server, &server.client, PART, &Engine::default()).await;
        let error = sent.unwrap_err();
        assert!(
            matches!(error, TransferError::DamagedOnTheWay { .. }),
            "{error:?}"
        );
        assert_eq!(server.count("PUT", "partNumber=1"), 3);
        assert!(server.count("DELETE", "uploadId=u1") > 0);
    }
}

/// One part's answer does not confirm the key: the upload fails, and nothing is made of the parts.
#[tokio::test(flavor = "multi_thread")]
async fn parts_that_are_not_confirmed() {
    let other = CustomerKey::generate().unwrap();
    for md5 in [None, Some(other.md5().to_string())] {
        let server = taking(move |request, _, mut answer, _| {
            if part(request) == Some(2) {
                answer.headers.retain(|(name, _)| !name.ends_with("MD5"));
                if let Some(md5) = &md5 {
                    answer = answer.header("x-amz-server-side-encryption-customer-key-MD5", md5);
                }
            }
            Some(answer)
        })
        .await;
        let (sent, _) = send(&server, &server.client, 3 * PART, &Engine::default()).await;
        let error = sent.unwrap_err();
        assert!(
            matches!(error, TransferError::SseCNotConfirmed { .. }),
            "{error:?}"
        );
        assert!(error.to_string().contains("plaintext copy"));
        assert_eq!(server.count("POST", "uploadId"), 0);
        assert!(server.count("DELETE", "uploadId=u1") > 0);
    }
}

/// The answer to a part is lost, and when it is sent again S3 keeps the one that arrived last, with
/// another entity tag than was answered first.
#[tokio::test(flavor = "multi_thread")]
async fn a_part_with_another_entity_tag() {
    let crcs = [
        content(PART + 1)[..5 << 20].to_vec(),
        content(PART + 1)[5 << 20..].to_vec(),
    ]
    .map(|part| crc64(&part));
    let server = taking(move |request, _, answer, key| {
        Some(match request.method.as_str() {
            "GET" => {
                let parts: String = (1..)
                    .zip(&crcs)
                    .zip([PART, 1])
                    .map(|((number, crc), size)| format!("<Part><PartNumber>{number}</PartNumber><ETag>\"late\"</ETag><Size>{size}</Size><ChecksumCRC64NVME>{crc}</ChecksumCRC64NVME></Part>"))
                    .collect();
                Answer::new(200)
                    .confirming(key)
                    .body(format!("<ListPartsResult>{parts}</ListPartsResult>"))
            }
            "POST" if request.target.contains("uploadId") => {
                match String::from_utf8_lossy(&request.body).contains("late") {
                    true => answer,
                    false => Answer::error(400, "InvalidPart"),
                }
            }
            _ => answer,
        })
    })
    .await;
    let (sent, _) = send(&server, &server.client, PART + 1, &Engine::default()).await;
    assert_eq!(sent.unwrap().receipt.parts.unwrap().count, 2);
    assert_eq!(server.count("POST", "uploadId"), 2);
}

/// The first answer to a PUT that must not overwrite is lost: what stands in the way then is our own.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_to_a_conditional_put() {
    for ours in [true, false] {
        let puts = AtomicUsize::new(0);
        let server = FakeServer::start(move |request, key| {
            let checksum = crc64(if ours { b"content" } else { b"theirs!" });
            match request.method.as_str() {
                "PUT" => {
                    assert_eq!(request.headers.get("if-none-match").unwrap(), "*");
                    match puts.fetch_add(1, Ordering::Relaxed) {
                        0 => None,
                        _ => Some(Answer::error(412, "PreconditionFailed")),
                    }
                }
                _ => Some(
                    Answer::new(200)
                        .confirming(key)
                        .header("etag", "\"e1\"")
                        .header("content-length", "7")
                        .header("content-type", "application/octet-stream")
                        .header("x-amz-version-id", "v1")
                        .header("x-amz-checksum-crc64nvme", checksum),
                ),
            }
        })
        .await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("source");
        std::fs::write(&path, "content").unwrap();
        let mut new = super::new_upload(&server, &path, &Engine::default());
        new.if_none_match = true;
        let sent = keyferry_transfer::upload(
            &server.client,
            new,
            &keyferry_transfer::Silent,
            tokio_util::sync::CancellationToken::new(),
        )
        .await;
        match ours {
            true => assert_eq!(sent.unwrap().receipt.version_id.as_deref(), Some("v1")),
            false => {
                let error = sent.unwrap_err();
                assert!(
                    matches!(error, TransferError::ObjectExists { .. }),
                    "{error:?}"
                );
            }
        }
    }
}
