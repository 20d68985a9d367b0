//! From a request to one of the services, and back (`S3-API-1`, `S3-API-2`).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use http::header::{CONTENT_TYPE, HOST};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body::Body as HttpBody;
use http_body_util::{BodyExt as _, Limited};
use s3s::{Body, HttpResponse};

use super::error::ApiError;
use super::query::{Parameters, write_answer, write_error};
use super::{iam, kms, signature, sts};
use crate::authorization::Authorizer;
use crate::server::credential_scope::SignatureClaims;
use crate::server::credentials::{Claim, CredentialStore};
use crate::server::exchange::{Exchange, Transport};
use crate::server::requester::Requester;
use crate::store::{RegionStore, Store};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
/// The region that requests to the global endpoints are signed for.
const GLOBAL_REGION: &str = "us-east-1";
/// No call of these services takes more.
const MAX_BODY: usize = 1 << 20;

/// Which service a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServiceName {
    Iam,
    Kms,
    Sts,
}

impl ServiceName {
    fn of_scope(service: &str) -> Option<Self> {
        match service {
            "iam" => Some(Self::Iam),
            "kms" => Some(Self::Kms),
            "sts" => Some(Self::Sts),
            _ => None,
        }
    }

    /// The service that a host such as `iam.amazonaws.com` or `kms.REGION.localhost` names.
    fn of_host(host: &str) -> Option<Self> {
        let (first, rest) = host.split_once('.')?;
        let name = rest.split(':').next().unwrap_or_default();
        (name.ends_with("amazonaws.com") || name == "localhost" || name.ends_with(".localhost"))
            .then(|| Self::of_scope(first))
            .flatten()
    }

    /// The service that a request is for; `None` for S3.
    pub(crate) fn of(parts: &Parts, claims: Option<&SignatureClaims>) -> Option<Self> {
        match claims {
            Some(claims) => Self::of_scope(&claims.service),
            None => parts
                .headers
                .get(HOST)
                .and_then(|host| host.to_str().ok())
                .and_then(Self::of_host),
        }
    }

    fn namespace(self) -> &'static str {
        match self {
            Self::Iam | Self::Kms => "https://iam.amazonaws.com/doc/2010-05-08/",
            Self::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
        }
    }
}

/// A call: who asks, and how the request came.
pub(super) struct Call<'a> {
    pub(super) requester: &'a Requester,
    pub(super) transport: Transport,
    pub(super) headers: &'a HeaderMap,
    /// The region of the endpoint.
    pub(super) region: &'a str,
}

/// IAM, KMS and STS of one region's endpoint. IAM and STS are the same on both.
#[derive(Clone)]
pub(crate) struct ServiceEndpoint {
    pub(super) store: Arc<Store>,
    pub(super) region: RegionStore,
    pub(super) credentials: Arc<CredentialStore>,
    pub(super) authorizer: Authorizer,
    /// Held during a call that changes something, so that what it looked at stays so.
    changing: Arc<Mutex<()>>,
}

impl ServiceEndpoint {
    /// The endpoint of `region`, one of `store`'s. `changing` is one for the whole lab.
    pub(crate) fn new(
        store: Arc<Store>,
        region: RegionStore,
        credentials: Arc<CredentialStore>,
        changing: Arc<Mutex<()>>,
    ) -> Self {
        Self {
            authorizer: Authorizer::new(Arc::clone(&store)),
            store,
            region,
            credentials,
            changing,
        }
    }

