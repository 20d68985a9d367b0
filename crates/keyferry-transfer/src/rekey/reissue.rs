//! What has to be given to the new version explicitly, because no copy takes it over, and what cannot
//! be given.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::types::{
    Grant, ObjectLockLegalHoldStatus, ObjectLockMode, ObjectLockRetentionMode, StorageClass,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::facts::{Facts, Lock, REDIRECT};
use super::{LockState, Note, Ownership, Rekeyer};
use crate::error::{Asked, classify};
use crate::{KEY_TAG, ObjectAddress, TransferError};

const MAX_TAGS: usize = 10;
/// All that a query value may hold without encoding.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// What the new version is to be: what the old one is, but for the tag that names the key.
pub(super) struct Given {
    /// What the new version must turn out to be.
    pub(super) expected: Facts,
    pub(super) notes: Vec<Note>,
}

impl Given {
    /// As in the header `x-amz-tagging`: a URL query.
    pub(super) fn tagging(&self) -> Option<String> {
        let encode = |text| utf8_percent_encode(text, ENCODED);
        let pairs: Vec<String> = self
            .expected
            .tags
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("&"))
    }

    /// Absent for the class that a request without one means.
    pub(super) fn storage_class(&self) -> Option<StorageClass> {
        let class = self.expected.storage_class.as_str();
        (class != "STANDARD").then(|| StorageClass::from(class))
    }

    pub(super) fn redirect(&self) -> Option<String> {
        self.expected.header(REDIRECT)
    }

    pub(super) fn lock_mode(&self) -> Option<ObjectLockMode> {
        let (mode, _) = self.expected.lock.retention.as_ref()?;
        Some(ObjectLockMode::from(mode.as_str()))
    }

    pub(super) fn locked_until(&self) -> Option<aws_sdk_s3::primitives::DateTime> {
        let (_, until) = self.expected.lock.retention.as_ref()?;
        Some(*until)
    }

    pub(super) fn legal_hold(&self) -> Option<ObjectLockLegalHoldStatus> {
        self.expected
            .lock
            .hold
            .then_some(ObjectLockLegalHoldStatus::On)
    }

    /// The same without the tag that names the key, where that was the only one.
    pub(super) fn without_key_tag(mut self) -> Option<Self> {
        self.expected.tags.remove(KEY_TAG)?;
        self.notes.push(Note::TagDenied);
        self.expected.tags.is_empty().then_some(self)
    }
}

