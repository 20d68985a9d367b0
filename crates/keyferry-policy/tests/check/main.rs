//! `check`: what it finds in documents, and that its repairs repair.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test support outside #[test] functions"
)]

#[path = "../cells/mod.rs"]
mod cells;
mod documented;
mod emitted;
mod given;
mod repaired;
mod seed;
mod settings;
mod terraform;
mod trust_and_surplus;
