//! Response headers that some S3-compatible servers get wrong, put right before they are parsed.
//!
//! One server sends the key MD5 twice, which a strict parser refuses. Another echoes the customer
//! key itself: it is removed before anything can log it, and noted, since a key that a server hands
//! out must be treated as leaked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use keyferry_key::CustomerKeyHeaders;

const SERVER: &str = "server";
const S3: &str = "AmazonS3";

/// Puts response headers right, and remembers whether a key was echoed.
#[derive(Debug, Clone, Default)]
pub(crate) struct ResponseHeaders {
    seen: Arc<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    key_echoed: AtomicBool,
    is_s3: AtomicBool,
}

impl ResponseHeaders {
    /// Whether any response so far carried the customer key.
    pub(crate) fn key_echoed(&self) -> bool {
        self.seen.key_echoed.load(Ordering::Relaxed)
    }

    /// Whether the server calls itself Amazon S3, and so does what S3's pages say.
    pub(crate) fn is_s3(&self) -> bool {
        self.seen.is_s3.load(Ordering::Relaxed)
    }
}

impl Intercept for ResponseHeaders {
    fn name(&self) -> &'static str {
        "ResponseHeaders"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.response_mut().headers_mut();
        if headers.remove(CustomerKeyHeaders::KEY_HEADER).is_some() {
            self.seen.key_echoed.store(true, Ordering::Relaxed);
        }
        if headers.get(SERVER) == Some(S3) {
            self.seen.is_s3.store(true, Ordering::Relaxed);
        }
        let repeated = {
            let mut md5s = headers.get_all(CustomerKeyHeaders::MD5_HEADER);
            md5s.next().is_some_and(|md5| md5.contains(',')) || md5s.next().is_some()
        };
        if repeated {
            let md5 = single(headers.get_all(CustomerKeyHeaders::MD5_HEADER));
            if let Some(md5) = md5 {
                headers.insert(CustomerKeyHeaders::MD5_HEADER, md5);
            }
        }
        Ok(())
    }
}

/// The one value that a header repeats, on lines of its own or separated by commas.
fn single<'v>(values: impl Iterator<Item = &'v str>) -> Option<String> {
    let mut values = values
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|value| !value.is_empty());
    let first = values.next()?;
    values.all(|value| value == first).then(|| first.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_values_are_one() {
        let md5 = "hRasmdxgYDKV3nvbahU1MA==";
        for doubled in [vec![md5], vec![md5, md5]] {
            assert_eq!(single(doubled.into_iter()).as_deref(), Some(md5));
        }
        let joined = format!("{md5}, {md5}");
        assert_eq!(single([joined.as_str()].into_iter()).as_deref(), Some(md5));
        assert_eq!(single(["a", "b"].into_iter()), None);
        assert_eq!(single(std::iter::empty()), None);
    }
}
