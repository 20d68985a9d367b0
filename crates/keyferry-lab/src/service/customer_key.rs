//! Customer keys in requests (`S3-SSEC-2` to `S3-SSEC-12`).
//!
//! A key leaves this module only as a [`CustomerKey`], which wipes itself and does not print.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};
use zeroize::Zeroizing;

use super::errors::invalid_argument;
use crate::encryption::{CustomerKey, ObjectEncryption};
use crate::server::exchange::{Exchange, Transport};
use crate::store::BucketRecord;

/// S3 names this header in errors about customer keys, whichever header is wrong.
pub(super) const ARGUMENT: &str = "x-amz-server-side-encryption";
/// The one algorithm of customer keys, and the name of SSE-S3.
pub(super) const AES256: &str = "AES256";

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

/// 400 InvalidArgument about encryption.
pub(super) fn refuse(exchange: &Exchange, message: &'static str) -> S3Error {
    invalid_argument(exchange, ARGUMENT, "null", message)
}

fn invalid_secret(exchange: &Exchange) -> S3Error {
    refuse(
        exchange,
        "The secret key was invalid for the specified algorithm.",
    )
}

/// 400 InvalidEncryptionAlgorithmError.
pub(super) fn invalid_algorithm(supported: &str) -> S3Error {
    S3Error::with_message(
        S3ErrorCode::InvalidEncryptionAlgorithmError,
        format!("The Encryption request you specified is not valid. Supported value: {supported}."),
    )
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
