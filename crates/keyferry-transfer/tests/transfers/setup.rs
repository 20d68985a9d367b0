//! A lab with a bucket, and what tests ask of it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::Client;
use aws_sdk_s3::types::{BucketVersioningStatus, EncryptionType, VersioningConfiguration};
use keyferry_key::CustomerKey;
use keyferry_lab::{Lab, LabOptions};
use keyferry_policy::Region;
use keyferry_tests::buckets;
use keyferry_transfer::{
    Connector, ConnectorSettings, Download, DownloadTarget, Downloaded, Event, ObjectAddress,
    Observer, PartSize, Receipt, Silent, TransferError, Upload, UploadSource, download, upload,
};
use tempfile::TempDir;
use tokio::io::AsyncWrite;
use tokio_util::sync::CancellationToken;

pub(crate) const PART: u64 = 5 << 20;

pub(crate) struct Setup {
    pub(crate) lab: Lab,
    pub(crate) connector: Connector,
    pub(crate) client: Client,
    pub(crate) region: Region,
    pub(crate) key: CustomerKey,
    pub(crate) folder: TempDir,
}

impl Setup {
    /// A lab, in which bucket `tokyo` takes SSE-C and keeps versions.
    pub(crate) async fn start() -> Self {
        let lab = Lab::start(LabOptions::default()).await.unwrap();
        let connector = Connector::new(settings(&lab)).unwrap();
        let region: Region = lab.regions()[0].name().parse().unwrap();
        let setup = Self {
            client: connector.client(&region).unwrap(),
            lab,
            connector,
            region,
            key: CustomerKey::generate().unwrap(),
            folder: tempfile::tempdir().unwrap(),
        };
        setup.bucket("tokyo", true, true).await;
        setup
    }

    pub(crate) async fn bucket(&self, name: &str, takes_sse_c: bool, versioned: bool) {
        buckets::make(&self.client, name).await.unwrap();
        if takes_sse_c {
            self.allow_sse_c(name).await;
        }
        if versioned {
            let enabled = VersioningConfiguration::builder()
                .status(BucketVersioningStatus::Enabled)
                .build();
            let put = self.client.put_bucket_versioning().bucket(name);
            put.versioning_configuration(enabled).send().await.unwrap();
        }
    }

    pub(crate) async fn allow_sse_c(&self, bucket: &str) {
        buckets::block(&self.client, bucket, EncryptionType::None)
            .await
            .unwrap();
    }

    pub(crate) fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn new_upload(&self, source: UploadSource, destination: &str) -> Upload {
        let mut upload = Upload::new(
            source,
            address(destination),
            self.region.clone(),
            self.key.clone(),
        );
        upload.part_size = Some(PartSize::new(PART).unwrap());
        upload.sha256 = true;
        upload
    }

    pub(crate) async fn send(&self, upload: Upload) -> Result<Receipt, TransferError> {
        let sent = self::upload(&self.client, upload, &Silent, CancellationToken::new());
        Ok(sent.await?.receipt)
    }

    /// Uploads bytes from a file.
    pub(crate) async fn put(&self, content: &[u8], destination: &str) -> Receipt {
        let path = self.file("put", content);
        let upload = self.new_upload(UploadSource::File(path), destination);
        self.send(upload).await.unwrap()
    }

    pub(crate) fn new_download(&self, source: &str, target: DownloadTarget) -> Download {
        let mut download = Download::new(address(source), self.key.clone(), target);
        download.range_size = (1 << 20).try_into().unwrap();
        download
    }

    pub(crate) async fn fetch(&self, download: Download) -> Result<Downloaded, TransferError> {
        self::download(&self.client, download, &Silent, CancellationToken::new()).await
    }

    /// Downloads into an empty folder, which afterwards holds the file alone or nothing.
    pub(crate) async fn get(&self, source: &str) -> (Result<Downloaded, TransferError>, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("got");
        let download = self.new_download(source, DownloadTarget::File(path.clone()));
        let downloaded = self.fetch(download).await;
        let files = names(folder.path());
        match &downloaded {
            Ok(_) => assert_eq!(files, ["got"]),
            Err(_) => assert!(files.is_empty(), "{files:?}"),
        }
        (downloaded, std::fs::read(path).unwrap_or_default())
    }

