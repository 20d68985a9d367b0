//! Looking at the current version of an object: which key opens it, and all that belongs to it.
//!
//! A hint (from a catalogue, or the object's tag) is tried first. If it does not hold, a HEAD without
//! key tells what there is to find (S3-XFER-4): 400 means that a customer key is needed, 200 that none
//! is, 403 that permission is missing. Only then are other keys tried, so that a missing permission is
//! never taken for an unknown key.

use std::collections::BTreeMap;

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::ChecksumMode;
use keyferry_key::{CustomerKey, CustomerKeyHeaders, KeyId};

use super::facts::Facts;
use super::{ListedVersion, Rekeyer};
use crate::confirmation::confirms;
use crate::error::{Asked, classify, explain_bodyless, is_status};
use crate::{KEY_TAG, ObjectAddress, TransferError};

/// A version, and what opens it.
pub(super) struct Found {
    /// Where it is.
    pub(super) address: ObjectAddress,
    pub(super) facts: Facts,
    pub(super) source: SourceKey,
}

/// What opens a version.
pub(super) enum SourceKey {
    Key(KeyId, CustomerKey, CustomerKeyHeaders),
    /// It is under no customer key.
    None,
}

pub(super) enum Look {
    Found(Box<Found>),
    UnknownKey { tag: Option<String>, tried: usize },
    Gone,
}

/// What a HEAD came to.
enum Seen {
    /// The key opens it, or without a key, it needs none.
    Open(Box<HeadObjectOutput>),
    /// Refused with this status.
    Refused(u16, TransferError),
    Gone,
}

