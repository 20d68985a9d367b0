//! Which bytes a read means, and the checksum of these (`S3-GET-1` to `S3-GET-3`).

use std::ops::Range;

use http::StatusCode;
use s3s::{S3Error, S3Result, s3_error};

use super::errors::custom;
use crate::server::exchange::Exchange;
use crate::store::{ChecksumAlgorithm, ChecksumKind, Layout, ObjectRecord};

/// The bytes asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Selection {
    pub(super) range: Range<u64>,
    /// 206 with `Content-Range`.
    pub(super) partial: bool,
}

impl Selection {
    pub(super) fn content_range(&self, size: u64) -> Option<String> {
        self.partial.then(|| {
            format!(
                "bytes {}-{}/{size}",
                self.range.start,
                self.range.end.saturating_sub(1)
            )
        })
    }

    pub(super) fn length(&self) -> i64 {
        i64::try_from(self.range.end - self.range.start).unwrap_or(i64::MAX)
    }

    pub(super) fn status(&self) -> StatusCode {
        if self.partial {
            StatusCode::PARTIAL_CONTENT
        } else {
            StatusCode::OK
        }
    }
}

/// The bytes that `Range` or `partNumber` mean.
pub(super) fn select(
    exchange: &Exchange,
    object: &ObjectRecord,
    layout: &Layout,
    range: Option<s3s::dto::Range>,
    part_number: Option<i32>,
) -> S3Result<Selection> {
    match (range, part_number) {
        (Some(_), Some(_)) => Err(s3_error!(
            InvalidRequest,
            "Cannot specify both Range header and partNumber query parameter"
        )),
        (None, None) => Ok(Selection {
            range: 0..object.size,
            partial: false,
        }),
        (Some(range), None) => match range.check(object.size) {
            Ok(range) => Ok(Selection {
                range,
                partial: true,
            }),
            Err(_) => {
                exchange.error_field("RangeRequested", range.to_header_string());
                exchange.error_field("ActualObjectSize", object.size.to_string());
                Err(s3_error!(
                    InvalidRange,
                    "The requested range is not satisfiable"
                ))
            }
        },
        (None, Some(number)) => {
            if !(1..=super::limits::MAX_PART_NUMBER).contains(&number) {
                return Err(super::errors::invalid_argument(
                    exchange,
                    "partNumber",
                    &number.to_string(),
                    "Part number must be an integer between 1 and 10000, inclusive",
                ));
            }
            let mut start = 0;
            for part in &layout.parts {
                if i64::from(part.number) == i64::from(number) {
                    return Ok(Selection {
                        range: start..start + part.size,
                        // An empty object has no range to state.
                        partial: object.size > 0,
                    });
                }
                start += part.size;
            }
            Err(no_such_part(exchange, number, layout.parts.len()))
        }
    }
}

fn no_such_part(exchange: &Exchange, requested: i32, count: usize) -> S3Error {
    exchange.error_field("PartNumberRequested", requested.to_string());
    exchange.error_field("ActualPartCount", count.to_string());
    custom(
        "InvalidPartNumber",
        StatusCode::RANGE_NOT_SATISFIABLE,
        "The requested partnumber is not satisfiable",
    )
}

/// The checksum of what is sent: the object's for all of it, the part's for a part, none for
/// another range (`S3-GET-3`).
pub(super) fn selected_checksum(
    object: &ObjectRecord,
    layout: &Layout,
    selection: &Selection,
    part_number: Option<i32>,
) -> Option<(ChecksumAlgorithm, ChecksumKind, String)> {
    let checksum = object.checksum.as_ref()?;
    let value = match part_number {
        Some(number) if object.part_count.is_some() => layout
            .parts
            .iter()
            .find(|part| i64::from(part.number) == i64::from(number))?
            .checksum
            .clone()?,
        Some(_) => checksum.value.clone(),
        None if selection.partial => return None,
        None => checksum.value.clone(),
    };
    Some((checksum.algorithm, checksum.kind, value))
}
