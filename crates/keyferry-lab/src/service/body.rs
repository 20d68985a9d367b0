//! Bodies of PutObject and UploadPart: their size limit, and what their failures mean.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::Stream;
use http::{HeaderMap, StatusCode};
use s3s::dto::StreamingBlob;
use s3s::{S3Error, S3Result, s3_error};

use super::errors::custom;
use super::limits::MAX_UPLOAD;
use crate::server::exchange::Exchange;

type StdError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// Why a body could not be read to its end.
#[derive(Debug)]
pub(super) enum BodyError {
    /// More than a single upload may have (`S3-LIMIT-1`).
    TooLarge,
    /// Another length than was announced (`S3-SUM-7`).
    Length,
    /// The connection, the signature or the framing failed.
    Stream(StdError),
}

impl BodyError {
    /// S3's error.
    pub(super) fn to_s3(&self, exchange: &Exchange) -> S3Error {
        match self {
            Self::TooLarge => too_large(exchange, None),
            Self::Length => incomplete(),
            Self::Stream(error) => {
                // The types of these errors are private to s3s; their text is all there is.
                let text = error.to_string();
                if text.contains("Sha256Mismatch") {
                    custom(
                        "XAmzContentSHA256Mismatch",
                        StatusCode::BAD_REQUEST,
                        "The provided 'x-amz-content-sha256' header does not match what was computed.",
                    )
                } else if text.contains("SignatureMismatch") {
                    s3_error!(SignatureDoesNotMatch)
                } else if text.contains("FormatError") || text.contains("Trailer") {
                    custom(
                        "MalformedTrailerError",
                        StatusCode::BAD_REQUEST,
                        "The request contained trailing data that was not well-formed or did not conform to our published schema.",
                    )
                } else {
                    incomplete()
                }
            }
        }
    }
}

fn incomplete() -> S3Error {
    s3_error!(
        IncompleteBody,
        "You did not provide the number of bytes specified by the Content-Length HTTP header"
    )
}

fn too_large(exchange: &Exchange, proposed: Option<u64>) -> S3Error {
    if let Some(proposed) = proposed {
        exchange.error_field("ProposedSize", proposed.to_string());
    }
    exchange.error_field("MaxSizeAllowed", MAX_UPLOAD.to_string());
    s3_error!(
        EntityTooLarge,
        "Your proposed upload exceeds the maximum allowed size"
    )
}

/// A body that ends with an error once it is over the limit, or of another length than it
/// announced.
pub(super) struct UploadBody {
    inner: Option<StreamingBlob>,
    taken: u64,
    announced: Option<u64>,
}

impl UploadBody {
    /// Refuses at once what announces more than the limit.
    pub(super) fn new(
        exchange: &Exchange,
        body: Option<StreamingBlob>,
        content_length: Option<i64>,
        headers: &HeaderMap,
    ) -> S3Result<Self> {
        // Of an aws-chunked body this is the length of the data, without the framing.
        let decoded = headers
            .get("x-amz-decoded-content-length")
            .and_then(|value| value.to_str().ok()?.parse().ok());
        let announced =
            decoded.or_else(|| content_length.and_then(|length| u64::try_from(length).ok()));
        match announced {
            Some(length) if length > MAX_UPLOAD => Err(too_large(exchange, Some(length))),
            _ => Ok(Self {
                inner: body,
                taken: 0,
                announced,
            }),
        }
    }

    fn is_too_short(&self) -> bool {
        self.announced.is_some_and(|length| self.taken < length)
    }

    fn is_too_long(&self) -> bool {
        self.announced.is_some_and(|length| self.taken > length)
    }
}

impl Stream for UploadBody {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(inner) = &mut self.inner else {
            return Poll::Ready(None);
        };
        let next = std::task::ready!(Pin::new(inner).poll_next(cx));
        Poll::Ready(match next {
            None => {
                self.inner = None;
                self.is_too_short().then_some(Err(BodyError::Length))
            }
            Some(Err(error)) => Some(Err(BodyError::Stream(error))),
            Some(Ok(bytes)) => {
                self.taken += bytes.len() as u64;
                if self.taken > MAX_UPLOAD {
                    self.inner = None;
                    Some(Err(BodyError::TooLarge))
                } else if self.is_too_long() {
                    self.inner = None;
                    Some(Err(BodyError::Length))
                } else {
                    Some(Ok(bytes))
                }
            }
        })
    }
}
