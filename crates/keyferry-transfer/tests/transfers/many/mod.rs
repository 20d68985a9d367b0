//! Many objects in one run: whole folders there and back, and what goes wrong with some of them.

#[cfg(feature = "root-tests")]
mod small_disks;
mod target_folders;
mod troubles;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::{Stream, StreamExt};
use keyferry_transfer::{
    Download, DownloadTarget, Downloaded, Engine, Found, Job, KeyPath, Listing, Many, ManySettings,
    Scope, Silent, Stopped, TargetFolder, TransferError, UploadSource, Uploaded, Walk,
};
use tokio_util::sync::CancellationToken;

use crate::setup::{PART, Setup, address, content};

pub(crate) type Results<T> = BTreeMap<String, Result<T, TransferError>>;

/// Uploads what is in a folder, each file under its name.
pub(crate) fn uploads(
    setup: &Setup,
    folder: &Path,
    bucket: &str,
) -> impl Stream<Item = Job<String, Uploaded>> + use<> {
    let (client, prefix) = (setup.client.clone(), format!("s3://{bucket}/"));
    let pattern = (setup.region.clone(), setup.key.clone());
    Walk::new(folder).stream().filter_map(move |found| {
        let Found::File(file) = found else {
            return std::future::ready(None);
        };
        let (region, key) = pattern.clone();
        let mut upload = keyferry_transfer::Upload::new(
            UploadSource::File(file.path),
            address(&format!("{prefix}{}", file.name)),
            region,
            key,
        );
        upload.part_size = Some(keyferry_transfer::PartSize::new(PART).unwrap());
        let events = Arc::new(Silent);
        let job = Job::upload(file.name, file.size, client.clone(), upload, events);
        std::future::ready(Some(job))
    })
}

/// Downloads what is below a prefix, each object to its name.
pub(crate) fn downloads<F: Fn(&mut Download) + Send + 'static>(
    setup: &Setup,
    bucket: &str,
    folder: &Arc<TargetFolder>,
    change: F,
) -> impl Stream<Item = Job<String, Downloaded>> + use<F> {
    let listing = Listing::new(
        &setup.client,
        &bucket.parse().unwrap(),
        Scope::Prefix(String::new()),
    );
    let (client, key) = (setup.client.clone(), setup.key.clone());
    let (folder, bucket) = (Arc::clone(folder), bucket.to_owned());
    listing.objects().map(move |object| {
        let object = object.unwrap();
        let target = match KeyPath::new(&object.key) {
            Ok(path) => DownloadTarget::Within {
                folder: Arc::clone(&folder),
                path,
                size: object.size,
            },
            Err(error) => unreachable!("{}: {error}", object.key),
        };
        let source = address(&format!("s3://{bucket}/{}", object.key));
        let mut download = Download::new(source, key.clone(), target);
        download.range_size = (1 << 20).try_into().unwrap();
        change(&mut download);
        let events = Arc::new(Silent);
        Job::download(object.key, object.size, client.clone(), download, events)
    })
}

/// Runs jobs to their end.
pub(crate) async fn run<T: Send + 'static>(
    jobs: impl Stream<Item = Job<String, T>> + Send + 'static,
    settings: ManySettings,
) -> (Results<T>, Option<Stopped>) {
    let many = Many::new(Engine::default(), settings);
    let mut outcomes = many.run(jobs, CancellationToken::new());
    let mut results = BTreeMap::new();
    while let Some(outcome) = outcomes.next().await {
        assert!(results.insert(outcome.context, outcome.result).is_none());
    }
    (results, outcomes.stopped())
}

/// All files below a folder, with their content.
pub(crate) fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_owned();
                files.insert(name, std::fs::read(path).unwrap());
            }
        }
    }
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_there_and_back() {
    let setup = Setup::start().await;
    let source = setup.folder.path().join("source");
    for number in 0..150_u64 {
        let path = source.join(format!("{}/{number} é", number % 7));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content(number * 100)).unwrap();
    }
    std::fs::write(source.join("large"), content(2 * PART + 17)).unwrap();
    std::fs::write(source.join(".hidden"), content(3 << 20)).unwrap();

    let (sent, stopped) = run(uploads(&setup, &source, "tokyo"), ManySettings::default()).await;
    assert_eq!((sent.len(), stopped), (152, None));
    for (name, sent) in &sent {
        let receipt = &sent.as_ref().unwrap().receipt;
        assert_eq!(receipt.source.key, *name);
        assert_eq!(receipt.parts.is_some(), name == "large");
    }

    let target = setup.folder.path().join("new/target");
    let folder = Arc::new(TargetFolder::open(&target).await.unwrap());
    let jobs = downloads(&setup, "tokyo", &folder, |_| {});
    let (got, stopped) = run(jobs, ManySettings::default()).await;
    folder.settle().await.unwrap();
    assert_eq!((got.len(), stopped), (152, None));
    assert!(got.values().all(Result::is_ok));
    assert!(files(&target) == files(&source));
    assert_eq!(setup.open_uploads("tokyo").await, 0);
}

