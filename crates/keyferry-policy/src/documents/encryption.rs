//! Bucket encryption configuration.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketEncryption.html>

use serde::{Deserialize, Serialize};

use crate::{Encryption, Site};

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
    #[serde(default)]
    pub bucket_key_enabled: bool,
    /// Which kinds of encryption are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked_encryption_types: Option<BlockedEncryptionTypes>,
}

/// The default encryption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultEncryption {
    /// `AES256` for SSE-S3, `aws:kms` for SSE-KMS, `aws:kms:dsse` for DSSE-KMS.
    #[serde(rename = "SSEAlgorithm")]
    pub algorithm: String,
    /// The KMS key; without one, the account's managed key.
    #[serde(
        rename = "KMSMasterKeyID",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub kms_key: Option<String>,
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

impl BlockedType {
    /// The name as S3 writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::SseC => "SSE-C",
        }
    }
}

impl EncryptionConfiguration {
    /// What a site needs: its own encryption by default, and SSE-C let in or kept out, in so many words.
    #[must_use]
    pub fn of(site: &Site) -> Self {
        let (algorithm, bucket_key_enabled) = match &site.encryption {
            // S3 has no default of SSE-C; what comes without a key is stored under SSE-S3.
            Encryption::SseS3 | Encryption::SseC => ("AES256", false),
            Encryption::SseKms { bucket_key, .. } => ("aws:kms", bucket_key.is_used()),
            Encryption::DsseKms { .. } => ("aws:kms:dsse", false),
        };
        let blocked = if site.accepts_sse_c() {
            BlockedType::None
        } else {
            BlockedType::SseC
        };
        Self {
            rules: vec![EncryptionRule {
                apply_server_side_encryption_by_default: DefaultEncryption {
                    algorithm: algorithm.to_owned(),
                    kms_key: site.encryption.kms_key().map(ToString::to_string),
                },
                bucket_key_enabled,
                blocked_encryption_types: Some(BlockedEncryptionTypes {
                    encryption_type: vec![blocked],
                }),
            }],
        }
    }

    /// Whether writes under customer keys are refused.
    #[must_use]
    pub fn blocks_sse_c(&self) -> bool {
        self.rules.iter().any(|rule| {
            rule.blocked_encryption_types
                .as_ref()
                .is_some_and(|blocked| blocked.encryption_type.contains(&BlockedType::SseC))
        })
    }
}
