//! Credentials that the server does not accept, or not for long.

use jiff::Timestamp;
use keyferry_live::ServiceError;
use keyferry_policy::check::{Finding, Level, Preflight};
use keyferry_transfer::TransferError;

use super::{preflight, way};

/// Credentials with less time left than this may end before a transfer does.
const SOON_MINUTES: i64 = 30;

/// Credentials that end soon, or have ended.
pub(super) fn ending(end: Timestamp, now: Timestamp) -> Option<Finding> {
    let left = end.duration_since(now).as_mins();
    let (level, message) = match left {
        left if left <= 0 => (Level::Error, format!("the credentials expired at {end}")),
        left if left < SOON_MINUTES => (
            Level::Warning,
            format!("the credentials expire in {left} min, at {end}"),
        ),
        _ => return None,
    };
    Some(
        preflight(Preflight::CredentialsExpired, level, "credentials", message)
            .because("a transfer that takes longer breaks off, unless the profile gets new ones by itself")
            .fix("get new ones: `aws sso login`, or assume the role again"),
    )
}

/// Why nobody said whose credentials they are, and whether it is worth going on.
pub(super) fn unidentified(error: &ServiceError) -> (Finding, bool) {
    let finding = |rule, level, message: String| preflight(rule, level, "credentials", message);
    let why = "without accepted credentials S3 refuses everything";
    match error {
        ServiceError::Refused(refused) if refused.code.contains("Skew") => (
            finding(Preflight::ClockSkewed, Level::Error, error.to_string())
                .because(why)
                .fix("let the clock be set by NTP")
                .command("sudo timedatectl set-ntp true"),
            false,
        ),
        ServiceError::Refused(refused) if refused.rejects_credentials() => {
            let (rule, fix) = if refused.code.contains("Expired") {
                (
                    Preflight::CredentialsExpired,
                    "get new ones: `aws sso login`, or assume the role again",
                )
            } else {
                (
                    Preflight::CredentialsRefused,
                    "check the access key and the secret key: `aws configure list` says where they come from",
                )
            };
            let finding = finding(rule, Level::Error, error.to_string());
            (finding.because(why).fix(fix), false)
        }
        ServiceError::Refused(_) | ServiceError::Unreadable { .. } => (
            finding(
                Preflight::IdentityUnknown,
                Level::Note,
                format!("whose credentials these are cannot be asked: {error}"),
            )
            .because("this server has no STS, so roles and policies were not evaluated"),
            true,
        ),
        ServiceError::NoAnswer(answer) => {
            let rule = match answer.as_ref() {
                TransferError::NoCredentials { .. } => Preflight::CredentialsMissing,
                TransferError::ExpiredCredentials { .. } => Preflight::CredentialsExpired,
                TransferError::UntrustedCertificate { .. } => Preflight::CertificateUntrusted,
                _ => Preflight::EndpointUnreachable,
            };
            let finding = finding(rule, Level::Error, format!("STS does not answer: {answer}"));
            (
                finding
                    .because(
                        "whose credentials these are is asked of STS; nothing else was examined",
                    )
                    .fix(answer.hint().unwrap_or_default()),
                false,
            )
        }
        ServiceError::Connect(error) => (way::no_connection(error), false),
        error => (
            finding(
                Preflight::CredentialsRefused,
                Level::Error,
                error.to_string(),
            )
            .because(why),
            false,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_that_end_are_told() {
        let now: Timestamp = "2026-11-26T00:00:00Z".parse().unwrap();
        let level = |minutes: i64| {
            ending(now + jiff::SignedDuration::from_mins(minutes), now).map(|found| found.level)
        };
        assert_eq!(level(60), None);
        assert_eq!(level(29), Some(Level::Warning));
        assert_eq!(level(-1), Some(Level::Error));
    }
}
