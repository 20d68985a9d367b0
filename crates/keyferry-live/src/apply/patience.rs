//! What AWS refuses only because it has not heard of something made a moment ago.
//!
//! IAM tells other services of new roles within seconds:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html#troubleshoot_general_eventual-consistency>.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::service_error::{Refused, ServiceError};

/// How often something is tried again, and after which pauses: about a minute in all.
const PAUSES: [u64; 9] = [1, 1, 2, 3, 5, 8, 12, 14, 14];

/// Pauses between attempts.
#[derive(Debug, Default)]
pub(super) struct Patience {
    used: usize,
}

impl Patience {
    /// Waits for the next attempt. False when there is none left, or at once when cancelled.
    pub(super) async fn wait(&mut self, cancel: &CancellationToken) -> bool {
        let Some(&seconds) = PAUSES.get(self.used) else {
            return false;
        };
        self.used += 1;
        tokio::select! {
            () = cancel.cancelled() => false,
            () = tokio::time::sleep(Duration::from_secs(seconds)) => true,
        }
    }
}

/// Whether this may be accepted a moment later.
pub(super) fn is_about_time(error: &ServiceError) -> bool {
    error.refused().is_some_and(may_pass)
}

fn may_pass(refused: &Refused) -> bool {
    let message = refused
        .message
        .as_deref()
        .unwrap_or_default()
        .to_lowercase();
    match refused.code.as_str() {
        // A principal that was just made is unknown.
        "MalformedPolicy" | "MalformedPolicyDocument" | "MalformedPolicyDocumentException" => {
            message.contains("principal")
        }
        // Replication asks for versioning that was just switched on.
        "InvalidRequest" => message.contains("versioning"),
        // Made in the same run, or changed by somebody at this moment.
        "NoSuchBucket"
        | "NoSuchEntity"
        | "OperationAborted"
        | "ConcurrentModification"
        | "ConcurrentModificationException"
        | "EntityTemporarilyUnmodifiable"
        | "UnmodifiableEntity" => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str, message: &str) -> ServiceError {
        ServiceError::Refused(Box::new(Refused {
            operation: "s3:PutBucketPolicy",
            subject: "osaka".to_owned(),
            status: 400,
            code: code.to_owned(),
            message: Some(message.to_owned()),
        }))
    }

    #[test]
    fn only_what_time_heals_is_tried_again() {
        for (code, message, heals) in [
            ("MalformedPolicy", "Invalid principal in policy", true),
            ("MalformedPolicy", "Policy has invalid action", false),
            (
                "InvalidRequest",
                "Versioning must be 'Enabled' on the bucket",
                true,
            ),
            ("AccessDenied", "Access Denied", false),
            ("NoSuchBucket", "", true),
        ] {
            assert_eq!(is_about_time(&refused(code, message)), heals, "{code}");
        }
    }

    #[tokio::test]
    async fn patience_ends() {
        let cancel = CancellationToken::new();
        assert_eq!(PAUSES.iter().sum::<u64>(), 60);
        let mut patience = Patience { used: PAUSES.len() };
        assert!(!patience.wait(&cancel).await);
        cancel.cancel();
        assert!(!Patience::default().wait(&cancel).await);
    }
}
