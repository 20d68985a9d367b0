//! Requests that must be refused: without the customer key, and with another one.
//!
//! Some servers store plaintext and answer as if it were encrypted; one gives its "SSE-C" replica to
//! anyone. So both sides are asked by HEAD and by GET of one byte, without a key and with a key made
//! for this and thrown away. S3 answers 400 and 403; other servers mix the two up. Any other answer
//! shows nothing (S3-VERIFY-5, S3-XFER-4).
//!
//! AWS: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html>

use futures::future::join_all;
use keyferry_key::{CustomerKeyHeaders, GenerateError};
use serde::Serialize;

use crate::Refusal;
use crate::access::ObjectAccess;
use crate::answer::Trouble;
use crate::report::Side;

/// One request that must be refused, and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Probe {
    /// The side that was asked.
    pub side: Side,
    /// The request.
    pub request: ProbeRequest,
    /// The key that was shown.
    pub presented: Presented,
    /// The answer.
    pub answer: ProbeAnswer,
}

impl Probe {
    /// The refusal, if it was refused as it must be.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match &self.answer {
            ProbeAnswer::Refused(refusal) => Some(refusal),
            ProbeAnswer::Answered | ProbeAnswer::Unclear(_) => None,
        }
    }
}

/// The request of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ProbeRequest {
    /// HEAD.
    Head,
    /// GET of the first byte.
    Get,
}

/// The key that a probe shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Presented {
    /// None.
    NoKey,
    /// A key that was made for the probe.
    ThrowAwayKey,
}

/// What came of a probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "detail", rename_all = "kebab-case")]
pub enum ProbeAnswer {
    /// Refused, as it must be.
    Refused(Refusal),
    /// Answered: on this side the object is not protected by its key.
    Answered,
    /// Something else, which shows nothing.
    Unclear(String),
}

/// Asks one side in all four ways.
pub(crate) async fn all(
    access: &ObjectAccess,
    side: Side,
    size: u64,
) -> Result<Vec<Probe>, GenerateError> {
    let throw_away = keyferry_key::CustomerKey::generate()?.headers();
    let ways = [
        (ProbeRequest::Head, Presented::NoKey),
        (ProbeRequest::Head, Presented::ThrowAwayKey),
        (ProbeRequest::Get, Presented::NoKey),
        (ProbeRequest::Get, Presented::ThrowAwayKey),
    ];
    let throw_away = &throw_away;
    let probes = ways.map(|(request, presented)| async move {
        let key = match presented {
            Presented::NoKey => None,
            Presented::ThrowAwayKey => Some(throw_away),
        };
        Probe {
            side,
            request,
            presented,
            answer: ask(access, request, key, size).await,
        }
    });
    Ok(join_all(probes).await)
}

async fn ask(
    access: &ObjectAccess,
    request: ProbeRequest,
    key: Option<&CustomerKeyHeaders>,
    size: u64,
) -> ProbeAnswer {
    // An empty object has no first byte, and a range on it is an error of its own.
    let range = (size > 0).then(|| "bytes=0-0".to_owned());
    let answer = match request {
        ProbeRequest::Head => access.head(key).await.map(drop),
        ProbeRequest::Get => access.get(key, range, None).await.map(drop),
    };
    match answer {
        Ok(()) => ProbeAnswer::Answered,
        Err(Trouble::Refused(refusal)) if matches!(refusal.status, 400 | 403) => {
            ProbeAnswer::Refused(refusal)
        }
        Err(Trouble::Refused(refusal)) => ProbeAnswer::Unclear(refusal.to_string()),
        Err(Trouble::Unreachable(detail)) => ProbeAnswer::Unclear(detail),
    }
}

/// Whether any probe was answered.
pub(crate) fn any_answered(probes: &[Probe]) -> bool {
    probes
        .iter()
        .any(|probe| probe.answer == ProbeAnswer::Answered)
}

/// Whether any probe showed nothing.
pub(crate) fn any_unclear(probes: &[Probe]) -> bool {
    probes
        .iter()
        .any(|probe| matches!(probe.answer, ProbeAnswer::Unclear(_)))
}
