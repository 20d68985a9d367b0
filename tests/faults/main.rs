//! Transfers through a proxy that injects faults, by seed.
//!
//! However the way to the server misbehaves, a transfer ends with the right bytes or with a clear error.
//! `KEYFERRY_TEST_TRANSFERS` says how many transfers there are, `KEYFERRY_TEST_SEED` where their seeds
//! begin: with one transfer and the seed of a failure, that one runs again.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, its helping functions too, and says what it did"
)]

mod exchange;
mod fault;
mod proxy;
mod transfers;
mod world;
