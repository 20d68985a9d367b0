//! The object that has the name already.
//!
//! A HEAD needs the key that the object is under (S3-XFER-2), so an object under another key is seen
//! only as a refusal: it is another object then, and whether it may be overwritten is left to the
//! server's own condition.

use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::head_object::{HeadObjectError, HeadObjectOutput};
use aws_sdk_s3::types::ChecksumMode;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use jiff::Timestamp;

use super::resuming::Cut;
use super::single::unquoted;
use super::source::Source;
use super::{Sending, Stored};
use crate::confirmation::confirms;
use crate::error::{Asked, classify, explain_bodyless, is_status};
use crate::{Event, TransferError};

/// An object with the very content that was to be sent.
pub(super) struct Same {
    pub(super) stored: Stored,
    pub(super) last_modified: Option<Timestamp>,
}

/// Refuses where there is an object, before anything is sent. The server's condition is what counts
/// in the end.
pub(super) async fn refuse(sending: &Sending<'_>) -> Result<(), TransferError> {
    match look(sending).await? {
        Some(_) => Err(TransferError::ObjectExists {
            address: sending.destination.clone(),
        }),
        None => Ok(()),
    }
}

/// The object, if it has the content of the file and our key. A stream cannot be read twice and is
/// always sent.
pub(super) async fn same(
    sending: &Sending<'_>,
    source: Option<Source>,
    cut: Cut,
) -> Result<Option<Same>, TransferError> {
    let Some((source, size)) = source.and_then(|source| {
        let size = source.size()?;
        Some((source, size))
    }) else {
        return Ok(None);
    };
    let Some(head) = look(sending).await? else {
        return Ok(None);
    };
    let is_ours = confirms(
        head.sse_customer_algorithm(),
        head.sse_customer_key_md5(),
        &sending.key,
    )
    .is_ok();
    let Some(crc) = head.checksum_crc64_nvme() else {
        return Ok(None);
    };
    if !is_ours || head.content_length() != i64::try_from(size).ok() {
        return Ok(None);
    }
    let mut reading = cut.read(sending, source);
    let read = async {
        while reading.next().await.is_some() {}
        reading.finish().await
    };
    let read = sending.cancel.run_until_cancelled(read).await;
    let content = read.unwrap_or(Err(TransferError::Interrupted))?;
    if content.crc.to_base64() != crc {
        return Ok(None);
    }
    sending.events.on(Event::AlreadyThere { bytes: size });
    Ok(Some(Same {
        last_modified: head
            .last_modified()
            .and_then(|time| Timestamp::new(time.secs(), 0).ok()),
        stored: Stored {
            version_id: head.version_id().map(str::to_owned),
            etag: unquoted(head.e_tag()),
            parts: None,
            content,
            tag_denied: false,
        },
    }))
}

/// What there is under the name, as far as it shows itself to our key.
async fn look(sending: &Sending<'_>) -> Result<Option<HeadObjectOutput>, TransferError> {
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
    match sending.cancel.run_until_cancelled(head).await {
        None => Err(TransferError::Interrupted),
        Some(Ok(head)) => Ok(Some(head)),
        Some(Err(error)) if is_status(&error, 404) => Ok(None),
        Some(Err(error)) => refused(sending, error).await.map(|()| None),
    }
}

/// Only an object under another key, or a missing permission to look, is no reason to give up.
async fn refused(
    sending: &Sending<'_>,
    error: SdkError<HeadObjectError, HttpResponse>,
) -> Result<(), TransferError> {
    let asked = Asked::of_object("HeadObject", sending.client, sending.destination);
    match explain_bodyless(&asked, classify(error, &asked)).await {
        TransferError::AccessDenied { .. }
        | TransferError::WrongKey { .. }
        | TransferError::NotCustomerEncrypted { .. }
        | TransferError::MissingKey { .. } => Ok(()),
        TransferError::Service { answer, .. } if answer.status == 400 => Ok(()),
        error => Err(error),
    }
}
