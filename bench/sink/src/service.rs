//! What is asked, and what is answered.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use http::header::{CONTENT_RANGE, ETAG, RANGE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;

use crate::answer::{
    Answer, AnswerBody, ENTITY_TAG, confirm, describe, document, empty, error, xml,
};
use crate::catalog::Catalog;
use crate::listing::listing;
use crate::pattern::{Stretch, crc64_nvme};
use crate::uploads::{Part, Uploads};

/// Everything that requests share.
#[derive(Default)]
pub(crate) struct Service {
    catalog: Catalog,
    uploads: Uploads,
    pub(crate) counts: Counts,
}

/// How much was asked, for whoever wants to know: `GET /-/counts`.
#[derive(Default)]
pub(crate) struct Counts(Mutex<BTreeMap<&'static str, u64>>);

impl Counts {
    pub(crate) fn connection(&self) {
        self.add("connections", 1);
    }

    fn add(&self, what: &'static str, more: u64) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(what).or_default() += more;
    }

    fn answer(&self) -> Answer {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = serde_json::json!(*counts).to_string();
        document(StatusCode::OK, text, "application/json")
    }
}

/// A request's target and parameters.
struct Asked {
    bucket: String,
    key: String,
    parameters: HashMap<String, String>,
}

impl Asked {
    fn of<B>(request: &Request<B>) -> Self {
        let path = request.uri().path().trim_start_matches('/');
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let query = request.uri().query().unwrap_or_default();
        Self {
            bucket: bucket.to_owned(),
            key: percent_decode_str(key).decode_utf8_lossy().into_owned(),
            parameters: form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        }
    }

    fn has(&self, parameter: &str) -> bool {
        self.parameters.contains_key(parameter)
    }
}

impl Service {
    pub(crate) async fn answer(&self, request: Request<Incoming>) -> Result<Answer, Infallible> {
        if request.uri().path() == "/-/counts" {
            return Ok(self.counts.answer());
        }
        let asked = Asked::of(&request);
        let (parts, body) = request.into_parts();
        let received = discard(body).await;
        let mut answer = match asked.key.is_empty() {
            true => self.of_bucket(&parts.method, &asked),
            false => self.of_object(&parts.method, &asked, &parts.headers, received),
        };
        confirm(&parts.headers, answer.headers_mut());
        let headers = answer.headers_mut();
        headers.insert("x-amz-request-id", HeaderValue::from_static("bench"));
        Ok(answer)
    }

    fn of_bucket(&self, method: &Method, asked: &Asked) -> Answer {
        self.counts.add("bucket requests", 1);
        match *method {
            Method::HEAD | Method::PUT => {
                let mut answer = empty(StatusCode::OK);
                let region = HeaderValue::from_static("us-east-1");
                answer.headers_mut().insert("x-amz-bucket-region", region);
                answer
            }
            Method::GET if asked.has("location") => xml("<LocationConstraint/>".to_owned()),
            Method::GET if asked.has("versioning") => xml("<VersioningConfiguration/>".to_owned()),
            Method::GET if asked.has("uploads") => xml("<ListMultipartUploadsResult/>".to_owned()),
            Method::GET => xml(listing(&self.catalog, &asked.bucket, &asked.parameters)),
            _ => error(StatusCode::NOT_IMPLEMENTED, "NotImplemented", false),
        }
    }

    fn of_object(
        &self,
        method: &Method,
        asked: &Asked,
        headers: &HeaderMap,
        received: u64,
    ) -> Answer {
        let upload = asked.parameters.get("uploadId");
        match (method, upload) {
            (&Method::PUT, Some(id)) => self.part(id, asked, headers, received),
            (&Method::GET, Some(id)) => self.parts(id, asked),
            (&Method::DELETE, Some(id)) => {
                self.uploads.end(id);
                empty(StatusCode::NO_CONTENT)
            }
            (&Method::POST, Some(id)) => self.complete(id, asked, headers),
            (&Method::POST, None) if asked.has("uploads") => self.begin(asked),
            (&Method::PUT, None) => {
                self.counts.add("objects put", 1);
                self.counts.add("bytes received", received);
                let size = decoded_length(headers).unwrap_or(received);
                self.catalog.uploaded(&asked.key, size);
                stored()
            }
            (&Method::GET, None) if asked.has("tagging") => {
                self.counts.add("tag requests", 1);
                xml("<Tagging><TagSet/></Tagging>".to_owned())
            }
            (&Method::GET | &Method::HEAD, None) => self.read(method, asked, headers),
            (&Method::DELETE, None) => {
                self.catalog.removed(&asked.key);
                empty(StatusCode::NO_CONTENT)
            }
            _ => error(StatusCode::NOT_IMPLEMENTED, "NotImplemented", false),
        }
    }

    fn begin(&self, asked: &Asked) -> Answer {
        self.counts.add("uploads begun", 1);
        let id = self.uploads.begin();
        xml(format!(
            "<InitiateMultipartUploadResult><Bucket>{}</Bucket><Key>{}</Key>\
             <UploadId>{id}</UploadId></InitiateMultipartUploadResult>",
            asked.bucket,
            escaped(&asked.key)
        ))
    }

    fn part(&self, id: &str, asked: &Asked, headers: &HeaderMap, received: u64) -> Answer {
        self.counts.add("parts", 1);
        self.counts.add("bytes received", received);
        let crc64_nvme = headers
            .get("x-amz-checksum-crc64nvme")
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let part = Part {
            size: decoded_length(headers).unwrap_or(received),
            crc64_nvme,
        };
        let number = asked.parameters.get("partNumber");
        let number = number.and_then(|number| number.parse().ok());
        match number {
            Some(number) if self.uploads.part(id, number, part) => stored(),
            Some(_) => error(StatusCode::NOT_FOUND, "NoSuchUpload", false),
            None => error(StatusCode::BAD_REQUEST, "InvalidArgument", false),
        }
    }

    fn parts(&self, id: &str, asked: &Asked) -> Answer {
        let Some(parts) = self.uploads.parts(id) else {
            return error(StatusCode::NOT_FOUND, "NoSuchUpload", false);
        };
        let mut text = format!(
            "<ListPartsResult><Bucket>{}</Bucket><Key>{}</Key><UploadId>{id}</UploadId>\
             <IsTruncated>false</IsTruncated>",
            asked.bucket,
            escaped(&asked.key)
        );
        for (number, Part { size, crc64_nvme }) in parts {
            let crc = crc64_nvme
                .map(|crc| format!("<ChecksumCRC64NVME>{crc}</ChecksumCRC64NVME>"))
                .unwrap_or_default();
            // Writing to a string cannot fail.
            let _ = write!(
                text,
                "<Part><PartNumber>{number}</PartNumber><ETag>{ENTITY_TAG}</ETag>\
                 <Size>{size}</Size>{crc}</Part>"
            );
        }
        xml(text + "</ListPartsResult>")
    }

    fn complete(&self, id: &str, asked: &Asked, headers: &HeaderMap) -> Answer {
        self.counts.add("uploads completed", 1);
        let Some(size) = self.uploads.end(id) else {
            return error(StatusCode::NOT_FOUND, "NoSuchUpload", false);
        };
        self.catalog.uploaded(&asked.key, size);
        let crc = headers
            .get("x-amz-checksum-crc64nvme")
            .and_then(|value| value.to_str().ok())
            .map(|crc| {
                format!(
                    "<ChecksumCRC64NVME>{crc}</ChecksumCRC64NVME>\
                     <ChecksumType>FULL_OBJECT</ChecksumType>"
                )
            })
            .unwrap_or_default();
        xml(format!(
            "<CompleteMultipartUploadResult><Bucket>{}</Bucket><Key>{}</Key>\
             <ETag>{ENTITY_TAG}</ETag>{crc}</CompleteMultipartUploadResult>",
            asked.bucket,
            escaped(&asked.key)
        ))
    }

    fn read(&self, method: &Method, asked: &Asked, headers: &HeaderMap) -> Answer {
        let is_head = method == Method::HEAD;
        self.counts.add(if is_head { "heads" } else { "gets" }, 1);
        let Some(size) = self.catalog.size(&asked.key) else {
            return error(StatusCode::NOT_FOUND, "NoSuchKey", is_head);
        };
        let range = headers.get(RANGE).and_then(|range| range.to_str().ok());
        let (from, to) = match range.map(|range| parse_range(range, size)) {
            Some(None) => {
                return error(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange", is_head);
            }
            Some(Some(range)) => range,
            None => (0, size),
        };
        let mut answer = match is_head {
            true => empty(StatusCode::OK),
            false => Response::new(AnswerBody::Content(Stretch::new(from, to - from))),
        };
        describe(answer.headers_mut(), to - from);
        if range.is_some() {
            *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
            let text = format!("bytes {from}-{}/{size}", to - 1);
            if let Ok(value) = HeaderValue::try_from(text) {
                answer.headers_mut().insert(CONTENT_RANGE, value);
            }
        }
        if headers.contains_key("x-amz-checksum-mode")
            && (from, to) == (0, size)
            && let Ok(value) = HeaderValue::try_from(crc64_nvme(size))
        {
            let headers = answer.headers_mut();
            headers.insert("x-amz-checksum-crc64nvme", value);
            let whole = HeaderValue::from_static("FULL_OBJECT");
            headers.insert("x-amz-checksum-type", whole);
        }
        answer
    }
}

fn stored() -> Answer {
    let mut answer = empty(StatusCode::OK);
    let headers = answer.headers_mut();
    headers.insert(ETAG, HeaderValue::from_static(ENTITY_TAG));
    answer
}

/// Reads a body to its end; how long it was.
async fn discard(mut body: Incoming) -> u64 {
    let mut received = 0;
    while let Some(Ok(frame)) = body.frame().await {
        received += frame.data_ref().map_or(0, |bytes| bytes.len() as u64);
    }
    received
}

/// How long the content is, where it comes in chunks with checksums behind them.
fn decoded_length(headers: &HeaderMap) -> Option<u64> {
    let length = headers.get("x-amz-decoded-content-length")?;
    length.to_str().ok()?.parse().ok()
}

/// Start and end, excluded, of a range within an object.
fn parse_range(text: &str, size: u64) -> Option<(u64, u64)> {
    let (from, to) = text.strip_prefix("bytes=")?.split_once('-')?;
    let (from, to) = match (from.parse::<u64>(), to.parse::<u64>()) {
        (Ok(from), Ok(to)) => (from, size.min(to.saturating_add(1))),
        (Ok(from), Err(_)) => (from, size),
        (Err(_), Ok(last)) => (size.saturating_sub(last), size),
        (Err(_), Err(_)) => return None,
    };
    (from < to).then_some((from, to))
}

fn escaped(key: &str) -> String {
    key.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_parse() {
        assert_eq!(parse_range("bytes=0-9", 100), Some((0, 10)));
        assert_eq!(parse_range("bytes=90-200", 100), Some((90, 100)));
        assert_eq!(parse_range("bytes=5-", 100), Some((5, 100)));
        assert_eq!(parse_range("bytes=-5", 100), Some((95, 100)));
        assert_eq!(parse_range("bytes=100-", 100), None);
        assert_eq!(parse_range("bytes=0-0", 0), None);
    }
}
