//! One PUT.

use aws_sdk_s3::operation::put_object::PutObjectOutput;

use tokio::time::Instant;

use super::labels::labelled;
use super::meter::{INTERVAL, PartMeter};
use super::reading::{Content, Part, Reading};
use super::request::once;
use super::{Sending, Stored, blocked, body, multipart};
use crate::confirmation::confirms;
use crate::engine::Retries;
use crate::{Event, TransferError};

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
    let mut retries = Retries::of_request(sending.client);
    let (version_id, etag) = loop {
        let sent = send(sending, &part, &crc, &meter, denied.is_none()).await;
        let error = match sent.and_then(|answer| check(sending, &answer, &crc)) {
            Ok(Checked {
                version_id,
                etag,
                compared,
            }) => {
                if !compared {
                    // Nobody has compared what was sent with what was summed.
                    reading.check_unchanged().await?;
                    sending.events.on(Event::ChecksumUnconfirmed);
                }
                break (version_id, etag);
            }
            Err(error) => error,
        };
        reading.check_unchanged().await?;
        if retries.any()
            && let Some(ours) = stored_before(sending, &error, &content, &crc).await?
        {
            break ours;
        }
        let error = blocked::explain(sending.client, sending.destination, error).await;
        match denied {
            None if sending.labels.worth_without_key_tag(&error) => {
                denied = Some(error);
                continue;
            }
            // It was not for the tag: what was said first stands.
            Some(first) if matches!(error, TransferError::AccessDenied { .. }) => {
                return Err(first);
            }
            _ => {}
        }
        let another = retries.after(error);
        match sending.cancel.run_until_cancelled(another).await {
            Some(another) => another?,
            None => return Err(TransferError::Interrupted),
        }
        sending.events.on(Event::Retried { number: 1 });
    };
    meter.complete(content.size);
    sending.meter.tell(sending.events);
    sending.events.on(Event::PartDone {
        number: 1,
        bytes: content.size,
    });
    sending.events.on(Event::Finishing);
    Ok(Stored {
        version_id,
        etag,
        parts: None,
        content,
        tag_denied: denied.is_some(),
    })
}

/// What was answered, and whether the server compared the checksum.
struct Checked {
    version_id: Option<String>,
    etag: String,
    compared: bool,
}

fn check(
    sending: &Sending<'_>,
    answer: &PutObjectOutput,
    crc: &str,
) -> Result<Checked, TransferError> {
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
    let answered = answer.checksum_crc64_nvme();
    sending.same_checksum(crc, answered)?;
    Ok(Checked {
        version_id,
        etag: unquoted(answer.e_tag()),
        compared: answered.is_some(),
    })
}

/// The object that stands in the way, if an earlier attempt made it and its answer was lost: version
/// id and entity tag.
async fn stored_before(
    sending: &Sending<'_>,
    error: &TransferError,
    content: &Content,
    crc: &str,
) -> Result<Option<(Option<String>, String)>, TransferError> {
    if !matches!(error, TransferError::ObjectExists { .. }) {
        return Ok(None);
    }
    let made = multipart::made(sending, content.size).await?;
    Ok(made
        .filter(|made| made.crc == crc && made.has_labels)
        .map(|made| (made.version_id, made.etag)))
}

/// The request itself.
async fn send(
    sending: &Sending<'_>,
    part: &Part,
    crc: &str,
    meter: &PartMeter,
    with_key_tag: bool,
) -> Result<PutObjectOutput, TransferError> {
    let bytes = part.bytes.len();
    let answered = async {
        let permit = sending.engine.pace().permit(sending.cost(bytes)).await;
        let request = sending.client.put_object();
        let request = labelled!(request, sending.labels, with_key_tag)
            .bucket(sending.destination.bucket.as_str())
            .key(&sending.destination.key)
            .sse_customer_algorithm(sending.key.algorithm())
            .sse_customer_key(sending.key.expose_key())
            .sse_customer_key_md5(sending.key.md5().to_string())
            .checksum_crc64_nvme(crc)
            .set_if_none_match(sending.if_none_match.then(|| "*".to_owned()))
            .body(body::body(&part.bytes, meter))
            .customize()
            .disable_payload_signing()
            .config_override(once())
            .send();
        let request = sending.watched("PutObject", permit, bytes, meter, request);
        tokio::pin!(request);
        let mut ticks = tokio::time::interval_at(Instant::now() + INTERVAL, INTERVAL);
        loop {
            tokio::select! {
                biased;
                answer = &mut request => return answer,
                _ = ticks.tick() => sending.meter.tell(sending.events),
            }
        }
    };
    let answer = sending.cancel.run_until_cancelled(answered).await;
    answer.unwrap_or(Err(TransferError::Interrupted))
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
        if answered.is_none() {
            self.events.on(Event::ChecksumUnconfirmed);
        }
        self.same_checksum(sent, answered)
    }

    fn same_checksum(&self, sent: &str, answered: Option<&str>) -> Result<(), TransferError> {
        match answered {
            Some(answered) if answered != sent => Err(TransferError::ChecksumMismatch {
                place: format!("`{}` as S3 stored it", self.destination),
                algorithm: crate::ChecksumAlgorithm::Crc64Nvme.to_string(),
                expected: sent.to_owned(),
                computed: answered.to_owned(),
            }),
            _ => Ok(()),
        }
    }
}
