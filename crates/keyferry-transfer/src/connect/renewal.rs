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
use aws_sdk_s3::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeDeserializationInterceptorContextMut,
    BeforeTransmitInterceptorContextRef, InterceptorContext,
};
use aws_sdk_s3::config::retry::{ClassifyRetry, RetryAction};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::retries::classifiers::RetryClassifierPriority;
use aws_smithy_types::config_bag::{Storable, StoreReplace};
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
    fn refused(&self, signed: &SignedWith) {
        let mut kept = self.kept();
        if kept.credentials.as_ref().is_some_and(|own| signed.is(own)) {
            kept.refused = kept.credentials.take();
        }
    }

    /// Whether what the provider gives is what the server has refused already.
    fn has_no_others(&self, signed: &SignedWith) -> bool {
        let kept = self.kept();
        let is_current = kept.credentials.as_ref().is_some_and(|own| signed.is(own));
        is_current && kept.refused.as_ref().is_some_and(|own| signed.is(own))
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

/// Id of the access key that a request was signed with. Each session has its own. It is found on the
/// way out and goes with the answer, where the request is no longer at hand.
#[derive(Debug, Clone)]
struct SignedWith(String);

impl Storable for SignedWith {
    type Storer = StoreReplace<Self>;
}

impl SignedWith {
    fn of(request: &HttpRequest) -> Option<Self> {
        let authorization = request.headers().get("authorization")?;
        let (_, rest) = authorization.split_once("Credential=")?;
        let (id, _) = rest.split_once('/')?;
        Some(Self(id.to_owned()))
    }

    fn is(&self, credentials: &Credentials) -> bool {
        self.0 == credentials.access_key_id()
    }
}

/// Whether an answer says that the credentials have expired.
fn says_expired(response: &HttpResponse) -> bool {
    let status = response.status();
    if !status.is_client_error() {
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

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(signed) = SignedWith::of(context.request()) {
            config.interceptor_state().store_put(signed);
        }
        Ok(())
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if context.response().status().is_client_error()
            && let Some(signed) = config.load::<SignedWith>()
        {
            context.response_mut().add_extension(signed.clone());
        }
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        if says_expired(response)
            && let Some(signed) = response.extension::<SignedWith>()
            && !self.has_no_others(signed)
        {
            self.refused(signed);
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
        let Some(response) = context.response() else {
            return RetryAction::NoActionIndicated;
        };
        match response.extension::<SignedWith>() {
            Some(signed) if says_expired(response) && !self.has_no_others(signed) => {
                RetryAction::retryable_error(ErrorKind::ServerError)
            }
            _ => RetryAction::NoActionIndicated,
        }
    }
}
