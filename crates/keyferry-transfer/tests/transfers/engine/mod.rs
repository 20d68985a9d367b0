//! What the transfers of a run share, and what is done about servers that are slow, busy or wrong.

mod credentials_and_clock;
mod late;
mod memory;
mod retries;

use keyferry_transfer::{
    Download, DownloadTarget, Downloaded, Engine, EngineSettings, Event, PartSize, TransferError,
    Upload, UploadSource, Uploaded, download, upload,
};
use tokio_util::sync::CancellationToken;

use crate::fake_server::{Answer, FakeServer, Request};
use crate::setup::{Log, Output, PART, address, content};

fn engine(change: impl FnOnce(&mut EngineSettings)) -> Engine {
    let mut settings = EngineSettings::default();
    change(&mut settings);
    Engine::new(settings)
}

fn new_upload(server: &FakeServer, path: &std::path::Path, engine: &Engine) -> Upload {
    let mut new = Upload::new(
        UploadSource::File(path.to_owned()),
        address("s3://bucket/key"),
        "us-east-1".parse().unwrap(),
        server.key.clone(),
    );
    new.part_size = Some(PartSize::new(PART).unwrap());
    new.engine = engine.clone();
    new
}

/// Uploads content of this size, in parts of 5 MiB; what happened, and how often parts were repeated.
async fn send(
    server: &FakeServer,
    client: &aws_sdk_s3::Client,
    size: u64,
    engine: &Engine,
) -> (Result<Uploaded, TransferError>, usize) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("source");
    std::fs::write(&path, content(size)).unwrap();
    let log = Log::default();
    let new = new_upload(server, &path, engine);
    let sent = upload(client, new, &log, CancellationToken::new()).await;
    if sent.is_ok() {
        assert_eq!(log.advanced(), size);
    }
    (sent, retried(&log))
}

/// Downloads in ranges of 1,000 bytes, to a file and to a stream.
async fn fetch(
    server: &FakeServer,
    client: &aws_sdk_s3::Client,
    to_file: bool,
    engine: &Engine,
) -> (Result<Downloaded, TransferError>, Vec<u8>, usize) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("got");
    let output = Output::default();
    let target = match to_file {
        true => DownloadTarget::File(path.clone()),
        false => DownloadTarget::Writer(Box::new(output.clone())),
    };
    let mut new = Download::new(address("s3://bucket/key"), server.key.clone(), target);
    new.range_size = 1000.try_into().unwrap();
    new.engine = engine.clone();
    let log = Log::default();
    let fetched = download(client, new, &log, CancellationToken::new()).await;
    let got = match to_file {
        true => std::fs::read(path).unwrap_or_default(),
        false => output.0.lock().unwrap().clone(),
    };
    if fetched.is_ok() {
        assert_eq!(log.advanced(), got.len() as u64);
    }
    (fetched, got, retried(&log))
}

fn retried(log: &Log) -> usize {
    let events = log.0.lock().unwrap();
    events
        .iter()
        .filter(|event| matches!(event, Event::Retried { .. }))
        .count()
}

/// Takes an upload as S3 would, as far as the uploader sees.
fn take(request: &Request, key: &keyferry_key::CustomerKey) -> Answer {
    let answer = Answer::new(200).header("etag", "\"e1\"").confirming(key);
    match request.method.as_str() {
        "DELETE" => Answer::new(204),
        "POST" if request.target.contains("uploads") => answer.body(
            "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>",
        ),
        "POST" => answer.body("<CompleteMultipartUploadResult><ETag>\"e-2\"</ETag></CompleteMultipartUploadResult>"),
        _ => match request.headers.get("x-amz-checksum-crc64nvme") {
            Some(crc) => answer.header("x-amz-checksum-crc64nvme", crc),
            None => answer,
        },
    }
}

/// Number of the part that a request sends.
fn part(request: &Request) -> Option<u32> {
    let (_, rest) = request.target.split_once("partNumber=")?;
    rest.split('&').next()?.parse().ok()
}
