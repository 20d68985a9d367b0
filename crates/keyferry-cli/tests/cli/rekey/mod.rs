//! `keyferry rekey` against a lab, with the objects read by the SDK alone.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "only tests come here, and a test fails by panicking"
)]

mod commands;
mod killed;
pub(crate) mod world;
