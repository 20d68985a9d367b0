//! Keeps keys in memory out of core dumps, other processes, swap and panic messages.
//!
//! All of it is best effort: failing to is no reason not to run.

use std::panic::{self, PanicHookInfo};

use rustix::mm::MlockAllFlags;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Forbids core dumps, other processes of the same user, and messages with secrets in them.
pub(crate) fn protect() {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let _ = setrlimit(Resource::Core, none);
    // The limit does not hold where the kernel pipes dumps to a program, as systemd's. This does,
    // and it keeps debuggers of the same user away, and `/proc/PID/environ` and `mem` closed to all
    // but root. The process itself still reads its own `/proc/self` and `/dev/fd`.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
    panic::set_hook(Box::new(|info| {
        use std::io::Write;
        let _ = writeln!(anstream::stderr(), "{}", report(info));
    }));
}

/// Keeps everything that the process has, and will have, out of swap, if it may lock as much as it
/// likes: with CAP_IPC_LOCK or without a limit. Otherwise only keys are, each where it is kept: under
/// a limit, asking for everything would make some later allocation fail.
pub(crate) fn lock_memory() {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use rustix::thread::{CapabilitySet, capabilities};
        let unlimited = getrlimit(Resource::Memlock).current.is_none();
        let privileged =
            capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::IPC_LOCK));
        if unlimited || privileged {
            // On use: what is never touched takes no memory.
            let everything =
                MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
            let _ = rustix::mm::mlockall(everything);
        }
    }
}

/// Where it happened. Not what the message says: it may quote what was being worked on.
fn report(info: &PanicHookInfo<'_>) -> String {
    let place = info.location().map_or_else(
        || "an unknown place".to_owned(),
        |location| format!("{}:{}", location.file(), location.line()),
    );
    format!(
        "error: keyferry has a defect and stops, at {place}\nhint: please report this; what it was working on is not shown, since that could be secret"
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn panics_show_nothing_of_their_message() {
        static SHOWN: Mutex<String> = Mutex::new(String::new());
        let before = panic::take_hook();
        panic::set_hook(Box::new(|info| {
            *SHOWN.lock().unwrap() = report(info);
        }));
        let secret = "correct horse battery staple";
        let caught = panic::catch_unwind(|| {
            // As slicing a string in the middle of a character does.
            panic!("byte index 1 is out of bounds of `{secret}`");
        });
        panic::set_hook(before);
        assert!(caught.is_err());
        let shown = SHOWN.lock().unwrap().clone();
        assert!(shown.contains("hardening.rs:"), "{shown}");
        assert!(!shown.contains("horse"), "{shown}");
    }
}
