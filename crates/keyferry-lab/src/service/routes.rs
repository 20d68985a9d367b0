//! Requests that `s3s` would not serve as S3 does, once it has verified their signature.
//!
//! `?encryption` is served by [`EncryptionRoute`]. A `Range` that is none makes `s3s` refuse the
//! request, where S3 ignores the header (`S3-GET-7`); and `s3s` never compares the digests of
//! documents, which S3 does where it demands them (`S3-DEL-5`, `S3-LOCK-10`). Both need the request changed or read after its signature
//! was verified and before its operation is called. So they go, changed, to a second `S3Service`
//! over the same operations, which no client reaches and which asks for no signature, only whether
//! the requester may.

use bytes::Bytes;
use http::header::{AUTHORIZATION, RANGE};
use http::uri::PathAndQuery;
use http::{Extensions, HeaderMap, HeaderName, Method, Request, Uri};
use http_body_util::{BodyExt as _, Limited};
use s3s::auth::{S3Auth, SecretKey};
use s3s::route::S3Route;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, S3Request, S3Response, S3Result, TrailingHeaders, s3_error};

use super::RegionService;
use super::body::BodyError;
use super::checksums::{self, SentChecksum};
use super::encryption_route::EncryptionRoute;
use super::limits::MAX_DELETE_DOCUMENT;
use crate::authorization::{Access, AccessTarget};
use crate::server::exchange::Exchange;
use crate::server::host::RegionHosts;
use crate::store::{DigestPlan, Digests};

const CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");

/// Knows no access key: the second service's requests have no signature any more.
struct Nobody;

#[async_trait::async_trait]
impl S3Auth for Nobody {
    async fn get_secret_key(&self, _access_key: &str) -> S3Result<SecretKey> {
        Err(s3_error!(AccessDenied, "Access Denied"))
    }
}

/// The routes of one region's endpoint.
pub(crate) struct Routes {
    encryption: EncryptionRoute,
    access: Access,
    verified: S3Service,
}

impl Routes {
    /// The routes beside `service`.
    pub(crate) fn new(service: RegionService, hosts: RegionHosts, access: Access) -> Self {
        let mut verified = S3ServiceBuilder::new(service.clone());
        verified.set_host(hosts.clone());
        // Without an authenticator s3s would not ask whether a request is authorised.
        verified.set_auth(Nobody);
        verified.set_access(access.verified());
        Self {
            encryption: EncryptionRoute::new(service, hosts),
            access,
            verified: verified.build(),
        }
    }

    async fn serve_verified(&self, request: S3Request<Body>) -> S3Result<S3Response<Body>> {
        let S3Request {
            mut input,
            method,
            uri,
            mut headers,
            extensions,
            trailing_headers,
            ..
        } = request;
        if let Some(document) = checked_document(&method, &uri) {
            let exchange = Exchange::of(&extensions);
            let body = checked(&exchange, &headers, trailing_headers.as_ref(), input).await?;
            if document == Document::Lock && has_event_hold(&body) {
                return Err(s3_error!(NotImplemented, "The lab has no event holds."));
            }
            input = body.into();
        }
        if has_no_range(&headers) {
            headers.remove(RANGE);
        }
        headers.remove(AUTHORIZATION);
        // The body is decoded and compared with it.
        headers.remove(CONTENT_SHA256);
        let mut request = Request::new(input);
        *request.method_mut() = method;
        *request.uri_mut() = without_signature(uri)?;
        *request.headers_mut() = headers;
        *request.extensions_mut() = extensions;
        let response = self
            .verified
            .call(request)
            .await
            .map_err(|_| s3_error!(InternalError))?;
        let (parts, body) = response.into_parts();
        let mut response = S3Response::with_status(body, parts.status);
        response.headers = parts.headers;
        response.extensions = parts.extensions;
        Ok(response)
    }
}

#[async_trait::async_trait]
impl S3Route for Routes {
    fn is_match(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        extensions: &mut Extensions,
    ) -> bool {
        self.encryption.is_match(method, uri, headers, extensions)
            || checked_document(method, uri).is_some()
            || ([Method::GET, Method::HEAD].contains(method) && has_no_range(headers))
    }

    async fn check_access(&self, request: &mut S3Request<Body>) -> S3Result<()> {
        let exchange = Exchange::of(&request.extensions);
        let verified = request.credentials.as_ref();
        self.access
            .check_signer(&exchange, verified.map(|found| found.access_key.as_str()))?;
        // The second service judges what goes on to it.
        let Some(bucket) = self.encryption.bucket_of(request) else {
            return Ok(());
        };
        let target = AccessTarget {
            operation: if request.method == Method::GET {
                "GetBucketEncryption"
            } else if request.method == Method::PUT {
                "PutBucketEncryption"
            } else {
                "DeleteBucketEncryption"
            },
            bucket: Some(&bucket),
            key: None,
        };
        self.access
            .judge(&exchange, target, &request.headers, &request.uri)
    }

