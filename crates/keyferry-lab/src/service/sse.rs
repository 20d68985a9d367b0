//! Server-side encryption in requests and responses.
//!
//! Customer keys: `S3-SSEC-2` to `S3-SSEC-12`. What a request may combine: `S3-SSE-1`,
//! `S3-SSE-2`. A customer key leaves this module only as a [`CustomerKey`], which wipes itself
//! and does not print.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use s3s::dto::ServerSideEncryption;
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};
use zeroize::Zeroizing;

use super::errors::{custom, invalid_argument};
use crate::encryption::{CustomerKey, EncryptionChoice, ObjectEncryption};
use crate::server::exchange::{Exchange, Transport};
use crate::store::{BucketRecord, DefaultEncryption};

/// S3 names this header in errors about customer keys, whichever header is wrong.
const ARGUMENT: &str = "x-amz-server-side-encryption";
const AES256: &str = "AES256";
const KMS: &str = "aws:kms";
const DSSE: &str = "aws:kms:dsse";

/// The three headers of a customer key, of the object or of a copy's source.
#[derive(Default)]
pub(super) struct CustomerKeyHeaders {
    algorithm: Option<String>,
    key: Option<Zeroizing<String>>,
    md5: Option<String>,
}

impl CustomerKeyHeaders {
    /// Takes the headers' values.
    pub(super) fn new(algorithm: Option<String>, key: Option<String>, md5: Option<String>) -> Self {
        Self {
            algorithm,
            key: key.map(Zeroizing::new),
            md5,
        }
    }

    /// Whether any of the three is there.
    pub(super) fn is_present(&self) -> bool {
        self.algorithm.is_some() || self.key.is_some() || self.md5.is_some()
    }

    /// The key, if the request has one and says it right.
    ///
    /// # Errors
    /// `S3-SSEC-6` algorithm, `S3-SSEC-7` key or MD5 missing, `S3-SSEC-8` MD5 or length wrong,
    /// `S3-SSEC-9` plain http. The MD5 is compared before the length is.
    pub(super) fn key(&self, exchange: &Exchange) -> S3Result<Option<CustomerKey>> {
        if !self.is_present() {
            return Ok(None);
        }
        if exchange.transport() == Transport::Plain {
            return Err(s3_error!(
                InvalidRequest,
                "Requests specifying Server Side Encryption with Customer provided keys must be made over a secure connection."
            ));
        }
        match self.algorithm.as_deref() {
            None => {
                return Err(refuse(
                    exchange,
                    "Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption algorithm.",
                ));
            }
            Some(AES256) => {}
            Some(other) => {
                exchange.error_field("ArgumentName", ARGUMENT);
                exchange.error_field("ArgumentValue", other);
                return Err(invalid_algorithm(AES256));
            }
        }
        let Some(key) = &self.key else {
            return Err(refuse(
                exchange,
                "Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate secret key.",
            ));
        };
        let Some(md5) = self.md5.as_deref() else {
            return Err(refuse(
                exchange,
                "Requests specifying Server Side Encryption with Customer provided keys must provide the client calculated MD5 of the secret key.",
            ));
        };
        let bytes = STANDARD
            .decode(key.as_bytes())
            .map(Zeroizing::new)
            .map_err(|_| invalid_secret(exchange))?;
        if md5_base64(&bytes) != md5 {
            return Err(refuse(
                exchange,
                "The calculated MD5 hash of the key did not match the hash that was provided.",
            ));
        }
        let key: Zeroizing<[u8; 32]> = Zeroizing::new(
            bytes
                .as_slice()
                .try_into()
                .map_err(|_| invalid_secret(exchange))?,
        );
        Ok(Some(CustomerKey::new(*key)))
    }
}

fn md5_base64(bytes: &[u8]) -> String {
    use md5::Digest as _;
    STANDARD.encode(md5::Md5::digest(bytes))
}

fn refuse(exchange: &Exchange, message: &'static str) -> S3Error {
    invalid_argument(exchange, ARGUMENT, "null", message)
}

fn invalid_secret(exchange: &Exchange) -> S3Error {
    refuse(
        exchange,
        "The secret key was invalid for the specified algorithm.",
    )
}

fn invalid_algorithm(supported: &str) -> S3Error {
    S3Error::with_message(
        S3ErrorCode::InvalidEncryptionAlgorithmError,
        format!("The Encryption request you specified is not valid. Supported value: {supported}."),
    )
}

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

