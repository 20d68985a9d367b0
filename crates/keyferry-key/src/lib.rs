//! The customer key of S3's server-side encryption with customer-provided keys (SSE-C).
//!
//! This crate is pure: it makes keys from the operating system's randomness, names them, computes
//! what a request must carry, and decodes what people already have. It reads no file and no network.
//!
//! * [`CustomerKey`]: 32 secret bytes. Wipes itself, compares in constant time, shows itself nowhere.
//! * [`KeyMd5`]: what S3 calls the key's message digest; public, and echoed in every response.
//! * [`KeyId`]: a random name for a key; says nothing about its bytes.
//! * [`CustomerKeyHeaders`]: the three request headers, as values an SDK takes.
//! * [`Locked`]: memory that is not swapped out, for secrets larger than a key.
//! * [`import`]: from bytes that somebody calls a key to a key, or to a diagnosis.
//!
//! ```
//! use keyferry_key::CustomerKey;
//!
//! let key = CustomerKey::from_bytes([7; 32]);
//! let headers = key.headers();
//! assert_eq!(headers.algorithm(), "AES256");
//! assert_eq!(headers.md5().to_string(), key.md5().to_string());
//! ```
//!
//! AWS: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html>

mod customer_key;
mod headers;
mod id;
pub mod import;
mod locked;
mod mac;
mod md5;
mod strength;

pub use customer_key::{CustomerKey, GenerateError};
pub use headers::CustomerKeyHeaders;
pub use id::{KeyId, ParseKeyIdError};
pub use locked::Locked;
pub use mac::MAC_LEN;
pub use md5::{KeyMd5, ParseKeyMd5Error};
pub use strength::KeyStrength;