    async fn call(&self, mut request: S3Request<Body>) -> S3Result<S3Response<Body>> {
        let is_encryption = self.encryption.is_match(
            &request.method,
            &request.uri,
            &request.headers,
            &mut request.extensions,
        );
        if is_encryption {
            self.encryption.call(request).await
        } else {
            self.serve_verified(request).await
        }
    }
}

/// Whether the request names a range and none that S3 serves: another unit, several ranges, or
/// no range at all.
fn has_no_range(headers: &HeaderMap) -> bool {
    headers.get(RANGE).is_some_and(|value| {
        value
            .to_str()
            .map_or(true, |text| s3s::dto::Range::parse(text).is_err())
    })
}

/// A document whose digests are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Document {
    Delete,
    Lock,
}

/// The document that a request carries, if its digests are to be compared.
fn checked_document(method: &Method, uri: &Uri) -> Option<Document> {
    let query = uri.query()?;
    let names = |subresource: &str| {
        query
            .split('&')
            .any(|pair| pair.strip_suffix('=').unwrap_or(pair) == subresource)
    };
    if method == Method::POST && names("delete") {
        Some(Document::Delete)
    } else if method == Method::PUT
        && ["object-lock", "retention", "legal-hold"]
            .into_iter()
            .any(names)
    {
        Some(Document::Lock)
    } else {
        None
    }
}

/// Whether a document about locks has an event hold (`S3-LOCK-11`): `s3s` skips what it does not
/// know.
fn has_event_hold(document: &[u8]) -> bool {
    ["EventHold", "DefaultEventHold"].into_iter().any(|name| {
        let element = format!("<{name}");
        document
            .windows(element.len())
            .any(|window| window == element.as_bytes())
    })
}

/// The body, once it is what its digests say.
async fn checked(
    exchange: &Exchange,
    headers: &HeaderMap,
    trailers: Option<&TrailingHeaders>,
    body: Body,
) -> S3Result<Bytes> {
    let md5 = headers.get("content-md5").map(|value| value.to_str());
    let md5 = checksums::content_md5(md5.map(Result::unwrap_or_default))?;
    let sent = SentChecksum::from_headers(headers)?;
    let body = Limited::new(body, MAX_DELETE_DOCUMENT)
        .collect()
        .await
        .map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() {
                s3_error!(MaxMessageLengthExceeded, "Your request was too big.")
            } else {
                BodyError::Stream(error).to_s3(exchange)
            }
        })?
        .to_bytes();
    let plan = DigestPlan {
        md5: md5.is_some(),
        checksums: sent.iter().map(|sent| sent.algorithm).collect(),
    };
    let digests = Digests::of(&plan, &body);
    checksums::verify_md5(exchange, md5, digests.md5)?;
    if let Some(sent) = sent {
        sent.verify(&digests, trailers)?;
    }
    Ok(body)
}

/// The address without the parameters of a presigned one.
fn without_signature(uri: Uri) -> S3Result<Uri> {
    let Some(query) = uri.query() else {
        return Ok(uri);
    };
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| !pair.to_ascii_lowercase().starts_with("x-amz-"))
        .collect();
    let text = format!("{}?{}", uri.path(), kept.join("&"));
    let path = PathAndQuery::try_from(text).map_err(|_| s3_error!(InvalidURI))?;
    let mut parts = uri.into_parts();
    parts.path_and_query = Some(path);
    Uri::from_parts(parts).map_err(|_| s3_error!(InvalidURI))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_what_is_none() {
        for (text, none) in [
            ("bytes=0-0", false),
            ("bytes=5-", false),
            ("bytes=-5", false),
            ("bytes=5-2", true),
            ("bytes=0-1,5-6", true),
            ("bytes=", true),
            ("lines=1-2", true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RANGE, text.parse().unwrap());
            assert_eq!(has_no_range(&headers), none, "{text}");
        }
        assert!(!has_no_range(&HeaderMap::new()));
    }

    #[test]
    fn signatures_leave_the_address() {
        let uri = "/b/k?X-Amz-Expires=60&versionId=v%2F1&X-Amz-Signature=00&x-id=GetObject";
        assert_eq!(
            without_signature(uri.parse().unwrap()).unwrap(),
            "/b/k?versionId=v%2F1&x-id=GetObject"
        );
        assert_eq!(without_signature("/b/k".parse().unwrap()).unwrap(), "/b/k");
    }
}
