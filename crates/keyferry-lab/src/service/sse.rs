//! Server-side encryption in requests and responses: what a request asks for or its bucket's
//! default says (`S3-SSE-1`, `S3-SSE-2`), and what answers say (`S3-SSE-3`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use s3s::dto::ServerSideEncryption;
use s3s::{S3Error, S3Result};

use super::customer_key::{
    AES256, ARGUMENT, CustomerKeyHeaders, blocked, invalid_algorithm, refuse,
};
use super::errors::{custom, invalid_argument};
use crate::encryption::{CustomerKey, EncryptionChoice, ObjectEncryption};
use crate::server::exchange::{Exchange, Transport};
use crate::store::{BucketRecord, DefaultEncryption};

const KMS: &str = "aws:kms";
const DSSE: &str = "aws:kms:dsse";

/// All encryption headers of a request that writes an object.
pub(super) struct EncryptionHeaders {
    pub(super) sse: Option<ServerSideEncryption>,
    pub(super) kms_key_id: Option<String>,
    pub(super) context: Option<String>,
    pub(super) bucket_key_enabled: Option<bool>,
    pub(super) customer: CustomerKeyHeaders,
}

impl EncryptionHeaders {
    /// Whether the request says anything about encryption.
    pub(super) fn is_present(&self) -> bool {
        self.sse.is_some() || self.kms_key_id.is_some() || self.customer.is_present()
    }

    /// How the new object is to be encrypted: as asked, else as the bucket's default says.
    ///
    /// `action` and `key` name the request in the answer of a bucket that blocks SSE-C
    /// (`S3-SSEC-20`), which S3 gives before it looks at the key.
    pub(super) fn choose(
        &self,
        exchange: &Exchange,
        bucket: &BucketRecord,
        action: &str,
        key: &str,
    ) -> S3Result<EncryptionChoice> {
        if self.customer.is_present() {
            if let Some(sse) = &self.sse {
                return Err(invalid_argument(
                    exchange,
                    ARGUMENT,
                    sse.as_str(),
                    "Server Side Encryption with Customer provided key is incompatible with the encryption method specified",
                ));
            }
            if exchange.transport() == Transport::Tls && bucket.encryption.blocks_sse_c() {
                return Err(blocked(bucket, action, key));
            }
        }
        if let Some(key) = self.customer.key(exchange)? {
            return Ok(EncryptionChoice::SseC(key));
        }
        let Some(sse) = &self.sse else {
            return self.bucket_default(exchange, bucket);
        };
        let choice = match sse.as_str() {
            AES256 => EncryptionChoice::SseS3,
            KMS => EncryptionChoice::SseKms {
                key: self.kms_key_id.clone(),
                bucket_key_enabled: self
                    .bucket_key_enabled
                    .unwrap_or(bucket.encryption.bucket_key_enabled),
                context: self.valid_context(exchange)?,
            },
            DSSE => EncryptionChoice::DsseKms {
                key: self.kms_key_id.clone(),
                context: self.valid_context(exchange)?,
            },
            other => {
                exchange.error_field("ArgumentName", ARGUMENT);
                exchange.error_field("ArgumentValue", other);
                return Err(invalid_algorithm("AES256, aws:kms, aws:kms:dsse"));
            }
        };
        if matches!(choice, EncryptionChoice::SseS3) {
            self.refuse_kms_headers(exchange)?;
        }
        Ok(choice)
    }

    fn bucket_default(
        &self,
        exchange: &Exchange,
        bucket: &BucketRecord,
    ) -> S3Result<EncryptionChoice> {
        let default = &bucket.encryption;
        Ok(match &default.default {
            DefaultEncryption::SseS3 => {
                self.refuse_kms_headers(exchange)?;
                EncryptionChoice::SseS3
            }
            DefaultEncryption::SseKms { key } => EncryptionChoice::SseKms {
                key: self.kms_key_id.clone().or_else(|| key.clone()),
                bucket_key_enabled: self
                    .bucket_key_enabled
                    .unwrap_or(default.bucket_key_enabled),
                context: self.valid_context(exchange)?,
            },
            DefaultEncryption::DsseKms { key } => EncryptionChoice::DsseKms {
                key: self.kms_key_id.clone().or_else(|| key.clone()),
                context: self.valid_context(exchange)?,
            },
        })
    }

    fn refuse_kms_headers(&self, exchange: &Exchange) -> S3Result<()> {
        match &self.kms_key_id {
            Some(_) => Err(refuse(
                exchange,
                "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms or aws:kms:dsse",
            )),
            None => Ok(()),
        }
    }

    /// The context is base64 of a JSON object of strings.
    fn valid_context(&self, exchange: &Exchange) -> S3Result<Option<String>> {
        let Some(context) = &self.context else {
            return Ok(None);
        };
        let parsed = STANDARD.decode(context).ok().and_then(|json| {
            serde_json::from_slice::<std::collections::BTreeMap<String, String>>(&json).ok()
        });
        match parsed {
            Some(_) => Ok(Some(context.clone())),
            None => Err(invalid_argument(
                exchange,
                "x-amz-server-side-encryption-context",
                context,
                "The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string holding JSON which represents a string-string map",
            )),
        }
    }
}

/// 400 for a KMS key that SSE-C or SSE-S3 cannot use.
pub(super) fn kms_key_not_applicable(exchange: &Exchange) -> S3Error {
    exchange.error_field("ArgumentName", "ApplyServerSideEncryptionByDefault");
    custom(
        "InvalidArgument",
        StatusCode::BAD_REQUEST,
        "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
    )
}

/// What responses say about an object's encryption (`S3-SSE-3`). Never the key.
#[derive(Default)]
pub(super) struct EncryptionEcho {
    pub(super) server_side_encryption: Option<ServerSideEncryption>,
    pub(super) ssekms_key_id: Option<String>,
    pub(super) ssekms_encryption_context: Option<String>,
    pub(super) bucket_key_enabled: Option<bool>,
    pub(super) sse_customer_algorithm: Option<String>,
    pub(super) sse_customer_key_md5: Option<String>,
}

impl EncryptionEcho {
    /// For an object under `encryption`, and the customer key the request came with.
    pub(super) fn new(encryption: &ObjectEncryption, key: Option<&CustomerKey>) -> Self {
        let managed = |value: &'static str| Some(ServerSideEncryption::from_static(value));
        match encryption {
            ObjectEncryption::SseS3 { .. } => Self {
                server_side_encryption: managed(AES256),
                ..Self::default()
            },
            ObjectEncryption::SseKms {
                key_arn,
                bucket_key_enabled,
                context,
                ..
            } => Self {
                server_side_encryption: managed(KMS),
                ssekms_key_id: Some(key_arn.clone()),
                ssekms_encryption_context: context.clone(),
                bucket_key_enabled: bucket_key_enabled.then_some(true),
                ..Self::default()
            },
            ObjectEncryption::DsseKms {
                key_arn, context, ..
            } => Self {
                server_side_encryption: managed(DSSE),
                ssekms_key_id: Some(key_arn.clone()),
                ssekms_encryption_context: context.clone(),
                ..Self::default()
            },
            ObjectEncryption::SseC { .. } => Self {
                sse_customer_algorithm: Some(AES256.to_owned()),
                sse_customer_key_md5: key.map(CustomerKey::md5_base64),
                ..Self::default()
            },
        }
    }
}
