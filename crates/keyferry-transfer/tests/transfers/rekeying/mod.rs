//! Objects re-encrypted under another key, read independently afterwards: by the SDK alone.

#![expect(clippy::panic, reason = "tests may fail by panicking, and say why")]

mod changes;
mod hooks;
mod keeping;
mod killed;
mod left_alone;
mod locks;
mod refusals;
mod renewing;
mod ring;
mod unsound_servers;
