//! Answers, as S3 gives them.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, LAST_MODIFIED};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;

use crate::pattern::Stretch;

/// All objects are this old.
pub(crate) const MODIFIED: &str = "Thu, 01 Jan 2026 00:00:00 GMT";
/// The same as listings write it.
pub(crate) const MODIFIED_ISO: &str = "2026-01-01T00:00:00.000Z";
/// All objects have this entity tag, which is nobody's MD5.
pub(crate) const ENTITY_TAG: &str = "\"5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e\"";

/// A short text or a stretch of an object.
pub(crate) enum AnswerBody {
    Text(Full<Bytes>),
    Content(Stretch),
}

pub(crate) type Answer = Response<AnswerBody>;

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Text(text) => Pin::new(text).poll_frame(context),
            Self::Content(stretch) => Pin::new(stretch).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Text(text) => text.is_end_stream(),
            Self::Content(stretch) => stretch.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Text(text) => text.size_hint(),
            Self::Content(stretch) => stretch.size_hint(),
        }
    }
}

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(AnswerBody::Text(Full::default()));
    *answer.status_mut() = status;
    answer
}

/// A document.
pub(crate) fn document(status: StatusCode, text: String, media_type: &'static str) -> Answer {
    let mut answer = Response::new(AnswerBody::Text(Full::new(text.into())));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    answer
}

/// A document of S3's.
pub(crate) fn xml(text: String) -> Answer {
    let text = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{text}");
    document(StatusCode::OK, text, "application/xml")
}

/// An error; those to HEAD have no body.
pub(crate) fn error(status: StatusCode, code: &str, is_head: bool) -> Answer {
    if is_head {
        return empty(status);
    }
    let text = format!("<Error><Code>{code}</Code><Message>{code}</Message></Error>");
    document(status, text, "application/xml")
}

/// The headers that describe an object.
pub(crate) fn describe(headers: &mut HeaderMap, length: u64) {
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(ETAG, HeaderValue::from_static(ENTITY_TAG));
    headers.insert(LAST_MODIFIED, HeaderValue::from_static(MODIFIED));
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("binary/octet-stream"),
    );
    headers.insert("accept-ranges", HeaderValue::from_static("bytes"));
}

/// Repeats headers of the request that S3 repeats: SSE-C confirmations and the checksum.
pub(crate) fn confirm(request: &HeaderMap, answer: &mut HeaderMap) {
    const REPEATED: [HeaderName; 3] = [
        HeaderName::from_static("x-amz-server-side-encryption-customer-algorithm"),
        HeaderName::from_static("x-amz-server-side-encryption-customer-key-md5"),
        HeaderName::from_static("x-amz-checksum-crc64nvme"),
    ];
    for name in REPEATED {
        if let Some(value) = request.get(&name) {
            answer.insert(name, value.clone());
        }
    }
}
