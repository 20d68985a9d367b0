//! Object Lock in requests that make versions, and in answers about them.
//!
//! `S3-LOCK-3` what a new version's lock is; `S3-LOCK-7` uploads that are to be locked come with
//! a digest; `S3-LOCK-8` a version's lock is shown to whoever may see it.

use std::time::SystemTime;

use http::HeaderMap;
use s3s::dto::{ObjectLockLegalHoldStatus, ObjectLockMode, Timestamp, TimestampFormat};
use s3s::{S3Error, S3Result, s3_error};

use super::RegionService;
use super::checksums::has_digest;
use super::errors::{OrS3 as _, header_not_implemented, invalid_argument};
use crate::authorization::Circumstances;
use crate::server::exchange::Exchange;
use crate::store::{BucketRecord, ObjectRecord, RequestedLock, Retention, RetentionMode};

const MODE: &str = "x-amz-object-lock-mode";
const UNTIL: &str = "x-amz-object-lock-retain-until-date";
const LEGAL_HOLD: &str = "x-amz-object-lock-legal-hold";

/// Lock headers as s3s gives them.
pub(super) struct LockHeaders {
    pub(super) mode: Option<ObjectLockMode>,
    pub(super) until: Option<Timestamp>,
    pub(super) legal_hold: Option<ObjectLockLegalHoldStatus>,
}

/// Takes the lock fields out of an input of s3s.
macro_rules! lock_headers {
    ($input:expr) => {
        $crate::service::lock_headers::LockHeaders {
            mode: $input.object_lock_mode.take(),
            until: $input.object_lock_retain_until_date.take(),
            legal_hold: $input.object_lock_legal_hold_status.take(),
        }
    };
}
pub(super) use lock_headers;

impl LockHeaders {
    /// What they ask for; each is judged before the bucket is.
    pub(super) fn into_request(
        self,
        exchange: &Exchange,
        headers: &HeaderMap,
        bucket: &BucketRecord,
    ) -> S3Result<RequestedLock> {
        refuse_event_holds(exchange, headers)?;
        let mode = self
            .mode
            .map(|mode| {
                RetentionMode::parse(mode.as_str()).ok_or_else(|| {
                    invalid_argument(exchange, MODE, mode.as_str(), "Unknown wormMode directive.")
                })
            })
            .transpose()?;
        let legal_hold = self
            .legal_hold
            .map(|status| {
                parse_legal_hold(status.as_str()).ok_or_else(|| {
                    invalid_argument(
                        exchange,
                        LEGAL_HOLD,
                        status.as_str(),
                        "Legal Hold must be either of 'ON' or 'OFF'",
                    )
                })
            })
            .transpose()?;
        let retention = match (mode, self.until) {
            (None, None) => None,
            (Some(mode), Some(until)) => Some(Retention {
                mode,
                until: future(exchange, UNTIL, &until)?,
            }),
            (mode, _) => {
                let missing = if mode.is_none() { MODE } else { UNTIL };
                return Err(invalid_argument(
                    exchange,
                    missing,
                    "",
                    "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
                ));
            }
        };
        let lock = RequestedLock {
            retention,
            legal_hold,
        };
        if lock.is_present() && bucket.object_lock.is_none() {
            return Err(s3_error!(
                InvalidRequest,
                "Bucket is missing ObjectLockConfiguration"
            ));
        }
        Ok(lock)
    }
}

/// The lab has no event holds (`S3-LOCK-11`).
fn refuse_event_holds(exchange: &Exchange, headers: &HeaderMap) -> S3Result<()> {
    let name = headers
        .keys()
        .find(|name| name.as_str().starts_with("x-amz-object-lock-event-hold"));
    match name {
        None => Ok(()),
        Some(name) => Err(header_not_implemented(exchange, name.as_str())),
    }
}

/// `ON` or `OFF`.
pub(super) fn parse_legal_hold(status: &str) -> Option<bool> {
    match status {
        ObjectLockLegalHoldStatus::ON => Some(true),
        ObjectLockLegalHoldStatus::OFF => Some(false),
        _ => None,
    }
}

