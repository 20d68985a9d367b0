//! The form of S3's answers: ids on every response, errors as S3 writes them, bare ETags where
//! S3 has them (`S3-HTTP-1`, `S3-HTTP-2`, `S3-ATTR-2`).
//!
//! `s3s` writes errors with code and message only. S3 adds what the error is about, such as
//! `Key` or `Region`, then `RequestId` and `HostId`; some clients act on those.

use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, SERVER};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use quick_xml::escape::escape;
use s3s::{Body, HttpResponse};
use serde::Deserialize;

use super::exchange::Exchange;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");
const HOST_ID: HeaderName = HeaderName::from_static("x-amz-id-2");

#[derive(Deserialize)]
struct WrittenError {
    #[serde(rename = "Code")]
    code: String,
    #[serde(rename = "Message", default)]
    message: Option<String>,
}

/// Puts ids on a response and rewrites an error into S3's form. Gives back the error code.
pub(crate) fn finish(
    response: &mut HttpResponse,
    method: &Method,
    exchange: &Exchange,
) -> Option<String> {
    let headers = response.headers_mut();
    for (name, id) in [
        (REQUEST_ID, exchange.request_id()),
        (HOST_ID, exchange.host_id()),
    ] {
        if let Ok(value) = HeaderValue::from_str(id) {
            headers.insert(name, value);
        }
    }
    headers.insert(SERVER, HeaderValue::from_static("AmazonS3"));

    if method == Method::HEAD && response.headers().contains_key(CONTENT_RANGE) {
        // As GET (`S3-GET-6`); s3s has no status for HEAD but 200.
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    let status = response.status();
    if status.is_success() {
        if exchange.wants_accepted() {
            // s3s has no status for RestoreObject but 200 (`S3-CLASS-3`).
            *response.status_mut() = StatusCode::ACCEPTED;
        }
        if exchange.wants_bare_etag() {
            remove_etag_quotes(response);
        }
        return None;
    }
    let written = response
        .body()
        .bytes()
        .and_then(|body| quick_xml::de::from_reader::<_, WrittenError>(&*body).ok());
    let written = match written {
        Some(error) if exchange.hides_absence() && tells_absence(&error.code) => {
            // Before anything is said of what is not there (`S3-ACCESS-4`).
            *response.status_mut() = StatusCode::FORBIDDEN;
            for header in ["x-amz-delete-marker", "x-amz-version-id"] {
                response.headers_mut().remove(header);
            }
            drop(exchange.take_error_fields());
            Some(WrittenError {
                code: "AccessDenied".to_owned(),
                message: None,
            })
        }
        written => written,
    };
    let code = written.as_ref().map(|error| error.code.clone());
    // HEAD and 304 have no body (`S3-HTTP-3`).
    if method == Method::HEAD || status == StatusCode::NOT_MODIFIED {
        response.headers_mut().remove(CONTENT_LENGTH);
        if status == StatusCode::NOT_MODIFIED {
            response.headers_mut().remove(CONTENT_TYPE);
        }
        *response.body_mut() = Body::empty();
    } else if let Some(error) = written {
        let xml = write(&error, exchange);
        response.headers_mut().remove(CONTENT_LENGTH);
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        *response.body_mut() = Body::from(xml);
    }
    code
}

fn tells_absence(code: &str) -> bool {
    matches!(code, "NoSuchKey" | "NoSuchVersion")
}

/// `s3s` quotes every ETag; GetObjectAttributes has it bare (`S3-ATTR-2`).
fn remove_etag_quotes(response: &mut HttpResponse) {
    let Some(body) = response.body().bytes() else {
        return;
    };
    let Ok(xml) = std::str::from_utf8(&body) else {
        return;
    };
    let xml = xml
        .replacen("<ETag>\"", "<ETag>", 1)
        .replacen("\"</ETag>", "</ETag>", 1);
    response.headers_mut().remove(CONTENT_LENGTH);
    *response.body_mut() = Body::from(xml);
}

fn write(error: &WrittenError, exchange: &Exchange) -> String {
    use std::fmt::Write as _;

    let message = s3_message(&error.code, error.message.as_deref());
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
    let mut element = |name: &str, value: &str| {
        // Writing to a String cannot fail.
        let _infallible = write!(xml, "<{name}>{}</{name}>", escape(value));
    };
    element("Code", &error.code);
    element("Message", message);
    for (name, value) in exchange.take_error_fields() {
        element(name, &value);
    }
    element("RequestId", exchange.request_id());
    element("HostId", exchange.host_id());
    xml.push_str("</Error>");
    xml
}

/// S3's words for errors that `s3s` raises itself, with none or with its own.
fn s3_message<'a>(code: &str, message: Option<&'a str>) -> &'a str {
    match (code, message) {
        ("SignatureDoesNotMatch", _) => {
            "The request signature we calculated does not match the signature you provided. Check your key and signing method."
        }
        ("RequestTimeTooSkewed", _) => {
            "The difference between the request time and the current time is too large."
        }
        ("AccessDenied", None | Some("Signature is required")) => "Access Denied",
        (_, Some(message)) => message,
        ("IncompleteBody", None) => {
            "You did not provide the number of bytes specified by the Content-Length HTTP header"
        }
        ("InternalError", None) => "We encountered an internal error. Please try again.",
        ("InvalidBucketName", None) => "The specified bucket is not valid.",
        ("InvalidURI", None) => "Couldn't parse the specified URI.",
        ("KeyTooLongError", None) => "Your key is too long",
        ("MalformedXML", None) => {
            "The XML you provided was not well-formed or did not validate against our published schema"
        }
        ("MaxMessageLengthExceeded", None) => "Your request was too big.",
        ("MethodNotAllowed", None) => "The specified method is not allowed against this resource.",
        ("MissingContentLength", None) => "You must provide the Content-Length HTTP header.",
        ("NotImplemented", None) => {
            "A header you provided implies functionality that is not implemented"
        }
        (_, None) => "The request was refused.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::exchange::Transport;
    use s3s::{S3Error, S3ErrorCode};

    fn error_response() -> HttpResponse {
        S3Error::with_message(
            S3ErrorCode::NoSuchKey,
            "The specified key <does> not exist.",
        )
        .to_http_response()
        .unwrap()
    }

    #[test]
    fn errors_take_the_form_of_s3() {
        let exchange = Exchange::new(Transport::Tls);
        exchange.error_field("Key", "a & b");
        let mut response = error_response();
        let code = finish(&mut response, &Method::GET, &exchange);
        assert_eq!(code.as_deref(), Some("NoSuchKey"));
        assert_eq!(
            response.headers().get("x-amz-request-id").unwrap(),
            exchange.request_id()
        );
        let body = String::from_utf8(response.body().bytes().unwrap().to_vec()).unwrap();
        assert_eq!(
            body,
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code>\
                 <Message>The specified key &lt;does&gt; not exist.</Message><Key>a &amp; b</Key>\
                 <RequestId>{}</RequestId><HostId>{}</HostId></Error>",
                exchange.request_id(),
                exchange.host_id()
            )
        );
    }

    #[test]
    fn head_has_no_body() {
        let mut response = error_response();
        finish(&mut response, &Method::HEAD, &Exchange::new(Transport::Tls));
        assert_eq!(response.body().bytes().map_or(0, |body| body.len()), 0);
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
    }
}
