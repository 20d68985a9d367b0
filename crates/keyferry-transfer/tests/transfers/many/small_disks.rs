//! A disk that is too small for all of a folder. Needs root, and so the feature `root-tests`.

use std::sync::Arc;

use keyferry_transfer::{ManySettings, TargetFolder, TransferError};

use super::{downloads, files, run};
use crate::full_disk::SmallDisk;
use crate::setup::{Setup, content};

#[tokio::test(flavor = "multi_thread")]
async fn what_fits_is_whole_and_the_rest_fails() {
    let disk = SmallDisk::mount();
    let setup = Setup::start().await;
    for number in 0..20 {
        let address = format!("s3://tokyo/sub/{number}");
        setup.put(&content(100 << 10), &address).await;
    }
    setup.put(&content(3 << 20), "s3://tokyo/large").await;
    let folder = Arc::new(TargetFolder::open(disk.path()).await.unwrap());
    let jobs = downloads(&setup, "tokyo", &folder, |_| {});
    let (got, stopped) = run(jobs, ManySettings::default()).await;
    assert_eq!((got.len(), stopped), (21, None));
    let whole = got.values().filter(|got| got.is_ok()).count();
    assert!(
        got.values()
            .all(|got| matches!(got, Ok(_) | Err(TransferError::DiskFull { .. }))),
        "{got:?}"
    );
    let files = files(disk.path());
    assert!(whole < 11 && files.len() == whole, "{whole}");
    assert!(files.values().all(|file| *file == content(100 << 10)));
}
