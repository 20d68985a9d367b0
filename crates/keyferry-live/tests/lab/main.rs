//! Plans brought to the lab over real connections.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking, its helping functions too"
)]

mod applying;
mod foreign;
mod matrix;
mod world;
