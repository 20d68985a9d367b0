//! Kills and disk faults at every system call by which the store changes.
//!
//! `strace` first lists the calls that an untouched process makes while it makes, imports, exports
//! or recovers keys, and then injects a kill or an error at each of them in turn. After each one
//! the store must open, hold no half-visible key, and take new ones. SIGKILL shows the order of
//! steps; it does not show what a power cut does to a disk that lies about fsync.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test, though without the harness that clippy knows tests by"
)]

use std::env;

#[path = "../fixture/mod.rs"]
mod fixture;
mod scenario;
mod strace;
mod worker;

use scenario::{Scenario, all};
use strace::{Fault, require_strace};

/// The calls through which files and folders change, by whatever names the platform has.
const CHANGING: [&str; 14] = [
    "openat",
    "?mkdir",
    "mkdirat",
    "write",
    "fsync",
    "ftruncate",
    "?rename",
    "?renameat",
    "renameat2",
    "linkat",
    "?unlink",
    "unlinkat",
    "?rmdir",
    "flock",
];

/// Errors of calls. The last word says whether the operation must then fail: trouble with a file
/// that it does not need, another key's for example, may be none of its concern.
const ERRORS: [(&str, &str, bool); 13] = [
    ("write", "ENOSPC", true),
    ("write", "EIO", true),
    ("fsync", "ENOSPC", true),
    ("fsync", "EIO", true),
    ("?mkdir", "ENOSPC", true),
    ("mkdirat", "ENOSPC", true),
    ("?renameat", "EIO", true),
    ("renameat2", "EIO", true),
    ("ftruncate", "EIO", true),
    ("openat", "EMFILE", false),
    ("read", "EIO", false),
    ("unlinkat", "EIO", false),
    ("flock", "ENOLCK", true),
];

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["worker", ref task @ ..] => return worker::run(task),
        // As nextest asks for the tests there are; it has none ignored.
        ["--list", .., "--ignored"] => return,
        ["--list", ..] => return println!("crash_matrix: test"),
        _ => {}
    }
    require_strace();
    // Most of the time goes to waiting for processes, so two at a time.
    let scenarios = all();
    let (one, other) = scenarios.split_at(scenarios.len() / 2);
    let total: u32 = std::thread::scope(|scope| {
        let halves =
            [one, other].map(|half| scope.spawn(|| half.iter().copied().map(run).sum::<u32>()));
        halves.map(|half| half.join().unwrap()).iter().sum()
    });
    println!("crash_matrix: {total} points tried, the store opened after each");
    println!("{} passed, 0 failed", scenarios.len());
}

fn run(scenario: &Scenario) -> u32 {
    let prepared = scenario.prepare();
    let kills: u32 = CHANGING
        .map(|call| prepared.run_all(call, Fault::Kill))
        .iter()
        .sum();
    let errors: u32 = ERRORS
        .map(|(call, errno, must_fail)| prepared.run_all(call, Fault::Error { errno, must_fail }))
        .iter()
        .sum();
    let name = scenario.name;
    println!("{name}: {kills} kills, {errors} errors");
    assert!(kills >= scenario.at_least, "{name}: too few kills");
    assert!(errors > kills, "{name}: too few errors");
    kills + errors
}
