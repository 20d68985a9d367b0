//! What happens before and after requests: others who write, answers that are lost, ends that come at
//! once.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_s3::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
    BeforeTransmitInterceptorContextRef,
};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::Metadata;

/// The operation that a request belongs to.
fn is_of(operation: &str, config: &ConfigBag) -> bool {
    config
        .load::<Metadata>()
        .is_some_and(|metadata| metadata.name() == operation)
}

/// Does something right before requests of an operation are sent.
pub(crate) struct Before {
    operation: &'static str,
    seen: AtomicUsize,
    /// Before which of them; before each, if it is 0.
    nth: usize,
    action: Box<dyn Fn() + Send + Sync>,
}

impl Before {
    pub(crate) fn nth<F>(
        operation: &'static str,
        nth: usize,
        action: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let handle = tokio::runtime::Handle::current();
        Self {
            operation,
            seen: AtomicUsize::new(0),
            nth,
            action: Box::new(move || {
                tokio::task::block_in_place(|| handle.block_on(action()));
            }),
        }
    }

    pub(crate) fn first<F>(
        operation: &'static str,
        action: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::nth(operation, 1, action)
    }

    pub(crate) fn each<F>(
        operation: &'static str,
        action: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::nth(operation, 0, action)
    }
}

impl fmt::Debug for Before {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Before")
    }
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for Before {
    fn name(&self) -> &'static str {
        "Before"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if is_of(self.operation, config) {
            let seen = self.seen.fetch_add(1, Ordering::SeqCst) + 1;
            if self.nth == 0 || self.nth == seen {
                (self.action)();
            }
        }
        Ok(())
    }
}

/// Dies when the nth answer of an operation has come.
#[derive(Debug)]
pub(crate) struct DieAfter(&'static str, AtomicUsize);

impl DieAfter {
    pub(crate) fn nth(operation: &'static str, nth: usize) -> Self {
        Self(operation, AtomicUsize::new(nth))
    }
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for DieAfter {
    fn name(&self) -> &'static str {
        "DieAfter"
    }

    fn read_before_deserialization(
        &self,
        _: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if is_of(self.0, config) && self.1.fetch_sub(1, Ordering::SeqCst) == 1 {
            panic!("killed");
        }
        Ok(())
    }
}

/// Loses the nth answer of an operation: the server has done what it was asked for.
#[derive(Debug)]
pub(crate) struct LoseAnswer(&'static str, AtomicUsize);

impl LoseAnswer {
    pub(crate) fn nth(operation: &'static str, nth: usize) -> Self {
        Self(operation, AtomicUsize::new(nth))
    }
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for LoseAnswer {
    fn name(&self) -> &'static str {
        "LoseAnswer"
    }

    fn read_before_deserialization(
        &self,
        _: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if is_of(self.0, config) && self.1.fetch_sub(1, Ordering::SeqCst) == 1 {
            return Err("the answer was lost".into());
        }
        Ok(())
    }
}

/// Keeps the nth request of an operation from being sent, as a connection does that cannot be made.
#[derive(Debug)]
pub(crate) struct Unsent(&'static str, AtomicUsize);

impl Unsent {
    pub(crate) fn nth(operation: &'static str, nth: usize) -> Self {
        Self(operation, AtomicUsize::new(nth))
    }
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for Unsent {
    fn name(&self) -> &'static str {
        "Unsent"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if is_of(self.0, config) && self.1.fetch_sub(1, Ordering::SeqCst) == 1 {
            return Err("there is no connection".into());
        }
        Ok(())
    }
}

/// Counts the requests of an operation.
#[derive(Debug, Clone)]
pub(crate) struct Count(&'static str, Arc<AtomicUsize>);

impl Count {
    pub(crate) fn of(operation: &'static str) -> Self {
        Self(operation, Arc::default())
    }

    pub(crate) fn seen(&self) -> usize {
        self.1.load(Ordering::SeqCst)
    }
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for Count {
    fn name(&self) -> &'static str {
        "Count"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if is_of(self.0, config) {
            self.1.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    }
}

/// Takes a header off every request, as a server does that does not know it.
#[derive(Debug)]
pub(crate) struct Without(pub(crate) &'static str);

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for Without {
    fn name(&self) -> &'static str {
        "Without"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        context.request_mut().headers_mut().remove(self.0);
        Ok(())
    }
}
