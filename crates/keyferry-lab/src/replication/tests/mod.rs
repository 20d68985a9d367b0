//! Scenarios of replication at the level of the store.

mod configuration;
mod content;
mod coverage;
mod outcome;
mod permissions;
mod site;
