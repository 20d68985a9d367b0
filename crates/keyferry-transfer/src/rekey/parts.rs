//! UploadPartCopy: an object in parts, under the part boundaries that it has.
//!
//! An upload in parts takes nothing over from the source but content, so everything else is given
//! when it is begun. Its checksum is of the source's algorithm and kind; a full-object one goes with
//! the completion, so that S3 itself compares the whole.

mod begin;

use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use futures::future::FutureExt;
use futures::stream::StreamExt;

use super::Rekeyer;
use super::copy::{
    Attempt, Replaces, may_have_happened, patience, quoted, says_changed, source_of,
};
use super::facts::{set_sum, sum_of, sums};
use super::layout::Part;
use super::look::Found;
use super::reissue::Given;
use crate::abort::{Aborted, try_abort};
use crate::confirmation::confirms;
use crate::error::{Asked, classify};
use crate::{Event, ObjectAddress, TransferError};

pub(super) use begin::Upload;
use begin::kind;

/// How many parts of one object are under way at once.
const AT_ONCE: usize = 8;

/// An object that is copied in parts.
pub(super) struct InParts<'a> {
    pub(super) address: &'a ObjectAddress,
    pub(super) found: &'a Found,
    pub(super) given: &'a Given,
    pub(super) replaces: Replaces<'a>,
    pub(super) parts: Vec<Part>,
}

/// Why an upload in parts did not become an object.
enum Stopped {
    /// The object is not what it was any more.
    Changed,
    Failed(TransferError),
}