impl Rekeyer<'_> {
    /// Settles what a copy elsewhere is to be: the same but for locks and access control lists, which
    /// belong to the place that an object has.
    pub(super) fn given_elsewhere(
        &self,
        facts: &Facts,
        opened_by: Option<&keyferry_key::KeyId>,
    ) -> Given {
        let mut given = self.labelled(facts, opened_by);
        given.expected.lock = Lock::default();
        given
    }

    /// Settles what the new version of an object is to be.
    pub(super) async fn given(
        &self,
        address: &ObjectAddress,
        facts: &Facts,
        opened_by: Option<&keyferry_key::KeyId>,
    ) -> Result<Given, TransferError> {
        let Given {
            mut expected,
            mut notes,
        } = self.labelled(facts, opened_by);
        if self.bucket.lock == LockState::On {
            expected.lock = self.lock(address, facts).await?;
        }
        expected.lock.retention = expected.lock.retention_in_force().cloned();
        if self.bucket.ownership != Ownership::Enforced {
            notes.extend(self.grants(address, facts).await?);
        }
        Ok(Given { expected, notes })
    }

    /// The same under the tag of the new key.
    fn labelled(&self, facts: &Facts, opened_by: Option<&keyferry_key::KeyId>) -> Given {
        let mut notes = Vec::new();
        let mut expected = facts.clone();
        if facts.checksum.is_none() {
            notes.push(Note::NoChecksum);
        }
        if self.rekey.renew {
            return Given { expected, notes };
        }
        if let Some(tag) = expected.tags.remove(KEY_TAG)
            && opened_by.map(keyferry_key::KeyId::as_str) != Some(tag.as_str())
        {
            notes.push(Note::WrongTag { tag });
        }
        if expected.tags.len() < MAX_TAGS {
            let id = self.rekey.key_id.to_string();
            expected.tags.insert(KEY_TAG.to_owned(), id);
        } else {
            notes.push(Note::TagSetFull);
        }
        Given { expected, notes }
    }

    /// Legal hold and retention. HEAD leaves them out for those who may not read them, so they are
    /// asked for (S3-LOCK-8).
    async fn lock(&self, address: &ObjectAddress, facts: &Facts) -> Result<Lock, TransferError> {
        let version = facts.version_id.as_deref();
        let hold = match self
            .client
            .get_object_legal_hold()
            .bucket(address.bucket.as_str())
            .key(&address.key)
            .set_version_id(version.map(str::to_owned))
            .send()
            .await
        {
            Ok(answer) => answer
                .legal_hold()
                .and_then(|hold| hold.status())
                .is_some_and(|status| *status == ObjectLockLegalHoldStatus::On),
            Err(error) if has_none(&error) => false,
            Err(error) => {
                let asked = Asked::of_object("GetObjectLegalHold", self.client, address);
                return Err(unreadable(
                    classify(error, &asked.version(version)),
                    address,
                    "legal hold",
                ));
            }
        };
        let retention = match self
            .client
            .get_object_retention()
            .bucket(address.bucket.as_str())
            .key(&address.key)
            .set_version_id(version.map(str::to_owned))
            .send()
            .await
        {
            Ok(answer) => answer.retention().and_then(|retention| {
                let mode = retention
                    .mode()
                    .map(|mode: &ObjectLockRetentionMode| mode.as_str().to_owned())?;
                Some((mode, *retention.retain_until_date()?))
            }),
            Err(error) if has_none(&error) => None,
            Err(error) => {
                let asked = Asked::of_object("GetObjectRetention", self.client, address);
                return Err(unreadable(
                    classify(error, &asked.version(version)),
                    address,
                    "retention",
                ));
            }
        };
        Ok(Lock { hold, retention })
    }

    /// Rights that the access control list gives to others than the owner: a copy has none of them.
    async fn grants(
        &self,
        address: &ObjectAddress,
        facts: &Facts,
    ) -> Result<Option<Note>, TransferError> {
        let version = facts.version_id.as_deref();
        let answer = self
            .client
            .get_object_acl()
            .bucket(address.bucket.as_str())
            .key(&address.key)
            .set_version_id(version.map(str::to_owned))
            .send()
            .await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                let asked = Asked::of_object("GetObjectAcl", self.client, address);
                return match classify(error, &asked.version(version)) {
                    TransferError::AccessDenied { .. }
                    | TransferError::Service { .. }
                    // If it is gone, the copy will tell.
                    | TransferError::NoSuchObject { .. } => Ok(Some(Note::GrantsUnknown)),
                    error => Err(error),
                };
            }
        };
        let owner = answer.owner().and_then(|owner| owner.id());
        let grants: Vec<String> = answer
            .grants()
            .iter()
            .filter(|grant| {
                let grantee = grant.grantee().and_then(|grantee| grantee.id());
                grantee.is_none() || grantee != owner
            })
            .map(describe)
            .collect();
        Ok((!grants.is_empty()).then_some(Note::GrantsNotKept { grants }))
    }
}

fn describe(grant: &Grant) -> String {
    let grantee = grant.grantee().and_then(|grantee| {
        grantee
            .uri()
            .or_else(|| grantee.display_name())
            .or_else(|| grantee.id())
    });
    let permission = grant
        .permission()
        .map_or("?", |permission| permission.as_str());
    format!("{permission} to {}", grantee.unwrap_or("?"))
}

/// Whether the answer says that there is no lock, or no Object Lock.
fn has_none<E, R>(error: &SdkError<E, R>) -> bool
where
    E: ProvideErrorMetadata,
{
    error.as_service_error().is_some_and(|service| {
        service.code() == Some("NoSuchObjectLockConfiguration")
            || service.code() == Some("ObjectLockConfigurationNotFoundError")
    })
}

fn unreadable(error: TransferError, address: &ObjectAddress, what: &'static str) -> TransferError {
    match error {
        TransferError::AccessDenied { answer, .. } => TransferError::NotKept {
            address: address.clone(),
            what,
            reason: format!("it may not be read: {answer}"),
        },
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn facts(tags: &[(&str, &str)]) -> Facts {
        let head = aws_sdk_s3::operation::head_object::HeadObjectOutput::builder().build();
        Facts {
            tags: tags
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..Facts::of(head)
        }
    }

    #[test]
    fn tags_become_a_query() {
        let given = Given {
            expected: facts(&[("a b", "1+1=2 /@"), ("Größe", "")]),
            notes: Vec::new(),
        };
        assert_eq!(
            given.tagging().unwrap(),
            "Gr%C3%B6%C3%9Fe=&a%20b=1%2B1%3D2%20%2F%40"
        );
        let none = Given {
            expected: facts(&[]),
            notes: Vec::new(),
        };
        assert_eq!(none.tagging(), None);
    }

    #[test]
    fn other_tags_are_never_dropped() {
        let given = |tags: &[(&str, &str)]| Given {
            expected: facts(tags),
            notes: Vec::new(),
        };
        assert!(
            given(&[(KEY_TAG, "x"), ("a", "b")])
                .without_key_tag()
                .is_none()
        );
        let alone = given(&[(KEY_TAG, "x")]).without_key_tag().unwrap();
        assert_eq!(alone.expected.tags, BTreeMap::new());
        assert_eq!(alone.notes, [Note::TagDenied]);
    }
}
