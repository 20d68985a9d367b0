//! The lab as real clients meet it: aws-sdk-s3 over TLS. Each test names the rules of
//! `docs/s3-rules.md` that it shows.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests stop at the first surprise"
)]

mod access;
mod authentication;
mod buckets;
mod checksums;
mod conditions;
mod copying;
mod customer_keys;
mod customer_keys_copies;
mod customer_keys_kept;
mod customer_keys_multipart;
mod deleting;
mod encryption;
mod listing;
mod multipart;
mod names;
mod object_lock;
mod object_lock_access;
mod object_lock_buckets;
mod object_lock_requests;
mod objects;
mod opening;
mod policies;
mod ranges;
mod raw;
mod rekeying;
mod replication;
mod rules;
mod storage_classes;
mod support;
mod tags;
mod versions;
