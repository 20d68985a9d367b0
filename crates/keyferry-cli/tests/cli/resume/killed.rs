//! Uploads and downloads that are killed at random moments.
//!
//! A few by default. `KEYFERRY_KILLS` says how many of each, `KEYFERRY_KILL_MIB` how large the object
//! is, `KEYFERRY_KILL_SEED` repeats what a run has printed; `tests/kill-resume` sets them.

use std::process::Command;
use std::time::Duration;

use super::{BUCKET, Random, Scene, same_content};
use crate::running::{names, text};

const MIB: u64 = 1 << 20;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// How many bytes more than the object has may go over in both runs together: what was in flight when
/// the first was killed, and what is said beside the content.
fn allowance(size: u64) -> u64 {
    match size < 256 * MIB {
        // Two parts of 5 MiB, or two ranges of 8 MiB.
        true => 17 * MIB,
        false => size / 10,
    }
}

/// Runs a command until so many bytes have passed, and then a moment; whether it could be killed.
fn kill_at(mut command: Command, passed: impl Fn() -> u64, at: u64, moment: Duration) -> bool {
    let mut child = command.spawn().unwrap();
    while passed() < at && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_micros(500));
    }
    std::thread::sleep(moment);
    child.kill().unwrap();
    !child.wait_with_output().unwrap().status.success()
}

#[test]
fn killed_transfers_are_continued() {
    let kills = setting("KEYFERRY_KILLS", 3);
    let size = setting("KEYFERRY_KILL_MIB", 48) * MIB;
    let seed = setting("KEYFERRY_KILL_SEED", u64::from(std::process::id()));
    println!("KEYFERRY_KILL_SEED={seed}");
    let mut random = Random(seed);
    let scene = Scene::start(size, seed);
    let address = format!("s3://{BUCKET}/film");
    let mut upload = vec!["upload", "film", &address, "--key", "ring", "--no-wait"];
    let mut download = vec!["download", &address, "got"];
    if size < 256 * MIB {
        upload.extend(["--part-size", "5MiB", "--concurrency", "2"]);
        download.extend(["--concurrency", "2"]);
    }
    let resumed = |arguments: &[&str]| {
        let mut arguments = arguments.to_vec();
        arguments.push("--resume");
        let output = scene.run(&arguments);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {stderr}");
        stderr
    };
    let (mut killed, mut most) = (0, [0; 2]);
    while killed < kills {
        let moment = || Duration::from_micros(random.next() % 20_000);
        let (mut moment, proxy) = (moment, &scene.proxy);
        let (wait, at) = (moment(), random.next() % size);
        proxy.reset();
        let was_killed = kill_at(scene.command(&upload), || proxy.up(), at, wait);
        let first = proxy.up();
        if was_killed {
            let said = resumed(&upload);
            let again = proxy.up().saturating_sub(size);
            println!("upload killed after {first} of {size} bytes, {again} more than these in all");
            assert!(again < allowance(size), "{said}");
            most[0] = most[0].max(again);
        }
        assert_eq!(scene.open_uploads(), 0);
        assert_eq!(scene.remembered(), Vec::<String>::new());

        let (wait, at) = (
            Duration::from_micros(random.next() % 20_000),
            random.next() % size,
        );
        proxy.reset();
        let was_killed_too = kill_at(scene.command(&download), || proxy.down(), at, wait);
        let first = proxy.down();
        if was_killed_too {
            // Under the final name there is nothing until all is verified.
            assert!(!scene.user.path("got").exists());
            let said = resumed(&download);
            let again = proxy.down().saturating_sub(size);
            println!(
                "download killed after {first} of {size} bytes, {again} more than these in all"
            );
            assert!(again < allowance(size), "{said}");
            most[1] = most[1].max(again);
        }
        assert!(same_content(
            &scene.user.path("film"),
            &scene.user.path("got")
        ));
        let left = names(&scene.user.path(""));
        assert!(
            left.iter().all(|name| !name.contains("keyferry-")),
            "{left:?}"
        );
        std::fs::remove_file(scene.user.path("got")).unwrap();
        scene.delete("film");
        killed += u64::from(was_killed && was_killed_too);
    }
    let percent = most.map(|bytes| bytes as f64 * 100.0 / size as f64);
    println!(
        "{kills} kills each: at most {:.1} % of an upload and {:.1} % of a download went twice",
        percent[0], percent[1]
    );
    scene.user.stop();
}
