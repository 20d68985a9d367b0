//! One PUT.

use std::time::Duration;

use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::put_object::{PutObjectError, PutObjectOutput};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::meter::{INTERVAL, PartMeter};
use super::reading::{Part, Reading};
use super::{Sending, Stored, blocked, body};
use crate::confirmation::confirms;
use crate::error::{Asked, classify};
use crate::{Event, TransferError};

/// Patience for the answer to a body: a minute, and longer the larger it is. The SDK notices bodies
/// that stall; this is for servers that take all of it and never answer.
pub(super) fn patience(bytes: u64) -> aws_sdk_s3::config::Builder {
    const SLOWEST: u64 = 16 << 10;
    let limit = Duration::from_secs(60 + bytes / SLOWEST);
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(limit);
    aws_sdk_s3::Config::builder().timeout_config(timeouts.build())
}

/// Sends the whole content, which is this part, in one request.
pub(super) async fn put(
    sending: &Sending<'_>,
    mut reading: Reading,
    part: Part,
) -> Result<Stored, TransferError> {
    let content = reading.finish().await?;
    let meter = sending.meter.part();
    let crc = part.crc.to_base64();
    let mut denied = None;
    let answer = loop {
        let sent = send(sending, &part, &crc, &meter, denied.is_none()).await;
        let error = match sent.ok_or(TransferError::Interrupted)? {
            Ok(answer) => break answer,
            Err(error) => error,
        };
        reading.check_unchanged().await?;
        let asked = Asked::of_object("PutObject", sending.client, sending.destination);
        let error = classify(error, &asked);
        let error = blocked::explain(sending.client, sending.destination, error).await;
        match denied {
            None if sending.labels.worth_without_key_tag(&error) => denied = Some(error),
            // It was not for the tag: what was said first stands.
            Some(first) if matches!(error, TransferError::AccessDenied { .. }) => {
                return Err(first);
            }
            _ => return Err(error),
        }
    };
    sending.meter.tell(sending.events);
    for _ in 0..meter.retries() {
        sending.events.on(Event::Retried { number: 1 });
    }
    sending.events.on(Event::PartDone {
        number: 1,
        bytes: content.size,
    });
    sending.events.on(Event::Finishing);
    let version_id = answer.version_id().map(str::to_owned);
    confirms(
        answer.sse_customer_algorithm(),
        answer.sse_customer_key_md5(),
        &sending.key,
    )
    .map_err(|found| TransferError::SseCNotConfirmed {
        address: sending.destination.clone(),
        version_id: version_id.clone(),
        found,
    })?;
    sending.compare_checksum(&crc, answer.checksum_crc64_nvme())?;
    if answer.checksum_crc64_nvme().is_none() {
        // Nobody has compared what was sent with what was summed.
        reading.check_unchanged().await?;
    }
    Ok(Stored {
        version_id,
        etag: unquoted(answer.e_tag()),
        parts: None,
        content,
        tag_denied: denied.is_some(),
    })
}

/// The request itself; `None` if the upload was cancelled.
async fn send(
    sending: &Sending<'_>,
    part: &Part,
    crc: &str,
    meter: &PartMeter,
    with_key_tag: bool,
) -> Option<Result<PutObjectOutput, SdkError<PutObjectError, HttpResponse>>> {
    let request = sending
        .client
        .put_object()
        .bucket(sending.destination.bucket.as_str())
        .key(&sending.destination.key)
        .content_type(&sending.labels.content_type)
        .set_cache_control(sending.labels.headers.cache_control.clone())
        .set_content_disposition(sending.labels.headers.content_disposition.clone())
        .set_content_encoding(sending.labels.headers.content_encoding.clone())
        .set_content_language(sending.labels.headers.content_language.clone())
        .set_expires(sending.labels.headers.expires())
        .set_storage_class(sending.labels.headers.storage_class())
        .set_website_redirect_location(sending.labels.headers.website_redirect.clone())
        .set_metadata(sending.labels.metadata.clone())
        .set_tagging(sending.labels.tagging(with_key_tag))
        .sse_customer_algorithm(sending.key.algorithm())
        .sse_customer_key(sending.key.expose_key())
        .sse_customer_key_md5(sending.key.md5().to_string())
        .checksum_crc64_nvme(crc)
        .set_if_none_match(sending.if_none_match.then(|| "*".to_owned()))
        .body(body::body(&part.bytes, meter))
        .customize()
        .disable_payload_signing()
        .config_override(patience(part.bytes.len()))
        .send();
    let answered = async {
        tokio::pin!(request);
        let mut ticks = tokio::time::interval(INTERVAL);
        loop {
            tokio::select! {
                biased;
                answer = &mut request => return answer,
                _ = ticks.tick() => sending.meter.tell(sending.events),
            }
        }
    };
    sending.cancel.run_until_cancelled(answered).await
}

/// S3 gives entity tags in quotes.
pub(super) fn unquoted(etag: Option<&str>) -> String {
    etag.unwrap_or_default().trim_matches('"').to_owned()
}

impl Sending<'_> {
    /// Compares the checksum of the whole with what S3 answered; tells when it answered none.
    pub(super) fn compare_checksum(
        &self,
        sent: &str,
        answered: Option<&str>,
    ) -> Result<(), TransferError> {
        match answered {
            Some(answered) if answered == sent => Ok(()),
            Some(answered) => Err(TransferError::ChecksumMismatch {
                place: format!("`{}` as S3 stored it", self.destination),
                algorithm: crate::ChecksumAlgorithm::Crc64Nvme.to_string(),
                expected: sent.to_owned(),
                computed: answered.to_owned(),
            }),
            None => {
                self.events.on(Event::ChecksumUnconfirmed);
                Ok(())
            }
        }
    }
}
