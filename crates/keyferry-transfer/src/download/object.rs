//! The object as the first answer described it.
//!
//! All other requests are pinned to it (S3-XFER-10). Its checksum is known here only when the first
//! range was all of it (S3-XFER-9).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_s3::Client;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use jiff::Timestamp;
use keyferry_key::CustomerKeyHeaders;

use super::diagnosis;
use crate::checksum::{StoredChecksum, stored_checksum};
use crate::confirmation::confirms;
use crate::engine::once;
use crate::error::{Asked, classify, is_status};
use crate::{Engine, ObjectAddress, Observer, TransferError};

/// What every request of one download needs.
pub(super) struct Fetching<'a> {
    pub(super) client: &'a Client,
    pub(super) source: &'a ObjectAddress,
    pub(super) key: CustomerKeyHeaders,
    pub(super) asked_version: Option<&'a str>,
    pub(super) range_size: u64,
    pub(super) concurrency: usize,
    pub(super) engine: &'a Engine,
    pub(super) events: &'a dyn Observer,
}

/// The object, pinned: every further request asks for this one and no other.
#[derive(Debug)]
pub(super) struct RemoteObject {
    pub(super) size: u64,
    /// In quotes, as If-Match needs it.
    pub(super) etag: String,
    pub(super) version_id: Option<String>,
    pub(super) last_modified: Option<Timestamp>,
    pub(super) content_type: Option<String>,
    pub(super) metadata: BTreeMap<String, String>,
    /// Known from the first answer only when that brought all of the object: with a range, a server
    /// may answer the checksum of the part that the range lies in.
    pub(super) checksum: Option<StoredChecksum>,
    /// Reading a version by its id takes s3:GetObjectVersion. Without it, If-Match alone pins.
    version_is_readable: AtomicBool,
}

/// An answer that was accepted.
pub(super) type Opened = (RemoteObject, ByteStream, u64);

impl Fetching<'_> {
    /// What a request for so many bytes counts in the pace.
    pub(super) fn cost(&self, bytes: u64) -> u32 {
        self.engine.cost(bytes, self.concurrency)
    }

    pub(super) async fn open_once(&self) -> Result<Opened, TransferError> {
        let range = format!("bytes=0-{}", self.range_size - 1);
        let answer = match self.get(Some(range), None, self.asked_version).await {
            // An object without bytes has no range that could be satisfied.
            Err(error) if is_status(&error, 416) => self.get(None, None, self.asked_version).await,
            other => other,
        };
        match answer {
            Ok(answer) => self.describe(answer, 0),
            Err(error) => Err(self.explain(error, self.asked_version).await),
        }
    }

    pub(super) async fn reopen_once(
        &self,
        etag: &str,
        from: u64,
        to: u64,
    ) -> Result<Opened, TransferError> {
        let range = Some(format!("bytes={from}-{}", to - 1));
        let (object, body, length) = match self
            .get(range, Some(etag.to_owned()), self.asked_version)
            .await
        {
            Ok(answer) => self.describe(answer, from)?,
            // Shorter than it was.
            Err(error) if is_status(&error, 416) => {
                return Err(TransferError::ChangedDuringDownload {
                    address: self.source.clone(),
                });
            }
            Err(error) => return Err(self.explain(error, self.asked_version).await),
        };
        if object.etag != etag {
            return Err(TransferError::ChangedDuringDownload {
                address: self.source.clone(),
            });
        }
        if length != to - from {
            return Err(unexpected(format!(
                "bytes {from} to {to} were asked for, the answer has {length}"
            )));
        }
        Ok((object, body, length))
    }

    /// Asks for a range of the pinned object.
    pub(super) async fn continue_at(
        &self,
        object: &RemoteObject,
        from: u64,
        to: u64,
    ) -> Result<ByteStream, TransferError> {
        let range = || Some(format!("bytes={from}-{}", to - 1));
        let etag = || Some(object.etag.clone());
        let pinned = object.pinned_version(self.asked_version);
        let answer = match self.get(range(), etag(), pinned).await {
            Err(error) if pinned != self.asked_version && is_status(&error, 403) => {
                object.unpin_version();
                self.get(range(), etag(), self.asked_version).await
            }
            other => other,
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Err(self.explain(error, pinned).await),
        };
        self.confirm(&answer)?;
        if answer.e_tag().is_some_and(|etag| etag != object.etag) {
            return Err(TransferError::ChangedDuringDownload {
                address: self.source.clone(),
            });
        }
        let length = answer
            .content_length()
            .and_then(|length| length.try_into().ok());
        match answer.content_range().and_then(ContentRange::parse) {
            Some(range) if range.is(from, to, object.size) && length == Some(to - from) => {
                Ok(answer.body)
            }
            _ => Err(unexpected(format!(
                "bytes {from} to {to} were asked for, the answer is for `{}`",
                answer.content_range().unwrap_or("all bytes")
            ))),
        }
    }

    async fn get(
        &self,
        range: Option<String>,
        if_match: Option<String>,
        version_id: Option<&str>,
    ) -> Result<GetObjectOutput, SdkError<GetObjectError, HttpResponse>> {
        self.client
            .get_object()
            .bucket(self.source.bucket.as_str())
            .key(&self.source.key)
            .set_version_id(version_id.map(str::to_owned))
            .set_range(range)
            .set_if_match(if_match)
            .sse_customer_algorithm(self.key.algorithm())
            .sse_customer_key(self.key.expose_key())
            .sse_customer_key_md5(self.key.md5().to_string())
            .customize()
            // Not through the input: the SDK would compare the checksum of the full object with a
            // body that is a range of it.
            .mutate_request(|request| {
                request
                    .headers_mut()
                    .insert("x-amz-checksum-mode", "ENABLED");
            })
            .config_override(once())
            .send()
            .await
    }

    async fn explain(
        &self,
        error: SdkError<GetObjectError, HttpResponse>,
        version_id: Option<&str>,
    ) -> TransferError {
        let asked = Asked::of_object("GetObject", self.client, self.source).version(version_id);
        let error = classify(error, &asked);
        diagnosis::explain(&asked, self.source, error).await
    }

    /// Servers other than S3 serve an object that is not under SSE-C to a request with a key.
    fn confirm(&self, answer: &GetObjectOutput) -> Result<(), TransferError> {
        let (algorithm, md5) = (
            answer.sse_customer_algorithm(),
            answer.sse_customer_key_md5(),
        );
        match confirms(algorithm, md5, &self.key) {
            Ok(()) => Ok(()),
            Err(_) if md5.is_none() => Err(TransferError::NotCustomerEncrypted {
                address: self.source.clone(),
                version_id: self.asked_version.map(str::to_owned),
            }),
            Err(found) => Err(unexpected(found)),
        }
    }

    fn describe(&self, answer: GetObjectOutput, from: u64) -> Result<Opened, TransferError> {
        self.confirm(&answer)?;
        let length = answer
            .content_length()
            .and_then(|length| u64::try_from(length).ok())
            .ok_or_else(|| unexpected("the answer has no length".to_owned()))?;
        let size = match answer.content_range() {
            None => length,
            Some(text) => match ContentRange::parse(text) {
                Some(range) if range.from == from && range.to + 1 == from + length => range.total,
                _ => return Err(unexpected(format!("the answer is for `{text}`"))),
            },
        };
        let etag = answer
            .e_tag()
            .ok_or_else(|| unexpected("the answer has no entity tag".to_owned()))?
            .to_owned();
        let checksum = (length == size).then(|| stored_checksum!(answer)).flatten();
        let object = RemoteObject {
            size,
            etag,
            version_id: answer.version_id().map(str::to_owned),
            last_modified: answer
                .last_modified()
                .and_then(|time| Timestamp::new(time.secs(), 0).ok()),
            content_type: answer.content_type().map(str::to_owned),
            metadata: answer
                .metadata()
                .map(|metadata| metadata.clone().into_iter().collect())
                .unwrap_or_default(),
            checksum,
            version_is_readable: AtomicBool::new(true),
        };
        Ok((object, answer.body, length))
    }
}

