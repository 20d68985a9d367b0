//! Places that keep documents: one in memory that fails when told to, and what all places must do.

#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "not every test file needs all of it, so an expectation would fail in some"
)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "part of tests")]

pub(crate) mod conformance;
pub(crate) mod memory;