impl Rekeyer<'_> {
    /// Looks at a version; at the current one where none is named.
    pub(super) async fn look(
        &self,
        listed: &ListedVersion,
        version_id: Option<&str>,
    ) -> Result<Look, TransferError> {
        self.look_at(self.address(&listed.key)?, listed, version_id)
            .await
    }

    /// Looks at a version of an object that may be in another bucket.
    pub(super) async fn look_at(
        &self,
        address: ObjectAddress,
        listed: &ListedVersion,
        version_id: Option<&str>,
    ) -> Result<Look, TransferError> {
        let Some(mut tags) = self.tags(&address, version_id).await? else {
            return Ok(Look::Gone);
        };
        let tag = tags.get(KEY_TAG).cloned();
        let named = tag.as_deref().and_then(|tag| tag.parse().ok());
        let candidates = self.finder.candidates(listed, named.as_ref());
        let found = match self.open(&address, version_id, candidates).await? {
            Opened::With(head, source) => Found {
                address: address.clone(),
                facts: Facts::of(*head),
                source,
            },
            Opened::ByNone { tried } => return Ok(Look::UnknownKey { tag, tried }),
            Opened::Gone => return Ok(Look::Gone),
        };
        let mut found = Box::new(found);
        // Tags and HEAD are two requests: a version written in between has tags of its own.
        if version_id.is_none()
            && let Some(seen) = found.facts.version_id.clone()
            && Some(&seen) != listed.version_id.as_ref()
        {
            let Some(own) = self.tags(&address, Some(&seen)).await? else {
                return Ok(Look::Gone);
            };
            tags = own;
        }
        found.facts.tags = tags;
        Ok(Look::Found(found))
    }

    async fn open(
        &self,
        address: &ObjectAddress,
        version_id: Option<&str>,
        candidates: super::Candidates,
    ) -> Result<Opened, TransferError> {
        let mut tried = 0;
        if let Some((id, key)) = candidates.hinted {
            tried += 1;
            match self.try_key(address, version_id, &id, &key).await? {
                Tried::Opens(opened) => return Ok(opened),
                Tried::Gone => return Ok(Opened::Gone),
                Tried::Refused => {}
            }
        }
        let refusal = match self.head(address, version_id, None).await? {
            Seen::Open(head) => return Ok(Opened::With(head, SourceKey::None)),
            Seen::Gone => return Ok(Opened::Gone),
            Seen::Refused(400, refusal) => refusal,
            Seen::Refused(_, refusal) => return Err(refusal),
        };
        for (id, key) in candidates.others {
            tried += 1;
            match self.try_key(address, version_id, &id, &key).await? {
                Tried::Opens(opened) => return Ok(opened),
                Tried::Gone => return Ok(Opened::Gone),
                Tried::Refused => {}
            }
        }
        self.needs_a_key(address, version_id, refusal).await?;
        Ok(Opened::ByNone { tried })
    }

    async fn try_key(
        &self,
        address: &ObjectAddress,
        version_id: Option<&str>,
        id: &KeyId,
        key: &CustomerKey,
    ) -> Result<Tried, TransferError> {
        let headers = key.headers();
        Ok(
            match self.head(address, version_id, Some(&headers)).await? {
                Seen::Gone => Tried::Gone,
                Seen::Refused(..) => Tried::Refused,
                Seen::Open(head) => {
                    let (algorithm, md5) =
                        (head.sse_customer_algorithm(), head.sse_customer_key_md5());
                    if confirms(algorithm, md5, &headers).is_ok() {
                        Tried::Opens(Opened::With(
                            head,
                            SourceKey::Key(id.clone(), key.clone(), headers),
                        ))
                    } else {
                        // A server that gives the object to whoever asks; HEAD without key will tell.
                        Tried::Refused
                    }
                }
            },
        )
    }

    async fn head(
        &self,
        address: &ObjectAddress,
        version_id: Option<&str>,
        key: Option<&CustomerKeyHeaders>,
    ) -> Result<Seen, TransferError> {
        let client = self.client_of(address);
        let answer = client
            .head_object()
            .bucket(address.bucket.as_str())
            .key(&address.key)
            .set_version_id(version_id.map(str::to_owned))
            .checksum_mode(ChecksumMode::Enabled)
            .set_sse_customer_algorithm(key.map(|key| key.algorithm().to_owned()))
            .set_sse_customer_key(key.map(|key| key.expose_key().to_owned()))
            .set_sse_customer_key_md5(key.map(|key| key.md5().to_string()))
            .send()
            .await;
        let error = match answer {
            Ok(head) => return Ok(Seen::Open(Box::new(head))),
            Err(error) => error,
        };
        if is_status(&error, 404) || is_status(&error, 405) {
            return Ok(Seen::Gone);
        }
        let status = [400, 403]
            .into_iter()
            .find(|status| is_status(&error, *status));
        let asked = Asked::of_object("HeadObject", client, address).version(version_id);
        let error = classify(error, &asked);
        match status {
            Some(status) => Ok(Seen::Refused(status, error)),
            None => Err(explain_bodyless(&asked, error).await),
        }
    }

    /// Makes sure that a HEAD was refused for want of a key: expired credentials look the same, as
    /// the answer has no text. A GET's has.
    async fn needs_a_key(
        &self,
        address: &ObjectAddress,
        version_id: Option<&str>,
        refusal: TransferError,
    ) -> Result<(), TransferError> {
        let client = self.client_of(address);
        let answer = client
            .get_object()
            .bucket(address.bucket.as_str())
            .key(&address.key)
            .set_version_id(version_id.map(str::to_owned))
            .send()
            .await;
        let Err(error) = answer else {
            return Err(refusal);
        };
        let asked = Asked::of_object("GetObject", client, address).version(version_id);
        match classify(error, &asked) {
            TransferError::MissingKey { .. } => Ok(()),
            // Not S3's words, but an answer to this very question.
            TransferError::Service { answer, .. } if answer.status == 400 => Ok(()),
            error => Err(error),
        }
    }

    /// Whether a version opens with the new key, and is refused to whoever has none.
    pub(super) async fn is_under_new_key(
        &self,
        address: &ObjectAddress,
        version_id: Option<&str>,
    ) -> Result<bool, TransferError> {
        let opens = match self.head(address, version_id, Some(&self.new_key)).await? {
            Seen::Open(head) => {
                let md5 = head.sse_customer_key_md5();
                confirms(head.sse_customer_algorithm(), md5, &self.new_key).is_ok()
            }
            Seen::Refused(..) | Seen::Gone => false,
        };
        let without = self.head(address, version_id, None).await?;
        Ok(opens && matches!(without, Seen::Refused(400, _)))
    }

    /// The tags of a version; `None` where it is not there.
    pub(super) async fn tags(
        &self,
        address: &ObjectAddress,
        version_id: Option<&str>,
    ) -> Result<Option<BTreeMap<String, String>>, TransferError> {
        let client = self.client_of(address);
        let answer = client
            .get_object_tagging()
            .bucket(address.bucket.as_str())
            .key(&address.key)
            .set_version_id(version_id.map(str::to_owned))
            .send()
            .await;
        match answer {
            Ok(answer) => Ok(Some(
                answer
                    .tag_set
                    .into_iter()
                    .map(|tag| (tag.key, tag.value))
                    .collect(),
            )),
            Err(error) => {
                let asked =
                    Asked::of_object("GetObjectTagging", client, address).version(version_id);
                match classify(error, &asked) {
                    TransferError::NoSuchObject { .. } => Ok(None),
                    TransferError::AccessDenied { answer, .. } => Err(TransferError::NotKept {
                        address: address.clone(),
                        what: "tags",
                        reason: format!("they may not be read: {answer}"),
                    }),
                    error => Err(error),
                }
            }
        }
    }

    /// A version that was made, with its tags, opened with the new key.
    pub(super) async fn look_at_new(
        &self,
        address: &ObjectAddress,
        version_id: Option<&str>,
    ) -> Result<Option<Facts>, TransferError> {
        let head = match self.head(address, version_id, Some(&self.new_key)).await? {
            Seen::Open(head) => head,
            Seen::Gone => return Ok(None),
            Seen::Refused(_, refusal) => return Err(refusal),
        };
        confirms(
            head.sse_customer_algorithm(),
            head.sse_customer_key_md5(),
            &self.new_key,
        )
        .map_err(|found| TransferError::SseCNotConfirmed {
            address: address.clone(),
            version_id: version_id.map(str::to_owned),
            found,
        })?;
        let Some(tags) = self.tags(address, version_id).await? else {
            return Ok(None);
        };
        Ok(Some(Facts {
            tags,
            ..Facts::of(*head)
        }))
    }
}

enum Opened {
    With(Box<HeadObjectOutput>, SourceKey),
    ByNone { tried: usize },
    Gone,
}

enum Tried {
    Opens(Opened),
    Refused,
    Gone,
}

impl Found {
    /// The id of the key that opens it.
    pub(super) fn key_id(&self) -> Option<&KeyId> {
        match &self.source {
            SourceKey::Key(id, ..) => Some(id),
            SourceKey::None => None,
        }
    }

    /// The key for the headers of a copy's source.
    pub(super) fn source_headers(&self) -> Option<&CustomerKeyHeaders> {
        match &self.source {
            SourceKey::Key(_, _, headers) => Some(headers),
            SourceKey::None => None,
        }
    }
}