/// 403 of a bucket that blocks SSE-C (`S3-SSEC-20`).
pub(super) fn blocked(bucket: &BucketRecord, action: &str, key: &str) -> S3Error {
    s3_error!(
        AccessDenied,
        "User: arn:aws:iam::{}:root is not authorized to perform: {action} on resource: \"arn:aws:s3:::{}/{key}\" because this bucket has blocked upload requests that specify Server Side Encryption with Customer provided keys (SSE-C). Please specify a different server-side encryption type",
        bucket.owner,
        bucket.name
    )
}

/// What a part's headers must say about a multipart upload's encryption (`S3-SSEC-12`).
pub(super) fn check_part_key(
    upload: &ObjectEncryption,
    headers: &CustomerKeyHeaders,
) -> S3Result<()> {
    if upload.is_sse_c() == headers.is_present() {
        return Ok(());
    }
    Err(s3_error!(
        InvalidRequest,
        "The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters."
    ))
}

/// 400 when a part comes with another key than its upload (`S3-SSEC-12`).
pub(super) fn other_upload_key() -> S3Error {
    s3_error!(
        InvalidRequest,
        "The provided encryption parameters did not match the ones used originally."
    )
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

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "pO3upElrwuEXSoFwCfnZPdSsmt/xWeFa0N9KgDijwVs=";
    const MD5: &str = "DWygnHRtgiJ77HCm+1rvHw==";

    fn parse(
        algorithm: Option<&str>,
        key: Option<&str>,
        md5: Option<&str>,
        transport: Transport,
    ) -> Result<Option<String>, (String, String)> {
        let own = |value: Option<&str>| value.map(str::to_owned);
        CustomerKeyHeaders::new(own(algorithm), own(key), own(md5))
            .key(&Exchange::new(transport))
            .map(|key| key.map(|key| key.md5_base64()))
            .map_err(|error| {
                (
                    error.code().as_str().to_owned(),
                    error.message().unwrap_or_default().to_owned(),
                )
            })
    }

    #[test]
    fn the_headers_in_order() {
        let tls = Transport::Tls;
        assert_eq!(parse(None, None, None, Transport::Plain), Ok(None));
        assert_eq!(
            parse(Some("AES256"), Some(KEY), Some(MD5), tls),
            Ok(Some(MD5.to_owned()))
        );
        let short = STANDARD.encode([7; 16]);
        let short_md5 = md5_base64(&[7; 16]);
        for (algorithm, key, md5, transport, code, says) in [
            (
                Some("AES256"),
                Some(KEY),
                Some(MD5),
                Transport::Plain,
                "InvalidRequest",
                "secure connection",
            ),
            (
                None,
                Some(KEY),
                Some(MD5),
                tls,
                "InvalidArgument",
                "valid encryption algorithm",
            ),
            (
                Some("AES128"),
                Some(KEY),
                Some(MD5),
                tls,
                "InvalidEncryptionAlgorithmError",
                "AES256",
            ),
            (
                Some("AES256"),
                None,
                Some(MD5),
                tls,
                "InvalidArgument",
                "appropriate secret key",
            ),
            (
                Some("AES256"),
                Some(KEY),
                None,
                tls,
                "InvalidArgument",
                "client calculated MD5",
            ),
            (
                Some("AES256"),
                Some(KEY),
                Some("AAAAAAAAAAAAAAAAAAAAAA=="),
                tls,
                "InvalidArgument",
                "did not match the hash",
            ),
            (
                Some("AES256"),
                Some(&*short),
                Some(MD5),
                tls,
                "InvalidArgument",
                "did not match the hash",
            ),
            (
                Some("AES256"),
                Some(&*short),
                Some(&*short_md5),
                tls,
                "InvalidArgument",
                "invalid for the specified algorithm",
            ),
            (
                Some("AES256"),
                Some("not base64!"),
                Some(MD5),
                tls,
                "InvalidArgument",
                "invalid for the specified algorithm",
            ),
        ] {
            let (got, message) = parse(algorithm, key, md5, transport).unwrap_err();
            assert_eq!(got, code, "{message}");
            assert!(message.contains(says), "{message}");
            assert!(!message.contains(KEY));
        }
    }
}
