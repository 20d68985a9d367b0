//! Connections that fail: which server it was, and whether to try again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_s3::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
    FinalizerInterceptorContextMut, InterceptorContext,
};
use aws_sdk_s3::config::retry::{ClassifyRetry, RetryAction};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::{BoxError, ConnectorError};
use aws_smithy_runtime_api::client::orchestrator::OrchestratorError;
use aws_smithy_runtime_api::client::retries::classifiers::RetryClassifierPriority;
use aws_smithy_types::config_bag::{Storable, StoreReplace};
use http::Uri;

use crate::error::{ConnectionFailure, refused, untrusted};

/// Puts a `ConnectionFailure` that names the server in the place of the SDK's error, which does not
/// know it, when all attempts have failed.
#[derive(Debug)]
pub struct NameEndpoint;

/// Scheme, host and port of the last attempt.
#[derive(Debug)]
struct Endpoint(String);

impl Storable for Endpoint {
    type Storer = StoreReplace<Self>;
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for NameEndpoint {
    fn name(&self) -> &'static str {
        "NameEndpoint"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let uri: Uri = context.request().uri().parse()?;
        if let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) {
            let endpoint = Endpoint(format!("{scheme}://{authority}"));
            config.interceptor_state().store_put(endpoint);
        }
        Ok(())
    }

    fn modify_before_completion(
        &self,
        context: &mut FinalizerInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(Err(error)) = context.output_or_error_mut() else {
            return Ok(());
        };
        let endpoint = config
            .load::<Endpoint>()
            .map(|Endpoint(text)| text.to_owned());
        if error.is_timeout_error() {
            let failure = ConnectionFailure::of(error, true, endpoint);
            *error = OrchestratorError::timeout(failure.into());
        } else if let Some(connector) = error.as_connector_error() {
            let failure = ConnectionFailure::of(connector, false, endpoint);
            *error = OrchestratorError::connector(ConnectorError::io(failure.into()));
        }
        Ok(())
    }
}

/// A certificate that is not trusted will not be trusted a second later.
#[derive(Debug)]
pub struct UntrustedIsFinal;

impl ClassifyRetry for UntrustedIsFinal {
    fn name(&self) -> &'static str {
        "UntrustedIsFinal"
    }

    /// Behind the SDK's own, for which all failed connections are transient.
    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }

    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let connector = match context.output_or_error() {
            Some(Err(error)) => error.as_connector_error(),
            _ => None,
        };
        match connector.and_then(|error| untrusted(error)) {
            Some(_) => RetryAction::RetryForbidden,
            None => RetryAction::NoActionIndicated,
        }
    }
}

/// Where nobody has ever answered and nobody listens, the address is wrong: that is told at once. A server
/// that has answered is awaited, since it may be starting again.
#[derive(Debug, Clone, Default)]
pub(super) struct FirstContact {
    answered: Arc<AtomicBool>,
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for FirstContact {
    fn name(&self) -> &'static str {
        "FirstContact"
    }

    fn read_before_deserialization(
        &self,
        _: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.answered.store(true, Ordering::Relaxed);
        Ok(())
    }
}

impl ClassifyRetry for FirstContact {
    fn name(&self) -> &'static str {
        "FirstContact"
    }

    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }

    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let connector = match context.output_or_error() {
            Some(Err(error)) => error.as_connector_error(),
            _ => None,
        };
        match connector {
            Some(error) if refused(error) && !self.answered.load(Ordering::Relaxed) => {
                RetryAction::RetryForbidden
            }
            _ => RetryAction::NoActionIndicated,
        }
    }
}
