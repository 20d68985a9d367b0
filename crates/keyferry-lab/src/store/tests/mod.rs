//! Scenarios at the level of the store.

mod bench;
mod damage;
mod keys;
mod listing;
mod multipart;
mod ranges;
mod restart;
mod versioning;

pub(crate) use bench::{Bench, SECOND_KEY, TEST_KEY, customer_key, tag};
