//! Whether to try again, and when.
//!
//! The SDK's own retries are switched off for the requests that move content: they would hold a place
//! in the pace while they wait, they know nothing of damaged or stalled bodies, and they run out of a
//! quota that all requests of the process share.

use aws_sdk_s3::config::StalledStreamProtectionConfig;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::{Client, Config};

use super::backoff::delay;
use crate::TransferError;

/// How often bytes that arrived damaged are sent again.
const MOST_DAMAGED: u32 = 3;
/// A body that brings nothing is asked for so often at least.
const LEAST_OF_BODY: u32 = 6;
/// Being told to slow down is no sign of a fault, so it takes longer until that is given up.
const PATIENCE_WITH_THROTTLING: u32 = 3;

/// What a request that moves content is configured with: transfers try again and look for stalls
/// themselves. Not a client of its own, which would save hardly anything: it would have to find out
/// for itself how far this machine's clock is off.
pub(crate) fn once() -> aws_sdk_s3::config::Builder {
    Config::builder()
        .retry_config(RetryConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
}

/// The failures of one part, range or object so far.
#[derive(Debug)]
pub(crate) struct Retries {
    /// Attempts in all.
    most: u32,
    failures: u32,
    throttled: u32,
    damaged: u32,
    expired: u32,
    skewed: u32,
    total: u32,
}

impl Retries {
    /// As many attempts as the client's settings allow.
    pub(crate) fn of_request(client: &Client) -> Self {
        let retries = client.config().retry_config();
        Self {
            most: retries.map_or(1, |retries| retries.max_attempts()),
            failures: 0,
            throttled: 0,
            damaged: 0,
            expired: 0,
            skewed: 0,
            total: 0,
        }
    }

    /// For bodies that are continued where they broke off.
    pub(crate) fn of_body(client: &Client) -> Self {
        let request = Self::of_request(client);
        Self {
            most: request.most.max(LEAST_OF_BODY),
            ..request
        }
    }

    /// Something arrived: what failed before it does not count any more.
    pub(crate) fn progressed(&mut self) {
        self.failures = 0;
        self.throttled = 0;
    }

    /// Whether anything was tried more than once.
    pub(crate) fn any(&self) -> bool {
        self.total > 0
    }

    /// Waits until another attempt is due.
    ///
    /// # Errors
    /// The error itself, where another attempt is of no use or was made often enough.
    pub(crate) async fn after(&mut self, error: TransferError) -> Result<(), TransferError> {
        let Some(failures) = self.count(&error) else {
            return Err(error);
        };
        self.total += 1;
        tracing::debug!(failures, %error, "trying again");
        tokio::time::sleep(delay(failures)).await;
        Ok(())
    }

    /// How often this has happened by now; `None` when that is enough.
    fn count(&mut self, error: &TransferError) -> Option<u32> {
        let (count, most) = match error {
            TransferError::Throttled { .. } => (
                &mut self.throttled,
                self.most.saturating_mul(PATIENCE_WITH_THROTTLING),
            ),
            TransferError::DamagedOnTheWay { .. } | TransferError::ChecksumMismatch { .. } => {
                (&mut self.damaged, MOST_DAMAGED)
            }
            // The connector fetches others when it sees this answer.
            TransferError::ExpiredCredentials { answer: Some(_) } => (&mut self.expired, 2),
            // The SDK learns the server's time from the refusal.
            TransferError::ClockSkewed { .. } => (&mut self.skewed, 2),
            error if is_passing(error) => (&mut self.failures, self.most),
            _ => return None,
        };
        *count += 1;
        (*count < most).then_some(*count)
    }
}

/// True when the same request may well succeed a moment later.
fn is_passing(error: &TransferError) -> bool {
    match error {
        TransferError::ConnectionLost { .. }
        | TransferError::ConnectionRefused { .. }
        | TransferError::HostNotFound { .. }
        | TransferError::TimedOut { .. }
        | TransferError::UnexpectedAnswer { .. } => true,
        TransferError::Service { answer, .. } => {
            answer.status >= 500
                || matches!(
                    answer.code.as_deref(),
                    Some("IncompleteBody" | "OperationAborted" | "ConditionalRequestConflict")
                )
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ServiceAnswer;

    fn answer(status: u16, code: &str) -> Box<ServiceAnswer> {
        Box::new(ServiceAnswer {
            status,
            code: Some(code.to_owned()),
            message: None,
            request_id: None,
        })
    }

    fn retries(most: u32) -> Retries {
        Retries {
            most,
            failures: 0,
            throttled: 0,
            damaged: 0,
            expired: 0,
            skewed: 0,
            total: 0,
        }
    }

    /// How many attempts are made in all where each ends in this.
    fn attempts(most: u32, error: impl Fn() -> TransferError) -> u32 {
        let mut retries = retries(most);
        let mut attempts = 1;
        while retries.count(&error()).is_some() {
            attempts += 1;
        }
        attempts
    }

    #[test]
    fn what_may_pass_is_tried_again_and_nothing_for_ever() {
        let lost = || TransferError::ConnectionLost {
            endpoint: None,
            reason: String::new(),
        };
        let service = |status, code| TransferError::Service {
            operation: "UploadPart",
            answer: answer(status, code),
        };
        assert_eq!(attempts(5, lost), 5);
        assert_eq!(attempts(5, || service(500, "InternalError")), 5);
        assert_eq!(attempts(5, || service(400, "IncompleteBody")), 5);
        assert_eq!(attempts(5, || service(400, "InvalidRequest")), 1);
        let throttled = || TransferError::Throttled {
            answer: answer(503, "SlowDown"),
        };
        assert_eq!(attempts(5, throttled), 15);
        let damaged = || TransferError::DamagedOnTheWay {
            answer: answer(400, "BadDigest"),
        };
        assert_eq!(attempts(5, damaged), 3);
        let expired = || TransferError::ExpiredCredentials {
            answer: Some(answer(400, "ExpiredToken")),
        };
        assert_eq!(attempts(5, expired), 2);
        assert_eq!(
            attempts(5, || TransferError::ExpiredCredentials { answer: None }),
            1
        );
        assert_eq!(attempts(5, || TransferError::Interrupted), 1);
        let denied = || TransferError::AccessDenied {
            target: String::new(),
            answer: answer(403, "AccessDenied"),
        };
        assert_eq!(attempts(5, denied), 1);
    }

    #[test]
    fn progress_makes_earlier_failures_forgotten() {
        let mut retries = retries(2);
        for _ in 0..10 {
            let lost = TransferError::ConnectionLost {
                endpoint: None,
                reason: String::new(),
            };
            assert_eq!(retries.count(&lost), Some(1));
            retries.progressed();
        }
    }
}
