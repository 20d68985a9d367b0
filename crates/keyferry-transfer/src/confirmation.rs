//! Whether the server used the key.
//!
//! S3 confirms SSE-C by answering with the algorithm and the MD5 of the key that it used. A server
//! that does not know SSE-C ignores the request headers and stores plaintext, and it answers 200 (S3-XFER-3).
//! AWS: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/specifying-s3-c-encryption.html>.

use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use keyferry_key::{CustomerKeyHeaders, KeyMd5};

/// Checks the two answer headers against the key that was sent; says what is wrong otherwise.
///
/// Some servers send the MD5 header twice, which arrives as `X, X`: that is the same MD5.
pub(crate) fn confirms(
    algorithm: Option<&str>,
    md5: Option<&str>,
    key: &CustomerKeyHeaders,
) -> Result<(), String> {
    let Some(md5) = md5 else {
        return Err("the answer lacks the MD5 of the key".to_owned());
    };
    if !md5
        .split(',')
        .all(|md5| md5.trim().parse::<KeyMd5>().as_ref() == Ok(key.md5()))
    {
        return Err(format!(
            "the answer names the key with MD5 `{md5}`, ours has `{}`",
            key.md5()
        ));
    }
    let algorithms = algorithm.unwrap_or_default();
    if algorithms
        .split(',')
        .all(|algorithm| algorithm.trim() == key.algorithm())
    {
        Ok(())
    } else {
        Err(format!("the answer names the algorithm `{algorithms}`"))
    }
}

/// Some servers send each confirming header twice, which the SDK takes for a broken answer. This
/// joins them, as HTTP allows, so that [`confirms`] can look at all of them.
#[derive(Debug)]
pub(crate) struct JoinConfirmations;

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for JoinConfirmations {
    fn name(&self) -> &'static str {
        "JoinConfirmations"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.response_mut().headers_mut();
        for name in [
            CustomerKeyHeaders::ALGORITHM_HEADER,
            CustomerKeyHeaders::MD5_HEADER,
        ] {
            let values: Vec<_> = headers.get_all(name).map(str::to_owned).collect();
            if values.len() > 1 {
                headers.try_insert(name, values.join(", "))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyferry_key::CustomerKey;

    #[test]
    fn only_our_key_is_confirmed() {
        let key = CustomerKey::from_bytes([7; 32]).headers();
        let md5 = key.md5().to_string();
        let other = CustomerKey::from_bytes([8; 32]).md5().to_string();
        let (twice, mixed) = (format!("{md5}, {md5}"), format!("{md5}, {other}"));
        let confirmed = |algorithm, md5| confirms(algorithm, md5, &key).is_ok();
        assert!(confirmed(Some("AES256"), Some(&md5)));
        assert!(confirmed(Some("AES256"), Some(&twice)));
        assert!(confirmed(Some("AES256, AES256"), Some(&md5)));
        assert!(!confirmed(Some("AES256"), Some(&mixed)));
        assert!(!confirmed(Some("AES256"), Some(&other)));
        assert!(!confirmed(Some("AES256"), Some("")));
        assert!(!confirmed(Some("AES256"), None));
        assert!(!confirmed(None, Some(&md5)));
        assert!(!confirmed(None, None));
    }
}
