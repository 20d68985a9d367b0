//! What every request passes before and after the service it is for.

use std::sync::Arc;
use std::time::SystemTime;

use http::header::{CONNECTION, CONTENT_TYPE, EXPECT};
use http::{HeaderValue, Method, Request};
use hyper::body::Incoming;
use s3s::service::S3Service;
use s3s::{Body, HttpError, HttpResponse, S3Error, S3ErrorCode, S3Result};

use super::answer_form;
use super::credential_scope::SignatureClaims;
use super::credentials::{Claim, CredentialStore};
use super::exchange::{Exchange, Signer, Transport};
use super::request_body;
use super::secrets;
use crate::api::{ServiceEndpoint, ServiceName};

/// One region's requests.
pub(crate) struct Gate {
    region: String,
    credentials: Arc<CredentialStore>,
    service: S3Service,
    others: ServiceEndpoint,
}

/// Where a request goes on to.
enum Admitted {
    S3,
    Other(ServiceName, Option<SignatureClaims>),
}

impl Gate {
    /// The gate before `service`, the S3 of `region`, and `others`, its IAM, KMS and STS.
    pub(crate) fn new(
        region: String,
        credentials: Arc<CredentialStore>,
        service: S3Service,
        others: ServiceEndpoint,
    ) -> Self {
        Self {
            others,
            region,
            credentials,
            service,
        }
    }

    /// Answers a request.
    pub(crate) async fn handle(
        &self,
        request: Request<Incoming>,
        transport: Transport,
    ) -> Result<HttpResponse, HttpError> {
        let exchange = Arc::new(Exchange::new(transport));
        let (mut parts, body) = request.into_parts();
        // First of all: nothing below may print a key (`S3-SSEC-30`).
        secrets::mark_sensitive(&mut parts.headers);
        let method = parts.method.clone();
        let waits_for_continue = parts.headers.contains_key(EXPECT);
        let (body, rest) = request_body::share(body, waits_for_continue);

        let mut is_s3 = true;
        let mut response = match self.admit(&parts, &exchange) {
            Ok(Admitted::Other(name, claims)) => {
                is_s3 = false;
                self.others
                    .handle(name, parts, body, claims, Arc::clone(&exchange))
                    .await
            }
            Ok(Admitted::S3) => {
                // The path alone: a query may hold a presigned signature.
                let path = parts.uri.path().to_owned();
                parts.extensions.insert(Arc::clone(&exchange));
                let request = Request::from_parts(parts, Body::http_body(body));
                let response = self.service.call(request).await?;
                tracing::debug!(
                    region = %self.region,
                    %method,
                    %path,
                    status = response.status().as_u16(),
                    id = exchange.request_id(),
                    "answered"
                );
                response
            }
            Err(error) => error
                .to_http_response()
                .map_err(|error| HttpError::new(Box::new(error)))?,
        };
        if !rest.settle().await {
            // Said, so that the client does not send its next request on this connection
            // (`S3-HTTP-6`).
            response
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if is_s3 && let Some(code) = answer_form::finish(&mut response, &method, &exchange) {
            tracing::debug!(%code, id = exchange.request_id(), "refused");
        }
        Ok(response)
    }

    /// What is refused before the service sees the request.
    fn admit(&self, parts: &http::request::Parts, exchange: &Exchange) -> S3Result<Admitted> {
        if secrets::query_holds_customer_key(&parts.uri) {
            // AWS documents the headers only; anything else would put the key into logs.
            return Err(S3Error::with_message(
                S3ErrorCode::InvalidRequest,
                "A customer key must be sent as a header, not in the query string.",
            ));
        }
        if parts.method == Method::POST && is_form(parts) {
            return Err(S3Error::with_message(
                S3ErrorCode::NotImplemented,
                "The lab does not take uploads by HTML form.",
            ));
        }
        let claims = SignatureClaims::parse(&parts.headers, &parts.uri)?;
        if let Some(service) = ServiceName::of(parts, claims.as_ref()) {
            return Ok(Admitted::Other(service, claims));
        }
        let Some(claims) = claims else {
            return Ok(Admitted::S3);
        };
        claims.check(&parts.headers, &self.region, exchange)?;
        let claim = Claim {
            access_key_id: &claims.access_key_id,
            session_token: claims.session_token.as_deref(),
        };
        self.credentials
            .check_token(claim, SystemTime::now())
            .inspect_err(|error| {
                if *error.code() == S3ErrorCode::InvalidAccessKeyId {
                    exchange.error_field("AWSAccessKeyId", claim.access_key_id);
                }
            })?;
        if let Some(requester) = self.credentials.requester(&claims.access_key_id) {
            exchange.set_signer(Signer {
                requester,
                presigned: claims.is_presigned(),
                access_key_id: claims.access_key_id,
            });
        }
        Ok(Admitted::S3)
    }
}

fn is_form(parts: &http::request::Parts) -> bool {
    parts
        .headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| {
            value
                .trim_start()
                .to_ascii_lowercase()
                .starts_with("multipart/form-data")
        })
}
