//! Servers that ignore keys, damage bytes, break off, or lose answers.

use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use keyferry_key::CustomerKey;
use keyferry_transfer::{
    Download, DownloadTarget, Downloaded, PartSize, Receipt, Silent, TransferError, Upload,
    UploadSource, download, upload,
};
use tokio_util::sync::CancellationToken;

use crate::fake_server::{Answer, FakeServer, Request};
use crate::setup::{PART, address, content, names};

async fn send(server: &FakeServer, size: u64) -> Result<Receipt, TransferError> {
    send_with(server, size, &[]).await
}

async fn send_tagged(server: &FakeServer, size: u64) -> Result<Receipt, TransferError> {
    send_with(server, size, &[("colour", "light blue")]).await
}

async fn send_with(
    server: &FakeServer,
    size: u64,
    tags: &[(&str, &str)],
) -> Result<Receipt, TransferError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("source");
    std::fs::write(&path, content(size)).unwrap();
    let mut new = Upload::new(
        UploadSource::File(path),
        address("s3://bucket/key"),
        "us-east-1".parse().unwrap(),
        server.key.clone(),
    );
    new.part_size = Some(PartSize::new(PART).unwrap());
    new.tags = tags
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let sent = upload(&server.client, new, &Silent, CancellationToken::new());
    Ok(sent.await?.receipt)
}

/// Downloads in ranges of 1,000 bytes; a failure must leave nothing.
async fn fetch(server: &FakeServer) -> (Result<Downloaded, TransferError>, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("got");
    let mut new = Download::new(
        address("s3://bucket/key"),
        server.key.clone(),
        DownloadTarget::File(path.clone()),
    );
    new.range_size = 1000.try_into().unwrap();
    let downloaded = download(&server.client, new, &Silent, CancellationToken::new()).await;
    if downloaded.is_err() {
        assert!(names(folder.path()).is_empty());
    }
    (downloaded, std::fs::read(path).unwrap_or_default())
}

pub(crate) fn crc64(bytes: &[u8]) -> String {
    let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Nvme, bytes);
    BASE64_STANDARD.encode(crc.to_be_bytes())
}

/// Serves bytes as S3 would, with the checksum given.
pub(crate) fn serve(request: &Request, key: &CustomerKey, bytes: &[u8], checksum: &str) -> Answer {
    let answer = Answer::new(200)
        .confirming(key)
        .header("etag", "\"e1\"")
        .header("last-modified", "Mon, 01 Jun 2026 00:00:00 GMT");
    if request.method == "HEAD" {
        return answer
            .header("content-length", bytes.len().to_string())
            .header("x-amz-checksum-crc64nvme", checksum)
            .header("x-amz-checksum-type", "FULL_OBJECT");
    }
    match request.range() {
        Some((from, to)) => {
            let to = to.min(bytes.len() - 1);
            let range = format!("bytes {from}-{to}/{}", bytes.len());
            Answer {
                status: 206,
                ..answer
                    .header("content-range", range)
                    .body(&bytes[from..=to])
            }
        }
        None => answer.body(bytes),
    }
}

#[tokio::test]
async fn a_server_that_stores_plaintext() {
    let server = FakeServer::start(|request, _| {
        let answer = Answer::new(200).header("etag", "\"e1\"");
        Some(match request.method.as_str() {
            "DELETE" => Answer::new(204),
            "POST" => answer.body(
                "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>",
            ),
            _ => answer.header("x-amz-version-id", "v1"),
        })
    })
    .await;
    let error = send(&server, 10).await.unwrap_err();
    match &error {
        TransferError::SseCNotConfirmed { version_id, .. } => {
            assert_eq!(version_id.as_deref(), Some("v1"));
        }
        other => panic!("{other:?}"),
    }
    assert!(error.to_string().contains("plaintext copy"));
    assert!(error.hint().unwrap().contains("delete what it stored"));

    let error = send(&server, PART + 1).await.unwrap_err();
    assert!(
        error.to_string().contains("no content was sent"),
        "{error:?}"
    );
    // One byte that is nobody's content went ahead.
    let parts = server.bodies("partNumber");
    assert_eq!(parts, [b"\0"]);
    let requests = server.requests();
    assert!(
        requests
            .iter()
            .any(|request| request.starts_with("DELETE") && request.contains("uploadId=u1"))
    );
}

