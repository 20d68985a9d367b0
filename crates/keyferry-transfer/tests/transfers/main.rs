//! Transfers against a real S3 service over TLS (the lab), and against servers that misbehave.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests may fail by panicking, and say why"
)]

mod cancelling;
mod checksums;
mod credentials;
mod engine;
mod existing;
mod fake_server;
#[cfg(feature = "root-tests")]
mod full_disk;
mod listing_and_deleting;
mod many;
mod names_and_labels;
mod refusals;
mod rekeying;
mod resuming;
mod round_trips;
mod setup;
mod target_files;
mod unreachable_servers;
mod unreliable_servers;
