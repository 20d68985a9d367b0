//! What S3 checks about a signature before computing it: version, scope and signed headers.
//!
//! `S3-AUTH-4`: the scope's region must be the endpoint's; the answer names the right one, and
//! clients retry with it. `S3-AUTH-5`: every `x-amz-*` header must be signed. `S3-AUTH-6`:
//! only Signature Version 4.

use http::header::AUTHORIZATION;
use http::{HeaderMap, Uri};
use percent_encoding::percent_decode_str;
use s3s::{S3Error, S3ErrorCode, S3Result};

use super::exchange::Exchange;
use super::presigned;
use super::secrets::SECURITY_TOKEN;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Where the signature stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Header,
    Query,
}

/// The claims of a Version 4 signature.
#[derive(Debug)]
pub(crate) struct SignatureClaims {
    place: Place,
    /// Access key id of the credential.
    pub(crate) access_key_id: String,
    /// `x-amz-security-token`, header or query.
    pub(crate) session_token: Option<String>,
    /// Region of the scope.
    pub(crate) region: String,
    /// Service of the scope.
    pub(crate) service: String,
    /// Names of the headers that were signed, in lower case.
    pub(crate) signed_headers: Vec<String>,
    /// The signature, in hex.
    pub(crate) signature: String,
}

impl SignatureClaims {
    /// Reads the claims. `None`: the request is anonymous, or so malformed that the signature
    /// check will say so.
    ///
    /// # Errors
    /// InvalidRequest for Signature Version 2, AuthorizationQueryParametersError for presigned
    /// parameters that are none.
    pub(crate) fn parse(headers: &HeaderMap, uri: &Uri) -> S3Result<Option<Self>> {
        if let Some(header) = headers.get(AUTHORIZATION) {
            let Ok(header) = header.to_str() else {
                return Ok(None);
            };
            if header.starts_with("AWS ") {
                return Err(unsupported_version());
            }
            return Ok(Self::from_header(header).map(|mut claims| {
                claims.session_token = headers
                    .get(SECURITY_TOKEN)
                    .and_then(|value| value.to_str().ok())
                    .map(str::to_owned);
                claims
            }));
        }
        let query = QueryParameters::new(uri.query().unwrap_or_default());
        if query.get("Signature").is_some() && query.get("AWSAccessKeyId").is_some() {
            return Err(unsupported_version());
        }
        presigned::check(&query)?;
        Ok(Self::from_query(&query).map(|mut claims| {
            claims.session_token = query.get("X-Amz-Security-Token");
            claims
        }))
    }

    fn from_header(header: &str) -> Option<Self> {
        let fields = header.strip_prefix(ALGORITHM)?;
        let mut credential = None;
        let mut signed = None;
        let mut signature = None;
        for field in fields.split(',') {
            match field.trim().split_once('=')? {
                ("Credential", value) => credential = Some(value.to_owned()),
                ("SignedHeaders", value) => signed = Some(value.to_owned()),
                ("Signature", value) => signature = Some(value.to_owned()),
                _ => {}
            }
        }
        Self::new(Place::Header, &credential?, &signed?, signature?)
    }

    fn from_query(query: &QueryParameters) -> Option<Self> {
        Self::new(
            Place::Query,
            &query.get("X-Amz-Credential")?,
            &query.get("X-Amz-SignedHeaders")?,
            query.get("X-Amz-Signature")?,
        )
    }

    fn new(
        place: Place,
        credential: &str,
        signed_headers: &str,
        signature: String,
    ) -> Option<Self> {
        // The access key id comes first and may itself hold slashes.
        let mut scope = credential.rsplitn(5, '/');
        let terminator = scope.next()?;
        let service = scope.next()?;
        let region = scope.next()?;
        let _date = scope.next()?;
        let access_key_id = scope.next()?;
        (terminator == "aws4_request").then(|| Self {
            place,
            access_key_id: access_key_id.to_owned(),
            session_token: None,
            region: region.to_owned(),
            service: service.to_owned(),
            signed_headers: signed_headers
                .split(';')
                .map(str::to_ascii_lowercase)
                .collect(),
            signature,
        })
    }

    /// Whether the signature is in the query string.
    pub(crate) fn is_presigned(&self) -> bool {
        self.place == Place::Query
    }

