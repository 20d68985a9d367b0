//! Why no answer came: DNS, TCP, TLS, time.
//!
//! The SDK's errors have the cause deep in their chain, and do not say which server was asked.

use std::error::Error;
use std::{fmt, io, iter};

use aws_smithy_runtime_api::client::result::ConnectorError;

use super::TransferError;

/// A server that could not be reached, or did not answer.
#[derive(Debug)]
pub(crate) struct ConnectionFailure {
    /// Scheme, host and port, where they are known.
    endpoint: Option<String>,
    why: Why,
    reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    Untrusted,
    Refused,
    HostNotFound,
    TimedOut,
    Lost,
}

impl ConnectionFailure {
    /// What a chain of errors says. `timed_out` where the caller knows that time ran out.
    pub(crate) fn of(
        error: &(dyn Error + 'static),
        timed_out: bool,
        endpoint: Option<String>,
    ) -> Self {
        let (why, reason) = match untrusted(error) {
            Some(why) => (Why::Untrusted, why.to_string()),
            None => (cause(error, timed_out), innermost(error)),
        };
        Self {
            endpoint,
            why,
            reason,
        }
    }
}

impl From<&ConnectionFailure> for TransferError {
    fn from(failure: &ConnectionFailure) -> Self {
        let (endpoint, reason) = (failure.endpoint.clone(), failure.reason.clone());
        match failure.why {
            Why::Untrusted => Self::UntrustedCertificate { endpoint, reason },
            Why::Refused => Self::ConnectionRefused { endpoint, reason },
            Why::HostNotFound => Self::HostNotFound { endpoint, reason },
            Why::TimedOut => Self::TimedOut { endpoint, reason },
            Why::Lost => Self::ConnectionLost { endpoint, reason },
        }
    }
}

impl fmt::Display for ConnectionFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        TransferError::from(self).fmt(formatter)
    }
}

impl Error for ConnectionFailure {}

/// What is wrong with the server's certificate, if that is what the chain is about.
pub(crate) fn untrusted<'a>(
    error: &'a (dyn Error + 'static),
) -> Option<&'a rustls::CertificateError> {
    links(error).find_map(|link| match link.downcast_ref() {
        Some(rustls::Error::InvalidCertificate(why)) => Some(why),
        _ => None,
    })
}

/// Whether nobody listens at the address.
pub(crate) fn refused(error: &(dyn Error + 'static)) -> bool {
    cause(error, false) == Why::Refused
}

fn cause(error: &(dyn Error + 'static), mut timed_out: bool) -> Why {
    let mut not_found = false;
    for link in links(error) {
        if let Some(failed) = link.downcast_ref::<io::Error>() {
            if failed.kind() == io::ErrorKind::ConnectionRefused {
                return Why::Refused;
            }
            timed_out |= failed.kind() == io::ErrorKind::TimedOut;
        }
        if let Some(failed) = link.downcast_ref::<ConnectorError>() {
            timed_out |= failed.is_timeout();
        }
        // hyper-util keeps the type of this error private.
        not_found |= link.to_string().contains("dns error");
    }
    if not_found {
        Why::HostNotFound
    } else if timed_out {
        Why::TimedOut
    } else {
        Why::Lost
    }
}

/// An error and its sources, outermost first. An `io::Error` made from another error hides that one
/// from `source`.
pub(crate) fn links<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    iter::successors(Some(error), |&link: &&'a (dyn Error + 'static)| match link
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        Some(inner) => Some(inner as &(dyn Error + 'static)),
        None => link.source(),
    })
}

/// The innermost text says what happened; the outer ones only say who noticed.
pub(crate) fn innermost(error: &(dyn Error + 'static)) -> String {
    links(error)
        .last()
        .map_or_else(String::new, ToString::to_string)
}
