//! Beginning an upload in parts, and dropping it.

use std::collections::BTreeMap;

use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumType, CompletedPart};
use jiff::Timestamp;

use super::InParts;
use crate::abort::abort;
use crate::confirmation::confirms;
use crate::error::{Asked, classify};
use crate::rekey::Rekeyer;
use crate::rekey::copy::may_have_happened;
use crate::rekey::facts::{EXPIRES, StoredSum};
use crate::rekey::look::Found;
use crate::rekey::unfinished::Entry;
use crate::upload::blocked;
use crate::upload::trial::trial;
use crate::{ObjectAddress, TransferError};

/// An upload that was begun, and the parts that it has already.
pub(in crate::rekey) struct Upload {
    pub(in crate::rekey) entry: Entry,
    pub(in crate::rekey) id: String,
    pub(in crate::rekey) there: BTreeMap<i32, CompletedPart>,
}

impl Rekeyer<'_> {
    /// Aborts an upload and strikes it out.
    pub(in crate::rekey) async fn drop_upload(
        &self,
        address: &ObjectAddress,
        entry: Entry,
    ) -> Result<(), TransferError> {
        if let Some(id) = &entry.upload_id {
            abort(self.client, address, id)
                .await
                .map_err(|left| TransferError::LeftBehind {
                    cause: Box::new(TransferError::Interrupted),
                    left,
                })?;
        }
        self.unfinished.over(entry).await
    }

    /// What the record says of an upload of this version.
    pub(in crate::rekey) fn entry_of(&self, address: &ObjectAddress, found: &Found) -> Entry {
        Entry {
            key: address.key.clone(),
            source_version: found.facts.version_id.clone(),
            source_etag: found.facts.etag.clone(),
            key_id: self.rekey.key_id.clone(),
            key_md5: *self.new_key.md5(),
            begun: Timestamp::now(),
            upload_id: None,
        }
    }

    /// Begins an upload in parts, which the record knows of before and after.
    pub(super) async fn begin(&self, object: &InParts<'_>) -> Result<Upload, TransferError> {
        let (address, given) = (object.address, object.given);
        if object.found.facts.unseen_metadata > 0 {
            return Err(TransferError::NotKept {
                address: address.clone(),
                what: "metadata",
                reason: format!(
                    "{} entries cannot be read as headers, and an upload in parts takes none over",
                    object.found.facts.unseen_metadata
                ),
            });
        }
        let intent = self.entry_of(address, object.found);
        self.unfinished.intend(intent.clone()).await?;
        let expected = &given.expected;
        let header = |name| expected.header(name);
        let sum = expected.checksum.as_ref();
        let expires = header(EXPIRES);
        let answer = self
            .client
            .create_multipart_upload()
            .bucket(address.bucket.as_str())
            .key(&address.key)
            .set_cache_control(header("cache-control"))
            .set_content_disposition(header("content-disposition"))
            .set_content_encoding(header("content-encoding"))
            .set_content_language(header("content-language"))
            .set_content_type(header("content-type"))
            .set_metadata(
                (!expected.metadata.is_empty())
                    .then(|| expected.metadata.clone().into_iter().collect()),
            )
            .set_tagging(given.tagging())
            .set_storage_class(given.storage_class())
            .set_website_redirect_location(given.redirect())
            .set_object_lock_mode(given.lock_mode())
            .set_object_lock_retain_until_date(given.locked_until())
            .set_object_lock_legal_hold_status(given.legal_hold())
            .checksum_algorithm(ChecksumAlgorithm::from(
                sum.map_or("CRC64NVME", |sum| sum.algorithm),
            ))
            .checksum_type(kind(sum))
            .sse_customer_algorithm(self.new_key.algorithm())
            .sse_customer_key(self.new_key.expose_key())
            .sse_customer_key_md5(self.new_key.md5().to_string())
            .customize()
            // As it was given once: S3 keeps what is no date, too.
            .mutate_request(move |request| {
                if let Some(expires) = &expires {
                    let _ = request.headers_mut().try_insert("expires", expires.clone());
                }
            })
            .send()
            .await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                let asked = Asked::of_object("CreateMultipartUpload", self.client, address);
                let error = classify(error, &asked);
                if !may_have_happened(&error) {
                    self.unfinished.over(intent).await?;
                }
                return Err(blocked::explain(self.client, address, error).await);
            }
        };
        let Some(id) = answer.upload_id().map(str::to_owned) else {
            return Err(TransferError::UnexpectedAnswer {
                operation: "CreateMultipartUpload",
                what: "there is no upload id".to_owned(),
            });
        };
        self.unfinished.begun(intent.clone(), &id).await?;
        let entry = Entry {
            upload_id: Some(id.clone()),
            ..intent
        };
        // Before any content is copied, so that a server without SSE-C gets none.
        let confirmed = confirms(
            answer.sse_customer_algorithm(),
            answer.sse_customer_key_md5(),
            &self.new_key,
        );
        if let Err(found) = confirmed {
            let what = format!("{found}, so no content was copied");
            let tried = match answer.sse_customer_key_md5() {
                None => trial(self.client, address, &id, &self.new_key, &what).await,
                Some(_) => Err(TransferError::UnexpectedAnswer {
                    operation: "CreateMultipartUpload",
                    what,
                }),
            };
            if let Err(error) = tried {
                self.drop_upload(address, entry).await?;
                return Err(error);
            }
        }
        Ok(Upload {
            entry,
            id,
            there: BTreeMap::new(),
        })
    }
}

/// Composite only where the source's checksum is: the same parts have the same one.
pub(super) fn kind(sum: Option<&StoredSum>) -> ChecksumType {
    if sum.is_some_and(|sum| sum.is_composite) {
        ChecksumType::Composite
    } else {
        ChecksumType::FullObject
    }
}
