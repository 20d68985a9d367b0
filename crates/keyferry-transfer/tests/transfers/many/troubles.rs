//! What goes wrong with some objects leaves the others alone, and what goes wrong with all stops the run.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt;
use keyferry_key::CustomerKey;
use keyferry_transfer::{
    DownloadTarget, Event, Job, ManySettings, Observer, Silent, Stopped, TargetFolder,
    TransferError, Upload, UploadSource,
};

use super::{downloads, files, run, uploads};
use crate::fake_server::{Answer, FakeServer};
use crate::setup::{Setup, address, content};

#[tokio::test(flavor = "multi_thread")]
async fn some_under_another_key() {
    let setup = Setup::start().await;
    let other = CustomerKey::generate().unwrap();
    for number in 0..20 {
        let path = setup.file("put", &content(1000 + number));
        let destination = format!("s3://tokyo/{number}");
        let mut upload = setup.new_upload(UploadSource::File(path), &destination);
        if number % 4 == 0 {
            upload.key = other.clone();
        }
        setup.send(upload).await.unwrap();
    }
    let open = setup.client.put_object().bucket("tokyo").key("open");
    open.send().await.unwrap();
    let target = setup.folder.path().join("target");
    let folder = Arc::new(TargetFolder::open(&target).await.unwrap());
    let jobs = downloads(&setup, "tokyo", &folder, |_| {});
    let (got, stopped) = run(jobs, ManySettings::default()).await;
    assert_eq!((got.len(), stopped), (21, None));
    for (key, got) in &got {
        match key.parse::<u64>() {
            Ok(number) if number % 4 == 0 => {
                assert!(
                    matches!(got, Err(TransferError::WrongKey { .. })),
                    "{got:?}"
                );
            }
            Ok(_) => assert!(got.is_ok()),
            Err(_) => assert!(matches!(
                got,
                Err(TransferError::NotCustomerEncrypted { .. })
            )),
        }
    }
    assert_eq!(files(&target).len(), 15);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_blocks_sse_c_stops_the_run() {
    let setup = Setup::start().await;
    setup.bucket("blocking", false, true).await;
    let source = setup.folder.path().join("source");
    std::fs::create_dir(&source).unwrap();
    for number in 0..500 {
        std::fs::write(source.join(number.to_string()), "content").unwrap();
    }
    let jobs = uploads(&setup, &source, "blocking");
    let (sent, stopped) = run(jobs, ManySettings::default()).await;
    assert_eq!(stopped, Some(Stopped::ConcernsAll));
    assert!(!sent.is_empty() && sent.len() < 400, "{}", sent.len());
    assert!(
        sent.values()
            .all(|sent| matches!(sent, Err(TransferError::SseCBlocked { .. })))
    );
    assert_eq!(setup.objects("blocking").await, 0);
}

/// Files that vanish between being found and being read, and one that is written to.
#[tokio::test(flavor = "multi_thread")]
async fn files_that_vanish() {
    let setup = Setup::start().await;
    let source = setup.folder.path().join("source");
    std::fs::create_dir(&source).unwrap();
    for number in 0..40 {
        std::fs::write(source.join(number.to_string()), content(100)).unwrap();
    }
    let gone = source.clone();
    let jobs = uploads(&setup, &source, "tokyo").inspect(move |job| {
        let name = format!("{job:?}");
        if name.contains("\"7\"") || name.contains("\"13\"") {
            let name = if name.contains("\"7\"") { "7" } else { "13" };
            std::fs::remove_file(gone.join(name)).unwrap();
        }
    });
    let (sent, stopped) = run(jobs, ManySettings::default()).await;
    assert_eq!((sent.len(), stopped), (40, None));
    for (name, sent) in &sent {
        match &**name {
            "7" | "13" => assert!(matches!(sent, Err(TransferError::SourceUnreadable { .. }))),
            _ => assert!(sent.is_ok()),
        }
    }
    assert_eq!(setup.objects("tokyo").await, 38);
}

/// Overwrites an object when the first of its bytes have come.
struct Overwriting(Arc<dyn Fn() + Send + Sync>, AtomicUsize);

impl Observer for Overwriting {
    fn on(&self, event: Event) {
        if matches!(event, Event::PartDone { .. }) && self.1.fetch_add(1, Ordering::SeqCst) == 0 {
            (self.0)();
        }
    }
}

/// In a bucket without versions nothing else can be pinned; the other objects arrive.
#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_changes_meanwhile() {
    let setup = Setup::start().await;
    setup.bucket("plain", true, false).await;
    setup.put(&content(6 << 20), "s3://plain/changes").await;
    setup.put(b"stays", "s3://plain/stays").await;
    let target = setup.folder.path().join("target");
    let folder = Arc::new(TargetFolder::open(&target).await.unwrap());
    let path = setup.file("other", &content(5));
    let again = setup.new_upload(UploadSource::File(path), "s3://plain/changes");
    let (client, runtime) = (setup.client.clone(), tokio::runtime::Handle::current());
    let again = std::sync::Mutex::new(Some(again));
    let overwrite = move || {
        let Some(upload) = again.lock().unwrap().take() else {
            return;
        };
        let cancel = tokio_util::sync::CancellationToken::new();
        let sent = keyferry_transfer::upload(&client, upload, &Silent, cancel);
        tokio::task::block_in_place(|| runtime.block_on(sent)).unwrap();
    };
    let events: Arc<dyn Observer> = Arc::new(Overwriting(Arc::new(overwrite), AtomicUsize::new(0)));
    let client = setup.client.clone();
    let (key, size) = (setup.key.clone(), 6 << 20);
    let within = |name: &str, size| DownloadTarget::Within {
        folder: Arc::clone(&folder),
        path: keyferry_transfer::KeyPath::new(name).unwrap(),
        size,
    };
    let new = |name: &str, size| {
        let source = address(&format!("s3://plain/{name}"));
        let mut download =
            keyferry_transfer::Download::new(source, key.clone(), within(name, size));
        download.range_size = (1 << 20).try_into().unwrap();
        download.concurrency = 1.try_into().unwrap();
        download
    };
    let changes = Job::download(
        "changes".to_owned(),
        size,
        client.clone(),
        new("changes", size),
        events,
    );
    let stays = new("stays", 5);
    let stays = Job::download("stays".to_owned(), 5, client, stays, Arc::new(Silent));
    let jobs = futures::stream::iter([changes, stays]);
    let (got, _) = run(jobs, ManySettings::default()).await;
    assert!(
        matches!(
            got["changes"],
            Err(TransferError::ChangedDuringDownload { .. })
        ),
        "{:?}",
        got["changes"]
    );
    assert!(got["stays"].is_ok());
    let names: Vec<_> = files(&target).into_keys().collect();
    assert_eq!(names, [std::path::PathBuf::from("stays")]);
}

