//! A disk that is too small for the download. Needs root, and so the feature `root-tests`.

use std::path::Path;
use std::process::Command;

use keyferry_transfer::{DownloadTarget, TransferError};

use crate::setup::{Setup, content, names};

/// A file system of 1 MiB.
pub(crate) struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    pub(crate) fn mount() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(folder.path())
            .status();
        assert!(
            mounted.is_ok_and(|status| status.success()),
            "mounting a small file system needs root"
        );
        Self(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_leaves_nothing() {
    let disk = SmallDisk::mount();
    let setup = Setup::start().await;
    setup.put(&content(3 << 20), "s3://tokyo/large").await;
    let target = DownloadTarget::File(disk.path().join("got"));
    let download = setup.new_download("s3://tokyo/large", target);
    let error = setup.fetch(download).await.unwrap_err();
    assert!(
        matches!(error, TransferError::DiskFull { needed, .. } if needed == 3 << 20),
        "{error:?}"
    );
    assert!(names(disk.path()).is_empty());
}
