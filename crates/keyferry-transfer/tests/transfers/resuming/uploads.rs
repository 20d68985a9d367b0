//! Uploads that broke off.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use aws_sdk_s3::primitives::ByteStream;
use keyferry_key::{CustomerKey, KeyId};
use keyferry_transfer::{
    Event, Overwrite, PartSize, Resume, Silent, StartedOver, TransferError, Upload, upload,
};
use tokio_util::sync::CancellationToken;

use super::{Watch, at_part};
use crate::setup::{PART, Setup, content};

const SIZE: u64 = 5 * PART + 17;

impl Setup {
    fn state_file(&self) -> PathBuf {
        let mut entries = fs::read_dir(self.states()).unwrap();
        entries.next().unwrap().unwrap().path()
    }

    async fn versions(&self) -> usize {
        let list = self.client.list_object_versions().bucket("tokyo");
        list.send().await.unwrap().versions().len()
    }

    /// Uploads, and sees that nothing is left but the object.
    async fn complete(&self, upload: Upload) -> Watch {
        let watch = Watch::default();
        let receipt = self
            .send_watched(upload, &watch, CancellationToken::new())
            .await
            .unwrap();
        assert_eq!(watch.sent() + watch.skipped(), receipt.size);
        assert_eq!(self.open_uploads("tokyo").await, 0);
        assert_eq!(self.remembered(), 0);
        watch
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn go_on_where_they_stopped() {
    let setup = Setup::start().await;
    let bytes = content(SIZE);
    let path = setup.file("source", &bytes);
    let new = || setup.resumable(path.clone(), Resume::Continue);
    let kept = setup.broken_off(new()).await;
    assert_eq!(setup.open_uploads("tokyo").await, 1);
    assert_eq!(setup.remembered(), 1);
    // Nothing secret, and only for its user.
    let state = fs::read_to_string(setup.state_file()).unwrap();
    assert!(state.contains(&setup.key.md5().to_string()));
    assert!(!state.contains(setup.key.headers().expose_key()));

    // Broken off once more, and then finished.
    let again = setup.broken_off(new()).await;
    assert!(again >= kept);
    let watch = setup.complete(new()).await;
    assert!(watch.skipped() >= 2 * PART);
    assert_eq!(watch.started_over(), None);
    let (downloaded, got) = setup.get("s3://tokyo/key").await;
    downloaded.unwrap();
    assert!(got == bytes);
    assert_eq!(setup.versions().await, 1);
    // A finished one is begun anew.
    let watch = setup.complete(new()).await;
    assert_eq!((watch.skipped(), watch.sent()), (0, SIZE));
}

/// A process that is killed leaves no time for anything.
#[tokio::test(flavor = "multi_thread")]
async fn go_on_after_a_kill() {
    let setup = Setup::start().await;
    let path = setup.file("source", &content(SIZE));
    let new = || setup.resumable(path.clone(), Resume::Continue);
    let (watch, killed) = Watch::stopping(at_part);
    let cancel = CancellationToken::new();
    let sent = setup.send_watched(new(), &watch, cancel);
    assert!(killed.run_until_cancelled(sent).await.is_none());
    let watch = setup.complete(new()).await;
    assert!(watch.skipped() >= PART);
}

#[tokio::test(flavor = "multi_thread")]
async fn start_over_unless_asked_to_go_on() {
    let setup = Setup::start().await;
    let path = setup.file("source", &content(SIZE));
    setup
        .broken_off(setup.resumable(path.clone(), Resume::Continue))
        .await;
    let over = setup.resumable(path.clone(), Resume::StartOver);
    let watch = setup.complete(over).await;
    assert_eq!(watch.started_over(), Some(StartedOver::NotAsked));
    assert_eq!(watch.skipped(), 0);

    // Into one piece, too.
    setup
        .broken_off(setup.resumable(path.clone(), Resume::StartOver))
        .await;
    fs::write(&path, "small").unwrap();
    setup
        .complete(setup.resumable(path, Resume::Continue))
        .await;
    assert_eq!(setup.get("s3://tokyo/key").await.1, b"small");
}

/// What an interrupted upload has left is of no use when the object is what it was to become.
#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_the_same_ends_an_upload() {
    let setup = Setup::start().await;
    let path = setup.file("source", &content(SIZE));
    let new = |resume| Upload {
        overwrite: Overwrite::IfDifferent,
        ..setup.resumable(path.clone(), resume)
    };
    setup.send(new(Resume::StartOver)).await.unwrap();
    let always = setup.resumable(path.clone(), Resume::StartOver);
    setup.broken_off(always).await;
    let watch = setup.complete(new(Resume::StartOver)).await;
    assert_eq!(watch.skipped(), SIZE);
    assert_eq!(setup.versions().await, 1);
    // One that is to be continued is continued all the same: it is not known to be of no use.
    let always = setup.resumable(path.clone(), Resume::StartOver);
    setup.broken_off(always).await;
    let watch = setup.complete(new(Resume::Continue)).await;
    assert!(watch.skipped() < SIZE && watch.skipped() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn start_over_when_something_is_different() {
    let setup = Setup::start().await;
    let path = setup.file("source", &content(SIZE));
    let new = || setup.resumable(path.clone(), Resume::Continue);
    type Change = fn(&mut Upload);
    let changes: [(Change, StartedOver); 6] = [
        (
            |upload| upload.key = CustomerKey::generate().unwrap(),
            StartedOver::OtherKey,
        ),
        (
            |upload| upload.key_id = Some(KeyId::generate().unwrap()),
            StartedOver::OtherKey,
        ),
        (
            |upload| upload.part_size = Some(PartSize::new(PART + 1).unwrap()),
            StartedOver::OtherPartSize,
        ),
        (
            |upload| upload.content_type = Some("text/plain".to_owned()),
            StartedOver::OtherLabels,
        ),
        (
            |upload| {
                upload.metadata.insert("a".to_owned(), "b".to_owned());
            },
            StartedOver::OtherLabels,
        ),
        (
            |upload| {
                upload.tags.insert("a".to_owned(), "b".to_owned());
            },
            StartedOver::OtherLabels,
        ),
    ];
    for (change, why) in changes {
        setup.broken_off(new()).await;
        let mut other = new();
        change(&mut other);
        assert_eq!(setup.complete(other).await.started_over(), Some(why));
    }

    setup.broken_off(new()).await;
    let file = fs::File::options().append(true).open(&path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(60))
        .unwrap();
    let watch = setup.complete(new()).await;
    assert_eq!(watch.started_over(), Some(StartedOver::SourceChanged));

    // A part size that was not asked for is that of the earlier upload.
    setup.broken_off(new()).await;
    let mut any = new();
    any.part_size = None;
    any.multipart_threshold = Some(PART);
    assert!(setup.complete(any).await.skipped() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_are_checked_and_not_trusted() {
    let setup = Setup::start().await;
    let bytes = content(SIZE);
    let path = setup.file("source", &bytes);
    let new = || setup.resumable(path.clone(), Resume::Continue);
    setup.broken_off(new()).await;
    let uploads = setup.client.list_multipart_uploads().bucket("tokyo");
    let uploads = uploads.send().await.unwrap();
    let headers = setup.key.headers();
    // Another first part of the same size, and a part that there should not be.
    for (number, size) in [(1, PART), (9, 4)] {
        setup
            .client
            .upload_part()
            .bucket("tokyo")
            .key("key")
            .upload_id(uploads.uploads()[0].upload_id().unwrap())
            .part_number(number)
            .sse_customer_algorithm(headers.algorithm())
            .sse_customer_key(headers.expose_key())
            .sse_customer_key_md5(headers.md5().to_string())
            .body(ByteStream::from(vec![7; usize::try_from(size).unwrap()]))
            .send()
            .await
            .unwrap();
    }
    let watch = setup.complete(new()).await;
    assert_eq!(watch.started_over(), None);
    assert!(watch.sent() >= PART);
    assert!(setup.get("s3://tokyo/key").await.1 == bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_gone() {
    let setup = Setup::start().await;
    let path = setup.file("source", &content(SIZE));
    let new = || setup.resumable(path.clone(), Resume::Continue);
    setup.broken_off(new()).await;
    let (file, state) = (setup.state_file(), fs::read(setup.state_file()).unwrap());
    let uploads = setup.client.list_multipart_uploads().bucket("tokyo");
    let uploads = uploads.send().await.unwrap();
    let abort = setup.client.abort_multipart_upload().bucket("tokyo");
    let id = uploads.uploads()[0].upload_id().unwrap();
    abort.key("key").upload_id(id).send().await.unwrap();
    let watch = setup.complete(new()).await;
    assert_eq!(watch.started_over(), Some(StartedOver::UploadGone));

    // Killed after the object was made, before that could be written down: it is not made twice.
    fs::write(&file, &state).unwrap();
    let versions = setup.versions().await;
    let watch = setup.complete(new()).await;
    assert_eq!((watch.skipped(), watch.sent()), (SIZE, 0));
    assert_eq!(watch.started_over(), None);
    assert_eq!(setup.versions().await, versions);

    // Another object of the same size and labels is not it.
    let other = setup.file("other", &content(SIZE + 1)[1..]);
    setup
        .send(Upload {
            resume: None,
            ..setup.resumable(other, Resume::Continue)
        })
        .await
        .unwrap();
    fs::write(&file, &state).unwrap();
    let watch = setup.complete(new()).await;
    assert_eq!(watch.started_over(), Some(StartedOver::UploadGone));
    assert_eq!(setup.versions().await, versions + 2);
}

/// S3 dates an object by the beginning of its upload.
#[tokio::test(flavor = "multi_thread")]
async fn a_newer_version_stays_the_current_one() {
    let setup = Setup::start().await;
    let bytes = content(SIZE);
    let path = setup.file("source", &bytes);
    let new = || setup.resumable(path.clone(), Resume::Continue);
    let not_current = |watch: &Watch| {
        let events = watch.events.lock().unwrap();
        events.contains(&Event::NotCurrent)
    };
    setup.broken_off(new()).await;
    assert!(!not_current(&setup.complete(new()).await));
    setup.broken_off(new()).await;
    setup.put(b"newer", "s3://tokyo/key").await;
    assert!(not_current(&setup.complete(new()).await));
    assert_eq!(setup.get("s3://tokyo/key").await.1, b"newer");
}

#[tokio::test(flavor = "multi_thread")]
async fn states_that_cannot_be_used() {
    let setup = Setup::start().await;
    let path = setup.file("source", &content(2 * PART));
    let new = |resume| setup.resumable(path.clone(), resume);
    setup.broken_off(new(Resume::Continue)).await;
    let file = setup.state_file();
    for damage in ["rubbish\n", "{\"format\":1}\n", "{}\n{}\n"] {
        fs::write(&file, damage).unwrap();
        let watch = Watch::default();
        let sent = setup.send_watched(new(Resume::Continue), &watch, CancellationToken::new());
        sent.await.unwrap();
        assert_eq!(watch.started_over(), Some(StartedOver::DamagedState));
        assert_eq!(setup.remembered(), 0);
    }
    let newer = "{\"format\":2,\"more\":true}\n";
    fs::write(&file, newer).unwrap();
    let error = setup.send(new(Resume::Continue)).await.unwrap_err();
    assert!(error.to_string().contains("a newer version"), "{error}");
    assert!(error.hint().unwrap().contains("without `--resume`"));
    assert_eq!(fs::read_to_string(&file).unwrap(), newer);
    setup.send(new(Resume::StartOver)).await.unwrap();
    assert_eq!(setup.remembered(), 0);

    // A place that is none is a reason to fail only where something is to be continued there.
    fs::remove_dir(setup.states()).unwrap();
    fs::write(setup.states(), "a file").unwrap();
    let error = setup.send(new(Resume::Continue)).await.unwrap_err();
    assert!(
        matches!(error, TransferError::ResumeState { .. }),
        "{error:?}"
    );
    setup.send(new(Resume::StartOver)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_at_a_time() {
    let setup = Setup::start().await;
    let path = setup.file("source", &content(SIZE));
    let new = |resume| setup.resumable(path.clone(), resume);
    let (client, first) = (setup.client.clone(), new(Resume::Continue));
    let (watch, begun) = Watch::stopping(at_part);
    // It stays where it is, as if it were slow.
    let cancel = CancellationToken::new();
    let sent = upload(&client, first, &watch, cancel.clone());
    tokio::pin!(sent);
    assert!(begun.run_until_cancelled(&mut sent).await.is_none());
    let error = setup.send(new(Resume::Continue)).await.unwrap_err();
    assert!(
        matches!(error, TransferError::ResumeBusy { .. }),
        "{error:?}"
    );
    assert!(error.hint().is_some());
    // One that is not to be continued does without.
    setup.send(new(Resume::StartOver)).await.unwrap();
    assert_eq!(setup.open_uploads("tokyo").await, 1);
    sent.await.unwrap();
    assert_eq!(setup.remembered(), 0);
    assert_eq!(setup.versions().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_for_good_is_not_kept() {
    let setup = Setup::start().await;
    let path = setup.file("source", &content(SIZE));
    let mut missing = setup.resumable(path.clone(), Resume::StartOver);
    missing.destination = "s3://nowhere/key".parse().unwrap();
    let error = setup.send(missing).await.unwrap_err();
    assert!(
        matches!(error, TransferError::NoSuchBucket { .. }),
        "{error:?}"
    );
    assert_eq!(setup.remembered(), 0);
    // The file changes on the way.
    let (watch, changed) = Watch::stopping(at_part);
    let new = setup.resumable(path.clone(), Resume::StartOver);
    let sent = setup.send_watched(new, &watch, CancellationToken::new());
    tokio::pin!(sent);
    assert!(changed.run_until_cancelled(&mut sent).await.is_none());
    fs::write(&path, "changed").unwrap();
    let error = sent.await.unwrap_err();
    assert!(
        matches!(error, TransferError::SourceChanged { .. }),
        "{error:?}"
    );
    assert_eq!(setup.open_uploads("tokyo").await, 0);
    assert_eq!(setup.remembered(), 0);
    // Cancelled before there is anything to keep.
    let cancelled = CancellationToken::new();
    cancelled.cancel();
    let path = setup.file("source", &content(SIZE));
    let new = setup.resumable(path, Resume::StartOver);
    let error = upload(&setup.client, new, &Silent, cancelled).await;
    assert!(
        matches!(error, Err(TransferError::Interrupted)),
        "{error:?}"
    );
    assert_eq!(setup.remembered(), 0);
}
