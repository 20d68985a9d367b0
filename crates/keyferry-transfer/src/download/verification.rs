//! Is the content what was uploaded?
//!
//! Full-object checksums are compared as they are. A composite checksum is the checksum of the parts'
//! checksums with their number behind it; how the object was cut is learned from the size of its
//! first part (S3-XFER-8, S3-XFER-19), since practically all uploaders cut equal parts.
//! AWS: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html>.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::ChecksumMode;
use base64::prelude::{BASE64_STANDARD, Engine};

use super::object::{Fetching, RemoteObject};
use super::target::Incomplete;
use super::{Unverified, Verification};
use crate::checksum::{Crc, StoredChecksum, Summing, stored_checksum};
use crate::engine::delay;
use crate::error::{Asked, classify, explain_bodyless, is_status};
use crate::{Checksum, ChecksumAlgorithm, ObjectAddress, TransferError};

/// How often the server is asked for the checksum.
const MAX_FAILURES: u32 = 5;

/// What the content should sum up to.
#[derive(Debug, Clone)]
pub(super) enum Expected {
    Full(ChecksumAlgorithm, String),
    Composite {
        algorithm: ChecksumAlgorithm,
        value: String,
        parts: u32,
        part_size: u64,
    },
    Unknown(Unverified),
}

impl Expected {
    /// From the first answer where it has the checksum of all bytes, otherwise from a HEAD.
    pub(super) async fn of(
        fetching: &Fetching<'_>,
        object: &RemoteObject,
    ) -> Result<Self, TransferError> {
        let stored = match &object.checksum {
            Some(known) => Some(known.clone()),
            None => {
                let head = head(fetching, object, None).await?;
                stored_checksum!(head)
            }
        };
        Ok(match stored {
            None => Self::Unknown(Unverified::NoChecksum),
            Some(StoredChecksum::Unknown(algorithm)) => {
                Self::Unknown(Unverified::Algorithm(algorithm.to_owned()))
            }
            Some(StoredChecksum::Full(algorithm, value)) => Self::Full(algorithm, value),
            Some(StoredChecksum::Composite(algorithm, value, parts)) => {
                match first_part_size(fetching, object).await? {
                    Some(size) if object.size.div_ceil(size) == u64::from(parts) => {
                        Self::Composite {
                            algorithm,
                            value,
                            parts,
                            part_size: size,
                        }
                    }
                    _ => Self::Unknown(Unverified::UnknownParts { parts }),
                }
            }
        })
    }
}

async fn first_part_size(
    fetching: &Fetching<'_>,
    object: &RemoteObject,
) -> Result<Option<u64>, TransferError> {
    let head = head(fetching, object, Some(1)).await?;
    let size = head.content_length().and_then(|size| size.try_into().ok());
    Ok(size.filter(|size| (1..=object.size).contains(size)))
}

/// What the server says of the object. It takes the permission that has brought the content, so a
/// refusal means that something went wrong, and never that there is nothing to compare with.
async fn head(
    fetching: &Fetching<'_>,
    object: &RemoteObject,
    part: Option<i32>,
) -> Result<HeadObjectOutput, TransferError> {
    let mut failures = 0;
    loop {
        let error = match ask(fetching, object, part).await {
            Ok(head) if is_of(object, part, &head) => return Ok(head),
            // Were it believed, it could seem that there is no checksum to compare with.
            Ok(_) => TransferError::UnexpectedAnswer {
                operation: "HeadObject",
                what: "it describes something other than the object that was downloaded".to_owned(),
            },
            Err(error) => error,
        };
        failures += 1;
        let may_pass = matches!(
            error,
            TransferError::AccessDenied { .. }
                | TransferError::Service { .. }
                | TransferError::UnexpectedAnswer { .. }
        );
        if !may_pass || failures == MAX_FAILURES {
            return Err(error);
        }
        tokio::time::sleep(delay(failures)).await;
    }
}

/// Whether an answer describes this object, or a part of it.
fn is_of(object: &RemoteObject, part: Option<i32>, head: &HeadObjectOutput) -> bool {
    let size = head.content_length().and_then(|size| size.try_into().ok());
    let same_size = part.is_some() || size == Some(object.size);
    same_size && head.e_tag().is_none_or(|etag| etag == object.etag)
}

async fn ask(
    fetching: &Fetching<'_>,
    object: &RemoteObject,
    part: Option<i32>,
) -> Result<HeadObjectOutput, TransferError> {
    let ask = |version_id: Option<&str>| {
        fetching
            .client
            .head_object()
            .bucket(fetching.source.bucket.as_str())
            .key(&fetching.source.key)
            .set_version_id(version_id.map(str::to_owned))
            .if_match(&object.etag)
            .set_part_number(part)
            .checksum_mode(ChecksumMode::Enabled)
            .sse_customer_algorithm(fetching.key.algorithm())
            .sse_customer_key(fetching.key.expose_key())
            .sse_customer_key_md5(fetching.key.md5().to_string())
            .send()
    };
    let pinned = object.pinned_version(fetching.asked_version);
    let answer = match ask(pinned).await {
        Err(error) if pinned != fetching.asked_version && is_status(&error, 403) => {
            object.unpin_version();
            ask(fetching.asked_version).await
        }
        other => other,
    };
    match answer {
        Ok(head) => Ok(head),
        Err(error) => {
            let asked = Asked::of_object("HeadObject", fetching.client, fetching.source);
            let asked = asked.version(pinned);
            Err(explain_bodyless(&asked, classify(error, &asked)).await)
        }
    }
}

