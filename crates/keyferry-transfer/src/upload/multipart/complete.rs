//! Making one object of the parts, and finding out whether it was made when the answer is lost
//! (S3-XFER-12).

use std::time::Duration;

use aws_sdk_s3::Config;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::types::{ChecksumType, CompletedMultipartUpload, CompletedPart};

use super::Begun;
use super::there::{listed, made};
use crate::TransferError;
use crate::abort::Aborted;
use crate::error::{Asked, classify};
use crate::upload::reading::Content;
use crate::upload::single::unquoted;

/// S3 may take minutes to put thousands of parts together.
const PATIENCE: Duration = Duration::from_secs(600);

/// Why there is no object, or a wrong one.
pub(super) enum Failed {
    /// Nothing was made; the parts are still there.
    Undone(TransferError),
    /// An object was made, but something is wrong with it.
    Stored(TransferError),
}

/// An object that was made.
pub(super) struct Completed {
    pub(super) version_id: Option<String>,
    pub(super) etag: String,
    /// Whether the server has compared the checksum. One that does not is no S3 that we know.
    pub(super) is_confirmed: bool,
}

impl Begun<'_> {
    /// Completes the upload with the checksum of the whole.
    ///
    /// A part that was sent twice may have another entity tag than the answer said that came first;
    /// then the list of parts tells, if they have our checksums.
    pub(super) async fn complete(
        &self,
        parts: Vec<CompletedPart>,
        content: &Content,
    ) -> Result<Completed, Failed> {
        let error = match self.complete_with(parts.clone(), content).await {
            Err(Failed::Undone(error)) if is_about_a_part(&error) => error,
            other => return other,
        };
        match self.as_listed(parts).await {
            Some(parts) => self.complete_with(parts, content).await,
            None => Err(Failed::Undone(error)),
        }
    }

    /// The same parts with the entity tags that they have by now.
    async fn as_listed(&self, parts: Vec<CompletedPart>) -> Option<Vec<CompletedPart>> {
        let there = listed(self.sending, &self.id).await.ok().flatten()?;
        let mut as_listed = Vec::with_capacity(parts.len());
        for mut part in parts {
            let number = part.part_number?.try_into().ok()?;
            let listed = there.get(&number)?;
            // Without a checksum nothing says that it is the same part.
            if part.checksum_crc64_nvme.is_none() || listed.crc != part.checksum_crc64_nvme {
                return None;
            }
            part.e_tag.clone_from(&listed.etag);
            as_listed.push(part);
        }
        Some(as_listed)
    }

    /// When the answer was lost on the way, the object itself tells whether it was made.
    async fn complete_with(
        &self,
        parts: Vec<CompletedPart>,
        content: &Content,
    ) -> Result<Completed, Failed> {
        let sending = self.sending;
        let crc = content.crc.to_base64();
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(PATIENCE);
        let request = sending
            .client
            .complete_multipart_upload()
            .bucket(sending.destination.bucket.as_str())
            .key(&sending.destination.key)
            .upload_id(&self.id)
            .multipart_upload(
                CompletedMultipartUpload::builder()
                    .set_parts(Some(parts))
                    .build(),
            )
            .checksum_crc64_nvme(&crc)
            .checksum_type(ChecksumType::FullObject)
            .set_if_none_match(sending.if_none_match.then(|| "*".to_owned()))
            .set_mpu_object_size(i64::try_from(content.size).ok())
            .sse_customer_algorithm(sending.key.algorithm())
            .sse_customer_key(sending.key.expose_key())
            .sse_customer_key_md5(sending.key.md5().to_string())
            .customize()
            .config_override(Config::builder().timeout_config(timeouts.build()))
            .send();
        let Some(answer) = sending.cancel.run_until_cancelled(request).await else {
            return Err(Failed::Undone(TransferError::Interrupted));
        };
        match answer {
            Ok(answer) => {
                sending
                    .compare_checksum(&crc, answer.checksum_crc64_nvme())
                    .map_err(Failed::Stored)?;
                Ok(Completed {
                    version_id: answer.version_id().map(str::to_owned),
                    etag: unquoted(answer.e_tag()),
                    is_confirmed: answer.checksum_crc64_nvme().is_some(),
                })
            }
            Err(error) => {
                let asked = Asked::of_object(
                    "CompleteMultipartUpload",
                    sending.client,
                    sending.destination,
                );
                let error = classify(error, &asked);
                if self.is_gone(&error).await
                    && let Some(made) = self.made(&crc, content).await
                {
                    return Ok(made);
                }
                Err(Failed::Undone(error))
            }
        }
    }

    /// True when the upload no longer exists, although nobody aborted it: then the request was
    /// carried out and only its answer was lost. Where the error does not tell, aborting does, or
    /// listing the parts where they are to be kept.
    async fn is_gone(&self, error: &TransferError) -> bool {
        match error {
            TransferError::Service { answer, .. }
                if answer.code.as_deref() == Some("NoSuchUpload") =>
            {
                true
            }
            TransferError::Service { answer, .. } if answer.status < 500 => false,
            TransferError::Service { .. }
            | TransferError::ConnectionLost { .. }
            | TransferError::ConnectionRefused { .. }
            | TransferError::TimedOut { .. }
            | TransferError::Throttled { .. }
            | TransferError::UnexpectedAnswer { .. }
            // In the way may be what an earlier attempt made.
            | TransferError::ObjectExists { .. } => {
                if self.is_kept() {
                    return matches!(listed(self.sending, &self.id).await, Ok(None));
                }
                matches!(self.try_abort().await, Ok(Aborted::Gone))
            }
            _ => false,
        }
    }

    /// Looks for an object with our key, size and checksum.
    async fn made(&self, crc: &str, content: &Content) -> Option<Completed> {
        let made = made(self.sending, content.size).await.ok().flatten()?;
        (made.crc == crc).then_some(Completed {
            version_id: made.version_id,
            etag: made.etag,
            is_confirmed: true,
        })
    }
}

fn is_about_a_part(error: &TransferError) -> bool {
    matches!(
        error,
        TransferError::Service { answer, .. } if answer.code.as_deref() == Some("InvalidPart")
    )
}
