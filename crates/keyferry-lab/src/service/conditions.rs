//! Conditional requests.
//!
//! Reads follow RFC 9110 (`S3-COND-2`): If-Match before If-Unmodified-Since, If-None-Match
//! before If-Modified-Since; 412 and 304. Copy sources answer 412 for all four (`S3-COND-3`).
//! Writes take If-None-Match: `*` and If-Match (`S3-COND-1`); a write that held when the
//! request came and no longer when it ends is a conflict, 409 (`S3-COND-4`).

use std::time::SystemTime;

use http::header::{ETAG, IF_MATCH, IF_NONE_MATCH, LAST_MODIFIED};
use http::{HeaderMap, HeaderValue};
use s3s::dto::{ETagCondition, Timestamp, TimestampFormat};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use super::RegionService;
use super::errors::{OrS3 as _, from_store, header_not_implemented, precondition_failed};
use crate::server::exchange::Exchange;
use crate::store::{Precondition, StoreError};

/// The four conditions of a read or of a copy's source.
#[derive(Default)]
pub(super) struct ReadConditions {
    pub(super) if_match: Option<ETagCondition>,
    pub(super) if_none_match: Option<ETagCondition>,
    pub(super) if_modified_since: Option<Timestamp>,
    pub(super) if_unmodified_since: Option<Timestamp>,
}

/// How conditions came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Holds,
    NotModified(&'static str),
    Failed(&'static str),
}

impl ReadConditions {
    fn judge(&self, etag: &str, modified: SystemTime) -> Outcome {
        // HTTP dates have whole seconds.
        let modified = whole_seconds(modified);
        match (&self.if_match, &self.if_unmodified_since) {
            (Some(condition), _) => {
                if !matches(condition, etag) {
                    return Outcome::Failed("If-Match");
                }
            }
            (None, Some(since)) => {
                if modified > unix_seconds(since) {
                    return Outcome::Failed("If-Unmodified-Since");
                }
            }
            (None, None) => {}
        }
        match (&self.if_none_match, &self.if_modified_since) {
            (Some(condition), _) => {
                if matches(condition, etag) {
                    return Outcome::NotModified("If-None-Match");
                }
            }
            (None, Some(since)) => {
                if modified <= unix_seconds(since) {
                    return Outcome::NotModified("If-Modified-Since");
                }
            }
            (None, None) => {}
        }
        Outcome::Holds
    }

    /// For GetObject and HeadObject.
    pub(super) fn check_read(
        &self,
        exchange: &Exchange,
        etag: &str,
        modified: SystemTime,
    ) -> S3Result<()> {
        match self.judge(etag, modified) {
            Outcome::Holds => Ok(()),
            Outcome::Failed(condition) => Err(precondition_failed(exchange, condition)),
            Outcome::NotModified(_) => Err(not_modified(etag, modified)),
        }
    }

    /// For the source of CopyObject and UploadPartCopy.
    pub(super) fn check_copy_source(
        &self,
        exchange: &Exchange,
        etag: &str,
        modified: SystemTime,
    ) -> S3Result<()> {
        match self.judge(etag, modified) {
            Outcome::Holds => Ok(()),
            Outcome::Failed(condition) | Outcome::NotModified(condition) => Err(
                precondition_failed(exchange, &format!("x-amz-copy-source-{condition}")),
            ),
        }
    }
}

fn matches(condition: &ETagCondition, etag: &str) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(wanted) => wanted.value() == etag,
    }
}

fn whole_seconds(time: SystemTime) -> i64 {
    time::OffsetDateTime::from(time).unix_timestamp()
}

fn unix_seconds(timestamp: &Timestamp) -> i64 {
    time::OffsetDateTime::from(timestamp.clone()).unix_timestamp()
}

/// A time as HTTP writes it.
pub(super) fn http_date(timestamp: &Timestamp) -> Option<String> {
    let mut text = Vec::new();
    timestamp
        .format(TimestampFormat::HttpDate, &mut text)
        .ok()
        .and_then(|()| String::from_utf8(text).ok())
}

/// 304, with what a cache needs.
fn not_modified(etag: &str, modified: SystemTime) -> S3Error {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(&format!("\"{etag}\"")) {
        headers.insert(ETAG, value);
    }
    let date = http_date(&Timestamp::from(modified));
    if let Some(value) = date.and_then(|date| HeaderValue::from_str(&date).ok()) {
        headers.insert(LAST_MODIFIED, value);
    }
    let mut error = S3Error::new(S3ErrorCode::NotModified);
    error.set_headers(headers);
    error
}

/// The condition of a write: `If-None-Match` and `If-Match` from s3s, which knows them for
/// some operations only.
pub(super) fn write_precondition(
    exchange: &Exchange,
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
) -> S3Result<Precondition> {
    match (if_match, if_none_match) {
        (None, None) => Ok(Precondition::None),
        (Some(ETagCondition::Any), None) => Ok(Precondition::Matches("*".to_owned())),
        (Some(ETagCondition::ETag(etag)), None) => {
            Ok(Precondition::Matches(etag.value().to_owned()))
        }
        (None, Some(ETagCondition::Any)) => Ok(Precondition::Absent),
        // S3 takes no ETag here, and not both conditions.
        (_, Some(_)) => Err(header_not_implemented(exchange, "If-None-Match")),
    }
}

