//! Uploads and downloads under customer keys: the only writer to S3.

mod address;
mod receipt;

pub use address::{ObjectAddress, ParseAddressError};
pub use receipt::{Checksum, PartLayout, Receipt};
