//! Bucket encryption configuration.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketEncryption.html>

use serde::{Deserialize, Serialize};

/// What `aws s3api put-bucket-encryption --server-side-encryption-configuration` takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct EncryptionConfiguration {
    /// S3 allows one rule.
    pub rules: Vec<EncryptionRule>,
}

/// The rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct EncryptionRule {
    /// What happens to objects put without encryption headers.
    pub apply_server_side_encryption_by_default: DefaultEncryption,
    /// Whether Bucket Keys are used.
    pub bucket_key_enabled: bool,
    /// Which kinds of encryption are refused.
    pub blocked_encryption_types: BlockedEncryptionTypes,
}

/// The default encryption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultEncryption {
    /// `AES256` for SSE-S3.
    #[serde(rename = "SSEAlgorithm")]
    pub algorithm: String,
}

/// Kinds of encryption that writes may not use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct BlockedEncryptionTypes {
    /// The kinds.
    pub encryption_type: Vec<BlockedType>,
}

/// A kind of encryption that a bucket can refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum BlockedType {
    /// Nothing is blocked.
    #[serde(rename = "NONE")]
    None,
    /// SSE-C is blocked: what new buckets have since April 2026.
    #[serde(rename = "SSE-C")]
    SseC,
}

impl EncryptionConfiguration {
    pub(super) fn sse_s3(blocked: BlockedType) -> Self {
        Self {
            rules: vec![EncryptionRule {
                apply_server_side_encryption_by_default: DefaultEncryption {
                    algorithm: "AES256".to_owned(),
                },
                bucket_key_enabled: false,
                blocked_encryption_types: BlockedEncryptionTypes {
                    encryption_type: vec![blocked],
                },
            }],
        }
    }
}
