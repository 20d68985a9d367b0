//! An embedded two-region S3 on loopback, for tests and demonstrations.
//!
//! [`Lab::start`] serves two regions of one account or several over TLS, each on its own port,
//! with Signature Version 4, path style and virtual hosts. IAM, KMS and STS answer on the same
//! ports, and every request is judged by the policies that are there. Objects are encrypted at rest, under
//! customer keys (SSE-C) for real: without the key there is no way to the data, for the lab
//! neither. Replication between buckets copies ciphertext and never holds a customer key.
//! [`Faults`] break replication on demand.
//!
//! The lab imitates what AWS documents. Each behaviour carries the id of its rule; the rules,
//! and where AWS is silent, are listed in `docs/s3-rules.md`.
//!
//! ```no_run
//! # async fn example() -> Result<(), keyferry_lab::LabError> {
//! use keyferry_lab::{Lab, LabOptions};
//!
//! let lab = Lab::start(LabOptions::default()).await?;
//! let [first, second] = lab.regions();
//! println!("{} and {}", first.endpoint_url(), second.endpoint_url());
//! println!("AWS_CA_BUNDLE={}", lab.ca_path().display());
//! lab.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod api;
mod authorization;
mod control;
mod encryption;
mod faults;
mod lab;
mod lab_error;
mod lab_folder;
mod lab_options;
mod lab_region;
mod replication;
mod server;
mod service;
mod store;

pub use control::FaultRequest;
pub use faults::{ActiveFault, Fault, FaultScope, Faults};
pub use lab::Lab;
pub use lab_error::LabError;
pub use lab_options::LabOptions;
pub use lab_region::LabRegion;
pub use replication::{ReplicationFailure, ReplicationFailureReason};
pub use server::credentials::LabCredentials;
