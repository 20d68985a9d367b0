//! Which parts the server has, and whether it has made the object of them.

use std::collections::BTreeMap;

use aws_sdk_s3::types::ChecksumMode;

use crate::TransferError;
use crate::confirmation::confirms;
use crate::error::{Asked, classify, is_status};
use crate::upload::Sending;
use crate::upload::single::unquoted;

/// A part that the server has.
pub(in crate::upload) struct ListedPart {
    pub(in crate::upload) size: u64,
    /// Absent where the server keeps none; the part is then sent again.
    pub(super) crc: Option<String>,
    pub(super) etag: Option<String>,
}

/// Parts by their numbers.
pub(in crate::upload) type There = BTreeMap<u32, ListedPart>;

/// The parts of an upload; `None` if there is no such upload.
pub(in crate::upload) async fn listed(
    sending: &Sending<'_>,
    upload_id: &str,
) -> Result<Option<There>, TransferError> {
    let mut there = There::new();
    let mut marker: Option<String> = None;
    loop {
        let request = sending
            .client
            .list_parts()
            .bucket(sending.destination.bucket.as_str())
            .key(&sending.destination.key)
            .upload_id(upload_id)
            .set_part_number_marker(marker.clone())
            .sse_customer_algorithm(sending.key.algorithm())
            .sse_customer_key(sending.key.expose_key())
            .sse_customer_key_md5(sending.key.md5().to_string())
            .send();
        let Some(answer) = sending.cancel.run_until_cancelled(request).await else {
            return Err(TransferError::Interrupted);
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) if is_status(&error, 404) => {
                let asked = Asked::of_object("ListParts", sending.client, sending.destination);
                return match classify(error, &asked) {
                    error @ TransferError::NoSuchBucket { .. } => Err(error),
                    _ => Ok(None),
                };
            }
            Err(error) => {
                let asked = Asked::of_object("ListParts", sending.client, sending.destination);
                return Err(match classify(error, &asked) {
                    TransferError::AccessDenied { answer, .. } => TransferError::PartsNotListed {
                        address: sending.destination.clone(),
                        answer,
                    },
                    other => other,
                });
            }
        };
        for part in answer.parts() {
            let number = part.part_number().and_then(|number| number.try_into().ok());
            let size = part.size().and_then(|size| size.try_into().ok());
            if let (Some(number), Some(size)) = (number, size) {
                let part = ListedPart {
                    size,
                    crc: part.checksum_crc64_nvme().map(str::to_owned),
                    etag: part.e_tag().map(str::to_owned),
                };
                there.insert(number, part);
            }
        }
        let next = answer.next_part_number_marker().map(str::to_owned);
        // A server that says the same again would be asked for ever.
        if answer.is_truncated() != Some(true) || next.is_none() || next == marker {
            return Ok(Some(there));
        }
        marker = next;
    }
}

/// Whether a version is certainly not the current one. Without permission to look it is not certain.
pub(super) async fn is_superseded(sending: &Sending<'_>, version_id: &str) -> bool {
    let head = sending
        .client
        .head_object()
        .bucket(sending.destination.bucket.as_str())
        .key(&sending.destination.key)
        .sse_customer_algorithm(sending.key.algorithm())
        .sse_customer_key(sending.key.expose_key())
        .sse_customer_key_md5(sending.key.md5().to_string())
        .send()
        .await;
    match head {
        Ok(head) => head
            .version_id()
            .is_some_and(|current| current != version_id),
        // It is under no key, or there is a delete marker.
        Err(error) => is_status(&error, 400) || is_status(&error, 404),
    }
}

/// The entity tag of an object that was made; empty where it may not be asked for.
pub(super) async fn etag_of(sending: &Sending<'_>, version_id: Option<&str>) -> String {
    let head = sending
        .client
        .head_object()
        .bucket(sending.destination.bucket.as_str())
        .key(&sending.destination.key)
        .set_version_id(version_id.map(str::to_owned))
        .sse_customer_algorithm(sending.key.algorithm())
        .sse_customer_key(sending.key.expose_key())
        .sse_customer_key_md5(sending.key.md5().to_string())
        .send()
        .await;
    head.map_or_else(|_| String::new(), |head| unquoted(head.e_tag()))
}

/// An object that was perhaps made of the parts.
pub(in crate::upload) struct Made {
    pub(in crate::upload) version_id: Option<String>,
    pub(in crate::upload) etag: String,
    pub(in crate::upload) crc: String,
    /// Whether its media type and metadata are those of the upload.
    pub(in crate::upload) has_labels: bool,
}

/// Looks for an object of this size under our key that has a checksum.
pub(in crate::upload) async fn made(
    sending: &Sending<'_>,
    size: u64,
) -> Result<Option<Made>, TransferError> {
    let head = sending
        .client
        .head_object()
        .bucket(sending.destination.bucket.as_str())
        .key(&sending.destination.key)
        .checksum_mode(ChecksumMode::Enabled)
        .sse_customer_algorithm(sending.key.algorithm())
        .sse_customer_key(sending.key.expose_key())
        .sse_customer_key_md5(sending.key.md5().to_string())
        .send();
    let head = match sending.cancel.run_until_cancelled(head).await {
        None => return Err(TransferError::Interrupted),
        Some(Ok(head)) => head,
        Some(Err(error)) => {
            let asked = Asked::of_object("HeadObject", sending.client, sending.destination);
            return match classify(error, &asked) {
                error if error.may_pass() => Err(error),
                _ => Ok(None),
            };
        }
    };
    let labels = &sending.labels;
    let same = head.content_length() == i64::try_from(size).ok()
        && confirms(
            head.sse_customer_algorithm(),
            head.sse_customer_key_md5(),
            &sending.key,
        )
        .is_ok();
    let has_labels = head.content_type() == Some(labels.content_type.as_str())
        && head.metadata().cloned().unwrap_or_default()
            == labels.metadata.clone().unwrap_or_default();
    let crc = head.checksum_crc64_nvme().filter(|_| same);
    Ok(crc.map(|crc| Made {
        version_id: head.version_id().map(str::to_owned),
        etag: unquoted(head.e_tag()),
        crc: crc.to_owned(),
        has_labels,
    }))
}
