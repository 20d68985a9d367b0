//! One part, sent until it is stored.
//!
//! A part may be sent twice: by a retry whose first attempt had arrived after all, or by a second
//! request that races the first. S3 keeps the one that arrived last, and each has its own entity tag
//! under a customer key. Which one it kept, the list of parts tells when completing is refused.

use aws_sdk_s3::operation::upload_part::UploadPartOutput;
use aws_sdk_s3::types::CompletedPart;
use futures::future::{Either, select};
use tokio::time::Instant;

use super::meter::PartMeter;
use super::reading::Part;
use super::request::once;
use super::{Sending, body};
use crate::confirmation::confirms;
use crate::engine::{Permit, Retries};
use crate::{Event, TransferError};

impl Sending<'_> {
    /// Sends a part; what completing needs of it.
    pub(super) async fn part(
        &self,
        upload_id: &str,
        part: &Part,
    ) -> Result<CompletedPart, TransferError> {
        let crc = part.crc.to_base64();
        let meter = self.meter.part();
        let mut retries = Retries::of_request(self.client);
        let answer = loop {
            match self.part_or_twice(upload_id, part, &crc, &meter).await {
                Ok(answer) => break answer,
                Err(error) => retries.after(error).await?,
            }
            self.events.on(Event::Retried {
                number: part.number,
            });
        };
        meter.complete(part.bytes.len());
        Ok(CompletedPart::builder()
            .part_number(number(part))
            .set_e_tag(answer.e_tag().map(str::to_owned))
            .set_checksum_crc64_nvme(answer.checksum_crc64_nvme().map(str::to_owned))
            .build())
    }

    /// Sends it once, and a second time beside that when it takes much longer than others.
    async fn part_or_twice(
        &self,
        upload_id: &str,
        part: &Part,
        crc: &str,
        meter: &PartMeter,
    ) -> Result<UploadPartOutput, TransferError> {
        let bytes = part.bytes.len();
        let cost = self.cost(bytes);
        let permit = self.engine.pace().permit(cost).await;
        let hedging = self.engine.hedging();
        let first = self.part_once(upload_id, part, crc, meter, permit);
        tokio::pin!(first);
        tokio::select! {
            biased;
            answer = &mut first => return answer,
            () = hedging.until_late(bytes, Instant::now()) => {}
        }
        let permit = match self.engine.pace().try_permit(cost) {
            Some(permit) if hedging.may_repeat(bytes) => permit,
            _ => return first.await,
        };
        tracing::debug!(part = part.number, "a late part is sent a second time");
        // Only one of the two counts for progress.
        let uncounted = PartMeter::default();
        let second = self.part_once(upload_id, part, crc, &uncounted, permit);
        tokio::pin!(second);
        match select(first, second).await {
            Either::Left((Err(_), other)) => other.await,
            Either::Right((Err(_), other)) => other.await,
            Either::Left((answer, _)) | Either::Right((answer, _)) => answer,
        }
    }

    async fn part_once(
        &self,
        upload_id: &str,
        part: &Part,
        crc: &str,
        meter: &PartMeter,
        permit: Permit,
    ) -> Result<UploadPartOutput, TransferError> {
        let request = self
            .client
            .upload_part()
            .bucket(self.destination.bucket.as_str())
            .key(&self.destination.key)
            .upload_id(upload_id)
            .part_number(number(part))
            .sse_customer_algorithm(self.key.algorithm())
            .sse_customer_key(self.key.expose_key())
            .sse_customer_key_md5(self.key.md5().to_string())
            .checksum_crc64_nvme(crc)
            .body(body::body(&part.bytes, meter))
            .customize()
            .disable_payload_signing()
            .config_override(once())
            .send();
        let answer = self
            .watched("UploadPart", permit, part.bytes.len(), meter, request)
            .await?;
        confirms(
            answer.sse_customer_algorithm(),
            answer.sse_customer_key_md5(),
            &self.key,
        )
        .map_err(|found| TransferError::SseCNotConfirmed {
            address: self.destination.clone(),
            version_id: None,
            found: format!("part {}: {found}", part.number),
        })?;
        match answer.checksum_crc64_nvme() {
            Some(answered) if answered != crc => Err(TransferError::ChecksumMismatch {
                place: format!("part {} of `{}`", part.number, self.destination),
                algorithm: crate::ChecksumAlgorithm::Crc64Nvme.to_string(),
                expected: crc.to_owned(),
                computed: answered.to_owned(),
            }),
            _ => Ok(answer),
        }
    }
}

fn number(part: &Part) -> i32 {
    i32::try_from(part.number).unwrap_or(i32::MAX)
}
