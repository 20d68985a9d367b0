//! Several parts in flight, then one object.
//!
//! Whatever goes wrong, and when the upload is cancelled, the multipart upload is aborted: stored
//! parts cost money and are listed nowhere that people look. Only an upload that is remembered stays,
//! where the trouble may pass.
//! AWS: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html>.

use std::time::Duration;

use aws_sdk_s3::operation::create_multipart_upload::CreateMultipartUploadOutput;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumType, CompletedPart};
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::time::Instant;

use super::labels::labelled;
use super::meter::INTERVAL;
use super::reading::{Content, Part, Reading};
use super::resuming::{Continued, Cut};
use super::trial::trial;
use super::unfinished::Unfinished;
use super::{Sending, Stored, blocked, lost_tags};
use crate::confirmation::confirms;
use crate::error::{Asked, classify};
use crate::{Event, PartLayout, TransferError};

mod abort;
mod complete;
mod there;

use complete::Completed;
pub(super) use there::{There, listed, made};

/// How long a cancelled upload waits for the answer that tells its id.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long parts in flight may take to arrive when an upload that is kept is cancelled.
const GRACE: Duration = Duration::from_secs(5);

/// A multipart upload that was begun.
struct Begun<'a> {
    sending: &'a Sending<'a>,
    id: String,
    /// Whether it was begun without the key's tag because tags were refused.
    tag_denied: bool,
    unfinished: Option<&'a Unfinished>,
    /// Parts that an earlier run has sent.
    there: There,
}

/// Sends the content, of which the first part has been read already, in parts.
pub(super) async fn put(
    sending: &Sending<'_>,
    mut reading: Reading,
    first: Part,
    cut: Cut,
    unfinished: Option<&Unfinished>,
    continued: Option<Continued>,
) -> Result<Stored, TransferError> {
    let was_continued = continued.is_some();
    let begun = match continued {
        Some(Continued { begun, there }) => Begun {
            sending,
            id: begun.upload_id,
            tag_denied: begun.key_tag_denied,
            unfinished,
            there,
        },
        None => begin(sending, unfinished).await?,
    };
    let sent = begun.send_parts(&mut reading, first, cut.concurrency).await;
    let (parts, content) = match sent {
        Ok(sent) => sent,
        Err(error) => {
            let error = match error {
                TransferError::Interrupted => error,
                // A file that changes makes parts fail in many ways.
                other => reading.check_unchanged().await.err().unwrap_or(other),
            };
            drop(reading);
            return Err(begun.stop(error).await);
        }
    };
    sending.events.on(Event::Finishing);
    let count = u32::try_from(parts.len()).unwrap_or(u32::MAX);
    match begun.complete(parts, &content).await {
        Ok(Completed {
            version_id,
            mut etag,
            is_confirmed,
        }) => {
            begun.forget().await;
            if etag.is_empty() {
                // Ceph's gateway has the field, and nothing in it.
                etag = there::etag_of(sending, version_id.as_deref()).await;
            }
            if !is_confirmed {
                let with_key_tag = !begun.tag_denied;
                lost_tags::put_back(sending, version_id.as_deref(), with_key_tag).await?;
            }
            if was_continued
                && let Some(version_id) = &version_id
                && there::is_superseded(sending, version_id).await
            {
                sending.events.on(Event::NotCurrent);
            }
            Ok(Stored {
                version_id,
                etag,
                parts: Some(PartLayout {
                    part_size: cut.part_size,
                    count,
                }),
                content,
                tag_denied: begun.tag_denied,
            })
        }
        Err(complete::Failed::Undone(error)) => Err(begun.stop(error).await),
        Err(complete::Failed::Stored(error)) => {
            begun.forget().await;
            Err(error)
        }
    }
}

async fn begin<'a>(
    sending: &'a Sending<'a>,
    unfinished: Option<&'a Unfinished>,
) -> Result<Begun<'a>, TransferError> {
    if let Some(unfinished) = unfinished {
        unfinished.intend().await;
    }
    let answer = create_with_or_without_key_tag(sending).await;
    if let (Some(unfinished), Err(error)) = (unfinished, &answer)
        && !error.may_pass()
    {
        unfinished.forget().await;
    }
    let (answer, tag_denied) = answer?;
    let Some(id) = answer.upload_id().map(str::to_owned) else {
        return Err(TransferError::UnexpectedAnswer {
            operation: "CreateMultipartUpload",
            what: "there is no upload id".to_owned(),
        });
    };
    let begun = Begun {
        sending,
        id,
        tag_denied,
        unfinished,
        there: There::new(),
    };
    if let Err(error) = confirm_beginning(sending, &answer, &begun.id).await {
        return Err(begun.stop(error).await);
    }
    if let Some(unfinished) = unfinished {
        unfinished.begun(&begun.id, tag_denied).await;
    }
    Ok(begun)
}

/// Begins the upload, without the key's tag where tags are refused; whether it is so.
async fn create_with_or_without_key_tag(
    sending: &Sending<'_>,
) -> Result<(CreateMultipartUploadOutput, bool), TransferError> {
    let mut denied = None;
    loop {
        let error = match create(sending, denied.is_none()).await {
            Ok(answer) => return Ok((answer, denied.is_some())),
            Err(error) => error,
        };
        match denied {
            None if sending.labels.worth_without_key_tag(&error) => denied = Some(error),
            // It was not for the tag: what was said first stands.
            Some(first) if matches!(error, TransferError::AccessDenied { .. }) => {
                return Err(first);
            }
            _ => return Err(error),
        }
    }
}

