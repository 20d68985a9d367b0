//! Servers that list no checksums, refuse what they have, forbid, or lose answers.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use keyferry_transfer::{
    PartSize, Receipt, Resume, ResumePlace, StartedOver, TransferError, Upload, UploadSource,
    upload,
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::{Watch, at_part};
use crate::fake_server::{Answer, FakeServer, Request};
use crate::setup::{PART, address, content, names};

const PARTS: u64 = 4;
const SIZE: u64 = PARTS * PART;

fn crc64(bytes: &[u8]) -> String {
    let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Nvme, bytes);
    BASE64_STANDARD.encode(crc.to_be_bytes())
}

/// What a sound server would answer; it forgets everything but lists the first part of each upload.
fn sound(request: &Request, confirmed: Answer) -> Answer {
    let target = &request.target;
    match request.method.as_str() {
        "POST" if target.contains("uploads") => confirmed.body(
            "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>",
        ),
        "POST" => confirmed
            .body("<CompleteMultipartUploadResult><ETag>e1</ETag></CompleteMultipartUploadResult>"),
        "GET" => confirmed.body(list(&format!(
            "<ChecksumCRC64NVME>{}</ChecksumCRC64NVME>",
            crc64(&content(SIZE)[..usize::try_from(PART).unwrap()])
        ))),
        "DELETE" => Answer::new(404).body("<Error><Code>NoSuchUpload</Code></Error>"),
        _ => confirmed.header("etag", "\"p1\""),
    }
}

fn list(checksum: &str) -> String {
    format!(
        "<ListPartsResult><IsTruncated>false</IsTruncated><Part><PartNumber>1</PartNumber>\
         <Size>{PART}</Size><ETag>\"p1\"</ETag>{checksum}</Part></ListPartsResult>"
    )
}

/// A user with a file, whose uploads are remembered.
struct User {
    server: FakeServer,
    folder: TempDir,
    broken: Arc<AtomicBool>,
}

impl User {
    /// `answer` is asked once the first upload has broken off; `None` stands for a sound answer.
    async fn start(
        answer: impl Fn(&Request, Answer) -> Option<Answer> + Send + Sync + 'static,
    ) -> Self {
        let broken = Arc::new(AtomicBool::new(false));
        let after = Arc::clone(&broken);
        let server = FakeServer::start(move |request, key| {
            let confirmed = Answer::new(200).confirming(key);
            let special = match after.load(Ordering::Relaxed) {
                true => answer(request, confirmed.clone()),
                false => None,
            };
            Some(special.unwrap_or_else(|| sound(request, confirmed)))
        })
        .await;
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("source"), content(SIZE)).unwrap();
        let user = Self {
            server,
            folder,
            broken,
        };
        let (watch, cancel) = Watch::stopping(at_part);
        let error = user.send(&watch, cancel).await.unwrap_err();
        assert!(
            matches!(error, TransferError::Resumable { .. }),
            "{error:?}"
        );
        user.broken.store(true, Ordering::Relaxed);
        user
    }

    fn states(&self) -> PathBuf {
        self.folder.path().join("states")
    }

    async fn send(
        &self,
        watch: &Watch,
        cancel: CancellationToken,
    ) -> Result<Receipt, TransferError> {
        let mut new = Upload::new(
            UploadSource::File(self.folder.path().join("source")),
            address("s3://bucket/key"),
            "us-east-1".parse().unwrap(),
            self.server.key.clone(),
        );
        new.part_size = Some(PartSize::new(PART).unwrap());
        new.concurrency = 1.try_into().unwrap();
        let place = ResumePlace::new(self.states(), String::new(), Resume::Continue);
        new.resume = Some(place);
        let sent = upload(&self.server.client, new, watch, cancel).await;
        sent.map(|uploaded| uploaded.receipt)
    }

    /// Sends again; what was seen of it.
    async fn again(&self) -> (Watch, Result<Receipt, TransferError>) {
        let watch = Watch::default();
        let sent = self.send(&watch, CancellationToken::new()).await;
        (watch, sent)
    }
}

/// An entity tag is no MD5 under a customer key, so such parts are sent again.
#[tokio::test]
async fn no_checksums_in_lists() {
    let user = User::start(|request, confirmed| {
        (request.method == "GET").then(|| confirmed.body(list("")))
    })
    .await;
    let (watch, sent) = user.again().await;
    sent.unwrap();
    assert_eq!((watch.skipped(), watch.sent()), (0, SIZE));
    assert_eq!(watch.started_over(), None);
}

#[tokio::test]
async fn lists_in_pages() {
    let user = User::start(|request, confirmed| {
        let (at, more) = match request.target.contains("part-number-marker=1") {
            true => (2, false),
            false => (1, true),
        };
        let part = usize::try_from(PART).unwrap();
        (request.method == "GET").then(|| {
            confirmed.body(format!(
                "<ListPartsResult><IsTruncated>{more}</IsTruncated>\
                 <NextPartNumberMarker>{at}</NextPartNumberMarker><Part><PartNumber>{at}</PartNumber>\
                 <Size>{PART}</Size><ETag>\"p\"</ETag><ChecksumCRC64NVME>{}</ChecksumCRC64NVME>\
                 </Part></ListPartsResult>",
                crc64(&content(SIZE)[(at - 1) * part..at * part])
            ))
        })
    })
    .await;
    let (watch, sent) = user.again().await;
    sent.unwrap();
    assert_eq!((watch.skipped(), watch.sent()), (2 * PART, SIZE - 2 * PART));
}

