//! Targets that cannot take the content.

use keyferry_transfer::{DownloadTarget, Overwrite, TransferError};

use crate::setup::{Setup, content, names};

#[tokio::test(flavor = "multi_thread")]
async fn existing_files_are_overwritten_only_on_request() {
    let setup = Setup::start().await;
    setup.put(b"new", "s3://tokyo/key").await;
    let path = setup.file("target", b"old");
    let download = || setup.new_download("s3://tokyo/key", DownloadTarget::File(path.clone()));
    let error = setup.fetch(download()).await.unwrap_err();
    assert!(matches!(error, TransferError::TargetExists { .. }));
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
    let mut replacing = download();
    replacing.overwrite = Overwrite::Always;
    setup.fetch(replacing).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"new");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_download_leaves_the_old_file() {
    let setup = Setup::start().await;
    let path = setup.file("target", b"old");
    let mut download = setup.new_download("s3://tokyo/missing", DownloadTarget::File(path.clone()));
    download.overwrite = Overwrite::Always;
    setup.fetch(download).await.unwrap_err();
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
    assert_eq!(names(setup.folder.path()), ["target"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_that_do_not_exist() {
    let setup = Setup::start().await;
    setup.put(b"x", "s3://tokyo/key").await;
    let path = setup.folder.path().join("missing").join("target");
    let download = setup.new_download("s3://tokyo/key", DownloadTarget::File(path));
    let error = setup.fetch(download).await.unwrap_err();
    assert!(matches!(error, TransferError::TargetFolderMissing { .. }));
    assert_eq!(names(setup.folder.path()), ["put"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_output() {
    let setup = Setup::start().await;
    setup.put(&content(3 << 20), "s3://tokyo/large").await;
    let full = tokio::fs::File::options()
        .write(true)
        .open("/dev/full")
        .await
        .unwrap();
    let target = DownloadTarget::Writer(Box::new(full));
    let download = setup.new_download("s3://tokyo/large", target);
    let error = setup.fetch(download).await.unwrap_err();
    assert!(
        matches!(error, TransferError::OutputUnwritable { .. }),
        "{error:?}"
    );
}