/// A server that asks to slow down is given time, and in the end has everything.
#[tokio::test(flavor = "multi_thread")]
async fn throttling_is_waited_out() {
    let refusals = AtomicUsize::new(0);
    let server = FakeServer::start(move |request, key| {
        if refusals.fetch_add(1, Ordering::SeqCst) < 12 {
            return Some(Answer::error(503, "SlowDown"));
        }
        let crc = request.headers.get("x-amz-checksum-crc64nvme");
        Some(
            Answer::new(200)
                .confirming(key)
                .header("etag", "\"e\"")
                .header("x-amz-checksum-crc64nvme", crc.cloned().unwrap_or_default()),
        )
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let jobs: Vec<_> = (0..24)
        .map(|number| {
            let path = folder.path().join(number.to_string());
            std::fs::write(&path, content(1000)).unwrap();
            let upload = Upload::new(
                UploadSource::File(path),
                address(&format!("s3://bucket/{number}")),
                "us-east-1".parse().unwrap(),
                server.key.clone(),
            );
            let client = server.client.clone();
            Job::upload(number.to_string(), 1000, client, upload, Arc::new(Silent))
        })
        .collect();
    let ran = run(futures::stream::iter(jobs), ManySettings::default());
    let (sent, stopped) = tokio::time::timeout(Duration::from_secs(60), ran)
        .await
        .unwrap();
    assert_eq!((sent.len(), stopped), (24, None));
    assert!(sent.values().all(Result::is_ok), "{sent:?}");
}