    /// Answers a request for `service`.
    pub(crate) async fn handle<B>(
        &self,
        service: ServiceName,
        parts: Parts,
        body: B,
        claims: Option<SignatureClaims>,
        exchange: Arc<Exchange>,
    ) -> HttpResponse
    where
        B: HttpBody,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let id = uuid_like(exchange.request_id());
        let answered = match Limited::new(body, MAX_BODY).collect().await {
            Ok(body) => {
                let body = body.to_bytes();
                let endpoint = self.clone();
                let id = id.clone();
                let work = move || {
                    endpoint.answer(service, &parts, &body, claims.as_ref(), &exchange, &id)
                };
                tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| {
                    Err(ApiError::new(
                        StatusCode::SERVICE_UNAVAILABLE,
                        "ServiceUnavailable",
                        "The lab is shutting down.",
                    ))
                })
            }
            Err(_) => Err(ApiError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "RequestEntityTooLarge",
                "The request is too large.",
            )),
        };
        respond(service, answered, &id)
    }

    fn answer(
        &self,
        service: ServiceName,
        parts: &Parts,
        body: &[u8],
        claims: Option<&SignatureClaims>,
        exchange: &Exchange,
        id: &str,
    ) -> Result<String, ApiError> {
        let requester = self.authenticate(service, parts, body, claims)?;
        let call = Call {
            requester: &requester,
            transport: exchange.transport(),
            headers: &parts.headers,
            region: self.region.name(),
        };
        let _one_at_a_time = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        if service == ServiceName::Kms {
            let target = parts
                .headers
                .get(TARGET)
                .and_then(|target| target.to_str().ok())
                .unwrap_or_default();
            return kms::call(self, &call, target, body).map(|answer| answer.to_string());
        }
        let form = if parts.method == Method::GET {
            parts.uri.query().unwrap_or_default().as_bytes()
        } else {
            body
        };
        let parameters = Parameters::parse(form);
        let action = parameters.get("Action").unwrap_or_default();
        let answer = match service {
            ServiceName::Sts => sts::call(self, &call, action, &parameters),
            ServiceName::Iam | ServiceName::Kms => iam::call(self, &call, action, &parameters),
        }?;
        Ok(write_answer(service.namespace(), action, answer, id))
    }

    /// Who signed a request.
    fn authenticate(
        &self,
        service: ServiceName,
        parts: &Parts,
        body: &[u8],
        claims: Option<&SignatureClaims>,
    ) -> Result<Requester, ApiError> {
        let Some(claims) = claims else {
            return Err(ApiError::forbidden(
                "MissingAuthenticationToken",
                "Request is missing Authentication Token",
            ));
        };
        let is_global = service != ServiceName::Kms && claims.region == GLOBAL_REGION;
        if claims.region != self.region.name() && !is_global {
            return Err(ApiError::forbidden(
                "SignatureDoesNotMatch",
                "Credential should be scoped to a valid region.",
            ));
        }
        let claim = Claim {
            access_key_id: &claims.access_key_id,
            session_token: claims.session_token.as_deref(),
        };
        let now = SystemTime::now();
        self.credentials.check_token(claim, now).map_err(|error| {
            if error.code().as_str() == "ExpiredToken" {
                ApiError::forbidden(
                    "ExpiredToken",
                    "The security token included in the request is expired",
                )
            } else {
                invalid_token()
            }
        })?;
        let secret = self
            .credentials
            .secret(&claims.access_key_id)
            .ok_or_else(invalid_token)?;
        signature::verify(parts, body, claims, &secret, now)?;
        self.credentials
            .requester(&claims.access_key_id)
            .ok_or_else(invalid_token)
    }
}

fn invalid_token() -> ApiError {
    ApiError::forbidden(
        "InvalidClientTokenId",
        "The security token included in the request is invalid.",
    )
}

fn respond(
    service: ServiceName,
    answered: Result<String, ApiError>,
    request_id: &str,
) -> HttpResponse {
    let (status, body) = match answered {
        Ok(body) => (StatusCode::OK, body),
        Err(error) => {
            tracing::debug!(code = error.code, id = request_id, "refused");
            match service {
                ServiceName::Kms => {
                    let (status, code) = json_form(&error);
                    let body = serde_json::json!({"__type": code, "message": error.message});
                    (status, body.to_string())
                }
                ServiceName::Iam | ServiceName::Sts => (
                    error.status,
                    write_error(service.namespace(), &error, request_id),
                ),
            }
        }
    };
    let mut response = HttpResponse::new(Body::from(body));
    *response.status_mut() = status;
    let content_type = match service {
        ServiceName::Kms => "application/x-amz-json-1.1",
        ServiceName::Iam | ServiceName::Sts => "text/xml",
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

/// The JSON protocol has names of its own for errors of authentication, and answers 400 to all
/// that the client did wrong.
fn json_form(error: &ApiError) -> (StatusCode, &'static str) {
    let code = match error.code {
        "MissingAuthenticationToken" => "MissingAuthenticationTokenException",
        "SignatureDoesNotMatch" => "InvalidSignatureException",
        "IncompleteSignature" => "IncompleteSignatureException",
        "InvalidClientTokenId" => "UnrecognizedClientException",
        "ExpiredToken" => "ExpiredTokenException",
        "AccessDenied" => "AccessDeniedException",
        "ServiceFailure" => "KMSInternalException",
        code => code,
    };
    let status = if error.status.is_server_error() {
        error.status
    } else {
        StatusCode::BAD_REQUEST
    };
    (status, code)
}

/// Request ids of these services are UUIDs; this one begins with the exchange's own id, under
/// which the log has it.
fn uuid_like(id: &str) -> String {
    let id = format!(
        "{}{}",
        id.to_ascii_lowercase(),
        hex::encode(rand::random::<[u8; 8]>())
    );
    let mut uuid = String::with_capacity(36);
    for (index, c) in id.chars().enumerate() {
        if [8, 12, 16, 20].contains(&index) {
            uuid.push('-');
        }
        uuid.push(c);
    }
    uuid
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_name_services() {
        for (host, service) in [
            ("iam.amazonaws.com", Some(ServiceName::Iam)),
            ("sts.ap-northeast-1.amazonaws.com", Some(ServiceName::Sts)),
            ("kms.localhost:9000", Some(ServiceName::Kms)),
            ("kms.example.com", None),
            ("bucket.localhost", None),
            ("127.0.0.1:9000", None),
        ] {
            assert_eq!(ServiceName::of_host(host), service, "{host}");
        }
    }

    #[test]
    fn request_ids_are_uuids() {
        let id = uuid_like("0123456789ABCDEF");
        assert!(id.starts_with("01234567-89ab-cdef-"), "{id}");
        assert_eq!(id.len(), 36);
    }
}
