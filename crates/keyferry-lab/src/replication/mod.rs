//! Replication between buckets: the configuration, which rule covers what, the decision
//! whether the role may, and the replicator that does it.
//!
//! The replicator works on stored records and sealed segments. It never has a customer key:
//! an object under SSE-C is copied as ciphertext together with its key verifier
//! (`S3-REPL-5`); under keys that the lab holds the data key is rewrapped.

mod authority;
mod configuration;
mod dto;
mod failure;
mod queue;
mod replicator;
mod rules;
mod state;
mod validation;
mod work;

pub(crate) use authority::RolePermissions;
pub(crate) use configuration::ReplicationConfiguration;
pub use failure::{ReplicationFailure, ReplicationFailureReason};
pub(crate) use queue::{QueueEntry, ReplicationQueue};
pub(crate) use replicator::Replicator;
pub(crate) use rules::{metadata_targets, version_targets};
pub(crate) use state::{ReplicationState, ReplicationStatus, ReplicationTarget, TargetState};
pub(crate) use validation::ConfigurationError;

#[cfg(test)]
mod tests;
