//! A crash leaves no core dump behind.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may fail by panicking, and say why"
)]

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::running::keyferry;

/// Starts a program without a limit on core dumps, and crashes it from outside while it waits for
/// its input.
fn crash(program: &Command, folder: &Path, signal: Signal) -> ExitStatus {
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", "ulimit -c unlimited; exec \"$0\" \"$@\""])
        .arg(program.get_program())
        .args(program.get_args())
        .env("HOME", folder)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = shell.spawn().unwrap();
    // Until it waits for its input: before, it may still be the shell.
    std::thread::sleep(Duration::from_secs(1));
    // Rust's handler of SIGSEGV takes one that no memory access caused for none of its own, and steps
    // aside: the next one counts.
    for _ in 0..50 {
        kill_process(Pid::from_child(&child), signal).unwrap();
        std::thread::sleep(Duration::from_millis(100));
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
    }
    panic!("it does not crash");
}

#[test]
fn a_crash_leaves_no_core() {
    for signal in [Signal::ABORT, Signal::SEGV, Signal::QUIT] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = keyferry();
        command.args(["--store", "store", "key", "import", "ring", "-"]);
        let status = crash(&command, folder.path(), signal);
        assert_eq!(status.signal(), Some(signal.as_raw()));
        assert!(!status.core_dumped(), "{signal:?}");
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }
    // Were dumps off for everybody, this would prove nothing; on such a machine it cannot.
    let folder = tempfile::tempdir().unwrap();
    let ordinary = crash(&Command::new("cat"), folder.path(), Signal::SEGV);
    assert_eq!(ordinary.signal(), Some(Signal::SEGV.as_raw()));
    if !ordinary.core_dumped() {
        println!("this machine makes no core dumps at all");
    }
}

/// The keys' pages, at least, are kept out of swap.
#[cfg(target_os = "linux")]
#[test]
fn keys_are_locked_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = keyferry();
        command
            .args(arguments)
            .env("KEYFERRY_STORE", "store")
            .env("HOME", folder.path())
            .current_dir(folder.path());
        command
    };
    assert!(
        run(&["key", "init", "--no-passphrase"])
            .status()
            .unwrap()
            .success()
    );
    assert!(run(&["key", "new", "ring"]).status().unwrap().success());
    // It has the key and waits for the server, which does not answer.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("https://{}", silent.local_addr().unwrap());
    std::fs::write(folder.path().join("file"), "content").unwrap();
    let mut child = run(&["upload", "file", "s3://bucket/key", "--key", "ring"])
        .args(["--endpoint-url", &endpoint, "--region", "ap-northeast-1"])
        .arg("--accept-loss-risk")
        .env("AWS_ACCESS_KEY_ID", "id")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let connected = silent.accept();
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    connected.unwrap();
    let locked = status.lines().find_map(|line| line.strip_prefix("VmLck:"));
    let kib: u64 = locked
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    assert!(kib >= 4, "{status}");
}
