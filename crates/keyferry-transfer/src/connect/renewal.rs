//! Credentials that expire while they are used.
//!
//! The SDK keeps credentials until the time they are said to expire at. A server may find that they
//! have expired before: a role was revoked, or the clocks differ. Then the provider is asked for others,
//! once, and the request is made again with those.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_s3::config::interceptors::{FinalizerInterceptorContextRef, InterceptorContext};
use aws_sdk_s3::config::retry::{ClassifyRetry, RetryAction};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::retries::classifiers::RetryClassifierPriority;
use aws_smithy_types::retry::ErrorKind;

/// Credentials with less time left are fetched anew before they are used.
const BUFFER: Duration = Duration::from_secs(60);
/// What the error bodies say.
const EXPIRED: [&str; 2] = [
    "<Code>ExpiredToken</Code>",
    "<Code>TokenRefreshRequired</Code>",
];

/// Keeps credentials until they expire, or until the server says that they have. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Renewal(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    provider: SharedCredentialsProvider,
    kept: Mutex<Kept>,
    /// Held while others are fetched, so that many requests fetch once.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Kept {
    credentials: Option<Credentials>,
    /// What the server says has expired.
    refused: Option<Credentials>,
}

impl Renewal {
    pub(super) fn new(provider: SharedCredentialsProvider) -> Self {
        Self(Arc::new(Shared {
            provider,
            kept: Mutex::default(),
            fetching: tokio::sync::Mutex::default(),
        }))
    }

    async fn current(&self) -> Result<Credentials, CredentialsError> {
        if let Some(fresh) = self.fresh() {
            return Ok(fresh);
        }
        let _fetching = self.0.fetching.lock().await;
        if let Some(fresh) = self.fresh() {
            return Ok(fresh);
        }
        let fetched = self.0.provider.provide_credentials().await;
        let mut kept = self.kept();
        match (fetched, &kept.credentials) {
            (Ok(fetched), _) => {
                kept.credentials = Some(fetched.clone());
                Ok(fetched)
            }
            // A provider out of order is no reason to stop while what it gave still holds.
            (Err(_), Some(last)) if lasts(last, Duration::ZERO) => Ok(last.clone()),
            (Err(error), _) => Err(error),
        }
    }

    fn fresh(&self) -> Option<Credentials> {
        let kept = self.kept();
        kept.credentials
            .clone()
            .filter(|credentials| lasts(credentials, BUFFER))
    }

    /// Takes note that a request was refused because its credentials have expired.
    fn refused(&self, request: &HttpRequest) {
        let mut kept = self.kept();
        if kept
            .credentials
            .as_ref()
            .is_some_and(|credentials| signed(request, credentials))
        {
            kept.refused = kept.credentials.take();
        }
    }

    /// Whether what the provider gives is what the server has refused already.
    fn has_no_others(&self, request: &HttpRequest) -> bool {
        let kept = self.kept();
        let current = kept.credentials.as_ref();
        current.is_some_and(|current| same(current, kept.refused.as_ref()))
            && current.is_some_and(|current| signed(request, current))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lasts(credentials: &Credentials, buffer: Duration) -> bool {
    credentials
        .expiry()
        .is_none_or(|expiry| expiry > SystemTime::now() + buffer)
}

fn same(one: &Credentials, other: Option<&Credentials>) -> bool {
    other.is_some_and(|other| {
        (one.access_key_id(), one.session_token()) == (other.access_key_id(), other.session_token())
    })
}

/// Whether the request carries the token of these credentials, or at least their id.
fn signed(request: &HttpRequest, credentials: &Credentials) -> bool {
    let headers = request.headers();
    let authorization = headers.get("authorization").unwrap_or_default();
    let id = format!("Credential={}/", credentials.access_key_id());
    authorization.contains(&id)
        && headers.get("x-amz-security-token") == credentials.session_token()
}

/// Whether an answer says that the credentials have expired.
fn says_expired(response: &HttpResponse) -> bool {
    let status = response.status();
    if !(status.is_client_error()) {
        return false;
    }
    let body = response.body().bytes().unwrap_or_default();
    let body = String::from_utf8_lossy(body);
    EXPIRED.iter().any(|expired| body.contains(expired))
}

impl ProvideCredentials for Renewal {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        match self.fresh() {
            Some(fresh) => future::ProvideCredentials::ready(Ok(fresh)),
            None => future::ProvideCredentials::new(self.current()),
        }
    }
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for Renewal {
    fn name(&self) -> &'static str {
        "Renewal"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let (Some(request), Some(response)) = (context.request(), context.response())
            && says_expired(response)
            && !self.has_no_others(request)
        {
            self.refused(request);
        }
        Ok(())
    }
}

impl ClassifyRetry for Renewal {
    fn name(&self) -> &'static str {
        "Renewal"
    }

    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }

    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        match (context.request(), context.response()) {
            (Some(request), Some(response))
                if says_expired(response) && !self.has_no_others(request) =>
            {
                RetryAction::retryable_error(ErrorKind::ServerError)
            }
            _ => RetryAction::NoActionIndicated,
        }
    }
}
