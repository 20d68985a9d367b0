//! Requests that carry content: within the pace, watched, tried once.

use std::error::Error;
use std::time::Duration;

use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use tokio::time::Instant;

use super::Sending;
use super::meter::PartMeter;
use crate::TransferError;
use crate::engine::{self, Permit};
use crate::error::{Asked, classify};

/// How fast bytes leave that were handed to the operating system and its network, at least.
const SLOWEST: u64 = 32 << 10;
/// How many bytes may be on their way like that.
const ON_THE_WAY: u64 = 4 << 20;
/// For the answer to a body, where the client has no limit.
const PATIENCE: Duration = Duration::from_secs(60);

/// For one attempt, however long its answer takes: [`Sending::watched`] looks for that.
pub(super) fn once() -> aws_sdk_s3::config::Builder {
    let timeouts = TimeoutConfig::builder().disable_operation_attempt_timeout();
    engine::once().timeout_config(timeouts.build())
}

impl Sending<'_> {
    /// What a request with so many bytes counts in the pace.
    pub(super) fn cost(&self, bytes: u64) -> u32 {
        self.engine.cost(bytes, self.concurrency)
    }

    /// One attempt at a request whose body counts its bytes in `meter`.
    pub(super) async fn watched<O, E>(
        &self,
        operation: &'static str,
        permit: Permit,
        bytes: u64,
        meter: &PartMeter,
        request: impl Future<Output = Result<O, SdkError<E, HttpResponse>>>,
    ) -> Result<O, TransferError>
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let began = Instant::now();
        let watch = self.engine.watch();
        let answer = tokio::select! {
            biased;
            answer = request => answer.map_err(|error| {
                classify(error, &Asked::of_object(operation, self.client, self.destination))
            }),
            unsent = watch.over_sending(bytes, self.answer_patience(bytes), || meter.sent()) => {
                Err(TransferError::TimedOut {
                    endpoint: None,
                    reason: unsent.to_string(),
                })
            }
        };
        match &answer {
            Ok(_) => {
                permit.succeeded();
                self.engine.hedging().took(bytes, began.elapsed());
            }
            Err(error) => permit.failed(error),
        }
        answer
    }

    /// How long the answer may take when all bytes have left.
    fn answer_patience(&self, bytes: u64) -> Duration {
        let timeouts = self.client.config().timeout_config();
        let asked = timeouts.and_then(|timeouts| timeouts.operation_attempt_timeout());
        asked.unwrap_or(PATIENCE) + Duration::from_secs(bytes.min(ON_THE_WAY) / SLOWEST)
    }
}