#[tokio::test]
async fn lists_that_are_forbidden() {
    let user = User::start(|request, _| {
        (request.method == "GET").then(|| Answer::error(403, "AccessDenied"))
    })
    .await;
    let (_, sent) = user.again().await;
    let error = sent.unwrap_err();
    assert!(
        matches!(error, TransferError::PartsNotListed { .. }),
        "{error:?}"
    );
    assert!(
        error
            .hint()
            .unwrap()
            .contains("s3:ListMultipartUploadParts")
    );
    assert_eq!(names(&user.states()).len(), 1);
}

/// Completing says that the parts are not those that were summed: all of them are sent again.
#[tokio::test]
async fn parts_that_are_refused() {
    let refused = AtomicBool::new(false);
    let user = User::start(move |request, _| {
        let completes = request.method == "POST" && request.target.contains("uploadId");
        (completes && !refused.swap(true, Ordering::Relaxed))
            .then(|| Answer::error(400, "BadDigest"))
    })
    .await;
    let (watch, sent) = user.again().await;
    sent.unwrap();
    assert_eq!(watch.started_over(), Some(StartedOver::PartsRefused));
    assert_eq!(watch.skipped(), PART);
    assert_eq!(names(&user.states()).len(), 0);
}

#[tokio::test]
async fn a_connection_that_breaks() {
    let broken = Arc::new(AtomicBool::new(true));
    let breaks = Arc::clone(&broken);
    let user = User::start(move |request, _| {
        let fails = request.method == "PUT" && breaks.load(Ordering::Relaxed);
        fails.then(|| Answer::new(500).broken_after(0))
    })
    .await;
    let (_, sent) = user.again().await;
    match sent.unwrap_err() {
        TransferError::Resumable { cause, kept, total } => {
            assert!(matches!(*cause, TransferError::Service { .. }), "{cause:?}");
            assert_eq!((kept, total), (PART, SIZE));
        }
        other => panic!("{other:?}"),
    }
    assert!(
        !user
            .server
            .requests()
            .iter()
            .any(|request| request.starts_with("DELETE"))
    );
    broken.store(false, Ordering::Relaxed);
    let (watch, sent) = user.again().await;
    sent.unwrap();
    assert_eq!(watch.skipped(), PART);
}

/// Killed while the answer with the id was on its way.
#[tokio::test]
async fn an_id_that_was_lost() {
    let user = User::start(|request, confirmed| {
        let now = jiff::Timestamp::now();
        let target = &request.target;
        match request.method.as_str() {
            "GET" if target.contains("uploads") => Some(confirmed.body(format!(
                "<ListMultipartUploadsResult>\
                 <Upload><Key>key</Key><UploadId>lost</UploadId><Initiated>{now}</Initiated></Upload>\
                 <Upload><Key>key</Key><UploadId>busy</UploadId><Initiated>{now}</Initiated></Upload>\
                 <Upload><Key>key</Key><UploadId>old</UploadId>\
                 <Initiated>2026-01-01T00:00:00Z</Initiated></Upload>\
                 <Upload><Key>keys</Key><UploadId>other</UploadId><Initiated>{now}</Initiated></Upload>\
                 </ListMultipartUploadsResult>"
            ))),
            "GET" if target.contains("uploadId=lost") => {
                Some(confirmed.body("<ListPartsResult/>"))
            }
            _ => None,
        }
    })
    .await;
    // Only the intent was written down.
    let state = user.states().join(&names(&user.states())[0]);
    let lines = fs::read_to_string(&state).unwrap();
    fs::write(&state, format!("{}\n", lines.lines().next().unwrap())).unwrap();
    let (watch, sent) = user.again().await;
    sent.unwrap();
    assert_eq!((watch.skipped(), watch.started_over()), (0, None));
    let requests = user.server.requests();
    let aborted: Vec<_> = requests
        .iter()
        .filter(|request| request.starts_with("DELETE"))
        .collect();
    assert!(!aborted.is_empty());
    assert!(
        aborted
            .iter()
            .all(|request| request.contains("uploadId=lost")),
        "{aborted:?}"
    );
}

/// The server makes the object, and the answer is lost with the connection; the upload is kept, and
/// the next run finds the object.
#[tokio::test]
async fn an_answer_that_was_lost() {
    let user = User::start(|request, confirmed| {
        let completes = request.method == "POST" && request.target.contains("uploadId");
        match request.method.as_str() {
            _ if completes => Some(Answer::new(500).broken_after(0)),
            "GET" => Some(Answer::error(404, "NoSuchUpload")),
            "HEAD" => Some(
                confirmed
                    .header("content-length", SIZE.to_string())
                    .header("content-type", "application/octet-stream")
                    .header("x-amz-version-id", "v1")
                    .header("x-amz-checksum-crc64nvme", crc64(&content(SIZE))),
            ),
            _ => None,
        }
    })
    .await;
    let (watch, sent) = user.again().await;
    assert_eq!(sent.unwrap().version_id.as_deref(), Some("v1"));
    assert_eq!((watch.skipped(), watch.sent()), (SIZE, 0));
    assert!(
        !user
            .server
            .requests()
            .iter()
            .any(|request| request.starts_with("DELETE"))
    );
    assert_eq!(names(&user.states()).len(), 0);
}