/// Verifies a file whose CRC is known already; reads it again where that is of no use.
pub(super) async fn of_file(
    fetching: &Fetching<'_>,
    object: &RemoteObject,
    expected: Expected,
    algorithm: ChecksumAlgorithm,
    crc: Crc,
    file: &Incomplete,
) -> Result<Verification, TransferError> {
    match expected {
        Expected::Unknown(why) => Ok(Verification::Unverified(why)),
        Expected::Full(full, value) if full == algorithm && full.crc().is_some() => {
            compare(fetching.source, full, value, crc.to_base64()).map(Verification::FullObject)
        }
        other => {
            let from = Arc::clone(&file.file);
            let in_order = InOrder::new(other, object.size);
            let size = object.size;
            let read = tokio::task::spawn_blocking(move || in_order.read(&from, size)).await?;
            read.map_err(|error| file.unwritable(error))?
                .finish(fetching.source)
        }
    }
}

/// Verifies bytes that come in order.
pub(super) struct InOrder {
    expected: Expected,
    summing: Option<Summing>,
    /// Bytes until the part ends; only for composite checksums.
    left_of_part: u64,
    left: u64,
    of_parts: Option<Summing>,
}

impl InOrder {
    pub(super) fn new(expected: Expected, size: u64) -> Self {
        let (summing, of_parts, left_of_part) = match &expected {
            Expected::Full(algorithm, _) => (Some(Summing::new(*algorithm)), None, size),
            Expected::Composite {
                algorithm,
                part_size,
                ..
            } => {
                let new = || Some(Summing::new(*algorithm));
                (new(), new(), *part_size)
            }
            Expected::Unknown(_) => (None, None, size),
        };
        Self {
            expected,
            summing,
            left_of_part,
            left: size,
            of_parts,
        }
    }

    /// Takes the first bytes of a file.
    pub(super) fn read(mut self, file: &File, size: u64) -> io::Result<Self> {
        let mut buffer = vec![0; 1 << 20];
        let mut offset = 0;
        while offset < size {
            let count = file.read_at(&mut buffer, offset)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.update(buffer.get(..count).unwrap_or_default());
            offset += count as u64;
        }
        Ok(self)
    }

    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        self.left = self.left.saturating_sub(bytes.len() as u64);
        while let Some(summing) = &mut self.summing {
            let end_of_part = usize::try_from(self.left_of_part).unwrap_or(usize::MAX);
            let Some((now, later)) = bytes.split_at_checked(end_of_part) else {
                summing.update(bytes);
                self.left_of_part -= bytes.len() as u64;
                return;
            };
            summing.update(now);
            bytes = later;
            self.left_of_part -= now.len() as u64;
            if !self.end_part() || bytes.is_empty() {
                return;
            }
        }
    }

    /// Takes over the checksum of a part; false when there are no parts.
    fn end_part(&mut self) -> bool {
        let (
            Expected::Composite {
                algorithm,
                part_size,
                ..
            },
            Some(of_parts),
            Some(summing),
        ) = (&self.expected, &mut self.of_parts, &mut self.summing)
        else {
            return false;
        };
        let ended = std::mem::replace(summing, Summing::new(*algorithm));
        of_parts.update(&ended.finish());
        self.left_of_part = *part_size;
        true
    }

    pub(super) fn finish(mut self, source: &ObjectAddress) -> Result<Verification, TransferError> {
        if let Expected::Composite { part_size, .. } = self.expected
            && self.left_of_part < part_size
        {
            // The last part, smaller than the others.
            self.end_part();
        }
        let base64 = |summing: Option<Summing>| {
            BASE64_STANDARD.encode(summing.map(Summing::finish).unwrap_or_default())
        };
        match self.expected {
            Expected::Unknown(why) => Ok(Verification::Unverified(why)),
            Expected::Full(algorithm, value) => {
                compare(source, algorithm, value, base64(self.summing))
                    .map(Verification::FullObject)
            }
            Expected::Composite {
                algorithm,
                value,
                parts,
                ..
            } => {
                let computed = format!("{}-{parts}", base64(self.of_parts));
                compare(source, algorithm, value, computed)
                    .map(|checksum| Verification::Parts { checksum, parts })
            }
        }
    }
}

fn compare(
    source: &ObjectAddress,
    algorithm: ChecksumAlgorithm,
    expected: String,
    computed: String,
) -> Result<Checksum, TransferError> {
    if expected == computed {
        return Ok(Checksum {
            algorithm: algorithm.to_string(),
            value: expected,
        });
    }
    Err(TransferError::ChecksumMismatch {
        place: format!("`{source}`"),
        algorithm: algorithm.to_string(),
        expected,
        computed,
    })
}

#[cfg(test)]
mod tests;
