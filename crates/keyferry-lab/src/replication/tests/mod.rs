//! Scenarios of replication at the level of the store.

mod configuration;
mod content;
mod coverage;
mod kms_permissions;
mod object_lock;
mod outcome;
mod permissions;
mod site;
