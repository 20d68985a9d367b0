//! All crates together, across restarts.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helping functions too"
)]

mod later_elsewhere;
mod world;
