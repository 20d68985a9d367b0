//! Scenarios of replication at the level of the store.

mod content;
mod coverage;
mod outcome;
mod site;