    /// How many multipart uploads were begun and neither completed nor aborted.
    pub(crate) async fn open_uploads(&self, bucket: &str) -> usize {
        let list = self.client.list_multipart_uploads().bucket(bucket);
        list.send().await.unwrap().uploads().len()
    }

    pub(crate) async fn objects(&self, bucket: &str) -> usize {
        let list = self.client.list_objects_v2().bucket(bucket);
        list.send().await.unwrap().contents().len()
    }
}

/// Downloads with these settings; the error.
pub(crate) async fn refusal(setup: &Setup, settings: ConnectorSettings) -> TransferError {
    let connector = Connector::new(settings).unwrap();
    let client = connector.client(&setup.region).unwrap();
    let target = DownloadTarget::File(setup.folder.path().join("got"));
    let new = Download::new(address("s3://tokyo/key"), setup.key.clone(), target);
    let error = download(&client, new, &Silent, CancellationToken::new())
        .await
        .unwrap_err();
    assert!(names(setup.folder.path()).iter().all(|name| name == "put"));
    assert!(error.hint().is_some());
    error
}

pub(crate) fn settings(lab: &Lab) -> ConnectorSettings {
    let endpoints = lab
        .regions()
        .iter()
        .map(|region| format!("{}={}", region.name(), region.endpoint_url()))
        .collect::<Vec<_>>()
        .join(",");
    let key = lab.credentials();
    ConnectorSettings {
        endpoints: endpoints.parse().unwrap(),
        ca_bundle: Some(lab.ca_path().to_owned()),
        ..ConnectorSettings::new(credentials(key.access_key_id(), key.secret_access_key()))
    }
}

pub(crate) fn credentials(id: &str, secret: &str) -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(Credentials::new(id, secret, None, None, "test"))
}

pub(crate) fn address(text: &str) -> ObjectAddress {
    text.parse().unwrap()
}

pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Bytes without a pattern that a mistake could follow.
pub(crate) fn content(size: u64) -> Vec<u8> {
    let mut state = size ^ 0x9e37_79b9_7f4a_7c15;
    let mut content = Vec::new();
    while (content.len() as u64) < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        content.extend_from_slice(&state.to_le_bytes());
    }
    content.truncate(usize::try_from(size).unwrap());
    content
}

/// Does something once, when the first event of a kind comes.
pub(crate) struct AtFirst<F: Fn() + Send + Sync> {
    when: fn(&Event) -> bool,
    action: F,
    done: Mutex<bool>,
}

impl<F: Fn() + Send + Sync> AtFirst<F> {
    pub(crate) fn part(action: F) -> Self {
        Self {
            when: |event| matches!(event, Event::PartDone { .. }),
            action,
            done: Mutex::default(),
        }
    }
}

impl<F: Fn() + Send + Sync> Observer for AtFirst<F> {
    fn on(&self, event: Event) {
        if (self.when)(&event) && !std::mem::replace(&mut *self.done.lock().unwrap(), true) {
            (self.action)();
        }
    }
}

/// Keeps all events.
#[derive(Default)]
pub(crate) struct Log(pub(crate) Mutex<Vec<Event>>);

impl Observer for Log {
    fn on(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

impl Log {
    pub(crate) fn advanced(&self) -> u64 {
        let events = self.0.lock().unwrap();
        let bytes = events.iter().map(|event| match event {
            Event::Advanced { bytes } => *bytes,
            _ => 0,
        });
        bytes.sum()
    }
}

/// A writer whose content can be looked at afterwards.
#[derive(Clone, Default)]
pub(crate) struct Output(pub(crate) Arc<Mutex<Vec<u8>>>);

impl AsyncWrite for Output {
    fn poll_write(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        // Short writes, as pipes do them.
        let count = bytes.len().min(64 << 10);
        self.0.lock().unwrap().extend_from_slice(&bytes[..count]);
        std::task::Poll::Ready(Ok(count))
    }

    fn poll_flush(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn poll_shutdown(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }
}
