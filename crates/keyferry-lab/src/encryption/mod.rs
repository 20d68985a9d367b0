//! Encryption at rest: data keys, how records keep or do not keep them, sealed chunks.
//!
//! Every object has a data key. Under SSE-S3, SSE-KMS and DSSE-KMS it is random and stored
//! wrapped by a key that the lab holds. Under SSE-C it is derived from the customer key and
//! stored nowhere; the record holds a salted HMAC that recognises the key, as S3 documents
//! (`S3-SSEC-1`).

mod chunk;
mod customer_key;
mod data_key;
mod object_encryption;
mod region_keys;
mod wrap;

pub(crate) use chunk::{CHUNK_PLAINTEXT, SegmentCipher};
pub(crate) use customer_key::CustomerKey;
pub(crate) use data_key::DataKey;
pub(crate) use object_encryption::{EncryptionChoice, ObjectEncryption, UnlockError};
pub(crate) use region_keys::{KeyState, KmsKeyRecord, NewKmsKey, RegionKeys};
