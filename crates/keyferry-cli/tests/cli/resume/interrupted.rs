//! Ctrl-C, once and twice, and what is said.

use std::process::{Child, Command};
use std::time::Duration;

use rustix::process::Signal;

use super::{BUCKET, Scene, same_content, signal};
use crate::running::{binary, names, text};

const SIZE: u64 = 40 << 20;

/// Waits until a third of the content has passed.
fn under_way(child: &mut Child, passed: impl Fn() -> u64) {
    while passed() < SIZE / 3 {
        assert!(child.try_wait().unwrap().is_none(), "it ended too early");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The command behind `resume with:`.
fn printed(stderr: &str) -> &str {
    let (_, command) = stderr.split_once("hint: resume with: ").unwrap();
    command.trim()
}

impl Scene {
    /// Runs a printed command as a shell does.
    fn as_printed(&self, command: &str) -> (Option<i32>, String) {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(binary(), folder.path().join("keyferry")).unwrap();
        let output = Command::new("/bin/sh")
            .args(["-c", command])
            .env_clear()
            .envs(
                self.command(&[])
                    .get_envs()
                    .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))),
            )
            .env("PATH", folder.path())
            .current_dir(self.user.path(""))
            .output()
            .unwrap();
        (output.status.code(), text(&output.stderr))
    }
}

#[test]
fn an_interrupted_upload_says_how_to_go_on() {
    let scene = Scene::start(SIZE, 1);
    std::fs::rename(scene.user.path("film"), scene.user.path("my film")).unwrap();
    let address = format!("s3://{BUCKET}/it's");
    let upload = [
        "upload",
        "my film",
        &address,
        "--key",
        "ring",
        "--no-wait",
        "--part-size",
        "5MiB",
        "--concurrency",
        "2",
    ];
    // Without a file that could be read again there is nothing to go on with, and nothing is left.
    scene.proxy.slow_down_to(8 << 20);
    let mut child = scene
        .command(&["upload", "-", &address, "--key", "ring", "--no-wait"])
        .stdin(std::fs::File::open("/dev/zero").unwrap())
        .spawn()
        .unwrap();
    under_way(&mut child, || scene.proxy.up());
    signal(&child, Signal::INT);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(!text(&output.stderr).contains("resume with"));
    assert_eq!(scene.open_uploads(), 0);

    for arguments in [
        &["upload", "-", &address, "--key", "ring", "--resume"][..],
        &["download", &address, "-", "--resume"],
    ] {
        let refused = scene.user.fails(2, arguments);
        assert!(refused.contains("--resume needs a file"), "{refused}");
    }

    // A state that is not there is no reason not to begin.
    scene.proxy.reset();
    let mut child = scene.command(&upload).arg("--resume").spawn().unwrap();
    under_way(&mut child, || scene.proxy.up());
    signal(&child, Signal::INT);
    let output = child.wait_with_output().unwrap();
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains("error: interrupted; "), "{stderr}");
    assert!(stderr.contains(" MiB of 40.0 MiB are kept"), "{stderr}");
    let command = printed(&stderr).to_owned();
    assert_eq!(
        command,
        format!(
            "keyferry upload --resume 'my film' \"{address}\" --key ring --no-wait --part-size 5MiB \
             --concurrency 2"
        )
    );
    assert_eq!((scene.open_uploads(), scene.remembered().len()), (1, 1));
    let state = scene.user.path(".local/state/keyferry/transfers");
    let state = std::fs::read_to_string(state.join(&scene.remembered()[0])).unwrap();
    assert!(!state.contains(scene.user.export("AWS_SECRET_ACCESS_KEY")));

    // Twice: it stops at once, and can be continued all the same.
    let mut child = scene.command(&upload).arg("--resume").spawn().unwrap();
    scene.proxy.reset();
    while scene.proxy.up() < 1 << 20 {
        assert!(child.try_wait().unwrap().is_none(), "it ended too early");
        std::thread::sleep(Duration::from_millis(1));
    }
    signal(&child, Signal::INT);
    std::thread::sleep(Duration::from_millis(50));
    signal(&child, Signal::INT);
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    assert_eq!((scene.open_uploads(), scene.remembered().len()), (1, 1));

    scene.proxy.slow_down_to(0);
    let (code, stderr) = scene.as_printed(&command);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("resuming: "), "{stderr}");
    assert_eq!((scene.open_uploads(), scene.remembered().len()), (0, 0));
    scene.user.done(&["download", &address, "got"]);
    assert!(same_content(
        &scene.user.path("my film"),
        &scene.user.path("got")
    ));

    // What is left by one that is not continued goes.
    scene.proxy.slow_down_to(8 << 20);
    scene.proxy.reset();
    let mut child = scene.command(&upload).spawn().unwrap();
    under_way(&mut child, || scene.proxy.up());
    child.kill().unwrap();
    child.wait().unwrap();
    scene.proxy.slow_down_to(0);
    let output = scene.run(&upload);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(
        stderr.contains("starting over, as `--resume` was not given"),
        "{stderr}"
    );
    assert_eq!((scene.open_uploads(), scene.remembered().len()), (0, 0));
}

#[test]
fn an_interrupted_download_says_how_to_go_on() {
    let scene = Scene::start(SIZE, 2);
    let address = format!("s3://{BUCKET}/film");
    let upload = ["upload", "film", &address, "--key", "ring", "--no-wait"];
    assert_eq!(scene.run(&upload).status.code(), Some(0));
    let download = ["download", &address, "the copy", "--concurrency", "2"];
    scene.proxy.slow_down_to(8 << 20);
    scene.proxy.reset();
    let mut child = scene.command(&download).spawn().unwrap();
    under_way(&mut child, || scene.proxy.down());
    signal(&child, Signal::TERM);
    let output = child.wait_with_output().unwrap();
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains(" MiB of 40.0 MiB are kept"), "{stderr}");
    let command = printed(&stderr).to_owned();
    assert_eq!(
        command,
        format!("keyferry download --resume {address} 'the copy' --concurrency 2")
    );
    let left = names(&scene.user.path(""));
    let partial = [".the copy.keyferry-part", ".the copy.keyferry-state"];
    for name in partial {
        assert!(left.iter().any(|left| left == name), "{left:?}");
    }

    // A key that does not open it takes nothing away.
    scene.user.done(&["key", "new", "other"]);
    let wrong = scene.run(&[
        "download", &address, "the copy", "--resume", "--key", "other",
    ]);
    assert_eq!(wrong.status.code(), Some(5), "{}", text(&wrong.stderr));

    scene.proxy.slow_down_to(0);
    scene.proxy.reset();
    let (code, stderr) = scene.as_printed(&command);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("resuming: "), "{stderr}");
    assert!(scene.proxy.down() < SIZE);
    assert!(same_content(
        &scene.user.path("film"),
        &scene.user.path("the copy")
    ));
    let left = names(&scene.user.path(""));
    assert!(
        left.iter().all(|name| !name.contains("keyferry-")),
        "{left:?}"
    );
}