/// As SeaweedFS does: a key is confirmed for each part, and not when an upload begins.
#[tokio::test]
async fn a_server_that_confirms_keys_of_parts_only() {
    let server = FakeServer::start(|request, key| {
        let answer = Answer::new(200).header("etag", "\"e1\"");
        Some(match request.method.as_str() {
            "POST" if request.target.contains("uploadId") => answer.body(
                "<CompleteMultipartUploadResult><ETag>\"e1-2\"</ETag></CompleteMultipartUploadResult>",
            ),
            "POST" => answer.body(
                "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>",
            ),
            _ => answer.confirming(key),
        })
    })
    .await;
    let receipt = send(&server, PART + 1).await.unwrap();
    assert_eq!(receipt.etag, "e1-2");
    let sizes: Vec<usize> = server.bodies("partNumber").iter().map(Vec::len).collect();
    assert_eq!(sizes.first(), Some(&1));
    assert_eq!(sizes.len(), 3);
}

/// As Ceph's gateway does: no entity tag, no checksum, and tags are lost.
#[tokio::test]
async fn a_server_that_loses_what_belongs_to_an_upload_in_parts() {
    let server = FakeServer::start(|request, key| {
        let answer = Answer::new(200).confirming(key);
        Some(match (request.method.as_str(), request.target.as_str()) {
            ("POST", target) if target.contains("uploadId") => answer.body(
                "<CompleteMultipartUploadResult><ETag></ETag></CompleteMultipartUploadResult>",
            ),
            ("POST", _) => answer.body(
                "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>",
            ),
            // The question for tags is answered with nothing.
            ("GET", _) => Answer::new(200),
            _ => answer.header("etag", "\"real-2\""),
        })
    })
    .await;
    let receipt = send_tagged(&server, PART + 1).await.unwrap();
    assert_eq!(receipt.etag, "real-2");
    let put_back = server.bodies("tagging");
    let put_back = String::from_utf8(put_back.last().unwrap().clone()).unwrap();
    assert!(
        put_back.contains("<Key>colour</Key><Value>light blue</Value>"),
        "{put_back}"
    );
}

#[tokio::test]
async fn a_server_that_used_another_key() {
    let other = CustomerKey::generate().unwrap();
    let server = FakeServer::start(move |_, _| {
        Some(Answer::new(200).header("etag", "\"e1\"").confirming(&other))
    })
    .await;
    let error = send(&server, 10).await.unwrap_err();
    assert!(
        matches!(error, TransferError::SseCNotConfirmed { .. }),
        "{error:?}"
    );
}

/// SeaweedFS sends the MD5 header twice, and some servers know no checksums.
#[tokio::test]
async fn a_server_that_says_everything_twice() {
    let server = FakeServer::start(|_, key| {
        let answer = Answer::new(200).header("etag", "\"e1\"");
        Some(answer.confirming(key).confirming(key))
    })
    .await;
    assert_eq!(send(&server, 10).await.unwrap().etag, "e1");
}