impl Rekeyer<'_> {
    /// Copies a version under the new key, part by part: onto its own object, or to another. `upload` is one that an
    /// earlier run had begun.
    pub(super) async fn copy_in_parts(
        &self,
        object: &InParts<'_>,
        upload: Option<Upload>,
    ) -> Result<Attempt, TransferError> {
        let continued = upload.is_some();
        let upload = match upload {
            Some(upload) => upload,
            None => self.begin(object).await?,
        };
        let stopped = match self.copy_parts(object, &upload).await {
            Ok(parts) => match self.complete(object, &upload, parts).await {
                Ok(attempt) => {
                    self.unfinished.over(upload.entry).await?;
                    return Ok(attempt);
                }
                Err(stopped) => stopped,
            },
            Err(stopped) => stopped,
        };
        match stopped {
            Stopped::Changed => {
                self.drop_upload(object.address, upload.entry).await?;
                Ok(Attempt::Changed)
            }
            // The parts of an earlier run were not what they should be: once more from the start.
            Stopped::Failed(TransferError::DamagedOnTheWay { .. }) if continued => {
                self.drop_upload(object.address, upload.entry).await?;
                Ok(Attempt::Changed)
            }
            // Aborting would not be heard either. The next run goes on with it.
            Stopped::Failed(error) if is_transient(&error) => {
                self.left_for_later().insert(object.address.key.clone());
                Err(error)
            }
            Stopped::Failed(error) => match self.drop_upload(object.address, upload.entry).await {
                Err(TransferError::LeftBehind { left, .. }) => Err(TransferError::LeftBehind {
                    cause: Box::new(error),
                    left,
                }),
                Err(other) => Err(other),
                Ok(()) => Err(error),
            },
        }
    }

    async fn copy_parts(
        &self,
        object: &InParts<'_>,
        upload: &Upload,
    ) -> Result<Vec<CompletedPart>, Stopped> {
        let mut copied = futures::stream::iter(object.parts.clone())
            .map(|part| self.copy_or_keep(object, upload, part).boxed())
            .buffered(AT_ONCE);
        let mut completed = Vec::with_capacity(object.parts.len());
        while let Some(part) = copied.next().await {
            completed.push(part?);
        }
        Ok(completed)
    }

    /// A part that is there already, or a copy of it.
    async fn copy_or_keep(
        &self,
        object: &InParts<'_>,
        upload: &Upload,
        part: Part,
    ) -> Result<CompletedPart, Stopped> {
        if self.cancel.is_cancelled() {
            return Err(Stopped::Failed(TransferError::Interrupted));
        }
        let completed = match upload.there.get(&part.number) {
            Some(there) => there.clone(),
            None => self.copy_part(object, upload, &part).await?,
        };
        self.observer.on(Event::Advanced { bytes: part.size });
        Ok(completed)
    }

    async fn copy_part(
        &self,
        object: &InParts<'_>,
        upload: &Upload,
        part: &Part,
    ) -> Result<CompletedPart, Stopped> {
        let (address, facts) = (object.address, &object.found.facts);
        let source_key = object.found.source_headers();
        let answer = self
            .client
            .upload_part_copy()
            .bucket(address.bucket.as_str())
            .key(&address.key)
            .upload_id(&upload.id)
            .part_number(part.number)
            .copy_source(source_of(
                &object.found.address,
                facts.version_id.as_deref(),
            ))
            .copy_source_if_match(quoted(&facts.etag))
            .set_copy_source_range(part.range(facts.size))
            .set_copy_source_sse_customer_algorithm(
                source_key.map(|key| key.algorithm().to_owned()),
            )
            .set_copy_source_sse_customer_key(source_key.map(|key| key.expose_key().to_owned()))
            .set_copy_source_sse_customer_key_md5(source_key.map(|key| key.md5().to_string()))
            .sse_customer_algorithm(self.new_key.algorithm())
            .sse_customer_key(self.new_key.expose_key())
            .sse_customer_key_md5(self.new_key.md5().to_string())
            .customize()
            .config_override(patience(part.size))
            .send()
            .await;
        let answer = answer.map_err(|error| {
            if says_changed(&error) {
                return Stopped::Changed;
            }
            let asked = Asked::of_object("UploadPartCopy", self.client, address);
            Stopped::Failed(classify(error, &asked.version(facts.version_id.as_deref())))
        })?;
        let failed = |error| Err(Stopped::Failed(error));
        if let Err(found) = confirms(
            answer.sse_customer_algorithm(),
            answer.sse_customer_key_md5(),
            &self.new_key,
        ) {
            return failed(TransferError::SseCNotConfirmed {
                address: address.clone(),
                version_id: None,
                found: format!("part {}: {found}", part.number),
            });
        }
        let algorithm = facts
            .checksum
            .as_ref()
            .map_or("CRC64NVME", |sum| sum.algorithm);
        let result = answer.copy_part_result();
        let sum = result.and_then(|result| sum_of(sums!(result), algorithm));
        let Some(etag) = result.and_then(|result| result.e_tag()) else {
            return failed(TransferError::UnexpectedAnswer {
                operation: "UploadPartCopy",
                what: "it names no entity tag".to_owned(),
            });
        };
        if let (Some(expected), Some(computed)) = (&part.checksum, &sum)
            && expected != computed
        {
            return failed(TransferError::ChecksumMismatch {
                place: format!("part {} of `{address}`", part.number),
                algorithm: algorithm.to_owned(),
                expected: expected.clone(),
                computed: computed.clone(),
            });
        }
        let completed = CompletedPart::builder()
            .part_number(part.number)
            .e_tag(etag);
        Ok(set_sum!(completed, algorithm, sum).build())
    }

    async fn complete(
        &self,
        object: &InParts<'_>,
        upload: &Upload,
        parts: Vec<CompletedPart>,
    ) -> Result<Attempt, Stopped> {
        let (address, facts) = (object.address, &object.found.facts);
        let count = u32::try_from(parts.len()).unwrap_or(u32::MAX);
        let sum = facts.checksum.as_ref();
        let request = self
            .client
            .complete_multipart_upload()
            .bucket(address.bucket.as_str())
            .key(&address.key)
            .upload_id(&upload.id)
            .multipart_upload(
                CompletedMultipartUpload::builder()
                    .set_parts(Some(parts))
                    .build(),
            )
            .checksum_type(kind(sum))
            .set_mpu_object_size(i64::try_from(facts.size).ok())
            .set_if_match(object.replaces.map(quoted))
            .sse_customer_algorithm(self.new_key.algorithm())
            .sse_customer_key(self.new_key.expose_key())
            .sse_customer_key_md5(self.new_key.md5().to_string());
        let request = match sum.filter(|sum| !sum.is_composite) {
            Some(sum) => set_sum!(request, sum.algorithm, Some(sum.value.clone())),
            None => request,
        };
        let answer = request
            .customize()
            .config_override(patience(facts.size))
            .send()
            .await;
        let error = match answer {
            Ok(answer) if answer.e_tag().is_some() => {
                return Ok(Attempt::Made {
                    version_id: answer.version_id().map(str::to_owned),
                    parts: Some(count),
                });
            }
            Ok(_) => TransferError::UnexpectedAnswer {
                operation: "CompleteMultipartUpload",
                what: "it names no entity tag".to_owned(),
            },
            Err(error) if says_changed(&error) => return Err(Stopped::Changed),
            Err(error) => {
                let asked = Asked::of_object("CompleteMultipartUpload", self.client, address);
                classify(error, &asked)
            }
        };
        // An upload that is gone although nobody aborted it was completed.
        if may_have_happened(&error)
            && let Ok(Aborted::Gone) = try_abort(self.client, address, &upload.id).await
        {
            return Ok(Attempt::Lost(error));
        }
        Err(Stopped::Failed(error))
    }
}

/// Whether the trouble is on the way, so that a later attempt may go on where this one stopped.
fn is_transient(error: &TransferError) -> bool {
    matches!(
        error,
        TransferError::ConnectionLost { .. }
            | TransferError::ConnectionRefused { .. }
            | TransferError::HostNotFound { .. }
            | TransferError::TimedOut { .. }
            | TransferError::Throttled { .. }
            | TransferError::ExpiredCredentials { .. }
    )
}