async fn create(
    sending: &Sending<'_>,
    with_key_tag: bool,
) -> Result<CreateMultipartUploadOutput, TransferError> {
    let request = sending.client.create_multipart_upload();
    let request = labelled!(request, sending.labels, with_key_tag)
        .bucket(sending.destination.bucket.as_str())
        .key(&sending.destination.key)
        .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
        .checksum_type(ChecksumType::FullObject)
        .sse_customer_algorithm(sending.key.algorithm())
        .sse_customer_key(sending.key.expose_key())
        .sse_customer_key_md5(sending.key.md5().to_string());
    // An upload whose id is not known cannot be aborted, so a cancelled one waits for its id a while.
    let request = request.send();
    tokio::pin!(request);
    let too_late = async {
        sending.cancel.cancelled().await;
        tokio::time::sleep(PATIENCE).await;
    };
    let answer = tokio::select! {
        biased;
        answer = &mut request => answer,
        () = too_late => return Err(TransferError::Interrupted),
    };
    match answer {
        Ok(answer) => Ok(answer),
        Err(error) => {
            let asked =
                Asked::of_object("CreateMultipartUpload", sending.client, sending.destination);
            let error = classify(error, &asked);
            Err(blocked::explain(sending.client, sending.destination, error).await)
        }
    }
}

/// Checked before any content is sent, so that a server without SSE-C gets none.
async fn confirm_beginning(
    sending: &Sending<'_>,
    answer: &CreateMultipartUploadOutput,
    upload_id: &str,
) -> Result<(), TransferError> {
    let md5 = answer.sse_customer_key_md5();
    let Err(found) = confirms(answer.sse_customer_algorithm(), md5, &sending.key) else {
        return Ok(());
    };
    let what = format!("{found}, so no content was sent");
    if md5.is_none() {
        let (client, address) = (sending.client, sending.destination);
        return trial(client, address, upload_id, &sending.key, &what).await;
    }
    Err(TransferError::UnexpectedAnswer {
        operation: "CreateMultipartUpload",
        what,
    })
}

impl Begun<'_> {
    /// Sends all parts; the answers in order of part number.
    async fn send_parts(
        &self,
        reading: &mut Reading,
        first: Part,
        concurrency: usize,
    ) -> Result<(Vec<CompletedPart>, Content), TransferError> {
        let mut done = Vec::new();
        let mut content = None;
        let mut in_flight = FuturesUnordered::new();
        let mut ticks = tokio::time::interval(INTERVAL);
        let mut deadline = None;
        match self.there_already(&first) {
            Some(part) => done.push(part),
            None => in_flight.push(self.send_part(first)),
        }
        loop {
            let may_read = content.is_none() && deadline.is_none() && in_flight.len() < concurrency;
            tokio::select! {
                biased;
                () = self.sending.cancel.cancelled(), if deadline.is_none() => {
                    let grace = if self.is_kept() { GRACE } else { Duration::ZERO };
                    deadline = Some(Instant::now() + grace);
                }
                Some(part) = in_flight.next(), if !in_flight.is_empty() => done.push(part?),
                part = reading.next(), if may_read => match part {
                    Some(part) => match self.there_already(&part) {
                        Some(part) => done.push(part),
                        None => in_flight.push(self.send_part(part)),
                    },
                    None => content = Some(reading.finish().await?),
                },
                _ = ticks.tick() => self.sending.meter.tell(self.sending.events),
            }
            if deadline.is_some_and(|end| in_flight.is_empty() || Instant::now() >= end) {
                return Err(TransferError::Interrupted);
            }
            if in_flight.is_empty()
                && let Some(content) = content.take()
            {
                self.sending.meter.tell(self.sending.events);
                reading.check_unchanged().await?;
                done.sort_unstable_by_key(|part: &CompletedPart| part.part_number());
                return Ok((done, content));
            }
        }
    }

    /// The part as an earlier run has sent it, if it is what it should be.
    fn there_already(&self, part: &Part) -> Option<CompletedPart> {
        let there = self.there.get(&part.number)?;
        let bytes = part.bytes.len();
        let crc = part.crc.to_base64();
        if there.size != bytes || there.crc.as_deref() != Some(&crc) {
            if let Some(unfinished) = self.unfinished {
                unfinished.take_off(there.size);
            }
            return None;
        }
        self.sending.events.on(Event::AlreadyThere { bytes });
        let part = CompletedPart::builder()
            .part_number(i32::try_from(part.number).unwrap_or(i32::MAX))
            .set_e_tag(there.etag.clone())
            .checksum_crc64_nvme(crc);
        Some(part.build())
    }

    async fn send_part(&self, part: Part) -> Result<CompletedPart, TransferError> {
        let done = self.sending.part(&self.id, &part).await?;
        let bytes = part.bytes.len();
        if let Some(unfinished) = self.unfinished {
            unfinished.add(bytes);
        }
        self.sending.events.on(Event::PartDone {
            number: part.number,
            bytes,
        });
        Ok(done)
    }
}
