//! Keeps keys in memory out of core dumps.

use rustix::process::{Resource, Rlimit, setrlimit};

/// Forbids core dumps for this process. Best effort: failing to is no reason not to run.
pub(crate) fn forbid_core_dumps() {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let _ = setrlimit(Resource::Core, none);
}