#[tokio::test]
async fn a_server_that_stores_other_bytes() {
    let server = FakeServer::start(|_, key| {
        let answer = Answer::new(200).header("etag", "\"e1\"").confirming(key);
        Some(answer.header("x-amz-checksum-crc64nvme", "AAAAAAAAAAE="))
    })
    .await;
    let error = send(&server, 10).await.unwrap_err();
    assert!(
        matches!(error, TransferError::ChecksumMismatch { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_server_that_serves_plaintext() {
    let bytes = content(100);
    let server = FakeServer::start(move |request, key| {
        let mut answer = serve(request, key, &bytes, "");
        answer
            .headers
            .retain(|(name, _)| !name.contains("customer"));
        Some(answer)
    })
    .await;
    let error = fetch(&server).await.0.unwrap_err();
    assert!(
        matches!(error, TransferError::NotCustomerEncrypted { .. }),
        "{error:?}"
    );
}

/// A bit of one range flips on the server; only the checksum over the whole can tell.
#[tokio::test]
async fn damaged_bytes() {
    let server = FakeServer::start(|request, key| {
        let bytes = content(4500);
        let mut answer = serve(request, key, &bytes, &crc64(&bytes));
        if request.range() == Some((2000, 2999)) {
            answer.body[17] ^= 4;
        }
        Some(answer)
    })
    .await;
    let error = fetch(&server).await.0.unwrap_err();
    assert!(
        matches!(error, TransferError::ChecksumMismatch { .. }),
        "{error:?}"
    );
}

/// Each body breaks off early, and the rest is asked for again.
#[tokio::test]
async fn bodies_that_break_off() {
    let broken = AtomicUsize::new(0);
    let server = FakeServer::start(move |request, key| {
        let bytes = content(4500);
        let answer = serve(request, key, &bytes, &crc64(&bytes));
        let length = answer.body.len();
        if request.method == "GET" && length > 300 && broken.fetch_add(1, Ordering::Relaxed) < 8 {
            return Some(answer.broken_after(length / 2));
        }
        Some(answer)
    })
    .await;
    let (downloaded, got) = fetch(&server).await;
    downloaded.unwrap();
    assert!(got == content(4500));
    // What had arrived was not asked for again.
    let requests = server.seen_ranges();
    assert!(requests.contains(&(500, 999)), "{requests:?}");
}

#[tokio::test]
async fn bodies_that_never_arrive() {
    let server = FakeServer::start(|request, key| {
        let bytes = content(1500);
        let answer = serve(request, key, &bytes, &crc64(&bytes));
        Some(match request.range() {
            Some((1000, _)) => answer.broken_after(0),
            _ => answer,
        })
    })
    .await;
    let error = fetch(&server).await.0.unwrap_err();
    assert!(
        matches!(error, TransferError::ConnectionLost { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_answer_for_another_range() {
    let server = FakeServer::start(|request, key| {
        let bytes = content(4500);
        let mut answer = serve(request, key, &bytes, &crc64(&bytes));
        if request.range().is_some_and(|(from, _)| from == 1000) {
            let other = serve(
                &Request {
                    headers: [("range".to_owned(), "bytes=2000-2999".to_owned())].into(),
                    ..request.clone()
                },
                key,
                &bytes,
                "",
            );
            answer = other;
        }
        Some(answer)
    })
    .await;
    let error = fetch(&server).await.0.unwrap_err();
    assert!(
        matches!(error, TransferError::UnexpectedAnswer { .. }),
        "{error:?}"
    );
}

/// The server makes the object, but its answer is lost, and the upload is gone when asked again.
#[tokio::test]
async fn a_lost_answer_to_complete() {
    let completed = AtomicUsize::new(0);
    let server = FakeServer::start(move |request, key| {
        let answer = Answer::new(200).header("etag", "\"e1\"").confirming(key);
        let target = &request.target;
        Some(match request.method.as_str() {
            "POST" if target.contains("uploads") => answer.body(
                "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>",
            ),
            "POST" => {
                if completed.fetch_add(1, Ordering::Relaxed) == 0 {
                    return None;
                }
                Answer::new(404).body("<Error><Code>NoSuchUpload</Code></Error>")
            }
            "HEAD" => answer
                .header("content-length", (PART + 1).to_string())
                .header("x-amz-version-id", "v1")
                .header("x-amz-checksum-crc64nvme", crc64(&content(PART + 1))),
            _ => answer,
        })
    })
    .await;
    let receipt = send(&server, PART + 1).await.unwrap();
    assert_eq!(receipt.version_id.as_deref(), Some("v1"));
    assert_eq!(receipt.parts.unwrap().count, 2);
}

#[tokio::test]
async fn an_upload_that_cannot_be_aborted() {
    let server = FakeServer::start(|request, key| {
        let answer = Answer::new(200).header("etag", "\"e1\"").confirming(key);
        let denied = Answer::new(403).body("<Error><Code>AccessDenied</Code></Error>");
        Some(match request.method.as_str() {
            "POST" => answer.body(
                "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>",
            ),
            _ => denied,
        })
    })
    .await;
    let error = send(&server, PART + 1).await.unwrap_err();
    match &error {
        TransferError::LeftBehind { cause, left } => {
            assert!(matches!(**cause, TransferError::AccessDenied { .. }));
            assert_eq!(left.upload_id, "u1");
        }
        other => panic!("{other:?}"),
    }
    assert!(error.hint().unwrap().contains("abort-multipart-upload"));
}