/// The same from raw headers, for CopyObject.
pub(super) fn write_precondition_from_headers(
    exchange: &Exchange,
    headers: &HeaderMap,
) -> S3Result<Precondition> {
    let condition = |name| {
        headers
            .get(name)
            .map(|value: &HeaderValue| {
                ETagCondition::parse_http_header(value.as_bytes())
                    .map_err(|_| s3_error!(InvalidArgument, "The condition is not an entity tag."))
            })
            .transpose()
    };
    write_precondition(
        exchange,
        condition(IF_MATCH)?.as_ref(),
        condition(IF_NONE_MATCH)?.as_ref(),
    )
}

impl RegionService {
    /// Judges a write's condition before its body is read, so that a hopeless upload ends
    /// early. The commit judges again.
    pub(super) fn check_write(
        &self,
        exchange: &Exchange,
        bucket: &str,
        key: &str,
        precondition: &Precondition,
    ) -> S3Result<()> {
        if *precondition == Precondition::None {
            return Ok(());
        }
        let current = match self.region.version(bucket, key, None) {
            Ok(version) => version.object().map(|object| object.etag.clone()),
            Err(StoreError::NoSuchKey(_)) => None,
            Err(error) => return Err(from_store(error, exchange)),
        };
        match (precondition, current) {
            (Precondition::None, _) | (Precondition::Absent, None) => Ok(()),
            (Precondition::Absent, Some(_)) => Err(precondition_failed(exchange, "If-None-Match")),
            (Precondition::Matches(_), None) => {
                Err(StoreError::NoSuchKey(key.to_owned())).or_s3(exchange)
            }
            (Precondition::Matches(wanted), Some(etag)) if wanted != "*" && *wanted != etag => {
                Err(precondition_failed(exchange, "If-Match"))
            }
            (Precondition::Matches(_), Some(_)) => Ok(()),
        }
    }
}

/// What a commit's failed condition means after [`RegionService::check_write`] passed: the key
/// was written meanwhile, 412, or deleted meanwhile, 409.
pub(super) fn commit_error(
    exchange: &Exchange,
    error: StoreError,
    precondition: &Precondition,
) -> S3Error {
    match (error, precondition) {
        (StoreError::NoSuchKey(key), Precondition::Matches(_)) => {
            exchange.error_field("Condition", "If-Match");
            exchange.error_field("Key", key);
            s3_error!(
                ConditionalRequestConflict,
                "The conditional request cannot succeed due to a conflicting operation against this resource."
            )
        }
        (StoreError::PreconditionFailed, Precondition::Matches(_)) => {
            precondition_failed(exchange, "If-Match")
        }
        (StoreError::PreconditionFailed, _) => precondition_failed(exchange, "If-None-Match"),
        (error, _) => from_store(error, exchange),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use s3s::dto::ETag;
    use std::time::{Duration, UNIX_EPOCH};

    fn tag(value: &str) -> Option<ETagCondition> {
        Some(ETagCondition::ETag(ETag::Strong(value.to_owned())))
    }

    fn at(seconds: u64) -> Option<Timestamp> {
        Some(Timestamp::from(UNIX_EPOCH + Duration::from_secs(seconds)))
    }

    fn judge(
        if_match: Option<ETagCondition>,
        if_none_match: Option<ETagCondition>,
        if_modified_since: Option<Timestamp>,
        if_unmodified_since: Option<Timestamp>,
    ) -> Outcome {
        ReadConditions {
            if_match,
            if_none_match,
            if_modified_since,
            if_unmodified_since,
        }
        .judge("a", UNIX_EPOCH + Duration::from_millis(100_500))
    }

    #[test]
    fn etags_come_before_dates() {
        assert_eq!(judge(None, None, None, None), Outcome::Holds);
        assert_eq!(judge(tag("a"), None, None, at(50)), Outcome::Holds);
        assert_eq!(
            judge(tag("b"), None, None, at(200)),
            Outcome::Failed("If-Match")
        );
        assert_eq!(
            judge(None, None, None, at(50)),
            Outcome::Failed("If-Unmodified-Since")
        );
        assert_eq!(
            judge(None, tag("a"), at(50), None),
            Outcome::NotModified("If-None-Match")
        );
        assert_eq!(judge(None, tag("b"), at(200), None), Outcome::Holds);
        // Half a second later than the date is the same second.
        assert_eq!(
            judge(None, None, at(100), None),
            Outcome::NotModified("If-Modified-Since")
        );
        assert_eq!(judge(None, None, at(99), None), Outcome::Holds);
        assert_eq!(
            judge(Some(ETagCondition::Any), None, None, None),
            Outcome::Holds
        );
    }
}
