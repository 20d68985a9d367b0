//! Keeping customer keys and credentials out of every log (`S3-SSEC-30`).
//!
//! Header values are marked sensitive before any layer that logs sees them; `http`'s Debug
//! then prints `Sensitive`. Requests that would carry a key where it cannot be marked (the
//! query string, a form field) are refused before they get further.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, Uri};

/// `x-amz-server-side-encryption-customer-key`
pub(crate) const CUSTOMER_KEY: HeaderName =
    HeaderName::from_static("x-amz-server-side-encryption-customer-key");
/// `x-amz-copy-source-server-side-encryption-customer-key`
pub(crate) const COPY_SOURCE_CUSTOMER_KEY: HeaderName =
    HeaderName::from_static("x-amz-copy-source-server-side-encryption-customer-key");
/// `x-amz-security-token`
pub(crate) const SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// Marks every header that holds a secret.
pub(crate) fn mark_sensitive(headers: &mut HeaderMap) {
    for (name, value) in headers.iter_mut() {
        if [
            &CUSTOMER_KEY,
            &COPY_SOURCE_CUSTOMER_KEY,
            &SECURITY_TOKEN,
            &AUTHORIZATION,
        ]
        .contains(&name)
        {
            value.set_sensitive(true);
        }
    }
}

/// Whether the query string names a customer key header, as a presigned URL made the wrong
/// way does.
pub(crate) fn query_holds_customer_key(uri: &Uri) -> bool {
    uri.query().is_some_and(|query| {
        query.split('&').any(|pair| {
            let name = pair.split('=').next().unwrap_or_default();
            let name = percent_encoding::percent_decode_str(name)
                .decode_utf8_lossy()
                .to_ascii_lowercase();
            name == CUSTOMER_KEY.as_str() || name == COPY_SOURCE_CUSTOMER_KEY.as_str()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn secret_headers_do_not_print() {
        let mut headers = HeaderMap::new();
        headers.insert(CUSTOMER_KEY, HeaderValue::from_static("c2VjcmV0"));
        headers.insert(
            COPY_SOURCE_CUSTOMER_KEY,
            HeaderValue::from_static("c2VjcmV0"),
        );
        headers.append(SECURITY_TOKEN, HeaderValue::from_static("c2VjcmV0"));
        headers.insert(AUTHORIZATION, HeaderValue::from_static("c2VjcmV0"));
        mark_sensitive(&mut headers);
        assert!(!format!("{headers:?}").contains("c2VjcmV0"));
    }

    #[test]
    fn keys_in_the_query_are_found_in_any_spelling() {
        for query in [
            "/b/k?X-Amz-Server-Side-Encryption-Customer-Key=a",
            "/b/k?a=b&x-amz-server-side-encryption-customer%2Dkey=a",
            "/b/k?x-amz-copy-source-server-side-encryption-customer-key=a",
        ] {
            assert!(
                query_holds_customer_key(&Uri::from_static(query)),
                "{query}"
            );
        }
        assert!(!query_holds_customer_key(&Uri::from_static(
            "/b/k?x-amz-server-side-encryption-customer-key-md5=a"
        )));
    }
}