/// The same of an answer.
pub(super) fn legal_hold_status(hold: bool) -> ObjectLockLegalHoldStatus {
    ObjectLockLegalHoldStatus::from_static(if hold {
        ObjectLockLegalHoldStatus::ON
    } else {
        ObjectLockLegalHoldStatus::OFF
    })
}

/// A date until which something is to be retained; it must be ahead.
pub(super) fn future(
    exchange: &Exchange,
    argument: &str,
    until: &Timestamp,
) -> S3Result<SystemTime> {
    let time = SystemTime::from(time::OffsetDateTime::from(until.clone()));
    if time > SystemTime::now() {
        return Ok(time);
    }
    let mut text = Vec::new();
    let written = until.format(TimestampFormat::DateTime, &mut text);
    let text = written.map_or_else(
        |_| String::new(),
        |()| String::from_utf8_lossy(&text).into_owned(),
    );
    Err(invalid_argument(
        exchange,
        argument,
        &text,
        "The retain until date must be in the future!",
    ))
}

/// What uploads a body.
#[derive(Clone, Copy)]
pub(super) enum Upload {
    Object,
    Part,
}

/// Refuses a body without digest where it is to be locked: by the request that made it or its
/// upload, or by the bucket's default (`S3-LOCK-7`).
pub(super) fn require_digest(
    headers: &HeaderMap,
    bucket: &BucketRecord,
    lock: RequestedLock,
    upload: Upload,
) -> S3Result<()> {
    let by_default = bucket
        .object_lock
        .is_some_and(|lock| lock.default_retention.is_some());
    if !(lock.is_present() || by_default) || has_digest(headers) {
        return Ok(());
    }
    let what = match upload {
        Upload::Object => "Put Object",
        Upload::Part => "Put Part",
    };
    Err(s3_error!(
        InvalidRequest,
        "Content-MD5 OR x-amz-checksum- HTTP header is required for {what} requests with Object Lock parameters"
    ))
}

/// 400 for an operation on locks in a bucket that has none.
pub(super) fn bucket_without_lock() -> S3Error {
    s3_error!(
        InvalidRequest,
        "Bucket is missing Object Lock Configuration"
    )
}

/// Whether the request bypasses governance mode; the header may be sent only to buckets with
/// Object Lock (`S3-LOCK-6`).
pub(super) fn bypasses_governance(
    exchange: &Exchange,
    bucket: &BucketRecord,
    header: Option<bool>,
) -> S3Result<bool> {
    match header {
        Some(value) if bucket.object_lock.is_none() => Err(invalid_argument(
            exchange,
            "x-amz-bypass-governance-retention",
            if value { "true" } else { "false" },
            "x-amz-bypass-governance-retention is only applicable to Object Lock enabled buckets.",
        )),
        header => Ok(header == Some(true)),
    }
}

/// What an answer says about a version's lock.
#[derive(Default)]
pub(super) struct VisibleLock {
    pub(super) mode: Option<ObjectLockMode>,
    pub(super) until: Option<Timestamp>,
    pub(super) legal_hold: Option<ObjectLockLegalHoldStatus>,
}

impl RegionService {
    /// A version's lock, as far as the requester may see it (`S3-LOCK-8`).
    pub(super) fn visible_lock(
        &self,
        exchange: &Exchange,
        bucket: &BucketRecord,
        key: &str,
        object: &ObjectRecord,
        circumstances: &Circumstances,
    ) -> S3Result<VisibleLock> {
        let may = |action: &str| {
            let arn = format!("arn:aws:s3:::{}/{key}", bucket.name);
            let requester = exchange.requester();
            self.authorizer
                .may_use_bucket(requester, action, &arn, bucket, circumstances.clone())
                .or_s3(exchange)
                .map(|judgement| judgement.is_ok())
        };
        let mut visible = VisibleLock::default();
        if let Some(retention) = object.lock.retention
            && may("s3:GetObjectRetention")?
        {
            visible.mode = Some(ObjectLockMode::from_static(retention.mode.as_str()));
            visible.until = Some(Timestamp::from(retention.until));
        }
        if let Some(hold) = object.lock.legal_hold
            && may("s3:GetObjectLegalHold")?
        {
            visible.legal_hold = Some(legal_hold_status(hold));
        }
        Ok(visible)
    }
}
