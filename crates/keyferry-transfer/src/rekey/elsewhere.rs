//! Copies to another place under another key.
//!
//! The course of an object is that of re-encrypting: look, copy, check. What is different: source and
//! destination are two objects, perhaps in two buckets and regions, and locks and access control lists
//! stay behind.
//!
//! The server is asked to copy. One that cannot, because source and destination are on servers or in
//! regions that do not see each other, leaves it to this machine: a download and an upload side by
//! side.

use futures::future::FutureExt;

use super::copier::{Copied, Copying, HowCopied};
use super::copy::Attempt;
use super::course::TRIES;
use super::facts::{EXPIRES, REDIRECT, StoredSum};
use super::layout::PART_LAYOUT;
use super::look::{Found, Look, SourceKey};
use super::outcome::{Left, Note};
use super::parts::InParts;
use super::reissue::Given;
use super::{Rekeyer, check};
use crate::relay::relay;
use crate::{
    ContentHeaders, Download, DownloadTarget, Event, KEY_TAG, ListedVersion, ObjectAddress,
    TransferError, Upload, UploadSource,
};

/// A copy that was made, until it is known to be right.
struct Made {
    found: Box<Found>,
    given: Given,
    version_id: Option<String>,
    through_here: bool,
}

impl Rekeyer<'_> {
    pub(super) async fn copy_elsewhere(
        &self,
        with: &Copying,
        listed: &ListedVersion,
        key: &str,
    ) -> Result<HowCopied, TransferError> {
        let bad_name = |error: crate::ParseAddressError| TransferError::UnexpectedAnswer {
            operation: "CopyObject",
            what: error.to_string(),
        };
        let source =
            ObjectAddress::new(with.source_bucket.clone(), &*listed.key).map_err(bad_name)?;
        let to = ObjectAddress::new(self.rekey.bucket.clone(), key).map_err(bad_name)?;
        let (mut lost, mut seen) = (None, None);
        for _ in 0..TRIES {
            if self.cancel.is_cancelled() {
                return Err(TransferError::Interrupted);
            }
            let version = listed.version_id.as_deref();
            let found = match self
                .look_at(source.clone(), listed, version)
                .boxed()
                .await?
            {
                Look::Found(found) => found,
                Look::Gone => return Ok(HowCopied::Left(Left::Gone)),
                Look::UnknownKey { tag, tried } => {
                    return Ok(HowCopied::Left(Left::UnknownKey { tag, tried }));
                }
            };
            if let Some(class) = found.facts.archived() {
                return Ok(HowCopied::Left(Left::Archived(class)));
            }
            let mut given = self.given_elsewhere(&found.facts, found.key_id());
            self.expect_layout(&found, &mut given);
            // The server says that it changed, and it did not: the server does not see it.
            let is_unseen = seen.as_ref() == Some(&found.facts.etag);
            let attempt = match with.through_here || is_unseen {
                true => return self.through_here(with, found, given, &to).boxed().await,
                false => self.ask_server(&found, given, &to).boxed().await,
            };
            match attempt {
                Ok((Attempt::Made { version_id, .. }, given)) => {
                    let made = Made {
                        found,
                        given,
                        version_id,
                        through_here: false,
                    };
                    return self.judge(with, made, &to).boxed().await;
                }
                Ok((Attempt::Changed, _)) => {
                    seen = Some(found.facts.etag.clone());
                    lost = None;
                }
                Ok((Attempt::Lost(error), _)) => lost = Some(error),
                Err(error) if cannot_copy(&error) => {
                    let mut given = self.given_elsewhere(&found.facts, found.key_id());
                    self.expect_layout(&found, &mut given);
                    return self.through_here(with, found, given, &to).boxed().await;
                }
                Err(error) => return Err(error),
            }
        }
        Err(lost.unwrap_or(TransferError::KeepsChanging {
            address: source,
            times: TRIES,
        }))
    }

    async fn ask_server(
        &self,
        found: &Found,
        given: Given,
        to: &ObjectAddress,
    ) -> Result<(Attempt, Given), TransferError> {
        match self.ask_server_once(found, &given, to).await {
            // Writing tags is a permission of its own, and one that may be missing.
            Err(TransferError::AccessDenied { target, answer })
                if given.expected.tags.len() == 1 =>
            {
                let denied = TransferError::AccessDenied { target, answer };
                let Some(untagged) = given.without_key_tag() else {
                    return Err(denied);
                };
                match self.ask_server_once(found, &untagged, to).await {
                    Ok(attempt) => Ok((attempt, untagged)),
                    Err(_) => Err(denied),
                }
            }
            attempt => Ok((attempt?, given)),
        }
    }

    async fn ask_server_once(
        &self,
        found: &Found,
        given: &Given,
        to: &ObjectAddress,
    ) -> Result<Attempt, TransferError> {
        if !self.goes_in_parts(&found.facts) {
            let attempt = self.copy_whole(to, found, given, None).boxed().await?;
            if let Attempt::Made { .. } = attempt {
                let bytes = found.facts.size;
                self.observer.on(Event::Advanced { bytes });
            }
            return Ok(attempt);
        }
        let parts = self.layout(&found.address, found).boxed().await?;
        let resumed = self.resume(to, found, &parts).boxed().await?;
        let object = InParts {
            address: to,
            found,
            given,
            replaces: None,
            parts,
        };
        self.copy_in_parts(&object, resumed).boxed().await
    }

    /// A download and an upload at once.
    async fn through_here(
        &self,
        with: &Copying,
        found: Box<Found>,
        mut given: Given,
        to: &ObjectAddress,
    ) -> Result<HowCopied, TransferError> {
        let SourceKey::Key(_, source_key, _) = &found.source else {
            return Err(TransferError::NotCustomerEncrypted {
                address: found.address.clone(),
                version_id: found.facts.version_id.clone(),
            });
        };
        let expected = &given.expected;
        // Both are set where they are joined.
        let nowhere = DownloadTarget::Writer(Box::new(tokio::io::sink()));
        let mut source = Download::new(found.address.clone(), source_key.clone(), nowhere);
        source.version_id = found.facts.version_id.clone();
        source.engine = with.engine.clone();
        let nothing = UploadSource::Reader(Box::new(tokio::io::empty()));
        let key = self.rekey.key.clone();
        let mut upload = Upload::new(nothing, to.clone(), with.region.clone(), key);
        upload.key_id = expected
            .tags
            .contains_key(KEY_TAG)
            .then(|| self.rekey.key_id.clone());
        upload.engine = with.engine.clone();
        upload.expected_size = Some(found.facts.size);
        upload.content_type = expected.header("content-type");
        upload.metadata = expected.metadata.clone();
        upload.tags = expected.tags.clone();
        upload.tags.remove(KEY_TAG);
        upload.headers = ContentHeaders {
            cache_control: expected.header("cache-control"),
            content_disposition: expected.header("content-disposition"),
            content_encoding: expected.header("content-encoding"),
            content_language: expected.header("content-language"),
            expires: expected.header(EXPIRES),
            website_redirect: expected.header(REDIRECT),
            storage_class: given.storage_class().map(|class| class.as_str().to_owned()),
        };
        let client = self.client;
        let (_, uploaded) = relay(
            self.others,
            source,
            client,
            upload,
            self.observer,
            self.cancel,
        )
        .await?;
        let receipt = uploaded.receipt;
        // The content was compared with the source's checksum as it came, whatever that is.
        let sum = StoredSum {
            algorithm: "CRC64NVME",
            value: receipt.checksum.value,
            is_composite: false,
        };
        if let Some(source) = &found.facts.checksum
            && source.algorithm == sum.algorithm
            && !source.is_composite
            && source.value != sum.value
        {
            return Err(TransferError::ChecksumMismatch {
                place: format!("the copy of `{}`", found.address),
                algorithm: sum.algorithm.to_owned(),
                expected: source.value.clone(),
                computed: sum.value,
            });
        }
        given.expected.checksum = Some(sum);
        given.expected.etag = receipt.etag;
        let made = Made {
            found,
            given,
            version_id: receipt.version_id,
            through_here: true,
        };
        self.judge(with, made, to).await
    }

    /// Looks at what was made.
    async fn judge(
        &self,
        with: &Copying,
        made: Made,
        to: &ObjectAddress,
    ) -> Result<HowCopied, TransferError> {
        let Made {
            found,
            given: Given {
                mut expected,
                mut notes,
            },
            version_id,
            through_here,
        } = made;
        let Some(seen) = self.look_at_new(to, version_id.as_deref()).boxed().await? else {
            return Err(TransferError::CopyGone {
                address: to.clone(),
                version_id,
            });
        };
        if seen.lock != expected.lock {
            // Nothing asked for it but the bucket, which locks what is new.
            notes.push(Note::LockedByDefault);
            expected.lock = seen.lock.clone();
        }
        if through_here && !seen.tags.contains_key(KEY_TAG) && expected.tags.len() == 1 {
            // The upload went without it, where tags may not be written.
            expected.tags.remove(KEY_TAG);
            notes.push(Note::TagDenied);
        }
        if through_here
            && seen.checksum.is_none()
            && let Some(sent) = expected.checksum.take()
        {
            let read_back = self.read_back(with, to, version_id.as_deref(), &sent);
            read_back.boxed().await?;
        }
        let differences = check::differences(&expected, &seen);
        let copied = Copied {
            from: found.key_id().cloned(),
            source_version: found.facts.version_id.clone(),
            version_id,
            size: found.facts.size,
            parts: seen.part_count(),
            through_here,
            notes,
        };
        Ok(match differences.is_empty() {
            true => HowCopied::Copied(copied),
            false => HowCopied::Differs {
                copied,
                differences,
            },
        })
    }
}

/// Whether the server says that it cannot copy, rather than that it may not.
fn cannot_copy(error: &TransferError) -> bool {
    match error {
        TransferError::Service { operation, answer } => {
            matches!(*operation, "CopyObject" | "UploadPartCopy") && answer.status == 501
        }
        // Through a VPC endpoint S3 copies within a region only, and says so in a denial.
        TransferError::AccessDenied { answer, .. } => answer
            .message
            .as_deref()
            .is_some_and(|message| message.contains("cross-region")),
        // Parts can be copied only as they are, and this server does not tell how they are.
        TransferError::NotKept { what, .. } => *what == PART_LAYOUT,
        _ => false,
    }
}
