//! The header triple of SSE-C requests.
//!
//! `x-amz-server-side-encryption-customer-algorithm`, `-customer-key` (base64 of the raw bytes) and
//! `-customer-key-MD5` (base64 of the MD5 of the raw bytes). SDKs send the key as given, so both
//! encodings are computed here, once per key.

use base64::prelude::{BASE64_STANDARD, Engine};
use zeroize::Zeroizing;

use crate::{CustomerKey, KeyMd5};

/// The values of the three SSE-C request headers.
#[derive(Clone)]
pub struct CustomerKeyHeaders {
    key: Zeroizing<String>,
    md5: KeyMd5,
}

impl CustomerKeyHeaders {
    /// Name of the header that carries the algorithm.
    pub const ALGORITHM_HEADER: &'static str = "x-amz-server-side-encryption-customer-algorithm";
    /// Name of the header that carries the key. Mark it sensitive before anything can log it.
    pub const KEY_HEADER: &'static str = "x-amz-server-side-encryption-customer-key";
    /// Name of the header that carries the key's MD5.
    pub const MD5_HEADER: &'static str = "x-amz-server-side-encryption-customer-key-md5";
    /// Name of the header that carries the key of a copy's source. Sensitive, too.
    pub const COPY_SOURCE_KEY_HEADER: &'static str =
        "x-amz-copy-source-server-side-encryption-customer-key";

    pub(crate) fn of(key: &CustomerKey) -> Self {
        Self {
            key: Zeroizing::new(BASE64_STANDARD.encode(key.expose())),
            md5: key.md5(),
        }
    }

    /// The algorithm: always `AES256`.
    #[must_use]
    pub fn algorithm(&self) -> &'static str {
        "AES256"
    }

    /// The key in base64: a secret. An SDK's own copy of it cannot be wiped.
    #[must_use]
    pub fn expose_key(&self) -> &str {
        &self.key
    }

    /// The key's MD5; its `Display` is the header value.
    #[must_use]
    pub fn md5(&self) -> &KeyMd5 {
        &self.md5
    }
}

impl std::fmt::Debug for CustomerKeyHeaders {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "CustomerKeyHeaders(md5: {})", self.md5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values computed with `openssl base64` and `openssl dgst -md5 -binary`.
    #[test]
    fn values_match_openssl() {
        let key = CustomerKey::from_bytes(*b"0123456789abcdef0123456789abcdef");
        let headers = key.headers();
        assert_eq!(
            headers.expose_key(),
            "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
        );
        assert_eq!(headers.md5().to_string(), "hRasmdxgYDKV3nvbahU1MA==");
        assert!(!format!("{headers:?}").contains("MDEy"));
    }
}