    /// Checks scope and signed headers against the endpoint's region.
    pub(crate) fn check(
        &self,
        headers: &HeaderMap,
        region: &str,
        exchange: &Exchange,
    ) -> S3Result<()> {
        if self.service != "s3" {
            return Err(self.malformed(&format!(
                "incorrect service \"{}\". This endpoint belongs to \"s3\".",
                self.service
            )));
        }
        if self.region != region {
            exchange.error_field("Region", region);
            return Err(self.malformed(&format!(
                "the region '{}' is wrong; expecting '{region}'",
                self.region
            )));
        }
        let unsigned: Vec<&str> = headers
            .keys()
            .map(http::HeaderName::as_str)
            .filter(|name| name.starts_with("x-amz-"))
            .filter(|name| self.place == Place::Header || *name != "x-amz-content-sha256")
            .filter(|name| !self.signed_headers.iter().any(|signed| signed == name))
            .collect();
        if unsigned.is_empty() {
            return Ok(());
        }
        exchange.error_field("HeadersNotSigned", unsigned.join(", "));
        Err(S3Error::with_message(
            S3ErrorCode::AccessDenied,
            "There were headers present in the request which were not signed",
        ))
    }

    fn malformed(&self, what: &str) -> S3Error {
        match self.place {
            Place::Header => S3Error::with_message(
                S3ErrorCode::AuthorizationHeaderMalformed,
                format!("The authorization header is malformed; {what}"),
            ),
            Place::Query => S3Error::with_message(
                S3ErrorCode::AuthorizationQueryParametersError,
                format!("Error parsing the X-Amz-Credential parameter; {what}"),
            ),
        }
    }
}

fn unsupported_version() -> S3Error {
    S3Error::with_message(
        S3ErrorCode::InvalidRequest,
        "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
    )
}

/// The query string's parameters, decoded.
pub(super) struct QueryParameters(Vec<(String, String)>);

impl QueryParameters {
    pub(super) fn new(query: &str) -> Self {
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        Self(
            query
                .split('&')
                .map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (decode(name), decode(value))
                })
                .collect(),
        )
    }

    pub(super) fn get(&self, name: &str) -> Option<String> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::exchange::Transport;

    fn headers(authorization: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, authorization.parse().unwrap());
        headers
    }

    fn check(headers: &HeaderMap, uri: &'static str) -> (S3Result<()>, Exchange) {
        let exchange = Exchange::new(Transport::Tls);
        let claims = SignatureClaims::parse(headers, &Uri::from_static(uri))
            .unwrap()
            .unwrap();
        (claims.check(headers, "ap-northeast-1", &exchange), exchange)
    }

    #[test]
    fn a_wrong_region_is_answered_with_the_right_one() {
        let headers = headers(
            "AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00",
        );
        let (result, exchange) = check(&headers, "/b");
        let error = result.unwrap_err();
        assert_eq!(error.code(), &S3ErrorCode::AuthorizationHeaderMalformed);
        assert_eq!(
            error.message().unwrap(),
            "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'ap-northeast-1'"
        );
        assert_eq!(
            exchange.take_error_fields(),
            [("Region", "ap-northeast-1".to_owned())]
        );
    }

    #[test]
    fn presigned_urls_name_their_parameter() {
        let (result, _) = check(
            &HeaderMap::new(),
            "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%2F20260101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=00",
        );
        assert_eq!(
            result.unwrap_err().code(),
            &S3ErrorCode::AuthorizationQueryParametersError
        );
    }

    #[test]
    fn unsigned_amazon_headers_are_refused_and_named() {
        let mut headers = headers(
            "AWS4-HMAC-SHA256 Credential=AKIA/20260101/ap-northeast-1/s3/aws4_request,SignedHeaders=host;x-amz-date,Signature=00",
        );
        headers.insert("x-amz-date", "20260101T000000Z".parse().unwrap());
        assert!(check(&headers, "/b").0.is_ok());
        headers.insert("x-amz-meta-a", "b".parse().unwrap());
        let (result, exchange) = check(&headers, "/b");
        assert_eq!(result.unwrap_err().code(), &S3ErrorCode::AccessDenied);
        assert_eq!(
            exchange.take_error_fields(),
            [("HeadersNotSigned", "x-amz-meta-a".to_owned())]
        );
    }

    #[test]
    fn version_2_is_refused() {
        let error =
            SignatureClaims::parse(&headers("AWS AKIA:abc"), &Uri::from_static("/")).unwrap_err();
        assert_eq!(error.code(), &S3ErrorCode::InvalidRequest);
        let query = Uri::from_static("/b/k?AWSAccessKeyId=AKIA&Expires=1&Signature=a");
        assert!(SignatureClaims::parse(&HeaderMap::new(), &query).is_err());
    }
}