impl RemoteObject {
    /// From a HEAD; `None` where its answer lacks what pins an object.
    pub(super) fn of_head(head: &HeadObjectOutput) -> Option<Self> {
        Some(Self {
            size: head.content_length()?.try_into().ok()?,
            etag: head.e_tag()?.to_owned(),
            version_id: head.version_id().map(str::to_owned),
            last_modified: head
                .last_modified()
                .and_then(|time| Timestamp::new(time.secs(), 0).ok()),
            content_type: head.content_type().map(str::to_owned),
            metadata: head
                .metadata()
                .map(|metadata| metadata.clone().into_iter().collect())
                .unwrap_or_default(),
            checksum: stored_checksum!(head),
            version_is_readable: AtomicBool::new(true),
        })
    }

    /// The version to ask for, given the one that the user asked for.
    pub(super) fn pinned_version<'a>(&'a self, asked: Option<&'a str>) -> Option<&'a str> {
        match self.version_is_readable.load(Ordering::Relaxed) {
            true => self.version_id.as_deref().or(asked),
            false => asked,
        }
    }

    /// Says that the version's id may not be asked for.
    pub(super) fn unpin_version(&self) {
        self.version_is_readable.store(false, Ordering::Relaxed);
    }
}

pub(super) fn unexpected(what: String) -> TransferError {
    TransferError::UnexpectedAnswer {
        operation: "GetObject",
        what,
    }
}

/// `bytes FROM-TO/TOTAL`, both ends included.
#[derive(Debug, PartialEq, Eq)]
struct ContentRange {
    from: u64,
    to: u64,
    total: u64,
}

impl ContentRange {
    /// Whether these are the bytes from `from` to `to`, which is excluded, of an object of this size.
    fn is(&self, from: u64, to: u64, size: u64) -> bool {
        (self.from, self.to + 1, self.total) == (from, to, size)
    }

    fn parse(text: &str) -> Option<Self> {
        let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
        let (from, to) = range.split_once('-')?;
        let range = Self {
            from: from.parse().ok()?,
            to: to.parse().ok()?,
            total: total.parse().ok()?,
        };
        (range.from <= range.to && range.to < range.total).then_some(range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges_parse() {
        assert_eq!(
            ContentRange::parse("bytes 0-9/100"),
            Some(ContentRange {
                from: 0,
                to: 9,
                total: 100
            })
        );
        for text in [
            "",
            "bytes */100",
            "bytes 9-0/100",
            "bytes 0-100/100",
            "bytes 0-9/*",
            "items 0-9/100",
        ] {
            assert_eq!(ContentRange::parse(text), None, "{text}");
        }
    }
}
