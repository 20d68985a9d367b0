//! Nothing is written outside of the target folder, nor to what is no file.

use std::os::unix::fs::symlink;
use std::sync::Arc;

use keyferry_transfer::{LocalError, ManySettings, Overwrite, TargetFolder, TransferError};

use super::{downloads, files, run};
use crate::setup::{Setup, content, names};

#[tokio::test(flavor = "multi_thread")]
async fn links_lead_nowhere() {
    let setup = Setup::start().await;
    for key in ["out/a", "in/a", "dangling/a", "link", "fine"] {
        setup
            .put(key.as_bytes(), &format!("s3://tokyo/{key}"))
            .await;
    }
    setup.put(&content(3 << 20), "s3://tokyo/out/large").await;
    setup.put(&content(3 << 20), "s3://tokyo/link-large").await;
    let (outside, inside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (outside, inside) = (outside.path(), inside.path());
    std::fs::write(outside.join("theirs"), "theirs").unwrap();
    std::fs::create_dir(inside.join("real")).unwrap();
    symlink(outside, inside.join("out")).unwrap();
    symlink("real", inside.join("in")).unwrap();
    symlink(outside.join("new"), inside.join("dangling")).unwrap();
    symlink(outside.join("theirs"), inside.join("link")).unwrap();
    symlink(outside.join("theirs"), inside.join("link-large")).unwrap();

    let folder = Arc::new(TargetFolder::open(inside).await.unwrap());
    let jobs = downloads(&setup, "tokyo", &folder, |download| {
        download.overwrite = Overwrite::Always;
    });
    let (got, stopped) = run(jobs, ManySettings::default()).await;
    assert_eq!(stopped, None);
    for key in ["out/a", "out/large", "dangling/a"] {
        assert!(
            matches!(
                &got[key],
                Err(TransferError::Local(LocalError::LeavesFolder { .. }))
            ),
            "{key}: {:?}",
            got[key]
        );
    }
    for key in ["link", "link-large"] {
        assert!(
            matches!(&got[key], Err(TransferError::TargetNotAFile { .. })),
            "{key}: {:?}",
            got[key]
        );
    }
    // A link to a folder in the folder leads nowhere else.
    assert!(got["in/a"].is_ok() && got["fine"].is_ok());
    assert_eq!(std::fs::read(inside.join("real/a")).unwrap(), b"in/a");
    assert_eq!(names(outside), ["theirs"]);
    assert_eq!(std::fs::read(outside.join("theirs")).unwrap(), b"theirs");
    assert_eq!(
        names(inside),
        [
            "dangling",
            "fine",
            "in",
            "link",
            "link-large",
            "out",
            "real"
        ]
    );
}

/// `a` and `a/b`: one of them has to fail, and says why.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_where_a_folder_has_to_be() {
    let setup = Setup::start().await;
    for key in ["a", "a/b", "c", "d/e", "pipe"] {
        setup
            .put(key.as_bytes(), &format!("s3://tokyo/{key}"))
            .await;
    }
    let target = setup.folder.path().join("target");
    std::fs::create_dir_all(target.join("c/sub")).unwrap();
    std::fs::write(target.join("d"), "mine").unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(target.join("pipe"))
        .status();
    assert!(made.unwrap().success());
    let folder = Arc::new(TargetFolder::open(&target).await.unwrap());
    let jobs = downloads(&setup, "tokyo", &folder, |download| {
        download.overwrite = Overwrite::Always;
    });
    let (got, _) = run(jobs, ManySettings::default()).await;
    let failed = match (&got["a"], &got["a/b"]) {
        (Ok(_), Err(error)) | (Err(error), Ok(_)) => error,
        other => unreachable!("{other:?}"),
    };
    assert!(matches!(
        failed,
        TransferError::TargetNotAFile { .. } | TransferError::Local(LocalError::NotAFolder { .. })
    ));
    for key in ["c", "pipe"] {
        assert!(matches!(
            &got[key],
            Err(TransferError::TargetNotAFile { .. })
        ));
    }
    let Err(error @ TransferError::Local(LocalError::NotAFolder { folder, .. })) = &got["d/e"]
    else {
        unreachable!("{:?}", got["d/e"]);
    };
    assert!(folder.ends_with("d") && error.hint().is_some());
    assert_eq!(std::fs::read(target.join("d")).unwrap(), b"mine");
}

/// A folder that may not be written fails before anything is asked for; one that is a file, too.
#[tokio::test]
async fn folders_that_cannot_be() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "x").unwrap();
    for path in [file.clone(), file.join("below"), "/proc/nothing".into()] {
        let error = TargetFolder::open(&path).await.unwrap_err();
        assert!(
            matches!(error, TransferError::TargetUnwritable { .. }),
            "{error:?}"
        );
    }
    let made = folder.path().join("a/b/c");
    TargetFolder::open(&made).await.unwrap();
    assert!(files(&made).is_empty());
}
