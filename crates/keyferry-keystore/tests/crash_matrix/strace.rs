//! Running the worker under `strace` with one fault.

use std::env;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What happens at the chosen call.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// The process is killed as it enters the call.
    Kill,
    /// The call fails.
    Error {
        errno: &'static str,
        /// Whether the operation must fail if the call was about the store.
        must_fail: bool,
    },
}

impl Fault {
    /// Whether the fault can matter at this call. Opening changes nothing unless it creates.
    fn matters(self, line: &str) -> bool {
        !(matches!(self, Self::Kill) && line.contains("openat(") && !line.contains("O_CREAT"))
    }
}

/// What became of the worker.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The worker said that it succeeded.
    pub(crate) succeeded: bool,
    /// What it and strace printed.
    output: String,
    /// The calls of the traced kind, in order.
    calls: Vec<String>,
}

pub(crate) fn require_strace() {
    let version = Command::new("strace").arg("--version").output();
    assert!(
        version.is_ok_and(|output| output.status.success()),
        "this test needs `strace`: install it (`apt-get install strace`) and allow ptrace"
    );
}

/// The numbers of those calls of a kind that concern files below the folder, when nothing fails.
pub(crate) fn calls(task: &[PathBuf], folder: &Path, call: &str, fault: Fault) -> Vec<usize> {
    let untouched = run(task, folder, call, None);
    assert!(untouched.succeeded, "{untouched:?}");
    let folder = folder.to_str().unwrap();
    let concerned = |line: &String| line.contains(folder) && fault.matters(line);
    let numbered = untouched.calls.iter().zip(1..);
    numbered
        .filter_map(|(line, number)| concerned(line).then_some(number))
        .collect()
}

/// Runs `worker TASK...` with the fault at the `nth` call of a kind.
pub(crate) fn inject(
    task: &[PathBuf],
    folder: &Path,
    call: &str,
    nth: usize,
    fault: Fault,
) -> Outcome {
    let injection = match fault {
        Fault::Kill => format!("inject={call}:signal=KILL:when={nth}"),
        Fault::Error { errno, .. } => format!("inject={call}:error={errno}:when={nth}"),
    };
    let outcome = run(task, folder, call, Some(&injection));
    let struck = match fault {
        Fault::Kill => outcome.output.contains("killed"),
        Fault::Error { .. } => outcome.calls.iter().any(|line| line.contains("(INJECTED)")),
    };
    assert!(struck, "{injection} did not take place: {outcome:?}");
    outcome
}

fn run(task: &[PathBuf], folder: &Path, call: &str, injection: Option<&str>) -> Outcome {
    let log = folder.join("strace.log");
    let output = Command::new("strace")
        .args(["-f", "-y", "-qq", "-s", "0", "-o"])
        .arg(&log)
        .args(["-e", &format!("trace={call}")])
        .args(injection.iter().flat_map(|injection| ["-e", injection]))
        .arg(env::current_exe().unwrap())
        .arg("worker")
        .args(task)
        // What cargo puts there sends the loader through many folders, each a traced call.
        .env_remove("LD_LIBRARY_PATH")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let trace = std::fs::read_to_string(&log).unwrap();
    std::fs::remove_file(&log).unwrap();
    let mut shown = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(!shown.contains("strace:"), "strace failed: {shown}");
    if output.status.signal() == Some(9) {
        shown.push_str("killed");
    }
    Outcome {
        succeeded: output.status.success(),
        output: shown,
        calls: trace.lines().map(str::to_owned).collect(),
    }
}
