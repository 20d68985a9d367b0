//! How an object is encrypted: what a request asks for, and what the record keeps.

use serde::{Deserialize, Serialize};

use super::chunk::TAG_LEN;
use super::customer_key::{CustomerKey, KeyVerifier};
use super::wrap::WrappedKey;
use crate::store::StoreError;

/// What a request asks for, the bucket's default already applied.
#[derive(Clone, Debug)]
pub(crate) enum EncryptionChoice {
    /// `AES256`
    SseS3,
    /// `aws:kms`
    SseKms {
        /// Key id, ARN or alias; the managed key `alias/aws/s3` otherwise.
        key: Option<String>,
        /// What KMS is told is then the bucket, not the object.
        bucket_key_enabled: bool,
        /// Base64 JSON, bound to the wrapped key and given back.
        context: Option<String>,
    },
    /// `aws:kms:dsse`: two layers under two data keys.
    DsseKms {
        /// As above.
        key: Option<String>,
        /// As above.
        context: Option<String>,
    },
    /// Customer key.
    SseC(CustomerKey),
}

/// What the record of an object or upload keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum ObjectEncryption {
    /// Data key wrapped by the region's key.
    SseS3 { wrapped: WrappedKey },
    /// Data key wrapped by a KMS key.
    SseKms {
        key_arn: String,
        bucket_key_enabled: bool,
        context: Option<String>,
        wrapped: WrappedKey,
    },
    /// Both layers' data keys, wrapped by a KMS key.
    DsseKms {
        key_arn: String,
        context: Option<String>,
        wrapped: WrappedKey,
    },
    /// No key at all, only what recognises it.
    SseC { verifier: KeyVerifier },
}

impl ObjectEncryption {
    /// Whether a customer key is needed to read it.
    pub(crate) fn is_sse_c(&self) -> bool {
        matches!(self, Self::SseC { .. })
    }

    /// The KMS key, under SSE-KMS and DSSE-KMS.
    pub(crate) fn kms_key_arn(&self) -> Option<&str> {
        match self {
            Self::SseKms { key_arn, .. } | Self::DsseKms { key_arn, .. } => Some(key_arn),
            Self::SseS3 { .. } | Self::SseC { .. } => None,
        }
    }

    /// Bytes that sealing adds to each chunk.
    pub(crate) fn chunk_overhead(&self) -> usize {
        match self {
            Self::DsseKms { .. } => 2 * TAG_LEN,
            Self::SseS3 { .. } | Self::SseKms { .. } | Self::SseC { .. } => TAG_LEN,
        }
    }

    /// Whether its data key was made under a Bucket Key: what KMS was then told is the bucket
    /// alone. DSSE-KMS never uses one.
    pub(crate) fn uses_bucket_key(&self) -> bool {
        matches!(
            self,
            Self::SseKms {
                bucket_key_enabled: true,
                ..
            }
        )
    }

    /// Whether ETags of single PUTs are the content's MD5 (`S3-ETAG-1`).
    pub(crate) fn etag_is_md5(&self) -> bool {
        matches!(self, Self::SseS3 { .. })
    }
}

/// Why a data key could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnlockError {
    /// 400 InvalidRequest, `S3-SSEC-3`.
    #[error("the object is under a customer key and the request has none")]
    KeyRequired,
    /// 403 AccessDenied, `S3-SSEC-4`.
    #[error("the object is under another customer key")]
    WrongKey,
    /// 400 InvalidRequest, `S3-SSEC-5`.
    #[error("the request has a customer key and the object is not under one")]
    KeyNotApplicable,
    /// 400 KMS.DisabledException.
    #[error("KMS key `{0}` is disabled")]
    KmsKeyDisabled(String),
    /// 400 KMS.KMSInvalidStateException.
    #[error("KMS key `{0}` is pending deletion")]
    KmsKeyPendingDeletion(String),
    /// Anything else; [`StoreError::NoSuchKmsKey`] is 400 KMS.NotFoundException.
    #[error(transparent)]
    Store(#[from] StoreError),
}
