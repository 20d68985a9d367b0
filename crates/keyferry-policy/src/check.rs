//! What stands in the way of a plan among the documents that are installed.
//!
//! [`Installed`] is what there is, however it was got: files, a Terraform plan, or AWS itself.

pub mod installed;

pub use installed::{
    Given, Installed, InstalledBucket, InstalledKey, InstalledRole, KeyState, Known, NamedPolicy,
    Origin, PublicAccessBlock,
};
