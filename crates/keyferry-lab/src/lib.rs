//! An embedded two-region S3 on loopback, for tests and demonstrations.

mod encryption;
mod faults;
mod replication;
mod store;

pub use faults::{Fault, FaultScope, Faults};
pub use replication::{ReplicationFailure, ReplicationFailureReason};