/// What is the same already is left alone, in both directions, and what is not is replaced.
#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_different() {
    use keyferry_transfer::Overwrite;

    let setup = Setup::start().await;
    let source = setup.folder.path().join("source");
    std::fs::create_dir(&source).unwrap();
    for name in ["a", "b", "c"] {
        std::fs::write(source.join(name), name).unwrap();
    }
    run(uploads(&setup, &source, "tokyo"), ManySettings::default()).await;
    let target = setup.folder.path().join("target");
    std::fs::create_dir(&target).unwrap();
    std::fs::write(target.join("a"), "a").unwrap();
    std::fs::write(target.join("b"), "B").unwrap();
    let folder = Arc::new(TargetFolder::open(&target).await.unwrap());
    let jobs = downloads(&setup, "tokyo", &folder, |download| {
        download.overwrite = Overwrite::IfDifferent;
    });
    let (got, _) = run(jobs, ManySettings::default()).await;
    let unchanged = |name: &str| got[name].as_ref().unwrap().unchanged;
    assert_eq!(
        (unchanged("a"), unchanged("b"), unchanged("c")),
        (true, false, false)
    );
    assert!(files(&target) == files(&source));

    std::fs::write(target.join("c"), "mine").unwrap();
    let folder = Arc::new(TargetFolder::open(&target).await.unwrap());
    let jobs = downloads(&setup, "tokyo", &folder, |download| {
        download.overwrite = Overwrite::Never;
    });
    let (got, _) = run(jobs, ManySettings::default()).await;
    assert!(
        got.values()
            .all(|got| matches!(got, Err(TransferError::TargetExists { .. })))
    );
    assert_eq!(std::fs::read(target.join("c")).unwrap(), b"mine");
}

/// A cancelled run leaves whole files and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn interruptions_leave_whole_files() {
    let setup = Setup::start().await;
    let source = setup.folder.path().join("source");
    std::fs::create_dir(&source).unwrap();
    for number in 0..200 {
        std::fs::write(source.join(number.to_string()), content(20_000)).unwrap();
    }
    run(uploads(&setup, &source, "tokyo"), ManySettings::default()).await;
    let target = setup.folder.path().join("target");
    let folder = Arc::new(TargetFolder::open(&target).await.unwrap());
    let cancel = CancellationToken::new();
    let many = Many::new(Engine::default(), ManySettings::default());
    let mut outcomes = many.run(downloads(&setup, "tokyo", &folder, |_| {}), cancel.clone());
    let mut done = 0;
    while let Some(outcome) = outcomes.next().await {
        outcome.result.unwrap();
        done += 1;
        if done == 3 {
            cancel.cancel();
        }
    }
    assert_eq!(outcomes.stopped(), Some(Stopped::Interrupted));
    let got = files(&target);
    assert_eq!(got.len(), done);
    assert!(done < 200);
    assert!(got.values().all(|got| *got == content(20_000)));
}

/// Over a thousand downloads may wait for their files to be put on disk together.
#[tokio::test(flavor = "multi_thread")]
async fn waiting_takes_little_memory() {
    let setup = Setup::start().await;
    let target = setup.folder.path().join("target");
    let folder = Arc::new(TargetFolder::open(&target).await.unwrap());
    let target = DownloadTarget::Within {
        folder,
        path: KeyPath::new("a").unwrap(),
        size: 1,
    };
    let download = setup.new_download("s3://tokyo/a", target);
    let cancel = CancellationToken::new();
    let future = keyferry_transfer::download(&setup.client, download, &Silent, cancel);
    let size = size_of_val(&future);
    assert!(size < 8 << 10, "{size} bytes");
}
