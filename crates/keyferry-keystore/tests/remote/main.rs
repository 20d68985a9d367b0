//! Stores that live in a place: what is interrupted, overtaken, unreachable, damaged or rolled back.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "also outside of the functions that clippy knows as tests"
)]

#[path = "../fixture/mod.rs"]
mod fixture;
#[path = "../places/mod.rs"]
mod places;

mod faults;
mod machine;
mod place;
mod races;
mod trouble;
