//! Downloads that broke off.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use keyferry_key::CustomerKey;
use keyferry_transfer::{
    Download, DownloadTarget, ErrorKind, Event, Overwrite, Resume, StartedOver, TransferError,
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::{Watch, at_part};
use crate::setup::{Setup, content, names};

const SIZE: u64 = (12 << 20) + 17;
const LEFT: [&str; 2] = [".got.keyferry-part", ".got.keyferry-state"];

/// An object, and a folder to download it to.
struct Scene {
    setup: Setup,
    bytes: Vec<u8>,
    folder: TempDir,
}

impl Scene {
    async fn start() -> Self {
        let setup = Setup::start().await;
        let bytes = content(SIZE);
        setup.put(&bytes, "s3://tokyo/key").await;
        Self {
            setup,
            bytes,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn names(&self) -> Vec<String> {
        names(self.folder.path())
    }

    fn new_download(&self, resume: Resume) -> Download {
        let target = DownloadTarget::File(self.path("got"));
        let mut download = self.setup.new_download("s3://tokyo/key", target);
        download.resume = Some(resume);
        download.concurrency = 2.try_into().unwrap();
        download.overwrite = Overwrite::Always;
        download
    }

    /// Downloads until an event of a kind comes; how much is kept.
    async fn broken_off_at(&self, when: fn(&Event) -> bool) -> u64 {
        let (watch, cancel) = Watch::stopping(when);
        let new = self.new_download(Resume::Continue);
        match self.setup.fetch_watched(new, &watch, cancel).await {
            Err(TransferError::Resumable { cause, kept, total }) => {
                assert!(matches!(*cause, TransferError::Interrupted), "{cause:?}");
                assert_eq!(total, SIZE);
                assert_eq!(self.names(), LEFT);
                kept
            }
            other => panic!("{other:?}"),
        }
    }

    async fn broken_off(&self) -> u64 {
        self.broken_off_at(at_part).await
    }

    /// Downloads, and sees that nothing is left but the file.
    async fn complete(&self, download: Download) -> Watch {
        let watch = Watch::default();
        let cancel = CancellationToken::new();
        let downloaded = self.setup.fetch_watched(download, &watch, cancel).await;
        let downloaded = downloaded.unwrap();
        assert_eq!(self.names(), ["got"]);
        if watch.started_over().is_none() {
            assert_eq!(watch.sent() + watch.skipped(), downloaded.size);
        }
        watch
    }

    fn got(&self) -> Vec<u8> {
        fs::read(self.path("got")).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn go_on_where_they_stopped() {
    let scene = Scene::start().await;
    let kept = scene.broken_off().await;
    assert!(kept >= 1 << 20);
    let state = fs::read_to_string(scene.path(LEFT[1])).unwrap();
    assert!(!state.contains(scene.setup.key.headers().expose_key()));
    let again = scene.broken_off().await;
    assert!(again > kept, "{again} {kept}");
    let watch = scene.complete(scene.new_download(Resume::Continue)).await;
    assert_eq!(watch.skipped(), again);
    assert_eq!(watch.started_over(), None);
    assert!(scene.got() == scene.bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn go_on_after_a_kill() {
    let scene = Scene::start().await;
    let (watch, killed) = Watch::stopping(at_part);
    let cancel = CancellationToken::new();
    let new = scene.new_download(Resume::StartOver);
    let got = scene.setup.fetch_watched(new, &watch, cancel);
    assert!(killed.run_until_cancelled(got).await.is_none());
    let watch = scene.complete(scene.new_download(Resume::Continue)).await;
    assert!(watch.skipped() >= 1 << 20);
    assert!(scene.got() == scene.bytes);
}

/// Killed between the last two steps: the file has its name, and the state is still there.
#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_outlived_its_file() {
    let scene = Scene::start().await;
    scene.broken_off().await;
    let state = fs::read(scene.path(LEFT[1])).unwrap();
    scene.complete(scene.new_download(Resume::Continue)).await;
    for resume in [Resume::Continue, Resume::StartOver] {
        fs::write(scene.path(LEFT[1]), &state).unwrap();
        let mut again = scene.new_download(resume);
        again.overwrite = Overwrite::IfDifferent;
        assert!(scene.setup.fetch(again).await.unwrap().unchanged);
        assert_eq!(scene.names(), ["got"]);
    }
}

/// With all bytes there, what is missing is the verification.
#[tokio::test(flavor = "multi_thread")]
async fn go_on_with_nothing_missing() {
    let scene = Scene::start().await;
    let all = scene
        .broken_off_at(|event| matches!(event, Event::Finishing))
        .await;
    assert_eq!(all, SIZE);
    let watch = scene.complete(scene.new_download(Resume::Continue)).await;
    assert_eq!((watch.skipped(), watch.sent()), (SIZE, 0));
    assert!(scene.got() == scene.bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn start_over_unless_asked_to_go_on() {
    let scene = Scene::start().await;
    scene.broken_off().await;
    let watch = scene.complete(scene.new_download(Resume::StartOver)).await;
    assert_eq!(watch.started_over(), Some(StartedOver::NotAsked));
    assert_eq!(watch.skipped(), 0);
    assert!(scene.got() == scene.bytes);
    fs::remove_file(scene.path("got")).unwrap();

    // By an object of one range, too, which leaves nothing itself.
    scene.broken_off().await;
    scene.setup.put(b"small", "s3://tokyo/key").await;
    scene.complete(scene.new_download(Resume::StartOver)).await;
    assert_eq!(scene.got(), b"small");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_changed() {
    let scene = Scene::start().await;
    scene.broken_off().await;
    let bytes = content(SIZE + 1);
    scene.setup.put(&bytes, "s3://tokyo/key").await;
    let watch = scene.complete(scene.new_download(Resume::Continue)).await;
    assert_eq!(watch.started_over(), Some(StartedOver::ObjectChanged));
    assert!(scene.got() == bytes);
    fs::remove_file(scene.path("got")).unwrap();

    // Another version is another object, and so is another address.
    let (watch, cancel) = Watch::stopping(at_part);
    let new = scene.new_download(Resume::Continue);
    let cut = scene.setup.fetch_watched(new, &watch, cancel).await;
    cut.unwrap_err();
    let receipt = scene.setup.put(&scene.bytes, "s3://tokyo/key").await;
    let mut other = scene.new_download(Resume::Continue);
    other.version_id = receipt.version_id;
    let watch = scene.complete(other).await;
    assert_eq!(watch.started_over(), Some(StartedOver::ObjectChanged));
    assert!(scene.got() == scene.bytes);
    fs::remove_file(scene.path("got")).unwrap();
    scene.broken_off().await;
    scene.setup.put(&bytes, "s3://tokyo/other").await;
    let mut other = scene.new_download(Resume::Continue);
    other.source = "s3://tokyo/other".parse().unwrap();
    let watch = scene.complete(other).await;
    assert_eq!(watch.started_over(), Some(StartedOver::OtherObject));
    assert!(scene.got() == bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_gone() {
    let scene = Scene::start().await;
    scene.broken_off().await;
    let delete = scene.setup.client.delete_object().bucket("tokyo");
    delete.key("key").send().await.unwrap();
    let error = scene
        .setup
        .fetch(scene.new_download(Resume::Continue))
        .await;
    let error = error.unwrap_err();
    assert!(
        matches!(error, TransferError::NoSuchObject { .. }),
        "{error:?}"
    );
    assert!(scene.names().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_are_summed_again() {
    let scene = Scene::start().await;
    let kept = scene.broken_off().await;
    let state = fs::read_to_string(scene.path(LEFT[1])).unwrap();
    let written: serde_json::Value = serde_json::from_str(state.lines().nth(1).unwrap()).unwrap();
    let at = written["from"].as_u64().unwrap() + 100;
    let partial = fs::File::options()
        .write(true)
        .open(scene.path(LEFT[0]))
        .unwrap();
    let other = !scene.bytes[usize::try_from(at).unwrap()];
    partial.write_all_at(&[other], at).unwrap();
    let watch = scene.complete(scene.new_download(Resume::Continue)).await;
    assert!(watch.skipped() < kept);
    assert_eq!(watch.started_over(), None);
    assert!(scene.got() == scene.bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn states_that_cannot_be_used() {
    let scene = Scene::start().await;
    type Damage = fn(&Scene);
    let damages: [(Damage, StartedOver); 3] = [
        (
            |scene| fs::write(scene.path(LEFT[1]), "rubbish\n").unwrap(),
            StartedOver::DamagedState,
        ),
        (
            |scene| fs::remove_file(scene.path(LEFT[0])).unwrap(),
            StartedOver::PartialFileChanged,
        ),
        (
            |scene| fs::write(scene.path(LEFT[0]), "short").unwrap(),
            StartedOver::PartialFileChanged,
        ),
    ];
    for (damage, why) in damages {
        scene.broken_off().await;
        damage(&scene);
        let watch = scene.complete(scene.new_download(Resume::Continue)).await;
        assert_eq!(watch.started_over(), Some(why));
        assert!(scene.got() == scene.bytes);
        fs::remove_file(scene.path("got")).unwrap();
    }
    fs::write(scene.path(LEFT[1]), "{\"format\":2}\n").unwrap();
    let error = scene
        .setup
        .fetch(scene.new_download(Resume::Continue))
        .await;
    let error = error.unwrap_err();
    assert!(error.to_string().contains("a newer version"), "{error}");
    assert_eq!(scene.names(), [LEFT[1]]);
    scene.complete(scene.new_download(Resume::StartOver)).await;

    // What somebody else put there is not touched, and nothing is left then.
    fs::create_dir(scene.path(LEFT[1])).unwrap();
    let error = scene
        .setup
        .fetch(scene.new_download(Resume::Continue))
        .await;
    let error = error.unwrap_err();
    assert!(
        matches!(error, TransferError::ResumeState { .. }),
        "{error:?}"
    );
    let (watch, cancel) = Watch::stopping(at_part);
    let new = scene.new_download(Resume::StartOver);
    let error = scene.setup.fetch_watched(new, &watch, cancel).await;
    let error = error.unwrap_err();
    assert!(matches!(error, TransferError::Interrupted), "{error:?}");
    assert_eq!(scene.names(), [LEFT[1], "got"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_key_and_a_file_in_the_way() {
    let scene = Scene::start().await;
    let kept = scene.broken_off().await;
    let mut other = scene.new_download(Resume::Continue);
    other.key = CustomerKey::generate().unwrap();
    let error = scene.setup.fetch(other).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Key);
    assert!(
        matches!(error, TransferError::Resumable { kept: still, .. } if still == kept),
        "{error:?}"
    );
    fs::write(scene.path("got"), "theirs").unwrap();
    let mut never = scene.new_download(Resume::Continue);
    never.overwrite = Overwrite::Never;
    let error = scene.setup.fetch(never).await.unwrap_err();
    assert!(
        matches!(error, TransferError::TargetExists { .. }),
        "{error:?}"
    );
    assert_eq!(scene.got(), b"theirs");
    let watch = scene.complete(scene.new_download(Resume::Continue)).await;
    assert_eq!(watch.skipped(), kept);
    assert!(scene.got() == scene.bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_at_a_time() {
    let scene = Scene::start().await;
    let (watch, begun) = Watch::stopping(at_part);
    let new = scene.new_download(Resume::Continue);
    let first = scene
        .setup
        .fetch_watched(new, &watch, CancellationToken::new());
    tokio::pin!(first);
    assert!(begun.run_until_cancelled(&mut first).await.is_none());
    let error = scene
        .setup
        .fetch(scene.new_download(Resume::Continue))
        .await;
    let error = error.unwrap_err();
    assert!(
        matches!(error, TransferError::ResumeBusy { .. }),
        "{error:?}"
    );
    // One that is not to be continued does without.
    let new = scene.new_download(Resume::StartOver);
    scene.setup.fetch(new).await.unwrap();
    assert!(scene.got() == scene.bytes);
    first.await.unwrap();
    assert_eq!(scene.names(), ["got"]);
}
